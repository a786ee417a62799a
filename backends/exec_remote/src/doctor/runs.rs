//! Small actions: how they are put together, sent, followed and read.

use bytes::Bytes;
use kiln_base::Digest;
use kiln_proto::{
    Action, ActionResult, CancelOperationRequest, Command, Directory, DirectoryNode, Duration,
    EnvironmentVariable, ExecuteRequest, ExecuteResponse, ExecutionClient, FileNode, Operation,
    OperationsClient, SHA256, WaitExecutionRequest,
};
use tonic::{Code, Streaming};

use super::contents::encoded;
use super::probe::{Blob, Probe};
use crate::CallError;
use crate::cas::{message, parse};
use crate::client::MAX_ANSWER;
use crate::execute::{EXECUTE, outcome};

/// What a shell is to do, in a folder with a file `in/file` and a program `in/tool`.
#[derive(Clone, Copy, Default)]
pub(super) struct Task<'a> {
    /// Keeps it apart from others of the same run.
    pub(super) name: &'a str,
    pub(super) script: &'a str,
    /// `output_paths`.
    pub(super) outputs: &'a [&'a str],
    /// `output_files` and `output_directories`, of clients below 2.1.
    pub(super) old: Option<(&'a str, &'a str)>,
    pub(super) workdir: &'a str,
    /// Seconds.
    pub(super) timeout: Option<i64>,
}

/// A task as blobs.
pub(super) struct Packed {
    pub(super) action: Digest,
    pub(super) input: Blob,
    pub(super) blobs: Vec<Blob>,
}

pub(super) fn pack(probe: &Probe, task: &Task<'_>) -> Packed {
    let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    let variable = |name: &str, value: String| EnvironmentVariable {
        name: name.to_owned(),
        value,
    };
    let input = probe.blob(task.name);
    let tool = {
        let data = Bytes::from(format!("#!/bin/sh\n# {}\necho ran\n", probe.salted("tool")));
        (Digest::of(&data), data)
    };
    let file = |name: &str, blob: &Blob, is_executable| FileNode {
        name: name.to_owned(),
        digest: Some(message(&blob.0)),
        is_executable,
    };
    let folder = encoded(&Directory {
        files: vec![file("file", &input, false), file("tool", &tool, true)],
        ..Directory::default()
    });
    let root = encoded(&Directory {
        directories: vec![DirectoryNode {
            name: "in".to_owned(),
            digest: Some(message(&folder.0)),
        }],
        ..Directory::default()
    });
    let command = encoded(&Command {
        arguments: texts(&["/bin/sh", "-c", task.script]),
        environment_variables: vec![
            variable("PATH", "/usr/bin:/bin".to_owned()),
            variable("SALT", probe.salted(task.name)),
        ],
        output_files: task
            .old
            .map(|(file, _)| file.to_owned())
            .into_iter()
            .collect(),
        output_directories: task
            .old
            .map(|(_, folder)| folder.to_owned())
            .into_iter()
            .collect(),
        output_paths: texts(task.outputs),
        working_directory: task.workdir.to_owned(),
        platform: None,
    });
    let action = encoded(&Action {
        command_digest: Some(message(&command.0)),
        input_root_digest: Some(message(&root.0)),
        timeout: task.timeout.map(|seconds| Duration { seconds, nanos: 0 }),
        ..Action::default()
    });
    Packed {
        action: action.0,
        input: input.clone(),
        blobs: vec![input, tool, folder, root, command, action],
    }
}

impl Probe {
    /// Sends what the server lacks, as a build does.
    pub(super) async fn upload_inputs(&self, packed: &Packed) -> Result<(), CallError> {
        let digests: Vec<Digest> = packed.blobs.iter().map(|blob| blob.0).collect();
        let missing = self.missing(&digests).await?;
        let blobs = packed.blobs.iter().filter(|blob| missing.contains(&blob.0));
        let blobs: Vec<Blob> = blobs.cloned().collect();
        match blobs.is_empty() {
            true => Ok(()),
            false => self.update(&blobs).await,
        }
    }

