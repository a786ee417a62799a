//! Results as messages: encoded from what ran, checked when a client sends one.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kiln_base::Digest;
use kiln_process::{Exit, ProcessResult, decode_result, encode_result};
use kiln_proto::{ActionResult, ExecutedActionMetadata, Message, OutputSymlink, Timestamp};
use kiln_store::Store;
use tonic::Code;

use crate::names;
use crate::request::{Asked, Refused, invalid};
use crate::status::{missing, status};

/// Bytes of all `Tree` messages of a result; they are read into memory.
const TREES: u64 = 64 << 20;
/// Entries of all output folders, those that are there several times counted each time.
pub(crate) const ENTRIES: u64 = 2_000_000;
/// Bytes of contents that come along with a result.
const INLINE: u64 = 256 << 10;

/// A result, and all blobs that it names.
pub(crate) struct Outcome {
    pub(crate) message: ActionResult,
    pub(crate) refs: Vec<Digest>,
}

/// When an action was asked for, and when a worker took it.
#[derive(Clone, Copy)]
pub(crate) struct Times {
    pub(crate) queued: SystemTime,
    pub(crate) started: SystemTime,
}

/// The result of what ran here. It blocks: output folders are stored as `Tree` messages.
pub(crate) fn encode(
    store: &Store,
    asked: &Asked,
    result: &ProcessResult,
    times: Times,
) -> Result<Outcome, kiln_diag::Diag> {
    // Shells and other servers say that a process was killed by 128 and the signal.
    let code = match result.exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => signal.saturating_add(128),
        Exit::TimedOut | Exit::Limit(_) => 128 + 9,
    };
    let as_ended = ProcessResult {
        exit: Exit::Code(code),
        ..result.clone()
    };
    let Some(encoded) = encode_result(&as_ended, &asked.outputs) else {
        return Err(kiln_diag::Diag::internal("an exit code without a result"));
    };
    for (digest, tree) in &encoded.trees {
        store.put_bytes_known(*digest, tree)?;
    }
    let mut message = ActionResult::decode(&encoded.message[..])
        .map_err(|_| kiln_diag::Diag::internal("a result that cannot be read"))?;
    let metadata = message.execution_metadata.take().unwrap_or_default();
    message.execution_metadata = Some(ExecutedActionMetadata {
        worker: "kiln".to_owned(),
        queued_timestamp: Some(timestamp(times.queued)),
        worker_start_timestamp: Some(timestamp(times.started)),
        worker_completed_timestamp: Some(timestamp(SystemTime::now())),
        ..metadata
    });
    if asked.is_old() {
        old_links(&mut message, asked);
    }
    Ok(Outcome {
        message,
        refs: encoded.refs,
    })
}

/// Clients below REAPI 2.1 look for links elsewhere.
fn old_links(message: &mut ActionResult, asked: &Asked) {
    let folders = &asked.command.output_directories;
    let links = message.output_symlinks.iter().cloned();
    let (folders, files) = links.partition(|link| folders.contains(&link.path));
    message.output_directory_symlinks = folders;
    message.output_file_symlinks = files;
}

/// Checks a result that a client sends: what it may name is what its action declares, and all of
/// it is there. Contents that came along are stored, so that it stands for itself. It blocks.
pub(crate) fn check(
    store: &Store,
    asked: &Asked,
    mut message: ActionResult,
) -> Result<Outcome, Refused> {
    if message.exit_code != 0 {
        return Err(invalid("results of actions that failed are not kept"));
    }
    let mut bytes = 0_u64;
    for folder in &message.output_directories {
        let tree =
            names::digest(folder.tree_digest.as_ref()).map_err(|error| invalid(error.message()))?;
        bytes = bytes.saturating_add(tree.size());
        if bytes > TREES {
            return Err(invalid(format!("the trees up to {tree} are too large")));
        }
        if !store.contains(&tree) {
            return Err(missing(&[tree]));
        }
    }
    if message.output_symlinks.is_empty() {
        let (files, folders) = (
            &message.output_file_symlinks,
            &message.output_directory_symlinks,
        );
        message.output_symlinks = [&files[..], folders].concat();
        message.output_symlinks.sort_by(by_path);
    }
    let read = |digest: &Digest| store.read(digest).ok().flatten();
    let decoded = decode_result(&message.encode_to_vec(), &asked.outputs, &read)
        .map_err(|error| invalid(error.to_string()))?;
    let result = decoded.result;
    if result.outputs.total() > ENTRIES {
        return Err(invalid(format!(
            "its outputs are more than {ENTRIES} files"
        )));
    }
    let depth = asked.workdir.components().count();
    if let Some(link) = result.outputs.leaving_link(depth) {
        let (name, target) = (&link.name, &link.target);
        let text = format!("output link `{name}` to `{target}` leaves the input root");
        return Err(invalid(text));
    }
    for (digest, content) in &decoded.inline {
        // Its digest was checked while it was decoded.
        store
            .put_bytes_known(*digest, content)
            .map_err(|error| status(Code::Internal, error.message()))?;
    }
    message.stdout_raw.clear();
    message.stderr_raw.clear();
    message.stdout_digest = Some(names::message(&result.stdout));
    message.stderr_digest = Some(names::message(&result.stderr));
    message
        .output_files
        .iter_mut()
        .for_each(|file| file.contents.clear());
    let refs = refs(&message, &result);
    let lacking = store.missing(&refs);
    match lacking.is_empty() {
        true => Ok(Outcome { message, refs }),
        false => Err(missing(&lacking)),
    }
}

fn by_path(a: &OutputSymlink, b: &OutputSymlink) -> std::cmp::Ordering {
    a.path.cmp(&b.path)
}

/// Every blob that a result names, each once.
fn refs(message: &ActionResult, result: &ProcessResult) -> Vec<Digest> {
    let mut refs = HashSet::from([result.stdout, result.stderr]);
    result.outputs.blobs(&mut refs);
    let trees = message.output_directories.iter();
    refs.extend(trees.filter_map(|folder| names::digest(folder.tree_digest.as_ref()).ok()));
    let mut refs: Vec<Digest> = refs.into_iter().collect();
    refs.sort();
    refs
}

/// What a client would like to have along with a result.
#[derive(Clone, Default)]
pub(crate) struct Wanted {
    pub(crate) stdout: bool,
    pub(crate) stderr: bool,
    pub(crate) files: Vec<String>,
}

/// Puts contents into a result, as far as they are short. It blocks.
pub(crate) fn inline(store: &Store, message: &mut ActionResult, wanted: &Wanted) {
    let mut left = INLINE;
    let mut content = |digest: Option<&kiln_proto::Digest>| {
        let digest = names::digest(digest).ok()?;
        let rest = left.checked_sub(digest.size())?;
        let content = store.read(&digest).ok().flatten()?;
        left = rest;
        Some(content)
    };
    if wanted.stdout
        && let Some(content) = content(message.stdout_digest.as_ref())
    {
        message.stdout_raw = content;
    }
    if wanted.stderr
        && let Some(content) = content(message.stderr_digest.as_ref())
    {
        message.stderr_raw = content;
    }
    for file in &mut message.output_files {
        if wanted.files.contains(&file.path)
            && let Some(content) = content(file.digest.as_ref())
        {
            file.contents = content;
        }
    }
}

/// A moment as a message.
fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp {
        seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
        nanos: i32::try_from(since.subsec_nanos()).unwrap_or(0),
    }
}
