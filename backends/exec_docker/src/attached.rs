//! A program in a container of its own that has this process's standard streams: `kiln run`.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bollard::container::LogOutput;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, KillContainerOptionsBuilder,
    RemoveContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use futures::StreamExt;
use kiln_diag::Diag;
use kiln_process::{DockerEnvironment, ExecError};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::client::{Engine, say};
use crate::container::{Kind, NotStarted, bind, refused};
use crate::pool::Pool;
use crate::{DockerConfig, leftovers};

/// What to run. Paths are the same in the container as outside.
#[derive(Debug)]
pub struct Attached<'a> {
    /// Where.
    pub environment: &'a DockerEnvironment,
    /// The program, by its path, and its arguments.
    pub argv: Vec<String>,
    /// Its variables besides the image's own, each `NAME=value`.
    pub env: Vec<String>,
    /// Its working directory.
    pub workdir: PathBuf,
    /// Folders that it can read.
    pub read: Vec<PathBuf>,
    /// Folders that it can write to.
    pub write: Vec<PathBuf>,
}

/// A container, removed when nobody holds it any more.
struct Own {
    engine: Arc<Engine>,
    id: String,
    gone: bool,
}

impl Own {
    async fn remove(&mut self) {
        self.gone = true;
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
        // It may be gone: that it removes itself is asked of the engine as well.
        let _ = self
            .engine
            .docker
            .remove_container(&self.id, Some(options.build()))
            .await;
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.gone {
            return;
        }
        let mut own = Own {
            engine: self.engine.clone(),
            id: std::mem::take(&mut self.id),
            gone: true,
        };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move { own.remove().await });
        }
    }
}

/// Runs it to its end; returns its exit code, 128 and the signal's number if one ended it.
///
/// Errors: the engine does not see our files, or refuses.
pub(crate) async fn run(
    pool: &Pool,
    config: &DockerConfig,
    image: String,
    job: &Attached<'_>,
) -> Result<u8, Diag> {
    let engine = pool.engine();
    if engine.remapped {
        return Err(unseen(engine));
    }
    let kind = Kind {
        name: job.environment.image.clone(),
        image,
        network: true,
    };
    let created = engine
        .docker
        .create_container(
            None::<CreateContainerOptions>,
            body(pool, config, &kind, job),
        )
        .await
        .map_err(|error| words(refused(&kind, &error), engine))?;
    let mut own = Own {
        engine: engine.clone(),
        id: created.id,
        gone: false,
    };
    let code = follow(&own, &kind).await;
    own.remove().await;
    code
}

