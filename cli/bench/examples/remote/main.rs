//! kiln and Bazel as clients of the same servers, in one run: `bash .ci/bench-remote`, which is
//! `cargo run --release -p kiln-bench --example remote -- KILN [ACTIONS] [ROUNDS]`.
//!
//! The servers are BuildGrid and `kiln serve`. A tree of genrules is built with nothing known; with inputs
//! that the server has, of actions that it does not know; and by a checkout that has nothing but the
//! server, which knows all. Between client and server there is a proxy that
//! counts. Prints a table in Markdown.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "it prints a table"
)]

mod proxy;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use kiln_bench::{Flavour, Form, Tree};
use kiln_testkit::{BuildGrid, Security, Serve};
use tempfile::TempDir;

use proxy::{Proxy, Traffic};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// What the server knows before a build.
const BUILDS: [&str; 3] = ["nothing known", "inputs known", "all known"];

/// Actions at a time, for both clients.
const JOBS: &str = "--jobs=16";

/// A client in a folder of its own.
struct Client {
    bazel: Option<PathBuf>,
    program: PathBuf,
    folder: TempDir,
}

/// One build.
struct Run {
    time: Duration,
    traffic: Traffic,
}

fn main() -> Fallible<()> {
    let mut words = std::env::args().skip(1);
    let kiln = PathBuf::from(words.next().ok_or("where is kiln?")?).canonicalize()?;
    let actions: usize = words.next().map_or(Ok(100), |n| n.parse())?;
    let rounds: usize = words.next().map_or(Ok(3), |n| n.parse())?;
    let grid = BuildGrid::start(Security::None).ok_or("BuildGrid is needed")?;
    let serve = Serve::start(kiln.to_str().ok_or("a path")?, &["--jobs=4"]);
    let clients = [Client::kiln(&kiln, actions)?, Client::bazel(actions)?];
    println!(
        "{actions} genrules in 8 layers, {rounds} rounds, `{JOBS}`, medians (least to most).\n"
    );
    println!(
        "| server | build | client | wall s | actions/s | calls/action | kB sent/action | kB received/action |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (name, address) in [
        ("BuildGrid", grid.address()),
        ("`kiln serve`", serve.address().to_owned()),
    ] {
        let port = address.rsplit(':').next().ok_or("a port")?.parse()?;
        let proxy = Proxy::start(port)?;
        let mut found = measured(name, &proxy, &clients, actions, rounds)?;
        for (phase, build) in BUILDS.iter().enumerate() {
            for (client, runs) in clients.iter().zip(&mut found) {
                let row = row(&mut runs[phase], actions);
                println!("| {name} | {build} | {} | {row} |", client.name());
            }
        }
    }
    Ok(())
}

/// The runs of each client, for each of [`BUILDS`].
fn measured(
    name: &str,
    proxy: &Proxy,
    clients: &[Client; 2],
    actions: usize,
    rounds: usize,
) -> Fallible<[[Vec<Run>; 3]; 2]> {
    let mut found: [[Vec<Run>; 3]; 2] = Default::default();
    // The first round warms up, and does not count.
    for round in 0..=rounds {
        for (client, runs) in clients.iter().zip(&mut found) {
            let salt = format!("{name}{round}").replace(['`', ' '], "");
            client.salt(&salt)?;
            let first = (format!("--action_env=ROUND={salt}"), actions, 0);
            let second = (format!("--action_env=AGAIN={salt}"), actions, 0);
            let third = (second.0.clone(), 0, actions);
            for (phase, (flag, run, known)) in [first, second, third].iter().enumerate() {
                client.forget()?;
                client.prepare(&proxy.address(), flag)?;
                let measured = client.measure(proxy, flag, *run, *known)?;
                let (what, client) = (BUILDS[phase], client.name());
                eprintln!(
                    "{name}, {what}, {client}, round {round}: {:?}",
                    measured.time
                );
                if round > 0 {
                    runs[phase].push(measured);
                }
            }
        }
    }
    Ok(found)
}

fn row(runs: &mut [Run], actions: usize) -> String {
    runs.sort_by_key(|run| run.time);
    let seconds = |run: &Run| run.time.as_secs_f64();
    let (least, middle, most) = (&runs[0], &runs[runs.len() / 2], &runs[runs.len() - 1]);
    let each = |number: u64| number as f64 / actions as f64;
    format!(
        "{:.2} ({:.2} to {:.2}) | {:.1} | {:.2} | {:.1} | {:.1}",
        seconds(middle),
        seconds(least),
        seconds(most),
        actions as f64 / seconds(middle),
        each(middle.traffic.calls),
        each(middle.traffic.sent) / 1_000.0,
        each(middle.traffic.received) / 1_000.0
    )
}

