//! The build configuration: what `select` and rules may read besides attributes.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use kiln_address::Label;
use kiln_base::{Fingerprint, FingerprintBuilder};

use crate::AttrValue;

/// `-c`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CompilationMode {
    /// As fast to build as can be.
    Fastbuild,
    /// With debug information.
    Dbg,
    /// Optimized.
    Opt,
}

impl CompilationMode {
    /// `fastbuild`, `dbg` or `opt`.
    pub fn name(self) -> &'static str {
        match self {
            CompilationMode::Fastbuild => "fastbuild",
            CompilationMode::Dbg => "dbg",
            CompilationMode::Opt => "opt",
        }
    }
}

/// The settings of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `-c`
    pub mode: CompilationMode,
    /// Whether it is for tools that run during the build.
    pub exec: bool,
    /// The constraint values of the target platform, sorted (`@platforms//os:linux`, …).
    pub constraints: Vec<Label>,
    /// The platform target, if one was named by `--platforms`.
    pub platform: Option<Label>,
    /// `--cpu` in Bazel's vocabulary: `k8`, `aarch64`.
    pub cpu: Arc<str>,
    /// `--copt`
    pub copts: Vec<Arc<str>>,
    /// `--conlyopt`
    pub conlyopts: Vec<Arc<str>>,
    /// `--cxxopt`
    pub cxxopts: Vec<Arc<str>>,
    /// `--linkopt`
    pub linkopts: Vec<Arc<str>>,
    /// `--host_copt`: the `copts` of the exec configuration.
    pub host_copts: Vec<Arc<str>>,
    /// `--host_conlyopt`
    pub host_conlyopts: Vec<Arc<str>>,
    /// `--host_cxxopt`
    pub host_cxxopts: Vec<Arc<str>>,
    /// `--host_linkopt`
    pub host_linkopts: Vec<Arc<str>>,
    /// `--host_features`
    pub host_features: Vec<Arc<str>>,
    /// The constraint values of the machine that runs actions, sorted.
    pub exec_constraints: Vec<Label>,
    /// `--cpu` of the machine that runs actions.
    pub exec_cpu: Arc<str>,
    /// `--per_file_copt`, as given.
    pub per_file_copts: Vec<Arc<str>>,
    /// `--features`, `-name` for disabled ones.
    pub features: Vec<Arc<str>>,
    /// `--define`
    pub defines: BTreeMap<Arc<str>, Arc<str>>,
    /// `--action_env` with values (names without a value are looked up by the caller).
    pub action_env: BTreeMap<Arc<str>, Arc<str>>,
    /// `--stamp`
    pub stamp: bool,
    /// `--strip`: `always`, `sometimes` or `never`.
    pub strip: Arc<str>,
    /// `--force_pic`
    pub force_pic: bool,
    /// `--dynamic_mode`: `off`, `default` or `fully`.
    pub dynamic_mode: Arc<str>,
    /// `--collect_code_coverage`
    pub coverage: bool,
    /// Values of Starlark build settings that differ from their defaults.
    pub flags: BTreeMap<Label, AttrValue>,
    /// Other native flags that `config_setting(values = ...)` may ask for.
    pub values: BTreeMap<Arc<str>, Arc<str>>,
    /// The environment that actions run in, by the name it was chosen by (ENV-055); empty for the
    /// plain local one, which no name stands for.
    pub environment: Arc<str>,
    /// What rule implementations add to the folder name (a transition's hash); empty as a rule.
    pub folder_suffix: Arc<str>,
}

impl Default for Settings {
    /// A `fastbuild` for an unnamed platform, no flag given.
    fn default() -> Settings {
        let none: Arc<str> = Arc::from("");
        Settings {
            mode: CompilationMode::Fastbuild,
            exec: false,
            constraints: Vec::new(),
            platform: None,
            cpu: none.clone(),
            copts: Vec::new(),
            conlyopts: Vec::new(),
            cxxopts: Vec::new(),
            linkopts: Vec::new(),
            host_copts: Vec::new(),
            host_conlyopts: Vec::new(),
            host_cxxopts: Vec::new(),
            host_linkopts: Vec::new(),
            host_features: Vec::new(),
            exec_constraints: Vec::new(),
            exec_cpu: none.clone(),
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
            environment: none.clone(),
            folder_suffix: none,
        }
    }
}

