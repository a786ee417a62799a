//! What every command starts from.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kiln_address::{PackageId, Repo};
use kiln_base::RelPath;
use kiln_build::LoaderOptions;
use kiln_diag::Diag;
use kiln_events::EventSink;
use kiln_exec_local::{Keep, Limits as ActionLimits, ProcessLimit, Sandbox, ZygoteServer};
use kiln_host::Limits;
use kiln_options::{HostResources, Kind, OPTIONS, Options, Origin, Request, Value};
use kiln_rules_core::environments::{Aware, EnvironmentOptions, NamedEnvironment, OptionValue};
use kiln_rules_core::keys::RepoOptions;
use kiln_rules_core::race::RaceMode;
use kiln_rules_core::services::WorkspaceStatus;

use crate::command::{remote, status};
use crate::engine::{Made, Setup, cache_folder, make};
use crate::show::Show;

/// The command line, the workspace and the machine.
pub(crate) struct Context {
    pub(crate) options: Options,
    /// `None` outside of a workspace.
    pub(crate) workspace: Option<kiln_fs::Workspace>,
    /// The caller's environment; names and values that are not UTF-8 are left out.
    pub(crate) environment: BTreeMap<String, String>,
    /// Of variables that are left out.
    pub(crate) warnings: Vec<Diag>,
    pub(crate) zygotes: Arc<ZygoteServer>,
}

impl Context {
    /// Reads the command line and the rc files.
    pub(crate) fn load(zygotes: Arc<ZygoteServer>) -> Result<Context, Diag> {
        let arguments = std::env::args_os().skip(1).map(|argument| {
            argument.into_string().map_err(|argument| {
                Diag::usage(format!(
                    "argument `{}` is not UTF-8",
                    argument.to_string_lossy()
                ))
            })
        });
        let arguments = arguments.collect::<Result<Vec<String>, Diag>>()?;
        let (environment, warnings) = variables();
        let cwd = std::env::current_dir()
            .map_err(|e| Diag::environment(format!("there is no current folder: {e}")))?;
        let workspace = kiln_fs::Workspace::find(&cwd).ok();
        let request = Request {
            args: &arguments,
            workspace: workspace.as_ref().map(|workspace| &*workspace.root),
            cwd: &cwd,
            home: environment.get("HOME").map(Path::new),
            variables: &environment,
            os: std::env::consts::OS,
        };
        let options = Options::load(&request, &RcFromDisk)?;
        right_version(&options)?;
        Ok(Context {
            options,
            workspace,
            environment,
            warnings,
            zygotes,
        })
    }

    /// The workspace; an error with a cure outside of one.
    pub(crate) fn workspace(&self) -> Result<&kiln_fs::Workspace, Diag> {
        match &self.workspace {
            Some(workspace) => Ok(workspace),
            None => {
                let cwd = std::env::current_dir().unwrap_or_default();
                match kiln_fs::Workspace::find(&cwd) {
                    Err(error) => Err(error),
                    Ok(_) => Err(Diag::environment("the workspace just appeared; try again")),
                }
            }
        }
    }

    /// The user's cache folder.
    pub(crate) fn cache(&self) -> Result<PathBuf, Diag> {
        cache_folder(self.options.cache_dir(), &self.environment)
    }

    /// Where repositories are looked for.
    ///
    /// Errors: a name of `--deleted_packages` that can be none of a package.
    pub(crate) fn repo_options(&self) -> Result<RepoOptions, Diag> {
        let modules = self.options.override_modules().into_iter();
        let overrides = modules.chain(self.options.override_repositories());
        let deleted = self.options.deleted_packages();
        let deleted = deleted.iter().map(|name| package(name));
        Ok(RepoOptions {
            vendor_dir: self.options.vendor_dir(),
            overrides: overrides
                .map(|(name, path)| (name.to_string(), path))
                .collect(),
            extra_toolchains: texts(self.options.extra_toolchains()),
            extra_platforms: texts(self.options.extra_execution_platforms()),
            deleted_packages: deleted.collect::<Result<_, _>>()?,
            ignore_visibility: !self.options.check_visibility(),
        })
    }

