//! `coverage_common` (Bazel: coverage_common module).

use kiln_targets::Order;

use crate::interp::*;
use crate::providers::BUILTINS;
use crate::values::depset::Depset;
use crate::values::structs::Struct;

#[starlark_module]
pub(crate) fn module(builder: &mut GlobalsBuilder) {
    /// Which files count for coverage: none, until coverage is collected.
    fn instrumented_files_info<'v>(
        #[starlark(require = pos)] ctx: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] source_attributes: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] dependency_attributes: NoneOr<
            Value<'v>,
        >,
        #[starlark(require = named, default = NoneOr::None)] extensions: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] metadata_files: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] baseline_coverage_files: NoneOr<
            Value<'v>,
        >,
        #[starlark(require = named, default = NoneOr::None)] coverage_support_files: NoneOr<
            Value<'v>,
        >,
        #[starlark(require = named, default = NoneOr::None)] coverage_environment: NoneOr<
            Value<'v>,
        >,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let _ = (
            ctx,
            source_attributes,
            dependency_attributes,
            extensions,
            metadata_files,
        );
        let _ = (
            baseline_coverage_files,
            coverage_support_files,
            coverage_environment,
        );
        let empty = heap.alloc(Depset::build(Order::Default, &[], &[])?);
        let fields = ["instrumented_files", "metadata_files"];
        let fields = fields.map(|name| (heap.alloc_str(name), empty));
        Ok(heap.alloc(Struct {
            provider: Some(BUILTINS.instrumented_files.clone()),
            fields: fields.into_iter().collect(),
        }))
    }
}
