//! What may differ between one executor and another.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// Settings of a [`crate::DockerExecutor`].
#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// A folder for files of running actions, on the file system of the store. Several processes
    /// may share it.
    pub scratch: PathBuf,
    /// A folder for the shells of images, on the same file system.
    pub shells: PathBuf,
    /// The variables of whoever called: `DOCKER_HOST`, `DOCKER_CONTEXT`, `DOCKER_CONFIG`, `HOME`
    /// say where the engine is (ENV-104).
    pub variables: BTreeMap<String, String>,
    /// What containers are labelled with, so that people see whose they are (ENV-095).
    pub workspace: PathBuf,
    /// Memory of one action's processes together, in bytes.
    pub memory: Option<u64>,
    /// How many processes and threads an action may have at a time; `None` is no limit.
    pub processes: Option<u64>,
}

impl DockerConfig {
    /// The usual settings for a workspace, with everything of its own below `folder`.
    pub fn new(folder: impl Into<PathBuf>, workspace: impl Into<PathBuf>) -> DockerConfig {
        let folder = folder.into();
        DockerConfig {
            scratch: folder.join("scratch"),
            shells: folder.join("shells"),
            variables: BTreeMap::new(),
            workspace: workspace.into(),
            memory: None,
            processes: Some(MANY),
        }
    }
}

/// More than anything needs that means well.
const MANY: u64 = 32_768;
