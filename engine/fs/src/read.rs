//! Reading whole files, within limits.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use kiln_base::RelPath;
use kiln_diag::{Diag, Span};
use rustix::fs::{CWD, Mode, OFlags};

use crate::error::io_diag;
use crate::listing::Resolved;
use crate::root::{SourceRoot, Stat, is_absent};

/// Bytes that a text file of the build (a BUILD file, a .bzl file, an rc file) may have.
pub const TEXT_LIMIT: u64 = 32 << 20;

impl SourceRoot {
    /// Reads a file of at most `limit` bytes, links followed; `None` if nothing is there.
    ///
    /// Errors: it is not a regular file, too large or may not be read.
    pub fn read(&self, path: &RelPath, limit: u64) -> Result<Option<Vec<u8>>, Diag> {
        let full = self.path(path);
        let Some((file, stat)) = open_regular(&full)? else {
            return Ok(None);
        };
        if stat.size > limit {
            return Err(too_large(&full, limit));
        }
        let mut bytes = Vec::with_capacity(stat.size as usize + 1);
        // The file may grow meanwhile: one byte more than allowed tells.
        let mut reader = file.take(limit.saturating_add(1));
        reader
            .read_to_end(&mut bytes)
            .map_err(|e| io_diag("cannot read", &full, &e))?;
        if bytes.len() as u64 > limit {
            return Err(too_large(&full, limit));
        }
        Ok(Some(bytes))
    }

    /// Reads a text file of at most `limit` bytes ([`TEXT_LIMIT`] as a rule), links followed;
    /// `None` if nothing is there.
    ///
    /// Errors: as [`SourceRoot::read`]; it is not UTF-8 (with the place).
    pub fn read_text(&self, path: &RelPath, limit: u64) -> Result<Option<Arc<str>>, Diag> {
        let Some(bytes) = self.read(path, limit)? else {
            return Ok(None);
        };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(Arc::from(text))),
            Err(error) => Err(not_utf8(path, &error)),
        }
    }
}

/// Opens a regular file without ever waiting for a writer at the other end of a pipe; `None` if
/// nothing is there.
pub(crate) fn open_regular(full: &Path) -> Result<Option<(File, Stat)>, Diag> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    let file = match rustix::fs::openat(CWD, full, flags, Mode::empty()) {
        Ok(fd) => File::from(fd),
        Err(error) => {
            let error = error.into();
            return match is_absent(&error) {
                true => Ok(None),
                false => Err(io_diag("cannot read", full, &error)),
            };
        }
    };
    let meta = file
        .metadata()
        .map_err(|e| io_diag("cannot look at", full, &e))?;
    let stat = Stat::of(&meta);
    match stat.kind {
        Resolved::File => Ok(Some((file, stat))),
        Resolved::Directory => Err(Diag::build(format!(
            "`{}` is a folder, not a file",
            full.display()
        ))),
        _ => Err(Diag::build(format!(
            "`{}` is not a regular file (a pipe, a socket or a device)",
            full.display()
        ))),
    }
}

fn too_large(full: &Path, limit: u64) -> Diag {
    Diag::build(format!(
        "`{}` is larger than the {limit} bytes that such a file may have",
        full.display()
    ))
}

fn not_utf8(path: &RelPath, error: &std::string::FromUtf8Error) -> Diag {
    let good = error.utf8_error().valid_up_to();
    let bytes = error.as_bytes();
    // Everything up to here is UTF-8; the rest of the line is shown as well as it can be.
    let text = String::from_utf8_lossy(bytes);
    Diag::build(format!(
        "`{path}` is not UTF-8: byte 0x{:02x} cannot stand here",
        bytes[good]
    ))
    .at(Span::of_bytes(path.as_str(), &text, good, good + 1))
    .hint(format!(
        "convert it, for example from Latin-1 with `iconv -f latin1 -t utf-8 {path}`"
    ))
}
