//! What is going on, and the live lines that show it.

use std::time::Duration;

use kiln_base::Digest;
use kiln_events::{ActionEvent, ActionSource};

use crate::duration;
use crate::sanitize::sanitize;
use crate::style::Style;

/// What is going on.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) phase: &'static str,
    packages: usize,
    analyzed: usize,
    planned: usize,
    done: usize,
    cached: usize,
    failed: usize,
    /// By start.
    running: Vec<Running>,
}

#[derive(Debug)]
struct Running {
    key: Digest,
    text: String,
    since: Duration,
    /// Shown as long-running.
    listed: bool,
}

impl Progress {
    pub(crate) fn package_loaded(&mut self) {
        self.packages += 1;
    }

    pub(crate) fn target_analyzed(&mut self) {
        self.analyzed += 1;
    }

    pub(crate) fn planned(&mut self, count: usize) {
        self.planned += count;
    }

    pub(crate) fn action_started(&mut self, action: &ActionEvent, now: Duration) {
        self.running.push(Running {
            key: action.digest,
            text: describe(action).replace('\n', " "),
            since: now,
            listed: false,
        });
    }

    pub(crate) fn action_finished(&mut self, action: &ActionEvent, source: ActionSource, ok: bool) {
        self.done += 1;
        self.failed += usize::from(!ok);
        match source {
            ActionSource::Executed => self.stop(&action.digest),
            _ => self.cached += 1,
        }
    }

    pub(crate) fn action_dropped(&mut self, action: &ActionEvent) {
        self.stop(&action.digest);
    }

    fn stop(&mut self, key: &Digest) {
        if let Some(at) = self.running.iter().position(|running| running.key == *key) {
            self.running.remove(at);
        }
    }

    /// The live lines: a line with the counts, and one for each running process (UI-050).
    pub(crate) fn lines(
        &self,
        (width, height): (usize, usize),
        jobs: usize,
        now: Duration,
        style: Style,
    ) -> Vec<String> {
        let mut lines = vec![self.head(width, now, style)];
        let room = jobs.max(1).min(height.saturating_sub(2)).max(1);
        let shown = match self.running.len() > room {
            true => room - 1,
            false => self.running.len(),
        };
        for running in &self.running[..shown] {
            let elapsed = duration::shown(now.saturating_sub(running.since));
            let text = cut(&running.text, width.saturating_sub(elapsed.len() + 7));
            lines.push(format!("    {text} {}", style.dim(&elapsed)));
        }
        if shown < self.running.len() {
            lines.push(format!("    ... and {} more", self.running.len() - shown));
        }
        lines
    }

    fn head(&self, width: usize, now: Duration, style: Style) -> String {
        let elapsed = duration::shown(now);
        let planned = self.planned.max(self.done + self.running.len());
        if planned == 0 {
            let phase = match self.phase {
                "" => "starting",
                phase => phase,
            };
            let text = format!(
                "{phase}: {}, {} analyzed, {elapsed}",
                count(self.packages, "package"),
                count(self.analyzed, "target")
            );
            return text.chars().take(width - 1).collect();
        }
        let counts = format!("[{} / {planned}]", self.done);
        let mut text = format!(" {} running", self.running.len());
        if self.cached > 0 {
            text += &format!(", {} from cache", self.cached);
        }
        if self.failed > 0 {
            text += &format!(", {} failed", self.failed);
        }
        text += &format!(", {elapsed}");
        let room = (width - 1).saturating_sub(counts.len());
        let text: String = text.chars().take(room).collect();
        let counts = match self.failed {
            0 => style.green(&counts),
            _ => style.red(&counts),
        };
        counts + &text
    }

    /// What has been running for long, with how long; each time at most every `LONG_PERIOD`.
    pub(crate) fn long_running(&mut self, now: Duration) -> Vec<String> {
        let elapsed = |running: &Running| now.saturating_sub(running.since);
        let long = self
            .running
            .iter_mut()
            .filter(|running| elapsed(running) > LONG);
        long.map(|running| {
            running.listed = true;
            let elapsed = duration::shown(now.saturating_sub(running.since));
            format!("running for {elapsed}: {}", running.text)
        })
        .collect()
    }

    /// Whether something is running for long that was never listed.
    pub(crate) fn has_new_long_running(&self, now: Duration) -> bool {
        let is_long = |running: &Running| now.saturating_sub(running.since) > LONG;
        self.running
            .iter()
            .any(|running| !running.listed && is_long(running))
    }
}

/// From when on a process runs for long (UI-051).
const LONG: Duration = Duration::from_secs(60);
/// How often those that do are listed (UI-051).
pub(crate) const LONG_PERIOD: Duration = Duration::from_secs(30);

/// An action in a few words.
pub(crate) fn describe(action: &ActionEvent) -> String {
    let text = match action.progress.is_empty() {
        true => format!("{} {}", action.mnemonic, action.label),
        false => action.progress.clone(),
    };
    sanitize(&text, false)
}

/// `1 target`, `2 targets`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// The text in at most so many characters; what is in the middle goes first, because both the
/// verb and the file's name say more.
fn cut(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(3);
    let (front, back) = (kept.div_ceil(3), kept - kept.div_ceil(3));
    let mut out: String = text.chars().take(front).collect();
    out.push_str(&"..."[..width.min(3)]);
    out.extend(text.chars().skip(length - back));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cutting_keeps_both_ends() {
        let cut_to_20 = cut("Compiling some/long/path/to/a_file.cc", 20);
        assert_eq!(cut_to_20, "Compil...o/a_file.cc");
        assert_eq!(cut("short", 5), "short");
        for width in 0..12 {
            assert!(cut("0123456789", width).chars().count() <= width, "{width}");
        }
    }
}
