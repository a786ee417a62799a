//! Versions, sessions' numbers, and for whom a result holds.

use std::fmt;

/// One batch of changes of leaves. Every session reads exactly one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(u64);

impl Version {
    /// The version of a graph to which nothing has been reported yet.
    pub(crate) const FIRST: Version = Version(1);
    /// Later than every version: "still valid".
    pub(crate) const FOREVER: Version = Version(u64::MAX);
    /// Before every version: the start of what was never seen to change.
    pub(crate) const ORIGIN: Version = Version(0);

    pub(crate) fn next(self) -> Version {
        Version(self.0.saturating_add(1))
    }

    pub(crate) fn previous(self) -> Version {
        Version(self.0.saturating_sub(1))
    }

    pub(crate) fn to_raw(self) -> u64 {
        self.0
    }

    pub(crate) fn from_raw(raw: u64) -> Version {
        Version(raw)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells the sessions of one graph apart; later sessions have greater numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(u32);

impl SessionId {
    /// No session's number; before all of them.
    pub(crate) const NONE: SessionId = SessionId(0);

    pub(crate) fn next(self) -> SessionId {
        SessionId(self.0.saturating_add(1))
    }

    /// The session `count` before this one.
    pub(crate) fn back(self, count: u32) -> SessionId {
        SessionId(self.0.saturating_sub(count))
    }
}

/// Who reads: a session and the version it is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    pub(crate) session: SessionId,
    pub(crate) version: Version,
}

/// For whom a result holds: a range of versions, both ends included, and perhaps one session only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Validity {
    pub(crate) from: Version,
    /// `FOREVER` for a clean result; pushed dirt lowers it to the last version before the change.
    pub(crate) until: Version,
    /// `SessionId::NONE` when every session may read it.
    pub(crate) only: SessionId,
    /// Whether something uncacheable is behind `only`: then not even an error is passed on to
    /// other sessions that waited for it.
    pub(crate) volatile: bool,
}

impl Validity {
    pub(crate) fn covers(&self, reader: Reader) -> bool {
        self.from <= reader.version
            && reader.version <= self.until
            && (self.only == SessionId::NONE || self.only == reader.session)
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.until == Version::FOREVER
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.only == SessionId::NONE
    }

    /// Ends validity after `last`, unless it ends sooner.
    pub(crate) fn end_at(&mut self, last: Version) {
        self.until = self.until.min(last);
    }
}
