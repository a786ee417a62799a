//! `struct(...)` and provider instances: one type, told apart by their provider.

use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;

use crate::interp::*;
use crate::json::ToJson;
use crate::values::provider::ProviderDef;

/// Named fields. `provider` is `None` for plain structs.
#[derive(Debug, Trace, Freeze, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct StructGen<'v, V: ValueLike<'v>> {
    #[freeze(identity)]
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) provider: Option<Arc<ProviderDef>>,
    pub(crate) fields: SmallMap<V::String, V>,
}

starlark_complex_value!(pub(crate) Struct<'v>);

// SAFETY: both are `repr(C)` with the same fields, and a frozen value is a value.
unsafe impl<'v> Coerce<StructGen<'v, Value<'v>>> for StructGen<'static, FrozenValue> {}

impl<'v> Struct<'v> {
    /// A plain struct.
    pub(crate) fn plain(fields: SmallMap<StringValue<'v>, Value<'v>>) -> Struct<'v> {
        Struct {
            provider: None,
            fields,
        }
    }

    /// A plain struct of named values.
    pub(crate) fn of<'a>(
        heap: Heap<'v>,
        fields: impl IntoIterator<Item = (&'a str, Value<'v>)>,
    ) -> Struct<'v> {
        let fields = fields.into_iter();
        Struct::plain(
            fields
                .map(|(name, value)| (heap.alloc_str(name), value))
                .collect(),
        )
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'v>> {
        self.fields.get(name).copied()
    }

    /// The fields sorted by name, as texts and JSON show them.
    pub(crate) fn sorted(&self) -> Vec<(&'v str, Value<'v>)> {
        let fields = self.fields.iter();
        let mut fields: Vec<_> = fields
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        fields.sort_by_key(|(name, _)| *name);
        fields
    }
}

impl<'v, V: ValueLike<'v>> fmt::Display for StructGen<'v, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.provider.as_ref().and_then(|provider| provider.name());
        write!(f, "{}(", name.unwrap_or("struct"))?;
        let fields = self.fields.iter();
        let mut fields: Vec<_> = fields
            .map(|(name, value)| (name.to_string_value(), value))
            .collect();
        fields.sort_by_key(|(name, _)| name.as_str());
        for (at, (name, value)) in fields.into_iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{} = {value}", name.as_str())?;
        }
        f.write_str(")")
    }
}

impl<'v, V: ValueLike<'v>> StructGen<'v, V> {
    fn same_provider(&self, other: &Struct<'v>) -> bool {
        match (&self.provider, &other.provider) {
            (None, None) => true,
            (Some(mine), Some(other)) => mine.same(other),
            _ => false,
        }
    }
}

#[starlark_value(type = "struct")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for StructGen<'v, V>
where
    Self: ProvidesStaticType<'v>,
{
    fn collect_repr_cycle(&self, collector: &mut String) {
        collector.push_str("struct(...)");
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        let Some(other) = Struct::from_value(other) else {
            return Ok(false);
        };
        if !self.same_provider(other) || self.fields.len() != other.fields.len() {
            return Ok(false);
        }
        for (name, value) in &self.fields {
            match other.fields.get(name.as_str()) {
                Some(theirs) if value.equals(*theirs)? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    /// Independent of the order of fields, as equality is.
    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        let mut sum = self.fields.len() as u64;
        for (name, value) in self.fields.iter_hashed() {
            let mut field = StarlarkHasher::new();
            field.write_u64(u64::from(name.hash().get()));
            value.write_hash(&mut field)?;
            sum = sum.wrapping_add(field.finish());
        }
        hasher.write_u64(sum);
        Ok(())
    }

    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        if let Some(value) = self.fields.get(attribute) {
            return Some(value.to_value());
        }
        // Old files call `struct.to_json()`; `dir` does not list it, so that what walks over
        // all fields meets fields only.
        if attribute != "to_json" {
            return None;
        }
        let fields = self.fields.iter();
        let fields = fields.map(|(name, value)| (name.to_string_value(), value.to_value()));
        let of = heap.alloc(Struct::plain(fields.collect()));
        Some(heap.alloc(ToJson { of }))
    }

    fn dir_attr(&self) -> Vec<String> {
        let names = self.fields.keys();
        names.map(|name| name.as_str().to_owned()).collect()
    }

    /// `"group" in target[OutputGroupInfo]`
    fn is_in(&self, other: Value<'v>) -> starlark::Result<bool> {
        match (&self.provider, other.unpack_str()) {
            (Some(provider), Some(name)) if provider.indexable => {
                Ok(self.fields.contains_key(name))
            }
            _ => fail(format!("`in` does not work on `{}`", self.kind())),
        }
    }

    /// `target[OutputGroupInfo]["group"]`
    fn at(&self, index: Value<'v>, _heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        match (&self.provider, index.unpack_str()) {
            (Some(provider), Some(name)) if provider.indexable => match self.fields.get(name) {
                Some(value) => Ok(value.to_value()),
                None => fail(format!("no output group `{name}`")),
            },
            _ => fail(format!("`{}` cannot be indexed", self.kind())),
        }
    }

    fn iterate_collect(&self, heap: Heap<'v>) -> starlark::Result<Vec<Value<'v>>> {
        match &self.provider {
            Some(provider) if provider.indexable => {
                let names = self.fields.keys();
                Ok(names.map(|name| heap.alloc(name.as_str())).collect())
            }
            _ => fail(format!("`{}` cannot be iterated over", self.kind())),
        }
    }
}

impl<'v, V: ValueLike<'v>> StructGen<'v, V> {
    fn kind(&self) -> &str {
        let name = self.provider.as_ref().and_then(|provider| provider.name());
        name.unwrap_or("struct")
    }
}

#[starlark_module]
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    fn r#struct<'v>(args: &Arguments<'v, '_>, heap: Heap<'v>) -> starlark::Result<Struct<'v>> {
        if args.positions(heap)?.next().is_some() {
            return fail("`struct` takes named arguments only");
        }
        Ok(Struct::plain(args.names_map()?))
    }
}
