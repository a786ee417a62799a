//! `rule(...)` (Bazel: rule).

use std::sync::Arc;

use kiln_build::LabelContext;
use kiln_diag::{Diag, Span};
use kiln_host::{EvalContext, FileScope, call_span};
use kiln_targets::{AttrSchema, BuildSetting, RuleKind, ToolKinds, ToolchainUse};

use crate::interp::*;
use crate::rule::attr::Attribute;
use crate::rule::build_setting::BuildSettingValue;
use crate::rule::common::{self, ENVIRONMENT, Traits};
use crate::rule::read::{optional_text, truth};
use crate::rule::spec::{Needs, RuleSpec, Unsupported};
use crate::rule::value::Rule;
use crate::rule::{inert, providers, toolchain_type};
use crate::values::provider::ProviderDef;

#[starlark_module]
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    /// The keywords are read one by one: see [`Definition::keyword`].
    fn rule<'v>(
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Rule<'v>> {
        let heap = eval.heap();
        let scope = EvalContext::of(eval)?.innermost(eval);
        let mut definition = Definition::new(scope, call_span(eval));
        for (at, value) in args.positions(heap)?.enumerate() {
            match POSITIONAL.get(at) {
                Some(name) => definition.keyword(name, value).map_err(in_keyword(name))?,
                None => return fail("`rule` takes its arguments by name"),
            }
        }
        for (name, value) in args.names_map()? {
            let name = name.as_str();
            definition.keyword(name, value).map_err(in_keyword(name))?;
        }
        definition.finish(heap).map_err(stop)
    }
}

/// The arguments that old files give by position.
const POSITIONAL: [&str; 3] = ["implementation", "test", "attrs"];

/// Keywords that change nothing here: groups run on this machine, fragments may be read without
/// being named, and the others are for analyses of other tools.
const IGNORED: [&str; 10] = [
    "_skylark_testable",
    "dependency_resolution_rule",
    "exec_compatible_with",
    "exec_groups",
    "extendable",
    "fragments",
    "host_fragments",
    "incompatible_use_toolchain_transition",
    "output_to_genfiles",
    "toolchains_aspects",
];

const KNOWN: [&str; 17] = [
    "_builtin",
    "_machine_tools",
    "analysis_test",
    "attrs",
    "build_setting",
    "cfg",
    "doc",
    "executable",
    "implementation",
    "initializer",
    "outputs",
    "parent",
    "provides",
    "subrules",
    "test",
    "toolchains",
    "exec_groups",
];

fn in_keyword(keyword: &str) -> impl Fn(Diag) -> starlark::Error {
    move |diag| stop(diag.note(format!("in `{keyword}` of `rule`")))
}

/// A rule in the making.
struct Definition<'v> {
    scope: Arc<FileScope>,
    at: Option<Span>,
    implementation: Option<Value<'v>>,
    initializer: Option<Value<'v>>,
    attrs: Option<Value<'v>>,
    kind: RuleKind,
    executable: bool,
    test: bool,
    build_setting: Option<BuildSetting>,
    toolchains: Vec<ToolchainUse>,
    machine_tools: ToolKinds,
    outputs: Templates,
    provides: Vec<Arc<ProviderDef>>,
    doc: Option<Arc<str>>,
    unsupported: Vec<Unsupported>,
}

