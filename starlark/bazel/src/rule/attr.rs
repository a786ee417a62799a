//! `attr.*`: attributes of rules (Bazel: attr module).

use std::fmt;
use std::sync::Arc;

use kiln_build::{LabelContext, attr_value};
use kiln_diag::Diag;
use kiln_host::EvalContext;
use kiln_targets::{AttrKind, AttrSchema, AttrValue, Cfg, FileFilter};

use crate::interp::*;
use crate::rule::read::{filter, keywords, optional_text, texts, truth};
use crate::rule::spec::Needs;

/// An attribute before it has its name: the value of `attr.string(...)` and its like.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
#[repr(C)]
pub(crate) struct AttributeGen<V: ValueLifetimeless> {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) schema: AttrSchema,
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) needs: Needs,
    /// What it uses that kiln does not do yet.
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    pub(crate) unsupported: Vec<&'static str>,
    /// The function that computes the default from other attributes.
    pub(crate) computed: Option<V>,
}

starlark_complex_value!(pub(crate) Attribute);

// SAFETY: both are `repr(C)` with the same fields, and a frozen value is a value.
unsafe impl<'v> Coerce<AttributeGen<Value<'v>>> for AttributeGen<FrozenValue> {}

impl<'v> Freeze for Attribute<'v> {
    type Frozen = FrozenAttribute;

    fn freeze(self, freezer: &Freezer) -> FreezeResult<FrozenAttribute> {
        Ok(AttributeGen {
            schema: self.schema,
            needs: self.needs,
            unsupported: self.unsupported,
            computed: self.computed.freeze(freezer)?,
        })
    }
}

impl<V: ValueLifetimeless> fmt::Display for AttributeGen<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<attr.{}>", function_name(self.schema.kind))
    }
}

#[starlark_value(type = "Attribute")]
impl<'v, V: ValueLike<'v>> StarlarkValue<'v> for AttributeGen<V> where Self: ProvidesStaticType<'v> {}

/// `attr.*`
pub(crate) fn module(builder: &mut GlobalsBuilder) {
    for kind in KINDS {
        builder.set(function_name(kind), AttributeFunction { kind });
    }
}

const KINDS: [AttrKind; 13] = [
    AttrKind::Bool,
    AttrKind::Int,
    AttrKind::IntList,
    AttrKind::String,
    AttrKind::StringList,
    AttrKind::StringDict,
    AttrKind::StringListDict,
    AttrKind::Label,
    AttrKind::LabelList,
    AttrKind::LabelKeyedStringDict,
    AttrKind::StringKeyedLabelDict,
    AttrKind::Output,
    AttrKind::OutputList,
];

fn function_name(kind: AttrKind) -> &'static str {
    match kind {
        AttrKind::Bool => "bool",
        AttrKind::Int => "int",
        AttrKind::IntList => "int_list",
        AttrKind::String => "string",
        AttrKind::StringList => "string_list",
        AttrKind::StringDict => "string_dict",
        AttrKind::StringListDict => "string_list_dict",
        AttrKind::Label => "label",
        AttrKind::LabelList => "label_list",
        AttrKind::LabelKeyedStringDict => "label_keyed_string_dict",
        AttrKind::StringKeyedLabelDict => "string_keyed_label_dict",
        AttrKind::Output => "output",
        AttrKind::OutputList => "output_list",
    }
}

/// One of the functions of `attr`. They share a body: their keywords differ by kind only.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
struct AttributeFunction {
    #[allocative(skip)]
    kind: AttrKind,
}

starlark_simple_value!(AttributeFunction);

impl fmt::Display for AttributeFunction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attr.{}", function_name(self.kind))
    }
}

#[starlark_value(type = "function")]
impl<'v> StarlarkValue<'v> for AttributeFunction {
    type Canonical = Self;

    fn invoke(
        &self,
        _me: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let heap = eval.heap();
        let mut named = args.names_map()?;
        for (name, value) in positional(self.kind).iter().zip(args.positions(heap)?) {
            named.insert(heap.alloc_str(name), value);
        }
        if args.positions(heap)?.count() > positional(self.kind).len() {
            return fail(format!("`{self}` takes its arguments by name"));
        }
        let context = EvalContext::of(eval)?;
        let scope = context.innermost(eval);
        let mut reader = Reader {
            kind: self.kind,
            labels: LabelContext::of(&scope),
            attribute: new(self.kind),
        };
        for (name, value) in named {
            let keyword = name.as_str();
            reader
                .keyword(keyword, value)
                .map_err(|diag| stop(diag.note(format!("in `{keyword}` of `{self}`"))))?;
        }
        reader.finish().map_err(stop)?;
        Ok(heap.alloc(reader.attribute))
    }
}

/// Bazel allows the default by position for no kind but lists of outputs and dicts, which old
/// files make use of for `allow_empty`.
fn positional(kind: AttrKind) -> &'static [&'static str] {
    match kind {
        AttrKind::IntList | AttrKind::StringList | AttrKind::LabelList => &["allow_empty"],
        AttrKind::StringDict | AttrKind::StringListDict | AttrKind::LabelKeyedStringDict => {
            &["allow_empty"]
        }
        _ => &[],
    }
}

fn new<'v>(kind: AttrKind) -> Attribute<'v> {
    Attribute {
        schema: AttrSchema {
            name: Arc::from(""),
            kind,
            doc: None,
            default: zero(kind),
            mandatory: false,
            configurable: true,
            allow_empty: true,
            values: Arc::from([]),
            allow_files: FileFilter::Nothing,
            single_file: false,
            executable: false,
            cfg: Cfg::Target,
            providers: Arc::from([]),
        },
        needs: Needs::default(),
        unsupported: Vec::new(),
        computed: None,
    }
}

