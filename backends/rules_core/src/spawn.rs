//! Actions that run a program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_events::{ActionEvent, ActionSource, Event};
use kiln_process::{
    CacheScope, Declared, Description, ExecError, Exit, Keyed, Observer, Process, ProcessResult,
    Reads, Request, Source,
};
use kiln_rules::{RuleCx, Uses};
use kiln_store::Store;
use kiln_targets::{
    ActionKind, ActionTemplate, Arg, ArgList, Artifact, ArtifactKind, ArtifactSet, Tool,
};
use kiln_tree::{Node, Tree, TreeBuilder};

use crate::actions::{ActionOutputs, action_outputs};
use crate::artifacts::{RunfilesTree, SetTree, add, conflict};
use crate::command_line::command_line;
use crate::dependency_file;
use crate::failure;
use crate::keys::{RunfilesKey, SetKey};
use crate::narrow::Narrow;
use crate::outputs;
use crate::printed::printed;
use crate::race;
use crate::rewind::{self, Rewinder, first_lost};
use crate::services::{Elsewhere, Events, Workspace, WorkspaceStatus};
use crate::status;
use crate::tools::{Machine, MachineKey, Shell, Surroundings};
use crate::workspace_sources;

pub(crate) type Cx = RuleCx<action_outputs>;

/// Runs a `Spawn` action.
pub(crate) async fn run(cx: &Cx, template: &Arc<ActionTemplate>) -> Result<ActionOutputs, Diag> {
    // Told before its inputs are made, so that the total is known early.
    let events = cx.service::<Events>()?;
    events.0.emit(Event::ActionsPlanned(1));
    let describe = description(template);
    let mut rewinder = Rewinder::new();
    let (process, outputs) = loop {
        let process = process(cx, template).await?;
        let lost = match execute(cx, template, &process, &describe).await? {
            Executed::Done(result) if !result.exit.success() => {
                return Err(failure::of_action(cx, template, &process, &result).await);
            }
            Executed::Done(result) => {
                let outputs = outputs::outputs(template, &process, &result)?;
                // A result is only known with all that it names, but it does not name these.
                match first_lost(cx, &outputs.links).await? {
                    None => break (process, outputs.found),
                    Some(digest) => digest,
                }
            }
            Executed::Lost(digest) => digest,
        };
        let whose = format!("{} of `{}`", template.mnemonic, template.owner);
        let inputs = artifacts(template);
        rewinder.rewind(cx, &whose, inputs, lost).await?;
        if let ActionKind::Spawn { tools, .. } = &template.kind {
            for tool in tools.iter().filter(|tool| !tool.runfiles.is_empty()) {
                rewind::write_again(cx, &tool.runfiles).await?;
            }
        }
    };
    dependency_file::check(cx, template, &process, &outputs).await?;
    Ok(ActionOutputs(outputs))
}

/// All artifacts that an action has as inputs, its tools and their runfiles included.
fn artifacts(template: &ActionTemplate) -> Vec<Artifact> {
    let ActionKind::Spawn { inputs, tools, .. } = &template.kind else {
        return Vec::new();
    };
    let mut artifacts = inputs.to_list();
    for tool in tools.iter() {
        artifacts.push(tool.executable.clone());
        artifacts.extend(rewind::runfiles(&tool.runfiles));
    }
    artifacts
}

fn description(template: &ActionTemplate) -> Description {
    let output = template.outputs.first().map_or("", Artifact::exec_path);
    let progress = match &template.progress {
        Some(text) => text.to_string(),
        None => format!("{} {output}", template.mnemonic),
    };
    Description {
        label: template.owner.to_string(),
        mnemonic: template.mnemonic.to_string(),
        progress,
    }
}

