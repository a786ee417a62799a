//! A package under construction: what native functions of a BUILD file read and add to.

#![allow(unused_qualifications)] // in what the derives write

use std::cell::{Ref, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId, RepoMapping};
use kiln_diag::{Diag, Span};
use kiln_host::starlark::any::ProvidesStaticType;
use kiln_host::starlark::environment::FrozenModule;
use kiln_host::starlark::values::{FrozenHeapRef, Value};
use kiln_host::starlark::{self, eval::Evaluator};
use kiln_host::{EvalContext, raise};
use kiln_targets::{
    AttrValue, BuildRequest, Defaults, PackageDefs, PackageGroup, PackageIo, Parameters, RuleClass,
    Target, TargetDef, Visibility,
};

use rustc_hash::FxHashMap;

use crate::coerce::{LabelContext, mismatch};

/// The state of a BUILD file's evaluation ([`EvalContext::state`] in the phase `Build`).
#[derive(ProvidesStaticType)]
pub struct PackageState<'e> {
    pub(crate) id: &'e PackageId,
    pub(crate) mapping: &'e Arc<RepoMapping>,
    pub(crate) module: (&'e str, &'e str),
    pub(crate) io: &'e dyn PackageIo,
    pub(crate) allow_empty_glob: bool,
    natives: Natives<'e>,
    inner: RefCell<Inner>,
    rules: Rules,
}

/// What BUILD files see without loading it.
pub(crate) struct Natives<'e> {
    pub(crate) module: &'e FrozenModule,
    /// The rule that a value is.
    pub(crate) class_of: ClassOf,
}

/// The rule that a value is, if it is one: rules are values that kiln-bazel makes.
pub type ClassOf = for<'v> fn(Value<'v>, &PackageState<'_>) -> Option<Arc<RuleClass>>;

/// The rules that were called so far.
struct Rules {
    /// Keeps every value alive that the BUILD file can reach by its loads and natives.
    alive: FrozenHeapRef,
    /// By the address of the rule's value.
    classes: RefCell<FxHashMap<usize, Arc<RuleClass>>>,
}

/// What was declared so far.
#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) entries: BTreeMap<Arc<str>, Entry>,
    pub(crate) default_visibility: Option<Visibility>,
    pub(crate) features: Vec<Arc<str>>,
    pub(crate) default_testonly: bool,
    pub(crate) package_call: Option<Span>,
    /// `__defaults__`, as far as the file was read.
    pub(crate) defaults: Arc<Defaults>,
}

/// A declared name.
pub(crate) struct Entry {
    pub(crate) what: Pending,
    pub(crate) span: Span,
}

/// A target before the package's defaults are applied: `package()` counts for all targets,
/// wherever it stands.
pub(crate) enum Pending {
    Rule(PendingRule),
    Output {
        generated_by: Arc<str>,
    },
    Exported {
        visibility: Visibility,
    },
    Group(Arc<PackageGroup>),
    /// The targets, or outputs of them, that `parametrize` made under this name.
    Members(Vec<Arc<str>>),
}

pub(crate) struct PendingRule {
    pub(crate) label: Label,
    pub(crate) rule: Arc<RuleClass>,
    /// Sorted by name.
    pub(crate) attrs: Vec<(Arc<str>, AttrValue)>,
    pub(crate) visibility: Option<Visibility>,
    pub(crate) generator: Option<Arc<str>>,
    pub(crate) parameters: Option<Arc<Parameters>>,
}