    /// What is configured about environments.
    pub(crate) fn environments(&self) -> EnvironmentOptions {
        let names = self.options.environment_names().iter();
        let names = names.map(|(name, (target, origin))| {
            let named = NamedEnvironment {
                target: target.to_string(),
                origin: match origin {
                    Origin::CommandLine => "the command line".to_owned(),
                    file => file.to_string(),
                },
                span: match origin {
                    Origin::File(span) => Some(span.clone()),
                    _ => None,
                },
            };
            (name.clone(), named)
        });
        EnvironmentOptions {
            names: names.collect(),
            no_docker: match self.options.docker_execution() {
                true => None,
                false => Some("containers are off: there is `--nodocker_execution`"),
            },
            no_remote: match self
                .options
                .remote_executor()
                .filter(|text| !text.is_empty())
            {
                Some(_) => None,
                None => Some("remote execution is off: there is no `--remote_executor`"),
            },
            aware: self
                .options
                .aware_values()
                .filter_map(|(name, values)| Some((Aware::named(name)?, values.into())))
                .collect(),
            ..EnvironmentOptions::default()
        }
    }

    /// How many processes run at a time.
    pub(crate) fn jobs(&self) -> u32 {
        let jobs = self.options.jobs(host());
        u32::try_from(jobs).unwrap_or(u32::MAX).max(1)
    }

    /// What evaluating one file may use.
    fn limits(&self) -> Limits {
        let steps = self.options.max_computation_steps();
        Limits {
            ticks: match u64::try_from(steps) {
                Ok(0) | Err(_) => u64::MAX,
                Ok(steps) => steps,
            },
            ..Limits::default()
        }
    }

    /// How many tests run at a time; `None`: as many as processes.
    fn test_jobs(&self) -> Option<u32> {
        // Lines of several tests could not be told apart (Bazel).
        if self.options.test_output() == "streamed" {
            return Some(1);
        }
        let jobs = self.options.local_test_jobs(host())?;
        Some(u32::try_from(jobs).unwrap_or(u32::MAX))
    }

    /// What actions run in.
    pub(crate) fn sandbox(&self) -> Sandbox {
        match self.options.sandbox() {
            "required" => Sandbox::Require,
            "landlock" => Sandbox::Landlock,
            "off" => Sandbox::Off,
            _ => Sandbox::Auto,
        }
    }

    /// What one action may use.
    pub(crate) fn action_limits(&self) -> ActionLimits {
        let memory = self.options.sandbox_memory_limit_mb(host());
        ActionLimits {
            memory: memory.map(|mib| mib.saturating_mul(1 << 20)),
            processes: match self.options.sandbox_process_limit() {
                None => ProcessLimit::Many,
                Some(0) => ProcessLimit::Unlimited,
                Some(number) => ProcessLimit::AtMost(number),
            },
        }
    }

    /// Puts an engine together that answers questions.
    pub(crate) fn engine(&self, events: Arc<dyn EventSink>) -> Result<Made, Vec<Diag>> {
        self.engine_with(events, WorkspaceStatus::unstamped())
    }

    /// Puts an engine together that builds.
    pub(crate) async fn builder(&self, show: &Show) -> Result<Made, Vec<Diag>> {
        let status = status::known(self, show).await;
        self.engine_with(show.sink(), status.map_err(|error| vec![error])?)
    }

    fn engine_with(
        &self,
        events: Arc<dyn EventSink>,
        status: WorkspaceStatus,
    ) -> Result<Made, Vec<Diag>> {
        let one = |error: Diag| vec![error];
        let setup = Setup {
            workspace: self.workspace().map_err(one)?.root.clone(),
            cache: self.cache().map_err(one)?,
            jobs: self.jobs(),
            test_jobs: self.test_jobs(),
            sandbox: self.sandbox(),
            keep: match self.options.keep_sandboxes() {
                "always" => Keep::Always,
                "on-failure" => Keep::OnFailure,
                _ => Keep::Never,
            },
            limits: self.limits(),
            loading: LoaderOptions {
                allow_empty_glob: !self.options.incompatible_disallow_empty_glob(),
            },
            action_limits: self.action_limits(),
            remote: remote::cache(&self.options, &self.environment).map_err(one)?,
            download: remote::download(&self.options),
            download_at_once: Arc::new(remote::at_once(&self.options).map_err(one)?),
            named_environments: !self.options.environment_names().is_empty(),
            workers: remote::workers(&self.options, &self.environment).map_err(one)?,
            race: match self.options.race() {
                "off" => RaceMode::Off,
                "compare" => RaceMode::Compare,
                _ => RaceMode::On,
            },
            status,
            explain: self.options.explain(),
            given: option_values(&self.options),
            events,
            environment: self.environment.clone(),
        };
        make(setup, self.zygotes.clone())
    }
}

