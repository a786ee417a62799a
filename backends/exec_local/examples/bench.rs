//! What a sandboxed action costs over a bare spawn: `cargo run --release -p kiln-exec-local
//! --example bench [ROUNDS [INPUTS]]`. Prints wall time (minimum and median) and processor time (user and
//! system, of kiln, its zygotes and the action) for one action, and its ratio to the bare spawn of
//! the same program. `cp` makes one output, which is hashed and stored.

#![allow(clippy::print_stdout, reason = "it prints a table")]

use std::error::Error;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kiln_base::{Digest, RelPath};
use kiln_exec_local::{LocalConfig, LocalExecutor, Sandbox, ZygoteServer};
use kiln_process::{CacheScope, Description, Environment, Executor, Process, Request};
use kiln_store::{Store, StoreConfig};
use kiln_tree::{Node, TreeBuilder};

type Fallible<T> = Result<T, Box<dyn Error>>;

fn main() -> Fallible<()> {
    let zygotes = Arc::new(ZygoteServer::start()?);
    let rounds: u32 = std::env::args().nth(1).map_or(Ok(400), |n| n.parse())?;
    let only: Option<u32> = std::env::args().nth(2).map(|n| n.parse()).transpose()?;
    let folder = tempfile::tempdir_in(std::env::current_dir()?)?;
    let store = Store::open(StoreConfig::new(folder.path().join("store")))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    println!("| action | wall min | wall median | cpu | cpu / bare |");
    println!("| --- | --: | --: | --: | --: |");
    let bare = measure(rounds, || {
        Command::new("/bin/true").env_clear().status()?;
        Ok(())
    })?;
    bare.print("bare spawn of `/bin/true`", &bare);
    let copy = folder.path().join("copy");
    let bare_copy = measure(rounds, || {
        Command::new("/bin/cp")
            .arg("/bin/true")
            .arg(&copy)
            .env_clear()
            .status()?;
        Ok(std::fs::remove_file(&copy)?)
    })?;
    bare_copy.print("bare spawn of `/bin/cp`", &bare_copy);
    for (sandbox, name) in [(Sandbox::Auto, "sandbox"), (Sandbox::Off, "plain folder")] {
        let mut config = LocalConfig::new(folder.path());
        config.sandbox = sandbox;
        let executor = LocalExecutor::new(config, store.clone(), zygotes.clone())?;
        let cases = [(0, false), (0, true), (50, true), (500, true), (5000, true)];
        for (inputs, output, top) in cases
            .map(|(inputs, output)| (inputs, output, ""))
            .into_iter()
            .chain([(5000, true, "top/")])
            .filter(|(inputs, ..)| only.is_none_or(|only| only == *inputs))
        {
            let process = process(&store, inputs, output, top)?;
            let rounds = (rounds / (1 + inputs / 500)).max(10);
            let cost = measure(rounds, || runtime.block_on(run(&executor, &process)))?;
            let (program, bare) = match output {
                true => ("cp", &bare_copy),
                false => ("true", &bare),
            };
            let whole = if top.is_empty() { "" } else { " in one folder" };
            cost.print(
                &format!("{name}, `{program}`, {inputs} inputs{whole}"),
                bare,
            );
        }
    }
    Ok(())
}

struct Cost {
    min: Duration,
    median: Duration,
    cpu: Duration,
}

impl Cost {
    fn print(&self, name: &str, bare: &Cost) {
        println!(
            "| {name} | {} µs | {} µs | {} µs | {:.1} |",
            self.min.as_micros(),
            self.median.as_micros(),
            self.cpu.as_micros(),
            self.cpu.as_secs_f64() / bare.cpu.as_secs_f64()
        );
    }
}

fn measure(rounds: u32, mut act: impl FnMut() -> Fallible<()>) -> Fallible<Cost> {
    for _ in 0..5 {
        act()?;
    }
    let before = processor_time()?;
    let mut times = Vec::new();
    for _ in 0..rounds {
        let start = Instant::now();
        act()?;
        times.push(start.elapsed());
    }
    let cpu = processor_time()?.saturating_sub(before) / rounds;
    times.sort();
    Ok(Cost {
        min: times[0],
        median: times[times.len() / 2],
        cpu,
    })
}

/// Of this process and all below it, the dead ones included.
fn processor_time() -> Fallible<Duration> {
    fn ticks(pid: u32) -> Fallible<u64> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let times = fields.split(' ').skip(11).take(4);
        let mut sum: u64 = times.map(|n| n.parse::<u64>().unwrap_or(0)).sum();
        let children = format!("/proc/{pid}/task/{pid}/children");
        for child in std::fs::read_to_string(children)?.split_whitespace() {
            sum += ticks(child.parse()?).unwrap_or(0);
        }
        Ok(sum)
    }
    // Linux counts 100 ticks a second for user space, whatever the kernel's own rate.
    Ok(Duration::from_millis(10 * ticks(std::process::id())?))
}

fn process(store: &Store, inputs: u32, output: bool, top: &str) -> Fallible<Process> {
    let mut builder = TreeBuilder::new();
    for i in 0..inputs {
        let content = format!("{i}\n").repeat(500);
        let digest = store.put_bytes(content.as_bytes())?;
        // A folder of 16 files and more is shown whole once it came up twice: `top` is one.
        let path = RelPath::new(format!("{top}src{}/file{i}.h", i / 10))?;
        let executable = false;
        builder.add(&path, Node::File { digest, executable })?;
    }
    let (argv, outputs): (&[&str], _) = match output {
        true => (
            &["/bin/cp", "/bin/true", "out/x"],
            vec![RelPath::new("out/x")?],
        ),
        false => (&["/bin/true"], Vec::new()),
    };
    Ok(Process {
        argv: argv.iter().map(|text| text.to_string()).collect(),
        env: Default::default(),
        workdir: RelPath::root(),
        inputs: builder.build(),
        outputs,
        timeout: None,
        network: false,
        platform: Default::default(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    })
}

async fn run(executor: &LocalExecutor, process: &Process) -> Fallible<()> {
    let describe = Description::default();
    let request = Request {
        process,
        environment: &Environment::Local,
        action: Digest::EMPTY,
        describe: &describe,
        slots: 1,
        exclusive: false,
        writable: false,
        optional_outputs: true,
        declared: None,
        reads: kiln_process::Reads::All,
        observer: &(),
    };
    let result = executor.execute(request).await?;
    match result.exit.success() && result.outputs.count() == process.outputs.len() {
        true => Ok(()),
        false => Err(format!("unexpected result {result:?}").into()),
    }
}
