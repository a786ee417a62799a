//! The index as another process owns it.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::cas::Hash;
use crate::front::Uses;
use crate::report::{GcReport, StoreStats, VerifyReport};
use crate::service::{Item, Reply, Service, Trouble};
use crate::socket;
use crate::wire::{self, Request, Response, VERSION};

/// Connections to the owner, one for each thread that asks at a time.
pub(crate) struct Client {
    path: PathBuf,
    user: u64,
    patience: Duration,
    idle: Mutex<Vec<UnixStream>>,
}

/// Why there is no connection.
#[derive(Debug)]
pub(crate) enum NoOwner {
    /// Nobody listens, or not yet.
    Absent,
    /// Somebody has the socket and does not answer.
    Silent,
    /// It is another version of kiln.
    OtherVersion,
}

/// Collecting and verifying take their time; a crash is noticed all the same.
const LONG: Duration = Duration::from_secs(3600);
/// Hashes in one message.
const MOST_HASHES: usize = 1 << 16;

impl Client {
    /// Connects to an owner. It knows nothing of this process's needs before
    /// [`Client::register`].
    ///
    /// It must say who it is within `hello`, and answer every request within `patience`.
    pub(crate) fn connect(
        path: PathBuf,
        user: u64,
        hello: Duration,
        patience: Duration,
    ) -> Result<Client, NoOwner> {
        let client = Client {
            path,
            user,
            patience,
            idle: Mutex::new(Vec::new()),
        };
        let stream = client.open(hello, patience)?;
        client.idle.lock().push(stream);
        Ok(client)
    }

    fn open(&self, hello_in: Duration, patience: Duration) -> Result<UnixStream, NoOwner> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => NoOwner::Silent,
            _ => NoOwner::Absent,
        };
        let mut stream = socket::connect(&self.path, hello_in).map_err(failed)?;
        let hello = Request::Hello {
            version: VERSION,
            user: self.user,
        };
        let answer = exchange(&mut stream, &hello).map_err(failed)?;
        match answer {
            Some(Response::Hello { version, .. }) if version == VERSION => {
                let set = stream
                    .set_read_timeout(Some(patience))
                    .and_then(|()| stream.set_write_timeout(Some(self.patience)));
                set.map(|()| stream).map_err(failed)
            }
            Some(Response::Hello { .. }) => Err(NoOwner::OtherVersion),
            _ => Err(NoOwner::Absent),
        }
    }

    /// Tells the owner all that this process needs so far.
    pub(crate) fn register(&self, uses: &Uses) -> Reply<()> {
        let (used, pinned) = uses.all();
        self.use_blobs(&used)?;
        self.pin(&pinned, true)?;
        self.done(&Request::Register)
    }

    /// Blobs that this process uses from now on. When it returns collection leaves them alone.
    pub(crate) fn use_blobs(&self, hashes: &[Hash]) -> Reply<()> {
        hashes
            .chunks(MOST_HASHES)
            .try_for_each(|part| self.done(&Request::Use(part.to_vec())))
    }

    /// Pins blobs, or takes their pins back.
    pub(crate) fn pin(&self, hashes: &[Hash], on: bool) -> Reply<()> {
        hashes.chunks(MOST_HASHES).try_for_each(|part| {
            self.done(&Request::Pin {
                on,
                hashes: part.to_vec(),
            })
        })
    }

    /// Forgets the uses so far.
    pub(crate) fn forget_uses(&self) -> Reply<()> {
        self.done(&Request::Forget)
    }

    /// Whether the owner has not closed the connection.
    pub(crate) fn is_alive(&self) -> bool {
        let idle = self.idle.lock();
        // Without an idle connection they are in use, and their users will notice.
        idle.first().is_none_or(|stream| !socket::is_closed(stream))
    }

    fn done(&self, request: &Request) -> Reply<()> {
        match self.call(request)? {
            Response::Done => Ok(()),
            _ => Err(Trouble::OwnerGone),
        }
    }

    fn call(&self, request: &Request) -> Reply<Response> {
        let idle = self.idle.lock().pop();
        let mut stream = match idle {
            Some(stream) => stream,
            None => self.open_again(self.patience)?,
        };
        let response = ask(&mut stream, request)?;
        // The connections kept are what the session with the owner lives by.
        self.idle.lock().push(stream);
        Ok(response)
    }

    /// For what takes its time: on a connection of its own.
    fn call_long(&self, request: &Request) -> Reply<Response> {
        ask(&mut self.open_again(LONG)?, request)
    }

    fn open_again(&self, patience: Duration) -> Reply<UnixStream> {
        self.open(self.patience, patience)
            .map_err(|_| Trouble::OwnerGone)
    }
}

/// Any failure of the connection, and any answer that makes no sense, is a gone owner: whoever
/// asked looks for the next one and asks again.
fn ask(stream: &mut UnixStream, request: &Request) -> Reply<Response> {
    loop {
        match exchange(stream, request) {
            Ok(Some(Response::Opening)) => {}
            Ok(Some(Response::Failed(error))) => return Err(Trouble::Failed(error)),
            Ok(Some(response)) => return Ok(response),
            Ok(None) | Err(_) => return Err(Trouble::OwnerGone),
        }
    }
}

fn exchange(stream: &mut UnixStream, request: &Request) -> io::Result<Option<Response>> {
    wire::send(stream, &request.encode())?;
    Ok(wire::receive(stream)?.and_then(|body| Response::decode(&body)))
}

impl Service for Client {
    fn action(&self, key: &Hash) -> Reply<Option<Bytes>> {
        match self.call(&Request::Action(*key))? {
            Response::Row(row) => Ok(row),
            _ => Err(Trouble::OwnerGone),
        }
    }

    fn write(&self, items: &[Item]) -> Reply<()> {
        self.done(&Request::Write(items.to_vec()))
    }

    fn gc(&self, target: u64) -> Reply<GcReport> {
        match self.call_long(&Request::Gc { target })? {
            Response::Gc(report) => Ok(report),
            _ => Err(Trouble::OwnerGone),
        }
    }

    fn verify(&self) -> Reply<VerifyReport> {
        match self.call_long(&Request::Verify)? {
            Response::Verify(report) => Ok(report),
            _ => Err(Trouble::OwnerGone),
        }
    }

    fn stats(&self) -> Reply<StoreStats> {
        match self.call_long(&Request::Stats)? {
            Response::Stats(stats) => Ok(stats),
            _ => Err(Trouble::OwnerGone),
        }
    }
}
