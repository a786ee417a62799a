//! Actions that run a program.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_events::{ActionEvent, ActionSource, Event};
use kiln_process::{
    CacheScope, Description, ExecError, Exit, Keyed, Observer, Process, ProcessResult, Request,
    Source,
};
use kiln_rules::RuleCx;
use kiln_store::Store;
use kiln_targets::{
    ActionKind, ActionTemplate, Arg, ArgList, Artifact, ArtifactKind, ArtifactSet, Tool,
};
use kiln_tree::{Node, Tree, TreeBuilder};

use crate::actions::{ActionOutputs, action_outputs};
use crate::arguments::{Expanded, expand, param_file_text};
use crate::artifacts::{RunfilesTree, SetTree, add, conflict};
use crate::failure;
use crate::keys::{RunfilesKey, SetKey};
use crate::services::{Events, Execution, Workspace};
use crate::tools::Machine;

/// The longest command line that is not moved into param files, in bytes.
const MAX_COMMAND_LINE: usize = 128 * 1024;

type Cx = RuleCx<action_outputs>;

/// Runs a `Spawn` action.
pub(crate) async fn run(cx: &Cx, template: &Arc<ActionTemplate>) -> Result<ActionOutputs, Diag> {
    let process = process(cx, template).await?;
    let describe = description(template);
    let result = execute(cx, template, &process, &describe).await?;
    if !result.exit.success() {
        return Err(failure::of_action(cx, template, &process, &result).await);
    }
    let outputs = outputs(template, &result)?;
    check_dependency_file(cx, template, &process, &outputs)?;
    Ok(ActionOutputs(outputs))
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
    let (argv, files) = command_line(&store, template, arguments, &tree)?;
    if !files.is_empty() {
        tree = tree.merge(&files).map_err(conflict)?;
    }
    let settings = template.configuration.settings();
    let mut environment: BTreeMap<String, String> = BTreeMap::new();
    if *default_shell_env {
        environment.insert("PATH".to_owned(), DEFAULT_PATH.to_owned());
        for (name, value) in &settings.action_env {
            environment.insert(name.to_string(), value.to_string());
        }
    }
    environment.extend(
        env.iter()
            .map(|(name, value)| (name.to_string(), value.to_string())),
    );
    let machine = cx.get::<Machine, _>(()).await?;
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
        platform: BTreeMap::new(),
        environment: machine.1.clone(),
        cache: cache_scope(requirements),
    })
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

/// The command line, and the param files that go with it.
fn command_line(
    store: &Store,
    template: &ActionTemplate,
    lists: &[ArgList],
    inputs: &Tree,
) -> Result<(Vec<String>, Tree), Diag> {
    let expanded: Vec<Expanded> = lists.iter().map(|list| expand(list, inputs)).collect();
    let length: usize = expanded
        .iter()
        .flat_map(|list| &list.texts)
        .map(|t| t.len() + 1)
        .sum();
    let mut argv = Vec::new();
    let mut files = TreeBuilder::new();
    for (at, (list, expanded)) in lists.iter().zip(expanded).enumerate() {
        let wanted = list.param_file.as_ref();
        let wanted = wanted.filter(|file| file.always || length > MAX_COMMAND_LINE);
        let Some(file) = wanted else {
            argv.extend(expanded.texts);
            continue;
        };
        let base = template
            .outputs
            .first()
            .map_or("action", Artifact::exec_path);
        let path = format!("{base}-{at}.params");
        let (text, flags) = match file.format {
            kiln_targets::ParamFileFormat::FlagPerLine => {
                let (flags, others): (Vec<_>, Vec<_>) = expanded
                    .texts
                    .into_iter()
                    .partition(|text| text.starts_with("--"));
                (param_file_text(&flags, file.format), others)
            }
            format => (param_file_text(&expanded.texts, format), Vec::new()),
        };
        let digest = store.put_bytes(text.as_bytes())?;
        add(
            &mut files,
            &path,
            Node::File {
                digest,
                executable: false,
            },
        )?;
        argv.push(file.argument.replacen("%s", &path, 1));
        argv.extend(flags);
    }
    Ok((argv, files.build()))
}

/// Tells the world when the process really starts.
struct Progress<'a> {
    events: &'a Events,
    event: ActionEvent,
}

impl Observer for Progress<'_> {
    fn started(&self) {
        self.events.0.emit(Event::ActionStarted(self.event.clone()));
    }
}

