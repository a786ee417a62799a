//! `ctx.actions.run` and `ctx.actions.run_shell`.

use std::sync::Arc;

use kiln_diag::Diag;
use kiln_targets::{Arg, ArgList};

use crate::actions::Actions;
use crate::actions::spawn::{self, Spawn};
use crate::analysis::state::Analysis;
use crate::interp::*;
use crate::values::file::FileValue;

#[starlark_module]
pub(super) fn methods(methods: &mut MethodsBuilder) {
    fn run<'v>(
        this: &Actions,
        #[starlark(require = named)] outputs: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] inputs: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] unused_inputs_list: NoneOr<&FileValue>,
        #[starlark(require = named)] executable: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] tools: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] arguments: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] mnemonic: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] progress_message: NoneOr<&str>,
        #[starlark(require = named, default = false)] use_default_shell_env: bool,
        #[starlark(require = named, default = NoneOr::None)] env: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] execution_requirements: NoneOr<
            Value<'v>,
        >,
        #[starlark(require = named, default = NoneOr::None)] input_manifests: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] exec_group: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] shadowed_action: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] resource_set: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] toolchain: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] _dependency_file: NoneOr<&FileValue>,
        #[starlark(require = named, default = NoneOr::None)] _workspace_sources: NoneOr<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        // What these say changes no result: they are for schedulers and remote machines.
        let _ = (
            this,
            unused_inputs_list,
            input_manifests,
            exec_group,
            resource_set,
            toolchain,
        );
        if shadowed_action.into_option().is_some() {
            return fail("`shadowed_action` is not supported yet: it needs aspects");
        }
        let mut spawn = Spawn::new(Analysis::of(eval)?);
        let program = spawn.executable(executable)?;
        spawn.arguments.push(ArgList {
            items: vec![program],
            param_file: None,
        });
        spawn.add_arguments(arguments.into_option())?;
        spawn.add_tools(tools.into_option())?;
        spawn.add_inputs(inputs.into_option())?;
        spawn.add_env(env.into_option())?;
        spawn.add_requirements(execution_requirements.into_option())?;
        spawn.default_shell_env = use_default_shell_env;
        spawn.dependency_file = _dependency_file
            .into_option()
            .map(|file| file.artifact.clone());
        spawn.add_workspace_sources(_workspace_sources.into_option());
        let outputs = spawn::outputs(outputs)?;
        let progress = progress_message.into_option();
        spawn.register(outputs, mnemonic.into_option(), progress, eval)?;
        Ok(NoneType)
    }

    fn run_shell<'v>(
        this: &Actions,
        #[starlark(require = named)] outputs: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] inputs: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] tools: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] arguments: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] mnemonic: NoneOr<&str>,
        #[starlark(require = named)] command: Value<'v>,
        #[starlark(require = named, default = NoneOr::None)] progress_message: NoneOr<&str>,
        #[starlark(require = named, default = false)] use_default_shell_env: bool,
        #[starlark(require = named, default = NoneOr::None)] env: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] execution_requirements: NoneOr<
            Value<'v>,
        >,
        #[starlark(require = named, default = NoneOr::None)] input_manifests: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] exec_group: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] shadowed_action: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] resource_set: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] toolchain: NoneOr<Value<'v>>,
        #[starlark(require = named, default = NoneOr::None)] _dependency_file: NoneOr<&FileValue>,
        #[starlark(require = named, default = NoneOr::None)] _workspace_sources: NoneOr<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = (this, input_manifests, exec_group, resource_set, toolchain);
        if shadowed_action.into_option().is_some() {
            return fail("`shadowed_action` is not supported yet: it needs aspects");
        }
        let mut spawn = Spawn::new(Analysis::of(eval)?);
        let Some(command) = command.unpack_str() else {
            return Err(stop(Diag::build(format!(
                "`command` takes a string, and got `{}`",
                command.get_type()
            ))));
        };
        let text = |text: &str| Arg::Text(Arc::from(text));
        let mut words = vec![Arg::Shell, text("-c"), text(command)];
        let arguments = arguments.into_option();
        if arguments
            .and_then(sequence)
            .is_some_and(|list| !list.is_empty())
        {
            // `$0`, so that the first argument is `$1`.
            words.push(text(""));
        }
        spawn.arguments.push(ArgList {
            items: words,
            param_file: None,
        });
        spawn.add_arguments(arguments)?;
        spawn.add_tools(tools.into_option())?;
        spawn.add_inputs(inputs.into_option())?;
        spawn.add_env(env.into_option())?;
        spawn.add_requirements(execution_requirements.into_option())?;
        spawn.default_shell_env = use_default_shell_env;
        spawn.dependency_file = _dependency_file
            .into_option()
            .map(|file| file.artifact.clone());
        spawn.add_workspace_sources(_workspace_sources.into_option());
        let outputs = spawn::outputs(outputs)?;
        let progress = progress_message.into_option();
        spawn.register(outputs, mnemonic.into_option(), progress, eval)?;
        Ok(NoneType)
    }
}
