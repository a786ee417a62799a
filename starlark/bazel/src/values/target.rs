//! `Target`: a dependency as an implementation function sees it.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use kiln_address::Label;
use kiln_diag::Diag;
use kiln_targets::{Artifact, ArtifactSet, Order, Runfiles};

use crate::interp::*;
use crate::providers::BUILTINS;
use crate::values::depset::Depset;
use crate::values::file;
use crate::values::provider::{Provider, ProviderDef};
use crate::values::runfiles::{FilesToRun, RunfilesValue};
use crate::values::structs::Struct;

/// What is known of a target without its providers.
#[derive(Clone, Debug)]
pub(crate) struct TargetFacts {
    pub(crate) label: Label,
    /// `None` for files.
    pub(crate) rule: Option<Arc<str>>,
    pub(crate) files: ArtifactSet,
    pub(crate) executable: Option<Artifact>,
    pub(crate) runfiles: Arc<Runfiles>,
    pub(crate) data_runfiles: Arc<Runfiles>,
}

/// A target. That of a rule lives in the heap of its own analysis and is shared by all its
/// dependents; that of a file is made where it is needed.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct TargetGen<V: ValueLifetimeless> {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) facts: TargetFacts,
    /// `DefaultInfo`; made on demand for files.
    pub(crate) default_info: Option<V>,
    /// The other providers.
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) defs: Box<[Arc<ProviderDef>]>,
    /// Their instances, in the order of `defs`.
    pub(crate) instances: Box<[V]>,
}

starlark_complex_value!(pub(crate) Target);

// SAFETY: both are `repr(C)` with the same fields, and a frozen value is a value.
unsafe impl<'v> Coerce<TargetGen<Value<'v>>> for TargetGen<FrozenValue> {}

impl<'v> Freeze for Target<'v> {
    type Frozen = FrozenTarget;

    fn freeze(self, freezer: &Freezer) -> FreezeResult<FrozenTarget> {
        Ok(TargetGen {
            facts: self.facts,
            default_info: self.default_info.freeze(freezer)?,
            defs: self.defs,
            instances: self.instances.freeze(freezer)?,
        })
    }
}

impl<'v> Target<'v> {
    /// A file as a dependency.
    pub(crate) fn of_file(label: Label, artifact: Artifact) -> Target<'v> {
        let facts = TargetFacts {
            label,
            rule: None,
            files: ArtifactSet::of([artifact.clone()]),
            executable: Some(artifact),
            runfiles: Arc::default(),
            data_runfiles: Arc::default(),
        };
        Target {
            facts,
            default_info: None,
            defs: Box::default(),
            instances: Box::default(),
        }
    }

    /// The instance of a provider.
    pub(crate) fn get(&self, def: &Arc<ProviderDef>) -> Option<Value<'v>> {
        let at = self.defs.iter().position(|mine| mine.same(def))?;
        Some(self.instances[at])
    }

    /// `target[DefaultInfo]`
    pub(crate) fn default_info(&self, heap: Heap<'v>) -> Value<'v> {
        self.default_info
            .unwrap_or_else(|| default_info(&self.facts, heap))
    }
}

/// `DefaultInfo` as dependents see it.
pub(crate) fn default_info<'v>(facts: &TargetFacts, heap: Heap<'v>) -> Value<'v> {
    let runfiles = |runfiles: &Arc<Runfiles>| {
        heap.alloc(RunfilesValue {
            runfiles: runfiles.clone(),
        })
    };
    let default_runfiles = runfiles(&facts.runfiles);
    let data_runfiles = match Arc::ptr_eq(&facts.runfiles, &facts.data_runfiles) {
        true => default_runfiles,
        false => runfiles(&facts.data_runfiles),
    };
    let fields = [
        ("files", files(facts, heap)),
        ("files_to_run", files_to_run(facts, heap)),
        ("default_runfiles", default_runfiles),
        ("data_runfiles", data_runfiles),
    ];
    let fields = fields.map(|(name, value)| (heap.alloc_str_intern(name), value));
    heap.alloc(Struct {
        provider: Some(BUILTINS.default_info.clone()),
        fields: fields.into_iter().collect(),
    })
}

fn files<'v>(facts: &TargetFacts, heap: Heap<'v>) -> Value<'v> {
    heap.alloc(Depset::of_files(Order::Default, facts.files.clone()))
}

fn files_to_run<'v>(facts: &TargetFacts, heap: Heap<'v>) -> Value<'v> {
    heap.alloc(FilesToRun {
        executable: facts.executable.clone(),
        runfiles: facts.runfiles.clone(),
        files: facts.files.clone(),
    })
}

