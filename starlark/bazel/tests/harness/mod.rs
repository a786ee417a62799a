//! A build tool without a build: files in a map, loads resolved, dependencies analyzed. What the
//! engine does with rules and a file system, tests do with this.

#![allow(dead_code, unused_imports)] // each test file uses its part
#![allow(clippy::unwrap_used)] // `allow-unwrap-in-tests` knows test functions only

mod describe;
mod glob;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::{Fingerprint, RelPath};
use kiln_bazel::{Limits, LoaderOptions, StarlarkHost, prelude};
use kiln_diag::Diag;
use kiln_targets::{
    AnalyzeRequest, AnalyzedTarget, Artifact, ArtifactKind, AttrValue, BuildRequest, Bzl,
    BzlRequest, CcTools, Cfg, Configuration, Dep, Dialect, Host, MachineTools, PackageDefs,
    PythonTools, RuleKind, SelectKey, Settings, ShellTools, SourceText, Target, TargetDef,
};

pub use describe::{describe, describe_action};

/// What `load` statements name, and what they get.
type Loads = Vec<(Arc<str>, Arc<Bzl>)>;

/// The .bzl files loaded so far.
type Bzls = BTreeMap<Label, Arc<Bzl>>;

/// A repository's canonical name (empty for the root) and a path in it.
pub type FileName = (String, String);

/// Everything one test needs.
pub struct World {
    pub host: Arc<StarlarkHost>,
    pub files: BTreeMap<FileName, Arc<str>>,
    pub configuration: Configuration,
    /// Conditions of selects that hold.
    pub conditions: BTreeSet<Label>,
    /// The target that answers for a toolchain type.
    pub toolchains: BTreeMap<Label, Label>,
    /// Values of build settings.
    pub flags: BTreeMap<Label, AttrValue>,
    pub machine: Option<MachineTools>,
    /// The file whose symbols BUILD files see.
    pub natives: Label,
    bzls: Bzls,
    packages: BTreeMap<PackageId, Arc<PackageDefs>>,
    targets: BTreeMap<(Label, String), Arc<AnalyzedTarget>>,
}

/// The rules that test BUILD files see unless a test brings its own.
pub const NATIVES: &str = r#"
def _filegroup(ctx):
    return [DefaultInfo(
        files = depset(ctx.files.srcs),
        runfiles = ctx.runfiles(files = ctx.files.srcs + ctx.files.data),
    )]

filegroup = rule(
    implementation = _filegroup,
    attrs = {
        "srcs": attr.label_list(allow_files = True),
        "data": attr.label_list(allow_files = True),
    },
)
alias = rule(_builtin = "alias", attrs = {"actual": attr.label(allow_files = True)})
constraint_setting = rule(_builtin = "constraint_setting")
constraint_value = rule(
    _builtin = "constraint_value",
    attrs = {"constraint_setting": attr.label()},
)
config_setting = rule(_builtin = "config_setting", attrs = {"values": attr.string_dict()})
toolchain_type = rule(_builtin = "toolchain_type")
"#;

impl World {
    /// A world with these files of the root repository, given as `=== path` lines followed by
    /// text, or else as one file: `BUILD`.
    pub fn new(files: &str) -> World {
        let natives = PackageId::new(Repo::new("kiln_builtins"), RelPath::root());
        let natives = natives.target("exports.bzl").unwrap();
        let mut world = World {
            host: Arc::new(StarlarkHost::new(
                Limits::default(),
                LoaderOptions::default(),
            )),
            files: BTreeMap::new(),
            configuration: Configuration::new(Settings::default()),
            conditions: BTreeSet::new(),
            toolchains: BTreeMap::new(),
            flags: BTreeMap::new(),
            machine: None,
            natives,
            bzls: BTreeMap::new(),
            packages: BTreeMap::new(),
            targets: BTreeMap::new(),
        };
        world.add("kiln_builtins", "exports.bzl", NATIVES);
        for part in files.split("=== ").skip(1) {
            let (path, text) = part.split_once('\n').unwrap_or((part, ""));
            world.add("", path.trim(), text);
        }
        world
    }

