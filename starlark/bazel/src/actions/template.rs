//! `ctx.actions.expand_template` and `TemplateDict`.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use kiln_targets::{ActionKind, Arg};

use crate::actions::{Actions, register};
use crate::interp::*;
use crate::values::args_set::{self, Spread};
use crate::values::file::FileValue;
use crate::values::transient::transient;

type Substitutions = Vec<(Arc<str>, Arc<str>)>;

/// Substitutions that are computed when the action runs in Bazel, and by analysis here.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct TemplateDict {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    entries: RefCell<Substitutions>,
}

transient!(TemplateDict);

impl fmt::Display for TemplateDict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<template dict>")
    }
}

starlark::methods_static!(TEMPLATE_DICT_METHODS = template_dict_methods);

#[starlark_value(type = "TemplateDict")]
impl<'v> StarlarkValue<'v> for TemplateDict {
    fn get_methods() -> Option<&'static Methods> {
        Some(TEMPLATE_DICT_METHODS.methods())
    }
}

fn dict<'v>(value: Value<'v>) -> starlark::Result<&'v TemplateDict> {
    match value.downcast_ref::<TemplateDict>() {
        Some(dict) => Ok(dict),
        None => fail(format!(
            "expected a `TemplateDict`, and got `{}`",
            value.get_type()
        )),
    }
}

#[starlark_module]
fn template_dict_methods(methods: &mut MethodsBuilder) {
    fn add<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] key: &str,
        #[starlark(require = pos)] value: &str,
    ) -> starlark::Result<Value<'v>> {
        dict(this)?
            .entries
            .borrow_mut()
            .push((Arc::from(key), Arc::from(value)));
        Ok(this)
    }

    fn add_joined<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] key: &str,
        #[starlark(require = pos)] values: Value<'v>,
        #[starlark(require = named)] join_with: &str,
        #[starlark(require = named, default = NoneOr::None)] map_each: NoneOr<Value<'v>>,
        #[starlark(require = named, default = false)] uniquify: bool,
        #[starlark(require = named, default = NoneOr::None)] format_joined: NoneOr<&str>,
        #[starlark(require = named, default = false)] allow_closure: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let _ = allow_closure;
        let format_joined = args_set::format("format_joined", format_joined.into_option())?;
        let spread = Spread {
            what: "add_joined",
            name: None,
            map_each: map_each.into_option(),
            format_each: None,
            before_each: None,
            join: Some((Arc::from(join_with), format_joined)),
            omit_if_empty: false,
            uniquify,
            expand_directories: false,
            terminate_with: None,
        };
        let text = match spread.items(values, eval)?.pop() {
            Some(Arg::Text(text)) => text,
            Some(Arg::Set(set)) => {
                let files = set.members.to_list();
                let paths: Vec<&str> = files.iter().map(|file| file.exec_path()).collect();
                args_set::apply(set.format_joined.as_ref(), &paths.join(join_with)).into()
            }
            _ => Arc::from(""),
        };
        dict(this)?
            .entries
            .borrow_mut()
            .push((Arc::from(key), text));
        Ok(this)
    }
}

#[starlark_module]
pub(super) fn methods(methods: &mut MethodsBuilder) {
    fn template_dict(this: &Actions) -> starlark::Result<TemplateDict> {
        let _ = this;
        Ok(TemplateDict {
            entries: RefCell::default(),
        })
    }

    fn expand_template<'v>(
        this: &Actions,
        #[starlark(require = named)] template: &FileValue,
        #[starlark(require = named)] output: &FileValue,
        #[starlark(require = named, default = NoneOr::None)] substitutions: NoneOr<Value<'v>>,
        #[starlark(require = named, default = false)] is_executable: bool,
        #[starlark(require = named, default = NoneOr::None)] computed_substitutions: NoneOr<
            Value<'v>,
        >,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = this;
        let mut all = given(substitutions.into_option())?;
        if let Some(computed) = computed_substitutions.into_option() {
            all.extend(dict(computed)?.entries.borrow().iter().cloned());
        }
        let kind = ActionKind::ExpandTemplate {
            template: template.artifact.clone(),
            substitutions: all.into(),
            executable: is_executable,
        };
        let outputs = vec![output.artifact.clone()];
        register(kind, outputs, Arc::from("TemplateExpand"), None, eval)?;
        Ok(NoneType)
    }
}

fn given(value: Option<Value<'_>>) -> starlark::Result<Substitutions> {
    let Some(value) = value else {
        return Ok(Vec::new());
    };
    let Some(dict) = DictRef::from_value(value) else {
        return fail(format!(
            "`substitutions` takes a dict of strings, and got `{}`",
            value.get_type()
        ));
    };
    let mut all = Vec::with_capacity(dict.len());
    for (key, value) in dict.iter() {
        match (key.unpack_str(), value.unpack_str()) {
            (Some(key), Some(value)) => all.push((Arc::from(key), Arc::from(value))),
            _ => {
                return fail(format!(
                    "`substitutions` takes a dict of strings, and has `{}: {}`",
                    key.to_repr(),
                    value.to_repr()
                ));
            }
        }
    }
    Ok(all)
}
