//! One container: started, spoken with, ended.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig, Mount, MountType};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptions, RemoveContainerOptionsBuilder,
};
use futures::{Stream, StreamExt};
use kiln_diag::Diag;
use kiln_exec_root::SlotFiles;
use kiln_process::ExecError;
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::RwLock;

use crate::DockerConfig;
use crate::archive::{self, Far};
use crate::client::{Engine, say, status};
use crate::job::EXEC_ROOT;
use crate::layout::User;
use crate::leftovers;
use crate::output;
use crate::shell;

/// How files get into containers and out of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// The engine sees our folders, and containers are shown them.
    Mounts,
    /// It does not: it is on another machine, or in a virtual one. Files go there and back in
    /// archives, into folders that are the container's own.
    Archives,
}

/// Why a container did not start.
pub(crate) enum NotStarted {
    /// The engine does not see our folders.
    NotShared(Diag),
    /// Anything else.
    Failed(ExecError),
}

impl From<ExecError> for NotStarted {
    fn from(error: ExecError) -> NotStarted {
        NotStarted::Failed(error)
    }
}

/// What a container is for; only equal ones can stand in for one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The name of its image, for messages.
    pub name: Arc<str>,
    /// The id of its image.
    pub image: String,
    /// Whether it has a network.
    pub network: bool,
}

/// A running container, used by one action at a time. It ends when this value is dropped.
pub(crate) struct Container {
    engine: Arc<Engine>,
    id: String,
    pub kind: Kind,
    pub sharing: Sharing,
    pub files: SlotFiles,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    pub(crate) output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    /// How often memory ran out in it until now.
    pub ooms: u64,
    /// It has been told to end.
    ended: bool,
    /// Read while it is being removed.
    busy: Arc<RwLock<()>>,
}

/// The folder with the runner, in every container.
pub(crate) const CONTROL: &str = "/.kiln";
const RUNNER: &str = include_str!("runner.sh");
/// How long a container has to start.
const START: Duration = Duration::from_secs(60);
/// How long the engine has to remove one.
const REMOVE: Duration = Duration::from_secs(20);

impl Container {
    /// Starts a container.
    ///
    /// Errors: the image lacks a shell, the engine does not see our files, or refuses.
    pub(crate) async fn start(
        engine: &Arc<Engine>,
        config: &DockerConfig,
        (user, sharing): (User, Sharing),
        kind: Kind,
        files: SlotFiles,
        busy: Arc<RwLock<()>>,
    ) -> Result<Container, NotStarted> {
        let hello = token().map_err(ExecError::Failed)?;
        let shell = shell::of_image(engine, config, &kind, sharing).await?;
        prepare(&files, &hello, &shell).map_err(ExecError::Failed)?;
        let body = body(config, user, &kind, &files, sharing);
        let created = engine
            .docker
            .create_container(None::<CreateContainerOptions>, body)
            .await
            .map_err(|error| refused(&kind, &error))?;
        let mut container = attach(engine, created.id, kind, files, busy).await?;
        container.sharing = sharing;
        if sharing == Sharing::Archives
            && let Err(error) = archive::send_control(&container.far()).await
        {
            container.remove().await;
            return Err(error.into());
        }
        let started = engine.docker.start_container(&container.id, None).await;
        if let Err(error) = started {
            let error = refused(&container.kind, &error);
            container.remove().await;
            return Err(error);
        }
        match tokio::time::timeout(START, container.hello(&hello)).await {
            Ok(Ok(())) => Ok(container),
            Ok(Err(said)) => {
                container.remove().await;
                Err(unfit(engine, &container.kind, &said))
            }
            Err(_) => {
                container.remove().await;
                let seconds = START.as_secs();
                let said = format!("it said nothing for {seconds} seconds");
                Err(unfit(engine, &container.kind, &said))
            }
        }
    }

