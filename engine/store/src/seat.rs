//! Who answers for the index: this process as its owner, another process, or nobody.
//!
//! It is found out when the index is first needed, and again when the owner goes. Whoever gets
//! the lock of the store is the owner; the others find its socket in the lock's file. Losing an
//! owner loses nothing that it acknowledged, and what it has not is asked again of the next.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kiln_diag::Diag;
use parking_lot::{Mutex, RwLock};

use crate::cas::Hash;
use crate::client::{Client, NoOwner};
use crate::lockfile::{LockFile, State};
use crate::message;
use crate::owner::{Home, Owner, Server};
use crate::service::{Item, Reply, Service, Trouble};
use crate::socket;
use crate::writer::Sink;

/// Where the requests of this process go.
#[derive(Clone)]
enum Seat {
    /// This process owns the index.
    Owner(Arc<Owner>),
    /// Another process does, and knows what this one needs.
    Client(Arc<Client>),
    /// Nobody can be asked; when that was found.
    Alone(Instant),
}

/// Finds the seat when it is needed.
pub(crate) struct Election {
    home: Home,
    patience: Duration,
    socket_dir: Option<PathBuf>,
    seat: RwLock<Option<Seat>>,
    /// Held while the seat is being found; what it holds serves others, if this is the owner.
    electing: Mutex<Option<Server>>,
}

/// How long a new owner may take to listen, or to say that it cannot.
const TO_LISTEN: Duration = Duration::from_secs(1);
/// A process that found nobody looks again after this time.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

impl Election {
    pub(crate) fn new(home: Home, patience: Duration, socket_dir: Option<PathBuf>) -> Election {
        Election {
            home,
            patience,
            socket_dir,
            seat: RwLock::new(None),
            electing: Mutex::new(None),
        }
    }

    /// Asks whoever answers for the index, which is found out first; that may take as long as
    /// opening it. `None` when nobody does.
    pub(crate) fn ask<T>(
        &self,
        request: impl Fn(&dyn Service) -> Reply<T>,
    ) -> Option<Result<T, Diag>> {
        loop {
            let seat = self.seat();
            let result = match &seat {
                Seat::Owner(owner) => request(&**owner),
                Seat::Client(client) => request(&**client),
                Seat::Alone(_) => return None,
            };
            match result {
                Ok(value) => return Some(Ok(value)),
                Err(Trouble::Failed(error)) => return Some(Err(error)),
                Err(Trouble::OwnerGone) => self.leave(&seat),
            }
        }
    }

    /// Tells the owner, if it is another process, something about what this process needs. While
    /// there is no owner nothing need be told: it is registered with the next one, and until then
    /// this process's slot keeps anybody from collecting.
    pub(crate) fn tell(&self, what: impl FnOnce(&Client) -> Reply<()>) {
        let seat = self.seat.read().clone();
        if let Some(Seat::Client(client)) = &seat
            && what(client).is_err()
        {
            self.leave(&seat.unwrap_or(Seat::Alone(Instant::now())));
        }
    }

    /// Tells of blobs that are used from now on.
    pub(crate) fn use_blobs(&self, hashes: &[Hash]) {
        if !hashes.is_empty() {
            self.tell(|client| client.use_blobs(hashes));
        }
    }

    /// Whether whoever collects knows what this process needs.
    pub(crate) fn is_registered(&self) -> bool {
        !matches!(&*self.seat.read(), None | Some(Seat::Alone(_)))
    }

    /// Finds the seat now.
    pub(crate) fn take_seat(&self) {
        self.seat();
    }

    fn seat(&self) -> Seat {
        if let Some(seat) = &*self.seat.read() {
            return seat.clone();
        }
        let mut electing = self.electing.lock();
        if let Some(seat) = &*self.seat.read() {
            return seat.clone();
        }
        self.elect(&mut electing)
    }

    /// Gives up a seat whose owner is gone.
    fn leave(&self, gone: &Seat) {
        let mut seat = self.seat.write();
        if let (Some(Seat::Client(now)), Seat::Client(gone)) = (&*seat, gone)
            && Arc::ptr_eq(now, gone)
        {
            *seat = None;
        }
    }

