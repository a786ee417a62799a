//! Results as REAPI `ActionResult` messages: the form in which every cache holds them.

use std::collections::HashSet;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kiln_base::{Digest, RelPath};
use kiln_proto as reapi;
use kiln_tree::{Node, Tree, TreeBuilder, decode_tree, encode_tree};
use prost::Message;

use crate::{Exit, ProcessResult, Source};

/// A result, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedResult {
    /// The `ActionResult` message.
    pub message: Vec<u8>,
    /// `Tree` messages that it names, to be stored beside it.
    pub trees: Vec<(Digest, Vec<u8>)>,
    /// Every blob that the result needs to be of use: what it names, and what its trees name.
    pub refs: Vec<Digest>,
}

/// A result, decoded.
#[derive(Clone, Debug)]
pub struct DecodedResult {
    /// The result; its source is still to be set by who knows it.
    pub result: ProcessResult,
    /// Contents that came within the message. They must be stored before the result is used.
    pub inline: Vec<(Digest, Vec<u8>)>,
}

/// Why an `ActionResult` cannot be used. What a cache sends is a claim (PX-076).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultError(String);

impl fmt::Display for ResultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ResultError {}

/// Encodes a result; `outputs` are the declared ones of its process. `None` for one that was
/// stopped, which says nothing about another run.
pub fn encode_result(result: &ProcessResult, outputs: &[RelPath]) -> Option<EncodedResult> {
    let exit_code = match result.exit {
        Exit::Code(code) => code,
        Exit::Signal(signal) => -signal,
        Exit::TimedOut | Exit::Limit(_) => return None,
    };
    let (start, end) = times(result.elapsed);
    let mut message = reapi::ActionResult {
        exit_code,
        stdout_digest: Some(digest_message(&result.stdout)),
        stderr_digest: Some(digest_message(&result.stderr)),
        execution_metadata: Some(reapi::ExecutedActionMetadata {
            execution_start_timestamp: Some(start),
            execution_completed_timestamp: Some(end),
            ..reapi::ExecutedActionMetadata::default()
        }),
        ..Default::default()
    };
    let (mut trees, mut refs) = (Vec::new(), vec![result.stdout, result.stderr]);
    let mut paths: Vec<&RelPath> = outputs.iter().collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        // The root has no entry of its own: as an output it is all of the tree.
        let whole = path.is_root().then(|| Node::Dir(result.outputs.clone()));
        if let Some(node) = whole.as_ref().or_else(|| result.outputs.get(path)) {
            add_output(&mut message, path.to_string(), node, &mut trees, &mut refs);
        }
    }
    refs.sort();
    refs.dedup();
    Some(EncodedResult {
        message: message.encode_to_vec(),
        trees,
        refs,
    })
}

fn add_output(
    message: &mut reapi::ActionResult,
    path: String,
    node: &Node,
    trees: &mut Vec<(Digest, Vec<u8>)>,
    refs: &mut Vec<Digest>,
) {
    match node {
        Node::File { digest, executable } => {
            refs.push(*digest);
            message.output_files.push(reapi::OutputFile {
                path,
                digest: Some(digest_message(digest)),
                is_executable: *executable,
                contents: Vec::new(),
            });
        }
        Node::Symlink(target) => message.output_symlinks.push(reapi::OutputSymlink {
            path,
            target: target.to_string(),
        }),
        Node::Dir(tree) => {
            let encoded = encode_tree(tree);
            let digest = Digest::of(&encoded);
            refs.push(digest);
            tree.walk(false, &mut |_, node| {
                if let Node::File { digest, .. } = node {
                    refs.push(*digest);
                }
            });
            message.output_directories.push(reapi::OutputDirectory {
                path,
                tree_digest: Some(digest_message(&digest)),
            });
            trees.push((digest, encoded));
        }
    }
}

