//! Definitions that succeed so that files load, of what kiln does not do yet: aspects,
//! transitions, repository rules, module extensions, subrules. Using one is an error at the place
//! of use. Symbolic macros are expanded where they are called.

use std::fmt;
use std::sync::{Arc, OnceLock};

use kiln_diag::Diag;
use kiln_host::starlark::values::dict::UnpackDictEntries;
use kiln_host::starlark::values::tuple::UnpackTuple;
use kiln_targets::Cfg;

use crate::interp::*;

/// What is defined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Aspect,
    Transition,
    /// A transition that changes nothing, or leads to the exec configuration.
    Plain,
    Exec,
    RepositoryRule,
    ModuleExtension,
    TagClass,
    ExecGroup,
    Subrule,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::Aspect => "aspect",
            Kind::Transition | Kind::Plain | Kind::Exec => "transition",
            Kind::RepositoryRule => "repository_rule",
            Kind::ModuleExtension => "module_extension",
            Kind::TagClass => "tag_class",
            Kind::ExecGroup => "exec_group",
            Kind::Subrule => "subrule",
        }
    }

    /// Why calling it fails.
    fn refusal(self) -> Diag {
        match self {
            Kind::RepositoryRule => Diag::build("repository rules are not supported yet")
                .hint("put the repository's files into a folder, and name it by `--vendor_dir` or `--override_repository`"),
            Kind::Subrule => Diag::build("subrules are not supported yet"),
            kind => Diag::build(format!("a value made by `{}` cannot be called", kind.name())),
        }
    }
}

/// A definition without effect.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct Inert {
    #[allocative(skip)]
    kind: Kind,
    #[allocative(skip)]
    name: OnceLock<Arc<str>>,
}

starlark_simple_value!(Inert);

impl fmt::Display for Inert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.get() {
            Some(name) => write!(f, "<{} {name}>", self.kind.name()),
            None => write!(f, "<{}>", self.kind.name()),
        }
    }
}

#[starlark_value(type = "definition")]
impl<'v> StarlarkValue<'v> for Inert {
    fn invoke(
        &self,
        _me: Value<'v>,
        _args: &Arguments<'v, '_>,
        _eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        Err(stop(self.kind.refusal()))
    }

    fn export_as(&self, name: &str, _eval: &mut Evaluator<'v, '_, '_>) -> starlark::Result<()> {
        self.name.get_or_init(|| Arc::from(name));
        Ok(())
    }
}

/// The configuration that a value names for `cfg`, if kiln knows how to get there.
pub(crate) fn cfg_of(value: Value<'_>) -> Option<Cfg> {
    match Inert::from_value(value)?.kind {
        Kind::Plain => Some(Cfg::Target),
        Kind::Exec => Some(Cfg::Exec),
        _ => None,
    }
}

/// Whether a value is a transition that kiln cannot follow yet.
pub(crate) fn is_transition(value: Value<'_>) -> bool {
    Inert::from_value(value).is_some_and(|value| value.kind == Kind::Transition)
}

fn inert(kind: Kind) -> Inert {
    Inert {
        kind,
        name: OnceLock::new(),
    }
}

type Positional<'v> = UnpackTuple<Value<'v>>;
type Named<'v> = UnpackDictEntries<&'v str, Value<'v>>;

#[starlark_module]
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    fn aspect<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<Inert> {
        Ok(inert(Kind::Aspect))
    }

    fn transition<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<Inert> {
        Ok(inert(Kind::Transition))
    }

    fn analysis_test_transition<'v>(
        #[starlark(require = named)] settings: Value<'v>,
    ) -> starlark::Result<Inert> {
        let empty = DictRef::from_value(settings).is_some_and(|settings| settings.is_empty());
        Ok(inert(if empty { Kind::Plain } else { Kind::Transition }))
    }

    fn repository_rule<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<Inert> {
        Ok(inert(Kind::RepositoryRule))
    }

    fn module_extension<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<Inert> {
        Ok(inert(Kind::ModuleExtension))
    }

    fn tag_class<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<Inert> {
        Ok(inert(Kind::TagClass))
    }

    fn exec_group<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<Inert> {
        Ok(inert(Kind::ExecGroup))
    }

    fn subrule<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<Inert> {
        Ok(inert(Kind::Subrule))
    }
}

/// `config.exec`, `config.target`, `config.none`.
#[starlark_module]
pub(crate) fn config(builder: &mut GlobalsBuilder) {
    fn exec<'v>(
        #[starlark(default = NoneOr::None)] exec_group: NoneOr<Value<'v>>,
    ) -> starlark::Result<Inert> {
        let _ = exec_group;
        Ok(inert(Kind::Exec))
    }

    fn target() -> starlark::Result<Inert> {
        Ok(inert(Kind::Plain))
    }

    fn none() -> starlark::Result<Inert> {
        Ok(inert(Kind::Plain))
    }
}

/// `testing.analysis_test`
#[starlark_module]
pub(crate) fn testing(builder: &mut GlobalsBuilder) {
    fn analysis_test<'v>(
        #[starlark(args)] _args: Positional<'v>,
        #[starlark(kwargs)] _kwargs: Named<'v>,
    ) -> starlark::Result<NoneType> {
        fail("`testing.analysis_test` is not supported yet")
    }
}
