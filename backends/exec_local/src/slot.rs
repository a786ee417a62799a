//! Worker zygotes and their folders, used by one action at a time.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use crate::config::NETWORK_ROOTS;
use crate::failure;
use crate::limits::{Group, Limiter};
use crate::trees::Trees;
use crate::unix;
use crate::unix::packet::{self, Receiver};
use crate::zygote::ZygoteServer;
use crate::zygote::wire::{self, Failure, Kill, Launch, Op, Reply, Setup, WireTier};
use kiln_base::Digest;
use kiln_exec_root::{Plan, Step};
use kiln_exec_root::{ScratchRoot, SlotFiles};
use kiln_process::{ExecError, Process};
use kiln_store::Store;
use parking_lot::Mutex;
use tokio::io::unix::AsyncFd;

/// A worker and its folders.
pub(crate) struct Slot {
    control: Arc<OwnedFd>,
    /// The same, watched by the runtime from the first reply on.
    watched: OnceLock<AsyncFd<Arc<OwnedFd>>>,
    network: bool,
    /// Its last action was told to die and has not been heard of since.
    pending: bool,
    /// Something was asked of it before.
    used: bool,
    /// The worker is gone.
    lost: bool,
    pub files: SlotFiles,
    /// What limits its actions.
    pub group: Group,
    /// Where its actions have their exec root.
    exec_root: String,
    /// What their working directories are relative to.
    work_root: String,
}

/// All workers that are free; more are made when there is none.
pub(crate) struct Pool {
    free: Mutex<Vec<Slot>>,
    scratch: ScratchRoot,
    pub trees: Arc<Trees>,
    zygotes: Arc<ZygoteServer>,
    limiter: Arc<Limiter>,
    /// All but the slot's own folder, its network and its group.
    setup: Setup,
}

impl Pool {
    pub(crate) fn new(
        scratch: ScratchRoot,
        trees: Arc<Trees>,
        zygotes: Arc<ZygoteServer>,
        limiter: Arc<Limiter>,
        setup: Setup,
    ) -> Pool {
        Pool {
            free: Mutex::new(Vec::new()),
            scratch,
            trees,
            zygotes,
            limiter,
            setup,
        }
    }

    /// A worker without an action, with the host's network or one of its own.
    pub(crate) async fn take(&self, network: bool) -> Result<Slot, ExecError> {
        let free = {
            let mut free = self.free.lock();
            let fits = |slot: &Slot| slot.network == network;
            let idle = free.iter().rposition(|slot| fits(slot) && !slot.pending);
            let found = idle.or_else(|| free.iter().rposition(fits));
            found.map(|at| free.swap_remove(at))
        };
        if let Some(mut slot) = free {
            if !slot.pending {
                return Ok(slot);
            }
            if slot.reply().await.is_ok() {
                slot.pending = false;
                return Ok(slot);
            }
        }
        let slot = self.start(network)?;
        match slot.reply().await? {
            Reply::Failed(failed) => Err(ExecError::Unavailable(failure::step(&failed))),
            _ => Ok(slot),
        }
    }

    /// Asks for a worker; it is ready when its first reply says so.
    fn start(&self, network: bool) -> Result<Slot, ExecError> {
        let failed = |error: io::Error| {
            let text = kiln_diag::io_text(&error);
            ExecError::Unavailable(kiln_diag::Diag::environment(format!(
                "cannot start a sandbox worker: {text}"
            )))
        };
        let files = self.scratch.slot().map_err(failed)?;
        let (ours, theirs) = packet::pair().map_err(failed)?;
        rustix::io::ioctl_fionbio(&ours, true).map_err(|error| failed(error.into()))?;
        let mut setup = self.setup.clone();
        let namespaces = matches!(setup.tier, WireTier::Namespaces { .. });
        let (group, limits) = self.limiter.group(namespaces).map_err(failed)?;
        setup.limits = limits;
        setup.scratch = files.path().to_string_lossy().into_owned();
        if network {
            setup.isolated_network = false;
            let more = NETWORK_ROOTS.iter().map(|root| (*root).to_owned());
            setup.roots.extend(more);
        }
        self.zygotes
            .new_worker(&setup, theirs.as_fd())
            .map_err(failed)?;
        Ok(Slot {
            control: Arc::new(ours),
            watched: OnceLock::new(),
            network,
            pending: false,
            used: false,
            lost: false,
            files,
            group,
            exec_root: setup.exec_root(),
            work_root: setup.work_root(),
        })
    }

