//! Cycles too large to be found at once.
//!
//! [`cycle::look`](crate::cycle) walks a bounded way. A wait that it could not clear is watched
//! here: a thread, which exists only while there are such waits, walks everything that they lead
//! to in one linear pass, some tenths of a second later. Most waits are over by then. One pass is
//! enough for a wait: a cycle through it that is closed later has a later wait, which was looked
//! at in its turn.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rustc_hash::FxHashMap;

use crate::compute::Compute;
use crate::cycle;
use crate::run::Run;
use crate::wait::Wait;

/// How long the thread sleeps at the least; GR-040 asks for an answer within about a second.
const PAUSE: Duration = Duration::from_millis(50);
/// At most one part in this many of the time is spent walking.
const SHARE: u32 = 20;

pub(crate) struct Watchdog<C: Compute> {
    state: Mutex<State<C>>,
}

struct State<C: Compute> {
    watched: Vec<Weak<Wait<C>>>,
    awake: bool,
}

impl<C: Compute> Watchdog<C> {
    pub(crate) fn new() -> Watchdog<C> {
        Watchdog {
            state: Mutex::new(State {
                watched: Vec::new(),
                awake: false,
            }),
        }
    }

    /// Sees to it that `wait` is looked at soon.
    pub(crate) fn watch(self: &Arc<Self>, wait: &Arc<Wait<C>>) {
        let mut state = self.state.lock();
        state.watched.push(Arc::downgrade(wait));
        if state.awake {
            return;
        }
        let this = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("kiln-graph-cycles".to_owned())
            .spawn(move || this.run());
        // Without a thread, the next wait tries again.
        state.awake = thread.is_ok();
    }

    fn run(&self) {
        let mut pause = PAUSE;
        loop {
            std::thread::sleep(pause);
            let watched = {
                let mut state = self.state.lock();
                if state.watched.is_empty() {
                    state.awake = false;
                    return;
                }
                std::mem::take(&mut state.watched)
            };
            let begun = Instant::now();
            break_cycles(&watched);
            pause = PAUSE.max(begun.elapsed() * SHARE);
        }
    }
}

/// Breaks the cycles to which the watched waits lead, one after another until there are none.
fn break_cycles<C: Compute>(watched: &[Weak<Wait<C>>]) {
    loop {
        let starts: Vec<Arc<Wait<C>>> = watched
            .iter()
            .filter_map(Weak::upgrade)
            .filter(|wait| wait.blocks())
            .collect();
        match find_cycle(&starts) {
            Some(cycle) => cycle::resolve(&cycle),
            None => return,
        }
    }
}

/// A run on the way from a start, and those of its waits that are still to be followed.
struct Frame<C: Compute> {
    run: Arc<Run<C>>,
    reached_by: Arc<Wait<C>>,
    rest: Vec<Arc<Wait<C>>>,
}

impl<C: Compute> Frame<C> {
    fn new(reached_by: Arc<Wait<C>>) -> Frame<C> {
        let run = Arc::clone(&reached_by.target);
        let rest = run
            .state
            .lock()
            .waits
            .iter()
            .filter(|wait| wait.blocks())
            .cloned()
            .collect();
        Frame {
            run,
            reached_by,
            rest,
        }
    }
}

/// Depth first: a wait for a run that is on the way closes a cycle.
fn find_cycle<C: Compute>(starts: &[Arc<Wait<C>>]) -> Option<Vec<Arc<Wait<C>>>> {
    // Whether a run that was seen is still on the way, and if so how deep.
    let mut seen: FxHashMap<*const Run<C>, Option<usize>> = FxHashMap::default();
    for start in starts {
        if seen.contains_key(&Arc::as_ptr(&start.target)) {
            continue;
        }
        let mut way = vec![Frame::new(Arc::clone(start))];
        seen.insert(Arc::as_ptr(&start.target), Some(0));
        while let Some(frame) = way.last_mut() {
            let Some(wait) = frame.rest.pop() else {
                seen.insert(Arc::as_ptr(&frame.run), None);
                way.pop();
                continue;
            };
            match seen.get(&Arc::as_ptr(&wait.target)) {
                Some(None) => {}
                Some(Some(depth)) => {
                    let inner = way.iter().skip(depth + 1).map(|frame| &frame.reached_by);
                    return Some(inner.cloned().chain([wait]).collect());
                }
                None => {
                    seen.insert(Arc::as_ptr(&wait.target), Some(way.len()));
                    way.push(Frame::new(wait));
                }
            }
        }
    }
    None
}
