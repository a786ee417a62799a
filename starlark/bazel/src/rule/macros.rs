//! `macro(...)`: symbolic macros (Bazel: macro), expanded where they are called.

use std::fmt;
use std::sync::{Arc, OnceLock};

use kiln_build::{LabelValue, PackageState};
use kiln_diag::Diag;
use kiln_targets::AttrKind;

use crate::analysis::attrs::loaded;
use crate::interp::*;
use crate::rule::attr::Attribute;

/// A symbolic macro.
#[derive(Debug, Trace, Freeze, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct MacroGen<V: ValueLifetimeless> {
    #[freeze(identity)]
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    name: OnceLock<Arc<str>>,
    implementation: V,
    /// A dict of attributes.
    attrs: V,
    /// Whether other arguments are passed on (`inherit_attrs`).
    inherits: bool,
    finalizer: bool,
}

starlark_complex_value!(pub(crate) Macro);

// SAFETY: both are `repr(C)` with the same fields, and a frozen value is a value.
unsafe impl<'v> Coerce<MacroGen<Value<'v>>> for MacroGen<FrozenValue> {}

impl<V: ValueLifetimeless> fmt::Display for MacroGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<macro {}>", self.name.get().map_or("", |name| name))
    }
}

#[starlark_value(type = "macro")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for MacroGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn invoke(
        &self,
        me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        match Macro::from_value(me) {
            Some(this) => this.expand(args, eval),
            None => fail("this is no macro"),
        }
    }

    fn export_as(&self, name: &str, _eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<()> {
        self.name.get_or_init(|| Arc::from(name));
        Ok(())
    }
}

impl<'v> Macro<'v> {
    fn name(&self) -> &str {
        self.name.get().map_or("macro", |name| name)
    }

    fn expand(
        &self,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let name = self.name();
        if self.finalizer {
            return fail(format!(
                "`{name}` has `finalizer = True`, which is not supported yet"
            ));
        }
        if args.positions(heap)?.next().is_some() {
            return fail(format!("`{name}` takes named arguments only"));
        }
        let mut kwargs = args.names_map()?;
        if !kwargs.contains_key("name") {
            return fail(format!("a `{name}` needs a `name`"));
        }
        let package = PackageState::of(eval, &format!("macro `{name}`"))?;
        if !kwargs.contains_key("visibility") {
            let private = heap.alloc(AllocList(["//visibility:private"]));
            kwargs.insert(heap.alloc_str("visibility"), private);
        }
        let known = self.attributes()?;
        self.given(&known, &mut kwargs, package, heap)?;
        self.defaults(&known, &mut kwargs, heap)?;
        let named: Vec<(&str, Value<'v>)> = kwargs
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        call_function(eval, self.implementation, &[], &named)?;
        Ok(Value::new_none())
    }

    /// The attributes by name; those that are `None` are taken from nowhere.
    fn attributes(&self) -> starlark::Result<Vec<Known<'v>>> {
        let Some(attrs) = DictRef::from_value(self.attrs) else {
            return fail(format!("the `attrs` of `{}` are no dict", self.name()));
        };
        let known = attrs
            .iter()
            .filter_map(|(name, attr)| Some((name.unpack_str()?, Attribute::from_value(attr))));
        Ok(known.collect())
    }

    /// Checks what is given.
    fn given(
        &self,
        known: &[Known<'v>],
        kwargs: &mut Kwargs<'v>,
        package: &PackageState<'_>,
        heap: Heap<'v>,
    ) -> starlark::Result<()> {
        for (name, value) in kwargs.iter_mut() {
            let name = name.as_str();
            match known.iter().find(|(known, _)| *known == name) {
                Some((_, Some(attribute))) => {
                    *value = labels(*value, attribute.schema.kind, package, heap)?;
                }
                _ if matches!(name, "name" | "visibility") || self.inherits => {}
                _ => {
                    let own = self.name();
                    let diag = Diag::build(format!("`{own}` has no attribute `{name}`"));
                    let names = known.iter().map(|(name, _)| *name);
                    return Err(stop(diag.did_you_mean(name, names)));
                }
            }
        }
        Ok(())
    }

    /// Adds what is not given.
    fn defaults(
        &self,
        known: &[Known<'v>],
        kwargs: &mut Kwargs<'v>,
        heap: Heap<'v>,
    ) -> starlark::Result<()> {
        for (name, attribute) in known {
            let Some(attribute) = attribute else { continue };
            if kwargs.contains_key(*name) {
                continue;
            }
            if attribute.schema.mandatory {
                return fail(format!("a `{}` needs `{name}`", self.name()));
            }
            let value = loaded(&attribute.schema.default, heap);
            kwargs.insert(heap.alloc_str(name), value);
        }
        Ok(())
    }
}

type Known<'v> = (&'v str, Option<&'v Attribute<'v>>);
type Kwargs<'v> = SmallMap<StringValue<'v>, Value<'v>>;

/// Bazel gives macros labels, not texts.
fn labels<'v>(
    value: Value<'v>,
    kind: AttrKind,
    package: &PackageState<'_>,
    heap: Heap<'v>,
) -> starlark::Result<Value<'v>> {
    let label = |value: Value<'v>| match value.unpack_str() {
        Some(_) => match package.labels().label(value) {
            Ok(label) => Ok(heap.alloc(LabelValue(label))),
            Err(diag) => Err(stop(diag)),
        },
        None => Ok(value),
    };
    match kind {
        AttrKind::Label => label(value),
        AttrKind::LabelList => match sequence(value) {
            Some(items) => {
                let items: starlark::Result<Vec<_>> =
                    items.iter().map(|item| label(*item)).collect();
                Ok(heap.alloc(AllocList(items?)))
            }
            None => Ok(value),
        },
        _ => Ok(value),
    }
}

#[starlark_module]
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    fn r#macro<'v>(
        #[starlark(require = named)] implementation: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] attrs: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] inherit_attrs: NoneOr<Value<'v>>,
        #[starlark(require = named, default = false)] finalizer: bool,
        #[starlark(require = named, default = NoneOr::None)] doc: NoneOr<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Macro<'v>> {
        let _ = doc;
        let attrs = attrs
            .into_option()
            .unwrap_or_else(|| heap.alloc(AllocDict::EMPTY));
        Ok(Macro {
            name: OnceLock::new(),
            implementation,
            attrs,
            inherits: inherit_attrs.into_option().is_some(),
            finalizer,
        })
    }
}
