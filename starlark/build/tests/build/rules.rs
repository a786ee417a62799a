//! Rules without implementations, in place of those of kiln-bazel.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use kiln_build::{PackageState, declare_target};
use kiln_host::EvalContext;
use kiln_host::allocative::{self, Allocative};
use kiln_host::starlark::collections::StarlarkHasher;
use kiln_host::starlark::environment::GlobalsBuilder;
use kiln_host::starlark::eval::{Arguments, Evaluator};
use kiln_host::starlark::values::dict::UnpackDictEntries;
use kiln_host::starlark::values::{
    NoSerialize, ProvidesStaticType, StarlarkPagablePanic, StarlarkValue, Value, ValueLike,
    starlark_value,
};
use kiln_host::starlark::{self, starlark_module, starlark_simple_value};
use kiln_targets::{AttrKind, AttrSchema, AttrValue, Cfg, FileFilter, RuleClass, RuleKind};

#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
struct TestRule(#[allocative(skip)] Arc<RuleClass>);

starlark_simple_value!(TestRule);

impl fmt::Display for TestRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<rule {}>", self.0.name)
    }
}

#[starlark_value(type = "rule")]
impl<'v> StarlarkValue<'v> for TestRule {
    fn invoke(
        &self,
        _: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        declare_target(&self.0, args, eval)
    }

    fn write_hash(&self, hasher: &mut StarlarkHasher) -> starlark::Result<()> {
        self.0.name.hash(hasher);
        Ok(())
    }
}

/// The rule that a value is.
pub fn class_of(value: Value<'_>, _: &PackageState<'_>) -> Option<Arc<RuleClass>> {
    value.downcast_ref::<TestRule>().map(|rule| rule.0.clone())
}

#[starlark_module]
pub fn rules(builder: &mut GlobalsBuilder) {
    /// A rule; attributes as `name = "kind"`, with `!` for mandatory ones that must not be
    /// empty, `=a,b` for those with choices, `~` for those that cannot have a `select`.
    fn test_rule<'v>(
        #[starlark(require = pos)] name: &str,
        #[starlark(require = named, default = UnpackDictEntries::default())]
        outputs: UnpackDictEntries<&'v str, &'v str>,
        #[starlark(kwargs)] attrs: UnpackDictEntries<&'v str, &'v str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<TestRule> {
        let file = EvalContext::of(eval)?.file().clone();
        let mut schemas: Vec<AttrSchema> =
            vec![schema("testonly", "bool"), schema("name", "string")];
        schemas.extend(attrs.entries.iter().map(|(name, kind)| schema(name, kind)));
        schemas.push(schema("_private", "label"));
        schemas.sort_by(|a, b| a.name.cmp(&b.name));
        let outputs = outputs.entries.into_iter();
        Ok(TestRule(Arc::new(RuleClass {
            name: name.into(),
            defined_in: file.label.clone(),
            fingerprint: file.fingerprint,
            kind: RuleKind::Starlark,
            doc: None,
            attrs: schemas.into(),
            executable: false,
            test: false,
            build_setting: None,
            toolchains: Arc::from([]),
            machine_tools: Default::default(),
            environment: false,
            outputs: outputs
                .map(|(key, text)| (key.into(), text.into()))
                .collect(),
            handle: Arc::new(()),
        })))
    }
}

fn schema(name: &str, text: &str) -> AttrSchema {
    let (kind, values) = text.split_once('=').unwrap_or((text, ""));
    let values = values
        .split(',')
        .filter(|v| !v.is_empty())
        .map(AttrValue::string);
    AttrSchema {
        name: name.into(),
        kind: match kind.trim_end_matches(['!', '~']) {
            "bool" => AttrKind::Bool,
            "int" => AttrKind::Int,
            "int_list" => AttrKind::IntList,
            "string" => AttrKind::String,
            "string_list" => AttrKind::StringList,
            "string_dict" => AttrKind::StringDict,
            "string_list_dict" => AttrKind::StringListDict,
            "label" => AttrKind::Label,
            "label_list" => AttrKind::LabelList,
            "label_keyed_string_dict" => AttrKind::LabelKeyedStringDict,
            "string_keyed_label_dict" => AttrKind::StringKeyedLabelDict,
            "output" => AttrKind::Output,
            "output_list" => AttrKind::OutputList,
            other => panic!("unknown kind {other}"),
        },
        doc: None,
        default: AttrValue::None,
        mandatory: text.contains('!'),
        configurable: !text.contains('~'),
        allow_empty: !text.contains('!'),
        values: values.collect(),
        allow_files: FileFilter::Any,
        single_file: false,
        executable: false,
        cfg: Cfg::Target,
        providers: Arc::from([]),
    }
}
