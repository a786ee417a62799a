//! The action that a client names, as messages: read from the store, with the outputs in one form.

use kiln_base::{Digest, RelPath};
use kiln_proto::{Action, Command, Message};
use kiln_store::Store;
use tonic::Code;

use crate::inputs::MAX_MESSAGE;
use crate::names;
use crate::status::{missing, shown, status};

/// Why an action cannot be run, or a result not be kept.
pub(crate) type Refused = kiln_proto::Status;

/// An error of whoever asks.
pub(crate) fn invalid(text: impl AsRef<str>) -> Refused {
    status(Code::InvalidArgument, text)
}

/// An action with its command.
pub(crate) struct Asked {
    pub(crate) action: Action,
    pub(crate) command: Command,
    pub(crate) workdir: RelPath,
    /// Relative to the working directory; sorted, each once.
    pub(crate) outputs: Vec<RelPath>,
}

impl Asked {
    /// Reads the action of that digest, and its command. It blocks.
    pub(crate) fn read(store: &Store, digest: &Digest) -> Result<Asked, Refused> {
        let action = action(store, digest)?;
        let command = names::digest(action.command_digest.as_ref())
            .map_err(|error| invalid(error.message()))?;
        let command: Command = message(store, &command, "Command")?;
        let workdir = RelPath::new(&command.working_directory)
            .map_err(|error| invalid(format!("the working directory: {error}")))?;
        let outputs = outputs(&command)?;
        Ok(Asked {
            action,
            command,
            workdir,
            outputs,
        })
    }

    /// Whether the client names outputs as before REAPI 2.1, and expects links in the same way.
    pub(crate) fn is_old(&self) -> bool {
        self.command.output_paths.is_empty()
    }
}

/// The action of that digest. It blocks.
pub(crate) fn action(store: &Store, digest: &Digest) -> Result<Action, Refused> {
    message(store, digest, "Action")
}

fn message<M: Message + Default>(store: &Store, digest: &Digest, name: &str) -> Result<M, Refused> {
    if digest.size() > MAX_MESSAGE {
        let text = format!("{digest} is too large for the message `{name}`");
        return Err(invalid(text));
    }
    let Ok(Some(encoded)) = store.read(digest) else {
        return Err(missing(&[*digest]));
    };
    M::decode(&encoded[..]).map_err(|_| invalid(format!("blob {digest} is no `{name}`")))
}

/// `output_paths`; without any, the files and folders of clients below REAPI 2.1.
fn outputs(command: &Command) -> Result<Vec<RelPath>, Refused> {
    let old = command
        .output_files
        .iter()
        .chain(&command.output_directories);
    let named: Vec<&String> = match command.output_paths.is_empty() {
        true => old.collect(),
        false => command.output_paths.iter().collect(),
    };
    let mut paths = Vec::with_capacity(named.len());
    for text in named {
        let path = RelPath::new(text).map_err(|error| {
            let reason = error.reason;
            invalid(format!("output `{}` {reason}", shown(text)))
        })?;
        paths.push(path);
    }
    paths.sort();
    paths.dedup();
    Ok(paths)
}
