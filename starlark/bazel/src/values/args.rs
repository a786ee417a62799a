//! `Args`: a command line in the making (Bazel: `Args`).
//!
//! It holds plain [`Arg`]s. Sets of files stay sets; whatever needs a Starlark function is turned
//! into texts when it is added.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{Arg, ArgList, ArtifactKind, ParamFile, ParamFileFormat};

use crate::interp::*;
use crate::values::args_set::{self, Spread};
use crate::values::file::FileValue;
use crate::values::transient::transient;

/// The value of `ctx.actions.args()`.
#[derive(Debug, Trace, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct Args {
    #[trace(unsafe_ignore)]
    #[allocative(skip)]
    state: RefCell<State>,
}

#[derive(Clone, Debug, Default)]
struct State {
    items: Vec<Arg>,
    /// The argument that names the file, and whether it is always used.
    param_file: Option<(Arc<str>, bool)>,
    format: Option<ParamFileFormat>,
}

transient!(Args);

impl Args {
    pub(crate) fn new() -> Args {
        Args {
            state: RefCell::default(),
        }
    }

    pub(crate) fn from_value(value: Value<'_>) -> Option<&Args> {
        value.downcast_ref::<Args>()
    }

    /// What was added so far, for a command line.
    pub(crate) fn list(&self) -> ArgList {
        let state = self.state.borrow();
        let param_file = state
            .param_file
            .as_ref()
            .map(|(argument, always)| ParamFile {
                argument: argument.clone(),
                always: *always,
                format: state.format.unwrap_or_default(),
            });
        ArgList {
            items: state.items.clone(),
            param_file,
        }
    }

    /// What was added so far, for a file.
    pub(crate) fn file(&self) -> ArgList {
        let state = self.state.borrow();
        ArgList {
            items: state.items.clone(),
            param_file: Some(ParamFile {
                argument: Arc::from("%s"),
                always: true,
                format: state.format.unwrap_or_default(),
            }),
        }
    }
}

impl fmt::Display for Args {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<args>")
    }
}

starlark::methods_static!(ARGS_METHODS = args_methods);

#[starlark_value(type = "Args")]
impl<'v> StarlarkValue<'v> for Args {
    fn get_methods() -> Option<&'static Methods> {
        Some(ARGS_METHODS.methods())
    }
}

/// The receiver, so that calls can be chained.
fn args<'v>(this: Value<'v>) -> starlark::Result<&'v Args> {
    match Args::from_value(this) {
        Some(args) => Ok(args),
        None => fail("these are no `Args`"),
    }
}