    /// Goes through all steps of an action once, up to a program that does not exist, and tells
    /// which of them was refused. Blocks; needs no runtime.
    pub(crate) fn probe(&self) -> Result<Result<Slot, Failure>, ExecError> {
        let mut slot = self.start(false)?;
        if let Reply::Failed(failed) = slot.reply_blocking()? {
            return Ok(Err(failed));
        }
        slot.launch_probe()?;
        Ok(match slot.reply_blocking()? {
            Reply::Failed(failed) if failed.step == wire::Step::Exec => Ok(slot),
            Reply::Failed(failed) => Err(failed),
            _ => Err(Failure::new(wire::Step::Protocol, 0, "probe")),
        })
    }

    /// What its workers are limited by.
    pub(crate) fn limiter(&self) -> &Limiter {
        &self.limiter
    }

    /// Takes a worker back, unless it is lost.
    pub(crate) fn put(&self, slot: Slot) {
        if !slot.lost {
            self.free.lock().push(slot);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        // Actions that were told to die must be gone before their folders are removed.
        for slot in self.free.get_mut().iter().filter(|slot| slot.pending) {
            let _ = slot.reply_blocking();
        }
    }
}

impl Slot {
    /// Starts an action.
    pub(crate) fn launch(
        &mut self,
        process: &Process,
        plan: &Plan,
        store: &Store,
        settings: LaunchSettings,
    ) -> Result<(), ExecError> {
        let paths = blob_paths(plan, store)?;
        let mut paths = paths.iter().map(String::as_str);
        let argv: Vec<String> = process.argv.iter().map(|text| self.located(text)).collect();
        let env = process.env.iter();
        let launch = Launch {
            argv: argv.iter().map(String::as_str).collect(),
            env: env
                .map(|(name, value)| format!("{name}={}", self.located(value)))
                .collect(),
            workdir: process.workdir.as_str(),
            inputs: ops(&plan.inputs, &mut paths),
            writable: ops(&plan.writable, &mut paths),
            writable_root: settings.writable_root,
            timeout: process.timeout.map_or(0, |timeout| {
                u64::try_from(timeout.as_millis())
                    .unwrap_or(u64::MAX)
                    .max(1)
            }),
            grace: settings.grace,
            watch: settings.watch,
        };
        self.send(&launch, plan.scratch.len() as u32)
    }

    /// What the paths that its actions are given are relative to, as they see it: their exec root,
    /// or the workspace.
    pub(crate) fn work_root(&self) -> &str {
        &self.work_root
    }

    /// A text with the path of the exec root where it asks for it (PX-013).
    fn located(&self, text: &str) -> String {
        text.replace("{chroot}", &self.exec_root)
    }

    fn launch_probe(&mut self) -> Result<(), ExecError> {
        let launch = Launch {
            argv: vec!["/.kiln-probe"],
            env: Vec::new(),
            workdir: "",
            inputs: vec![Op::Dir("a")],
            writable: vec![Op::Keep("a"), Op::Scratch(0, ""), Op::Return("a")],
            writable_root: false,
            timeout: 0,
            grace: 0,
            watch: false,
        };
        self.send(&launch, 1)
    }

    fn send(&mut self, launch: &Launch<'_>, scratch: u32) -> Result<(), ExecError> {
        let body = postcard::to_stdvec(launch).map_err(|_| failure::lost())?;
        let files = self.files.prepare(scratch).map_err(|error| {
            ExecError::Failed(kiln_diag::Diag::io(
                "cannot prepare the scratch folder",
                self.files.path(),
                &error,
            ))
        })?;
        let fds = [files[0].as_fd(), files[1].as_fd()];
        if packet::send(self.control.as_fd(), &body, &fds).is_err() {
            self.lost = true;
            return Err(failure::lost());
        }
        self.used = true;
        Ok(())
    }

    /// Whether the worker died while it was idle: what was asked of it now was not begun.
    pub(crate) fn died_idle(&self) -> bool {
        self.lost && self.used
    }