    /// A world with kiln's own rules and a machine that has all tools. What BUILD files see is
    /// loaded once for all of them.
    pub fn with_prelude(files: &str) -> World {
        static BASE: LazyLock<(Arc<StarlarkHost>, Bzls)> = LazyLock::new(|| {
            let mut world = World::new("");
            world.add_prelude();
            let natives = world.natives.clone();
            world.bzl(&natives).unwrap();
            (world.host, world.bzls)
        });
        let mut world = World::new(files);
        world.host = BASE.0.clone();
        world.bzls = BASE.1.clone();
        world.add_prelude();
        for tool in [
            "cpp:current_cc_toolchain",
            "python:current_py_toolchain",
            "sh:current_sh_toolchain",
        ] {
            let label = world.label(&format!("@bazel_tools//tools/{tool}"));
            let kind = label.package().target("toolchain_type").unwrap();
            world.toolchains.insert(kind, label);
        }
        world.machine = Some(machine());
        world
    }

    fn add_prelude(&mut self) {
        for repository in prelude::repositories() {
            for file in prelude::files(repository) {
                self.add(repository, file.path, file.text);
            }
        }
    }

    /// Adds or replaces a file.
    pub fn add(&mut self, repo: &str, path: &str, text: &str) {
        let name = (repo.to_owned(), path.to_owned());
        self.files.insert(name, Arc::from(text));
    }

    /// A label as written at the root.
    pub fn label(&self, text: &str) -> Label {
        let root = PackageId::new(Repo::root(), RelPath::root());
        Label::parse(text, &root, &self.mapping(&Repo::root())).unwrap()
    }

    /// Every repository sees every other under its own name.
    pub fn mapping(&self, owner: &Repo) -> Arc<RepoMapping> {
        let mut mapping = RepoMapping::new(owner.clone());
        for (repo, _) in self.files.keys() {
            mapping.insert(repo.clone(), Repo::new(repo));
        }
        Arc::new(mapping)
    }

    fn text(&self, label: &Label) -> Result<Arc<str>, Diag> {
        let name = (
            label.repo().as_str().to_owned(),
            label.file_path().to_string(),
        );
        let text = self.files.get(&name).cloned();
        text.ok_or_else(|| Diag::build(format!("no file `{label}`")))
    }

    fn shown(label: &Label) -> Arc<str> {
        match label.repo().is_root() {
            true => Arc::from(label.file_path().as_str()),
            false => format!("external/{}/{}", label.repo().as_str(), label.file_path()).into(),
        }
    }

    fn parse(&self, label: &Label, dialect: Dialect) -> Result<kiln_targets::Parsed, Diag> {
        self.host.parse(SourceText {
            path: World::shown(label),
            text: self.text(label)?,
            dialect,
        })
    }

    fn loads(&mut self, parsed: &kiln_targets::Parsed, package: &PackageId) -> Result<Loads, Diag> {
        let mapping = self.mapping(&package.repo);
        let mut loads = Vec::new();
        for load in &parsed.loads {
            let label = Label::parse(&load.module, package, &mapping);
            let label = label.map_err(|error| Diag::build(error.to_string()))?;
            loads.push((load.module.clone(), self.bzl(&label)?));
        }
        Ok(loads)
    }

    /// Loads a .bzl file.
    pub fn bzl(&mut self, label: &Label) -> Result<Arc<Bzl>, Diag> {
        if let Some(bzl) = self.bzls.get(label) {
            return Ok(bzl.clone());
        }
        let parsed = self.parse(label, Dialect::Bzl)?;
        let loads = self.loads(&parsed, label.package())?;
        let natives = match label.repo() == self.natives.repo() {
            true => None,
            false => Some(self.bzl(&self.natives.clone())?),
        };
        let mapping = self.mapping(label.repo());
        let bzl = Arc::new(self.host.bzl(BzlRequest {
            parsed: &parsed,
            label,
            mapping: &mapping,
            loads: &loads,
            natives: natives.as_ref(),
        })?);
        self.bzls.insert(label.clone(), bzl.clone());
        Ok(bzl)
    }

    fn build_file(&self, package: &PackageId) -> Option<Label> {
        ["BUILD.bazel", "BUILD"].into_iter().find_map(|name| {
            let label = package.target(name).ok()?;
            self.text(&label).is_ok().then_some(label)
        })
    }

    /// Loads a package.
    pub fn package(&mut self, id: &PackageId) -> Result<Arc<PackageDefs>, Diag> {
        if let Some(package) = self.packages.get(id) {
            return Ok(package.clone());
        }
        let file = self.build_file(id);
        let file = file.ok_or_else(|| Diag::build(format!("no package `{id}`")))?;
        let parsed = self.parse(&file, Dialect::Build)?;
        let loads = self.loads(&parsed, id)?;
        let natives = self.bzl(&self.natives.clone())?;
        let io = glob::Io {
            world: self,
            package: id,
        };
        let package = Arc::new(self.host.build(BuildRequest {
            parsed: &parsed,
            package: id,
            build_file: &file.file_path(),
            mapping: &self.mapping(&id.repo),
            loads: &loads,
            natives: &natives,
            inherited: &Arc::default(),
            module: ("", ""),
            io: &io,
        })?);
        self.packages.insert(id.clone(), package.clone());
        Ok(package)
    }

