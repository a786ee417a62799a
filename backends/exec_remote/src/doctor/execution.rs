//! Workers: small actions, their outputs, and how they end (R4, R5, R14, R18, R21).

use std::time::Instant;

use kiln_proto::{ActionResult, ExecuteResponse, Message, PreconditionFailure, Tree};
use tonic::Code;

use super::probe::Probe;
use super::runs::{Task, pack};
use super::sheet::{Cost, Group, Mark};
use super::{Examination, Found, Trouble, trouble};
use crate::CallError;
use crate::cas::parse;

const UNUSABLE: (Mark, &str) = (Mark::Fail, "kiln cannot run actions there");

/// Prints, reads its inputs, runs one of them, writes a file into folders that nobody made.
const FIRST: Task<'static> = Task {
    name: "first",
    script: "echo \"$SALT\"; cat in/file; in/tool; echo no >&2; printf made > out/deep/file; chmod +x out/deep/file",
    outputs: &["out/deep/file"],
    old: None,
    workdir: "",
    timeout: None,
};

pub(super) async fn check(examination: &mut Examination) {
    let group = Group::Workers;
    let mut cost = Cost::default();
    let well = examination
        .check(group, "run.action", UNUSABLE, async |probe| {
            let (calls, start) = (probe.calls(), Instant::now());
            let found = first(probe).await;
            cost = Cost {
                calls: probe.calls() - calls,
                time: start.elapsed(),
            };
            found
        })
        .await;
    if !well {
        return;
    }
    examination.sheet.run = Some(cost);
    known(examination).await;
    outputs(examination).await;
    endings(examination).await;
}

/// An action as a build has it: looked up, sent, run, its output read.
async fn first(probe: &Probe) -> Found {
    let packed = pack(probe, &FIRST);
    if probe.look_up(&packed.action).await.is_ok() {
        return trouble("a new action is said to be known");
    }
    probe.upload_inputs(&packed).await?;
    let response = probe.execute(&packed.action, false).await?;
    let result = succeeded(response)?;
    let salt = probe.salted("first");
    let expected = format!("{salt}\n{salt}ran\n");
    let said = probe.printed(&result).await?;
    if said != expected {
        return trouble(format!("it was to print something else than {said:?}"));
    }
    let complained = probe.complained(&result).await?;
    if !complained.contains("no\n") {
        return trouble(format!(
            "as errors it printed {complained:?} rather than \"no\\n\""
        ));
    }
    let file = output(&result, "out/deep/file")?;
    let content = probe.text(&file.contents, file.digest.as_ref()).await?;
    match (content.as_str(), file.is_executable) {
        ("made", true) => Ok("runs; output, exit code and what it printed are right".to_owned()),
        ("made", false) => trouble("an output is no longer executable"),
        _ => trouble(format!("the output is {content:?} rather than \"made\"")),
    }
}

fn output<'a>(result: &'a ActionResult, path: &str) -> Result<&'a kiln_proto::OutputFile, Trouble> {
    let found = result.output_files.iter().find(|file| file.path == path);
    found.ok_or_else(|| Trouble(format!("the output `{path}` is not there")))
}

fn succeeded(response: ExecuteResponse) -> Result<ActionResult, Trouble> {
    let result = ended(response)?;
    match result.exit_code {
        0 => Ok(result),
        code => trouble(format!(
            "exit code {code}: {}",
            String::from_utf8_lossy(&result.stderr_raw)
        )),
    }
}

fn ended(response: ExecuteResponse) -> Result<ActionResult, Trouble> {
    let status = response.status.unwrap_or_default();
    match (status.code, response.result) {
        (0, Some(result)) => Ok(result),
        (0, None) => trouble("an end without a result"),
        (code, _) => {
            let error = CallError::new("Execute", Code::from_i32(code), status.message);
            Err(error.into())
        }
    }
}

