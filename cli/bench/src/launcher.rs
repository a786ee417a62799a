//! The small process that starts a tool's commands.
//!
//! It joins the tool's control group before it starts anything, so that nothing has to be moved
//! between groups while the clock runs, and what this program does meanwhile is not counted there.
//! The two sides talk in lines of JSON.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use kiln_diag::{Diag, io_text};
use serde_json::{Value, json};

/// The first argument of this program that makes it a launcher.
pub const ARGUMENT: &str = "--launch";

/// How a command ended.
pub(crate) struct Ended {
    /// From before it was started until it was waited for.
    pub(crate) wall: Duration,
    /// `None` if a signal ended it.
    pub(crate) code: Option<i32>,
}

/// The other side: a launcher in a folder.
pub(crate) struct Launcher {
    child: Child,
    requests: Option<ChildStdin>,
    answers: Receiver<String>,
    stdout: PathBuf,
    stderr: PathBuf,
}

/// Where launchers are started, and with what.
pub(crate) struct Place<'a> {
    /// The working folder of all commands.
    pub(crate) folder: &'a Path,
    /// Their whole environment.
    pub(crate) environment: &'a [(String, String)],
    /// Where what they print is kept: a folder.
    pub(crate) logs: &'a Path,
    /// The file to join a control group by.
    pub(crate) door: Option<PathBuf>,
}

impl Launcher {
    /// Starts a launcher and waits until it is in its group.
    ///
    /// # Errors
    /// When it cannot be started or may not join the group.
    pub(crate) fn start(place: &Place<'_>) -> Result<Launcher, Diag> {
        let program = std::env::current_exe()
            .map_err(|error| Diag::environment(format!("own program: {}", io_text(&error))))?;
        let mut child = Command::new(&program)
            .arg(ARGUMENT)
            .args(&place.door)
            .current_dir(place.folder)
            .env_clear()
            .envs(place.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| Diag::io("cannot start", &program, &error))?;
        let (sender, answers) = channel();
        if let Some(stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                    if sender.send(line).is_err() {
                        break;
                    }
                }
            });
        }
        let launcher = Launcher {
            requests: child.stdin.take(),
            child,
            answers,
            stdout: place.logs.join("stdout"),
            stderr: place.logs.join("stderr"),
        };
        let greeting = launcher.answers.recv().unwrap_or_default();
        parse(&greeting)?;
        Ok(launcher)
    }

    /// Starts a command and waits for its end. Meanwhile `watch` is called, ever more seldom.
    ///
    /// # Errors
    /// When the command cannot be started.
    pub(crate) fn run(&mut self, words: &[String], mut watch: impl FnMut()) -> Result<Ended, Diag> {
        let request = json!({"words": words, "stdout": self.stdout, "stderr": self.stderr});
        let gone = || Diag::internal("the process that starts commands is gone");
        let requests = self.requests.as_mut().ok_or_else(gone)?;
        writeln!(requests, "{request}").map_err(|_| gone())?;
        let start = Instant::now();
        loop {
            match self.answers.recv_timeout(pause(start.elapsed())) {
                Ok(line) => return ended(&parse(&line)?),
                Err(RecvTimeoutError::Timeout) => watch(),
                Err(RecvTimeoutError::Disconnected) => return Err(gone()),
            }
        }
    }

    /// What the last command wrote to standard output.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn stdout(&self) -> Result<String, Diag> {
        text(&self.stdout)
    }

    /// What the last command wrote to standard error.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn stderr(&self) -> Result<String, Diag> {
        text(&self.stderr)
    }
}

impl Drop for Launcher {
    fn drop(&mut self) {
        // The end of its input ends it.
        self.requests = None;
        let _ = self.child.wait();
    }
}

/// How long to wait until the next look: a twentieth of the time so far, so that what is missed at
/// the end is a small part, while long builds are hardly disturbed. The shortest commands take two
/// milliseconds.
fn pause(elapsed: Duration) -> Duration {
    (elapsed / 20).clamp(Duration::from_micros(300), Duration::from_millis(20))
}

fn text(path: &Path) -> Result<String, Diag> {
    let bytes = fs::read(path).map_err(|error| Diag::io("cannot read", path, &error))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn parse(line: &str) -> Result<Value, Diag> {
    let answer: Value = serde_json::from_str(line)
        .map_err(|_| Diag::internal("the process that starts commands does not answer"))?;
    match answer["error"].as_str() {
        Some(error) => Err(Diag::environment(error)),
        None => Ok(answer),
    }
}

fn ended(answer: &Value) -> Result<Ended, Diag> {
    let wall = answer["nanoseconds"].as_u64();
    let wall = wall.ok_or_else(|| Diag::internal("a command without its time"))?;
    Ok(Ended {
        wall: Duration::from_nanos(wall),
        code: answer["code"].as_i64().map(|code| code as i32),
    })
}

/// The launcher itself: joins a group, then runs what it is told until its input ends.
///
/// # Errors
/// When the other side is gone.
pub fn serve(door: Option<&Path>) -> io::Result<()> {
    let mut answers = io::stdout().lock();
    let joined = door.map_or(Ok(()), |door| fs::write(door, "0"));
    let greeting = match joined {
        Ok(()) => json!({}),
        Err(error) => json!({"error": format!("cannot join a control group: {}", io_text(&error))}),
    };
    writeln!(answers, "{greeting}")?;
    for line in io::stdin().lock().lines() {
        let answer = match start(&line?) {
            Ok(answer) => answer,
            Err(error) => json!({"error": error}),
        };
        writeln!(answers, "{answer}")?;
        answers.flush()?;
    }
    Ok(())
}

fn start(request: &str) -> Result<Value, String> {
    let request: Value = serde_json::from_str(request).map_err(|error| error.to_string())?;
    let words: Vec<&str> = match request["words"].as_array() {
        Some(words) => words.iter().filter_map(Value::as_str).collect(),
        None => Vec::new(),
    };
    let (program, arguments) = words.split_first().ok_or("an empty command")?;
    let file = |name: &str| {
        let path = request[name].as_str().unwrap_or_default();
        File::create(path).map_err(|error| format!("cannot write `{path}`: {}", io_text(&error)))
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file("stdout")?)
        .stderr(file("stderr")?);
    let begin = Instant::now();
    let status = command.spawn().and_then(|mut child| child.wait());
    let wall = begin.elapsed();
    let status =
        status.map_err(|error| format!("cannot start `{program}`: {}", io_text(&error)))?;
    Ok(json!({"nanoseconds": wall.as_nanos() as u64, "code": status.code()}))
}
