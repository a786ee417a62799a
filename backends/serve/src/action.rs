//! From an action that a client names to a process that can run.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use kiln_base::Digest;
use kiln_process::{CacheScope, Process};
use kiln_proto::Command;
use kiln_store::Store;
use kiln_tree::Tree;

use crate::inputs::{Folders, InputError};
use crate::names;
use crate::outcome::ENTRIES;
use crate::platform;
use crate::request::{Asked, Refused, invalid};
use crate::status::{missing, shown};

/// An action that can run: all that it needs is there.
pub(crate) struct Prepared {
    pub(crate) asked: Asked,
    pub(crate) process: Process,
}

/// Reads an action and all that it names. It blocks.
///
/// Errors: what is missing (R5); what is no action, or none that may or can run here.
pub(crate) fn prepare(
    store: &Store,
    folders: &Folders,
    action: &Digest,
) -> Result<Prepared, Refused> {
    let asked = Asked::read(store, action)?;
    let command = &asked.command;
    // Clients of REAPI 2.2 say it in the action, older ones in the command.
    let platform = asked.action.platform.as_ref();
    let platform = platform.or(command.platform.as_ref());
    let properties = platform.map(|platform| &platform.properties[..]);
    let granted = platform::grant(properties.unwrap_or_default())?;
    if command.arguments.is_empty() {
        return Err(invalid(
            "the command has no arguments: there is no program to run",
        ));
    }
    let process = Process {
        argv: command.arguments.clone(),
        env: environment(command)?,
        workdir: asked.workdir.clone(),
        inputs: inputs(store, folders, &asked)?,
        outputs: asked.outputs.clone(),
        timeout: timeout(&asked)?,
        network: granted.network,
        platform: BTreeMap::new(),
        environment: Arc::from([]),
        // Keys are the client's and so is what is kept: the server sees to it.
        cache: CacheScope::Session,
    };
    Ok(Prepared { asked, process })
}

fn environment(command: &Command) -> Result<BTreeMap<String, String>, Refused> {
    let mut environment = BTreeMap::new();
    for variable in &command.environment_variables {
        let name = &variable.name;
        if name.is_empty() || name.contains(['=', '\0']) {
            let text = format!("`{}` is no name of a variable", shown(name));
            return Err(invalid(text));
        }
        let twice = environment.insert(name.clone(), variable.value.clone());
        if twice.is_some() {
            let text = format!("variable `{}` is there twice", shown(name));
            return Err(invalid(text));
        }
    }
    Ok(environment)
}

/// None, or one of nothing, leaves it to the action (PX-001).
fn timeout(asked: &Asked) -> Result<Option<Duration>, Refused> {
    let Some(timeout) = asked.action.timeout else {
        return Ok(None);
    };
    let seconds = u64::try_from(timeout.seconds);
    let nanos = u32::try_from(timeout.nanos);
    match (seconds, nanos) {
        (Ok(seconds), Ok(nanos)) if nanos < 1_000_000_000 => {
            let timeout = Duration::new(seconds, nanos);
            Ok((!timeout.is_zero()).then_some(timeout))
        }
        _ => Err(invalid("the timeout is no duration")),
    }
}

/// The tree of inputs, with all its files there and none of its links leading out of it.
fn inputs(store: &Store, folders: &Folders, asked: &Asked) -> Result<Tree, Refused> {
    let root = names::digest(asked.action.input_root_digest.as_ref())
        .map_err(|error| invalid(error.message()))?;
    let tree = folders.load(store, &root).map_err(|error| match error {
        InputError::Missing(digests) => missing(&digests),
        InputError::Wrong(text) => invalid(format!("the input root: {text}")),
    })?;
    if tree.total() > ENTRIES {
        return Err(invalid(format!(
            "the input root has more than {ENTRIES} entries"
        )));
    }
    if let Some(link) = tree.leaving_link(0) {
        let (name, target) = (shown(&link.name), shown(&link.target));
        let text = format!("input link `{name}` to `{target}` leaves the input root");
        return Err(invalid(text));
    }
    let mut files = HashSet::new();
    tree.blobs(&mut files);
    let mut files: Vec<Digest> = files.into_iter().collect();
    files.sort();
    let lacking = store.missing(&files);
    match lacking.is_empty() {
        true => Ok(tree),
        false => Err(missing(&lacking)),
    }
}