    /// Analyzes what a label names, aliases followed.
    pub fn dep(&mut self, label: &Label, configuration: &Configuration) -> Result<Dep, Diag> {
        let package = self.package(label.package())?;
        match package.targets.get(label.name()) {
            Some(Target::Rule(def)) => {
                if let Some(actual) = self.forwarded(def) {
                    return self.dep(&actual, configuration);
                }
                Ok(Dep::Target(self.rule_target(
                    def,
                    &package,
                    configuration,
                )?))
            }
            Some(Target::Output { generated_by }) => {
                let by = label.package().target(generated_by).unwrap();
                let Dep::Target(by) = self.dep(&by, configuration)? else {
                    panic!("an output without a rule");
                };
                Ok(Dep::Output(by.predeclared[label.name()].clone(), by))
            }
            Some(Target::Group(_)) => Err(Diag::build("a package group is no dependency")),
            _ => {
                self.text(label)?;
                Ok(Dep::Source(Artifact::source(
                    label.clone(),
                    ArtifactKind::File,
                )))
            }
        }
    }

    /// What an alias or a label flag stands for.
    fn forwarded(&self, def: &TargetDef) -> Option<Label> {
        let RuleKind::Builtin(kind) = &def.rule.kind else {
            return None;
        };
        let value = match &**kind {
            "alias" => self.attr(def, "actual"),
            "label_flag" | "label_setting" => match self.flags.get(&def.label) {
                Some(value) => value.clone(),
                None => self.attr(def, "build_setting_default"),
            },
            _ => return None,
        };
        value.as_label().cloned()
    }

    /// Analyzes a rule's target.
    pub fn analyze(&mut self, label: &str) -> Result<Arc<AnalyzedTarget>, Diag> {
        let label = self.label(label);
        match self.dep(&label, &self.configuration.clone())? {
            Dep::Target(target) | Dep::Output(_, target) => Ok(target),
            Dep::Source(_) => Err(Diag::build(format!("`{label}` is a source file"))),
        }
    }

    fn attr(&self, def: &TargetDef, name: &str) -> AttrValue {
        let default = def
            .rule
            .attr(name)
            .map_or(AttrValue::None, |schema| schema.default.clone());
        match def.attr(name).map(|value| self.choose(value)) {
            Some(AttrValue::None) | None => default,
            Some(value) => value,
        }
    }

    fn choose(&self, value: &AttrValue) -> AttrValue {
        match value {
            AttrValue::Select(select) => {
                let holds = |key: &SelectKey| match key {
                    SelectKey::Default => false,
                    SelectKey::Setting(label) => self.conditions.contains(label),
                };
                let mut branches = select.branches.iter();
                let chosen = branches.find(|(key, _)| holds(key)).or_else(|| {
                    select
                        .branches
                        .iter()
                        .find(|(key, _)| *key == SelectKey::Default)
                });
                chosen.map_or(AttrValue::None, |(_, value)| value.clone())
            }
            AttrValue::Concat(parts) => {
                let parts: Vec<AttrValue> = parts.iter().map(|part| self.choose(part)).collect();
                if parts.iter().any(|part| part.as_str().is_some()) {
                    let texts: String = parts.iter().filter_map(AttrValue::as_str).collect();
                    return AttrValue::string(texts);
                }
                AttrValue::list(parts.iter().flat_map(|part| part.items().iter().cloned()))
            }
            value => value.clone(),
        }
    }

    fn rule_target(
        &mut self,
        def: &TargetDef,
        package: &PackageDefs,
        configuration: &Configuration,
    ) -> Result<Arc<AnalyzedTarget>, Diag> {
        let key = (def.label.clone(), configuration.fingerprint().hex());
        if let Some(target) = self.targets.get(&key) {
            return Ok(target.clone());
        }
        let inputs = self.inputs(def, configuration)?;
        let setting = def.rule.build_setting.map(|_| {
            let given = self.flags.get(&def.label).cloned();
            given.unwrap_or_else(|| self.attr(def, "build_setting_default"))
        });
        let target =
            Arc::new(inputs.analyze(self, def, package, configuration, setting.as_ref())?);
        self.targets.insert(key, target.clone());
        Ok(target)
    }