/// Decodes an `ActionResult`. `outputs` are the declared ones of the process: a result that has
/// others is refused. `read` gives the blobs of `Tree` messages; one that is gone is an error.
pub fn decode_result(
    message: &[u8],
    outputs: &[RelPath],
    read: &dyn Fn(&Digest) -> Option<Vec<u8>>,
) -> Result<DecodedResult, ResultError> {
    let message = reapi::ActionResult::decode(message)
        .map_err(|error| ResultError(format!("not an `ActionResult` message: {error}")))?;
    let mut inline = Vec::new();
    let stdout = stream(
        message.stdout_digest.as_ref(),
        message.stdout_raw,
        &mut inline,
    )?;
    let stderr = stream(
        message.stderr_digest.as_ref(),
        message.stderr_raw,
        &mut inline,
    )?;
    let exit = match message.exit_code {
        signal @ ..0 => Exit::Signal(signal.saturating_neg()),
        code => Exit::Code(code),
    };
    let mut nodes: Vec<(String, Node)> = Vec::new();
    for file in message.output_files {
        let digest = digest(file.digest.as_ref())?;
        if !file.contents.is_empty() {
            admit(digest, file.contents, &mut inline)?;
        }
        let executable = file.is_executable;
        nodes.push((file.path, Node::File { digest, executable }));
    }
    for link in message.output_symlinks {
        if link.target.is_empty() || link.target.contains('\0') {
            return Err(ResultError(format!(
                "link `{}` has no valid target",
                link.path
            )));
        }
        nodes.push((link.path, Node::Symlink(link.target.into())));
    }
    for folder in message.output_directories {
        let tree = read_tree(folder.tree_digest.as_ref(), read)?;
        nodes.push((folder.path, Node::Dir(tree)));
    }
    let result = ProcessResult {
        exit,
        stdout,
        stderr,
        outputs: put_together(nodes, outputs)?,
        elapsed: elapsed(message.execution_metadata.as_ref()),
        source: Source::LocalCache,
        sandbox: None,
        strays: Vec::new(),
        unlisted_reads: None,
        left: Vec::new(),
    };
    Ok(DecodedResult { result, inline })
}

fn put_together(nodes: Vec<(String, Node)>, declared: &[RelPath]) -> Result<Tree, ResultError> {
    let declared: HashSet<&RelPath> = declared.iter().collect();
    let mut builder = TreeBuilder::new();
    for (path, node) in nodes {
        let path = RelPath::new(&path).map_err(|error| ResultError(error.to_string()))?;
        if !declared.contains(&path) {
            return Err(ResultError(format!("`{path}` is no declared output")));
        }
        builder
            .add(&path, node)
            .map_err(|conflict| ResultError(conflict.to_string()))?;
    }
    Ok(builder.build())
}

fn read_tree(
    message: Option<&reapi::Digest>,
    read: &dyn Fn(&Digest) -> Option<Vec<u8>>,
) -> Result<Tree, ResultError> {
    let digest = digest(message)?;
    let encoded = read(&digest).ok_or_else(|| ResultError(format!("tree {digest} is gone")))?;
    if Digest::of(&encoded) != digest {
        return Err(ResultError(format!("tree {digest} is damaged")));
    }
    decode_tree(&encoded).map_err(|error| ResultError(error.to_string()))
}

/// The digest of what was printed, which may stand in the message itself.
fn stream(
    message: Option<&reapi::Digest>,
    raw: Vec<u8>,
    inline: &mut Vec<(Digest, Vec<u8>)>,
) -> Result<Digest, ResultError> {
    let named = match message {
        Some(message) => digest(Some(message))?,
        None => Digest::of(&raw),
    };
    if !raw.is_empty() {
        admit(named, raw, inline)?;
    }
    Ok(named)
}

fn admit(
    digest: Digest,
    content: Vec<u8>,
    inline: &mut Vec<(Digest, Vec<u8>)>,
) -> Result<(), ResultError> {
    if Digest::of(&content) != digest {
        return Err(ResultError(format!(
            "the content sent along is not {digest}"
        )));
    }
    inline.push((digest, content));
    Ok(())
}

fn digest(message: Option<&reapi::Digest>) -> Result<Digest, ResultError> {
    message
        .and_then(|d| Digest::from_hex(&d.hash, u64::try_from(d.size_bytes).ok()?))
        .ok_or_else(|| ResultError("an entry has no valid digest".to_owned()))
}

fn digest_message(digest: &Digest) -> reapi::Digest {
    reapi::Digest {
        hash: digest.hex(),
        size_bytes: digest.size() as i64,
    }
}

/// When a process that has just ended started and ended.
fn times(elapsed: Duration) -> (reapi::Timestamp, reapi::Timestamp) {
    let end = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let message = |time: Duration| reapi::Timestamp {
        seconds: time.as_secs() as i64,
        nanos: time.subsec_nanos() as i32,
    };
    (message(end.saturating_sub(elapsed)), message(end))
}

/// The run time that the metadata tell; zero if they tell none, or nonsense.
fn elapsed(metadata: Option<&reapi::ExecutedActionMetadata>) -> Duration {
    let time = |stamp: Option<reapi::Timestamp>| -> Option<Duration> {
        let stamp = stamp?;
        let nanos = u32::try_from(stamp.nanos)
            .ok()
            .filter(|n| *n < 1_000_000_000)?;
        Some(Duration::new(u64::try_from(stamp.seconds).ok()?, nanos))
    };
    let span = metadata.and_then(|metadata| {
        let start = time(metadata.execution_start_timestamp)?;
        time(metadata.execution_completed_timestamp)?.checked_sub(start)
    });
    span.unwrap_or_default()
}
