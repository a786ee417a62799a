//! Tools found on this machine: a typed rule, so that what was found is part of every key that
//! depends on it.

mod around;
mod elsewhere;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use kiln_base::{Digest, Fingerprint};
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_process::{CacheScope, Environment};
use kiln_rules::{Param, Product, RuleCx, RuleDef, rule, rules};
use kiln_store::Store;
use kiln_targets::{CcTools, Configuration, PythonTools, ShellTools};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::environments::{Chosen, EnvironmentKey, EnvironmentTarget};
use crate::services::{Events, Execution};
use crate::spawn::DEFAULT_PATH;
use around::surroundings;
pub use around::{SearchPath, Surroundings};

/// A machine that runs actions, by the name of its environment ([`Settings::environment`]).
///
/// [`Settings::environment`]: kiln_targets::Settings::environment
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct MachineKey(pub Arc<str>);
impl Param for MachineKey {}

impl MachineKey {
    /// The one that runs the actions of a configuration.
    pub fn of(configuration: &Configuration) -> MachineKey {
        MachineKey(configuration.settings().environment.clone())
    }
}

/// The C and C++ compiler, if there is one.
#[derive(Debug, PartialEq, Eq)]
pub struct Cc(pub Option<CcTools>);
impl Product for Cc {}

/// The Python interpreter, if there is one.
#[derive(Debug, PartialEq, Eq)]
pub struct Python(pub Option<PythonTools>);
impl Product for Python {}

/// The shell.
#[derive(Debug, PartialEq, Eq)]
pub struct Shell(pub ShellTools);
impl Product for Shell {}

/// Where actions of a configuration run, and what that is.
#[derive(Debug, PartialEq, Eq)]
pub struct Machine {
    /// Whom to ask.
    pub environment: Environment,
    /// Its identity (R17): it goes into every action's key.
    pub identity: Arc<[u8]>,
    /// The name of its environment, for people.
    pub name: Arc<str>,
    /// What its actions may race with.
    pub rival: Option<Rival>,
}
impl Product for Machine {}

/// A machine that does what another one may do as well (`race_with`).
#[derive(Debug, PartialEq, Eq)]
pub struct Rival {
    /// The name of its environment, for people.
    pub name: Arc<str>,
    /// Whom to ask.
    pub environment: Environment,
    /// Its identity: it goes into the keys of what it is asked.
    pub identity: Arc<[u8]>,
}

/// The platform properties of what runs there (ENV-120, ENV-121).
pub(crate) fn properties(environment: &Environment) -> BTreeMap<String, String> {
    match environment {
        Environment::Remote(remote) => {
            let pairs = remote.properties.iter();
            pairs.map(|(k, v)| (k.to_string(), v.to_string())).collect()
        }
        _ => BTreeMap::new(),
    }
}

impl Machine {
    /// Whether it is this one.
    pub fn is_here(&self) -> bool {
        matches!(
            self.environment,
            Environment::Local | Environment::Workspace
        )
    }

    /// How results of what runs there may be used again, at most: what a process in the workspace
    /// reads nobody knows, so that its result holds for one command (ENV-133).
    pub fn cache_scope(&self, asked: CacheScope) -> CacheScope {
        match self.environment {
            Environment::Workspace => CacheScope::Session,
            _ => asked,
        }
    }

    /// The platform properties of what runs there (ENV-120, ENV-121).
    pub fn platform(&self) -> BTreeMap<String, String> {
        properties(&self.environment)
    }
}

/// Looks for a compiler. It is asked several things, so only who needs one waits for it.
#[rule(uses(Store, Execution))]
pub async fn cc(cx: &RuleCx, key: Arc<MachineKey>) -> Result<Cc, Diag> {
    let machine = get!(Machine, (*key).clone() => MachineKey).await?;
    let there = get!(Surroundings, (*key).clone() => MachineKey).await?;
    if !machine.is_here() {
        return Ok(Cc(elsewhere::cc(cx, &machine, &there.cc).await?));
    }
    const NAMES: [&str; 12] = [
        "gcc", "g++", "clang", "clang++", "cc", "c++", "ar", "strip", "objcopy", "ld.lld",
        "ld.gold", "as",
    ];
    let store = cx.service::<Store>()?;
    let found = cx.cpu(move || remembered(&store, "cc", &NAMES, &there.cc, find_cc));
    Ok(Cc(found.await??))
}