impl<V: ValueLifetimeless> fmt::Display for TargetGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (&self.facts.rule, &self.facts.executable) {
            (None, Some(file)) if file.is_source() => "input file target",
            (None, _) => "output file target",
            _ => "target",
        };
        write!(f, "<{kind} {}>", self.facts.label)?;
        Ok(())
    }
}

starlark::methods_static!(TARGET_METHODS = target_methods);

#[starlark_value(type = "Target")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for TargetGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn get_methods() -> Option<&'static Methods> {
        Some(TARGET_METHODS.methods())
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        Ok(Target::from_value(other).is_some_and(|other| {
            self.facts.label == other.facts.label
                && self.facts.rule == other.facts.rule
                && self.facts.files == other.facts.files
        }))
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        self.facts.label.hash(hasher);
        Ok(())
    }

    fn is_in(&self, other: Value<'v>) -> starlark::Result<bool> {
        let def = provider(other, "in")?;
        Ok(BUILTINS.default_info.same(def) || self.defs.iter().any(|mine| mine.same(def)))
    }

    fn at(&self, index: Value<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let def = provider(index, "[]")?;
        if BUILTINS.default_info.same(def) {
            return Ok(match self.default_info {
                Some(info) => info.to_value(),
                None => default_info(&self.facts, heap),
            });
        }
        match self.defs.iter().position(|mine| mine.same(def)) {
            Some(at) => Ok(self.instances[at].to_value()),
            None => Err(stop(missing(&self.facts, &self.defs, def))),
        }
    }
}

fn provider<'v>(value: Value<'v>, operator: &str) -> starlark::Result<&'v Arc<ProviderDef>> {
    match Provider::def_of(value) {
        Some(def) => Ok(def),
        None => fail(format!(
            "`{operator}` of a target takes a provider, and got `{}`",
            value.get_type()
        )),
    }
}

fn missing(facts: &TargetFacts, defs: &[Arc<ProviderDef>], wanted: &ProviderDef) -> Diag {
    let what = match &facts.rule {
        Some(rule) => format!("`{}` ({rule})", facts.label),
        None => format!("the file `{}`", facts.label),
    };
    let diag = Diag::build(format!("{what} has no provider `{wanted}`"));
    diag.note(format!("it has {}", provider_names(defs)))
        .did_you_mean(
            &wanted.to_string(),
            defs.iter().filter_map(|def| def.name()),
        )
}

/// All providers of a target for messages.
pub(crate) fn provider_names(defs: &[Arc<ProviderDef>]) -> String {
    let mut names = vec!["`DefaultInfo`".to_owned()];
    names.extend(defs.iter().map(|def| format!("`{def}`")));
    names.join(", ")
}

#[starlark_module]
fn target_methods(methods: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn label<'v>(this: &'v Target<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(crate::context::label_value(&this.facts.label, heap))
    }

    #[starlark(attribute)]
    fn files<'v>(this: &'v Target<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        field(this, "files", heap)
    }

    #[starlark(attribute)]
    fn files_to_run<'v>(this: &'v Target<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        field(this, "files_to_run", heap)
    }

    #[starlark(attribute)]
    fn default_runfiles<'v>(this: &'v Target<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        field(this, "default_runfiles", heap)
    }

    #[starlark(attribute)]
    fn data_runfiles<'v>(this: &'v Target<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        field(this, "data_runfiles", heap)
    }

    #[starlark(attribute)]
    fn output_groups<'v>(this: &'v Target<'v>, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(this
            .get(&BUILTINS.output_groups)
            .unwrap_or_else(|| heap.alloc(Struct::plain(SmallMap::new()))))
    }
}

fn field<'v>(target: &Target<'v>, name: &str, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
    let info = Struct::from_value(target.default_info(heap));
    Ok(info.and_then(|info| info.get(name)).unwrap_or_default())
}

/// All the files of targets, in order, each once.
pub(crate) fn files_of<'v>(targets: &[Value<'v>], heap: Heap<'v>) -> Vec<Value<'v>> {
    let mut seen = std::collections::HashSet::new();
    let mut list = Vec::with_capacity(targets.len());
    for target in targets
        .iter()
        .filter_map(|value| Target::from_value(*value))
    {
        let files = &target.facts.files;
        match files.children().is_empty() {
            true => files
                .direct()
                .iter()
                .for_each(|file| push(file, &mut seen, &mut list, heap)),
            false => {
                let files = files.to_list();
                files
                    .iter()
                    .for_each(|file| push(file, &mut seen, &mut list, heap));
            }
        }
    }
    list
}

fn push<'v>(
    artifact: &Artifact,
    seen: &mut std::collections::HashSet<Artifact>,
    list: &mut Vec<Value<'v>>,
    heap: Heap<'v>,
) {
    if seen.insert(artifact.clone()) {
        list.push(file::alloc(heap, artifact));
    }
}
