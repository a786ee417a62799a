//! `ctx.actions`: what an implementation function can ask to be done (Bazel: `actions`).

mod run;
mod spawn;
mod template;

use std::fmt;
use std::sync::Arc;

use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_targets::{ActionKind, ActionTemplate, Artifact, ArtifactKind};

use crate::analysis::state::Analysis;
use crate::interp::*;
use crate::values::args::Args;
use crate::values::file::{self, FileValue};

/// `ctx.actions`.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct Actions;

starlark_simple_value!(Actions);

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<actions>")
    }
}

starlark::methods_static!(ACTIONS_METHODS = actions_methods);

#[starlark_value(type = "actions")]
impl<'v> StarlarkValue<'v> for Actions {
    fn get_methods() -> Option<&'static Methods> {
        Some(ACTIONS_METHODS.methods())
    }
}

fn actions_methods(methods: &mut MethodsBuilder) {
    declare(methods);
    write(methods);
    run::methods(methods);
    template::methods(methods);
}

#[starlark_module]
fn declare(methods: &mut MethodsBuilder) {
    fn declare_file<'v>(
        this: &Actions,
        filename: &str,
        #[starlark(require = named, default = NoneOr::None)] sibling: NoneOr<&FileValue>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let _ = this;
        declared(filename, sibling.into_option(), ArtifactKind::File, eval)
    }

    fn declare_directory<'v>(
        this: &Actions,
        filename: &str,
        #[starlark(require = named, default = NoneOr::None)] sibling: NoneOr<&FileValue>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let _ = this;
        declared(
            filename,
            sibling.into_option(),
            ArtifactKind::Directory,
            eval,
        )
    }

    fn declare_symlink<'v>(
        this: &Actions,
        filename: &str,
        #[starlark(require = named, default = NoneOr::None)] sibling: NoneOr<&FileValue>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let _ = this;
        declared(filename, sibling.into_option(), ArtifactKind::Symlink, eval)
    }

    fn args(this: &Actions) -> starlark::Result<Args> {
        let _ = this;
        Ok(Args::new())
    }
}

fn declared<'v>(
    name: &str,
    sibling: Option<&FileValue>,
    kind: ArtifactKind,
    eval: &mut Evaluator<'v, '_, '_>,
) -> starlark::Result<Value<'v>> {
    let analysis = Analysis::of(eval)?;
    let path = match sibling {
        None => analysis.in_package(name)?,
        Some(sibling) => {
            let folder = sibling_folder(analysis, &sibling.artifact)?;
            analysis.below(&folder, name)?
        }
    };
    let artifact = analysis.declare(path, kind, eval)?;
    Ok(file::alloc(eval.heap(), &artifact))
}

/// Outputs lie in the target's package, wherever a sibling lies.
fn sibling_folder(analysis: &Analysis<'_>, sibling: &Artifact) -> starlark::Result<RelPath> {
    let package = analysis.label().package();
    let folder = sibling.repo_path().parent().unwrap_or_else(RelPath::root);
    if sibling.repo() == &package.repo && folder.strip_prefix(&package.path).is_some() {
        return Ok(folder);
    }
    fail(format!(
        "`{}` cannot be a `sibling`: it lies outside of the package `{package}`",
        sibling.repo_path()
    ))
}

#[starlark_module]
fn write(methods: &mut MethodsBuilder) {
    fn write<'v>(
        this: &Actions,
        output: &FileValue,
        content: Value<'v>,
        #[starlark(default = false)] is_executable: bool,
        #[starlark(require = named, default = NoneOr::None)] mnemonic: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] execution_requirements: NoneOr<
            Value<'v>,
        >,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = (this, execution_requirements);
        let kind = if let Some(text) = content.unpack_str() {
            ActionKind::Write {
                content: Arc::from(text),
                executable: is_executable,
            }
        } else if let Some(args) = Args::from_value(content) {
            ActionKind::WriteArgs {
                arguments: args.file(),
                executable: is_executable,
            }
        } else {
            return fail(format!(
                "`content` takes a string or `Args`, and got `{}`",
                content.get_type()
            ));
        };
        let mnemonic = mnemonic_of(mnemonic.into_option(), "FileWrite")?;
        register(kind, vec![output.artifact.clone()], mnemonic, None, eval)?;
        Ok(NoneType)
    }

    fn symlink<'v>(
        this: &Actions,
        #[starlark(require = named)] output: &FileValue,
        #[starlark(require = named, default = NoneOr::None)] target_file: NoneOr<&FileValue>,
        #[starlark(require = named, default = NoneOr::None)] target_path: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] target_type: NoneOr<&str>,
        #[starlark(require = named, default = false)] is_executable: bool,
        #[starlark(require = named, default = NoneOr::None)] progress_message: NoneOr<&str>,
        #[starlark(require = named, default = false)] use_exec_root_for_source: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = (this, target_type, use_exec_root_for_source);
        let output = output.artifact.clone();
        let kind = match (target_file.into_option(), target_path.into_option()) {
            (Some(target), None) => link(&output, &target.artifact, is_executable)?,
            (None, Some(path)) => raw_link(&output, path, is_executable)?,
            _ => return fail("`symlink` takes either `target_file` or `target_path`"),
        };
        let mnemonic = match kind {
            ActionKind::Symlink {
                executable: true, ..
            } => "ExecutableSymlink",
            ActionKind::Symlink { .. } => "Symlink",
            _ => "UnresolvedSymlink",
        };
        let progress = progress_message.into_option();
        register(kind, vec![output], mnemonic.into(), progress, eval)?;
        Ok(NoneType)
    }

    fn do_nothing<'v>(
        this: &Actions,
        #[starlark(require = named)] mnemonic: &str,
        #[starlark(require = named, default = NoneOr::None)] inputs: NoneOr<Value<'v>>,
    ) -> starlark::Result<NoneType> {
        let _ = (this, inputs);
        mnemonic_of(Some(mnemonic), "")?;
        Ok(NoneType)
    }
}

