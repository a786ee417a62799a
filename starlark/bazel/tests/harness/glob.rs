//! `glob` over the files of a world.

use kiln_address::PackageId;
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_targets::{Globbed, PackageIo};

use super::World;

/// What BUILD files may ask of the file system.
pub struct Io<'a> {
    pub world: &'a World,
    pub package: &'a PackageId,
}

impl PackageIo for Io<'_> {
    fn glob(
        &self,
        include: &[String],
        exclude: &[String],
        _exclude_directories: bool,
    ) -> Result<Globbed, Diag> {
        let folder = &self.package.path;
        let files = self
            .world
            .files
            .keys()
            .filter(|(repo, _)| *repo == self.package.repo.as_str());
        let names = files.filter_map(|(_, path)| {
            let path = RelPath::new(path).ok()?;
            Some(path.strip_prefix(folder)?.to_string())
        });
        let names: Vec<String> = names.collect();
        let any = |patterns: &[String], name: &str| patterns.iter().any(|p| matches(p, name));
        let unmatched = |pattern: &&String| !names.iter().any(|name| matches(pattern, name));
        let unmatched = include.iter().filter(unmatched).cloned().collect();
        let fit = |name: &String| any(include, name) && !any(exclude, name);
        Ok(Globbed {
            unmatched,
            paths: names.into_iter().filter(fit).collect(),
        })
    }

    fn subpackages(&self, _: &[String], _: &[String]) -> Result<Globbed, Diag> {
        Ok(Globbed::default())
    }
}

/// `*` within a component, `**` for any number of components.
fn matches(pattern: &str, name: &str) -> bool {
    fn components(pattern: &[&str], name: &[&str]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some((&"**", rest)), _) if components(rest, name) => true,
            (Some((&"**", _)), Some((_, tail))) => components(pattern, tail),
            (Some((p, rest)), Some((n, tail))) => component(p, n) && components(rest, tail),
            _ => false,
        }
    }
    fn component(pattern: &str, name: &str) -> bool {
        match pattern.split_once('*') {
            None => pattern == name,
            Some((before, after)) => name.strip_prefix(before).is_some_and(|rest| {
                (0..=rest.len())
                    .any(|at| rest.is_char_boundary(at) && component(after, &rest[at..]))
            }),
        }
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    let name: Vec<&str> = name.split('/').collect();
    components(&pattern, &name)
}
