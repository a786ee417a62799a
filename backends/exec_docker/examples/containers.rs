//! What an action in a container costs over `docker exec` by hand, in one run:
//! `cargo run --release -p kiln-exec-docker --example containers -- IMAGE [ROUNDS]`. The image must be there.
//! Prints wall times (minimum and median) of one after the other, and their ratio to the command.

#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::error::Error;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kiln_base::{Digest, RelPath};
use kiln_exec_docker::{DockerConfig, DockerExecutor};
use kiln_process::{
    CacheScope, Description, DockerEnvironment, Environment, Executor, Platform, Process, Request,
};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, TreeBuilder};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let image = std::env::args().nth(1).ok_or("which image?")?;
    let rounds: usize = std::env::args().nth(2).map_or(Ok(50), |n| n.parse())?;
    let folder = tempfile::tempdir_in(std::env::current_dir()?)?;
    let store = Store::open(StoreConfig::new(folder.path().join("store")))?;
    let runtime = tokio::runtime::Runtime::new()?;
    let executor = {
        let _runtime = runtime.enter();
        let mut config = DockerConfig::new(folder.path(), std::env::current_dir()?);
        config.variables = std::env::vars().collect();
        DockerExecutor::new(config, store.clone())
    };
    let environment = Environment::Docker(DockerEnvironment {
        platform: Platform::host().ok_or("an unknown machine")?,
        image: Arc::from(image.as_str()),
    });
    let hand = ByHand::start(&image)?;
    let processes = [
        ("kiln, `true`, no inputs", process(&store, 0, false)?),
        ("kiln, `cp`, 1 input, 1 output", process(&store, 1, true)?),
        (
            "kiln, `cp`, 50 inputs, 1 output",
            process(&store, 50, true)?,
        ),
        (
            "kiln, `cp`, 500 inputs, 1 output",
            process(&store, 500, true)?,
        ),
    ];
    let start = Instant::now();
    runtime.block_on(run(&executor, &environment, &processes[0].1))?;
    println!(
        "first action, its container included: {} ms\n",
        start.elapsed().as_millis()
    );
    let mut times = vec![Vec::new(); processes.len() + 1];
    // In turns, so that whatever else the machine does meets them all.
    for _ in 0..rounds {
        times[0].push(timed(|| hand.exec())?);
        for (at, (_, process)) in processes.iter().enumerate() {
            let act = || runtime.block_on(run(&executor, &environment, process));
            times[at + 1].push(timed(act)?);
        }
    }
    println!("| action | wall min | wall median | median / by hand |");
    println!("| --- | --: | --: | --: |");
    let names = ["`docker exec`, `true`"].into_iter();
    let names = names.chain(processes.iter().map(|(name, _)| *name));
    let base = median(&mut times[0]);
    for (name, mut times) in names.zip(times) {
        let middle = median(&mut times);
        println!(
            "| {name} | {:.1} ms | {:.1} ms | {:.2} |",
            millis(times[0]),
            millis(middle),
            middle.as_secs_f64() / base.as_secs_f64()
        );
    }
    Ok(())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn timed(act: impl FnOnce() -> Fallible<()>) -> Fallible<Duration> {
    let start = Instant::now();
    act()?;
    Ok(start.elapsed())
}

/// A container that is kept and used with the `docker` command.
struct ByHand(String);

impl ByHand {
    fn start(image: &str) -> Fallible<ByHand> {
        let flags = [
            "run",
            "-d",
            "-i",
            "--rm",
            "--network",
            "none",
            "--cap-drop",
            "ALL",
        ];
        let output = Command::new("docker")
            .args(flags)
            .args([image, "/bin/sh"])
            .output()?;
        match output.status.success() {
            true => Ok(ByHand(String::from_utf8(output.stdout)?.trim().to_owned())),
            false => Err(String::from_utf8_lossy(&output.stderr).into()),
        }
    }

    fn exec(&self) -> Fallible<()> {
        let status = Command::new("docker")
            .args(["exec", &self.0, "true"])
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err("`docker exec` failed".into())
        }
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        // What is left of it is seen by `docker ps`.
        let _ = Command::new("docker")
            .args(["rm", "-f", &self.0])
            .stdout(Stdio::null())
            .status();
    }
}

fn process(store: &Store, inputs: u32, output: bool) -> Fallible<Process> {
    let mut builder = TreeBuilder::new();
    for number in 0..inputs {
        let digest = store.put_bytes(format!("contents {number}").as_bytes())?;
        let path = RelPath::new(format!("in/{}/{number}", number % 10))?;
        builder.add(
            &path,
            Node::File {
                digest,
                executable: false,
            },
        )?;
    }
    let argv = match output {
        true => vec!["cp", "in/0/0", "out/copy"],
        false => vec!["true"],
    };
    Ok(Process {
        argv: argv.into_iter().map(str::to_owned).collect(),
        env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
        workdir: RelPath::root(),
        inputs: builder.build(),
        outputs: match output {
            true => vec![RelPath::new("out/copy")?],
            false => Vec::new(),
        },
        timeout: None,
        network: false,
        platform: Default::default(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Session,
    })
}

async fn run(
    executor: &DockerExecutor,
    environment: &Environment,
    process: &Process,
) -> Fallible<()> {
    let request = Request {
        process,
        environment,
        action: Digest::EMPTY,
        describe: &Description::default(),
        slots: 1,
        exclusive: false,
        writable: false,
        optional_outputs: false,
        declared: None,
        reads: kiln_process::Reads::All,
        observer: &(),
    };
    let result = executor.execute(request).await?;
    if result.exit.success() {
        Ok(())
    } else {
        Err(format!("{result:?}").into())
    }
}