/// Puts the process together: inputs, tools with their runfiles, param files, environment.
async fn process(cx: &Cx, template: &ActionTemplate) -> Result<Process, Diag> {
    let ActionKind::Spawn {
        arguments,
        inputs,
        tools,
        env,
        default_shell_env,
        requirements,
        ..
    } = &template.kind
    else {
        return Err(Diag::internal("not an action that runs a program"));
    };
    let mut tree = cx
        .get::<SetTree, _>((SetKey(inputs.clone()),))
        .await?
        .0
        .clone();
    for tool in tools.iter() {
        tree = tree.merge(&tool_tree(cx, tool).await?).map_err(conflict)?;
    }
    let store = cx.service::<Store>()?;
    let shell = shell(cx, template, arguments).await?;
    let (argv, files) = command_line(&store, template, arguments, &tree, &shell)?;
    for more in [files, output_folders(template)?] {
        tree = tree.merge(&more).map_err(conflict)?;
    }
    let settings = template.configuration.settings();
    let mut environment: BTreeMap<String, String> = BTreeMap::new();
    if *default_shell_env {
        let key = MachineKey::of(&template.configuration);
        let there = cx.get::<Surroundings, _>((key,)).await?;
        environment.insert("PATH".to_owned(), there.path.clone());
        environment.extend(there.variables.clone());
        for (name, value) in &settings.action_env {
            environment.insert(name.to_string(), value.to_string());
        }
    }
    environment.extend(
        env.iter()
            .map(|(name, value)| (name.to_string(), value.to_string())),
    );
    let machine = cx
        .get::<Machine, _>((MachineKey::of(&template.configuration),))
        .await?;
    let asked = cache_scope(requirements);
    let (identity, cache) = match workspace_sources::of(cx, template, &machine).await? {
        Some(sources) => workspace_sources::declared(&machine, &sources.digest, asked),
        None => (machine.identity.clone(), machine.cache_scope(asked)),
    };
    let paths = template
        .outputs
        .iter()
        .map(|output| RelPath::new(output.exec_path()));
    Ok(Process {
        argv,
        env: environment,
        workdir: RelPath::root(),
        inputs: tree,
        outputs: paths
            .collect::<Result<_, _>>()
            .map_err(|e| Diag::internal(e.to_string()))?,
        timeout: timeout(requirements),
        network: requirements.contains_key("requires-network"),
        platform: machine.platform(),
        environment: identity,
        cache,
    })
}

/// The shell of where an action runs, if it is asked for; it begins a command line then.
async fn shell(
    cx: &Cx,
    template: &ActionTemplate,
    arguments: &[ArgList],
) -> Result<Arc<str>, Diag> {
    let first = arguments.first().and_then(|list| list.items.first());
    if first != Some(&Arg::Shell) {
        return Ok(Arc::from(""));
    }
    let key = MachineKey::of(&template.configuration);
    Ok(cx.get::<Shell, _>((key,)).await?.0.bash.clone())
}

/// Declared output folders are there when an action begins (PX-014, Bazel). They are inputs, so
/// that every worker makes them, wherever it runs: REAPI lets it make only the folders above.
fn output_folders(template: &ActionTemplate) -> Result<Tree, Diag> {
    let mut builder = TreeBuilder::new();
    for output in template.outputs.iter() {
        if output.kind() == ArtifactKind::Directory {
            add(&mut builder, output.exec_path(), Node::Dir(Tree::empty()))?;
        }
    }
    Ok(builder.build())
}

/// Where actions find programs, unless they say otherwise.
pub(crate) const DEFAULT_PATH: &str =
    "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

