//! The file `lock`: whoever holds its lock owns the index. Its text tells the others who that is,
//! and everybody what a power cut may have torn.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use kiln_diag::Diag;

use crate::cas::PowerCut;
use crate::users::{open_lock, try_lock};
use crate::{clock, message};

/// The text of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    /// The process that owns or last owned the index.
    pub(crate) pid: u32,
    /// Where it listens.
    pub(crate) socket: PathBuf,
    /// The run of the kernel in which this was written.
    pub(crate) boot: String,
    /// The second in which the owner began or, when it has ended in order, ended.
    pub(crate) since: i64,
    /// What earlier power cuts may have torn.
    pub(crate) power_cut: PowerCut,
    /// The index failed while in use: the next owner begins it anew.
    pub(crate) damaged: bool,
    /// There is an index that was once flushed: finding none means that it was lost.
    pub(crate) indexed: bool,
}

/// The lock, held.
pub(crate) struct LockFile(File, PathBuf);

/// Contents are on disk long before this many seconds have passed.
const WRITE_BACK_SECONDS: i64 = 600;

impl State {
    /// Reads the file without any lock; `None` if it does not exist or is not complete.
    pub(crate) fn read(root: &Path) -> Option<State> {
        parse(&std::fs::read_to_string(root.join("lock")).ok()?)
    }

    /// Which files are not to be believed, now that this kernel runs.
    pub(crate) fn power_cut_now(&self) -> PowerCut {
        if self.boot == clock::boot_id() {
            return self.power_cut;
        }
        let from = self.since - WRITE_BACK_SECONDS;
        PowerCut {
            from: match self.power_cut == PowerCut::default() {
                true => from,
                false => from.min(self.power_cut.from),
            },
            until: clock::boot_second(),
        }
    }

    fn text(&self) -> String {
        format!(
            "kiln-store 1\npid {}\nsocket {}\nboot {}\nsince {}\ntorn {} {}\ndamaged {}\nindexed {}\nend\n",
            self.pid,
            self.socket.display(),
            self.boot,
            self.since,
            self.power_cut.from,
            self.power_cut.until,
            u8::from(self.damaged),
            u8::from(self.indexed),
        )
    }
}

fn parse(text: &str) -> Option<State> {
    let mut lines = text.lines();
    let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
    (field("kiln-store")? == "1").then_some(())?;
    let mut state = State {
        pid: field("pid")?.parse().ok()?,
        socket: PathBuf::from(field("socket")?),
        boot: field("boot")?.to_owned(),
        since: field("since")?.parse().ok()?,
        ..State::default()
    };
    let (from, until) = field("torn")?.split_once(' ')?;
    state.power_cut = PowerCut {
        from: from.parse().ok()?,
        until: until.parse().ok()?,
    };
    state.damaged = field("damaged")? == "1";
    state.indexed = field("indexed")? == "1";
    (lines.next()? == "end").then_some(state)
}

impl LockFile {
    /// Takes the lock; `None` when another process has it.
    pub(crate) fn try_acquire(root: &Path) -> Result<Option<LockFile>, Diag> {
        let path = root.join("lock");
        let file = open_lock(&path).map_err(|error| message::io("cannot open", &path, &error))?;
        Ok(try_lock(&file).then_some(LockFile(file, path)))
    }

    /// Writes the text. In place: a new file each time would cost an inode each time.
    pub(crate) fn write(&self, state: &State) -> Result<(), Diag> {
        let text = state.text();
        let write = || -> io::Result<()> {
            self.0.write_all_at(text.as_bytes(), 0)?;
            self.0.set_len(text.len() as u64)
        };
        write().map_err(|error| message::io("cannot write", &self.1, &error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        State {
            pid: 12,
            socket: "/run/user/0/kiln/a b.sock".into(),
            boot: clock::boot_id(),
            since: 1_800_000_000,
            power_cut: PowerCut { from: 3, until: 4 },
            damaged: true,
            indexed: false,
        }
    }

    #[test]
    fn text_reads_back_and_a_cut_one_does_not() {
        let state = state();
        assert_eq!(parse(&state.text()), Some(state.clone()));
        for cut in 0..state.text().len() - 1 {
            assert_eq!(parse(&state.text()[..cut]), None, "{cut}");
        }
    }

    #[test]
    fn another_boot_means_that_late_files_are_in_doubt() {
        let same = state();
        assert_eq!(same.power_cut_now(), PowerCut { from: 3, until: 4 });
        let mut before = State {
            boot: "another".to_owned(),
            power_cut: PowerCut::default(),
            ..state()
        };
        assert_eq!(before.power_cut_now().from, 1_800_000_000 - 600);
        before.power_cut = PowerCut { from: 3, until: 4 };
        let cut = before.power_cut_now();
        assert_eq!(cut.from, 3);
        assert!((cut.until - clock::boot_second()).abs() < 3);
    }
}