    /// Waits for the runner's first words; otherwise says what came instead.
    async fn hello(&mut self, hello: &str) -> Result<(), String> {
        let mut stream = output::Stream::new(hello);
        let mut other = Vec::new();
        while let Some(next) = self.output.next().await {
            match next {
                Ok(LogOutput::StdOut { message }) => {
                    let said = stream.push(&message, |bytes| other.extend_from_slice(bytes));
                    if said.iter().any(|said| said == "ready") {
                        return Ok(());
                    }
                }
                Ok(message) => other.extend_from_slice(&message.into_bytes()),
                Err(error) => return Err(say(&error)),
            }
            other.truncate(1000);
        }
        Err(String::from_utf8_lossy(&other).trim().to_owned())
    }

    /// The exec root, outside.
    pub(crate) fn root(&self) -> PathBuf {
        self.files.path().join("root")
    }

    /// For sending its files.
    pub(crate) fn far(&self) -> Far {
        Far {
            engine: self.engine.clone(),
            id: self.id.clone(),
            folder: self.files.path().to_owned(),
        }
    }

    /// Its `/tmp`, outside.
    pub(crate) fn tmp(&self) -> PathBuf {
        self.files.path().join("tmp")
    }

    /// Makes a job ready.
    pub(crate) fn write_job(&self, script: &str) -> Result<(), Diag> {
        let path = self.files.path().join("control/job");
        fs::write(&path, script).map_err(|error| Diag::io("cannot write", &path, &error))
    }

    /// Tells the runner something.
    pub(crate) async fn tell(&mut self, verb: &str, token: &str) -> std::io::Result<()> {
        let line = format!("{verb} {token}\n");
        self.input.write_all(line.as_bytes()).await?;
        self.input.flush().await
    }

    /// Ends it and all that runs in it, and waits until it is gone.
    pub(crate) async fn remove(&mut self) {
        self.ended = true;
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
        let removal = self
            .engine
            .docker
            .remove_container(&self.id, Some(options.build()));
        // It ends by itself as well, with its connection.
        let _ = tokio::time::timeout(REMOVE, removal).await;
    }
}

/// A container that is dropped ends with its connection. As long as there is a runtime, the engine
/// is told as well, which is quicker.
impl Drop for Container {
    fn drop(&mut self) {
        if self.ended {
            return;
        }
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let (engine, id) = (self.engine.clone(), std::mem::take(&mut self.id));
        let busy = self.busy.clone().try_read_owned();
        runtime.spawn(async move {
            let _busy = busy;
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true);
            let _ = engine
                .docker
                .remove_container(&id, Some(options.build()))
                .await;
        });
    }
}

async fn attach(
    engine: &Arc<Engine>,
    id: String,
    kind: Kind,
    files: SlotFiles,
    busy: Arc<RwLock<()>>,
) -> Result<Container, NotStarted> {
    let options = AttachContainerOptionsBuilder::default()
        .stdin(true)
        .stdout(true)
        .stderr(true)
        .stream(true)
        .build();
    match engine.docker.attach_container(&id, Some(options)).await {
        Ok(attached) => Ok(Container {
            engine: engine.clone(),
            id,
            kind,
            sharing: Sharing::Mounts,
            files,
            input: attached.input,
            output: attached.output,
            ooms: 0,
            ended: false,
            busy,
        }),
        Err(error) => {
            let options = RemoveContainerOptionsBuilder::default().force(true).build();
            let _ = engine.docker.remove_container(&id, Some(options)).await;
            Err(refused(&kind, &error))
        }
    }
}

/// Folders that the container sees. What an action is told may be secret, so that nobody else can
/// enter the folder above them.
fn prepare(files: &SlotFiles, hello: &str, shell: &Path) -> Result<(), Diag> {
    let folder = files.path();
    let make = || {
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        fs::create_dir(folder.join("root"))?;
        fs::create_dir(folder.join("tmp"))?;
        fs::set_permissions(folder.join("tmp"), Permissions::from_mode(0o1777))?;
        fs::create_dir(folder.join("control"))?;
        fs::write(folder.join("control/runner"), RUNNER)?;
        fs::hard_link(shell, folder.join("control/sh"))?;
        fs::write(folder.join("control/hello"), format!("{hello}\n"))
    };
    make().map_err(|error| Diag::io("cannot prepare", folder, &error))
}