/// Looks for a Python interpreter.
#[rule(uses(Store, Execution))]
pub async fn python(cx: &RuleCx, key: Arc<MachineKey>) -> Result<Python, Diag> {
    let machine = get!(Machine, (*key).clone() => MachineKey).await?;
    let there = get!(Surroundings, (*key).clone() => MachineKey).await?;
    if !machine.is_here() {
        return Ok(Python(
            elsewhere::python(cx, &machine, &there.python).await?,
        ));
    }
    let store = cx.service::<Store>()?;
    let found =
        cx.cpu(move || remembered(&store, "python", &["python3"], &there.python, find_python));
    Ok(Python(found.await??))
}

/// Looks for the shell.
#[rule(uses(Store, Execution))]
pub async fn shell(cx: &RuleCx, key: Arc<MachineKey>) -> Result<Shell, Diag> {
    let machine = get!(Machine, (*key).clone() => MachineKey).await?;
    let there = get!(Surroundings, (*key).clone() => MachineKey).await?;
    if !machine.is_here() {
        return Ok(Shell(elsewhere::shell(cx, &machine, &there.shell).await?));
    }
    Ok(Shell(find_shell(&there.shell)))
}

/// What actions depend on beside their inputs. Of a container it is the image, by its id (ENV-091);
/// of remote workers what is asked of them (ENV-120).
#[rule(uses(Execution, Events), gets(EnvironmentKey -> Chosen))]
pub async fn machine(cx: &RuleCx, key: Arc<MachineKey>) -> Result<Machine, Diag> {
    let execution = cx.service::<Execution>()?;
    let (environment, target, rival) = match &*key.0 {
        "" => (Environment::Local, None, None),
        _ => {
            let chosen = get!(Chosen, EnvironmentKey(key.0.clone())).await?;
            (
                chosen.environment.clone(),
                chosen.target.clone(),
                chosen.rival.clone(),
            )
        }
    };
    let identity = identity_of(&execution, &environment).await;
    let identity = identity.map_err(|error| match &target {
        Some(target) => unusable(error, &key.0, target),
        None => error,
    })?;
    let rival = match rival {
        Some((name, environment)) => match identity_of(&execution, &environment).await {
            Ok(identity) => Some(Rival {
                name,
                environment,
                identity,
            }),
            // Without a rival there is no race, and the build is none the worse.
            Err(error) => {
                let note = format!("`{name}` takes no part in races with `{}`", key.0);
                let warning = error.note(note).into_warning();
                cx.service::<Events>()?.0.emit(Event::Diagnostic(warning));
                None
            }
        },
        None => None,
    };
    Ok(Machine {
        environment,
        identity,
        name: key.0.clone(),
        rival,
    })
}

/// What decides there what a process does, besides its inputs.
async fn identity_of(execution: &Execution, environment: &Environment) -> Result<Arc<[u8]>, Diag> {
    if *environment == Environment::Local {
        return Ok(local(execution.isolation));
    }
    let text = execution.identify.identity(environment).await?;
    if *environment == Environment::Workspace {
        // This machine, less isolated.
        return Ok(local(&text));
    }
    let mut builder = Fingerprint::build("environment");
    Ok(Arc::from(&builder.text(&text).finish().bytes()[..]))
}

/// Who asked for what cannot be had, and where it can be changed (ENV-105).
fn unusable(error: Diag, name: &str, target: &EnvironmentTarget) -> Diag {
    let label = &target.label;
    let error = error.note_at(
        format!("environment `{name}` is `{label}`"),
        target.span.clone(),
    );
    match &target.fallback {
        Some(fallback) => error.note(format!("its fallback is `{fallback}`")),
        None => error.note("it has no `fallback_environment`"),
    }
}

/// What programs told of themselves is remembered in the store, under a key of the files found: a
/// start on an unchanged machine runs none of them.
fn remembered<T: Serialize + DeserializeOwned>(
    store: &Store,
    kind: &str,
    names: &[&str],
    search: &SearchPath,
    find: fn(&SearchPath) -> Option<T>,
) -> Result<Option<T>, Diag> {
    let key = found_key(kind, names, search);
    let known = store.get_action(&key);
    let known = known.and_then(|bytes| serde_json::from_slice::<Option<T>>(&bytes).ok());
    if let Some(tools) = known {
        return Ok(tools);
    }
    let tools = find(search);
    if let Ok(bytes) = serde_json::to_vec(&tools) {
        store.put_action(&key, &bytes, &[])?;
    }
    Ok(tools)
}

