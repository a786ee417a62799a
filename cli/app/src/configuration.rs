//! From options to the target configuration of a command.

use std::collections::BTreeMap;
use std::sync::Arc;

use kiln_address::{Label, PackageId, Repo, RepoMapping};
use kiln_base::RelPath;
use kiln_diag::Diag;
use kiln_options::{Effect, EnvSetting, Given, Options, StarlarkFlag};
use kiln_rules_core::environments::{Chosen, EnvironmentKey, EnvironmentOptions, LOCAL};
use kiln_rules_core::keys::{RepoOptions, TargetKey};
use kiln_rules_core::repos::Repositories;
use kiln_rules_core::targets::{LoadedKind, LoadedTarget};
use kiln_rules_core::toolchains::{PlatformConstraints, PlatformKey};
use kiln_scheduler::Session;
use kiln_targets::{AttrKind, AttrValue, CompilationMode, Configuration, RuleKind, Settings};

/// The configuration that a command's options ask for.
pub(crate) async fn configuration(
    options: &Options,
    session: &Session,
    repos: &RepoOptions,
    environments: &EnvironmentOptions,
    caller: &BTreeMap<String, String>,
) -> Result<Configuration, Diag> {
    let mut settings = settings(options, caller)?;
    // Without names nothing can stand for `__local__` (ENV-040).
    if !environments.names.is_empty() {
        let key = EnvironmentKey(Arc::from(LOCAL));
        let chosen = session.query::<Chosen, _>((key, environments.clone(), repos.clone()));
        settings.environment = chosen.await?.name.clone();
    }
    let platforms = options.platforms();
    if options.starlark_flags().is_empty() && platforms.is_empty() {
        return Ok(Configuration::new(settings));
    }
    let repositories = session.query::<Repositories, _>((repos.clone(),)).await?;
    let mapping = repositories.root()?.mapping.clone();
    for flag in options.starlark_flags() {
        let (label, value) = starlark_flag(flag, session, repos, &mapping).await?;
        settings.flags.insert(label, value);
    }
    if let Some(platform) = platforms.first() {
        let label = root_label(platform, &mapping).map_err(|e| usage(&e, "--platforms"))?;
        let key = (PlatformKey(label.clone()), repos.clone());
        let found = session.query::<PlatformConstraints, _>(key).await;
        let found = found.map_err(|error| match error.span() {
            Some(_) => error,
            None => of_flag(&error, "--platforms"),
        })?;
        settings.constraints = found.0.clone();
        settings.platform = Some(label);
    }
    Ok(Configuration::new(settings))
}

/// An error about a label that a flag gives.
fn of_flag(error: &Diag, flag: &str) -> Diag {
    let diag = error
        .notes()
        .iter()
        .fold(usage(error.message(), flag), |diag, note| {
            diag.note(note.message.clone())
        });
    error
        .hints()
        .iter()
        .fold(diag, |diag, hint| diag.hint(hint.clone()))
}

fn usage(error: &str, flag: &str) -> Diag {
    Diag::usage(format!("{flag}: {error}"))
}

fn settings(options: &Options, caller: &BTreeMap<String, String>) -> Result<Settings, Diag> {
    let constraints = machine_constraints()?;
    let machine_cpu: Arc<str> = Arc::from(cpu_name());
    Ok(Settings {
        mode: match options.compilation_mode() {
            "opt" => CompilationMode::Opt,
            "dbg" => CompilationMode::Dbg,
            _ => CompilationMode::Fastbuild,
        },
        exec: false,
        constraints: constraints.clone(),
        platform: None,
        cpu: options.cpu().map_or_else(|| machine_cpu.clone(), Arc::from),
        copts: options.copts(),
        conlyopts: options.conlyopts(),
        cxxopts: options.cxxopts(),
        linkopts: options.linkopts(),
        host_copts: options.host_copts(),
        host_conlyopts: options.host_conlyopts(),
        host_cxxopts: options.host_cxxopts(),
        host_linkopts: options.host_linkopts(),
        host_features: options.host_features(),
        exec_constraints: constraints,
        exec_cpu: machine_cpu,
        per_file_copts: options.per_file_copts(),
        features: options.features(),
        defines: options.defines().into_iter().collect(),
        action_env: environment(options.action_env(), caller),
        stamp: options.stamp(),
        strip: Arc::from(options.strip()),
        force_pic: options.force_pic(),
        dynamic_mode: Arc::from(options.dynamic_mode()),
        coverage: options.collect_code_coverage(),
        flags: BTreeMap::new(),
        values: other_values(options),
        environment: Arc::from(""),
        folder_suffix: Arc::from(""),
    })
}

