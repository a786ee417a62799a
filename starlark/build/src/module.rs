//! MODULE.bazel: the calls, as data (bazel.md 2.8).

#![allow(unused_qualifications)] // in what the derives write

use std::cell::RefCell;
use std::sync::Arc;

use kiln_address::{PackageId, Repo, RepoMapping};
use kiln_base::{Fingerprint, RelPath};
use kiln_diag::{Diag, Span};
use kiln_host::starlark::any::ProvidesStaticType;
use kiln_host::starlark::environment::{Globals, GlobalsBuilder};
use kiln_host::starlark::eval::Evaluator;
use kiln_host::starlark::values::Value;
use kiln_host::starlark::values::dict::UnpackDictEntries;
use kiln_host::starlark::values::none::{NoneOr, NoneType};
use kiln_host::starlark::values::tuple::UnpackTuple;
use kiln_host::starlark::{self, starlark_module};
use kiln_host::{EvalContext, FileScope, Interpreter, Phase, call_span, raise};
use kiln_targets::{BazelDep, ExtensionUse, ModuleDefs, Override, OverrideKind, Parsed};

use crate::extension::{ExtensionProxy, RepoRuleProxy};

/// What a MODULE.bazel file has said so far.
#[derive(ProvidesStaticType, Default)]
pub(crate) struct ModuleState(RefCell<ModuleDefs>);

/// Evaluates a MODULE.bazel file.
pub(crate) fn module(
    interpreter: &Interpreter,
    globals: &Globals,
    parsed: &Parsed,
) -> Result<ModuleDefs, Diag> {
    // Nothing in the file is a label that is resolved here, so any repository will do.
    let label = PackageId::new(Repo::root(), RelPath::root())
        .target("MODULE.bazel")
        .map_err(|error| Diag::internal(error.to_string()))?;
    let scope = FileScope {
        label,
        mapping: Arc::new(RepoMapping::new(Repo::root())),
        fingerprint: Fingerprint::build("module file").finish(),
    };
    let state = ModuleState::default();
    let context = EvalContext::new(interpreter, Phase::Module, Arc::new(scope), state);
    interpreter.eval_effects(parsed, globals, &[], &context)?;
    match context.state::<ModuleState>() {
        Some(state) => Ok(state.0.take()),
        None => Err(Diag::internal(
            "a MODULE.bazel file's evaluation lost its state",
        )),
    }
}

impl ModuleState {
    pub(crate) fn of<'a>(eval: &Evaluator<'_, 'a, '_>) -> starlark::Result<&'a ModuleState> {
        EvalContext::of(eval)?
            .state::<ModuleState>()
            .ok_or_else(|| raise(Diag::internal("a MODULE.bazel function runs elsewhere")))
    }

    /// Notes an apparent repository name, which must be the only one of its kind.
    pub(crate) fn name_repo(&self, name: &str, span: &Span) -> starlark::Result<()> {
        self.0.borrow_mut().name_repo(name, span).map_err(raise)
    }

    pub(crate) fn add_extension(&self, used: ExtensionUse) -> usize {
        let extensions = &mut self.0.borrow_mut().extensions;
        extensions.push(used);
        extensions.len() - 1
    }
}

/// Where the running call is.
pub(crate) fn here(eval: &Evaluator<'_, '_, '_>) -> starlark::Result<Span> {
    call_span(eval).ok_or_else(|| raise(Diag::internal("a call has no place")))
}

/// Notes what a module is replaced by; a second override of it is an error (Bazel).
fn add_override(
    eval: &Evaluator<'_, '_, '_>,
    module: &str,
    kind: OverrideKind,
) -> starlark::Result<NoneType> {
    let span = here(eval)?;
    let mut defs = ModuleState::of(eval)?.0.borrow_mut();
    let added = defs.add_override(Override {
        module: Arc::from(module),
        kind,
        span,
    });
    added.map(|()| NoneType).map_err(raise)
}

/// Adds patterns to one of the file's lists of registrations.
fn register(
    eval: &Evaluator<'_, '_, '_>,
    patterns: UnpackTuple<&str>,
    list: impl FnOnce(&mut ModuleDefs) -> &mut Vec<Arc<str>>,
) -> starlark::Result<NoneType> {
    let mut defs = ModuleState::of(eval)?.0.borrow_mut();
    list(&mut defs).extend(patterns.items.into_iter().map(Arc::from));
    Ok(NoneType)
}

type Rest<'v> = UnpackDictEntries<&'v str, Value<'v>>;
type Names<'v> = UnpackTuple<&'v str>;
type Renamed<'v> = UnpackDictEntries<&'v str, &'v str>;