/// The identity of what is found in its folders, without running or reading it.
///
/// | fact | why |
/// | --- | --- |
/// | kind | what is looked for |
/// | paths in order of preference, links followed | which program is chosen |
/// | size, mtime, inode | whether it is the one that was asked |
/// | version of this detection | what it asks |
fn found_key(kind: &str, names: &[&str], search: &SearchPath) -> Digest {
    let mut text = format!("machine tools, detection 5, {kind}, {search:?}");
    for name in names {
        let Some(path) = search.companion(name) else {
            continue;
        };
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        if let Ok(meta) = std::fs::metadata(&real) {
            let (size, inode) = (meta.size(), meta.ino());
            let mtime = format!("{}.{}", meta.mtime(), meta.mtime_nsec());
            text.push_str(&format!(
                "\n{} {} {size} {mtime} {inode}",
                path.display(),
                real.display()
            ));
        }
    }
    Digest::of(text.as_bytes())
}

/// Operating system, instruction set, the C library that system programs are linked with, and what
/// actions are not isolated from.
fn local(isolation: &str) -> Arc<[u8]> {
    let mut builder = Fingerprint::build("environment");
    builder
        .text(std::env::consts::OS)
        .text(std::env::consts::ARCH);
    builder.text(&std::fs::read_to_string("/etc/os-release").unwrap_or_default());
    for name in ["libc.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"] {
        for folder in [
            "/lib",
            "/lib64",
            "/usr/lib",
            "/lib/x86_64-linux-gnu",
            "/lib/aarch64-linux-gnu",
        ] {
            if let Ok(meta) = std::fs::metadata(Path::new(folder).join(name)) {
                builder.text(folder).text(name).number(meta.len());
            }
        }
    }
    if !isolation.is_empty() {
        builder.text(isolation);
    }
    Arc::from(&builder.finish().bytes()[..])
}

fn find_shell(search: &SearchPath) -> ShellTools {
    match search.tool("bash") {
        Some(path) => ShellTools { bash: text(&path) },
        None => ShellTools::default(),
    }
}

impl SearchPath {
    /// The first program of that name.
    fn tool(&self, name: &str) -> Option<PathBuf> {
        first(&self.folders, name)
    }

    /// The first program of that name among those that belong to a tool.
    fn companion(&self, name: &str) -> Option<PathBuf> {
        first(&self.companions, name)
    }
}

fn first(folders: &[String], name: &str) -> Option<PathBuf> {
    let mut paths = folders.iter().map(|folder| Path::new(folder).join(name));
    paths.find(|path| path.is_file())
}

fn text(path: &Path) -> Arc<str> {
    Arc::from(path.to_string_lossy())
}

/// What a program prints (standard output, then standard error), if it succeeds.
fn output(program: &Path, arguments: &[&str]) -> Option<String> {
    run(program, arguments).and_then(|(success, text)| success.then_some(text))
}

/// Whether a program succeeds, and what it prints; `None` if it cannot be run.
fn run(program: &Path, arguments: &[&str]) -> Option<(bool, String)> {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("PATH", DEFAULT_PATH)
        .env("LC_ALL", "C");
    let output = command.stdin(Stdio::null()).output().ok()?;
    let all = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&all).into_owned();
    Some((output.status.success(), text))
}

fn first_line(text: &str) -> Arc<str> {
    Arc::from(text.lines().next().unwrap_or_default().trim())
}

/// The identity of a program: its bytes.
fn identity(path: &Path) -> Arc<str> {
    match std::fs::read(path) {
        Ok(bytes) => Arc::from(Digest::of(&bytes).to_string()),
        Err(_) => Arc::from(""),
    }
}

fn find_python(search: &SearchPath) -> Option<PythonTools> {
    let interpreter = search.tool("python3")?;
    let version = output(&interpreter, &["--version"])?;
    Some(PythonTools {
        version: Arc::from(first_line(&version).trim_start_matches("Python ")),
        fingerprint: identity(&interpreter),
        interpreter: text(&interpreter),
    })
}