/// A workspace may be for one version (OPT-054).
fn right_version(options: &Options) -> Result<(), Diag> {
    let own = env!("CARGO_PKG_VERSION");
    let given = options.given("kiln_version").next_back();
    match (options.kiln_version(), given) {
        (Some(wanted), Some(given)) if wanted != own => {
            let diag = Diag::usage(format!(
                "this is kiln {own}, and the workspace is for {wanted}"
            ));
            let diag = match &given.origin {
                Origin::File(span) => diag.at(span.clone()),
                origin => diag.note(format!("says {origin}")),
            };
            Err(diag.hint(format!(
                "install kiln {wanted}, or change `kiln_version` in `[GLOBAL]`"
            )))
        }
        _ => Ok(()),
    }
}

/// What options are set to, for environments that ask (`requires_option`).
fn option_values(options: &Options) -> BTreeMap<Arc<str>, OptionValue> {
    let asked = OPTIONS
        .iter()
        .filter(|option| !matches!(option.kind, Kind::Expansion(_)));
    let values = asked.map(|option| {
        let text = |value: &Value| match value {
            Value::Flag(value) => Arc::from(value.to_string()),
            Value::Int(value) => Arc::from(value.to_string()),
            Value::Text(text) => text.clone(),
        };
        let mut values: Vec<Arc<str>> =
            options.given(option.name).map(|g| text(&g.value)).collect();
        match (option.kind, values.pop()) {
            (Kind::List, last) => values.extend(last),
            (_, Some(last)) => values = vec![last],
            (_, None) => values.extend(
                Some(option.default)
                    .filter(|d| !d.is_empty())
                    .map(Arc::from),
            ),
        }
        let value = OptionValue {
            values,
            secret: option.secret,
        };
        (Arc::from(option.name), value)
    });
    values.collect()
}

fn texts(list: Vec<Arc<str>>) -> Vec<String> {
    list.iter().map(ToString::to_string).collect()
}

/// A package of `--deleted_packages`: `a/b`, `//a/b`, `@repo//a/b`.
fn package(name: &str) -> Result<PackageId, Diag> {
    let (repo, path) = match name.split_once("//") {
        Some((repo, path)) => (repo.trim_start_matches('@'), path),
        None => ("", name),
    };
    let path = RelPath::new(path).map_err(|error| {
        Diag::usage(format!(
            "`{name}` in `--deleted_packages` is no package: {error}"
        ))
    })?;
    Ok(PackageId::new(Repo::new(repo), path))
}

/// This machine.
fn host() -> HostResources {
    HostResources {
        cpus: std::thread::available_parallelism().map_or(1, usize::from),
        ram_mib: ram_mib(),
    }
}

/// Memory in MiB, as far as Linux says.
fn ram_mib() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(1 << 20) / 1024
}

/// The caller's variables, and a warning for each that is not UTF-8 (OPT-014). Its value is not
/// shown: it may be a secret.
fn variables() -> (BTreeMap<String, String>, Vec<Diag>) {
    let (mut kept, mut warnings) = (BTreeMap::new(), Vec::new());
    for (name, value) in std::env::vars_os() {
        match (name.to_str(), value.into_string()) {
            (Some(name), Ok(value)) => {
                kept.insert(name.to_owned(), value);
            }
            _ => {
                let name = name.to_string_lossy();
                let diag = Diag::usage(format!(
                    "the variable `{}` is left out: it is not UTF-8",
                    name.escape_debug()
                ));
                warnings.push(diag.into_warning());
            }
        }
    }
    (kept, warnings)
}

/// Reads rc files.
struct RcFromDisk;

impl kiln_options::RcFiles for RcFromDisk {
    fn read(&self, path: &Path) -> Result<Option<String>, Diag> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Diag::io("cannot read", path, &error)),
        }
    }
}
