//! Containers of a kiln that is no more.
//!
//! A container ends with the connection to it and the engine removes it then. What can be left is
//! one that was made and never started, because kiln was killed in between (ENV-102).

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bollard::query_parameters::{ListContainersOptionsBuilder, RemoveContainerOptionsBuilder};

use crate::client::Engine;

const WORKSPACE: &str = "kiln.workspace";
const OWNER: &str = "kiln.owner";

/// What the containers of this process are labelled with.
pub(crate) fn labels(workspace: &Path) -> HashMap<String, String> {
    HashMap::from([
        (WORKSPACE.to_owned(), workspace.display().to_string()),
        (OWNER.to_owned(), owner()),
    ])
}

/// This process, and no other one on any machine that uses the same engine.
fn owner() -> String {
    format!("{} {}", std::process::id(), boot())
}

/// Another one after each start of the machine.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}

/// Whether a label names a process of this machine that is gone.
fn is_gone(label: &str) -> bool {
    match label.split_once(' ') {
        Some((process, machine)) => machine == boot() && !Path::new("/proc").join(process).exists(),
        None => false,
    }
}

/// Not longer than this (ENV-102).
const PATIENCE: Duration = Duration::from_secs(60);

/// Removes them in the background. What cannot be removed now is tried again by the next kiln.
pub(crate) fn remove(engine: Arc<Engine>) {
    tokio::spawn(tokio::time::timeout(PATIENCE, async move {
        let labelled = HashMap::from([("label", vec![OWNER])]);
        let options = ListContainersOptionsBuilder::default().all(true);
        let options = options.filters(&labelled).build();
        let found = engine.docker.list_containers(Some(options)).await;
        for container in found.unwrap_or_default() {
            let owner = container
                .labels
                .as_ref()
                .and_then(|labels| labels.get(OWNER));
            if let (Some(id), true) = (container.id, owner.is_some_and(|owner| is_gone(owner))) {
                let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
                let _ = engine
                    .docker
                    .remove_container(&id, Some(options.build()))
                    .await;
            }
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owners_that_are_gone() {
        assert!(!is_gone(&owner()));
        // Numbers of processes are smaller.
        assert!(is_gone(&format!("99999999 {}", boot())));
        assert!(!is_gone("99999999 another-machine"));
        assert!(!is_gone("anything"));
    }
}
