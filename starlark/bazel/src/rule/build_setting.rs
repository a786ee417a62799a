//! `config.bool`, `config.int`, `config.string`, `config.string_list` (Bazel: config module).

use std::fmt;

use kiln_targets::{AttrKind, BuildSetting};

use crate::interp::*;

/// The value of `config.bool(...)` and its like.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct BuildSettingValue {
    #[allocative(skip)]
    pub(crate) setting: BuildSetting,
}

starlark_simple_value!(BuildSettingValue);

impl fmt::Display for BuildSettingValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<build setting>")
    }
}

#[starlark_value(type = "BuildSetting")]
impl<'v> StarlarkValue<'v> for BuildSettingValue {}

fn setting(kind: AttrKind, flag: bool, repeatable: bool) -> starlark::Result<BuildSettingValue> {
    let setting = BuildSetting {
        kind,
        flag,
        repeatable,
    };
    Ok(BuildSettingValue { setting })
}

#[starlark_module]
pub(crate) fn config(builder: &mut GlobalsBuilder) {
    fn bool(
        #[starlark(require = named, default = false)] flag: bool,
    ) -> starlark::Result<BuildSettingValue> {
        setting(AttrKind::Bool, flag, false)
    }

    fn int(
        #[starlark(require = named, default = false)] flag: bool,
    ) -> starlark::Result<BuildSettingValue> {
        setting(AttrKind::Int, flag, false)
    }

    fn string(
        #[starlark(require = named, default = false)] flag: bool,
        #[starlark(require = named, default = false)] allow_multiple: bool,
    ) -> starlark::Result<BuildSettingValue> {
        setting(AttrKind::String, flag, allow_multiple)
    }

    fn string_list(
        #[starlark(require = named, default = false)] flag: bool,
        #[starlark(require = named, default = false)] repeatable: bool,
    ) -> starlark::Result<BuildSettingValue> {
        setting(AttrKind::StringList, flag, repeatable)
    }

    fn string_set(
        #[starlark(require = named, default = false)] flag: bool,
        #[starlark(require = named, default = false)] repeatable: bool,
    ) -> starlark::Result<BuildSettingValue> {
        setting(AttrKind::StringList, flag, repeatable)
    }
}
