//! Finding the workspace.

use std::path::{Path, PathBuf};

use kiln_base::RelPath;
use kiln_diag::Diag;

/// Files that mark the root of a workspace (Bazel's, and kiln's own).
pub const ROOT_MARKERS: [&str; 5] = [
    "MODULE.bazel",
    "REPO.bazel",
    "WORKSPACE.bazel",
    "WORKSPACE",
    "kiln.toml",
];

/// A workspace and where in it the user stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    /// The absolute path of its root.
    pub root: PathBuf,
    /// The user's folder, relative to the root.
    pub cwd: RelPath,
}

impl Workspace {
    /// The nearest folder from `cwd` (absolute) upwards with one of [`ROOT_MARKERS`] as a file.
    ///
    /// Errors: there is none; the path between the two is not UTF-8.
    pub fn find(cwd: &Path) -> Result<Workspace, Diag> {
        let is_root = |folder: &&Path| {
            ROOT_MARKERS
                .iter()
                .any(|marker| folder.join(marker).is_file())
        };
        let Some(root) = cwd.ancestors().find(is_root) else {
            return Err(Diag::usage(format!(
                "`{}` is not in a workspace",
                cwd.display()
            ))
            .note(format!(
                "the root of a workspace has one of the files {}",
                ROOT_MARKERS.map(|marker| format!("`{marker}`")).join(", ")
            ))
            .hint("change to a folder of a workspace, or make one here with `touch MODULE.bazel`"));
        };
        let below = cwd.strip_prefix(root).unwrap_or(Path::new(""));
        let below = below.to_str().ok_or_else(|| {
            Diag::usage(format!("the path `{}` is not UTF-8", cwd.display()))
                .hint("rename the folder")
        })?;
        let cwd = RelPath::normalize(below).map_err(|e| Diag::usage(e.to_string()))?;
        Ok(Workspace {
            root: root.to_owned(),
            cwd,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use expect_test::expect;

    use super::*;

    #[test]
    fn the_nearest_marker_wins() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("a/nested/b/WORKSPACE")).unwrap();
        fs::write(root.join("MODULE.bazel"), "").unwrap();
        fs::write(root.join("a/nested/kiln.toml"), "").unwrap();
        let find = |cwd: &str| {
            let found = Workspace::find(&root.join(cwd)).unwrap();
            let root = found.root.strip_prefix(root).unwrap();
            (root.display().to_string(), found.cwd.to_string())
        };
        assert_eq!(find(""), ("".into(), "".into()));
        assert_eq!(find("a"), ("".into(), "a".into()));
        // A directory called WORKSPACE marks nothing.
        assert_eq!(find("a/nested/b"), ("a/nested".into(), "b".into()));
    }

    #[test]
    fn outside_of_any_workspace() {
        let diag = Workspace::find(Path::new("/proc/self")).unwrap_err();
        expect![[r#"
            error: `/proc/self` is not in a workspace
               = the root of a workspace has one of the files `MODULE.bazel`, `REPO.bazel`, `WORKSPACE.bazel`, `WORKSPACE`, `kiln.toml`
            hint: change to a folder of a workspace, or make one here with `touch MODULE.bazel`"#]]
        .assert_eq(&diag.render());
    }
}
