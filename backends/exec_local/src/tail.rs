//! Hands on what a process writes while it runs, by reading the files that it writes to.

use std::fs::File;
use std::future::Future;
use std::io;
use std::os::unix::fs::FileExt;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};
use kiln_process::Observer;

use kiln_exec_root::SlotFiles;

/// How often is looked. People do not see less.
const INTERVAL: Duration = Duration::from_millis(50);

/// Two files and how far they were read.
pub(crate) struct Tail<'a> {
    files: [(File, u64); 2],
    observer: &'a dyn Observer,
}

impl<'a> Tail<'a> {
    /// Follows a slot's output files for an observer, if it wants that.
    pub(crate) fn new(
        files: &SlotFiles,
        observer: &'a dyn Observer,
    ) -> io::Result<Option<Tail<'a>>> {
        if !observer.wants_output() {
            return Ok(None);
        }
        let open = |path| io::Result::Ok((File::open(path)?, 0));
        Ok(Some(Tail {
            files: [open(files.stdout())?, open(files.stderr())?],
            observer,
        }))
    }

    /// Waits for `end`, handing on all that is written until then.
    pub(crate) async fn follow<T>(mut self, end: impl Future<Output = T>) -> T {
        let mut end = pin!(end);
        loop {
            let pause = pin!(tokio::time::sleep(INTERVAL));
            match select(end.as_mut(), pause).await {
                Either::Left((value, _)) => {
                    self.hand_on();
                    return value;
                }
                Either::Right(_) => self.hand_on(),
            }
        }
    }

    fn hand_on(&mut self) {
        let mut buffer = [0; 16 * 1024];
        for (file, offset) in &mut self.files {
            // What cannot be read now is in the result all the same.
            while let Ok(length @ 1..) = file.read_at(&mut buffer, *offset) {
                self.observer.output(&buffer[..length]);
                *offset += length as u64;
            }
        }
    }
}
