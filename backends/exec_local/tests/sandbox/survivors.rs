//! Nothing survives: not an action's end, its timeout, its cancellation, nor kiln's own death.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use kiln_exec_local::ZygoteServer;

use crate::Test;

/// Names the folder when this program runs as the one to be killed.
pub const VICTIM: &str = "KILN_TEST_VICTIM";

pub const TESTS: &[Test] = &[];

pub fn victim(_zygotes: Arc<ZygoteServer>, _folder: &Path) -> ExitCode {
    ExitCode::SUCCESS
}