fn find_cc(search: &SearchPath) -> Option<CcTools> {
    let cc = ["gcc", "clang", "cc"]
        .iter()
        .find_map(|name| search.tool(name))?;
    let version = output(&cc, &["--version"])?;
    let clang = version.contains("clang");
    let name = cc.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let cxx = match name {
        "gcc" => search.tool("g++"),
        "clang" => search.tool("clang++"),
        _ => search.tool("c++"),
    };
    let cxx = cxx.unwrap_or_else(|| cc.clone());
    let target = output(&cc, &["-dumpmachine"])?;
    let linker = linker(&cc, search);
    let links = linker.and_then(|name| search.companion(&format!("ld.{name}")));
    let links = links.map(|path| identity(&path)).unwrap_or_default();
    let fingerprint = format!("{} {} {links}", identity(&cc), identity(&cxx));
    Some(CcTools {
        compiler: Arc::from(if clang { "clang" } else { "gcc" }),
        cc: text(&cc),
        ar: text(&search.companion("ar")?),
        strip: search.companion("strip").map(|path| text(&path)),
        objcopy: search.companion("objcopy").map(|path| text(&path)),
        version: first_line(&version),
        target: first_line(&target),
        include_dirs: include_dirs(&cxx),
        supported_flags: supported_flags(&cc),
        linker: linker.map(Arc::from),
        fingerprint: Arc::from(fingerprint),
        cxx: text(&cxx),
    })
}

/// The value of `-fuse-ld` that Bazel would take: a linker that is much faster than the usual one.
fn linker(cc: &Path, search: &SearchPath) -> Option<&'static str> {
    ["lld", "gold"].into_iter().find(|name| {
        let chosen = format!("-fuse-ld={name}");
        let libraries = ["-Wl,--start-lib", "-Wl,--end-lib"];
        let nothing = [
            "-shared",
            "-nostdlib",
            "-xc",
            "/dev/null",
            "-o",
            "/dev/null",
        ];
        let arguments = [&[&*chosen][..], &libraries, &nothing].concat();
        search.companion(&format!("ld.{name}")).is_some() && output(cc, &arguments).is_some()
    })
}

/// The folders that the compiler itself searches for headers.
fn include_dirs(cxx: &Path) -> Vec<Arc<str>> {
    let text = output(cxx, &["-E", "-xc++", "-v", "/dev/null"]);
    let folders = searched(text.as_deref().unwrap_or_default());
    let real = folders.map(|line| match Path::new(line).canonicalize() {
        Ok(path) => self::text(&path),
        Err(_) => Arc::from(line),
    });
    real.collect()
}

/// The folders in what a compiler says when it is asked to be verbose.
fn searched(text: &str) -> impl Iterator<Item = &str> {
    let start = "#include <...> search starts here:";
    let list = text.split_once(start).map_or("", |(_, list)| list);
    let list = list.split("End of search list.").next().unwrap_or(list);
    list.lines()
        .map(str::trim)
        .filter(|line| line.starts_with('/'))
}

/// Which of the optional flags the compiler takes. It is asked once for all of them, and names
/// those that it does not know.
fn supported_flags(cc: &Path) -> Vec<Arc<str>> {
    let mut arguments = FLAGS.to_vec();
    arguments.extend(["-E", "-xc", "/dev/null"]);
    // An unknown warning is an error or a complaint, as the compiler likes.
    match run(cc, &arguments) {
        Some((success, complaints)) => taken(success, &complaints),
        None => Vec::new(),
    }
}

/// The optional flags.
const FLAGS: [&str; 6] = [
    "-Wno-free-nonheap-object",
    "-Wself-assign",
    "-Wthread-safety",
    "-Wunused-but-set-parameter",
    "-fno-canonical-system-headers",
    "-no-canonical-prefixes",
];

/// Those that a compiler which was given all of them did not complain about.
fn taken(success: bool, complaints: &str) -> Vec<Arc<str>> {
    let unknown = |flag: &&&str| complaints.contains(**flag);
    if !success && !FLAGS.iter().any(|flag| unknown(&flag)) {
        // It failed for another reason, and says nothing about flags.
        return Vec::new();
    }
    FLAGS
        .iter()
        .filter(|flag| !unknown(flag))
        .map(|flag| Arc::from(*flag))
        .collect()
}

/// The rules of this module.
pub fn rules() -> Vec<&'static RuleDef> {
    rules![cc, python, shell, machine, surroundings]
}
