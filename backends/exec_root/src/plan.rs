//! From a process to the steps that put its exec root together: which parts are read-only, which
//! are writable, and where its outputs will be found.
//!
//! ```text
//! /kiln                 read-only: only the process's inputs
//! /kiln/pkg/a.h         an input: a read-only view of the blob
//! /kiln/out/pkg         writable: a scratch folder, because an output will be in it
//! /kiln/out/pkg/a.inc   an input among outputs: a read-only view all the same
//! /kiln/out/pkg/gen     an output that is also an input: a copy that may be changed (PX-021)
//! ```

use std::collections::{BTreeMap, HashMap, HashSet};

use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_process::{ExecError, Process};
use kiln_tree::{Node, Tree};

/// Knows folders that can be shown whole.
pub trait Whole {
    /// The name of that folder, if it is there as a whole.
    fn ready(&mut self, tree: &Tree) -> Option<String>;
}

/// No folder is.
impl Whole for () {
    fn ready(&mut self, _tree: &Tree) -> Option<String> {
        None
    }
}

/// A step on the way to an exec root; paths are relative to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A read-only folder.
    Dir(String),
    /// A read-only view of a blob, and whether it may be executed.
    File(Digest, bool, String),
    /// A folder as a whole, by the name that [`Whole`] gave it.
    Tree(String, String),
    /// A symbolic link: its target, its place.
    Link(String, String),
    /// A copy of a blob that may be changed.
    Copy(Digest, bool, String),
    /// A read-only folder that a writable one is going to cover: keep it for [`Step::Return`].
    Keep(String),
    /// The scratch folder of that number.
    Scratch(u32, String),
    /// A writable folder inside of a scratch folder.
    WritableDir(String),
    /// Puts back what [`Step::Keep`] kept.
    Return(String),
}

/// How an exec root is put together.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Before the exec root becomes read-only.
    pub inputs: Vec<Step>,
    /// Afterwards.
    pub writable: Vec<Step>,
    /// Where each scratch folder goes, by its number.
    pub scratch: Vec<String>,
    /// Where each declared output will be.
    pub outputs: Vec<OutputAt>,
}

/// Where a declared output will be.
#[derive(Debug, PartialEq, Eq)]
pub struct OutputAt {
    /// Its path relative to the working directory.
    pub path: RelPath,
    /// The number of the scratch folder.
    pub scratch: u32,
    /// Its path in there; the root if it is the folder as a whole.
    pub inside: RelPath,
}

/// A path that the inputs and the outputs of a process use in ways that exclude each other.
#[derive(Debug, PartialEq, Eq)]
pub struct Clash {
    /// Relative to the exec root.
    pub path: String,
}

/// A folder on the way to outputs.
#[derive(Default)]
struct Wanted<'a> {
    below: BTreeMap<&'a str, Wanted<'a>>,
    /// Outputs will be made in it.
    writable: bool,
    /// It is an output itself.
    output: bool,
}

impl Plan {
    /// Plans a process; `trees` knows folders that can be shown whole.
    pub fn of(process: &Process, trees: &mut dyn Whole) -> Result<Plan, Clash> {
        let paths: Vec<(RelPath, RelPath)> = process
            .outputs
            .iter()
            .map(|output| (output.clone(), process.workdir.append(output)))
            .collect();
        let parents: Vec<Option<RelPath>> = paths.iter().map(|(_, path)| path.parent()).collect();
        let mut wanted = Wanted::default();
        wanted.at(&process.workdir);
        for ((_, path), parent) in paths.iter().zip(&parents) {
            // The exec root has no parent; as an output it is writable itself.
            wanted.at(parent.as_ref().unwrap_or(path)).writable = true;
            wanted.at(path).output = true;
        }
        // A declared output is no folder that must be there: only those above it are.
        let mut planner = Planner {
            plan: Plan::default(),
            later: Vec::new(),
            scratch: Vec::new(),
            trees,
        };
        planner.read_only("", Some(&process.inputs), Some(&wanted))?;
        let mut plan = planner.plan;
        plan.writable.append(&mut planner.later);
        plan.outputs = output_places(paths, &planner.scratch);
        plan.scratch = planner.scratch;
        Ok(plan)
    }
}

impl From<Clash> for ExecError {
    fn from(clash: Clash) -> ExecError {
        ExecError::Failed(
            Diag::build(format!(
                "input `{}` is a file where an output needs a folder",
                clash.path
            ))
            .hint("give the output another name"),
        )
    }
}

impl<'a> Wanted<'a> {
    fn at(&mut self, path: &'a RelPath) -> &mut Wanted<'a> {
        path.components()
            .fold(self, |wanted, name| wanted.below.entry(name).or_default())
    }

    /// Whether anything below has to be writable.
    fn leads_to_outputs(&self) -> bool {
        self.writable || self.below.values().any(Wanted::leads_to_outputs)
    }

    /// Whether it has to be a folder.
    fn is_folder(&self) -> bool {
        self.writable || !self.below.is_empty() || !self.output
    }
}

struct Planner<'a> {
    plan: Plan,
    /// What goes into scratch folders, behind all `Keep`s.
    later: Vec<Step>,
    scratch: Vec<String>,
    trees: &'a mut dyn Whole,
}

fn join(folder: &str, name: &str) -> String {
    match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    }
}

