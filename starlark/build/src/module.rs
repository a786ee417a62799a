//! MODULE.bazel: the calls, as data (bazel.md 2.8).

#![allow(unused_qualifications)] // in what the derives write

use std::cell::RefCell;
use std::collections::BTreeMap;
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

/// The state of a MODULE.bazel file's evaluation.
#[derive(ProvidesStaticType, Default)]
pub(crate) struct ModuleState {
    defs: RefCell<ModuleDefs>,
    module_call: RefCell<Option<Span>>,
    /// Apparent repository names and where they come from.
    names: RefCell<BTreeMap<Arc<str>, Span>>,
}

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
        Some(state) => Ok(state.defs.take()),
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
        let before = self
            .names
            .borrow_mut()
            .insert(Arc::from(name), span.clone());
        match before {
            None => Ok(()),
            Some(first) => Err(raise(
                Diag::build(format!("two repositories are called `{name}` here"))
                    .at(span.clone())
                    .note_at("first named here", first)
                    .hint("give one of them another name (`repo_name = …`, `use_repo(ext, other = …)`)"),
            )),
        }
    }

    pub(crate) fn add_extension(&self, used: ExtensionUse) -> usize {
        let extensions = &mut self.defs.borrow_mut().extensions;
        extensions.push(used);
        extensions.len() - 1
    }

    fn add_override(&self, module: &str, kind: OverrideKind, span: Span) {
        let module = Arc::from(module);
        let overrides = &mut self.defs.borrow_mut().overrides;
        overrides.push(Override { module, kind, span });
    }
}

/// Where the running call is.
pub(crate) fn here(eval: &Evaluator<'_, '_, '_>) -> starlark::Result<Span> {
    call_span(eval).ok_or_else(|| raise(Diag::internal("a call has no place")))
}

type Rest<'v> = UnpackDictEntries<&'v str, Value<'v>>;

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
        if let Some(first) = state.module_call.replace(Some(span.clone())) {
            let diag = Diag::build("`module` is called twice in one MODULE.bazel file");
            return Err(raise(diag.note_at("first called here", first)));
        }
        let repo_name = repo_name.into_option().filter(|name| !name.is_empty());
        if let Some(own) = repo_name.or(Some(name)).filter(|name| !name.is_empty()) {
            state.name_repo(own, &span)?;
        }
        let mut defs = state.defs.borrow_mut();
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
        state.defs.borrow_mut().deps.push(BazelDep {
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
        let kind = OverrideKind::LocalPath(Arc::from(path));
        ModuleState::of(eval)?.add_override(module_name, kind, here(eval)?);
        Ok(NoneType)
    }

    /// Replaces a module by an archive.
    fn archive_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        ModuleState::of(eval)?.add_override(module_name, OverrideKind::Download, here(eval)?);
        Ok(NoneType)
    }

    /// Replaces a module by a commit.
    fn git_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        ModuleState::of(eval)?.add_override(module_name, OverrideKind::Download, here(eval)?);
        Ok(NoneType)
    }

    /// Pins a module's version, registry or patches.
    fn single_version_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        ModuleState::of(eval)?.add_override(module_name, OverrideKind::Version, here(eval)?);
        Ok(NoneType)
    }

    /// Lets several versions of a module coexist.
    fn multiple_version_override<'v>(
        #[starlark(require = named)] module_name: &str,
        #[starlark(kwargs)] rest: Rest<'v>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let _ = rest;
        ModuleState::of(eval)?.add_override(module_name, OverrideKind::Version, here(eval)?);
        Ok(NoneType)
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
            span: here(eval)?,
        });
        Ok(ExtensionProxy { index })
    }

    /// Takes repositories from an extension: their names, or `own = "theirs"`.
    fn use_repo<'v>(
        #[starlark(require = pos)] extension_proxy: &ExtensionProxy,
        #[starlark(args)] args: UnpackTuple<&'v str>,
        #[starlark(kwargs)] kwargs: UnpackDictEntries<&'v str, &'v str>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let (state, span) = (ModuleState::of(eval)?, here(eval)?);
        let same = args.items.into_iter().map(|name| (name, name));
        for (own, theirs) in same.chain(kwargs.entries) {
            state.name_repo(own, &span)?;
            let extensions = &mut state.defs.borrow_mut().extensions;
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
        #[starlark(args)] args: UnpackTuple<&'v str>,
        #[starlark(kwargs)] kwargs: UnpackDictEntries<&'v str, &'v str>,
    ) -> starlark::Result<NoneType> {
        let _ = (extension_proxy, args, kwargs);
        Ok(NoneType)
    }

    /// Adds repositories to an extension: accepted, since extensions are not run.
    fn inject_repo<'v>(
        #[starlark(require = pos)] extension_proxy: &ExtensionProxy,
        #[starlark(args)] args: UnpackTuple<&'v str>,
        #[starlark(kwargs)] kwargs: UnpackDictEntries<&'v str, &'v str>,
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
        let defs = &mut *ModuleState::of(eval)?.defs.borrow_mut();
        let list = match dev_dependency {
            true => &mut defs.dev_toolchains,
            false => &mut defs.toolchains,
        };
        list.extend(args.items.into_iter().map(Arc::from));
        Ok(NoneType)
    }

    /// Offers platforms to run actions on.
    fn register_execution_platforms<'v>(
        #[starlark(args)] args: UnpackTuple<&'v str>,
        #[starlark(require = named, default = false)] dev_dependency: bool,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let defs = &mut *ModuleState::of(eval)?.defs.borrow_mut();
        let list = match dev_dependency {
            true => &mut defs.dev_platforms,
            false => &mut defs.platforms,
        };
        list.extend(args.items.into_iter().map(Arc::from));
        Ok(NoneType)
    }

    /// Names another file that is part of this one.
    fn include<'v>(
        #[starlark(require = pos)] label: &str,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<NoneType> {
        let (state, span) = (ModuleState::of(eval)?, here(eval)?);
        state
            .defs
            .borrow_mut()
            .includes
            .push((Arc::from(label), span));
        Ok(NoneType)
    }
}
