//! What `use_extension` and `use_repo_rule` give a MODULE.bazel file: stand-ins that accept calls.

#![allow(unused_qualifications)] // in what the derives write

use std::fmt;
use std::sync::Arc;

use kiln_diag::Diag;
use kiln_host::allocative::{self, Allocative};
use kiln_host::raise;
use kiln_host::starlark::eval::{Arguments, Evaluator};
use kiln_host::starlark::values::{
    Heap, NoSerialize, ProvidesStaticType, StarlarkPagablePanic, StarlarkValue, Value,
    starlark_value,
};
use kiln_host::starlark::{self, starlark_simple_value};
use kiln_targets::ExtensionUse;

use crate::module::{ModuleState, here};

/// A module extension. Its attributes are its tags, which take any arguments: the extension is
/// not run, so they are not kept.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(crate) struct ExtensionProxy {
    /// Which of the file's extensions it is.
    pub(crate) index: usize,
}

starlark_simple_value!(ExtensionProxy);

impl fmt::Display for ExtensionProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<module extension>")
    }
}

#[starlark_value(type = "module_extension")]
impl<'v> StarlarkValue<'v> for ExtensionProxy {
    fn get_attr(&self, attribute: &str, heap: Heap<'v>) -> Option<Value<'v>> {
        (!attribute.starts_with('_')).then(|| heap.alloc(Tag))
    }
}

/// A tag of an extension.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
struct Tag;

starlark_simple_value!(Tag);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<tag of a module extension>")
    }
}

#[starlark_value(type = "tag")]
impl<'v> StarlarkValue<'v> for Tag {
    fn invoke(
        &self,
        _: Value<'v>,
        _: &Arguments<'v, '_>,
        _: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        Ok(Value::new_none())
    }
}

/// A repository rule: each call declares a repository.
#[derive(Debug, ProvidesStaticType, NoSerialize, StarlarkPagablePanic, Allocative)]
pub(crate) struct RepoRuleProxy {
    pub(crate) bzl: String,
    pub(crate) name: String,
}

starlark_simple_value!(RepoRuleProxy);

impl fmt::Display for RepoRuleProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<repository rule {}>", self.name)
    }
}

#[starlark_value(type = "repository_rule")]
impl<'v> StarlarkValue<'v> for RepoRuleProxy {
    fn invoke(
        &self,
        _: Value<'v>,
        args: &Arguments<'v, '_>,
        eval: &mut Evaluator<'v, '_, '_>,
    ) -> starlark::Result<Value<'v>> {
        let kwargs = args.names_map()?;
        let named = |wanted: &str| {
            let found = kwargs.iter().find(|(name, _)| name.as_str() == wanted);
            found.map(|(_, value)| *value)
        };
        let Some(name) = named("name").and_then(|name| name.unpack_str()) else {
            let diag = Diag::build(format!("a repository of `{}` needs a `name`", self.name));
            return Err(raise(diag));
        };
        let (state, span) = (ModuleState::of(eval)?, here(eval)?);
        state.name_repo(name, &span)?;
        // A rule is known by its name only: its .bzl file is never loaded.
        let local = self.name.ends_with("local_repository");
        let path = local.then(|| named("path")?.unpack_str()).flatten();
        state.add_extension(ExtensionUse {
            bzl: Arc::from(self.bzl.as_str()),
            name: Arc::from(self.name.as_str()),
            dev: named("dev_dependency").is_some_and(|dev| dev.to_bool()),
            repos: vec![(Arc::from(name), Arc::from(name))],
            path: path.map(Arc::from),
            span,
        });
        Ok(Value::new_none())
    }
}
