//! Whether a server is worth asking: a circuit breaker.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Calls that fail in a row before the server is left alone for a while.
const ENOUGH: u32 = 3;
/// How long it is left alone at first; each time twice as long, up to [`LONGEST`].
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

/// Closed as long as calls go well; open after some failures in a row, when nobody asks; half open
/// after a while, when one call finds out.
#[derive(Debug, Default)]
pub(crate) struct Health {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Nobody asks before.
    until: Option<Instant>,
    pause: Duration,
    probing: bool,
}

impl Health {
    /// Whether a call may be made at that time. After a pause, one caller gets leave and finds
    /// out; the others are told no until it has.
    pub(crate) fn may_call(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        match state.until {
            None => true,
            Some(until) if now < until || state.probing => false,
            Some(_) => {
                state.probing = true;
                true
            }
        }
    }

    /// A call was answered, be it with a no.
    pub(crate) fn well(&self) {
        *self.state.lock() = State::default();
    }

    /// A call was given up before it came to anything: no news, and the next one may find out.
    pub(crate) fn unknown(&self) {
        self.state.lock().probing = false;
    }

    /// A call failed in a way that tells of an outage.
    pub(crate) fn failed(&self, now: Instant) {
        let mut state = self.state.lock();
        state.failures += 1;
        let probed = std::mem::take(&mut state.probing);
        if probed || (state.failures >= ENOUGH && state.until.is_none()) {
            state.pause = (state.pause * 2).clamp(SHORTEST, LONGEST);
            state.until = Some(now + state.pause);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_probes_and_closes() {
        let health = Health::default();
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        for _ in 0..ENOUGH {
            assert!(health.may_call(start));
            health.failed(start);
        }
        assert!(!health.may_call(at(1)), "open");
        assert!(health.may_call(at(2)), "half open: one probe");
        assert!(!health.may_call(at(2)), "and no second one");
        health.failed(at(2));
        assert!(!health.may_call(at(5)), "the pause is twice as long");
        assert!(health.may_call(at(6)));
        health.unknown();
        assert!(
            health.may_call(at(6)),
            "a probe that was given up frees the place"
        );
        health.well();
        assert!(health.may_call(at(6)) && health.may_call(at(6)), "closed");
    }

    #[test]
    fn a_success_between_failures_keeps_it_closed() {
        let health = Health::default();
        let now = Instant::now();
        for _ in 0..10 {
            health.failed(now);
            health.well();
        }
        assert!(health.may_call(now));
    }
}
