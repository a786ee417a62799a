//! `configuration_field`: defaults that the configuration decides.

use std::fmt;

use kiln_diag::Diag;
use kiln_targets::{AttrKind, AttrValue};

use crate::interp::*;

/// The value of `configuration_field(fragment, name)`.
#[derive(Debug, ProvidesStaticType, NoSerialize, Allocative)]
pub(crate) struct LateDefault {
    fragment: String,
    name: String,
}

starlark_simple_value!(LateDefault);

impl LateDefault {
    /// The default of a label attribute. All fields that rules use name targets which an option
    /// would have to set; without the option there is none.
    pub(crate) fn default(&self, kind: AttrKind) -> Result<AttrValue, Diag> {
        match kind {
            AttrKind::Label => Ok(AttrValue::None),
            _ => Err(Diag::build(
                "`configuration_field` goes with `attr.label` only",
            )),
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
