//! `ctx.runfiles`, `ctx.resolve_tools` and `ctx.resolve_command`.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{ArtifactSet, LocationKind, Order, Runfiles};

use crate::analysis::attrs::targets_in;
use crate::analysis::locations;
use crate::analysis::state::Analysis;
use crate::ctx::Ctx;
use crate::interp::*;
use crate::values::depset::{self, Depset};
use crate::values::runfiles::{self as values, RunfilesValue};
use crate::values::structs::Struct;
use crate::values::target::Target;

#[starlark_module]
pub(super) fn methods(builder: &mut MethodsBuilder) {
    fn runfiles<'v>(
        this: Value<'v>,
        #[starlark(default = NoneOr::None)] files: NoneOr<Value<'v>>,
        #[starlark(default = NoneOr::None)] transitive_files: NoneOr<Value<'v>>,
        #[starlark(default = false)] collect_data: bool,
        #[starlark(default = false)] collect_default: bool,
        #[starlark(default = NoneOr::None)] symlinks: NoneOr<Value<'v>>,
        #[starlark(default = NoneOr::None)] root_symlinks: NoneOr<Value<'v>>,
        #[starlark(default = false)] skip_conflict_checking: bool,
    ) -> starlark::Result<RunfilesValue> {
        let _ = skip_conflict_checking;
        let ctx = Ctx::of(this)?;
        let files = match files.into_option() {
            Some(files) => depset::file_list(files, "files")?,
            None => Vec::new(),
        };
        let transitive = match transitive_files.into_option() {
            Some(set) => depset::artifacts(set, "transitive_files")?,
            None => ArtifactSet::empty(),
        };
        let own = Runfiles {
            files: ArtifactSet::new(Order::Default, files, [transitive]),
            symlinks: values::links(symlinks.into_option(), "symlinks")?,
            root_symlinks: values::links(root_symlinks.into_option(), "root_symlinks")?,
            empty: Vec::new(),
        };
        let mut parts = vec![Arc::new(own)];
        if collect_data || collect_default {
            collect(ctx, collect_data, collect_default, &mut parts);
        }
        Ok(RunfilesValue::merge(&parts))
    }

    fn resolve_tools<'v>(
        this: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] tools: NoneOr<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let _ = this;
        let inputs = tool_files(tools.into_option())?;
        let inputs = heap.alloc(Depset::of_files(Order::Default, inputs));
        Ok(heap.alloc((inputs, heap.alloc(AllocList::EMPTY))))
    }

    fn resolve_command<'v>(
        this: Value<'v>,
        #[starlark(require = named, default = "")] command: &str,
        #[starlark(require = named, default = NoneOr::None)] attribute: NoneOr<&str>,
        #[starlark(require = named, default = false)] expand_locations: bool,
        #[starlark(require = named, default = NoneOr::None)] make_variables: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] tools: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] label_dict: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] execution_requirements: NoneOr<
            Value<'v>,
        >,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let _ = (label_dict, execution_requirements);
        let heap = eval.heap();
        let tools = tools.into_option();
        let mut text = command.to_owned();
        if expand_locations {
            let targets = tools.map(targets_in).unwrap_or_default();
            let facts = locations::facts(&targets);
            let request = Analysis::of(eval)?.request;
            text = locations::expand(&text, LocationKind::Exec, request, &facts).map_err(stop)?;
        }
        let extra = make_variables.into_option();
        if attribute.into_option().is_some() || extra.is_some() {
            let variables = super::expand::variables(Ctx::of(this)?, extra)?;
            text = locations::expand_variables(&text, "command", &variables).map_err(stop)?;
        }
        let inputs = tool_files(tools)?.to_list();
        let inputs = inputs
            .iter()
            .map(|file| crate::values::file::alloc(heap, file));
        let inputs = heap.alloc(AllocList(inputs.collect::<Vec<_>>()));
        let words = ["/bin/bash", "-c", &text];
        Ok(heap.alloc((
            inputs,
            heap.alloc(AllocList(words)),
            heap.alloc(AllocList::EMPTY),
        )))
    }
}

/// Bazel: from `srcs`, `deps` and `data`.
fn collect(ctx: &Ctx<'_>, data: bool, default: bool, parts: &mut Vec<Arc<Runfiles>>) {
    let Some(attr) = Struct::from_value(ctx.attr) else {
        return;
    };
    let values = ["srcs", "deps", "data"]
        .into_iter()
        .filter_map(|name| attr.get(name));
    for target in values.flat_map(targets_in) {
        let Some(target) = Target::from_value(target) else {
            continue;
        };
        let facts = &target.facts;
        if facts.rule.is_none() && data {
            parts.push(Arc::new(Runfiles::of(facts.files.clone())));
        }
        if data {
            parts.push(facts.data_runfiles.clone());
        }
        if default {
            parts.push(facts.runfiles.clone());
        }
    }
}

/// The files that programs need: themselves and what stands beside them.
fn tool_files(tools: Option<Value<'_>>) -> starlark::Result<ArtifactSet> {
    let Some(tools) = tools else {
        return Ok(ArtifactSet::empty());
    };
    let Some(targets) = sequence(tools) else {
        return Err(stop(Diag::build(format!(
            "`tools` takes a list of targets, and got `{}`",
            tools.get_type()
        ))));
    };
    let targets = targets
        .iter()
        .filter_map(|target| Target::from_value(*target));
    let sets = targets.flat_map(|target| {
        let facts = &target.facts;
        [facts.files.clone(), facts.runfiles.files.clone()]
    });
    Ok(ArtifactSet::new(
        Order::Default,
        Vec::<kiln_targets::Artifact>::new(),
        sets,
    ))
}