/// Flags of Bazel that kiln has no use for, but that a `config_setting` may ask for.
fn other_values(options: &Options) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut values = BTreeMap::new();
    let given = options.all_given().iter();
    // What may be secret is nobody's condition, and belongs into no identity.
    // Nor is where the cache is, how many jobs there are or what is shown: with variables and files
    // of the user's these differ from machine to machine, and results are to be shared.
    let kept = |given: &&Given| {
        let builds = matches!(given.option.effect, Effect::Configuration | Effect::Tests);
        builds && !given.option.secret
    };
    for given in given.filter(kept) {
        if let kiln_options::Value::Text(text) = &given.value {
            values.insert(Arc::from(given.option.name), text.clone());
        }
    }
    values
}

/// Variables with values; those without one take the caller's, if there is one.
pub(crate) fn environment<K: Ord + From<Arc<str>>, V: From<Arc<str>>>(
    settings: Vec<EnvSetting>,
    caller: &BTreeMap<String, String>,
) -> BTreeMap<K, V> {
    let value = |setting: &EnvSetting| match &setting.value {
        Some(value) => Some(value.clone()),
        None => caller
            .get(&*setting.name)
            .map(|value| Arc::from(value.as_str())),
    };
    settings
        .into_iter()
        .filter_map(|setting| Some((K::from(setting.name.clone()), V::from(value(&setting)?))))
        .collect()
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
        package
            .target(name)
            .map_err(|e| Diag::internal(e.to_string()))
    };
    let mut constraints = vec![
        constraint("os", std::env::consts::OS)?,
        constraint("cpu", std::env::consts::ARCH)?,
    ];
    constraints.sort();
    Ok(constraints)
}

fn root_label(text: &str, mapping: &RepoMapping) -> Result<Label, String> {
    let root = PackageId::new(Repo::root(), RelPath::root());
    Label::parse(text, &root, mapping).map_err(|error| error.to_string())
}

/// A `--//pkg:flag=value`, its value read as the flag's type says.
async fn starlark_flag(
    flag: &StarlarkFlag,
    session: &Session,
    repos: &RepoOptions,
    mapping: &RepoMapping,
) -> Result<(Label, AttrValue), Diag> {
    let shown = format!("--{}", flag.label);
    let mut label = root_label(&flag.label, mapping).map_err(|e| usage(&e, &shown))?;
    // A flag may be named by an alias.
    for _ in 0..8 {
        let key = (TargetKey(label.clone()), repos.clone());
        let loaded = session.query::<LoadedTarget, _>(key).await;
        let loaded = loaded.map_err(|error| match error.span() {
            Some(_) => error,
            None => of_flag(&error, &shown),
        })?;
        let LoadedKind::Rule(def) = &loaded.kind else {
            break;
        };
        if let RuleKind::Builtin(kind) = &def.rule.kind {
            match (&**kind, def.attr("actual")) {
                ("alias", Some(AttrValue::Label(actual))) => {
                    label = actual.clone();
                    continue;
                }
                ("label_flag", _) => {
                    let text = flag.value.as_deref().unwrap_or_default();
                    let value = root_label(text, mapping).map_err(|e| usage(&e, &shown))?;
                    return Ok((label, AttrValue::Label(value)));
                }
                _ => {}
            }
        }
        let Some(setting) = def.rule.build_setting.filter(|setting| setting.flag) else {
            break;
        };
        let value = flag_value(setting.kind, flag.value.as_deref());
        return match value {
            Some(value) => Ok((label, value)),
            None => {
                let text = flag.value.as_deref().unwrap_or_default();
                let diag = usage(&format!("`{text}` is no {}", setting.kind), &shown);
                Err(diag.hint(match setting.kind {
                    AttrKind::Bool => format!("write `{shown}=true` or `{shown}=false`"),
                    AttrKind::Int => format!("write a number: `{shown}=1`"),
                    _ => format!("write a value: `{shown}=…`"),
                }))
            }
        };
    }
    Err(usage(&format!("`{label}` is no flag"), &shown)
        .hint("flags are targets such as `bool_flag` and `string_flag`"))
}

fn flag_value(kind: AttrKind, text: Option<&str>) -> Option<AttrValue> {
    match (kind, text) {
        (AttrKind::Bool, None) => Some(AttrValue::Bool(true)),
        (AttrKind::Bool, Some(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" => Some(AttrValue::Bool(true)),
            "false" | "0" | "no" => Some(AttrValue::Bool(false)),
            _ => None,
        },
        (AttrKind::Int, Some(text)) => text.parse().ok().map(AttrValue::Int),
        (AttrKind::String, Some(text)) => Some(AttrValue::string(text)),
        (AttrKind::StringList, Some(text)) => {
            let parts = text.split(',').filter(|part| !part.is_empty());
            Some(AttrValue::list(parts.map(AttrValue::string)))
        }
        _ => None,
    }
}