impl<'e> PackageState<'e> {
    pub(crate) fn new(
        request: &BuildRequest<'e>,
        allow_empty_glob: bool,
        alive: FrozenHeapRef,
        natives: Natives<'e>,
    ) -> PackageState<'e> {
        PackageState {
            id: request.package,
            mapping: request.mapping,
            module: request.module,
            io: request.io,
            allow_empty_glob,
            natives,
            inner: RefCell::new(Inner {
                defaults: request.inherited.clone(),
                ..Inner::default()
            }),
            rules: Rules {
                alive,
                classes: RefCell::default(),
            },
        }
    }

    /// The class of the rule whose value is at `address`; `make` makes it at the first call. It
    /// gets a heap that keeps every value alive which the BUILD file can reach.
    pub fn rule_class(
        &self,
        address: usize,
        make: impl FnOnce(&FrozenHeapRef) -> RuleClass,
    ) -> Arc<RuleClass> {
        let mut classes = self.rules.classes.borrow_mut();
        let class = classes.entry(address);
        class
            .or_insert_with(|| Arc::new(make(&self.rules.alive)))
            .clone()
    }

    /// The rule that a key of `__defaults__` names: by the rule itself, or by the name that BUILD
    /// files know it by without loading it.
    pub(crate) fn rule_named<'v>(
        &self,
        key: Value<'v>,
        eval: &Evaluator<'v, '_, '_>,
    ) -> Result<Arc<RuleClass>, Diag> {
        let Some(name) = key.unpack_str() else {
            let found = (self.natives.class_of)(key, self);
            return found.ok_or_else(|| {
                mismatch("a rule or the name of one", key)
                    .hint("macros have no attributes of their own; name the rules that they use")
            });
        };
        if let Some(rule) = self.native_rule(name, eval) {
            return Ok(rule);
        }
        let rules = self.native_rules(eval);
        let diag = Diag::build(format!("there is no rule `{name}`"));
        let near = diag
            .clone()
            .did_you_mean(name, rules.iter().map(|rule| &*rule.name));
        Err(match near == diag {
            false => near,
            true => diag
                .hint("rules of .bzl files are given as what is loaded, without quotation marks"),
        })
    }

    fn native_rule(&self, name: &str, eval: &Evaluator<'_, '_, '_>) -> Option<Arc<RuleClass>> {
        let found = self.natives.module.get_option(name).ok().flatten()?;
        let value = found.owned_value(eval.frozen_heap());
        (self.natives.class_of)(value, self)
    }

    /// All rules that BUILD files know without loading them.
    pub(crate) fn native_rules(&self, eval: &Evaluator<'_, '_, '_>) -> Vec<Arc<RuleClass>> {
        let names = self.natives.module.names();
        let public = names.filter(|name| !name.starts_with('_'));
        public
            .filter_map(|name| self.native_rule(&name, eval))
            .collect()
    }

    /// Whether a target that does not give this attribute gets it by `__defaults__`.
    pub fn has_default(&self, rule: &RuleClass, attr: &str) -> bool {
        self.inner().defaults.of(rule).contains_key(attr)
    }

    /// The package whose BUILD file is evaluated. `what` is for the message if none is.
    pub fn of<'a>(
        eval: &Evaluator<'_, 'a, 'e>,
        what: &str,
    ) -> starlark::Result<&'a PackageState<'e>> {
        let context = EvalContext::of(eval)?;
        context.state::<PackageState<'e>>().ok_or_else(|| {
            let diag = Diag::build(format!(
                "{what} is for BUILD files and macros; it cannot be called {}",
                context.phase().name()
            ));
            raise(diag.hint("call it in a function that a BUILD file calls"))
        })
    }

    /// The package.
    pub fn id(&self) -> &PackageId {
        self.id
    }

    /// What label strings given to rules and native functions mean.
    pub fn labels(&self) -> LabelContext<'_> {
        LabelContext {
            package: self.id,
            mapping: self.mapping,
        }
    }

    pub(crate) fn inner(&self) -> Ref<'_, Inner> {
        self.inner.borrow()
    }

    /// Changes what was declared. `change` must not call back into Starlark.
    pub(crate) fn edit<R>(&self, change: impl FnOnce(&mut Inner) -> R) -> R {
        change(&mut self.inner.borrow_mut())
    }

    /// The finished package.
    pub(crate) fn finish(&self, request: &BuildRequest<'_>, warnings: Vec<Diag>) -> PackageDefs {
        let inner = self.inner.take();
        let visibility = inner.default_visibility.unwrap_or(Visibility::Private);
        let finish = |(name, entry): (Arc<str>, Entry)| {
            let target = match entry.what {
                Pending::Rule(rule) => Target::Rule(Arc::new(rule.finish(
                    &visibility,
                    inner.default_testonly,
                    entry.span,
                ))),
                Pending::Output { generated_by } => Target::Output { generated_by },
                Pending::Exported { visibility } => Target::Exported { visibility },
                Pending::Group(group) => Target::Group(group),
                Pending::Members(members) => Target::Members(members.into()),
            };
            (name, target)
        };
        PackageDefs {
            id: request.package.clone(),
            build_file: request.build_file.clone(),
            targets: inner.entries.into_iter().map(finish).collect(),
            default_visibility: visibility.clone(),
            features: inner.features,
            default_testonly: inner.default_testonly,
            defaults: inner.defaults,
            warnings,
        }
    }
}