/// Runs the process, through whatever executors and caches the engine was given.
async fn execute(
    cx: &Cx,
    template: &ActionTemplate,
    process: &Process,
    describe: &Description,
) -> Result<ProcessResult, Diag> {
    let executor = cx.service::<Execution>()?;
    let events = cx.service::<Events>()?;
    let keyed = Keyed::of(process);
    let event = action_event(describe, keyed.digest);
    let progress = Progress {
        events: &events,
        event: event.clone(),
    };
    let request = Request {
        process,
        action: keyed.digest,
        describe,
        slots: slots(template),
        exclusive: false,
        writable: false,
        observer: &progress,
    };
    let result = executor.0.execute(request).await;
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
    if success && result.source == Source::Ran {
        tell_output(cx, &events, event, &result)?;
    }
    Ok(result)
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
            bytes.extend(store.read(digest)?.unwrap_or_default());
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
        ExecError::MissingBlob(digest) => {
            Diag::environment(format!("blob {digest} is gone from the store")).note(note)
        }
        ExecError::Unavailable(diag) | ExecError::Failed(diag) => diag.note(note),
    }
}

/// The declared outputs in what the process left.
fn outputs(
    template: &ActionTemplate,
    result: &ProcessResult,
) -> Result<Vec<(Artifact, Node)>, Diag> {
    let mut found = Vec::with_capacity(template.outputs.len());
    for output in template.outputs.iter() {
        let path = RelPath::new(output.exec_path()).map_err(|e| Diag::internal(e.to_string()))?;
        let node = match result.outputs.get(&path) {
            Some(node) => node.clone(),
            None if output.kind() == ArtifactKind::Directory => Node::Dir(Tree::empty()),
            None => return Err(failure::missing_output(template, output)),
        };
        match (output.kind(), &node) {
            (ArtifactKind::File, Node::Dir(_)) | (ArtifactKind::Directory, Node::File { .. }) => {
                return Err(failure::wrong_output(template, output, &node));
            }
            _ => found.push((output.clone(), node)),
        }
    }
    Ok(found)
}

/// Every file that the compiler says it read must be an input, or lie outside of the tree of
/// inputs (system headers). In the sandbox nothing else can be read; where there is none, this
/// is what notices.
fn check_dependency_file(
    cx: &Cx,
    template: &ActionTemplate,
    process: &Process,
    outputs: &[(Artifact, Node)],
) -> Result<(), Diag> {
    let ActionKind::Spawn {
        dependency_file: Some(file),
        ..
    } = &template.kind
    else {
        return Ok(());
    };
    let node = outputs
        .iter()
        .find(|(output, _)| output == file)
        .map(|(_, node)| node);
    let Some(Node::File { digest, .. }) = node else {
        return Ok(());
    };
    let store = cx.service::<Store>()?;
    let Some(text) = store.read(digest)? else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&text);
    let workspace = cx.service::<Workspace>()?;
    for path in dependencies(&text) {
        let relative = match path.strip_prefix(&*workspace.root.to_string_lossy()) {
            Some(below) => below.trim_start_matches('/'),
            None if path.starts_with('/') => continue,
            None => path.as_str(),
        };
        let declared = RelPath::normalize(relative).ok();
        if declared.is_none_or(|path| process.inputs.get(&path).is_none()) {
            return Err(failure::undeclared_header(template, &path));
        }
    }
    Ok(())
}

/// The prerequisites in a make-style dependency file.
pub(crate) fn dependencies(text: &str) -> Vec<String> {
    let joined = text.replace("\\\n", " ");
    let Some((_, list)) = joined.split_once(": ") else {
        return Vec::new();
    };
    let list = list.split('\n').next().unwrap_or(list);
    let mut paths = Vec::new();
    let mut path = String::new();
    let mut chars = list.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek().is_some_and(|next| " #\\".contains(*next)) => {
                path.extend(chars.next());
            }
            '$' if chars.peek() == Some(&'$') => path.extend(chars.next()),
            c if c.is_whitespace() => {
                if !path.is_empty() {
                    paths.push(std::mem::take(&mut path));
                }
            }
            c => path.push(c),
        }
    }
    if !path.is_empty() {
        paths.push(path);
    }
    paths
}

/// What a result's exit says, for messages: "exit code 1", "signal 11".
pub(crate) fn exit_text(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exit code {code}"),
        Exit::Signal(signal) => format!("signal {signal}"),
        Exit::TimedOut => "a timeout".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::dependencies;

    #[test]
    fn dependency_files() {
        let text = "a.o: a.cc b\\ c.h \\\n  d.h x$$y.h\n\nd.h:\n";
        assert_eq!(dependencies(text), ["a.cc", "b c.h", "d.h", "x$y.h"]);
        assert_eq!(dependencies("a.o:\n"), Vec::<String>::new());
        assert_eq!(dependencies(""), Vec::<String>::new());
    }
}
