//! From what an implementation function returned to the analyzed target.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{
    ActionKind, ActionTemplate, Artifact, ArtifactKind, ArtifactSet, Order, RunEnvironment,
    Runfiles,
};

use crate::analysis::returned::Returned;
use crate::analysis::state::Analysis;
use crate::interp::*;
use crate::providers::BUILTINS;
use crate::rule::spec::RuleSpec;
use crate::values::provider::ProviderDef;
use crate::values::target::{self, Target, TargetFacts};

/// What is left of an analysis besides its frozen values.
pub(crate) struct Finished {
    pub(crate) facts: TargetFacts,
    pub(crate) actions: Vec<Arc<ActionTemplate>>,
    pub(crate) output_groups: BTreeMap<Arc<str>, ArtifactSet>,
    pub(crate) run_environment: RunEnvironment,
    pub(crate) test_requirements: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) make_variables: BTreeMap<Arc<str>, Arc<str>>,
    pub(crate) feature_flag: Option<Arc<str>>,
}

/// Checks what was returned and puts the target together.
pub(crate) fn finish<'v>(
    analysis: &Analysis<'_>,
    spec: &RuleSpec,
    predeclared: &[Artifact],
    returned: Value<'v>,
    heap: Heap<'v>,
) -> Result<(Value<'v>, Finished), Diag> {
    let mut returned = Returned::read(returned)?;
    provided(spec, &returned.defs)?;
    let executable = executable(analysis, spec, &mut returned)?;
    analysis.done.set(true);
    let actions = analysis.registry.finish()?;
    let files = returned
        .files
        .take()
        .unwrap_or_else(|| ArtifactSet::of(predeclared.iter().chain(&executable).cloned()));
    let default_runfiles = returned.default_runfiles.take().unwrap_or_default();
    let data_runfiles = match &returned.data_runfiles {
        Some(runfiles) => runfiles.clone(),
        None => Arc::default(),
    };
    let facts = TargetFacts {
        label: analysis.label().clone(),
        rule: Some(analysis.request.target.rule.name.clone()),
        files,
        runfiles: match &executable {
            Some(executable) => with_executable(&default_runfiles, executable),
            None => default_runfiles,
        },
        executable,
        data_runfiles,
    };
    let finished = Finished {
        actions,
        output_groups: returned.output_groups(),
        run_environment: returned.run_environment()?,
        test_requirements: returned.test_requirements()?,
        make_variables: returned.make_variables()?,
        feature_flag: returned.feature_flag(),
        facts: facts.clone(),
    };
    let default_info = target::default_info(&facts, heap);
    let value = heap.alloc(Target {
        facts,
        default_info: Some(default_info),
        defs: returned.defs.into(),
        instances: returned.instances.into(),
    });
    Ok((value, finished))
}

/// A program has itself beside it.
fn with_executable(runfiles: &Runfiles, executable: &Artifact) -> Arc<Runfiles> {
    let files = [runfiles.files.clone()];
    Arc::new(Runfiles {
        files: ArtifactSet::new(Order::Default, [executable.clone()], files),
        ..runfiles.clone()
    })
}

fn provided(spec: &RuleSpec, defs: &[Arc<ProviderDef>]) -> Result<(), Diag> {
    let missing = spec.provides.iter().find(|wanted| {
        !BUILTINS.default_info.same(wanted) && !defs.iter().any(|def| def.same(wanted))
    });
    match missing {
        None => Ok(()),
        Some(wanted) => Err(Diag::build(format!(
            "the rule says that it provides `{wanted}`, and its implementation function returned none"
        ))
        .note(format!("it returned {}", target::provider_names(defs)))),
    }
}

/// The program of an executable rule (Bazel: `DefaultInfo.executable`).
fn executable(
    analysis: &Analysis<'_>,
    spec: &RuleSpec,
    returned: &mut Returned<'_>,
) -> Result<Option<Artifact>, Diag> {
    let given = returned.executable.take();
    if !spec.executable {
        return Ok(given);
    }
    if let Some(given) = given {
        if analysis.registry.is_made(&given) {
            return Ok(Some(given));
        }
        return Err(Diag::build(format!(
            "the executable `{}` is not made by an action of this target",
            given.exec_path()
        ))
        .hint("make a link to it by `ctx.actions.symlink(output = ..., target_file = ..., is_executable = True)`"));
    }
    if let Some(default) = analysis.default_executable()
        && analysis.registry.is_made(&default)
    {
        return Ok(Some(default));
    }
    if let Some(result) = returned.get(&BUILTINS.analysis_test_result) {
        return analysis_test(analysis, result).map(Some);
    }
    Err(Diag::build(format!(
        "`{}` is an executable rule, and its implementation function gave no executable",
        analysis.request.target.rule.name
    ))
    .hint("return `DefaultInfo(executable = ...)` with a file that an action of it makes"))
}

/// The program of a test that analysis itself has decided (Bazel: `AnalysisTestResultInfo`).
fn analysis_test(
    analysis: &Analysis<'_>,
    result: &crate::values::structs::Struct<'_>,
) -> Result<Artifact, Diag> {
    let success = result.get("success").is_some_and(|value| value.to_bool());
    let message = result
        .get("message")
        .and_then(|value| value.unpack_str())
        .unwrap_or("");
    let quoted = message.replace('\'', "'\\''");
    let code = u8::from(!success);
    let content = format!("#!/bin/bash\nprintf '%s\\n' '{quoted}'\nexit {code}\n");
    let path = analysis.label().file_path();
    let output = analysis.registry.declare(path, ArtifactKind::File, None)?;
    let action = ActionTemplate {
        owner: analysis.label().clone(),
        configuration: analysis.configuration().clone(),
        mnemonic: Arc::from("FileWrite"),
        progress: None,
        kind: ActionKind::Write {
            content: content.into(),
            executable: true,
        },
        outputs: Arc::from([output.clone()]),
    };
    analysis.registry.register(action, None)?;
    Ok(output)
}
