//! Paths relative to some root (workspace, input tree, output tree), always normalized.

use std::borrow::Borrow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A normalized path relative to a root that the context names; the empty path is the root
/// itself. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelPath(Arc<str>);

/// Why a text is not a [`RelPath`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// The text.
    pub path: String,
    /// What is wrong with it, to be put behind the path.
    pub reason: &'static str,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "path `{}` {}", self.path, self.reason)
    }
}

impl std::error::Error for PathError {}

impl RelPath {
    /// The root itself.
    pub fn root() -> RelPath {
        RelPath(Arc::from(""))
    }

    /// Takes a path that must be normalized already.
    pub fn new(path: impl AsRef<str>) -> Result<RelPath, PathError> {
        let path = path.as_ref();
        check(path).map_err(|reason| PathError {
            path: path.to_owned(),
            reason,
        })?;
        Ok(RelPath(Arc::from(path)))
    }

    /// Takes a path with `.`, `..` or doubled slashes and normalizes it; one that is absolute or
    /// climbs above the root is an error.
    pub fn normalize(path: &str) -> Result<RelPath, PathError> {
        let fail = |reason| {
            Err(PathError {
                path: path.to_owned(),
                reason,
            })
        };
        if path.starts_with('/') {
            return fail("is absolute");
        }
        let mut parts: Vec<&str> = Vec::new();
        for part in path.split('/') {
            match part {
                "" | "." => {}
                ".." if parts.pop().is_none() => return fail("leaves its root"),
                ".." => {}
                part if part.contains('\0') => return fail("contains a NUL byte"),
                part => parts.push(part),
            }
        }
        Ok(RelPath(Arc::from(parts.join("/"))))
    }

    /// The text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// This path with `tail` behind it. `tail` must be normalized (checked).
    pub fn join(&self, tail: &str) -> Result<RelPath, PathError> {
        let tail = RelPath::new(tail)?;
        Ok(self.append(&tail))
    }

    /// This path with another one behind it.
    pub fn append(&self, tail: &RelPath) -> RelPath {
        match (self.is_root(), tail.is_root()) {
            (true, _) => tail.clone(),
            (_, true) => self.clone(),
            _ => RelPath(Arc::from(format!("{}/{}", self.0, tail.0))),
        }
    }

    /// The path without its last component; `None` for the root.
    pub fn parent(&self) -> Option<RelPath> {
        if self.is_root() {
            return None;
        }
        Some(match self.0.rfind('/') {
            Some(slash) => RelPath(Arc::from(&self.0[..slash])),
            None => RelPath::root(),
        })
    }

    /// The last component; empty for the root.
    pub fn file_name(&self) -> &str {
        match self.0.rfind('/') {
            Some(slash) => &self.0[slash + 1..],
            None => &self.0,
        }
    }

    /// The components, from the root down.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// What is left when `prefix` is taken off as whole components.
    pub fn strip_prefix(&self, prefix: &RelPath) -> Option<RelPath> {
        if prefix.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&*prefix.0)?;
        if rest.is_empty() {
            return Some(RelPath::root());
        }
        rest.strip_prefix('/').map(|rest| RelPath(Arc::from(rest)))
    }

    /// The path below an absolute (or any) folder of the file system.
    pub fn under(&self, folder: &Path) -> PathBuf {
        if self.is_root() {
            folder.to_owned()
        } else {
            folder.join(&*self.0)
        }
    }
}

fn check(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Ok(());
    }
    if path.starts_with('/') {
        return Err("is absolute");
    }
    for part in path.split('/') {
        match part {
            "" => return Err("has an empty component"),
            "." | ".." => return Err("is not normalized"),
            part if part.contains('\0') => return Err("contains a NUL byte"),
            _ => {}
        }
    }
    Ok(())
}

impl fmt::Display for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RelPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl Borrow<str> for RelPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_normalized_paths_are_taken() {
        for good in ["", "a", "a/b", "a b/c", "...", "ä"] {
            assert_eq!(
                RelPath::new(good).map(|p| p.to_string()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "/", "/a", "a/", "a//b", ".", "..", "a/../b", "a/./b", "a\0b",
        ] {
            assert!(RelPath::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn normalizing_never_leaves_the_root() {
        assert_eq!(
            RelPath::normalize("./a//b/../c/").map(|p| p.to_string()),
            Ok("a/c".to_owned())
        );
        for bad in ["..", "a/../..", "/a"] {
            assert!(RelPath::normalize(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parts() {
        let path = RelPath::new("a/b/c").unwrap();
        assert_eq!(path.file_name(), "c");
        assert_eq!(path.parent().unwrap().as_str(), "a/b");
        assert_eq!(
            path.strip_prefix(&RelPath::new("a").unwrap())
                .unwrap()
                .as_str(),
            "b/c"
        );
        assert_eq!(
            path.strip_prefix(&RelPath::new("a/b/c").unwrap())
                .unwrap()
                .as_str(),
            ""
        );
        assert_eq!(
            RelPath::new("ab")
                .unwrap()
                .strip_prefix(&RelPath::new("a").unwrap()),
            None
        );
        assert_eq!(RelPath::root().parent(), None);
    }
}
