//! MODULE.bazel and WORKSPACE files.
use kiln_diag::Diag;
use kiln_host::Interpreter;
use kiln_targets::{ModuleDefs, Parsed};

pub(crate) fn module(_: &Interpreter, _: &Parsed) -> Result<ModuleDefs, Diag> {
    Ok(ModuleDefs::default())
}
