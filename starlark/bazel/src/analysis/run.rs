//! Running an implementation function.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::{EvalContext, Interpreter, Phase};
use kiln_targets::{AnalyzeRequest, AnalyzedTarget, Artifact, Providers, RuleKind, TargetDef};

use crate::analysis::attrs::TargetHandle;
use crate::analysis::finish::{Finished, finish};
use crate::analysis::state::Analysis;
use crate::analysis::{check, locations, setup};
use crate::interp::*;
use crate::prelude;
use crate::rule::value::{Rule, RuleHandle};

/// Analyzes a target: checks its dependencies, runs the implementation function of its rule, and
/// takes from it what the engine needs as plain data.
pub(crate) fn analyze(
    interpreter: &Interpreter,
    request: &AnalyzeRequest<'_>,
) -> Result<AnalyzedTarget, Diag> {
    analyze_target(interpreter, request).map_err(|diag| in_target(diag, request.target))
}

/// Says which target an error is about.
fn in_target(diag: Diag, target: &TargetDef) -> Diag {
    let note = format!(
        "in `{}` ({}, declared at {})",
        target.label, target.rule.name, target.span
    );
    match diag.span() {
        Some(_) => diag.note(note),
        None => diag.note(note).at(target.span.clone()),
    }
}

fn analyze_target(
    interpreter: &Interpreter,
    request: &AnalyzeRequest<'_>,
) -> Result<AnalyzedTarget, Diag> {
    let handle = request.target.rule.handle.downcast_ref::<RuleHandle>();
    let handle =
        handle.ok_or_else(|| Diag::internal("a rule was loaded by another interpreter"))?;
    let spec = &handle.spec;
    if let Some(unsupported) = spec.unsupported.first() {
        return Err(unsupported.diag());
    }
    check::dependencies(request, &spec.needs)?;
    let variables = locations::make_variables(request);
    let analysis = Analysis::new(request);
    let args = locations::args(&analysis, &variables)?;
    let outputs = setup::predeclare(&analysis)?;
    let predeclared: Vec<Artifact> = outputs
        .iter()
        .map(|output| output.artifact.clone())
        .collect();
    let mut context = EvalContext::new(interpreter, Phase::Analysis, spec.scope.clone(), analysis);
    if prelude::has_repository(spec.scope.label.repo().as_str()) {
        context = context.blaming(request.target.span.clone());
    }
    let (value, finished) = interpreter.call(&context, |eval| {
        let heap = eval.heap();
        let analysis = Analysis::of(eval)?;
        let returned = match request.target.rule.kind {
            RuleKind::Starlark => {
                let rule = Rule::from_value(heap.access_owned_frozen_value(&handle.rule));
                let rule = rule.ok_or_else(|| stop(Diag::internal("a rule's value is no rule")))?;
                let ctx = setup::ctx(analysis, rule, variables, &outputs, heap);
                implementation(rule, ctx, eval)?
            }
            RuleKind::Builtin(_) => setup::builtin(analysis, heap),
        };
        finish(analysis, spec, &predeclared, returned, heap).map_err(stop)
    })?;
    let predeclared = outputs
        .into_iter()
        .map(|output| (output.name, output.artifact));
    Ok(assemble(
        request,
        value,
        finished,
        predeclared.collect(),
        args,
        context.take_warnings(),
    ))
}

fn implementation<'v>(
    rule: &Rule<'v>,
    ctx: Value<'v>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    match rule.implementation {
        Some(function) => call_function(eval, function, &[ctx], &[]),
        None => Err(stop(Diag::internal(
            "a rule has no implementation function",
        ))),
    }
}

fn assemble(
    request: &AnalyzeRequest<'_>,
    value: OwnedFrozenValue,
    finished: Finished,
    predeclared: BTreeMap<Arc<str>, Artifact>,
    args: Vec<Arc<str>>,
    warnings: Vec<Diag>,
) -> AnalyzedTarget {
    let facts = finished.facts;
    AnalyzedTarget {
        label: facts.label,
        configuration: request.configuration.clone(),
        rule: request.target.rule.name.clone(),
        fingerprint: request.fingerprint,
        providers: Providers(Arc::new(TargetHandle(value))),
        actions: finished.actions.into(),
        files: facts.files,
        executable: facts.executable,
        runfiles: facts.runfiles,
        data_runfiles: facts.data_runfiles,
        output_groups: finished.output_groups,
        predeclared,
        args,
        run_environment: finished.run_environment,
        test_requirements: finished.test_requirements,
        make_variables: finished.make_variables,
        feature_flag: finished.feature_flag,
        warnings,
    }
}

/// The providers of a target as texts, for people and tests.
pub fn provider_texts(target: &AnalyzedTarget) -> Vec<String> {
    let value = locations::handle(target).map(|handle| handle.0.value());
    let Some(target) = value.and_then(crate::values::target::Target::from_value) else {
        return Vec::new();
    };
    target
        .instances
        .iter()
        .map(|instance| instance.to_string())
        .collect()
}