async fn known(examination: &mut Examination) {
    let group = Group::Workers;
    let mut cost = None;
    let otherwise = (Mark::Warn, "kiln runs it again, next time");
    examination
        .check(group, "run.kept", otherwise, async |probe| {
            let (calls, start) = (probe.calls(), Instant::now());
            let result = probe.look_up(&pack(probe, &FIRST).action).await?;
            let file = output(&result, "out/deep/file")?;
            probe.text(&file.contents, file.digest.as_ref()).await?;
            cost = Some(Cost {
                calls: probe.calls() - calls,
                time: start.elapsed(),
            });
            Ok("its result is known from then on".to_owned())
        })
        .await;
    examination.sheet.cached = cost;
    let otherwise = (
        Mark::Warn,
        "kiln looks results up before it has actions run",
    );
    examination
        .check(group, "run.again", otherwise, async |probe| {
            let action = pack(probe, &FIRST).action;
            match probe.execute(&action, false).await?.cached_result {
                true => Ok("it does not run again".to_owned()),
                false => trouble("it runs again"),
            }
        })
        .await;
}

async fn outputs(examination: &mut Examination) {
    let group = Group::Workers;
    examination
        .check(group, "run.workdir", UNUSABLE, async |probe| {
            let task = Task {
                name: "workdir",
                script: "cat file > ../in/copy",
                outputs: &["copy"],
                workdir: "in",
                ..Task::default()
            };
            output(&succeeded(probe.run(&task).await?)?, "copy")?;
            Ok("paths are relative to it".to_owned())
        })
        .await;
    examination
        .check(group, "run.folder", UNUSABLE, folder)
        .await;
    let otherwise = (
        Mark::Warn,
        "actions whose outputs are links fail: tag them `no-remote`",
    );
    examination.check(group, "run.link", otherwise, link).await;
    let otherwise = (
        Mark::Warn,
        "the action fails, and says which output it lacks",
    );
    examination
        .check(group, "run.no_output", otherwise, async |probe| {
            let task = Task {
                name: "no output",
                script: "exit 0",
                outputs: &["never"],
                ..Task::default()
            };
            succeeded(probe.run(&task).await?)?;
            Ok("an output that is not there is left out".to_owned())
        })
        .await;
    let otherwise = (Mark::Warn, "kiln names outputs by `output_paths`");
    examination
        .check(group, "run.old_outputs", otherwise, async |probe| {
            let task = Task {
                name: "old outputs",
                script: "mkdir -p folder; echo > folder/a; echo > file",
                old: Some(("file", "folder")),
                ..Task::default()
            };
            let result = succeeded(probe.run(&task).await?)?;
            output(&result, "file")?;
            match result.output_directories.is_empty() {
                true => trouble("the folder is not there"),
                false => Ok("clients below 2.1 can name theirs".to_owned()),
            }
        })
        .await;
}

/// A folder with a folder that is empty, and a link.
async fn folder(probe: &Probe) -> Found {
    let task = Task {
        name: "folder",
        script: "mkdir -p tree/sub/empty; echo a > tree/a; ln -s ../a tree/sub/link",
        outputs: &["tree"],
        ..Task::default()
    };
    let result = succeeded(probe.run(&task).await?)?;
    let folder = result.output_directories.first();
    let Some(digest) = folder.and_then(|folder| parse(folder.tree_digest.as_ref())) else {
        return trouble("the folder is not there");
    };
    let tree = Tree::decode(probe.read(&digest).await?);
    let Ok(tree) = tree else {
        return trouble("the folder cannot be read");
    };
    let folders = tree.children.iter();
    let links = folders.clone().flat_map(|folder| &folder.symlinks);
    let empty = folders
        .flat_map(|folder| &folder.directories)
        .any(|node| node.name == "empty");
    let link = links.into_iter().any(|link| link.target == "../a");
    let file = tree
        .root
        .is_some_and(|root| root.files.iter().any(|file| file.name == "a"));
    match (file, empty, link) {
        (true, true, true) => Ok("with folders that are empty, and links".to_owned()),
        (false, ..) => trouble("a file in it is lost"),
        (_, false, _) => trouble("an empty folder in it is lost"),
        (_, _, false) => trouble("a link in it is lost"),
    }
}

/// A link as an output, dangling as far as the outputs know.
async fn link(probe: &Probe) -> Found {
    let task = Task {
        name: "link",
        script: "echo > made; ln -s made link",
        outputs: &["link", "made"],
        ..Task::default()
    };
    let result = succeeded(probe.run(&task).await?)?;
    let links = [&result.output_symlinks, &result.output_file_symlinks];
    let found = links.into_iter().flatten().any(|link| link.path == "link");
    match found {
        true => Ok("a link stays a link".to_owned()),
        false => trouble("a link comes back as something else"),
    }
}

