//! The fields of `ctx` and its small methods.

use kiln_build::LabelValue;
use kiln_diag::Diag;
use kiln_targets::{Artifact, Status};

use crate::actions::Actions;
use crate::analysis::state::Analysis;
use crate::ctx::Ctx;
use crate::ctx::configuration::{self, ConfigurationValue};
use crate::ctx::parts::{ExecGroups, Mode, View};
use crate::interp::*;
use crate::values::file::{self, RootValue};
use crate::values::structs::Struct;

#[starlark_module]
pub(super) fn attributes(builder: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn attr<'v>(this: Value<'v>) -> starlark::Result<Value<'v>> {
        Ok(Ctx::of(this)?.attr)
    }

    #[starlark(attribute)]
    fn files<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(View::new(Ctx::of(this)?, Mode::Files)))
    }

    #[starlark(attribute)]
    fn file<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(View::new(Ctx::of(this)?, Mode::File)))
    }

    #[starlark(attribute)]
    fn executable<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(View::new(Ctx::of(this)?, Mode::Executable)))
    }

    #[starlark(attribute)]
    fn split_attr<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(View::new(Ctx::of(this)?, Mode::Split)))
    }

    #[starlark(attribute)]
    fn outputs<'v>(this: Value<'v>) -> starlark::Result<Value<'v>> {
        Ok(Ctx::of(this)?.outputs)
    }

    #[starlark(attribute)]
    fn actions(this: Value) -> starlark::Result<Actions> {
        let _ = this;
        Ok(Actions)
    }

    #[starlark(attribute)]
    fn toolchains<'v>(this: Value<'v>) -> starlark::Result<Value<'v>> {
        Ok(Ctx::of(this)?.toolchains)
    }

    #[starlark(attribute)]
    fn exec_groups<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let toolchains = Ctx::of(this)?.toolchains;
        Ok(heap.alloc(ExecGroups { toolchains }))
    }

    #[starlark(attribute)]
    fn build_setting_value<'v>(this: Value<'v>) -> starlark::Result<Value<'v>> {
        let ctx = Ctx::of(this)?;
        match ctx.build_setting_value {
            Some(value) => Ok(value),
            None => fail(format!(
                "`build_setting_value` exists only in rules with `build_setting`, and `{}` has none",
                ctx.facts.rule.name
            )),
        }
    }

    #[starlark(attribute)]
    fn machine_tools<'v>(this: Value<'v>) -> starlark::Result<Value<'v>> {
        match Ctx::of(this)?.machine_tools {
            Some(tools) => Ok(tools),
            None => fail("`ctx` has no `machine_tools` here"),
        }
    }

    #[starlark(attribute)]
    fn aspect_ids<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let _ = this;
        Ok(heap.alloc(AllocList::EMPTY))
    }

    #[starlark(attribute)]
    fn rule<'v>(this: Value<'v>) -> starlark::Result<Value<'v>> {
        let _ = this;
        fail("`ctx.rule` exists only in aspects")
    }
}

#[starlark_module]
pub(super) fn places(builder: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn label(this: Value) -> starlark::Result<LabelValue> {
        Ok(LabelValue(Ctx::of(this)?.facts.label.clone()))
    }

    #[starlark(attribute)]
    fn workspace_name<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let _ = this;
        Ok(heap.alloc("_main"))
    }

    #[starlark(attribute)]
    fn build_file_path<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let facts = &Ctx::of(this)?.facts;
        let repo = facts.label.repo();
        Ok(match repo.is_root() {
            true => heap.alloc(facts.build_file.as_str()),
            false => heap.alloc(format!("external/{}/{}", repo.as_str(), facts.build_file)),
        })
    }

    #[starlark(attribute)]
    fn bin_dir(this: Value) -> starlark::Result<RootValue> {
        Ok(RootValue::bin(&Ctx::of(this)?.facts.configuration))
    }

    #[starlark(attribute)]
    fn genfiles_dir(this: Value) -> starlark::Result<RootValue> {
        Ok(RootValue::bin(&Ctx::of(this)?.facts.configuration))
    }

    #[starlark(attribute)]
    fn var<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let variables = Ctx::of(this)?.facts.variables.iter();
        let variables = variables.map(|(name, value)| (&**name, &**value));
        Ok(heap.alloc(AllocDict(variables)))
    }

    #[starlark(attribute)]
    fn features<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let (on, _) = &Ctx::of(this)?.facts.features;
        Ok(heap.alloc(AllocList(on.iter().map(|name| &**name))))
    }

    #[starlark(attribute)]
    fn disabled_features<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let (_, off) = &Ctx::of(this)?.facts.features;
        Ok(heap.alloc(AllocList(off.iter().map(|name| &**name))))
    }

    #[starlark(attribute)]
    fn configuration(this: Value) -> starlark::Result<ConfigurationValue> {
        Ok(ConfigurationValue {
            configuration: Ctx::of(this)?.facts.configuration.clone(),
        })
    }

    #[starlark(attribute)]
    fn fragments<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(configuration::fragments(
            &Ctx::of(this)?.facts.configuration,
            heap,
        ))
    }

    #[starlark(attribute)]
    fn host_fragments<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let configuration = Ctx::of(this)?.facts.configuration.exec();
        Ok(configuration::fragments(&configuration, heap))
    }

    /// What changes from build to build: it is there, but no reason to run an action again.
    #[starlark(attribute)]
    fn version_file<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ctx::of(this)?;
        status_file(Status::Volatile, heap)
    }

    /// What is the same from build to build, as a rule.
    #[starlark(attribute)]
    fn info_file<'v>(this: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ctx::of(this)?;
        status_file(Status::Stable, heap)
    }
}

fn status_file(status: Status, heap: Heap<'_>) -> starlark::Result<Value<'_>> {
    let file = Artifact::status(status);
    let file = file.map_err(|error| stop(Diag::internal(error.to_string())))?;
    Ok(file::alloc(heap, &file))
}

#[starlark_module]
pub(super) fn questions(builder: &mut MethodsBuilder) {
    fn target_platform_has_constraint<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] constraint: Value<'v>,
    ) -> starlark::Result<bool> {
        let label = Struct::from_value(constraint).and_then(|info| info.get("label"));
        let Some(label) = label.and_then(LabelValue::from_value) else {
            return Err(stop(
                Diag::build(format!(
                    "`target_platform_has_constraint` takes a `ConstraintValueInfo`, and got `{}`",
                    constraint.get_type()
                ))
                .hint("write `ctx.attr._x[platform_common.ConstraintValueInfo]`"),
            ));
        };
        let settings = Ctx::of(this)?.facts.configuration.settings();
        Ok(settings.constraints.contains(&label.0))
    }

    fn coverage_instrumented<'v>(
        this: Value<'v>,
        #[starlark(default = NoneOr::None)] target: NoneOr<Value<'v>>,
    ) -> starlark::Result<bool> {
        let _ = target;
        Ok(Ctx::of(this)?.facts.configuration.settings().coverage)
    }

    fn package_relative_label<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] input: Value<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<LabelValue> {
        let _ = this;
        if let Some(label) = LabelValue::from_value(input) {
            return Ok(label.clone());
        }
        let Some(text) = input.unpack_str() else {
            return fail(format!("expected a label, and got `{}`", input.get_type()));
        };
        let analysis = Analysis::of(eval)?;
        let package = analysis.label().package();
        match kiln_address::Label::parse(text, package, analysis.request.mapping) {
            Ok(label) => Ok(LabelValue(label)),
            Err(error) => fail(error.to_string()),
        }
    }
}
