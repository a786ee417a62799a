//! `provider(...)`: what makes instances, and their identity.

use std::fmt;
use std::sync::{Arc, OnceLock};

use kiln_address::Label;
use kiln_diag::Diag;

use crate::interp::*;
use crate::values::structs::Struct;

/// What a provider is, whoever holds it: the callable, its raw constructor and its instances.
#[derive(Debug)]
pub(crate) struct ProviderDef {
    key: OnceLock<ProviderKey>,
    /// The fields it may have, sorted; `None` if it takes any.
    pub(crate) fields: Option<Vec<String>>,
    /// Whether instances can be indexed by field name (`OutputGroupInfo`).
    pub(crate) indexable: bool,
}

/// The identity of a provider: where it was defined and the name it was exported by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProviderKey {
    /// The .bzl file; `None` for those that are built in.
    pub(crate) file: Option<Label>,
    /// Its exported name.
    pub(crate) name: Arc<str>,
}

impl ProviderDef {
    /// A provider of a .bzl file, without a name yet.
    pub(crate) fn new(mut fields: Option<Vec<String>>) -> Arc<ProviderDef> {
        if let Some(fields) = &mut fields {
            fields.sort();
        }
        Arc::new(ProviderDef {
            key: OnceLock::new(),
            fields,
            indexable: false,
        })
    }

    /// A provider that is built in.
    pub(crate) fn builtin(
        name: &str,
        fields: Option<&[&str]>,
        indexable: bool,
    ) -> Arc<ProviderDef> {
        let key = ProviderKey {
            file: None,
            name: Arc::from(name),
        };
        let mut fields: Option<Vec<String>> =
            fields.map(|fields| fields.iter().map(|field| (*field).to_owned()).collect());
        if let Some(fields) = &mut fields {
            fields.sort();
        }
        Arc::new(ProviderDef {
            key: OnceLock::from(key),
            fields,
            indexable,
        })
    }

    /// The name it was exported by.
    pub(crate) fn name(&self) -> Option<&str> {
        self.key.get().map(|key| &*key.name)
    }

    /// Whether both are the same provider, even of two evaluations of one file.
    pub(crate) fn same(self: &Arc<Self>, other: &Arc<Self>) -> bool {
        Arc::ptr_eq(self, other)
            || matches!((self.key.get(), other.key.get()), (Some(a), Some(b)) if a == b)
    }

    fn export(&self, file: Option<Label>, name: &str) {
        // Only the first name counts (`A = provider()`, then `B = A`).
        self.key.get_or_init(|| ProviderKey {
            file,
            name: Arc::from(name),
        });
    }
}

impl fmt::Display for ProviderDef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name().unwrap_or("provider"))
    }
}

/// `provider(...)`, or the raw constructor that `provider(init = ...)` gives beside it.
#[derive(Debug, Trace, Freeze, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct ProviderGen<V: ValueLifetimeless> {
    #[freeze(identity)]
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) def: Arc<ProviderDef>,
    init: Option<V>,
    raw: bool,
}

starlark_complex_value!(pub(crate) Provider);

// SAFETY: both are `repr(C)` with the same fields, and a frozen value is a value.
unsafe impl<'v> Coerce<ProviderGen<Value<'v>>> for ProviderGen<FrozenValue> {}

impl<'v> Provider<'v> {
    /// A provider, and its raw constructor if there is an `init`.
    pub(crate) fn make(
        fields: Option<Vec<String>>,
        init: Option<Value<'v>>,
        heap: Heap<'v>,
    ) -> Value<'v> {
        let def = ProviderDef::new(fields);
        let provider = heap.alloc(Provider {
            def: def.clone(),
            init,
            raw: false,
        });
        if init.is_none() {
            return provider;
        }
        let raw = heap.alloc(Provider {
            def,
            init: None,
            raw: true,
        });
        heap.alloc((provider, raw))
    }

    /// The identity of a provider value, built in or not.
    pub(crate) fn def_of(value: Value<'v>) -> Option<&'v Arc<ProviderDef>> {
        match Provider::from_value(value) {
            Some(provider) if !provider.raw => Some(&provider.def),
            Some(_) => None,
            None => crate::providers::def_of(value),
        }
    }
}

