//! One action in a container that is running.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use bollard::container::LogOutput;
use futures::StreamExt;
use kiln_diag::Diag;
use kiln_process::{ExecError, Observer};

use crate::container::{Container, token};
use crate::output::Stream;

/// How an action ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The shell's word for it: a code, or 128 and the number of a signal.
    Code(i32),
    /// It ran into its timeout, and its container is gone.
    TimedOut,
    /// It ended the process that waits for it.
    Killed,
    /// It used up its memory.
    OutOfMemory,
}

/// An action that is over.
pub(crate) struct Ended {
    pub end: End,
    pub elapsed: Duration,
    /// Whether nothing of it is left in the container.
    pub clean: bool,
}

/// Why there is no end.
pub(crate) enum Lost {
    /// The container is gone, or its runner is.
    Container(String),
    /// Something on this machine failed.
    Failed(ExecError),
}

/// How often is asked whether an action is still there.
const PING: Duration = Duration::from_secs(2);
/// How long the runner has to clean up.
const CLEAN: Duration = Duration::from_secs(30);

/// What is under way.
struct Running<'a> {
    container: &'a mut Container,
    token: String,
    streams: [Stream; 2],
    files: [File; 2],
    observer: &'a dyn Observer,
}

/// How long the runner has to remove files.
const WIPE: Duration = Duration::from_secs(60);

/// Has a container remove what an action left in its own folders; whether that worked. One that
/// cannot is ended.
pub(crate) async fn wipe(container: &mut Container) -> bool {
    let wiped = tokio::time::timeout(WIPE, wiped(container)).await;
    let wiped = matches!(wiped, Ok(Ok(true)));
    if !wiped {
        container.remove().await;
    }
    wiped
}

async fn wiped(container: &mut Container) -> io::Result<bool> {
    let token = token().map_err(io::Error::other)?;
    container.tell("wipe", &token).await?;
    let mut stream = Stream::new(&token);
    while let Some(next) = container.output.next().await {
        let next = next.map_err(io::Error::other)?;
        if let LogOutput::StdOut { message } = next
            && let Some(said) = stream.push(&message, |_| {}).first()
        {
            return Ok(said == "wiped");
        }
    }
    Ok(false)
}

/// What the runner said, on which stream.
struct Said {
    stderr: bool,
    text: String,
}

/// Runs a job that was written ([`Container::write_job`]).
pub(crate) async fn run(
    container: &mut Container,
    timeout: Option<Duration>,
    observer: &dyn Observer,
) -> Result<Ended, Lost> {
    let files = container.files.prepare(0).map_err(|error| {
        let folder = container.files.path();
        let diag = Diag::io("cannot prepare the scratch folder", folder, &error);
        Lost::Failed(ExecError::Failed(diag))
    })?;
    let token = token().map_err(|error| Lost::Failed(ExecError::Failed(error)))?;
    let mut running = Running {
        streams: [Stream::new(&token), Stream::new(&token)],
        token,
        container,
        files,
        observer,
    };
    let start = Instant::now();
    running.tell("run").await?;
    let end = match timeout {
        None => running.end().await?,
        Some(limit) => match tokio::time::timeout(limit, running.end()).await {
            Ok(end) => end?,
            Err(_) => End::TimedOut,
        },
    };
    let elapsed = start.elapsed();
    running.after(end, elapsed).await
}

impl Running<'_> {
    async fn tell(&mut self, verb: &str) -> Result<(), Lost> {
        let told = self.container.tell(verb, &self.token).await;
        told.map_err(|error| Lost::Container(error.to_string()))
    }

    /// Hands on what comes, until the runner says something.
    async fn said(&mut self) -> Result<Vec<Said>, Lost> {
        loop {
            let (stderr, bytes) = match self.container.output.next().await {
                Some(Ok(LogOutput::StdErr { message })) => (true, message),
                Some(Ok(message)) => (false, message.into_bytes()),
                Some(Err(error)) => return Err(Lost::Container(crate::client::say(&error))),
                None => return Err(Lost::Container("it ended".to_owned())),
            };
            let at = usize::from(stderr);
            let (file, observer) = (&mut self.files[at], self.observer);
            let mut written = Ok(());
            let said = self.streams[at].push(&bytes, |bytes| {
                if observer.wants_output() {
                    observer.output(bytes);
                }
                if written.is_ok() {
                    written = file.write_all(bytes);
                }
            });
            written.map_err(|error| {
                let folder = self.container.files.path();
                Lost::Failed(ExecError::Failed(unwritten(folder, &error)))
            })?;
            if !said.is_empty() {
                let said = said.into_iter().map(|text| Said { stderr, text });
                return Ok(said.collect());
            }
        }
    }

    /// Waits until the job is over and all of its output is there.
    async fn end(&mut self) -> Result<End, Lost> {
        let (mut code, mut all_of_stderr) = (None, false);
        loop {
            let said = match tokio::time::timeout(PING, self.said()).await {
                Ok(said) => said?,
                Err(_) => {
                    self.tell("ping").await?;
                    continue;
                }
            };
            for said in said {
                match (said.stderr, said.text.as_str()) {
                    (true, _) => all_of_stderr = true,
                    (false, "there") => {}
                    // It would have said its code before.
                    (false, "gone") if code.is_none() => return Ok(End::Killed),
                    (false, "gone") => {}
                    (false, text) => code = text.parse().ok().or(code),
                }
            }
            if let (Some(code), true) = (code, all_of_stderr) {
                return Ok(End::Code(code));
            }
        }
    }

    /// Sees to it that nothing of the job goes on.
    async fn after(mut self, end: End, elapsed: Duration) -> Result<Ended, Lost> {
        self.flush()?;
        let cleaned = match end {
            End::TimedOut => None,
            _ => {
                self.tell("clean").await?;
                // What comes now was written by processes that outlived the job.
                tokio::time::timeout(CLEAN, self.cleaned()).await.ok()
            }
        };
        let Some((clean, ooms)) = cleaned.transpose()? else {
            self.container.remove().await;
            let clean = false;
            return Ok(Ended {
                end,
                elapsed,
                clean,
            });
        };
        let end = match ooms > self.container.ooms {
            true => End::OutOfMemory,
            false => end,
        };
        self.container.ooms = ooms;
        if !clean {
            self.container.remove().await;
        }
        Ok(Ended {
            end,
            elapsed,
            clean,
        })
    }

    /// What was held back as the possible beginning of the runner's words was none.
    fn flush(&mut self) -> Result<(), Lost> {
        for (stream, file) in self.streams.iter().zip(&mut self.files) {
            file.write_all(stream.rest()).map_err(|error| {
                let folder = self.container.files.path();
                Lost::Failed(ExecError::Failed(unwritten(folder, &error)))
            })?;
        }
        Ok(())
    }

    async fn cleaned(&mut self) -> Result<(bool, u64), Lost> {
        self.observer = &();
        loop {
            for said in self.said().await? {
                if let Some((state, ooms)) = said.text.split_once(' ') {
                    return Ok((state == "clean", ooms.parse().unwrap_or(0)));
                }
            }
        }
    }
}

fn unwritten(folder: &Path, error: &io::Error) -> Diag {
    Diag::io("cannot write what an action says into", folder, error)
}