/// Settings with their identity. Cheap to clone, to compare and to hash.
#[derive(Clone)]
pub struct Configuration(Arc<Inner>);

struct Inner {
    settings: Settings,
    fingerprint: Fingerprint,
    folder: Arc<str>,
    /// `None` for the exec configuration of this machine, which is its own.
    exec: Option<Configuration>,
}

impl Configuration {
    /// Freezes settings.
    pub fn new(settings: Settings) -> Configuration {
        let fingerprint = fingerprint(&settings);
        let mode = settings.mode.name();
        let folder = match settings.exec {
            true => format!("exec-{mode}"),
            false => mode.to_owned(),
        };
        let environment = match &*settings.environment {
            "" => String::new(),
            name => format!("-{}", plain(name)),
        };
        let folder = Arc::from(folder + &settings.folder_suffix + &environment);
        let last = settings.exec && settings.platform.is_none();
        let exec = (!last).then(|| Configuration::new(exec_settings(&settings)));
        Configuration(Arc::new(Inner {
            settings,
            fingerprint,
            folder,
            exec,
        }))
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The identity.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// The configuration for tools of targets in this one (Bazel: exec configuration), for this
    /// machine. Tools of tools share it.
    pub fn exec(&self) -> Configuration {
        self.0.exec.clone().unwrap_or_else(|| self.clone())
    }

    /// As [`Configuration::exec`], for a `platform` of which these constraint values hold.
    pub fn exec_on(&self, platform: &Label, constraints: &[Label]) -> Configuration {
        let exec = self.exec();
        let label = platform.to_string();
        let mark = Fingerprint::build("platform").text(&label).finish().hex();
        Configuration::new(Settings {
            constraints: constraints.to_vec(),
            platform: Some(platform.clone()),
            folder_suffix: Arc::from(format!("-{}-{}", plain(platform.name()), &mark[..8])),
            ..exec.settings().clone()
        })
    }

    /// The same for another environment (ENV-055): what is built in each has a folder of its own.
    pub fn in_environment(&self, name: &Arc<str>) -> Configuration {
        match self.settings().environment == *name {
            true => self.clone(),
            false => Configuration::new(Settings {
                environment: name.clone(),
                ..self.settings().clone()
            }),
        }
    }

    /// The folder below `kiln-out/` for what is built in this configuration (`fastbuild`).
    pub fn folder(&self) -> &Arc<str> {
        &self.0.folder
    }
}

impl PartialEq for Configuration {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.fingerprint == other.0.fingerprint
    }
}

impl Eq for Configuration {}

impl Hash for Configuration {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.fingerprint.hash(state);
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:?}", self.0.folder, self.0.fingerprint)
    }
}

/// A name as part of a folder's name.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    name.chars().map(plain).take(40).collect()
}

fn exec_settings(from: &Settings) -> Settings {
    Settings {
        mode: CompilationMode::Opt,
        exec: true,
        constraints: from.exec_constraints.clone(),
        platform: None,
        cpu: from.exec_cpu.clone(),
        copts: from.host_copts.clone(),
        conlyopts: from.host_conlyopts.clone(),
        cxxopts: from.host_cxxopts.clone(),
        linkopts: from.host_linkopts.clone(),
        features: from.host_features.clone(),
        per_file_copts: Vec::new(),
        coverage: false,
        stamp: false,
        folder_suffix: Arc::from(""),
        ..from.clone()
    }
}

fn fingerprint(settings: &Settings) -> Fingerprint {
    let mut builder = Fingerprint::build("configuration");
    // `Debug` of plain data names every field, so a new setting is in the identity by itself.
    builder.text(&format!("{settings:?}"));
    FingerprintBuilder::finish(&builder)
}
