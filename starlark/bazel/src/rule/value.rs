//! The value of `rule(...)`: calling it declares a target.

use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use kiln_build::{LabelValue, PackageState, declare_with};
use kiln_diag::Diag;
use kiln_host::starlark::environment::FrozenModule;
use kiln_host::starlark::values::FrozenHeapRef;
use kiln_targets::RuleClass;

use crate::interp::*;
use crate::rule::common::TEXT_LABELS;
use crate::rule::spec::RuleSpec;

/// A rule. It gets its name when it is assigned to a global variable.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct RuleGen<V: ValueLifetimeless> {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) spec: Arc<RuleSpec>,
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    name: OnceLock<Arc<str>>,
    pub(crate) implementation: Option<V>,
    initializer: Option<V>,
    /// Functions that compute defaults, in the order of `computed_names`.
    computed: Box<[V]>,
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    computed_names: Box<[Arc<str>]>,
    /// The names of all attributes as strings, made once for all targets.
    names: Box<[V]>,
    /// The defaults of all attributes; `None` where it is a dependency and hence no value yet.
    defaults: Box<[Option<V>]>,
}

starlark_complex_value!(pub(crate) Rule);

// SAFETY: both are `repr(C)` with the same fields, and a frozen value is a value.
unsafe impl<'v> Coerce<RuleGen<Value<'v>>> for RuleGen<FrozenValue> {}

impl<'v> Freeze for Rule<'v> {
    type Frozen = FrozenRule;

    fn freeze(self, freezer: &Freezer) -> FreezeResult<FrozenRule> {
        Ok(RuleGen {
            spec: self.spec,
            name: self.name,
            implementation: self.implementation.freeze(freezer)?,
            initializer: self.initializer.freeze(freezer)?,
            computed: self.computed.freeze(freezer)?,
            computed_names: self.computed_names,
            names: self.names.freeze(freezer)?,
            defaults: self.defaults.freeze(freezer)?,
        })
    }
}

/// What [`RuleClass::handle`] holds.
pub(crate) struct RuleHandle {
    pub(crate) spec: Arc<RuleSpec>,
    /// The rule value; its heap is kept alive by that of the package's loads.
    pub(crate) rule: OwnedFrozenValue,
}

impl<'v> Rule<'v> {
    pub(crate) fn new(
        spec: RuleSpec,
        implementation: Option<Value<'v>>,
        initializer: Option<Value<'v>>,
        computed: Vec<(Arc<str>, Value<'v>)>,
        heap: Heap<'v>,
    ) -> Rule<'v> {
        let (computed_names, computed): (Vec<_>, Vec<_>) = computed.into_iter().unzip();
        let names = spec.attrs.iter().map(|schema| heap.alloc(&*schema.name));
        let defaults = spec.attrs.iter().map(|schema| {
            let plain = !schema.kind.is_dependency();
            plain.then(|| crate::analysis::attrs::loaded(&schema.default, heap))
        });
        Rule {
            names: names.collect(),
            defaults: defaults.collect(),
            spec: Arc::new(spec),
            name: OnceLock::new(),
            implementation,
            initializer,
            computed: computed.into(),
            computed_names: computed_names.into(),
        }
    }

    /// The name of an attribute as a string, and its default if that is no dependency.
    pub(crate) fn attribute(&self, at: usize) -> Option<(StringValue<'v>, Option<Value<'v>>)> {
        let name = StringValue::new(*self.names.get(at)?)?;
        Some((name, self.defaults.get(at).copied().flatten()))
    }

