//! One walk for all patterns of a glob.

use std::rc::Rc;

use kiln_base::RelPath;
use kiln_diag::Diag;

use super::states::{Front, States};
use super::{Glob, Lister, Matches};
use crate::listing::{EntryKind, Link, LinkPlace, Listing, OddName, Resolved};
use crate::{Entry, Ignore};

/// What a walk is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Files,
    Subpackages,
}

/// Directories that may be reached through symbolic links in one walk. Links between siblings can
/// double the number of paths at each level without being a loop.
const LINKED_LIMIT: usize = 10_000;

pub(crate) fn walk(
    glob: &Glob,
    wanted: Wanted,
    package: &RelPath,
    ignore: &Ignore,
    list: &mut Lister<'_>,
) -> Result<Matches, Diag> {
    let mut walk = Walk {
        glob,
        wanted,
        package,
        ignore,
        paths: Vec::new(),
        matched: vec![false; glob.include.len()],
        todo: Vec::new(),
        linked: 0,
    };
    walk.todo.push(Directory {
        below: String::new(),
        place: LinkPlace::Inside(package.clone()),
        jumps: None,
        include: glob.include.start(),
        exclude: glob.exclude.start(),
    });
    while let Some(directory) = walk.todo.pop() {
        walk.visit(directory, list)?;
    }
    walk.paths.sort_unstable();
    let unmatched = (0..glob.include.len())
        .filter(|pattern| !walk.matched[*pattern])
        .map(|pattern| glob.include.text(pattern).to_owned())
        .collect();
    Ok(Matches {
        paths: walk.paths,
        unmatched,
    })
}

struct Walk<'a> {
    glob: &'a Glob,
    wanted: Wanted,
    package: &'a RelPath,
    ignore: &'a Ignore,
    paths: Vec<String>,
    /// By pattern of `include`: whether it matched something.
    matched: Vec<bool>,
    /// An explicit stack: a tree may be deeper than a thread's stack.
    todo: Vec<Directory>,
    linked: usize,
}

/// A directory to visit.
struct Directory {
    /// Its path relative to the package; empty for the package itself.
    below: String,
    /// Where it is with all links followed.
    place: LinkPlace,
    /// The folders in which the links stand that led here.
    jumps: Option<Rc<Jump>>,
    include: States,
    exclude: States,
}

struct Jump {
    from: LinkPlace,
    before: Option<Rc<Jump>>,
}