    /// Runs a task whose inputs are sent first; its answer.
    pub(super) async fn run(&self, task: &Task<'_>) -> Result<ExecuteResponse, CallError> {
        let packed = pack(self, task);
        self.upload_inputs(&packed).await?;
        self.execute(&packed.action, true).await
    }

    pub(super) async fn execute(
        &self,
        action: &Digest,
        skip_cache: bool,
    ) -> Result<ExecuteResponse, CallError> {
        let stream = self.start(action, skip_cache).await?;
        self.follow(stream).await
    }

    pub(super) async fn start(
        &self,
        action: &Digest,
        skip_cache: bool,
    ) -> Result<Streaming<Operation>, CallError> {
        let request = ExecuteRequest {
            instance_name: self.instance(),
            skip_cache_lookup: skip_cache,
            action_digest: Some(message(action)),
            inline_stdout: true,
            inline_stderr: true,
            digest_function: SHA256,
        };
        let request = self.request(request).await?;
        let mut client = ExecutionClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER);
        Ok(self
            .within(EXECUTE, client.execute(request))
            .await?
            .into_inner())
    }

    /// The name of an operation that is under way: that of its first message.
    pub(super) async fn name(
        &self,
        stream: &mut Streaming<Operation>,
    ) -> Result<String, CallError> {
        match self.within(EXECUTE, stream.message()).await? {
            Some(operation) if !operation.done => Ok(operation.name),
            Some(operation) => {
                let response = outcome(operation)?.status.unwrap_or_default();
                let text = format!("it ended at once: {}", response.message);
                Err(CallError::new(EXECUTE, Code::Aborted, text))
            }
            None => Err(CallError::new(EXECUTE, Code::DataLoss, "an empty stream")),
        }
    }

    pub(super) async fn follow(
        &self,
        mut stream: Streaming<Operation>,
    ) -> Result<ExecuteResponse, CallError> {
        while let Some(operation) = self.within(EXECUTE, stream.message()).await? {
            if operation.done {
                return outcome(operation);
            }
        }
        let text = "the stream ended before the action";
        Err(CallError::new(EXECUTE, Code::DataLoss, text))
    }

    pub(super) async fn wait(&self, name: &str) -> Result<ExecuteResponse, CallError> {
        let request = WaitExecutionRequest {
            name: name.to_owned(),
        };
        let request = self.request(request).await?;
        let mut client = ExecutionClient::new(self.channel()).max_decoding_message_size(MAX_ANSWER);
        let answer = self.within("WaitExecution", client.wait_execution(request));
        self.follow(answer.await?.into_inner()).await
    }

    pub(super) async fn cancel(&self, name: &str) -> Result<(), CallError> {
        let request = CancelOperationRequest {
            name: name.to_owned(),
        };
        let request = self.request(request).await?;
        let mut client = OperationsClient::new(self.channel());
        self.within("CancelOperation", client.cancel_operation(request))
            .await?;
        Ok(())
    }

    /// What was printed: along with the result, or as a content of its own.
    pub(super) async fn printed(&self, result: &ActionResult) -> Result<String, CallError> {
        self.text(&result.stdout_raw, result.stdout_digest.as_ref())
            .await
    }

    /// The same, as errors.
    pub(super) async fn complained(&self, result: &ActionResult) -> Result<String, CallError> {
        self.text(&result.stderr_raw, result.stderr_digest.as_ref())
            .await
    }

    pub(super) async fn text(
        &self,
        inline: &[u8],
        digest: Option<&kiln_proto::Digest>,
    ) -> Result<String, CallError> {
        let digest = parse(digest).filter(|digest| digest.size() > 0);
        let data = match (inline.is_empty(), digest) {
            (true, Some(digest)) => self.read(&digest).await?,
            _ => Bytes::copy_from_slice(inline),
        };
        Ok(String::from_utf8_lossy(&data).into_owned())
    }
}