    /// Drops all that was loaded and analyzed.
    pub fn forget(&mut self) {
        self.bzls.clear();
        self.packages.clear();
        self.targets.clear();
    }

    /// Records the analysis of a target.
    pub fn put(
        &mut self,
        label: &Label,
        configuration: &Configuration,
        target: Arc<AnalyzedTarget>,
    ) {
        let key = (label.clone(), configuration.fingerprint().hex());
        self.targets.insert(key, target);
    }

    /// What analysis of a target takes from others.
    pub fn inputs(
        &mut self,
        def: &TargetDef,
        configuration: &Configuration,
    ) -> Result<Inputs, Diag> {
        let bin = format!("kiln-out/{}/bin", configuration.folder());
        let mode = configuration.settings().mode.name();
        let variables = [("BINDIR", &*bin), ("COMPILATION_MODE", mode)];
        let variables = variables.map(|(name, value)| (Arc::from(name), Arc::from(value)));
        let mut inputs = Inputs {
            variables: variables.into(),
            ..Inputs::default()
        };
        for schema in def.rule.attrs.iter() {
            let value = self.attr(def, &schema.name);
            let mut labels = Vec::new();
            if schema.kind.is_dependency() && *schema.name != *"target_compatible_with" {
                value.visit_labels(&mut |label, _| labels.push(label.clone()));
            }
            let configuration = match schema.cfg {
                Cfg::Target => configuration.clone(),
                Cfg::Exec => configuration.exec(),
            };
            let mut deps = Vec::new();
            for label in labels {
                deps.push((label.clone(), self.dep(&label, &configuration)?));
            }
            inputs.attrs.push(value);
            inputs.deps.push(deps);
        }
        for used in def.rule.toolchains.iter() {
            let label = self.toolchains.get(&used.label).cloned();
            inputs.toolchains.push(match label {
                Some(label) => match self.dep(&label, &configuration.exec())? {
                    Dep::Target(target) => Some(target),
                    _ => None,
                },
                None => None,
            });
        }
        Ok(inputs)
    }
}

/// A machine with a C++ compiler and Python.
pub fn machine() -> MachineTools {
    let text = |text: &str| -> Arc<str> { Arc::from(text) };
    MachineTools {
        cc: Some(CcTools {
            compiler: text("gcc"),
            cc: text("/usr/bin/gcc"),
            cxx: text("/usr/bin/g++"),
            ar: text("/usr/bin/ar"),
            strip: Some(text("/usr/bin/strip")),
            objcopy: Some(text("/usr/bin/objcopy")),
            version: text("gcc 12.2.0"),
            target: text("x86_64-linux-gnu"),
            include_dirs: vec![text("/usr/include")],
            supported_flags: prelude::PROBED_CC_FLAGS
                .iter()
                .map(|flag| text(flag))
                .collect(),
            linker: None,
            fingerprint: text("gcc"),
        }),
        python: Some(PythonTools {
            interpreter: text("/usr/bin/python3"),
            version: text("3.11.2"),
            fingerprint: text("python"),
        }),
        shell: ShellTools::default(),
    }
}

/// Attribute values, dependencies and toolchains of a target.
#[derive(Default)]
pub struct Inputs {
    pub attrs: Vec<AttrValue>,
    pub deps: Vec<Vec<(Label, Dep)>>,
    pub toolchains: Vec<Option<Arc<AnalyzedTarget>>>,
    /// What repository names mean in the target's package.
    pub mapping: Option<Arc<RepoMapping>>,
    pub variables: BTreeMap<Arc<str>, Arc<str>>,
}

impl Inputs {
    /// Analyzes the target.
    pub fn analyze(
        &self,
        world: &World,
        def: &TargetDef,
        package: &PackageDefs,
        configuration: &Configuration,
        setting: Option<&AttrValue>,
    ) -> Result<AnalyzedTarget, Diag> {
        let mapping = self.mapping.clone();
        let mapping = mapping.unwrap_or_else(|| world.mapping(def.label.repo()));
        world.host.analyze(AnalyzeRequest {
            target: def,
            configuration,
            attrs: &self.attrs,
            deps: &self.deps,
            toolchains: &self.toolchains,
            machine_tools: world.machine.as_ref(),
            package_features: &package.features,
            make_variables: &self.variables,
            build_setting_value: setting,
            mapping: &mapping,
            build_file: &package.build_file,
            fingerprint: Fingerprint::build("test")
                .text(&def.label.to_string())
                .finish(),
        })
    }
}