impl<'v> Definition<'v> {
    fn new(scope: Arc<FileScope>, at: Option<Span>) -> Definition<'v> {
        Definition {
            scope,
            at,
            implementation: None,
            initializer: None,
            attrs: None,
            kind: RuleKind::Starlark,
            executable: false,
            test: false,
            build_setting: None,
            toolchains: Vec::new(),
            machine_tools: ToolKinds::default(),
            outputs: Arc::from([]),
            provides: Vec::new(),
            doc: None,
            unsupported: Vec::new(),
        }
    }

    fn keyword(&mut self, name: &str, value: Value<'v>) -> Result<(), Diag> {
        if !KNOWN.contains(&name) && !IGNORED.contains(&name) {
            let diag = Diag::build(format!("`rule` takes no `{name}`"));
            return Err(diag.did_you_mean(name, KNOWN.into_iter().chain(IGNORED)));
        }
        // Bazel: `None` is as good as nothing.
        if value.is_none() {
            return Ok(());
        }
        match name {
            "implementation" => self.implementation = Some(value),
            "initializer" => self.initializer = Some(value),
            "attrs" => self.attrs = Some(value),
            "test" | "analysis_test" => self.test |= truth(value)?,
            "executable" => self.executable = truth(value)?,
            "outputs" => self.outputs = output_templates(value)?,
            "toolchains" => {
                self.toolchains = toolchain_type::read(value, LabelContext::of(&self.scope))?;
            }
            "doc" => self.doc = optional_text(value)?,
            "provides" => self.provides = providers::list(value)?,
            "build_setting" => self.build_setting = Some(setting(value)?),
            "parent" => self.uses("rules with `parent`"),
            "cfg" if inert::is_transition(value) => self.uses("transitions of rules"),
            "subrules" if sequence(value).is_some_and(|list| !list.is_empty()) => {
                self.uses("subrules");
            }
            "_builtin" => {
                self.private()?;
                self.kind = RuleKind::Builtin(optional_text(value)?.unwrap_or_default());
            }
            "_machine_tools" => {
                self.private()?;
                self.machine_tools = tool_kinds(value)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn uses(&mut self, what: &str) {
        self.unsupported.push(Unsupported {
            what: what.to_owned(),
            at: self.at.clone(),
        });
    }

    /// Some keywords are for the files that are part of kiln.
    fn private(&self) -> Result<(), Diag> {
        match crate::host::is_prelude(&self.scope.label) {
            true => Ok(()),
            false => Err(Diag::build("this is for kiln's own rules only")),
        }
    }

    fn finish(mut self, heap: Heap<'v>) -> Result<Rule<'v>, Diag> {
        let executable = self.executable || self.test;
        let traits = Traits {
            executable,
            test: self.test,
            build_setting: self.build_setting.as_ref(),
            environment: self.kind == RuleKind::Starlark && self.build_setting.is_none(),
        };
        let mut attributes = Attributes::new(&traits);
        let somewhere = traits.environment;
        attributes.add(self.attrs)?;
        for what in std::mem::take(&mut attributes.uses) {
            self.uses(&what);
        }
        let needs_none = self.kind != RuleKind::Starlark || !self.unsupported.is_empty();
        if self.implementation.is_none() && !needs_none {
            return Err(Diag::build("`rule` needs an `implementation`"));
        }
        let spec = RuleSpec {
            scope: self.scope,
            kind: self.kind,
            doc: self.doc,
            attrs: attributes.schemas.into(),
            needs: attributes.needs,
            executable,
            test: self.test,
            build_setting: self.build_setting,
            toolchains: self.toolchains.into(),
            machine_tools: self.machine_tools,
            environment: somewhere && !attributes.own_environment,
            outputs: self.outputs,
            provides: self.provides,
            unsupported: self.unsupported,
        };
        let computed = attributes.computed;
        Ok(Rule::new(
            spec,
            self.implementation,
            self.initializer,
            computed,
            heap,
        ))
    }
}

fn setting(value: Value<'_>) -> Result<BuildSetting, Diag> {
    match BuildSettingValue::from_value(value) {
        Some(value) => Ok(value.setting),
        None => Err(Diag::build(format!(
            "expected `config.bool(...)` or its like, got `{}`",
            value.get_type()
        ))),
    }
}

/// The attributes of a rule in the making, sorted by name.
struct Attributes<'v> {
    schemas: Vec<AttrSchema>,
    needs: Vec<Needs>,
    /// Names of attributes whose default is a function, and the function.
    computed: Vec<(Arc<str>, Value<'v>)>,
    /// What attributes use that is not there yet.
    uses: Vec<String>,
    /// Whether `environment` is an attribute of the rule's own.
    own_environment: bool,
}

impl<'v> Attributes<'v> {
    fn new(traits: &Traits<'_>) -> Attributes<'v> {
        let mut schemas = common::attributes(traits);
        schemas.sort_by(|a, b| a.name.cmp(&b.name));
        Attributes {
            needs: vec![Needs::default(); schemas.len()],
            schemas,
            computed: Vec::new(),
            uses: Vec::new(),
            own_environment: false,
        }
    }

    /// `attrs = {...}`; one that every rule has may be redefined, but for those that the engine
    /// itself reads.
    fn add(&mut self, attrs: Option<Value<'v>>) -> Result<(), Diag> {
        let Some(attrs) = attrs else { return Ok(()) };
        let Some(dict) = DictRef::from_value(attrs) else {
            return Err(Diag::build(format!(
                "`attrs` takes a dict, and got `{}`",
                attrs.get_type()
            )));
        };
        for (name, value) in dict.iter() {
            let Some(name) = name.unpack_str() else {
                return Err(Diag::build(format!(
                    "the name of an attribute is a string, and not {name}"
                )));
            };
            check_name(name)?;
            // Bazel: `None` leaves an attribute out.
            if value.is_none() {
                continue;
            }
            let Some(attribute) = Attribute::from_value(value) else {
                let diag = Diag::build(format!(
                    "attribute `{name}` must be made by `attr.*`, and is `{}`",
                    value.get_type()
                ));
                return Err(diag.hint("write `attr.string()`, for example"));
            };
            self.insert(name, attribute);
        }
        Ok(())
    }

    fn insert(&mut self, name: &str, attribute: &Attribute<'v>) {
        self.own_environment |= name == ENVIRONMENT;
        let name: Arc<str> = Arc::from(name);
        let schema = AttrSchema {
            name: name.clone(),
            ..attribute.schema.clone()
        };
        if let Some(function) = attribute.computed {
            match name.starts_with('_') {
                true => self.uses.push(format!(
                    "computed defaults of private attributes (`{name}`)"
                )),
                false => self.computed.push((name.clone(), function)),
            }
        }
        let uses = attribute.unsupported.iter();
        self.uses
            .extend(uses.map(|what| format!("{what} of attributes (`{name}`)")));
        match self
            .schemas
            .binary_search_by(|schema| schema.name.cmp(&name))
        {
            Ok(at) => {
                self.schemas[at] = schema;
                self.needs[at] = attribute.needs.clone();
            }
            Err(at) => {
                self.schemas.insert(at, schema);
                self.needs.insert(at, attribute.needs.clone());
            }
        }
    }
}

fn check_name(name: &str) -> Result<(), Diag> {
    if matches!(name, "name" | "visibility") {
        return Err(Diag::build(format!(
            "every rule has `{name}`; it cannot be redefined"
        )));
    }
    let mut chars = name.chars();
    let starts = chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    match starts && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => Ok(()),
        false => Err(Diag::build(format!("`{name}` is no name of an attribute"))),
    }
}

type Templates = Arc<[(Arc<str>, Arc<str>)]>;

/// `outputs = {"key": "%{name}.x"}`
fn output_templates(value: Value<'_>) -> Result<Templates, Diag> {
    let Some(dict) = DictRef::from_value(value) else {
        return Err(Diag::build(format!(
            "`outputs` takes a dict of strings, and got `{}`; functions are not supported",
            value.get_type()
        )));
    };
    let entries =
        dict.iter().map(
            |(key, template)| match (key.unpack_str(), template.unpack_str()) {
                (Some(key), Some(template)) => Ok((Arc::from(key), Arc::from(template))),
                _ => Err(Diag::build("`outputs` takes a dict of strings")),
            },
        );
    entries.collect()
}

/// The value of `_machine_tools`: names of tools.
fn tool_kinds(value: Value<'_>) -> Result<ToolKinds, Diag> {
    let mut kinds = ToolKinds::default();
    for name in sequence(value).unwrap_or_default() {
        match name.unpack_str() {
            Some("cc") => kinds.cc = true,
            Some("python") => kinds.python = true,
            Some("shell") => kinds.shell = true,
            _ => return Err(Diag::build("there are `cc`, `python` and `shell`")),
        }
    }
    Ok(kinds)
}
