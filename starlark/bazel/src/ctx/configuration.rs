//! `ctx.configuration` and `ctx.fragments`.

use std::fmt;
use std::sync::Arc;

use kiln_targets::{Configuration, Settings};

use crate::interp::*;
use crate::values::structs::Struct;

/// `ctx.configuration` (Bazel: `configuration`).
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct ConfigurationValue {
    #[allocative(skip)]
    pub(crate) configuration: Configuration,
}

starlark_simple_value!(ConfigurationValue);

impl fmt::Display for ConfigurationValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<configuration {}>", self.configuration.folder())
    }
}

starlark::methods_static!(CONFIGURATION_METHODS = configuration_methods);

#[starlark_value(type = "configuration")]
impl<'v> StarlarkValue<'v> for ConfigurationValue {
    fn get_methods() -> Option<&'static Methods> {
        Some(CONFIGURATION_METHODS.methods())
    }

    fn equals(&self, other: Value<'v>) -> starlark::Result<bool> {
        let other = ConfigurationValue::from_value(other);
        Ok(other.is_some_and(|other| self.configuration == other.configuration))
    }
}

#[starlark_module]
fn configuration_methods(methods: &mut MethodsBuilder) {
    #[starlark(attribute)]
    fn coverage_enabled(this: &ConfigurationValue) -> starlark::Result<bool> {
        Ok(this.configuration.settings().coverage)
    }

    #[starlark(attribute)]
    fn host_path_separator<'v>(
        this: &ConfigurationValue,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let _ = this;
        Ok(heap.alloc(":"))
    }

    #[starlark(attribute)]
    fn default_shell_env<'v>(
        this: &ConfigurationValue,
        heap: Heap<'v>,
    ) -> starlark::Result<Value<'v>> {
        let env = this.configuration.settings().action_env.iter();
        let env = env.map(|(name, value)| (&**name, &**value));
        Ok(heap.alloc(AllocDict(env)))
    }

    /// `--test_env` is added when tests run, not when they are analyzed.
    #[starlark(attribute)]
    fn test_env<'v>(this: &ConfigurationValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        let _ = this;
        Ok(heap.alloc(AllocDict::EMPTY))
    }

    #[starlark(attribute)]
    fn short_id<'v>(this: &ConfigurationValue, heap: Heap<'v>) -> starlark::Result<Value<'v>> {
        Ok(heap.alloc(&this.configuration.fingerprint().hex()[..7]))
    }

    fn is_tool_configuration(this: &ConfigurationValue) -> starlark::Result<bool> {
        Ok(this.configuration.settings().exec)
    }

    fn is_sibling_repository_layout(this: &ConfigurationValue) -> starlark::Result<bool> {
        let _ = this;
        Ok(false)
    }

    fn stamp_binaries(this: &ConfigurationValue) -> starlark::Result<bool> {
        Ok(this.configuration.settings().stamp)
    }

    fn runfiles_enabled(this: &ConfigurationValue) -> starlark::Result<bool> {
        let _ = this;
        Ok(true)
    }

    fn has_separate_genfiles_directory(this: &ConfigurationValue) -> starlark::Result<bool> {
        let _ = this;
        Ok(false)
    }
}

/// `ctx.fragments`: what rules may read of the configuration.
pub(crate) fn fragments<'v>(configuration: &Configuration, heap: Heap<'v>) -> Value<'v> {
    let settings = configuration.settings();
    let fields = [
        ("cpp", cpp(settings, heap)),
        ("platform", platform(settings, heap)),
        ("coverage", heap.alloc(Struct::of(heap, []))),
    ];
    heap.alloc(Struct::of(heap, fields))
}

fn cpp<'v>(settings: &Settings, heap: Heap<'v>) -> Value<'v> {
    let texts = |texts: &[Arc<str>]| heap.alloc(AllocList(texts.iter().map(|text| &**text)));
    let fields = [
        ("copts", texts(&settings.copts)),
        ("conlyopts", texts(&settings.conlyopts)),
        ("cxxopts", texts(&settings.cxxopts)),
        ("linkopts", texts(&settings.linkopts)),
        ("per_file_copts", texts(&settings.per_file_copts)),
        ("features", texts(&settings.features)),
        ("compilation_mode", heap.alloc(settings.mode.name())),
        ("cpu", heap.alloc(&*settings.cpu)),
        ("strip", heap.alloc(&*settings.strip)),
        ("dynamic_mode", heap.alloc(&*settings.dynamic_mode)),
        ("force_pic", Value::new_bool(settings.force_pic)),
        ("stamp", Value::new_bool(settings.stamp)),
        ("custom_malloc", Value::new_none()),
    ];
    heap.alloc(Struct::of(heap, fields))
}

fn platform<'v>(settings: &Settings, heap: Heap<'v>) -> Value<'v> {
    let platform = settings.platform.as_ref();
    let platform = platform.map_or_else(Value::new_none, |label| {
        crate::context::label_value(label, heap)
    });
    let fields = [("platform", platform), ("host_platform", Value::new_none())];
    heap.alloc(Struct::of(heap, fields))
}