/// The value of an attribute that has neither value nor default.
pub(crate) fn zero(kind: AttrKind) -> AttrValue {
    match kind {
        AttrKind::Bool => AttrValue::Bool(false),
        AttrKind::Int => AttrValue::Int(0),
        AttrKind::String => AttrValue::string(""),
        AttrKind::Label | AttrKind::Output => AttrValue::None,
        AttrKind::IntList | AttrKind::StringList | AttrKind::LabelList | AttrKind::OutputList => {
            AttrValue::list([])
        }
        AttrKind::StringDict
        | AttrKind::StringListDict
        | AttrKind::LabelKeyedStringDict
        | AttrKind::StringKeyedLabelDict => AttrValue::Dict(Arc::from([])),
    }
}

/// Reads the keywords of one call.
struct Reader<'v, 'a> {
    kind: AttrKind,
    labels: LabelContext<'a>,
    attribute: Attribute<'v>,
}

impl<'v> Reader<'v, '_> {
    fn keyword(&mut self, name: &str, value: Value<'v>) -> Result<(), Diag> {
        let takes = keywords(self.kind);
        if !takes.contains(&name) {
            let diag = Diag::build(format!(
                "`attr.{}` takes no `{name}`",
                function_name(self.kind)
            ));
            return Err(diag.did_you_mean(name, takes.iter().copied()));
        }
        let schema = &mut self.attribute.schema;
        match name {
            "doc" => schema.doc = optional_text(value)?,
            "mandatory" => schema.mandatory = truth(value)?,
            "allow_empty" => schema.allow_empty = truth(value)?,
            "configurable" => {
                schema.configurable = value.unpack_bool().unwrap_or(schema.configurable);
            }
            "executable" => schema.executable = truth(value)?,
            "values" => self.attribute.schema.values = self.values(value)?,
            "default" => self.default(value)?,
            "allow_files" => {
                if let Some(filter) = filter(value)? {
                    schema.allow_files = filter;
                }
            }
            "allow_single_file" => {
                if let Some(filter) = filter(value)? {
                    schema.single_file = filter != FileFilter::Nothing;
                    schema.allow_files = filter;
                }
            }
            "cfg" => self.cfg(value)?,
            "providers" => self.attribute.needs.providers = super::providers::sets(value)?,
            "allow_rules" => self.attribute.needs.rules = texts(value)?,
            "aspects" if sequence(value).is_some_and(|list| !list.is_empty()) => {
                self.attribute.unsupported.push("aspects");
            }
            // `flags`, `skip_validations`, `for_dependency_resolution`, `materializer`, …: for
            // the analysis of other tools.
            _ => {}
        }
        Ok(())
    }

    fn values(&self, value: Value<'v>) -> Result<Arc<[AttrValue]>, Diag> {
        let item = match self.kind {
            AttrKind::StringList => AttrKind::String,
            AttrKind::IntList => AttrKind::Int,
            kind => kind,
        };
        let Some(items) = sequence(value) else {
            return Err(Diag::build(format!(
                "expected a list, got `{}`",
                value.get_type()
            )));
        };
        items
            .iter()
            .map(|value| attr_value(*value, item, self.labels))
            .collect()
    }

    fn default(&mut self, value: Value<'v>) -> Result<(), Diag> {
        if value.get_type() == "function" {
            self.attribute.computed = Some(value);
        } else if let Some(field) = super::late::LateDefault::from_value(value) {
            self.attribute.schema.default = field.default(self.kind, self.labels)?;
        } else if !value.is_none() {
            self.attribute.schema.default = attr_value(value, self.kind, self.labels)?;
        }
        Ok(())
    }

    fn cfg(&mut self, value: Value<'v>) -> Result<(), Diag> {
        let cfg = match value.unpack_str() {
            Some("target" | "data") => Cfg::Target,
            Some("exec" | "host") => Cfg::Exec,
            Some(other) => {
                let diag = Diag::build(format!("`{other}` is no configuration"));
                return Err(diag.note("configurations are `target` and `exec`"));
            }
            None if value.is_none() => Cfg::Target,
            None => match super::inert::cfg_of(value) {
                Some(cfg) => cfg,
                None if super::inert::is_transition(value) => {
                    self.attribute.unsupported.push("transitions");
                    Cfg::Target
                }
                None => {
                    return Err(Diag::build(format!(
                        "expected `\"target\"`, `\"exec\"` or a transition, got `{}`",
                        value.get_type()
                    )));
                }
            },
        };
        self.attribute.schema.cfg = cfg;
        Ok(())
    }

    /// Checks what several keywords say together.
    fn finish(&mut self) -> Result<(), Diag> {
        let names = |set: &Vec<Arc<crate::values::provider::ProviderDef>>| {
            set.iter()
                .map(|def| Arc::from(def.to_string()))
                .collect::<Arc<[Arc<str>]>>()
        };
        let providers = self.attribute.needs.providers.iter().map(names).collect();
        self.attribute.schema.providers = providers;
        let AttrSchema {
            values, default, ..
        } = &self.attribute.schema;
        let plain = matches!(default, AttrValue::String(_) | AttrValue::Int(_));
        // Bazel: a default outside of `values` is allowed only if it is the zero of its type.
        if plain && !values.is_empty() && !values.contains(default) && *default != zero(self.kind) {
            return Err(Diag::build("the default is none of the `values`"));
        }
        Ok(())
    }
}