pub(crate) fn bind(source: &Path, target: &str, read_only: bool) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        source: Some(source.to_string_lossy().into_owned()),
        typ: Some(MountType::BIND),
        read_only: Some(read_only),
        ..Mount::default()
    }
}

/// A folder of the container's own, removed with it.
fn own(target: &str) -> Mount {
    Mount {
        target: Some(target.to_owned()),
        typ: Some(MountType::VOLUME),
        read_only: Some(false),
        ..Mount::default()
    }
}

fn mounts(files: &SlotFiles, sharing: Sharing) -> Vec<Mount> {
    match sharing {
        Sharing::Mounts => vec![
            bind(&files.path().join("root"), EXEC_ROOT, false),
            bind(&files.path().join("control"), CONTROL, true),
            // Not in memory: there it would have the owner and mode that the image's has.
            bind(&files.path().join("tmp"), "/tmp", false),
        ],
        Sharing::Archives => [EXEC_ROOT, CONTROL, "/tmp"].map(own).to_vec(),
    }
}

fn body(
    config: &DockerConfig,
    user: User,
    kind: &Kind,
    files: &SlotFiles,
    sharing: Sharing,
) -> ContainerCreateBody {
    let (uid, gid) = user.inside;
    let memory = config.memory.and_then(|bytes| i64::try_from(bytes).ok());
    let host = HostConfig {
        auto_remove: Some(true),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(true),
        network_mode: (!kind.network).then(|| "none".to_owned()),
        mounts: Some(mounts(files, sharing)),
        memory,
        // No swap beside it: that would be more than is allowed.
        memory_swap: memory,
        pids_limit: config.processes.and_then(|count| i64::try_from(count).ok()),
        // What actions write is no log.
        log_config: Some(HostConfigLogConfig {
            typ: Some("none".to_owned()),
            config: None,
        }),
        ..HostConfig::default()
    };
    ContainerCreateBody {
        image: Some(kind.image.clone()),
        entrypoint: Some(vec![format!("{CONTROL}/sh"), format!("{CONTROL}/runner")]),
        cmd: Some(Vec::new()),
        user: Some(format!("{uid}:{gid}")),
        hostname: Some("localhost".to_owned()),
        working_dir: Some("/".to_owned()),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        tty: Some(false),
        labels: Some(leftovers::labels(&config.workspace)),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    }
}

/// Why the engine did not start a container.
pub(crate) fn refused(kind: &Kind, error: &Error) -> NotStarted {
    let why = say(error);
    let image = &kind.name;
    NotStarted::Failed(match status(error) {
        Some(404) => ExecError::Failed(
            Diag::environment(format!("image `{image}` is gone"))
                .note(why)
                .hint("run the build again: it will be fetched anew"),
        ),
        _ if why.contains("bind source path does not exist") => {
            return NotStarted::NotShared(not_shared(why));
        }
        _ => ExecError::Unavailable(Diag::environment(format!(
            "the Docker engine cannot start a container: {why}"
        ))),
    })
}

/// Why a container that started is of no use.
fn unfit(engine: &Engine, kind: &Kind, said: &str) -> NotStarted {
    if said.contains("/.kiln/") {
        return NotStarted::NotShared(not_shared(said.to_owned()));
    }
    let diag = Diag::environment(format!(
        "a container of image `{}` does not work",
        kind.image
    ))
    .note(format!("the Docker engine is at `{}`", engine.address.host));
    let diag = match said {
        "" => diag.note("it ended at once, without a word"),
        said => diag.note(said.to_owned()),
    };
    NotStarted::Failed(ExecError::Unavailable(diag))
}

/// An engine on another machine, or in a virtual one that sees other folders.
fn not_shared(why: String) -> Diag {
    Diag::environment("the Docker engine does not see kiln's files")
        .note(why)
        .hint(
            "use an engine on this machine, or let it see the cache folder under its own path \
             (`--cache_dir=<folder>` puts it elsewhere)",
        )
}

/// A word that nobody can guess.
pub(crate) fn token() -> Result<String, Diag> {
    use std::io::Read;
    let mut bytes = [0; 16];
    let path = Path::new("/dev/urandom");
    fs::File::open(path)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|error| Diag::io("cannot read", path, &error))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
