//! Signals that ask kiln to stop (PD-050 to PD-052).

use kiln_diag::{Diag, Fault};
use tokio::signal::unix::{SignalKind, signal};

/// Waits for the first signal that asks kiln to stop. What runs is then ended in order, which takes
/// next to no time; a second signal ends kiln at once, come what may.
pub(crate) async fn interrupted() -> Diag {
    let text = next().await;
    std::thread::spawn(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        // Without one the first signal has to do.
        if let Ok(runtime) = runtime {
            runtime.block_on(next());
            std::process::exit(8);
        }
    });
    Diag::new(Fault::Interrupted, text)
}

/// Waits for a signal; says which it was.
async fn next() -> &'static str {
    tokio::select! {
        () = one(SignalKind::interrupt()) => "interrupted",
        () = one(SignalKind::terminate()) => "asked to stop by SIGTERM",
    }
}

async fn one(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signal) => {
            signal.recv().await;
        }
        // Where it cannot be caught it ends kiln in its own way.
        Err(_) => std::future::pending().await,
    }
}
