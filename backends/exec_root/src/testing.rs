//! Helpers for this crate's unit tests.

use kiln_base::RelPath;
use kiln_process::{CacheScope, Process};
use kiln_tree::Tree;

/// A process with these arguments and nothing else.
pub(crate) fn process(argv: &[&str]) -> Process {
    Process {
        argv: argv.iter().map(|text| text.to_string()).collect(),
        env: Default::default(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: Vec::new(),
        timeout: None,
        network: false,
        platform: Default::default(),
        environment: std::sync::Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    }
}
