//! The one key of a process: the digest of its REAPI `Action`.
//!
//! | fact | where in the key |
//! | --- | --- |
//! | program, arguments (in order) | `Command.arguments` |
//! | environment, sorted by name | `Command.environment_variables` |
//! | working directory | `Command.working_directory` |
//! | outputs, sorted, without repeats | `Command.output_paths` |
//! | platform properties, `network`, sorted by name, then value | `Command.platform` and `Action.platform` |
//! | contents, names, executable bits of all inputs | `Action.input_root_digest` |
//! | timeout | `Action.timeout` |
//! | identity of the environment (OS, ISA, system roots) | `Action.salt` |
//! | `CacheScope::Session` | `Action.do_not_cache` |
//!
//! Knowingly left out: descriptions, slots, who waits (PX-002). The platform stands in both
//! messages, so that servers below API 2.2 and those above share one key (R2, ENV-121).

use kiln_base::Digest;
use kiln_proto as reapi;
use prost::Message;

use crate::{CacheScope, Process};

/// A process with its encoded messages and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyed {
    /// The digest of `action`: the key.
    pub digest: Digest,
    /// The encoded REAPI `Action`.
    pub action: Vec<u8>,
    /// The encoded REAPI `Command` that `action` names.
    pub command: Vec<u8>,
}

impl Keyed {
    /// Computes the key of a process (R2).
    pub fn of(process: &Process) -> Keyed {
        let platform = platform(process);
        let command = command(process, platform.clone()).encode_to_vec();
        let action = reapi::Action {
            command_digest: Some(message(&Digest::of(&command))),
            input_root_digest: Some(message(&process.inputs.digest())),
            timeout: process.timeout.map(|timeout| reapi::Duration {
                seconds: timeout.as_secs() as i64,
                nanos: timeout.subsec_nanos() as i32,
            }),
            do_not_cache: process.cache == CacheScope::Session,
            salt: process.environment.to_vec(),
            platform,
        };
        let action = action.encode_to_vec();
        Keyed {
            digest: Digest::of(&action),
            action,
            command,
        }
    }
}

fn message(digest: &Digest) -> reapi::Digest {
    reapi::Digest {
        hash: digest.hex(),
        size_bytes: digest.size() as i64,
    }
}

fn command(process: &Process, platform: Option<reapi::Platform>) -> reapi::Command {
    let mut output_paths: Vec<String> = process.outputs.iter().map(ToString::to_string).collect();
    output_paths.sort();
    output_paths.dedup();
    reapi::Command {
        arguments: process.argv.clone(),
        environment_variables: process
            .env
            .iter()
            .map(|(name, value)| reapi::EnvironmentVariable {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        platform,
        working_directory: process.workdir.to_string(),
        output_paths,
        ..reapi::Command::default()
    }
}

fn platform(process: &Process) -> Option<reapi::Platform> {
    let mut properties: Vec<reapi::PlatformProperty> = process
        .platform
        .iter()
        .map(|(name, value)| reapi::PlatformProperty {
            name: name.clone(),
            value: value.clone(),
        })
        .collect();
    if process.network {
        properties.push(reapi::PlatformProperty {
            name: "network".into(),
            value: "on".into(),
        });
    }
    properties.sort();
    properties.dedup();
    (!properties.is_empty()).then_some(reapi::Platform { properties })
}
