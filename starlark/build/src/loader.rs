//! Loading .bzl and BUILD files.

use std::sync::{Arc, OnceLock};

use kiln_address::{PackageId, RepoMapping};
use kiln_base::Fingerprint;
use kiln_diag::{Diag, Span};
use kiln_host::starlark::environment::{FrozenModule, Globals, GlobalsBuilder};
use kiln_host::starlark::values::dict::DictRef;
use kiln_host::starlark::values::{FrozenHeap, FrozenHeapRef, FrozenValue};
use kiln_host::{EvalContext, FileScope, FrozenFile, Interpreter, Phase, base_globals};
use kiln_targets::{
    BuildRequest, Bzl, BzlRequest, Dialect, ModuleDefs, PackageDefs, Parsed, SourceText,
};

use crate::defaults::defaults_functions;
use crate::existing::existing_functions;
use crate::glob::glob_functions;
use crate::label::label_globals;
use crate::load_visibility::{BzlState, LoadVisibility, load_visibility_globals};
use crate::locate;
use crate::module::{module, module_functions};
use crate::natives::{BAZEL_VERSION, package_functions};
use crate::package::{ClassOf, Natives, PackageState};
use crate::parametrize::parametrize_globals;
use crate::select::select_globals;
use crate::workspace::workspace;

/// Evaluates files. One for a process; all methods may be called from many threads at once.
pub struct Loader {
    interpreter: Interpreter,
    options: LoaderOptions,
    extend: fn(&mut GlobalsBuilder),
    class_of: ClassOf,
    /// What .bzl files see while there are no natives yet: those of the prelude.
    without_natives: Globals,
    module_globals: Globals,
}

/// What differs between invocations and changes what loading gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Whether `glob` may match nothing if it does not say (Bazel:
    /// `--noincompatible_disallow_empty_glob`).
    pub allow_empty_glob: bool,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        LoaderOptions {
            allow_empty_glob: true,
        }
    }
}

/// What is behind [`Bzl::module`].
pub struct BzlModule {
    frozen: FrozenModule,
    scope: Arc<FileScope>,
    load_visibility: LoadVisibility,
    /// What files see whose natives this module is; made once, shared by all.
    as_natives: OnceLock<NativeGlobals>,
}

struct NativeGlobals {
    build: Globals,
    bzl: Globals,
}

impl BzlModule {
    /// The module of a loaded .bzl file. Fails if it was loaded by another host.
    pub fn of(bzl: &Bzl) -> Result<&BzlModule, Diag> {
        bzl.module.downcast_ref::<BzlModule>().ok_or_else(|| {
            Diag::internal(format!("`{}` was loaded by another interpreter", bzl.label))
        })
    }

    /// Its symbols.
    pub fn frozen(&self) -> &FrozenModule {
        &self.frozen
    }

    /// What labels in it mean.
    pub fn scope(&self) -> &Arc<FileScope> {
        &self.scope
    }

    fn as_natives(&self, extend: fn(&mut GlobalsBuilder)) -> &NativeGlobals {
        self.as_natives.get_or_init(|| NativeGlobals {
            build: build_globals(&self.frozen),
            bzl: bzl_globals(Some(&self.frozen), extend),
        })
    }
}

/// The module behind a loaded .bzl file; `None` if another host loaded it.
pub fn frozen_module(bzl: &Bzl) -> Option<&FrozenModule> {
    BzlModule::of(bzl).ok().map(|module| &module.frozen)
}

impl Loader {
    /// A loader whose .bzl files see what `extend` adds besides this crate's own functions.
    /// `class_of` tells which rule a value is.
    pub fn new(
        interpreter: Interpreter,
        options: LoaderOptions,
        extend: fn(&mut GlobalsBuilder),
        class_of: ClassOf,
    ) -> Loader {
        Loader {
            interpreter,
            options,
            extend,
            class_of,
            without_natives: bzl_globals(None, extend),
            module_globals: base_globals().with(module_functions).build(),
        }
    }

    /// The interpreter, for evaluations of other kinds.
    pub fn interpreter(&self) -> &Interpreter {
        &self.interpreter
    }

    /// Parses a file (BLD-045).
    pub fn parse(&self, source: SourceText) -> Result<Parsed, Diag> {
        self.interpreter.parse(source)
    }