    /// The rule as plain data. `alive` keeps the heap of the frozen rule `me` alive.
    fn class(&self, name: &Arc<str>, me: FrozenValue, alive: &FrozenHeapRef) -> RuleClass {
        let spec = &self.spec;
        // SAFETY: the package's loads reach every rule that its BUILD file can call.
        let rule = unsafe { OwnedFrozenValue::new(alive.clone(), me) };
        RuleClass {
            name: name.clone(),
            defined_in: spec.scope.label.clone(),
            fingerprint: spec.scope.fingerprint,
            kind: spec.kind.clone(),
            doc: spec.doc.clone(),
            attrs: spec.attrs.clone(),
            executable: spec.executable,
            test: spec.test,
            build_setting: spec.build_setting,
            toolchains: spec.toolchains.clone(),
            machine_tools: spec.machine_tools,
            environment: spec.environment,
            outputs: spec.outputs.clone(),
            handle: Arc::new(RuleHandle {
                spec: spec.clone(),
                rule,
            }),
        }
    }

    fn class_in(
        &self,
        package: &PackageState<'_>,
        name: &Arc<str>,
        me: FrozenValue,
    ) -> Arc<RuleClass> {
        // Frozen values stay where they are for as long as they live.
        let address = std::ptr::from_ref(self).addr();
        package.rule_class(address, |alive| self.class(name, me, alive))
    }

    fn declare(
        &self,
        me: FrozenValue,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let name = self.name.get().ok_or_else(|| stop(not_exported()))?;
        let heap = eval.heap();
        if args.positions(heap)?.next().is_some() {
            return Err(stop(
                Diag::build(format!("`{name}` takes named arguments only"))
                    .hint("write `name = \"…\"`"),
            ));
        }
        let mut kwargs = args.names_map()?;
        if let Some(initializer) = self.initializer {
            initialize(name, initializer, &mut kwargs, eval)?;
        }
        for attr in TEXT_LABELS {
            if let Some(value) = kwargs.get_mut(attr) {
                *value = as_texts(*value, heap);
            }
        }
        let package = PackageState::of(eval, &format!("rule `{name}`"))?;
        let class = self.class_in(package, name, me);
        self.compute_defaults(&class, package, &mut kwargs, eval)?;
        let kwargs = kwargs.iter().map(|(name, value)| (name.as_str(), *value));
        declare_with(&class, kwargs, eval)?;
        Ok(Value::new_none())
    }

    /// Calls the functions that compute defaults with the attributes that they name.
    fn compute_defaults(
        &self,
        class: &RuleClass,
        package: &PackageState<'_>,
        kwargs: &mut SmallMap<StringValue<'v>, Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<()> {
        let heap = eval.heap();
        for (attr, function) in self.computed_names.iter().zip(&self.computed) {
            let given = kwargs.get(&**attr).is_some_and(|value| !value.is_none());
            if given || package.has_default(class, attr) {
                continue;
            }
            let names = parameters(*function);
            let mut arguments = Vec::with_capacity(names.len());
            for name in &names {
                let value = match kwargs.get(name.as_str()) {
                    Some(value) if value.get_type() == "select" => {
                        return fail(format!(
                            "the default of `{attr}` is computed from `{name}`, which must not be a `select`"
                        ));
                    }
                    Some(value) => *value,
                    None => self.default_of(name, heap)?,
                };
                arguments.push(value);
            }
            let value = call_function(eval, *function, &arguments, &[])?;
            kwargs.insert(heap.alloc_str(attr), value);
        }
        Ok(())
    }

    fn default_of(&self, name: &str, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let attrs = &self.spec.attrs;
        match attrs.binary_search_by(|schema| (*schema.name).cmp(name)) {
            Ok(at) => {
                let schema = &attrs[at];
                // As loaded: labels are no targets yet.
                Ok(crate::analysis::attrs::loaded(&schema.default, heap))
            }
            Err(_) => fail(format!(
                "a computed default asks for `{name}`, which is no attribute"
            )),
        }
    }
}

/// The rule that a value is, once it has a name.
pub(crate) fn class_of(value: Value<'_>, package: &PackageState<'_>) -> Option<Arc<RuleClass>> {
    let (rule, frozen) = (Rule::from_value(value)?, value.unpack_frozen()?);
    Some(rule.class_in(package, rule.name.get()?, frozen))
}