    /// Waits for the next reply.
    pub(crate) async fn reply(&self) -> Result<Reply, ExecError> {
        let socket = self.watched()?;
        loop {
            let mut ready = socket.readable().await.map_err(|_| failure::lost())?;
            match ready.try_io(|socket| Receiver::of_short().receive(socket.get_ref().as_fd())) {
                Err(_would_block) => continue,
                Ok(Ok(Some(message))) => return decode(&message.body),
                Ok(_) => return Err(failure::lost()),
            }
        }
    }

    fn watched(&self) -> Result<&AsyncFd<Arc<OwnedFd>>, ExecError> {
        if let Some(socket) = self.watched.get() {
            return Ok(socket);
        }
        let socket = unix::readable(self.control.clone()).map_err(|_| failure::lost())?;
        Ok(self.watched.get_or_init(|| socket))
    }

    /// As [`Slot::reply`], for where no runtime is.
    pub(crate) fn reply_blocking(&self) -> Result<Reply, ExecError> {
        use rustix::event::{PollFd, PollFlags};
        let mut fds = [PollFd::new(&*self.control, PollFlags::IN)];
        while let Err(rustix::io::Errno::INTR) = rustix::event::poll(&mut fds, None) {}
        match Receiver::of_short().receive(self.control.as_fd()) {
            Ok(Some(message)) => decode(&message.body),
            _ => Err(failure::lost()),
        }
    }

    /// Has the running action killed; its reply is still to come.
    pub(crate) fn kill(&mut self) {
        let body = postcard::to_stdvec(&Kill).unwrap_or_default();
        // If the worker is gone, so is the action.
        let _ = packet::send(self.control.as_fd(), &body, &[]);
        self.pending = true;
    }
}

/// What of a launch is the executor's and not the process's.
#[derive(Clone, Copy)]
pub(crate) struct LaunchSettings {
    pub writable_root: bool,
    pub grace: u64,
    /// Whether files that it reads are told.
    pub watch: bool,
}

fn decode(body: &[u8]) -> Result<Reply, ExecError> {
    postcard::from_bytes(body).map_err(|_| failure::lost())
}

/// The folder that all blobs are in.
pub(crate) fn blob_folder(store: &Store) -> PathBuf {
    store.root().join("cas")
}

/// The paths of the plan's blobs below the store's folder, in the order of its steps.
fn blob_paths(plan: &Plan, store: &Store) -> Result<Vec<String>, ExecError> {
    let folder = blob_folder(store);
    let path = |digest: &Digest, executable: bool| {
        let path = store
            .blob_path(digest, executable)
            .ok_or(ExecError::MissingBlob(*digest))?;
        let inside = path
            .strip_prefix(&folder)
            .ok()
            .and_then(|path| path.to_str());
        inside.map(str::to_owned).ok_or_else(|| {
            ExecError::Failed(kiln_diag::Diag::internal(format!(
                "blob `{}` is outside of the store",
                path.display()
            )))
        })
    };
    let steps = plan.inputs.iter().chain(&plan.writable);
    steps
        .filter_map(|step| match step {
            Step::File(digest, executable, _) | Step::Copy(digest, executable, _) => {
                Some(path(digest, *executable))
            }
            _ => None,
        })
        .collect()
}

fn ops<'a>(steps: &'a [Step], paths: &mut impl Iterator<Item = &'a str>) -> Vec<Op<'a>> {
    // `blob_paths` gave one path for each step that has a blob.
    let mut blob = || paths.next().unwrap_or_default();
    steps
        .iter()
        .map(|step| match step {
            Step::Dir(at) => Op::Dir(at),
            Step::File(_, _, at) => Op::File(blob(), at),
            Step::Tree(name, at) => Op::Tree(name, at),
            Step::Link(target, at) => Op::Link(target, at),
            Step::Copy(_, executable, at) => Op::Copy {
                blob: blob(),
                at,
                executable: *executable,
            },
            Step::Keep(at) => Op::Keep(at),
            Step::Scratch(number, at) => Op::Scratch(*number, at),
            Step::WritableDir(at) => Op::WritableDir(at),
            Step::Return(at) => Op::Return(at),
        })
        .collect()
}
