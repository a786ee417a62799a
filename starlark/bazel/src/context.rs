//! What native functions ask the evaluation context.

use kiln_address::Label;
use kiln_build::LabelValue;
use kiln_host::EvalContext;

use crate::interp::*;

/// The .bzl file that is loaded.
pub(crate) fn current_file(eval: &Evaluator<'_, '_, '_>) -> Option<Label> {
    EvalContext::of(eval)
        .ok()
        .map(|context| context.file().label.clone())
}

/// A label as a value.
pub(crate) fn label_value<'v>(label: &Label, heap: Heap<'v>) -> Value<'v> {
    heap.alloc(LabelValue(label.clone()))
}