    /// Where a call writes an attribute, or a text in it; see [`kiln_targets::Host::locate`].
    pub fn locate(
        &self,
        source: SourceText,
        call: &Span,
        attribute: &str,
        is_wanted: &dyn Fn(&str) -> bool,
    ) -> Option<Span> {
        let parsed = self.interpreter.parse(source).ok()?;
        let found = self.interpreter.inspect(&parsed, |ast| {
            locate::locate(ast, call, attribute, is_wanted)
        });
        found.ok().flatten()
    }

    /// Evaluates a .bzl file.
    ///
    /// | in the fingerprint | why |
    /// | --- | --- |
    /// | the file's label | label strings in it are relative to it |
    /// | its text | |
    /// | its repository's names | label strings in it go through them |
    /// | label as written and fingerprint of each load | |
    /// | the natives' fingerprint | `native.x` |
    pub fn bzl(&self, request: BzlRequest<'_>) -> Result<Bzl, Diag> {
        let scope = Arc::new(FileScope {
            label: request.label.clone(),
            mapping: request.mapping.clone(),
            fingerprint: fingerprint(&request),
        });
        let loads = modules(request.parsed, request.loads, request.label.package())?;
        let globals = match request.natives {
            Some(natives) => &BzlModule::of(natives)?.as_natives(self.extend).bzl,
            None => &self.without_natives,
        };
        let context = EvalContext::new(
            &self.interpreter,
            Phase::Bzl,
            scope.clone(),
            BzlState::default(),
        );
        let frozen = self
            .interpreter
            .eval_file(request.parsed, globals, &loads, &context)?;
        let load_visibility = context
            .state::<BzlState>()
            .map(BzlState::take_visibility)
            .unwrap_or_default();
        Ok(Bzl {
            label: request.label.clone(),
            fingerprint: scope.fingerprint,
            warnings: context.take_warnings(),
            module: Arc::new(BzlModule {
                frozen,
                scope,
                load_visibility,
                as_natives: OnceLock::new(),
            }),
        })
    }

    /// Evaluates a BUILD file.
    pub fn build(&self, request: BuildRequest<'_>) -> Result<PackageDefs, Diag> {
        let name = request.build_file.file_name();
        let label = request
            .package
            .target(name)
            .map_err(|error| Diag::internal(format!("the BUILD file has no label: {error}")))?;
        let scope = Arc::new(FileScope {
            label,
            mapping: request.mapping.clone(),
            fingerprint: Fingerprint::build("build file").finish(),
        });
        let loads = modules(request.parsed, request.loads, request.package)?;
        let natives = BzlModule::of(request.natives)?;
        let globals = &natives.as_natives(self.extend).build;
        let state = PackageState::new(
            &request,
            self.options.allow_empty_glob,
            alive(request.natives, &loads)?,
            Natives {
                module: &natives.frozen,
                class_of: self.class_of,
            },
        );
        let context = EvalContext::new(&self.interpreter, Phase::Build, scope, state);
        self.interpreter
            .eval_effects(request.parsed, globals, &loads, &context)?;
        let warnings = context.take_warnings();
        match context.state::<PackageState<'_>>() {
            Some(state) => Ok(state.finish(&request, warnings)),
            None => Err(Diag::internal("a BUILD file's evaluation lost its state")),
        }
    }

    /// Evaluates a MODULE.bazel or WORKSPACE file.
    pub fn module(&self, parsed: &Parsed) -> Result<ModuleDefs, Diag> {
        match parsed.source.dialect {
            Dialect::Workspace => workspace(&self.interpreter, parsed),
            _ => module(&self.interpreter, &self.module_globals, parsed),
        }
    }
}

