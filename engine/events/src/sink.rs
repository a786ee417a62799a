//! Who hears events.

use std::sync::{Arc, Mutex, PoisonError};

use crate::Event;

/// Hears events.
pub trait EventSink: Send + Sync {
    /// Takes one event. Must not block for long; may be called from any thread.
    fn emit(&self, event: Event);

    /// Whether events of a kind that is costly to make are wanted at all.
    fn wants(&self, _detail: Detail) -> bool {
        false
    }
}

/// A sink that forgets.
impl EventSink for () {
    fn emit(&self, _event: Event) {}
}

/// Kinds of events that are made only for sinks that want them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Detail {
    /// [`ActionEvent::command`](crate::ActionEvent::command) (`-s`).
    Commands,
    /// [`Event::TestOutput`] (`--test_output=streamed`).
    TestOutput,
}

impl<S: EventSink + ?Sized> EventSink for Arc<S> {
    fn emit(&self, event: Event) {
        (**self).emit(event);
    }

    fn wants(&self, detail: Detail) -> bool {
        (**self).wants(detail)
    }
}

/// Passes each event on to several sinks, in order.
pub struct Tee(pub Vec<Arc<dyn EventSink>>);

impl EventSink for Tee {
    fn emit(&self, event: Event) {
        if let Some((last, others)) = self.0.split_last() {
            others.iter().for_each(|sink| sink.emit(event.clone()));
            last.emit(event);
        }
    }

    fn wants(&self, detail: Detail) -> bool {
        self.0.iter().any(|sink| sink.wants(detail))
    }
}

/// Remembers all events, for tests of those who emit them. It wants every detail.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    /// The events so far, in order; they are forgotten.
    pub fn take(&self) -> Vec<Event> {
        // A panic elsewhere leaves the list as it was: pushing to it cannot fail half-way.
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl EventSink for Recorder {
    fn emit(&self, event: Event) {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event);
    }

    fn wants(&self, _detail: Detail) -> bool {
        true
    }
}