impl Walk<'_> {
    fn visit(&mut self, directory: Directory, list: &mut Lister<'_>) -> Result<(), Diag> {
        let path = self.full_path(&directory.below);
        let Some(listing) = list(&path)? else {
            return Ok(());
        };
        if !directory.below.is_empty() && self.is_done(&directory, &listing) {
            return Ok(());
        }
        let include = self.glob.include.front(&directory.include);
        let exclude = self.glob.exclude.front(&directory.exclude);
        if include.is_dead() {
            return Ok(());
        }
        for entry in listing.entries() {
            match entry.kind.resolved() {
                Resolved::File if self.wanted == Wanted::Files => {
                    self.file(&directory, &entry.name, &include, &exclude);
                }
                Resolved::Directory => {
                    self.directory(&directory, &path, entry, &include, &exclude)?;
                }
                _ => {}
            }
        }
        for odd in listing.odd_names() {
            self.odd(&path, odd, &include, &exclude)?;
        }
        Ok(())
    }

    /// Takes in a directory below the package; true if nothing in it is to be looked at.
    fn is_done(&mut self, directory: &Directory, listing: &Listing) -> bool {
        let is_package = listing.build_file().is_some();
        let matches = match self.wanted {
            Wanted::Files => !is_package && !self.glob.exclude_directories,
            Wanted::Subpackages => is_package,
        };
        let matched = &mut self.matched;
        if matches
            && self
                .glob
                .include
                .accepted(&directory.include, &mut |pattern| matched[pattern] = true)
            && !self.glob.exclude.accepted(&directory.exclude, &mut |_| {})
        {
            self.paths.push(directory.below.clone());
        }
        is_package
    }

    fn file(
        &mut self,
        directory: &Directory,
        name: &str,
        include: &Front<'_>,
        exclude: &Front<'_>,
    ) {
        let matched = &mut self.matched;
        if include.file(name, &mut |pattern| matched[pattern] = true) && !exclude.anything(name) {
            self.paths.push(join(&directory.below, name));
        }
    }

    fn directory(
        &mut self,
        parent: &Directory,
        parent_path: &RelPath,
        entry: &Entry,
        include: &Front<'_>,
        exclude: &Front<'_>,
    ) -> Result<(), Diag> {
        let states = include.directory(&entry.name);
        if !self.is_worth_listing(&states) || self.ignore.skips(parent_path, entry) {
            return Ok(());
        }
        let excluded = exclude.directory(&entry.name);
        if self.glob.exclude.accepts_all_below(&excluded) {
            // Whatever would match in there is excluded: not worth a listing. The patterns may
            // well have matched, so none of them is called unmatched.
            let everything = self.glob.include.patterns_of(&states);
            everything.for_each(|pattern| self.matched[pattern] = true);
            return Ok(());
        }
        let (place, jumps) = match &entry.kind {
            EntryKind::Symlink(link) if leads_back(parent, link) => return Ok(()),
            EntryKind::Symlink(link) => {
                self.count_link(parent_path, &entry.name)?;
                let jump = Jump {
                    from: parent.place.clone(),
                    before: parent.jumps.clone(),
                };
                (link.place.clone(), Some(Rc::new(jump)))
            }
            _ => (parent.place.join(&entry.name), parent.jumps.clone()),
        };
        self.todo.push(Directory {
            below: join(&parent.below, &entry.name),
            place,
            jumps,
            include: states,
            exclude: excluded,
        });
        Ok(())
    }

    /// Whether something below a directory with these states, or the directory itself, can match.
    fn is_worth_listing(&self, states: &States) -> bool {
        let is_itself_wanted = self.wanted == Wanted::Subpackages || !self.glob.exclude_directories;
        match is_itself_wanted {
            true => !states.is_empty(),
            false => !self.glob.include.front(states).is_dead(),
        }
    }

    fn count_link(&mut self, folder: &RelPath, name: &str) -> Result<(), Diag> {
        self.linked += 1;
        if self.linked <= LINKED_LIMIT {
            return Ok(());
        }
        Err(Diag::build(format!(
            "a glob of package `//{}` reaches more than {LINKED_LIMIT} folders through symbolic \
             links, the last one through `{name}` in `{folder}`",
            self.package
        ))
        .hint("name the linked folders in `exclude`, or list them in `.bazelignore`"))
    }

    /// A name that is not UTF-8 cannot be a label. It is an error only if a pattern wants it.
    fn odd(
        &mut self,
        folder: &RelPath,
        odd: &OddName,
        include: &Front<'_>,
        exclude: &Front<'_>,
    ) -> Result<(), Diag> {
        let name = String::from_utf8_lossy(&odd.name);
        let excluded = exclude.directory(&name);
        let wanted = match odd.kind.resolved() {
            Resolved::Missing | Resolved::Other => false,
            Resolved::Directory => {
                !include.directory(&name).is_empty()
                    && !self.glob.exclude.accepts_all_below(&excluded)
            }
            Resolved::File => {
                self.wanted == Wanted::Files
                    && include.file(&name, &mut |_| {})
                    && !exclude.anything(&name)
            }
        };
        match wanted {
            true => Err(odd_name(folder, odd)),
            false => Ok(()),
        }
    }

    fn full_path(&self, below: &str) -> RelPath {
        // Made of components of listings, so it is normalized.
        self.package
            .join(below)
            .unwrap_or_else(|_| self.package.clone())
    }
}

/// Whether to follow a link would lead to a folder that contains a link already followed, or this
/// one: such a path never ends.
fn leads_back(parent: &Directory, link: &Link) -> bool {
    if link.place == LinkPlace::Above || link.place.contains(&parent.place) {
        return true;
    }
    let mut jump = parent.jumps.as_deref();
    while let Some(Jump { from, before }) = jump {
        if link.place.contains(from) {
            return true;
        }
        jump = before.as_deref();
    }
    false
}

fn join(below: &str, name: &str) -> String {
    match below.is_empty() {
        true => name.to_owned(),
        false => format!("{below}/{name}"),
    }
}

fn odd_name(folder: &RelPath, odd: &OddName) -> Diag {
    let folder = match folder.is_root() {
        true => ".",
        false => folder.as_str(),
    };
    let escaped = odd.name.escape_ascii();
    Diag::build(format!(
        "the name `{escaped}` in folder `{folder}` is not UTF-8, and a glob matches it"
    ))
    .hint("rename it, or exclude it from the glob (`?` stands for any character in `exclude`)")
}
