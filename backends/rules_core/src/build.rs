//! The goal `build`: targets with all they make.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_rules::{Product, RuleCx, RuleDef, rule, rules};
use kiln_targets::{Artifact, ArtifactSet, Configuration, Dep, Owner, Runfiles};
use kiln_tree::{Node, Tree};

use crate::analysis::{Analyzed, Outcome};
use crate::artifacts::{ArtifactNode, RunfilesTree, SetTree};
use crate::keys::{ArtifactKey, RunfilesKey, SetKey, TargetKey};
use crate::members;

/// A target that was built, or cannot be.
#[derive(Debug, PartialEq, Eq)]
pub enum Built {
    /// With what it made.
    Ready(BuiltTarget),
    /// It is not for this platform, and why.
    Skipped(Arc<str>),
    /// It is good as far as was looked, and nothing was made (`--nobuild`).
    Checked,
}
impl Product for Built {}

/// What a target made.
#[derive(Debug, PartialEq, Eq)]
pub struct BuiltTarget {
    /// Its label (of an alias: that of the target behind it).
    pub label: Label,
    /// Its default outputs at their exec paths.
    pub files: Tree,
    /// Those of the default outputs that were made, and not sources.
    pub outputs: Vec<Artifact>,
    /// The program, if it can be run.
    pub executable: Option<Artifact>,
    /// The program's runfiles tree.
    pub runfiles: Option<Tree>,
    /// Arguments that the target gives the program.
    pub args: Vec<Arc<str>>,
    /// Variables that the target sets for the program.
    pub environment: BTreeMap<Arc<str>, Arc<str>>,
}

/// Builds a target.
#[rule(gets(RunfilesKey -> RunfilesTree))]
pub async fn built(
    cx: &RuleCx,
    key: Arc<TargetKey>,
    _configuration: Arc<Configuration>,
) -> Result<Built, Diag> {
    let analyzed = get!(Analyzed, TargetKey(key.0.clone())).await?;
    let dep = match &analyzed.outcome {
        Outcome::Ready(dep) => dep,
        Outcome::Members(members) => return Err(members::unclear(&key.0, members)),
        Outcome::Incompatible(reason) => return Ok(Built::Skipped(reason.clone())),
    };
    let (label, files, executable, runfiles) = match dep {
        Dep::Target(target) => {
            let runfiles = target.executable.as_ref().map(|_| target.runfiles.clone());
            (
                target.label.clone(),
                target.files.clone(),
                target.executable.clone(),
                runfiles,
            )
        }
        Dep::Source(file) | Dep::Output(file, _) => {
            (key.0.clone(), ArtifactSet::of([file.clone()]), None, None)
        }
    };
    let executable_key = executable.clone().map(ArtifactKey);
    let (tree, _program) = futures::try_join!(
        get!(SetTree, SetKey(files.clone())),
        get_all!(ArtifactNode, executable_key => ArtifactKey),
    )?;
    let runfiles = match runfiles {
        Some(runfiles) => Some(runfiles_tree(cx, runfiles).await?),
        None => None,
    };
    let (args, environment) = match dep {
        Dep::Target(target) => (
            target.args.clone(),
            target.run_environment.environment.clone(),
        ),
        _ => (Vec::new(), BTreeMap::new()),
    };
    let outputs = files.to_list().into_iter();
    let outputs = outputs.filter(|file| matches!(file.owner(), Owner::Target(..)));
    Ok(Built::Ready(BuiltTarget {
        label,
        files: tree.0.clone(),
        outputs: outputs.collect(),
        executable,
        runfiles,
        args,
        environment,
    }))
}

async fn runfiles_tree(cx: &RuleCx<built>, runfiles: Arc<Runfiles>) -> Result<Tree, Diag> {
    Ok(cx
        .get::<RunfilesTree, _>((RunfilesKey::new(runfiles),))
        .await?
        .0
        .clone())
}

impl BuiltTarget {
    /// What goes to the output folder: exec paths and nodes.
    pub fn nodes(&self) -> Vec<(String, Node)> {
        let mut nodes = Vec::new();
        for output in &self.outputs {
            let path = kiln_base::RelPath::new(output.exec_path());
            if let Ok(path) = path
                && let Some(node) = self.files.get(&path)
            {
                nodes.push((output.exec_path().to_owned(), node.clone()));
            }
        }
        nodes
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![built]
}
