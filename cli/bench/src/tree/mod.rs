//! Generated trees: the same logical graph as BUILD files and as `build.ninja`, the edits that are
//! measured, and what correct outputs contain.
//!
//! Invariant: a tree is a function of flavour, number of targets, seed and the edits made so far,
//! so that every tool has the same files at the same step.

mod bazel;
mod ninja;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use kiln_diag::Diag;

use crate::graph::Graph;

/// What the targets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// One process a target, which copies a source and the outputs of what it needs, without
    /// the lines that begin with `#`.
    Genrule,
    /// A library, a program and a test in each package.
    Cc,
    /// Targets with a source and edges, and nothing to run.
    List,
}

/// In which language a tree is described.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// WORKSPACE and BUILD files, for kiln and Bazel.
    Build,
    /// One `build.ninja`.
    Ninja,
}

/// A change of one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit {
    /// What it says, in a source on which one target depends.
    Top,
    /// What it says, in a source on which many targets depend.
    Base,
    /// A comment: of the source that `Base` edits, in the C++ flavour of its header.
    Comment,
}

/// A tree in memory. See the module.
#[derive(Clone)]
pub struct Tree {
    flavour: Flavour,
    graph: Graph,
    base: usize,
    /// By node: how often its value, and its comment, was edited.
    edits: BTreeMap<usize, (u32, u32)>,
}

impl Tree {
    /// A tree of about so many targets, at least one (the C++ flavour has three to a node).
    pub fn new(flavour: Flavour, targets: usize, seed: u64) -> Tree {
        let nodes = match flavour {
            Flavour::Cc => targets / 3,
            Flavour::Genrule | Flavour::List => targets,
        };
        let graph = Graph::layered(nodes.max(1), seed);
        Tree {
            flavour,
            base: graph.base(),
            graph,
            edits: BTreeMap::new(),
        }
    }

    /// The graph behind it.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// All files by path, in one of the forms.
    pub fn files(&self, form: Form) -> BTreeMap<String, String> {
        let mut files = match form {
            Form::Build => bazel::files(self),
            Form::Ninja => BTreeMap::from([("build.ninja".to_owned(), ninja::text(self))]),
        };
        for node in 0..self.graph.len() {
            files.extend(self.sources(node));
        }
        files
    }

    /// Writes all files below a folder.
    ///
    /// # Errors
    /// When a file or folder cannot be written.
    pub fn write(&self, form: Form, root: &Path) -> Result<(), Diag> {
        self.files(form)
            .iter()
            .try_for_each(|(path, text)| write(&root.join(path), text))
    }