/// The functions of MODULE.bazel files. What only matters to fetching (registries, patches,
/// URLs) is accepted and not kept.
#[starlark_module]
#[allow(clippy::too_many_arguments)]
pub(crate) fn module_functions(builder: &mut GlobalsBuilder) {
    /// Names the module itself.
    fn module<'v>(
        #[starlark(require = named, default = "")] name: &str,
        #[starlark(require = named, default = "")] version: &str,
        #[starlark(require = named, default = 0)] compatibility_level: i32,
        #[starlark(require = named, default = NoneOr::None)] repo_name: NoneOr<&str>,
        #[starlark(require = named, default = NoneOr::None)] bazel_compatibility: NoneOr<Value<'v>>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = (compatibility_level, bazel_compatibility);
        let (state, span) = (ModuleState::of(eval)?, here(eval)?);
        state.0.borrow_mut().declare(&span).map_err(raise)?;
        let repo_name = repo_name.into_option().filter(|name| !name.is_empty());
        if let Some(own) = repo_name.or(Some(name)).filter(|name| !name.is_empty()) {
            state.name_repo(own, &span)?;
        }
        let mut defs = state.0.borrow_mut();
        defs.name = Arc::from(name);
        defs.version = Arc::from(version);
        defs.repo_name = repo_name.map(Arc::from);
        Ok(NoneType)
    }

    /// Names a module that this one depends on.
    fn bazel_dep<'v>(
        #[starlark(require = named)] name: &str,
        #[starlark(require = named, default = "")] version: &str,
        #[starlark(require = named, default = -1)] max_compatibility_level: i32,
        #[starlark(require = named, default = NoneOr::Other(""))] repo_name: NoneOr<&str>,
        #[starlark(require = named, default = false)] dev_dependency: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = max_compatibility_level;
        let (state, span) = (ModuleState::of(eval)?, here(eval)?);
        let repo_name = match repo_name {
            NoneOr::None => None,
            NoneOr::Other("") => Some(name),
            NoneOr::Other(repo_name) => Some(repo_name),
        };
        if let Some(repo_name) = repo_name {
            state.name_repo(repo_name, &span)?;
        }
        state.0.borrow_mut().deps.push(BazelDep {
            name: Arc::from(name),
            version: Arc::from(version),
            repo_name: repo_name.map(Arc::from),
            dev: dev_dependency,
            span,
        });
        Ok(NoneType)
    }

    /// Replaces a module by a folder.
    fn local_path_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(require = named)] path: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        add_override(eval, module_name, OverrideKind::LocalPath(Arc::from(path)))
    }

    /// Replaces a module by an archive.
    fn archive_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        add_override(
            eval,
            module_name,
            OverrideKind::Download("archive_override"),
        )
    }

    /// Replaces a module by a commit.
    fn git_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        add_override(eval, module_name, OverrideKind::Download("git_override"))
    }

    /// Pins a module's version, registry or patches.
    fn single_version_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        add_override(eval, module_name, OverrideKind::Version)
    }

    /// Lets several versions of a module coexist.
    fn multiple_version_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        add_override(eval, module_name, OverrideKind::Version)
    }

    /// A module extension; calls of its tags are accepted.
    fn use_extension<'v>(
        extension_bzl_file: &str,
        extension_name: &str,
        #[starlark(require = named, default = false)] dev_dependency: bool,
        #[starlark(require = named, default = false)] isolate: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<ExtensionProxy> {
        let _ = isolate;
        let index = ModuleState::of(eval)?.add_extension(ExtensionUse {
            bzl: Arc::from(extension_bzl_file),
            name: Arc::from(extension_name),
            dev: dev_dependency,
            repos: Vec::new(),
            path: None,
            span: here(eval)?,
        });
        Ok(ExtensionProxy { index })
    }

    /// Takes repositories from an extension: their names, or `own = "theirs"`.
    fn use_repo<'v>(
        #[starlark(require = pos)] extension_proxy: &ExtensionProxy,
        #[starlark(args)] args: Names<'v>,
        #[starlark(kwargs)] kwargs: Renamed<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let (state, span) = (ModuleState::of(eval)?, here(eval)?);
        let same = args.items.into_iter().map(|name| (name, name));
        for (own, theirs) in same.chain(kwargs.entries) {
            state.name_repo(own, &span)?;
            let extensions = &mut state.0.borrow_mut().extensions;
            if let Some(used) = extensions.get_mut(extension_proxy.index) {
                used.repos.push((Arc::from(own), Arc::from(theirs)));
            }
        }
        Ok(NoneType)
    }

    /// A repository rule; each call of it makes a repository.
    fn use_repo_rule<'v>(
        repo_rule_bzl_file: &str,
        repo_rule_name: &str,
    ) -> starlark::Result<RepoRuleProxy> {
        Ok(RepoRuleProxy {
            bzl: repo_rule_bzl_file.to_owned(),
            name: repo_rule_name.to_owned(),
        })
    }

    /// Replaces repositories of an extension: accepted, since extensions are not run.
    fn override_repo<'v>(
        #[starlark(require = pos)] extension_proxy: &ExtensionProxy,
        #[starlark(args)] args: Names<'v>,
        #[starlark(kwargs)] kwargs: Renamed<'v>,
    ) -> starlark::Result<NoneType> {
        let _ = (extension_proxy, args, kwargs);
        Ok(NoneType)
    }

    /// Adds repositories to an extension: accepted, since extensions are not run.
    fn inject_repo<'v>(
        #[starlark(require = pos)] extension_proxy: &ExtensionProxy,
        #[starlark(args)] args: Names<'v>,
        #[starlark(kwargs)] kwargs: Renamed<'v>,
    ) -> starlark::Result<NoneType> {
        let _ = (extension_proxy, args, kwargs);
        Ok(NoneType)
    }

    /// Offers toolchains.
    fn register_toolchains<'v>(
        #[starlark(args)] args: UnpackTuple<&'v str>,
        #[starlark(require = named, default = false)] dev_dependency: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        register(eval, args, |defs| match dev_dependency {
            true => &mut defs.dev_toolchains,
            false => &mut defs.toolchains,
        })
    }

    /// Offers platforms to run actions on.
    fn register_execution_platforms<'v>(
        #[starlark(args)] args: UnpackTuple<&'v str>,
        #[starlark(require = named, default = false)] dev_dependency: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        register(eval, args, |defs| match dev_dependency {
            true => &mut defs.dev_platforms,
            false => &mut defs.platforms,
        })
    }

    /// Names another file that is part of this one.
    fn include<'v>(
        #[starlark(require = pos)] label: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let (state, span) = (ModuleState::of(eval)?, here(eval)?);
        let includes = &mut state.0.borrow_mut().includes;
        includes.push((Arc::from(label), span));
        Ok(NoneType)
    }
}