fn link(output: &Artifact, target: &Artifact, executable: bool) -> starlark::Result<ActionKind> {
    let (of, to) = (output.kind(), target.kind());
    if of == ArtifactKind::Symlink {
        return Err(stop(
            Diag::build(format!(
                "`{}` was made by `declare_symlink`, which goes with `target_path`",
                output.repo_path()
            ))
            .hint("use `declare_file` for a link to a file"),
        ));
    }
    // A source folder may stand for a file that is not known to be one.
    if of != to && !target.is_source() {
        return fail(format!(
            "a link to the {} `{}` must be declared as such",
            if to == ArtifactKind::Directory {
                "directory"
            } else {
                "file"
            },
            target.repo_path()
        ));
    }
    Ok(ActionKind::Symlink {
        target: target.clone(),
        executable,
    })
}

fn raw_link(output: &Artifact, path: &str, executable: bool) -> starlark::Result<ActionKind> {
    if output.kind() != ArtifactKind::Symlink {
        return Err(stop(
            Diag::build(format!(
                "`target_path` goes with an output made by `declare_symlink`, and `{}` is none",
                output.repo_path()
            ))
            .hint("use `target_file` for a link to a file"),
        ));
    }
    if executable {
        return fail("`is_executable` goes with `target_file` only");
    }
    Ok(ActionKind::RawSymlink {
        target: Arc::from(path),
    })
}

/// Registers an action of the running analysis.
fn register<'e>(
    kind: ActionKind,
    outputs: Vec<Artifact>,
    mnemonic: Arc<str>,
    progress: Option<&str>,
    eval: &Evaluator<'_, '_, 'e>,
) -> starlark::Result<()> {
    let analysis = Analysis::of(eval)?;
    if analysis.done.get() {
        return fail("actions cannot be registered after the implementation function has returned");
    }
    let progress = progress.map(|text| expand_progress(text, analysis, &outputs, &kind));
    let action = ActionTemplate {
        owner: analysis.label().clone(),
        configuration: analysis.configuration().clone(),
        mnemonic,
        progress: progress.map(Arc::from),
        kind,
        outputs: outputs.into(),
    };
    let at = eval.call_stack_top_location();
    analysis.registry.register(action, at).map_err(stop)
}

/// `%{label}`, `%{output}` and `%{input}` in progress messages.
fn expand_progress(
    text: &str,
    analysis: &Analysis<'_>,
    outputs: &[Artifact],
    kind: &ActionKind,
) -> String {
    if !text.contains("%{") {
        return text.to_owned();
    }
    let mut text = text.replace("%{label}", &analysis.label().to_string());
    if let Some(output) = outputs.first() {
        text = text.replace("%{output}", output.exec_path());
    }
    let input = match kind {
        // What the action itself names comes before what it takes over from others.
        ActionKind::Spawn { inputs, .. } if text.contains("%{input}") => {
            let first = inputs.direct().first().cloned();
            first.or_else(|| inputs.to_list().into_iter().next())
        }
        _ => None,
    };
    match input {
        Some(input) => text.replace("%{input}", input.exec_path()),
        None => text,
    }
}

/// A mnemonic has letters and digits only.
fn mnemonic_of(given: Option<&str>, default: &str) -> starlark::Result<Arc<str>> {
    let name = given.unwrap_or(default);
    match name.chars().find(|c| !c.is_ascii_alphanumeric()) {
        None => Ok(Arc::from(name)),
        Some(c) => fail(format!(
            "a mnemonic has letters and digits only, and `{name}` has `{c}`"
        )),
    }
}
