//! Serving other processes of the user: a thread that accepts, and one for each connection.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use super::Owner;
use crate::service::{Service as _, Trouble};
use crate::socket;
use crate::wire::{self, Request, Response, VERSION};

/// More connections than this are closed at once; the other end goes on without the index.
const MOST_CONNECTIONS: usize = 512;
/// How long a new connection may take to say who it is.
const HELLO_PATIENCE: Duration = Duration::from_secs(5);
/// How long a request waits for the index to be opened before it is told to ask again.
const OPENING_PATIENCE: Duration = Duration::from_millis(500);

/// The listening side, until it is stopped.
pub(crate) struct Server {
    shared: Arc<Shared>,
    path: PathBuf,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    owner: Arc<Owner>,
    listener: UnixListener,
    stopping: AtomicBool,
    connections: Mutex<FxHashMap<u64, Connection>>,
}

/// A connection as others see it: its thread has the stream too.
struct Connection {
    stream: UnixStream,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts to serve. Requests are told to wait until the owner has opened the index.
    pub(crate) fn start(
        owner: Arc<Owner>,
        listener: UnixListener,
        path: PathBuf,
    ) -> io::Result<Server> {
        let shared = Arc::new(Shared {
            owner,
            listener,
            stopping: AtomicBool::new(false),
            connections: Mutex::default(),
        });
        let accepting = spawn("kiln-store-accept", {
            let shared = Arc::clone(&shared);
            move || accept(&shared)
        })?;
        Ok(Server {
            shared,
            path,
            accepting: Some(accepting),
        })
    }

    /// Ends all connections and waits for what they are doing; then nobody but the caller uses
    /// the owner.
    pub(crate) fn stop(mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        // Wakes the accepting thread.
        let _ = rustix::net::shutdown(&self.shared.listener, rustix::net::Shutdown::Both);
        if let Some(thread) = self.accepting.take() {
            let _ = thread.join();
        }
        let connections = std::mem::take(&mut *self.shared.connections.lock());
        for connection in connections.values() {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
        for connection in connections.into_values() {
            let _ = connection.thread.map(JoinHandle::join);
        }
        let _ = std::fs::remove_file(&self.path);
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(run)
}

fn accept(shared: &Arc<Shared>) {
    for number in 0.. {
        let accepted = shared.listener.accept();
        if shared.stopping.load(Ordering::SeqCst) {
            return;
        }
        match accepted {
            Ok((stream, _)) if socket::is_same_user(&stream) => {
                // Whoever is not served finds the connection closed, and goes without.
                let _ = admit(shared, number, stream);
            }
            Ok(_) => {}
            // Out of descriptors, most likely; they come back when something ends.
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn admit(shared: &Arc<Shared>, number: u64, stream: UnixStream) -> io::Result<()> {
    let mut connections = shared.connections.lock();
    if connections.len() >= MOST_CONNECTIONS {
        return Ok(());
    }
    let connection = Connection {
        stream: stream.try_clone()?,
        thread: None,
    };
    connections.insert(number, connection);
    let thread = spawn("kiln-store-serve", {
        let shared = Arc::clone(shared);
        move || {
            let _ = serve(&shared.owner, stream);
            shared.connections.lock().remove(&number);
        }
    });
    match (thread, connections.get_mut(&number)) {
        (Ok(thread), Some(connection)) => connection.thread = Some(thread),
        (Err(error), _) => {
            connections.remove(&number);
            return Err(error);
        }
        _ => {}
    }
    Ok(())
}

fn serve(owner: &Arc<Owner>, mut stream: UnixStream) -> io::Result<()> {
    stream.set_read_timeout(Some(HELLO_PATIENCE))?;
    stream.set_write_timeout(Some(HELLO_PATIENCE))?;
    let hello = wire::receive(&mut stream)?;
    let Some(Request::Hello { version, user }) = hello.as_deref().and_then(Request::decode) else {
        return Ok(());
    };
    let answer = Response::Hello {
        version: VERSION,
        pid: std::process::id(),
    };
    // The session begins before the other end hears that it has.
    owner.sessions.enter(user);
    let result = wire::send(&mut stream, &answer.encode()).and_then(|()| match version {
        VERSION => serve_session(owner, user, &mut stream),
        _ => Ok(()),
    });
    owner.sessions.leave(user);
    result
}

fn serve_session(owner: &Arc<Owner>, user: u64, stream: &mut UnixStream) -> io::Result<()> {
    stream.set_read_timeout(None)?;
    while let Some(body) = wire::receive(stream)? {
        let Some(request) = Request::decode(&body) else {
            return Ok(());
        };
        let response = answer(owner, user, request);
        wire::send(stream, &response.encode())?;
    }
    Ok(())
}

fn answer(owner: &Arc<Owner>, user: u64, request: Request) -> Response {
    let sessions = &owner.sessions;
    match request {
        Request::Use(hashes) => sessions.use_blobs(user, hashes),
        Request::Pin { on, hashes } => sessions.pin(user, &hashes, on),
        Request::Forget => sessions.forget_uses(user),
        Request::Register => sessions.register(user),
        other if owner.is_open_within(OPENING_PATIENCE) => return answer_from_index(owner, other),
        _ => return Response::Opening,
    }
    Response::Done
}

fn answer_from_index(owner: &Arc<Owner>, request: Request) -> Response {
    let result = match request {
        Request::Action(key) => owner.action(&key).map(Response::Row),
        Request::Write(items) => owner.write(&items).map(|()| {
            owner.collect_if_needed();
            Response::Done
        }),
        Request::Gc { target } => owner.gc(target).map(Response::Gc),
        Request::Verify => owner.verify().map(Response::Verify),
        Request::Stats => owner.stats().map(Response::Stats),
        _ => Ok(Response::Done),
    };
    result.unwrap_or_else(|trouble| match trouble {
        Trouble::Failed(error) => Response::Failed(error),
        Trouble::OwnerGone => Response::Opening,
    })
}