fn timeout(requirements: &BTreeMap<Arc<str>, Arc<str>>) -> Option<Duration> {
    requirements
        .get("timeout")?
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// What tags and execution requirements say about caching (Bazel: `no-cache`, `no-remote-cache`,
/// `external`).
pub(crate) fn cache_scope(requirements: &BTreeMap<Arc<str>, Arc<str>>) -> CacheScope {
    let has = |name| requirements.contains_key(name);
    if has("no-cache") || has("external") {
        CacheScope::Session
    } else if has("no-remote") || has("no-remote-cache") || has("local") {
        CacheScope::LocalSuccessful
    } else {
        CacheScope::Successful
    }
}

async fn tool_tree(cx: &Cx, tool: &Tool) -> Result<Tree, Diag> {
    let own = cx
        .get::<SetTree, _>((SetKey(ArtifactSet::of([tool.executable.clone()])),))
        .await?;
    if tool.runfiles.is_empty() {
        return Ok(own.0.clone());
    }
    let runfiles = cx
        .get::<RunfilesTree, _>((RunfilesKey::new(tool.runfiles.clone()),))
        .await?;
    let mut builder = TreeBuilder::new();
    let path = format!("{}.runfiles", tool.executable.exec_path());
    add(&mut builder, &path, Node::Dir(runfiles.0.clone()))?;
    own.0.merge(&builder.build()).map_err(conflict)
}

/// The inputs that a list of arguments names, for lists that are only written to a file.
pub(crate) async fn tree_of_arguments(cx: &Cx, list: &ArgList) -> Result<Tree, Diag> {
    let mut tree = Tree::empty();
    for item in &list.items {
        if let Arg::Set(set) = item
            && set.expand_directories
        {
            let folders = set.members.to_list().into_iter();
            let folders = folders.filter(|artifact| artifact.kind() == ArtifactKind::Directory);
            let folders = ArtifactSet::of(folders);
            let below = cx.get::<SetTree, _>((SetKey(folders),)).await?;
            tree = tree.merge(&below.0).map_err(conflict)?;
        }
    }
    Ok(tree)
}

/// Tells the world when the process really starts.
struct Progress<'a> {
    events: &'a Events,
    event: ActionEvent,
    started: AtomicBool,
}

impl Observer for Progress<'_> {
    fn started(&self) {
        self.started.store(true, Ordering::Relaxed);
        self.events.0.emit(Event::ActionStarted(self.event.clone()));
    }
}

/// What came of running a process.
enum Executed {
    Done(ProcessResult),
    /// Nothing: this blob of its inputs is gone.
    Lost(Digest),
}

/// Runs the process, through whatever executors and caches the engine was given.
async fn execute(
    cx: &Cx,
    template: &ActionTemplate,
    process: &Process,
    describe: &Description,
) -> Result<Executed, Diag> {
    let events = cx.service::<Events>()?;
    let machine = cx
        .get::<Machine, _>((MachineKey::of(&template.configuration),))
        .await?;
    let keyed = Keyed::of(process);
    let event = action_event(describe, keyed.digest);
    let progress = Progress {
        events: &events,
        event: event.clone(),
        started: AtomicBool::new(false),
    };
    let stamped = {
        let (store, known) = (cx.service::<Store>()?, cx.service::<WorkspaceStatus>()?);
        status::as_it_runs(&store, &known, process)?
    };
    let sources = workspace_sources::of(cx, template, &machine).await?;
    let reads: Vec<RelPath> = dependency_file::path(template).into_iter().collect();
    let request = Request {
        process: stamped.as_ref().unwrap_or(process),
        environment: &machine.environment,
        action: keyed.digest,
        describe,
        slots: slots(template),
        exclusive: false,
        writable: false,
        optional_outputs: false,
        declared: sources.as_deref().map(|sources| sources as &dyn Declared),
        reads: Reads::OfRun(&reads),
        observer: &progress,
    };
    let store = cx.service::<Store>()?;
    let mut narrow = Narrow::of(&store, template, process);
    let known = match &narrow {
        Some(narrow) => {
            let elsewhere = cx.service::<Elsewhere>()?;
            narrow.known(&*elsewhere.0, &keyed.digest).await
        }
        None => None,
    };
    let result = match known {
        Some(result) => Ok(result),
        None => {
            let raced = race::execute(cx, template, &machine, process, request).await;
            // What another environment made is not to be found under a key of this one.
            narrow = narrow.filter(|_| raced.1);
            raced.0
        }
    };
    if let Err(ExecError::MissingBlob(digest)) = &result {
        if progress.started.into_inner() {
            events.0.emit(Event::ActionDropped(event));
        }
        return Ok(Executed::Lost(*digest));
    }
    let (source, success, elapsed) = match &result {
        Ok(result) => (
            action_source(result.source),
            result.exit.success(),
            result.elapsed,
        ),
        Err(_) => (ActionSource::Executed, false, Duration::ZERO),
    };
    events.0.emit(Event::ActionFinished {
        action: event.clone(),
        source,
        success,
        elapsed,
    });
    let result = result.map_err(|error| around(error, template))?;
    if let Some(narrow) = narrow {
        // What cannot be kept costs time in a later run and nothing else.
        if let Err(error) = narrow.learn(&result) {
            events.0.emit(Event::Diagnostic(error.into_warning()));
        }
    }
    if success && result.source == Source::Ran {
        tell_output(cx, &events, event, &result)?;
        tell_kept(cx, describe, &result)?;
        if let Some(said) = workspace_sources::unlisted(&template.owner, &result) {
            let said = failure::placed(cx, &template.owner, said).await;
            cx.service::<Events>()?
                .0
                .emit(Event::Diagnostic(said.into_warning()));
        }
    }
    Ok(Executed::Done(result))
}