impl Client {
    fn kiln(program: &Path, actions: usize) -> Fallible<Client> {
        Client::new(program.to_owned(), false, actions)
    }

    fn bazel(actions: usize) -> Fallible<Client> {
        let candidates = ["/usr/bin/bazel-4", "/usr/bin/bazel"];
        let found = candidates.into_iter().find(|path| Path::new(path).exists());
        let program = found.ok_or("Bazel is needed: Debian has it in `bazel-bootstrap`")?;
        Client::new(PathBuf::from(program), true, actions)
    }

    fn new(program: PathBuf, bazel: bool, actions: usize) -> Fallible<Client> {
        let folder = TempDir::new()?;
        let root = folder.path().join("repo");
        Tree::new(Flavour::Genrule, actions, 1)
            .write(Form::Build, &root)
            .map_err(|error| error.render())?;
        let rc = match bazel {
            true => {
                let state = folder.path().join("state");
                Some(kiln_bench::bazel_rc(&state).map_err(|error| error.render())?)
            }
            false => None,
        };
        Ok(Client {
            bazel: rc,
            program,
            folder,
        })
    }

    fn name(&self) -> &'static str {
        match self.bazel {
            Some(_) => "Bazel 4.2.3",
            None => "kiln",
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        if let Some(rc) = &self.bazel {
            command.args(["--nohome_rc", "--noworkspace_rc"]);
            command.arg(format!("--bazelrc={}", rc.display()));
        }
        command
            .args(words)
            .current_dir(self.folder.path().join("repo"))
            .env("HOME", self.folder.path())
            .env("KILN_CACHE_DIR", self.folder.path().join("cache"));
        command
    }

    /// Gives all sources contents that no server has seen.
    fn salt(&self, salt: &str) -> Fallible<()> {
        let mut folders = vec![self.folder.path().join("repo")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let (entry, path) = entry.map(|entry| (entry.file_type(), entry.path()))?;
                // Links are to outputs.
                if entry?.is_dir() && !path.ends_with("kiln-out") {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "txt") {
                    let name = path.file_name().unwrap_or_default().display().to_string();
                    fs::write(&path, format!("{salt} {name}\n"))?;
                }
            }
        }
        Ok(())
    }

    /// A checkout without outputs and without a local cache. Bazel's server goes on.
    fn forget(&self) -> Fallible<()> {
        if self.bazel.is_some() {
            self.command(&["clean"]).output()?;
            return Ok(());
        }
        for path in ["cache", "repo/kiln-out"] {
            let path = self.folder.path().join(path);
            if path.symlink_metadata().is_ok() {
                match path.is_symlink() {
                    true => fs::remove_file(path)?,
                    false => fs::remove_dir_all(path)?,
                }
            }
        }
        Ok(())
    }

    /// In Bazel's favour: its server is there, and has loaded and analyzed everything.
    fn prepare(&self, address: &str, salt: &str) -> Fallible<()> {
        if self.bazel.is_some() {
            let remote = format!("--remote_executor={address}");
            let words = [
                "build",
                "--nobuild",
                "//...",
                &remote,
                "--spawn_strategy=remote",
                JOBS,
                salt,
            ];
            let output = self.command(&words).output()?;
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into());
            }
        }
        Ok(())
    }

    /// One build, of which so many actions must run and so many be known.
    fn measure(&self, proxy: &Proxy, salt: &str, run: usize, known: usize) -> Fallible<Run> {
        let remote = format!("--remote_executor={}", proxy.address());
        let mut words = vec!["build", "//...", &remote, JOBS, salt];
        words.push(match self.bazel {
            Some(_) => "--spawn_strategy=remote",
            None => "--format=json",
        });
        let (before, start) = (proxy.traffic(), Instant::now());
        let output = self.command(&words).output()?;
        let time = start.elapsed();
        let traffic = proxy.traffic().since(before);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout).into_owned(),
            String::from_utf8_lossy(&output.stderr).into_owned(),
        );
        let wanted = match (&self.bazel, known) {
            (None, _) => vec![
                format!("\"executed\":{run}"),
                format!("\"remote_cache\":{known}"),
            ],
            (Some(_), 0) => vec![format!("{run} remote")],
            (Some(_), known) => vec![format!("{known} remote cache hit")],
        };
        let all = format!("{out}{err}");
        let as_wanted = wanted.iter().all(|text| all.contains(text));
        match output.status.success() && as_wanted {
            true => Ok(Run { time, traffic }),
            false => Err(format!("{} does not say {wanted:?}:\n{all}", self.name()).into()),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        if self.bazel.is_some() {
            // One that cannot be ended ends by itself, after a while.
            let _ = self.command(&["shutdown"]).output();
        }
    }
}
