//! The one thread that writes to the index, so that nobody on a build's path waits for it.
//!
//! Changes are gathered for a few milliseconds and handed over as one batch. The batch is kept
//! until it is acknowledged, and handed to the next owner when the present one goes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kiln_diag::Diag;

use crate::message;
use crate::service::Item;

/// What the thread is told.
enum Order {
    Write(Item),
    /// Answer when everything ordered before is durable, or why it is not.
    Flush(SyncSender<Result<(), Diag>>),
}

/// How long a change may wait for others to join it.
const GATHER: Duration = Duration::from_millis(10);
const MOST_IN_BATCH: usize = 1000;
/// Orders that may wait before whoever gives more has to wait too: a bound of memory, all of which
/// the channel takes (and every start pays for) when it is made.
const MOST_WAITING: usize = 1 << 11;
/// How often the thread looks after things when it has nothing to write.
const IDLE: Duration = Duration::from_secs(1);

/// Where batches go.
pub(crate) trait Sink: Send + Sync + 'static {
    /// Makes a batch durable, whatever it takes.
    fn write(&self, batch: &[Item]) -> Result<(), Diag>;
    /// Called about once a second while there is nothing to write.
    fn idle(&self);
}

/// The thread, from outside.
pub(crate) struct Writer {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(crate) fn start(sink: Arc<dyn Sink>) -> Result<Writer, Diag> {
        let (orders, receiver) = sync_channel(MOST_WAITING);
        let thread = std::thread::Builder::new()
            .name("kiln-store-writer".to_owned())
            .spawn(move || run(&*sink, &receiver))
            .map_err(|error| message::no_thread(&error))?;
        Ok(Writer {
            orders: Some(orders),
            thread: Some(thread),
        })
    }

    /// Orders a change; returns at once.
    pub(crate) fn write(&self, item: Item) {
        if let Some(orders) = &self.orders {
            // It fails only when the thread has died of a panic, which `flush` reports.
            let _ = orders.send(Order::Write(item));
        }
    }

    /// Waits until all changes ordered so far are durable.
    pub(crate) fn flush(&self) -> Result<(), Diag> {
        let (done, wait) = sync_channel(1);
        let ordered = self
            .orders
            .as_ref()
            .is_some_and(|orders| orders.send(Order::Flush(done)).is_ok());
        self.hurry();
        match wait.recv() {
            Ok(result) if ordered => result,
            _ => Err(message::writer_died()),
        }
    }

    /// Ends the thread's wait for more.
    fn hurry(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }

    /// Writes what is ordered, then ends the thread.
    pub(crate) fn stop(&mut self) {
        self.orders = None;
        self.hurry();
        if let Some(thread) = self.thread.take() {
            // A panic of it was reported to whoever flushed.
            let _ = thread.join();
        }
    }
}

fn run(sink: &dyn Sink, orders: &Receiver<Order>) {
    let mut failed: Result<(), Diag> = Ok(());
    loop {
        let first = match orders.recv_timeout(IDLE) {
            Ok(order) => order,
            Err(RecvTimeoutError::Timeout) => {
                sink.idle();
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let (batch, flush) = gather(first, orders);
        if !batch.is_empty() {
            // The first failure is kept until somebody asks: it is theirs to hear of.
            failed = failed.and(sink.write(&batch));
        }
        if let Some(done) = flush {
            // Whoever asked may have gone.
            let _ = done.send(std::mem::replace(&mut failed, Ok(())));
        }
    }
}

type FlushDone = SyncSender<Result<(), Diag>>;

/// Waits for more without being woken by each: only by a flush, or the end.
fn gather(first: Order, orders: &Receiver<Order>) -> (Vec<Item>, Option<FlushDone>) {
    let until = Instant::now() + GATHER;
    let mut batch = Vec::new();
    let mut next = Ok(first);
    loop {
        match next {
            Ok(Order::Write(item)) => batch.push(item),
            Ok(Order::Flush(done)) => return (batch, Some(done)),
            Err(TryRecvError::Disconnected) => break,
            Err(TryRecvError::Empty) => {
                let left = until.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                std::thread::park_timeout(left);
            }
        }
        if batch.len() >= MOST_IN_BATCH {
            break;
        }
        next = orders.try_recv();
    }
    (batch, None)
}