impl Planner<'_> {
    /// A folder that exists already, outside of any scratch folder.
    fn read_only(
        &mut self,
        path: &str,
        inputs: Option<&Tree>,
        wanted: Option<&Wanted<'_>>,
    ) -> Result<(), Clash> {
        if let Some(wanted) = wanted.filter(|wanted| wanted.writable) {
            return self.top_writable(path, inputs, wanted);
        }
        for (name, node) in inputs.map(Tree::entries).unwrap_or_default() {
            let below = wanted.and_then(|wanted| wanted.below.get(&**name));
            let at = join(path, name);
            match node {
                Node::Dir(tree) => match self.whole(tree, below) {
                    Some(name) => self.plan.inputs.push(Step::Tree(name, at)),
                    None => {
                        self.plan.inputs.push(Step::Dir(at.clone()));
                        self.read_only(&at, Some(tree), below)?;
                    }
                },
                _ if below.is_some_and(Wanted::is_folder) => return Err(Clash { path: at }),
                node => self.plan.inputs.push(leaf(node, at)),
            }
        }
        let missing = wanted.into_iter().flat_map(|wanted| &wanted.below);
        for (name, below) in missing {
            if below.is_folder() && inputs.is_none_or(|tree| tree.entry(name).is_none()) {
                let at = join(path, name);
                self.plan.inputs.push(Step::Dir(at.clone()));
                self.read_only(&at, None, Some(below))?;
            }
        }
        Ok(())
    }

    /// The name of a folder that needs nothing but its inputs and is there as a whole.
    fn whole(&mut self, tree: &Tree, wanted: Option<&Wanted<'_>>) -> Option<String> {
        match wanted {
            Some(_) => None,
            None => self.trees.ready(tree),
        }
    }

    /// The uppermost writable folder of a branch: a scratch folder goes there.
    fn top_writable(
        &mut self,
        path: &str,
        inputs: Option<&Tree>,
        wanted: &Wanted<'_>,
    ) -> Result<(), Clash> {
        let number = self.scratch.len() as u32;
        self.scratch.push(path.to_owned());
        self.later.push(Step::Scratch(number, path.to_owned()));
        self.writable(path, inputs, Some(wanted), wanted.output)
    }

    /// A folder in a scratch folder; `own` if it is a declared output or in one.
    fn writable(
        &mut self,
        path: &str,
        inputs: Option<&Tree>,
        wanted: Option<&Wanted<'_>>,
        own: bool,
    ) -> Result<(), Clash> {
        for (name, node) in inputs.map(Tree::entries).unwrap_or_default() {
            let at = join(path, name);
            let below = wanted.and_then(|wanted| wanted.below.get(&**name));
            let own = own || below.is_some_and(|below| below.output);
            match node {
                Node::Dir(tree) if own || below.is_some_and(Wanted::leads_to_outputs) => {
                    self.later.push(Step::WritableDir(at.clone()));
                    // Its read-only folders are built beneath, where it does not exist yet.
                    self.plan.inputs.push(Step::Dir(at.clone()));
                    self.writable(&at, Some(tree), below, own)?;
                }
                Node::Dir(tree) => match self.whole(tree, below) {
                    Some(name) => self.later.push(Step::Tree(name, at)),
                    None => {
                        self.plan.inputs.push(Step::Dir(at.clone()));
                        self.read_only(&at, Some(tree), below)?;
                        self.plan.writable.push(Step::Keep(at.clone()));
                        self.later.push(Step::Return(at));
                    }
                },
                _ if below.is_some_and(Wanted::is_folder) => return Err(Clash { path: at }),
                Node::File { digest, executable } if own => {
                    self.later.push(Step::Copy(*digest, *executable, at));
                }
                node => self.later.push(leaf(node, at)),
            }
        }
        for (name, below) in wanted.into_iter().flat_map(|wanted| &wanted.below) {
            if below.is_folder() && inputs.is_none_or(|tree| tree.entry(name).is_none()) {
                let at = join(path, name);
                self.later.push(Step::WritableDir(at.clone()));
                self.writable(&at, None, Some(below), own || below.output)?;
            }
        }
        Ok(())
    }
}

fn leaf(node: &Node, at: String) -> Step {
    match node {
        Node::File { digest, executable } => Step::File(*digest, *executable, at),
        Node::Symlink(target) => Step::Link(target.to_string(), at),
        Node::Dir(_) => Step::Dir(at),
    }
}

/// Finds the scratch folder of each output. One inside another output is found with that one.
fn output_places(paths: Vec<(RelPath, RelPath)>, scratch: &[String]) -> Vec<OutputAt> {
    let numbers: HashMap<&str, u32> = scratch.iter().map(String::as_str).zip(0..).collect();
    let declared: HashSet<&RelPath> = paths.iter().map(|(_, full)| full).collect();
    let mut places = Vec::new();
    for (path, full) in &paths {
        let above = || std::iter::successors(full.parent(), RelPath::parent);
        if above().any(|folder| declared.contains(&folder)) {
            continue;
        }
        let mut own_and_above = std::iter::once(full.clone()).chain(above());
        let place = own_and_above.find_map(|at| {
            let scratch = *numbers.get(at.as_str())?;
            Some((scratch, full.strip_prefix(&at)?))
        });
        if let Some((scratch, inside)) = place {
            places.push(OutputAt {
                path: path.clone(),
                scratch,
                inside,
            });
        }
    }
    places.sort_by(|a, b| a.path.cmp(&b.path));
    places.dedup_by(|a, b| a.path == b.path);
    places
}

#[cfg(test)]
mod tests;
