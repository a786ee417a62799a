//! The process of a test, without what differs between its runs, shards and attempts.

use std::collections::BTreeMap;

use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_process::{CacheScope, Environment, Process};
use kiln_targets::{Artifact, Runfiles};
use kiln_tree::{Node, Tree, TreeBuilder};
use std::sync::Arc;

use super::{Cx, Test};
use crate::artifacts::{ArtifactNode, RunfilesTree, add, conflict};
use crate::keys::{ArtifactKey, RunfilesKey};
use crate::rewind::{self, Rewinder};
use crate::services::CallerEnv;
use crate::tools::{Machine, MachineKey, Shell, Surroundings};

/// The folder of the repository that is built, in runfiles trees (Bazel, since it has modules).
const WORKSPACE: &str = "_main";

/// Where a test leaves what is kept, below the root: outputs of its process.
pub(super) mod out {
    pub(in super::super) const XML: &str = "test-out/test.xml";
    pub(in super::super) const OUTPUTS: &str = "test-out/test.outputs";
    pub(in super::super) const SHARD: &str = "test-out/shard";
    pub(in super::super) const PREMATURE_EXIT: &str = "test-out/premature-exit";
    pub(in super::super) const WARNINGS: &str = "test-out/test.warnings";
    pub(in super::super) const INFRASTRUCTURE: &str = "test-out/test.infrastructure_failure";
    pub(in super::super) const ALL: [&str; 6] = [
        XML,
        OUTPUTS,
        SHARD,
        PREMATURE_EXIT,
        WARNINGS,
        INFRASTRUCTURE,
    ];
}

/// Sets up what must be absolute, wherever the action runs, and becomes the test. `$0` is the
/// program, `$1` how many words of `--run_under` follow, before the test's own arguments. Any
/// shell will do: containers may have no bash.
///
/// In the workspace the exec root is elsewhere (ENV-131). Tests have the same working directory there
/// as everywhere, and are told where the workspace is as by `bazel run`.
const SCRIPT: &str = r#"exec 2>&1
root=${KILN_EXEC_ROOT:-$PWD}; [ "$root" = "$PWD" ] || export BUILD_WORKSPACE_DIRECTORY="$PWD"; unset KILN_EXEC_ROOT
export TEST_SRCDIR="$root/$0.runfiles" RUNFILES_DIR="$root/$0.runfiles"
export PYTHON_RUNFILES="$RUNFILES_DIR" JAVA_RUNFILES="$RUNFILES_DIR"
export TEST_TMPDIR="$root/test-tmp" GTEST_TMP_DIR="$root/test-tmp"
[ -n "$HOME" ] || HOME=$TEST_TMPDIR
export XML_OUTPUT_FILE="$root/test-out/test.xml"
export TEST_UNDECLARED_OUTPUTS_DIR="$root/test-out/test.outputs"
export TEST_UNDECLARED_OUTPUTS_ANNOTATIONS_DIR="$root/test-tmp.annotations"
export TEST_PREMATURE_EXIT_FILE="$root/test-out/premature-exit"
export TEST_WARNINGS_OUTPUT_FILE="$root/test-out/test.warnings"
export TEST_INFRASTRUCTURE_FAILURE_FILE="$root/test-out/test.infrastructure_failure"
export TEST_UNUSED_RUNFILES_LOG_FILE="$root/test-out/unused-runfiles"
export TEST_LOGSPLITTER_OUTPUT_FILE="$root/test-out/logsplitter"
if [ -n "$TEST_TOTAL_SHARDS" ]; then
  export TEST_SHARD_STATUS_FILE="$root/test-out/shard" GTEST_SHARD_STATUS_FILE="$root/test-out/shard"
  export GTEST_TOTAL_SHARDS="$TEST_TOTAL_SHARDS" GTEST_SHARD_INDEX="$TEST_SHARD_INDEX"
fi
mkdir -p "$TEST_TMPDIR" "$TEST_UNDECLARED_OUTPUTS_DIR" "$TEST_UNDECLARED_OUTPUTS_ANNOTATIONS_DIR"
cd "$TEST_SRCDIR/$TEST_WORKSPACE" || exit 127
kiln_under=$1 kiln_at=0
shift
[ "$kiln_under" != 0 ] || set -- "$TEST_SRCDIR/$TEST_BINARY_RUNFILES" "$@"
[ "$kiln_under" = 0 ] || for kiln_word; do
  shift
  set -- "$@" "$kiln_word"
  kiln_at=$((kiln_at + 1))
  [ "$kiln_at" != "$kiln_under" ] || set -- "$@" "$TEST_SRCDIR/$TEST_BINARY_RUNFILES"
done
exec "$@""#;

