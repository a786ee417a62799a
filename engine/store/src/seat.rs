//! Who answers for the index: this process as its owner, another process, or nobody.
//!
//! It is found out when the index is first needed, and again when the owner goes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use kiln_diag::Diag;
use parking_lot::{Mutex, RwLock};

use crate::lockfile::LockFile;
use crate::owner::{Home, Owner};
use crate::service::{Reply, Service, Trouble};

/// Where the requests of this process go.
#[derive(Clone)]
pub(crate) enum Seat {
    /// This process owns the index.
    Owner(Arc<Owner>),
    /// Nobody can be asked; when that was found.
    Alone(Instant),
}

/// Finds the seat when it is needed.
pub(crate) struct Election {
    home: Home,
    seat: RwLock<Option<Seat>>,
    electing: Mutex<()>,
}

impl Election {
    pub(crate) fn new(home: Home) -> Election {
        Election {
            home,
            seat: RwLock::new(None),
            electing: Mutex::new(()),
        }
    }

    /// The seat, if it has been needed so far.
    pub(crate) fn present(&self) -> Option<Seat> {
        self.seat.read().clone()
    }

    /// The seat; finds it out first, which may take as long as opening the index.
    pub(crate) fn seat(&self) -> Seat {
        if let Some(seat) = self.present() {
            return seat;
        }
        let _one = self.electing.lock();
        if let Some(seat) = self.present() {
            return seat;
        }
        self.elect()
    }

    fn elect(&self) -> Seat {
        let seat = match LockFile::try_acquire(&self.home.root) {
            Ok(Some(lock)) => match Owner::new(self.home.clone(), lock, PathBuf::new()) {
                Ok(owner) => Seat::Owner(Arc::new(owner)),
                Err(error) => self.alone(&error),
            },
            Ok(None) => Seat::Alone(Instant::now()),
            Err(error) => self.alone(&error),
        };
        *self.seat.write() = Some(seat.clone());
        if let Seat::Owner(owner) = &seat {
            owner.open_index();
        }
        seat
    }

    fn alone(&self, why: &Diag) -> Seat {
        self.home.warnings.add(crate::message::no_index(why));
        Seat::Alone(Instant::now())
    }

    /// Asks whoever answers for the index; `None` when nobody does.
    pub(crate) fn ask<T>(
        &self,
        request: impl Fn(&dyn Service) -> Reply<T>,
    ) -> Option<Result<T, Diag>> {
        loop {
            let result = match self.seat() {
                Seat::Owner(owner) => request(&*owner),
                Seat::Alone(_) => return None,
            };
            match result {
                Ok(value) => return Some(Ok(value)),
                Err(Trouble::Failed(error)) => return Some(Err(error)),
                Err(Trouble::OwnerGone) => {}
            }
        }
    }

    /// Gives the index back, if this process owns it.
    pub(crate) fn close(&self) {
        let _one = self.electing.lock();
        if let Some(Seat::Owner(owner)) = self.seat.write().take() {
            owner.close();
        }
    }
}
