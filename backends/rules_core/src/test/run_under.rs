//! `--run_under`: a command in front of a test.

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_targets::{Artifact, ArtifactSet, Dep, Runfiles};

use super::{Cx, Test};
use crate::analysis::{Analyzed, Outcome};
use crate::keys::TargetKey;
use crate::members;
use crate::rewind;

/// What is put in front of a test.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RunUnder {
    /// The target that is put in front, with its runfiles: a label as the root repository has it.
    pub target: Option<String>,
    /// The words of the command; with a target its arguments, before the test.
    pub words: Vec<String>,
}

/// A target that is put in front.
pub(super) struct Tool {
    /// Its runfiles, itself among them.
    pub(super) runfiles: Runfiles,
    /// What they are made of.
    pub(super) artifacts: Vec<Artifact>,
}

impl Test<'_> {
    /// The words in front of the test, and the runfiles that they need. They are seen from the
    /// folder in which tests start.
    pub(super) async fn run_under(&self, cx: &Cx) -> Result<(Vec<String>, Option<Tool>), Diag> {
        let Some(under) = &self.key.options.run_under else {
            return Ok((Vec::new(), None));
        };
        let Some(text) = &under.target else {
            return Ok((under.words.clone(), None));
        };
        let root = PackageId::new(Repo::root(), RelPath::root());
        let label = Label::parse(text, &root, &self.repositories.root()?.mapping)
            .map_err(|error| Diag::usage(format!("--run_under: {error}")))?;
        let analyzed = cx
            .get::<Analyzed, _>((TargetKey(label.clone()),))
            .await
            .map_err(|error| error.note("it is what `--run_under` names"))?;
        let wrong = |what: &str| {
            Diag::usage(format!("`--run_under={label}`: the target {what}"))
                .hint("name a target that `kiln run` could run, or a command")
        };
        let target = match &analyzed.outcome {
            Outcome::Ready(Dep::Target(target)) => target,
            Outcome::Ready(_) => return Err(wrong("is a file")),
            Outcome::Members(members) => return Err(members::unclear(&label, members)),
            Outcome::Incompatible(_) => return Err(wrong("is not for this platform")),
        };
        let Some(executable) = &target.executable else {
            return Err(wrong("cannot be run"));
        };
        let itself = Runfiles::of(ArtifactSet::of([executable.clone()]));
        let runfiles = Runfiles::merge_all([&*target.runfiles, &itself]);
        let mut artifacts = vec![executable.clone()];
        artifacts.extend(rewind::runfiles(&target.runfiles));
        let mut words = vec![format!("../{}", executable.runfiles_path())];
        words.extend(under.words.iter().cloned());
        let tool = Tool {
            runfiles,
            artifacts,
        };
        Ok((words, Some(tool)))
    }
}