async fn endings(examination: &mut Examination) {
    let group = Group::Workers;
    examination
        .check(group, "run.exit_code", UNUSABLE, async |probe| {
            let task = Task {
                name: "exit code",
                script: "exit 3",
                ..Task::default()
            };
            match ended(probe.run(&task).await?)?.exit_code {
                3 => Ok("3 is 3".to_owned()),
                code => trouble(format!("3 is {code}")),
            }
        })
        .await;
    let otherwise = (
        Mark::Warn,
        "kiln asks what is missing after any failure, and sends it again",
    );
    examination
        .check(group, "run.missing", otherwise, missing)
        .await;
    let otherwise = (
        Mark::Warn,
        "such actions hold a worker until they end by themselves",
    );
    examination
        .check(group, "run.timeout", otherwise, timeout)
        .await;
    let otherwise = (
        Mark::Warn,
        "a stream that breaks makes kiln run the action again",
    );
    examination
        .check(group, "run.waited_for", otherwise, waited)
        .await;
    let otherwise = (
        Mark::Warn,
        "actions that nobody waits for any more run to their end",
    );
    examination
        .check(group, "run.cancelled", otherwise, cancelled)
        .await;
}

/// An action one of whose inputs was never sent.
async fn missing(probe: &Probe) -> Found {
    let task = Task {
        name: "missing",
        script: "cat in/file",
        ..Task::default()
    };
    let mut packed = pack(probe, &task);
    let input = packed.input.0;
    packed.blobs.retain(|blob| blob.0 != input);
    probe.upload_inputs(&packed).await?;
    let status = match probe.execute(&packed.action, true).await {
        Ok(response) => response.status.unwrap_or_default(),
        Err(error) => return trouble(format!("{error}; which input is not said")),
    };
    let mut details = status
        .details
        .iter()
        .filter_map(|any| any.unpack::<PreconditionFailure>("google.rpc.PreconditionFailure"));
    let named = details.any(|failure| {
        let mut violations = failure.violations.iter();
        violations.any(|one| one.r#type == "MISSING" && one.subject.contains(&input.hex()))
    });
    match (Code::from_i32(status.code), named) {
        (Code::FailedPrecondition, true) => Ok("a missing input is named".to_owned()),
        (Code::Ok, _) => trouble("an action runs although an input is missing"),
        (code, _) => trouble(format!("a missing input is {code:?}, and is not named")),
    }
}

async fn timeout(probe: &Probe) -> Found {
    let task = Task {
        name: "timeout",
        script: "echo begun; sleep 10",
        timeout: Some(1),
        ..Task::default()
    };
    let response = probe.run(&task).await?;
    let status = response.status.unwrap_or_default();
    match Code::from_i32(status.code) {
        Code::DeadlineExceeded => Ok("an action is ended in time".to_owned()),
        Code::Ok => trouble("an action goes on after its time"),
        code => trouble(format!("an action that was too long is {code:?}")),
    }
}

/// The stream breaks, and is taken up again.
async fn waited(probe: &Probe) -> Found {
    let task = Task {
        name: "wait",
        script: "sleep 1; echo waited",
        ..Task::default()
    };
    let packed = pack(probe, &task);
    probe.upload_inputs(&packed).await?;
    let mut stream = probe.start(&packed.action, true).await?;
    let name = probe.name(&mut stream).await?;
    drop(stream);
    let result = succeeded(probe.wait(&name).await?)?;
    match probe.printed(&result).await?.as_str() {
        "waited\n" => Ok("an action goes on when its stream breaks".to_owned()),
        other => trouble(format!("it printed {other:?}")),
    }
}

async fn cancelled(probe: &Probe) -> Found {
    let task = Task {
        name: "cancel",
        script: "sleep 20",
        ..Task::default()
    };
    let packed = pack(probe, &task);
    probe.upload_inputs(&packed).await?;
    let mut stream = probe.start(&packed.action, true).await?;
    let name = probe.name(&mut stream).await?;
    probe.cancel(&name).await?;
    let code = match probe.follow(stream).await {
        Ok(response) => Code::from_i32(response.status.unwrap_or_default().code),
        Err(error) => error.code,
    };
    match code {
        Code::Cancelled => Ok("an action that is cancelled ends".to_owned()),
        Code::Ok => trouble("an action that was cancelled ran to its end"),
        code => trouble(format!("an action that was cancelled is {code:?}")),
    }
}