    /// Makes an edit here and in the files below `root`.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn edit(&mut self, edit: Edit, root: &Path) -> Result<(), Diag> {
        let node = self.edited(edit);
        let before = self.sources(node);
        let (value, comment) = self.edits.entry(node).or_default();
        match edit {
            Edit::Top | Edit::Base => *value += 1,
            Edit::Comment => *comment += 1,
        }
        self.sources(node)
            .into_iter()
            .filter(|file| !before.contains(file))
            .try_for_each(|(path, text)| write(&root.join(path), &text))
    }

    /// The node whose source an edit changes.
    pub fn edited(&self, edit: Edit) -> usize {
        match edit {
            Edit::Top => self.graph.top(),
            Edit::Base | Edit::Comment => self.base,
        }
    }

    /// The label of every target.
    pub fn labels(&self) -> BTreeSet<String> {
        let nodes = 0..self.graph.len();
        let names = |node| match self.flavour {
            Flavour::Genrule => vec![format!("copy{node}")],
            Flavour::List => vec![format!("list{node}")],
            Flavour::Cc => vec![
                format!("unit{node}"),
                format!("main{node}"),
                format!("test{node}"),
            ],
        };
        nodes
            .flat_map(|node| {
                let folder = self.folder(node);
                names(node)
                    .into_iter()
                    .map(move |name| format!("//{folder}:{name}"))
            })
            .collect()
    }

    /// The outputs whose contents are known, by their path below the folder of outputs: of the
    /// genrule flavour, all.
    pub fn outputs(&self) -> BTreeMap<String, String> {
        let mut texts: Vec<String> = Vec::new();
        if self.flavour == Flavour::Genrule {
            for node in 0..self.graph.len() {
                let mut text = self.line(node);
                for &need in self.graph.needs(node) {
                    text.push_str(&texts[need]);
                }
                texts.push(text);
            }
        }
        let path = |node| format!("{}/out{node}.txt", self.folder(node));
        texts
            .into_iter()
            .enumerate()
            .map(|(node, text)| (path(node), text))
            .collect()
    }

    /// Programs of the C++ flavour that show every edit, by their path below the folder of outputs,
    /// and what they print.
    pub fn programs(&self) -> BTreeMap<String, String> {
        let nodes = match self.flavour {
            Flavour::Cc => vec![self.graph.top(), self.witness()],
            Flavour::Genrule | Flavour::List => Vec::new(),
        };
        let mut values: Vec<u32> = Vec::new();
        for unit in 0..self.graph.len() {
            let needs = self.graph.needs(unit).iter();
            let sum = needs.fold(0u32, |sum, &need| sum.wrapping_add(values[need]));
            values.push(self.value(unit).wrapping_add(sum.wrapping_mul(2)));
        }
        let path = |node| format!("{}/main{node}", self.folder(node));
        nodes
            .into_iter()
            .map(|node| (path(node), format!("{}\n", values[node])))
            .collect()
    }

    /// The last node that depends on the base.
    fn witness(&self) -> usize {
        let nodes = (0..self.graph.len()).rev();
        let mut depends = nodes.filter(|&node| self.graph.closure(node).contains(&self.base));
        depends.next().unwrap_or(self.base)
    }

    /// The package of a node, as a path.
    fn folder(&self, node: usize) -> String {
        let package = match self.flavour {
            Flavour::Cc => node,
            Flavour::Genrule | Flavour::List => node / 5,
        };
        format!("area{}/part{package}", package / 50)
    }

    fn edits(&self, node: usize) -> (u32, u32) {
        self.edits.get(&node).copied().unwrap_or_default()
    }

    /// The line that a source of the genrule flavour adds to the outputs.
    fn line(&self, node: usize) -> String {
        format!("node {node} edit {}\n", self.edits(node).0)
    }

    /// What a function of the C++ flavour adds to twice what the functions return that it calls:
    /// an odd number, and so the sum is odd, which its test relies on.
    fn value(&self, node: usize) -> u32 {
        (node as u32 + 1000 * self.edits(node).0) * 2 + 1
    }

    /// The sources of one node: paths and texts.
    fn sources(&self, node: usize) -> Vec<(String, String)> {
        let folder = self.folder(node);
        let comment = self.edits(node).1;
        match self.flavour {
            Flavour::Genrule => vec![(
                format!("{folder}/in{node}.txt"),
                format!("# comment {comment}\n{}", self.line(node)),
            )],
            Flavour::List => vec![(format!("{folder}/in{node}.txt"), self.line(node))],
            Flavour::Cc => {
                let header = format!("{folder}/unit{node}.h");
                let include = format!("#include \"{header}\"\n");
                let main = format!(
                    "{include}extern \"C\" int printf(const char *, ...);\n\
                     int main() {{ printf(\"%u\\n\", unit{node}()); }}\n"
                );
                let test =
                    format!("{include}int main() {{ return unit{node}() % 2 == 1 ? 0 : 1; }}\n");
                vec![
                    (
                        header,
                        format!("// comment {comment}\nunsigned unit{node}();\n"),
                    ),
                    (format!("{folder}/unit{node}.cc"), self.unit(node)),
                    (format!("{folder}/main{node}.cc"), main),
                    (format!("{folder}/test{node}.cc"), test),
                ]
            }
        }
    }

    /// The source of a library.
    fn unit(&self, node: usize) -> String {
        let needs = self.graph.needs(node);
        let mut text = String::new();
        for &other in std::iter::once(&node).chain(needs) {
            text += &format!("#include \"{}/unit{other}.h\"\n", self.folder(other));
        }
        let calls: String = needs
            .iter()
            .map(|need| format!(" + 2u * unit{need}()"))
            .collect();
        text + &format!(
            "unsigned unit{node}() {{ return {}u{calls}; }}\n",
            self.value(node)
        )
    }
}

fn write(path: &Path, text: &str) -> Result<(), Diag> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Diag::io("cannot make", folder, &error))?;
    }
    fs::write(path, text).map_err(|error| Diag::io("cannot write", path, &error))
}
