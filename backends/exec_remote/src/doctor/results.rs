//! Action results that clients write, and what a server makes of claims about what is lost (R6, R19).

use kiln_base::Digest;
use kiln_proto::{Action, ActionResult, Command, Directory, OutputFile};
use tonic::Code;

use super::contents::encoded;
use super::probe::{Blob, Probe};
use super::server::About;
use super::sheet::{Group, Mark};
use super::{Examination, Found, trouble};
use crate::cas::message;

pub(super) async fn check(examination: &mut Examination, about: &About) {
    let group = Group::Cache;
    let otherwise = (Mark::Fail, "each look-up counts as a failure of the server");
    examination
        .check(
            group,
            "results.unknown",
            otherwise,
            async |probe| match probe.look_up(&probe.blob("unknown").0).await {
                Err(error) if error.code == Code::NotFound => {
                    Ok("what is not known is NotFound".to_owned())
                }
                Err(error) => Err(error.into()),
                Ok(_) => trouble("there is a result of an action that nobody knows"),
            },
        )
        .await;
    if !about.limits.update {
        return;
    }
    let otherwise = (Mark::Fail, "kiln's results do not get there");
    examination
        .check(group, "results.written", otherwise, written)
        .await;
    let otherwise = (
        Mark::Warn,
        "kiln fetches what a result names before it believes it, and runs the action if something is lost",
    );
    examination
        .check(group, "results.lost", otherwise, lost)
        .await;
    let otherwise = (Mark::Warn, "kiln takes no failure from a cache");
    examination
        .check(group, "results.failures", otherwise, failure)
        .await;
}

/// An action that writes a file, which nobody runs; its blobs, the action last.
fn action(probe: &Probe, what: &str) -> Vec<Blob> {
    let root = encoded(&Directory::default());
    let command = encoded(&Command {
        arguments: vec!["/bin/true".to_owned(), probe.salted(what)],
        output_paths: vec!["out".to_owned()],
        ..Command::default()
    });
    let action = encoded(&Action {
        command_digest: Some(message(&command.0)),
        input_root_digest: Some(message(&root.0)),
        ..Action::default()
    });
    vec![root, command, action]
}

fn result(output: &Digest) -> ActionResult {
    ActionResult {
        output_files: vec![OutputFile {
            path: "out".to_owned(),
            digest: Some(message(output)),
            is_executable: true,
            contents: Vec::new(),
        }],
        stdout_raw: b"said\n".to_vec(),
        ..ActionResult::default()
    }
}

/// The digest of an action whose blobs are there.
async fn sent(probe: &Probe, what: &str, more: &[Blob]) -> Result<Digest, crate::CallError> {
    let mut blobs = action(probe, what);
    let digest = blobs[2].0;
    blobs.retain(|blob| blob.0.size() > 0);
    blobs.extend_from_slice(more);
    probe.update(&blobs).await?;
    Ok(digest)
}

async fn written(probe: &Probe) -> Found {
    let output = probe.blob("an output");
    let action = sent(probe, "written", std::slice::from_ref(&output)).await?;
    let result = result(&output.0);
    probe.tell(&action, &result).await?;
    let known = probe.look_up(&action).await?;
    let files = known.output_files.first();
    let same = files.is_some_and(|file| {
        file.path == "out" && file.is_executable && file.digest == result.output_files[0].digest
    });
    let said = match &known.stdout_digest {
        Some(digest) if known.stdout_raw.is_empty() => digest.hash == Digest::of(b"said\n").hex(),
        _ => known.stdout_raw == result.stdout_raw,
    };
    match (same, said) {
        (true, true) => Ok("written and read back".to_owned()),
        (false, _) => trouble("its output comes back as something else"),
        (true, false) => trouble("what was printed comes back as something else"),
    }
}

/// A result that names what was never sent.
async fn lost(probe: &Probe) -> Found {
    let action = sent(probe, "lost", &[]).await?;
    let gone = probe.blob("never sent").0;
    if let Err(error) = probe.tell(&action, &result(&gone)).await {
        return Ok(format!(
            "of contents that are lost: refused, {:?}",
            error.code
        ));
    }
    match probe.look_up(&action).await {
        Err(error) if error.code == Code::NotFound => {
            Ok("of contents that are lost: not known".to_owned())
        }
        Err(error) => Err(error.into()),
        Ok(_) => trouble("results are given whose contents are lost"),
    }
}

async fn failure(probe: &Probe) -> Found {
    let output = probe.blob("of a failure");
    let action = sent(probe, "failure", std::slice::from_ref(&output)).await?;
    let result = ActionResult {
        exit_code: 3,
        ..result(&output.0)
    };
    if let Err(error) = probe.tell(&action, &result).await {
        return Ok(format!("of failures: refused, {:?}", error.code));
    }
    match probe.look_up(&action).await {
        Ok(known) if known.exit_code == 3 => Ok("of failures: kept, as failures".to_owned()),
        Err(error) if error.code == Code::NotFound => Ok("of failures: not kept".to_owned()),
        Err(error) => Err(error.into()),
        Ok(known) => trouble(format!("exit code 3 comes back as {}", known.exit_code)),
    }
}
