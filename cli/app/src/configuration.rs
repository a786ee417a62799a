//! The target configuration of a command.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_targets::{CompilationMode, Settings};

/// The settings for this machine without any flag.
pub(crate) fn default_settings() -> Result<Settings, Diag> {
    let constraints = machine_constraints()?;
    let cpu: Arc<str> = Arc::from(cpu_name());
    let none: Arc<str> = Arc::from("");
    Ok(Settings {
        mode: CompilationMode::Fastbuild,
        exec: false,
        constraints: constraints.clone(),
        platform: None,
        cpu: cpu.clone(),
        copts: Vec::new(),
        conlyopts: Vec::new(),
        cxxopts: Vec::new(),
        linkopts: Vec::new(),
        host_copts: Vec::new(),
        host_conlyopts: Vec::new(),
        host_cxxopts: Vec::new(),
        host_linkopts: Vec::new(),
        host_features: Vec::new(),
        exec_constraints: constraints,
        exec_cpu: cpu,
        per_file_copts: Vec::new(),
        features: Vec::new(),
        defines: BTreeMap::new(),
        action_env: BTreeMap::new(),
        stamp: false,
        strip: Arc::from("sometimes"),
        force_pic: false,
        dynamic_mode: Arc::from("default"),
        coverage: false,
        flags: BTreeMap::new(),
        values: BTreeMap::new(),
        folder_suffix: none,
    })
}

/// Bazel's name for this machine's processor in `--cpu`.
fn cpu_name() -> &'static str {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => "k8",
        (_, arch) => arch,
    }
}

/// The constraint values that hold for this machine (`@platforms`), sorted.
fn machine_constraints() -> Result<Vec<Label>, Diag> {
    let constraint = |package: &str, name: &str| {
        let path = RelPath::new(package).map_err(|e| Diag::internal(e.to_string()))?;
        let package = PackageId::new(Repo::new("platforms"), path);
        package.target(name).map_err(|e| Diag::internal(e.to_string()))
    };
    let mut constraints =
        vec![constraint("os", std::env::consts::OS)?, constraint("cpu", std::env::consts::ARCH)?];
    constraints.sort();
    Ok(constraints)
}