/// The rules that a file exports by names that do not begin with `_`, sorted by name.
pub(crate) fn classes_of(module: &FrozenModule) -> Vec<RuleClass> {
    let names: Vec<String> = module
        .names()
        .map(|name| name.as_str().to_owned())
        .collect();
    let public = names.iter().filter(|name| !name.starts_with('_'));
    let classes = public.filter_map(|name| {
        let found = module.get_option(name).ok().flatten()?;
        let value = found.value();
        let (rule, frozen) = (Rule::from_value(value)?, value.unpack_frozen()?);
        Some(rule.class(rule.name.get()?, frozen, module.frozen_heap()))
    });
    let mut classes: Vec<RuleClass> = classes.collect();
    classes.sort_by(|one, other| one.name.cmp(&other.name));
    classes
}

fn not_exported() -> Diag {
    Diag::build("the rule has no name: it was not assigned to a global variable of a .bzl file")
}

/// The names of a function's parameters.
fn parameters(function: Value<'_>) -> Vec<String> {
    let spec = function.parameters_spec();
    let text = spec.map(|spec| spec.parameters_str()).unwrap_or_default();
    let names = text
        .split(',')
        .map(|name| name.split('=').next().unwrap_or(name).trim());
    let names = names.filter(|name| !name.is_empty() && *name != "/" && *name != "*");
    names.map(str::to_owned).collect()
}

/// `rule(initializer = f)`: `f` gets the arguments and returns those to change or to add.
fn initialize<'v>(
    rule: &str,
    initializer: Value<'v>,
    kwargs: &mut SmallMap<StringValue<'v>, Value<'v>>,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<()> {
    let named: Vec<(&str, Value<'v>)> = kwargs
        .iter()
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let changed = call_function(eval, initializer, &[], &named)?;
    if changed.is_none() {
        return Ok(());
    }
    let Some(changed) = DictRef::from_value(changed) else {
        return fail(format!(
            "the `initializer` of `{rule}` must return a dict, and returned `{}`",
            changed.get_type()
        ));
    };
    for (name, value) in changed.iter() {
        match StringValue::new(name) {
            Some(name) => kwargs.insert(name, value),
            None => {
                return fail(format!(
                    "the `initializer` of `{rule}` returned the key {name}, which is no string"
                ));
            }
        };
    }
    Ok(())
}

/// Labels in a list become their texts.
fn as_texts<'v>(value: Value<'v>, heap: Heap<'v>) -> Value<'v> {
    let Some(items) = sequence(value) else {
        return value;
    };
    if items
        .iter()
        .all(|item| LabelValue::from_value(*item).is_none())
    {
        return value;
    }
    let texts = items
        .iter()
        .map(|item| match LabelValue::from_value(*item) {
            Some(label) => heap.alloc(label.0.to_string()),
            None => *item,
        });
    heap.alloc(AllocList(texts.collect::<Vec<_>>()))
}

impl<V: ValueLifetimeless> fmt::Display for RuleGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.get() {
            Some(name) => write!(f, "<rule {name}>"),
            None => f.write_str("<rule>"),
        }
    }
}

#[starlark_value(type = "rule")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for RuleGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn invoke(
        &self,
        me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        match (Rule::from_value(me), me.unpack_frozen()) {
            (Some(rule), Some(frozen)) => rule.declare(frozen, args, eval),
            _ => Err(stop(
                Diag::build(
                    "a rule cannot be called in the file that defines it while that is loaded",
                )
                .hint("call it in a BUILD file, or in a function that a BUILD file calls"),
            )),
        }
    }

    /// Rules may be keys of `__defaults__`.
    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        self.name.get().hash(hasher);
        Ok(())
    }

    fn export_as(&self, name: &str, _eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<()> {
        if self.name.get().is_some() {
            return Ok(());
        }
        // Bazel: names of tests end so, and no others; targets are told apart by it.
        if self.spec.test != name.ends_with("_test") {
            let what = match self.spec.test {
                true => "a test rule must have a name that ends with `_test`",
                false => "only test rules may have names that end with `_test`",
            };
            return fail(format!("{what}, and this one is `{name}`"));
        }
        self.name.get_or_init(|| Arc::from(name));
        Ok(())
    }
}