impl PendingRule {
    fn finish(mut self, default_visibility: &Visibility, testonly: bool, span: Span) -> TargetDef {
        if testonly
            && let Some(schema) = self.rule.attr("testonly")
            && let Err(at) = self
                .attrs
                .binary_search_by(|(name, _)| (**name).cmp("testonly"))
        {
            let given = (schema.name.clone(), AttrValue::Bool(true));
            self.attrs.insert(at, given);
        }
        TargetDef {
            label: self.label,
            rule: self.rule,
            attrs: self.attrs,
            visibility: self
                .visibility
                .unwrap_or_else(|| default_visibility.clone()),
            span,
            generator: self.generator,
            parameters: self.parameters,
        }
    }
}

impl Inner {
    /// Declares a name that nothing else has.
    pub(crate) fn declare(&mut self, name: Arc<str>, entry: Entry) -> Result<(), Diag> {
        if let Some(other) = self.entries.get(&name) {
            return Err(conflict(&name, &entry, other));
        }
        self.entries.insert(name, entry);
        Ok(())
    }
}

impl Inner {
    /// Adds a target to those of a parametrized name.
    pub(crate) fn join(&mut self, name: &str, member: Arc<str>, span: &Span) -> Result<(), Diag> {
        if let Some(Entry {
            what: Pending::Members(members),
            span: known,
        }) = self.entries.get_mut(name)
            && known == span
        {
            members.push(member);
            return Ok(());
        }
        let what = Pending::Members(vec![member]);
        let span = span.clone();
        self.declare(Arc::from(name), Entry { what, span })
    }
}

/// Two things of one name (BLD-042).
fn conflict(name: &str, new: &Entry, old: &Entry) -> Diag {
    let (new_kind, old_kind) = (new.what.kind(), old.what.kind());
    let message = match new_kind == old_kind {
        true => format!("{new_kind} `{name}` is declared twice"),
        false => format!("{new_kind} `{name}` has the name of an earlier {old_kind}"),
    };
    let diag = Diag::build(message).at(new.span.clone());
    let diag = diag.note_at("first declared here", old.span.clone());
    match (&new.what, &old.what) {
        (Pending::Rule(_), Pending::Rule(_)) => diag.hint("give one of them another `name`"),
        (Pending::Exported { .. }, Pending::Output { .. } | Pending::Rule(_)) => {
            diag.hint("`exports_files` is for source files")
        }
        _ => diag,
    }
}

impl Pending {
    fn kind(&self) -> &'static str {
        match self {
            Pending::Rule(_) => "target",
            Pending::Output { .. } => "output",
            Pending::Exported { .. } => "exported file",
            Pending::Group(_) => "package group",
            Pending::Members(_) => "parametrized target",
        }
    }
}