#[starlark_module]
fn args_methods(methods: &mut MethodsBuilder) {
    fn add<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] arg_name_or_value: Value<'v>,
        #[starlark(require = pos)] value: Option<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] format: NoneOr<&str>,
    ) -> starlark::Result<Value<'v>> {
        let mut state = args(this)?.state.borrow_mut();
        let value = match value {
            None => arg_name_or_value,
            Some(value) => {
                state.items.push(Arg::Text(name(arg_name_or_value)?));
                value
            }
        };
        let format = args_set::format("format", format.into_option())?;
        state.items.push(one(value, format)?);
        Ok(this)
    }

    fn add_all<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] arg_name_or_values: Value<'v>,
        #[starlark(require = pos)] values: Option<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] map_each: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] format_each: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] before_each: NoneOr<&str>,
        #[starlark(require = named, default = true)] omit_if_empty: bool,
        #[starlark(require = named, default = false)] uniquify: bool,
        #[starlark(require = named, default = true)] expand_directories: bool,
        #[starlark(require = named, default = NoneOr::None)] terminate_with: NoneOr<&str>,
        #[starlark(require = named, default = false)] allow_closure: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let _ = allow_closure;
        let (name, values) = named_values(arg_name_or_values, values)?;
        let spread = Spread {
            what: "add_all",
            name,
            map_each: map_each.into_option(),
            format_each: args_set::format("format_each", format_each.into_option())?,
            before_each: before_each.into_option().map(Arc::from),
            join: None,
            omit_if_empty,
            uniquify,
            expand_directories,
            terminate_with: terminate_with.into_option().map(Arc::from),
        };
        let items = spread.items(values, eval)?;
        args(this)?.state.borrow_mut().items.extend(items);
        Ok(this)
    }

    fn add_joined<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] arg_name_or_values: Value<'v>,
        #[starlark(require = pos)] values: Option<Value<'v>>,
        #[starlark(require = named)] join_with: &str,
        #[starlark(require = named, default = NoneOr::None)] map_each: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] format_each: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] format_joined: NoneOr<&str>,
        #[starlark(require = named, default = true)] omit_if_empty: bool,
        #[starlark(require = named, default = false)] uniquify: bool,
        #[starlark(require = named, default = true)] expand_directories: bool,
        #[starlark(require = named, default = false)] allow_closure: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let _ = allow_closure;
        let (name, values) = named_values(arg_name_or_values, values)?;
        let format_joined = args_set::format("format_joined", format_joined.into_option())?;
        let spread = Spread {
            what: "add_joined",
            name,
            map_each: map_each.into_option(),
            format_each: args_set::format("format_each", format_each.into_option())?,
            before_each: None,
            join: Some((Arc::from(join_with), format_joined)),
            omit_if_empty,
            uniquify,
            expand_directories,
            terminate_with: None,
        };
        let items = spread.items(values, eval)?;
        args(this)?.state.borrow_mut().items.extend(items);
        Ok(this)
    }

    fn use_param_file<'v>(
        this: Value<'v>,
        param_file_arg: &str,
        #[starlark(require = named, default = false)] use_always: bool,
    ) -> starlark::Result<Value<'v>> {
        let argument = args_set::format("param_file_arg", Some(param_file_arg))?;
        let argument = argument.unwrap_or_else(|| Arc::from("%s"));
        args(this)?.state.borrow_mut().param_file = Some((argument, use_always));
        Ok(this)
    }

    fn set_param_file_format<'v>(
        this: Value<'v>,
        #[starlark(require = pos)] format: &str,
    ) -> starlark::Result<Value<'v>> {
        let format = match format {
            "shell" => ParamFileFormat::Shell,
            "multiline" => ParamFileFormat::Multiline,
            "flag_per_line" => ParamFileFormat::FlagPerLine,
            _ => {
                let diag = Diag::build(format!("`{format}` is no format of param files"));
                let known = ["shell", "multiline", "flag_per_line"];
                return Err(stop(
                    diag.note("formats are `shell`, `multiline` and `flag_per_line`")
                        .did_you_mean(format, known),
                ));
            }
        };
        args(this)?.state.borrow_mut().format = Some(format);
        Ok(this)
    }
}

fn name(value: Value<'_>) -> starlark::Result<Arc<str>> {
    match value.unpack_str() {
        Some(name) => Ok(Arc::from(name)),
        None => fail(format!(
            "the name of an argument must be a string, and is `{}`",
            value.get_type()
        )),
    }
}

fn named_values<'v>(
    first: Value<'v>,
    second: Option<Value<'v>>,
) -> starlark::Result<(Option<Arc<str>>, Value<'v>)> {
    match second {
        Some(values) => Ok((Some(name(first)?), values)),
        None => Ok((None, first)),
    }
}

/// One value as one argument.
fn one(value: Value<'_>, format: Option<Arc<str>>) -> starlark::Result<Arg> {
    if let Some(artifact) = FileValue::artifact_of(value) {
        if artifact.kind() == ArtifactKind::Directory {
            return Err(stop(
                Diag::build(format!(
                    "`add` takes no directory (`{}`): it may stand for many files",
                    artifact.repo_path()
                ))
                .hint("use `add_all([directory])`, with `expand_directories = False` for its path"),
            ));
        }
        return Ok(Arg::Path(artifact.clone(), format));
    }
    let text = match args_set::text(value) {
        Some(text) => text,
        None => {
            let diag = Diag::build(format!(
                "`add` takes a string, number, label or file, and got `{}`",
                value.get_type()
            ));
            return Err(stop(match value.get_type() {
                "list" | "tuple" | "depset" => diag.hint("use `add_all` or `add_joined`"),
                _ => diag,
            }));
        }
    };
    Ok(Arg::Text(args_set::apply(format.as_ref(), &text).into()))
}