fn body(
    pool: &Pool,
    config: &DockerConfig,
    kind: &Kind,
    job: &Attached<'_>,
) -> ContainerCreateBody {
    let (uid, gid) = pool.caller();
    let read = job.read.iter().map(|path| (path, true));
    let write = job.write.iter().map(|path| (path, false));
    let mounts = read
        .chain(write)
        .map(|(path, read_only)| bind(path, &path.to_string_lossy(), read_only));
    ContainerCreateBody {
        image: Some(kind.image.clone()),
        entrypoint: Some(job.argv.clone()),
        cmd: Some(Vec::new()),
        env: Some(job.env.clone()),
        user: Some(format!("{uid}:{gid}")),
        working_dir: Some(job.workdir.to_string_lossy().into_owned()),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        tty: Some(false),
        labels: Some(leftovers::labels(&config.workspace)),
        host_config: Some(HostConfig {
            auto_remove: Some(true),
            // Something has to hand signals on, and to take in what ends.
            init: Some(true),
            mounts: Some(mounts.collect()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

async fn follow(own: &Own, kind: &Kind) -> Result<u8, Diag> {
    let docker = &own.engine.docker;
    let failed = |error: bollard::errors::Error| words(refused(kind, &error), &own.engine);
    let options = AttachContainerOptionsBuilder::default()
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .stream(true)
        .build();
    let attached = docker.attach_container(&own.id, Some(options)).await;
    let attached = attached.map_err(failed)?;
    let wait = WaitContainerOptionsBuilder::default().condition("next-exit");
    let mut end = Box::pin(docker.wait_container(&own.id, Some(wait.build())));
    docker
        .start_container(&own.id, None)
        .await
        .map_err(failed)?;
    let mut output = attached.output;
    let input = tokio::spawn(feed(attached.input));
    let mut code = None;
    let mut open = true;
    while code.is_none() || open {
        tokio::select! {
            said = output.next(), if open => match said {
                Some(Ok(said)) => print(said)?,
                Some(Err(_)) | None => open = false,
            },
            ended = end.next(), if code.is_none() => code = Some(exit_code(ended)),
            interrupted = tokio::signal::ctrl_c() => {
                // The program decides what it makes of it.
                let signal = KillContainerOptionsBuilder::default().signal("SIGINT").build();
                if interrupted.is_err() || docker.kill_container(&own.id, Some(signal)).await.is_err() {
                    break;
                }
            }
        }
    }
    input.abort();
    code.unwrap_or(Ok(INTERRUPTED))
}

/// What a shell gives for a program that an interrupt ended.
const INTERRUPTED: u8 = 130;

type Ended = Option<Result<bollard::models::ContainerWaitResponse, bollard::errors::Error>>;

fn exit_code(ended: Ended) -> Result<u8, Diag> {
    match ended {
        Some(Ok(response)) => Ok(u8::try_from(response.status_code).unwrap_or(u8::MAX)),
        // That it is no success is an error to the client.
        Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => {
            Ok(u8::try_from(code).unwrap_or(u8::MAX))
        }
        Some(Err(error)) => Err(Diag::environment(format!(
            "the Docker engine does not say how the program ended: {}",
            say(&error)
        ))),
        None => Err(Diag::environment(
            "the Docker engine does not say how the program ended",
        )),
    }
}

fn print(said: LogOutput) -> Result<(), Diag> {
    let written = match said {
        LogOutput::StdErr { message } => {
            let mut stderr = io::stderr().lock();
            stderr.write_all(&message).and_then(|()| stderr.flush())
        }
        said => {
            let mut stdout = io::stdout().lock();
            let message = said.into_bytes();
            stdout.write_all(&message).and_then(|()| stdout.flush())
        }
    };
    match written {
        // Nobody reads any more: as with any program in a pipe, that is no failure of ours.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Diag::environment(format!(
            "cannot write what the program says: {}",
            kiln_diag::io_text(&error)
        ))),
        _ => Ok(()),
    }
}

/// Hands this process's standard input on. A thread of its own reads it: one of the runtime's would
/// keep it from ending.
async fn feed(mut input: std::pin::Pin<Box<dyn AsyncWrite + Send>>) {
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Vec<u8>>(4);
    std::thread::spawn(move || {
        let mut buffer = vec![0; 8192];
        while let Ok(length @ 1..) = io::stdin().lock().read(&mut buffer) {
            if sender.blocking_send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    while let Some(bytes) = receiver.recv().await {
        if input.write_all(&bytes).await.is_err() || input.flush().await.is_err() {
            return;
        }
    }
    // The end of the input is one for the program as well.
    let _ = input.shutdown().await;
}

fn words(error: NotStarted, engine: &Engine) -> Diag {
    match error {
        NotStarted::NotShared(_) => unseen(engine),
        NotStarted::Failed(ExecError::Failed(diag) | ExecError::Unavailable(diag)) => diag,
        NotStarted::Failed(ExecError::MissingBlob(digest)) => {
            Diag::internal(format!("blob {digest} is gone"))
        }
    }
}

/// It would find neither the program nor the workspace.
fn unseen(engine: &Engine) -> Diag {
    Diag::environment("`kiln run` needs a Docker engine that sees the files of this machine")
        .note(format!(
            "the one at `{}` does not see them as they are here",
            engine.address.host
        ))
        .hint("build and test there, and run in a local environment: `--env=NAME=//LABEL`")
}