impl<V: ValueLifetimeless> fmt::Display for ProviderGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.raw {
            true => write!(f, "<raw constructor for {}>", self.def),
            false => write!(f, "<provider {}>", self.def),
        }
    }
}

#[starlark_value(type = "Provider")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for ProviderGen<V>
where
    Self: ProvidesStaticType<'v>,
{
    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let fields = match self.init {
            None => {
                if args.positions(heap)?.next().is_some() {
                    return fail(format!(
                        "provider `{}` takes its fields by name only",
                        self.def
                    ));
                }
                args.names_map()?
            }
            Some(init) => {
                let made = init.to_value().invoke(args, eval)?;
                fields_of_init(&self.def, made)?
            }
        };
        instance(&self.def, fields, heap)
    }

    fn export_as(&self, name: &str, eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<()> {
        if !self.raw {
            self.def.export(crate::context::current_file(eval), name);
        }
        Ok(())
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        let other = Provider::from_value(other);
        Ok(other.is_some_and(|other| self.raw == other.raw && self.def.same(&other.def)))
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        use std::hash::Hash;
        self.def.name().hash(hasher);
        Ok(())
    }
}

/// Makes an instance and checks its fields.
pub(crate) fn instance<'v>(
    def: &Arc<ProviderDef>,
    fields: SmallMap<StringValue<'v>, Value<'v>>,
    heap: Heap<'v>,
) -> starlark::Result<Value<'v>> {
    if let Some(known) = &def.fields {
        for name in fields.keys() {
            let name = name.as_str();
            if known
                .binary_search_by(|field| field.as_str().cmp(name))
                .is_err()
            {
                return Err(stop(unknown_field(def, name, known)));
            }
        }
    }
    Ok(heap.alloc(Struct {
        provider: Some(def.clone()),
        fields,
    }))
}

fn unknown_field(def: &ProviderDef, name: &str, known: &[String]) -> Diag {
    let diag = Diag::build(format!("provider `{def}` has no field `{name}`"))
        .did_you_mean(name, known.iter().map(String::as_str));
    match known.is_empty() {
        true => diag.note("it has no fields at all"),
        false => diag.note(format!("its fields are `{}`", known.join("`, `"))),
    }
}

fn fields_of_init<'v>(
    def: &ProviderDef,
    made: Value<'v>,
) -> starlark::Result<SmallMap<StringValue<'v>, Value<'v>>> {
    let Some(dict) = DictRef::from_value(made) else {
        return fail(format!(
            "the `init` of provider `{def}` must return a dict of fields, and returned `{}`",
            made.get_type()
        ));
    };
    let mut fields = SmallMap::with_capacity(dict.len());
    for (name, value) in dict.iter() {
        let Some(name) = StringValue::new(name) else {
            return fail(format!(
                "the `init` of provider `{def}` returned a dict with a key that is no string: `{name}`"
            ));
        };
        fields.insert(name, value);
    }
    Ok(fields)
}

#[starlark_module]
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    /// Bazel: `provider(doc="", *, fields=None, init=None)`
    fn provider<'v>(
        #[starlark(default = NoneOr::None)] doc: NoneOr<Value<'v>>,
        #[starlark(default = NoneOr::None)] fields: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] init: NoneOr<Value<'v>>,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let _ = doc;
        let fields = match fields.into_option() {
            Some(fields) => Some(field_names(fields)?),
            None => None,
        };
        Ok(Provider::make(fields, init.into_option(), heap))
    }
}

/// A list of names, or a dict from names to docs.
fn field_names(value: Value<'_>) -> starlark::Result<Vec<String>> {
    let names = match (sequence(value), DictRef::from_value(value)) {
        (Some(names), _) => names.to_vec(),
        (None, Some(dict)) => dict.keys().collect(),
        (None, None) => {
            return fail(format!(
                "`fields` takes a list or dict of names, and got `{}`",
                value.get_type()
            ));
        }
    };
    let names = names.into_iter().map(|name| match name.unpack_str() {
        Some(name) => Ok(name.to_owned()),
        None => fail(format!("the name of a field is a string, and not `{name}`")),
    });
    names.collect()
}