/// A heap that keeps alive what a BUILD file can reach: its loads, and the natives.
fn alive(natives: &Bzl, loads: &[FrozenFile<'_>]) -> Result<FrozenHeapRef, Diag> {
    let heap = FrozenHeap::new();
    heap.add_reference(BzlModule::of(natives)?.frozen.frozen_heap());
    for (_, module) in loads {
        heap.add_reference(module.frozen_heap());
    }
    Ok(heap.into_ref())
}

/// The modules that a file loads, if it may load them.
fn modules<'a>(
    parsed: &Parsed,
    loads: &'a [(Arc<str>, Arc<Bzl>)],
    package: &PackageId,
) -> Result<Vec<FrozenFile<'a>>, Diag> {
    let module = |(written, bzl): &'a (Arc<str>, Arc<Bzl>)| {
        let module = BzlModule::of(bzl)?;
        let allowed = module.load_visibility.check(&bzl.label, package);
        allowed.map_err(
            |diag| match parsed.loads.iter().find(|load| load.module == *written) {
                Some(load) => diag.at(load.span.clone()),
                None => diag,
            },
        )?;
        Ok((&**written, &module.frozen))
    };
    loads.iter().map(module).collect()
}

fn fingerprint(request: &BzlRequest<'_>) -> Fingerprint {
    let mut builder = Fingerprint::build("bzl");
    builder
        .text(&request.label.to_string())
        .text(&request.parsed.source.text);
    names(&mut builder, request.mapping);
    builder.number(request.loads.len() as u64);
    for (written, bzl) in request.loads {
        builder.text(written).fingerprint(bzl.fingerprint);
    }
    match request.natives {
        Some(natives) => builder.number(1).fingerprint(natives.fingerprint),
        None => builder.number(0),
    };
    builder.finish()
}

fn names(builder: &mut kiln_base::FingerprintBuilder, mapping: &RepoMapping) {
    builder.text(mapping.owner().as_str());
    builder.number(mapping.names().count() as u64);
    for (apparent, repo) in mapping.names() {
        builder.text(apparent).text(repo.as_str());
    }
}

/// What BUILD files see: the language, this crate's functions, and the natives.
fn build_globals(natives: &FrozenModule) -> Globals {
    let mut builder = base_globals()
        .with(label_globals)
        .with(select_globals)
        .with(parametrize_globals)
        .with(defaults_functions)
        .with(own_natives);
    add_symbols(&mut builder, natives);
    builder.build()
}

/// What .bzl files see: the language, `Label`, `select`, `native`, and what `extend` adds.
fn bzl_globals(natives: Option<&FrozenModule>, extend: fn(&mut GlobalsBuilder)) -> Globals {
    let mut builder = base_globals()
        .with(label_globals)
        .with(select_globals)
        .with(parametrize_globals)
        .with(load_visibility_globals);
    builder.namespace("native", |builder| {
        own_natives(builder);
        builder.set("bazel_version", BAZEL_VERSION);
        if let Some(natives) = natives {
            add_symbols(builder, natives);
        }
    });
    extend(&mut builder);
    if let Some(natives) = natives {
        add_globals(&mut builder, natives);
    }
    builder.build()
}

fn own_natives(builder: &mut GlobalsBuilder) {
    package_functions(builder);
    glob_functions(builder);
    existing_functions(builder);
}

/// The dictionary of the natives that has what .bzl files see without loading it, and BUILD files
/// do not (Bazel: `CcInfo`, `cc_common`, …).
const BZL_GLOBALS: &str = "bzl_globals";

/// Adds the items of [`BZL_GLOBALS`], if the natives have it.
fn add_globals(builder: &mut GlobalsBuilder, natives: &FrozenModule) {
    let Ok(Some(globals)) = natives.get_option(BZL_GLOBALS) else {
        return;
    };
    let globals = globals.owned_value(builder.frozen_heap());
    let items: Vec<(String, FrozenValue)> = DictRef::from_value(globals)
        .iter()
        .flat_map(|dict| dict.iter())
        .filter_map(|(name, value)| Some((name.unpack_str()?.to_owned(), value.unpack_frozen()?)))
        .collect();
    for (name, value) in items {
        builder.set(&name, value);
    }
}

/// Adds the public symbols of a frozen module without copying their values.
fn add_symbols(builder: &mut GlobalsBuilder, module: &FrozenModule) {
    for name in module.names() {
        let Ok(Some(value)) = module.get_option(&name) else {
            continue;
        };
        if name.starts_with('_') || name.as_str() == BZL_GLOBALS {
            continue;
        }
        if let Some(value) = value.owned_value(builder.frozen_heap()).unpack_frozen() {
            builder.set(&name, value);
        }
    }
}
