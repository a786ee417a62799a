//! The contents of a target's outputs: fetched where they were left at a server, made again where
//! they are gone.

use std::collections::HashSet;
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_store::Store;
use kiln_targets::{Artifact, Configuration, Dep};

use crate::actions::{ActionOutputs, Template};
use crate::analysis::{Analyzed, Outcome};
use crate::artifacts::{ArtifactNode, RunfilesTree};
use crate::build::Built;
use crate::files::FileNode;
use crate::keys::{ActionKey, ArtifactKey, FileKey, RunfilesKey, TargetKey};
use crate::rewind::{self, Rewinder};
use crate::services::{Elsewhere, Events};

/// A target whose outputs somebody could not read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RestoreKey {
    /// The target.
    pub label: Label,
    /// Which time: what was restored once may be lost again.
    pub attempt: u32,
}
impl Param for RestoreKey {}

/// A target whose outputs are all in the store.
#[derive(Debug, PartialEq, Eq)]
pub struct Restored(pub Arc<Built>);
impl Product for Restored {}

/// Looks for the outputs and runfiles of a target, fetches what was left at a server, and has made
/// again what is gone.
#[rule(
    uses(Store, Elsewhere, Events),
    gets(
        TargetKey -> Built, TargetKey -> Analyzed, (TargetKey, Configuration) -> Analyzed,
        ArtifactKey -> ArtifactNode, ActionKey -> Template, ActionKey -> ActionOutputs,
        FileKey -> FileNode, RunfilesKey -> RunfilesTree
    )
)]
pub async fn restored(
    cx: &RuleCx,
    key: Arc<RestoreKey>,
    _configuration: Arc<Configuration>,
) -> Result<Restored, Diag> {
    // It is about what is in the store now.
    cx.mark_uncacheable();
    let elsewhere = cx.service::<Elsewhere>()?;
    let mut rewinder = Rewinder::new();
    loop {
        let built = get!(Built, TargetKey(key.label.clone())).await?;
        let Built::Ready(target) = &*built else {
            return Ok(Restored(built));
        };
        let mut blobs = HashSet::new();
        for tree in [Some(&target.files), target.runfiles.as_ref()] {
            tree.into_iter().for_each(|tree| tree.blobs(&mut blobs));
        }
        let blobs: Vec<Digest> = blobs.into_iter().collect();
        let Some(lost) = elsewhere.0.fetch(&blobs).await.first().copied() else {
            return Ok(Restored(built));
        };
        let analyzed = get!(Analyzed, TargetKey(key.label.clone())).await?;
        let whose = format!("`{}`", key.label);
        let artifacts = artifacts(&analyzed.outcome);
        rewinder.rewind(cx, &whose, artifacts, lost).await?;
        if let (Some(_), Outcome::Ready(Dep::Target(of))) = (&target.runfiles, &analyzed.outcome) {
            rewind::write_again(cx, &of.runfiles).await?;
        }
    }
}

/// What a target's outputs and runfiles are made of.
fn artifacts(outcome: &Outcome) -> Vec<Artifact> {
    match outcome {
        Outcome::Ready(Dep::Target(target)) => {
            let mut artifacts = target.files.to_list();
            artifacts.extend(target.executable.clone());
            artifacts.extend(rewind::runfiles(&target.runfiles));
            artifacts
        }
        Outcome::Ready(Dep::Source(file) | Dep::Output(file, _)) => vec![file.clone()],
        Outcome::Incompatible(_) | Outcome::Members(_) => Vec::new(),
    }
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![restored]
}