impl Test<'_> {
    /// The process of one run without shards.
    pub(super) async fn base_process(&self, cx: &Cx) -> Result<Process, Diag> {
        let label = &self.target.label;
        let Some(executable) = &self.target.executable else {
            return Err(Diag::build(format!("test `{label}` has no program to run")));
        };
        let (inputs, under) = self.inputs(cx, executable).await?;
        let key = MachineKey::of(&self.target.configuration);
        let shell = cx.get::<Shell, _>((key.clone(),)).await?;
        let machine = cx.get::<Machine, _>((key.clone(),)).await?;
        let there = cx.get::<Surroundings, _>((key,)).await?;
        let outputs = out::ALL.iter().map(|path| rel(path));
        let mut env = self.environment(cx, executable, &there)?;
        if machine.environment == Environment::Workspace {
            env.insert("KILN_EXEC_ROOT".to_owned(), "{chroot}".to_owned());
        }
        Ok(Process {
            argv: self.command_line(executable, &shell.0.bash, under),
            env,
            workdir: RelPath::root(),
            inputs,
            outputs: outputs.collect::<Result<_, _>>()?,
            timeout: Some(self.attrs.timeout(&self.key.options)),
            network: self.attrs.has("requires-network"),
            platform: machine.platform(),
            environment: machine.identity.clone(),
            cache: machine.cache_scope(CacheScope::Successful),
        })
    }

    /// The program with its runfiles, and the words of `--run_under`.
    pub(super) async fn inputs(
        &self,
        cx: &Cx,
        executable: &Artifact,
    ) -> Result<(Tree, Vec<String>), Diag> {
        let (under, tool) = self.run_under(cx).await?;
        let runfiles = match tool {
            Some(tool) => {
                let both = [&*self.target.runfiles, &tool.runfiles];
                Arc::new(Runfiles::merge_all(both))
            }
            None => self.target.runfiles.clone(),
        };
        let (program, runfiles) = runfiles_of(cx, executable, runfiles).await?;
        let mut inputs = TreeBuilder::new();
        let exec_path = executable.exec_path();
        add(&mut inputs, exec_path, program)?;
        let folder = format!("{exec_path}.runfiles");
        add(&mut inputs, &folder, Node::Dir(runfiles))?;
        Ok((inputs.build(), under))
    }

    /// Has those inputs made again whose contents are gone, and takes them in anew.
    pub(super) async fn make_again(
        &self,
        cx: &Cx,
        process: &mut Process,
        rewinder: &mut Rewinder,
        lost: Digest,
    ) -> Result<(), Diag> {
        let Some(executable) = &self.target.executable else {
            return Ok(());
        };
        let mut artifacts = vec![executable.clone()];
        artifacts.extend(rewind::runfiles(&self.target.runfiles));
        if let (_, Some(tool)) = self.run_under(cx).await? {
            artifacts.extend(tool.artifacts);
        }
        let whose = format!("test `{}`", self.target.label);
        rewinder.rewind(cx, &whose, artifacts, lost).await?;
        rewind::write_again(cx, &self.target.runfiles).await?;
        process.inputs = self.inputs(cx, executable).await?.0;
        Ok(())
    }

    fn command_line(&self, executable: &Artifact, bash: &str, under: Vec<String>) -> Vec<String> {
        let mut argv = vec![bash.to_owned(), "-c".to_owned(), SCRIPT.to_owned()];
        argv.push(executable.exec_path().to_owned());
        argv.push(under.len().to_string());
        argv.extend(under);
        argv.extend(self.target.args.iter().map(ToString::to_string));
        argv.extend(self.key.options.args.iter().cloned());
        argv
    }

    fn environment(
        &self,
        cx: &Cx,
        executable: &Artifact,
        there: &Surroundings,
    ) -> Result<BTreeMap<String, String>, Diag> {
        let caller = cx.service::<CallerEnv>()?;
        let options = &self.key.options;
        let timeout = self.attrs.timeout(options).as_secs();
        // What a test is told of itself nobody else says.
        let mut env: BTreeMap<String, String> = there.variables.clone();
        let mut set = |name: &str, value: &str| env.insert(name.to_owned(), value.to_owned());
        set("PATH", &there.path);
        set("TZ", "UTC");
        // The script makes it the test's folder; unset, the shell would look for the user's.
        set("HOME", "");
        set("USER", "build");
        set("LOGNAME", "build");
        set("TEST_WORKSPACE", WORKSPACE);
        set("TEST_TARGET", &self.target.label.to_string());
        set("TEST_BINARY", &executable.short_path());
        set("TEST_BINARY_RUNFILES", &executable.runfiles_path());
        set("TEST_SIZE", &self.attrs.size);
        set("TEST_TIMEOUT", &timeout.to_string());
        for name in [
            "RUN_UNDER_RUNFILES",
            "RUNTEST_PRESERVE_CWD",
            "BAZEL_TEST",
            "KILN_TEST",
        ] {
            set(name, "1");
        }
        if let Some(filter) = &options.filter {
            set("TESTBRIDGE_TEST_ONLY", filter);
            set("TEST_FILTER", filter);
        }
        if options.fail_fast {
            set("TESTBRIDGE_TEST_RUNNER_FAIL_FAST", "1");
        }
        for name in &self.target.run_environment.inherited {
            if let Some(value) = caller.0.get(&**name) {
                set(name, value);
            }
        }
        for (name, value) in &there.test_variables {
            set(name, value);
        }
        for (name, value) in &self.target.run_environment.environment {
            set(name, value);
        }
        for (name, value) in &options.env {
            set(name, value);
        }
        Ok(env)
    }
}

/// A program, and its runfiles with itself among them.
pub(super) async fn runfiles_of(
    cx: &Cx,
    executable: &Artifact,
    runfiles: Arc<Runfiles>,
) -> Result<(Node, Tree), Diag> {
    let (program, runfiles) = futures::try_join!(
        cx.get::<ArtifactNode, _>((ArtifactKey(executable.clone()),)),
        cx.get::<RunfilesTree, _>((RunfilesKey::new(runfiles),)),
    )?;
    let own = rel(&executable.runfiles_path())?;
    if runfiles.0.get(&own).is_some() {
        return Ok((program.0.clone(), runfiles.0.clone()));
    }
    let mut tree = TreeBuilder::new();
    tree.add(&own, program.0.clone()).map_err(conflict)?;
    let tree = runfiles.0.merge(&tree.build()).map_err(conflict)?;
    Ok((program.0.clone(), tree))
}

/// A path that is known to be one.
pub(super) fn rel(path: &str) -> Result<RelPath, Diag> {
    RelPath::normalize(path).map_err(|error| Diag::internal(error.to_string()))
}
