//! The objects that hang on `ctx`: `ctx.files`, `ctx.file`, `ctx.executable`, `ctx.toolchains`.

use std::fmt;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_host::FileScope;
use kiln_targets::{AttrSchema, RuleClass};

use kiln_build::LabelValue;

use crate::analysis::attrs::targets_in;
use crate::ctx::Ctx;
use crate::interp::*;
use crate::values::file;
use crate::values::structs::Struct;
use crate::values::target::{Target, files_of};
use crate::values::transient::transient;

/// What a [`View`] shows of the dependencies in an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// All files.
    Files,
    /// The one file (`allow_single_file`).
    File,
    /// The program (`executable = True`).
    Executable,
    /// The dependencies by the key of a split transition: none, so `None`.
    Split,
}

/// `ctx.files` and its like: computed for an attribute when it is asked for.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct View<'v> {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    mode: Mode,
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    rule: Arc<RuleClass>,
    attr: Value<'v>,
}

impl<'v> View<'v> {
    pub(crate) fn new(ctx: &Ctx<'v>, mode: Mode) -> View<'v> {
        View {
            mode,
            rule: ctx.facts.rule.clone(),
            attr: ctx.attr,
        }
    }

    fn shows(&self, schema: &AttrSchema) -> bool {
        schema.kind.is_dependency()
            && match self.mode {
                Mode::Files | Mode::Split => true,
                Mode::File => schema.single_file,
                Mode::Executable => schema.executable,
            }
    }
}

transient!(View<'v>);

impl fmt::Display for View<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{:?} of {}>", self.mode, self.rule.name)
    }
}

#[starlark_value(type = "struct")]
impl<'v> StarlarkValue<'v> for View<'v> {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        let schema = self
            .rule
            .attr(attribute)
            .filter(|schema| self.shows(schema))?;
        let value = Struct::from_value(self.attr)?.get(&schema.name)?;
        let targets = targets_in(value);
        Some(match self.mode {
            Mode::Files => heap.alloc(AllocList(files_of(&targets, heap))),
            Mode::File => match files_of(&targets, heap).as_slice() {
                [file] => *file,
                _ => Value::new_none(),
            },
            Mode::Executable => {
                let target = targets
                    .first()
                    .and_then(|target| Target::from_value(*target));
                let executable = target.and_then(|target| target.facts.executable.as_ref());
                executable.map_or_else(Value::new_none, |executable| file::alloc(heap, executable))
            }
            Mode::Split => heap.alloc(AllocDict([(Value::new_none(), value)])),
        })
    }

    fn dir_attr(&self) -> Vec<String> {
        let shown = self.rule.attrs.iter().filter(|schema| self.shows(schema));
        shown.map(|schema| schema.name.to_string()).collect()
    }
}

/// `ctx.toolchains`, indexed by toolchain type.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct Toolchains<'v> {
    /// The types that the rule asks for.
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) types: Vec<Label>,
    /// For each: its `ToolchainInfo`, or `None`.
    pub(crate) found: Vec<Value<'v>>,
    /// The file of the rule: label strings are relative to it.
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) scope: Arc<FileScope>,
}

transient!(Toolchains<'v>);

impl Toolchains<'_> {
    fn index(&self, key: Value<'_>) -> starlark::Result<Option<usize>> {
        let label = if let Some(label) = LabelValue::from_value(key) {
            label.0.clone()
        } else if let Some(text) = key.unpack_str() {
            let label = self.scope.parse_label(text);
            label.map_err(|error| stop(Diag::build(error.to_string())))?
        } else {
            return fail(format!(
                "`ctx.toolchains` is indexed by the label of a toolchain type, and got `{}`",
                key.get_type()
            ));
        };
        Ok(self.types.iter().position(|known| *known == label))
    }
}

impl fmt::Display for Toolchains<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<toolchains>")
    }
}

#[starlark_value(type = "ToolchainContext")]
impl<'v> StarlarkValue<'v> for Toolchains<'v> {
    fn at(&self, index: Value<'v>, _heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        if let Some(at) = self.index(index)? {
            return Ok(self.found.get(at).copied().unwrap_or_default());
        }
        let diag = Diag::build(format!(
            "the rule does not ask for toolchains of the type {}",
            index.to_repr()
        ));
        Err(stop(match self.types.is_empty() {
            true => diag.hint("add `toolchains = [...]` to the call of `rule`"),
            false => {
                let types = self.types.iter().map(|label| format!("`{label}`"));
                diag.note(format!(
                    "it asks for {}",
                    types.collect::<Vec<_>>().join(", ")
                ))
            }
        }))
    }

    fn is_in(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(self.index(other)?.is_some())
    }
}

/// `ctx.exec_groups`: every group runs on this machine, with the rule's own toolchains.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct ExecGroups<'v> {
    pub(crate) toolchains: Value<'v>,
}

transient!(ExecGroups<'v>);

impl fmt::Display for ExecGroups<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<exec groups>")
    }
}

#[starlark_value(type = "ExecGroupCollection")]
impl<'v> StarlarkValue<'v> for ExecGroups<'v> {
    fn at(&self, _index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(Struct::of(heap, [("toolchains", self.toolchains)])))
    }
}