/// Where the sandbox of a process is, if it was kept.
pub(crate) fn tell_kept<R>(
    cx: &RuleCx<R>,
    describe: &Description,
    result: &ProcessResult,
) -> Result<(), Diag>
where
    R: Uses<Events> + Uses<Workspace>,
{
    if let Some(sandbox) = &result.sandbox {
        let (label, mnemonic) = (&describe.label, &describe.mnemonic);
        let text = format!("{mnemonic} of {label}: {}", failure::kept(cx, sandbox));
        cx.service::<Events>()?.0.emit(Event::Note(text));
    }
    Ok(())
}

/// What a process that succeeded had to say: a compiler's warnings.
fn tell_output(
    cx: &Cx,
    events: &Events,
    action: ActionEvent,
    result: &ProcessResult,
) -> Result<(), Diag> {
    let store = cx.service::<Store>()?;
    let mut bytes = Vec::new();
    for digest in [&result.stdout, &result.stderr] {
        if digest.size() > 0 {
            bytes.extend(printed(&store, digest)?);
        }
    }
    if !bytes.is_empty() {
        events.0.emit(Event::ActionOutput { action, bytes });
    }
    Ok(())
}

/// An action as events name it.
pub(crate) fn action_event(describe: &Description, digest: Digest) -> ActionEvent {
    ActionEvent {
        label: describe.label.clone(),
        mnemonic: describe.mnemonic.clone(),
        progress: describe.progress.clone(),
        digest,
        command: None,
    }
}

/// Where a result comes from, as events say it.
pub(crate) fn action_source(source: Source) -> ActionSource {
    match source {
        Source::Ran => ActionSource::Executed,
        Source::LocalCache => ActionSource::LocalCache,
        Source::RemoteCache => ActionSource::RemoteCache,
    }
}

/// `cpu:N` among the requirements.
fn slots(template: &ActionTemplate) -> u32 {
    let ActionKind::Spawn { requirements, .. } = &template.kind else {
        return 1;
    };
    let cpus = requirements
        .keys()
        .filter_map(|name| name.strip_prefix("cpu:")?.parse().ok());
    cpus.max().unwrap_or(1)
}

/// Something went wrong around the process.
fn around(error: ExecError, template: &ActionTemplate) -> Diag {
    let note = format!(
        "while running {} of `{}`",
        template.mnemonic, template.owner
    );
    match error {
        ExecError::MissingBlob(_) => Diag::internal(error.to_string()).note(note),
        ExecError::Unavailable(diag) | ExecError::Failed(diag) => diag.note(note),
    }
}

/// What a result's exit says, for messages: "exit code 1", "signal 11".
pub(crate) fn exit_text(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::TimedOut => "a timeout".to_owned(),
        Exit::Limit(limit) => format!("used more than {limit}"),
    }
}