    fn elect(&self, server: &mut Option<Server>) -> Seat {
        let begun = Instant::now();
        let until = begun + self.patience;
        let mut pause = Duration::from_millis(1);
        loop {
            match LockFile::try_acquire(&self.home.root) {
                Ok(Some(lock)) => return self.own(lock, server),
                Err(error) => return self.alone(&error),
                Ok(None) => {}
            }
            let state = State::read(&self.home.root).unwrap_or_default();
            let left = until.saturating_duration_since(Instant::now());
            let connected = Client::connect(
                state.socket.clone(),
                self.home.user,
                left.max(Duration::from_millis(1)),
                self.patience,
            );
            match connected {
                Ok(client) => {
                    if let Some(seat) = self.join(client) {
                        return seat;
                    }
                }
                Err(NoOwner::OtherVersion) => {
                    return self.alone(&message::owner_of_other_version(state.pid));
                }
                // Who has just become the owner has not yet written down its socket.
                Err(_) if state.socket.as_os_str().is_empty() && begun.elapsed() > TO_LISTEN => {
                    return self.alone(&message::owner_without_socket(state.pid));
                }
                Err(NoOwner::Absent | NoOwner::Silent) => {}
            }
            if Instant::now() >= until {
                return self.alone(&message::owner_silent(state.pid, self.patience));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    fn own(&self, lock: LockFile, server: &mut Option<Server>) -> Seat {
        let listening = socket::listen(&self.home.root, self.socket_dir.as_deref());
        let path = listening
            .as_ref()
            .map(|(_, path)| path.clone())
            .unwrap_or_default();
        let owner = match Owner::new(self.home.clone(), lock, path) {
            Ok(owner) => Arc::new(owner),
            Err(error) => return self.alone(&error),
        };
        if let Some((listener, path)) = listening {
            match Server::start(Arc::clone(&owner), listener, path) {
                Ok(started) => *server = Some(started),
                Err(error) => self
                    .home
                    .warnings
                    .add(message::no_thread(&error).into_warning()),
            }
        }
        // Published first, so that a use recorded from now on is not registered with anybody.
        let seat = Seat::Owner(Arc::clone(&owner));
        *self.seat.write() = Some(seat.clone());
        owner.open_index();
        seat
    }

    /// The seat is published before what is needed so far is registered: a use is recorded
    /// first and then told to the seat, so it is seen by one of the two.
    fn join(&self, client: Client) -> Option<Seat> {
        let client = Arc::new(client);
        let seat = Seat::Client(Arc::clone(&client));
        *self.seat.write() = Some(seat.clone());
        match client.register(&self.home.uses) {
            Ok(()) => Some(seat),
            Err(_) => {
                self.leave(&seat);
                None
            }
        }
    }

    fn alone(&self, why: &Diag) -> Seat {
        self.home.warnings.add(message::no_index(why));
        let seat = Seat::Alone(Instant::now());
        *self.seat.write() = Some(seat.clone());
        seat
    }

    /// Gives the index back, if this process owns it.
    pub(crate) fn close(&self) {
        let mut electing = self.electing.lock();
        let seat = self.seat.write().take();
        if let Some(server) = electing.take() {
            server.stop();
        }
        if let Some(Seat::Owner(owner)) = seat {
            owner.close();
        }
    }
}

impl Sink for Election {
    fn write(&self, batch: &[Item]) -> Result<(), Diag> {
        self.ask(|service| service.write(batch))
            .unwrap_or_else(|| Err(message::nobody_answers()))?;
        if let Some(Seat::Owner(owner)) = &*self.seat.read() {
            owner.collect_if_needed();
        }
        Ok(())
    }

    /// Looks for an owner when there is none: so that this process is registered with it, and
    /// that somebody takes over.
    fn idle(&self) {
        let seat = self.seat.read().clone();
        match &seat {
            Some(Seat::Client(client)) if !client.is_alive() => {
                self.leave(&Seat::Client(Arc::clone(client)));
                self.seat();
            }
            Some(Seat::Alone(since)) if since.elapsed() > LOOK_AGAIN => {
                // The others go on alone while this thread looks.
                self.elect(&mut self.electing.lock());
            }
            _ => {}
        }
    }
}
