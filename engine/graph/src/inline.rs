//! Short computations on the spot.
//!
//! A run is a task of its own, and a task costs about as much as a trivial computation. So a run
//! that another run asks for is first polled once where it was asked for; if it comes to its end
//! at once there is no task, and if not, it becomes one. This also makes the graph be walked depth
//! first, which keeps few nodes under way at a time.
//!
//! It must cost neither stack nor parallelism. The depth is bounded. A thread whose last poll took
//! long, perhaps since a whole subgraph was computed in it, makes a task of the next run if other
//! workers may be idle, which is so when few of the tasks that were made still wait for one. And a
//! thread that polled in vain makes tasks of the next runs without a try, the more the more often
//! this has happened in a row.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

/// How a graph treats a run that another run asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inlining {
    /// A run is always a task.
    Never,
    /// What seems short is polled where it is asked for.
    #[default]
    Adaptive,
    /// Everything is polled once where it is asked for, if the stack allows. For tests that need
    /// the same order every time.
    Always,
}

/// How deep polls may be nested. A level takes some kilobytes of stack, most of them the client's.
const DEPTH: u32 = 16;
/// A poll that took this long was worth a task, if there is somebody to take it.
const LONG: Duration = Duration::from_micros(20);
/// After polls in vain, up to two to this power runs are made tasks without a try.
const LONGEST_STREAK: u32 = 3;

thread_local! {
    static DEPTH_HERE: Cell<u32> = const { Cell::new(0) };
    /// The last poll took long.
    static LONG_HERE: Cell<bool> = const { Cell::new(false) };
    /// How many of the next runs become tasks without a try.
    static SKIP: Cell<u32> = const { Cell::new(0) };
    /// How many polls in a row were in vain.
    static STREAK: Cell<u32> = const { Cell::new(0) };
}

impl Inlining {
    /// Whether to try the next run on this thread. `hungry` says whether other workers may be
    /// without work.
    pub(crate) fn applies(self, hungry: impl FnOnce() -> bool) -> bool {
        if DEPTH_HERE.get() >= DEPTH {
            return false;
        }
        match self {
            Inlining::Never => false,
            Inlining::Always => true,
            Inlining::Adaptive => {
                let skip = SKIP.get();
                SKIP.set(skip.saturating_sub(1));
                skip == 0 && !(LONG_HERE.get() && hungry())
            }
        }
    }
}

/// Polls once; whether that was all. If not, the future must be polled again by a task at once,
/// since nobody is told when it can go on.
pub(crate) fn poll_once<F: Future<Output = ()>>(future: Pin<&mut F>) -> bool {
    let begun = Instant::now();
    let nested = Nested::enter(DEPTH_HERE.get() + 1);
    let ready = future
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_ready();
    drop(nested);
    LONG_HERE.set(begun.elapsed() >= LONG);
    if ready {
        STREAK.set(0);
        SKIP.set(0);
    } else {
        let streak = LONGEST_STREAK.min(STREAK.get() + 1);
        STREAK.set(streak);
        SKIP.set(1 << streak);
    }
    ready
}

/// Runs `work` with nothing polled on the spot: its thread may be deep in other things.
pub(crate) fn without<T>(work: impl FnOnce() -> T) -> T {
    let _nested = Nested::enter(DEPTH);
    work()
}

/// Restores the depth, even if a computation panics.
struct Nested {
    before: u32,
}

impl Nested {
    fn enter(depth: u32) -> Nested {
        Nested {
            before: DEPTH_HERE.replace(depth),
        }
    }
}

impl Drop for Nested {
    fn drop(&mut self) {
        DEPTH_HERE.set(self.before);
    }
}
