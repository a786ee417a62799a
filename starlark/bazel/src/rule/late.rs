//! `configuration_field`: defaults that the configuration decides.

use std::fmt;

use kiln_build::LabelContext;
use kiln_diag::Diag;
use kiln_targets::{AttrKind, AttrValue};

use crate::interp::*;

const CC_TOOLCHAIN: &str = "@@bazel_tools//tools/cpp:current_cc_toolchain";

/// The value of `configuration_field(fragment, name)`.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct LateDefault {
    fragment: String,
    name: String,
}

starlark_simple_value!(LateDefault);

impl LateDefault {
    /// The default of a label attribute. All but the C++ toolchain name targets which an option
    /// would have to set; without the option there is none.
    pub(crate) fn default(
        &self,
        kind: AttrKind,
        labels: LabelContext<'_>,
    ) -> Result<AttrValue, Diag> {
        if kind != AttrKind::Label {
            let message = "`configuration_field` goes with `attr.label` only";
            return Err(Diag::build(message));
        }
        match (self.fragment.as_str(), self.name.as_str()) {
            ("cpp", "cc_toolchain") => Ok(AttrValue::Label(labels.parse(CC_TOOLCHAIN)?)),
            _ => Ok(AttrValue::None),
        }
    }
}

impl fmt::Display for LateDefault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "configuration_field({}, {})", self.fragment, self.name)
    }
}

#[starlark_value(type = "LateBoundDefault")]
impl<'v> StarlarkValue<'v> for LateDefault {}

#[starlark_module]
pub(crate) fn globals(builder: &mut GlobalsBuilder) {
    fn configuration_field(fragment: &str, name: &str) -> starlark::Result<LateDefault> {
        Ok(LateDefault {
            fragment: fragment.to_owned(),
            name: name.to_owned(),
        })
    }
}
