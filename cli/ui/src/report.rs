//! The end: a line for people, an object for programs.

use kiln_events::BuildSummary;
use serde_json::json;

use crate::duration;
use crate::progress::count;
use crate::size::bytes;
use crate::style::Style;

/// The object that `--format=json` prints for `build` and `test`: a stable interface. Commands
/// that run no tests have zeros in `tests`. `success` is not in it: the exit code says it.
pub fn summary_json(summary: &BuildSummary) -> String {
    let (targets, actions) = (&summary.targets, &summary.actions);
    let tests = summary.tests.unwrap_or_default();
    json!({
        "targets": {
            "requested": targets.requested,
            "built": targets.built,
            "skipped": targets.skipped + targets.checked,
            "failed": targets.failed,
        },
        "actions": {
            "executed": actions.executed,
            "local_cache": actions.local_cache,
            "remote_cache": actions.remote_cache,
            "memoized": actions.memoized,
        },
        "tests": {
            "passed": tests.passed,
            "failed": tests.failed,
            "timeout": tests.timeout,
            "flaky": tests.flaky,
            "skipped": tests.skipped,
            "cached": tests.cached,
        },
        "remote": {
            "downloaded_bytes": summary.downloaded,
            "uploaded_bytes": summary.uploaded,
        },
        "wall_ms": u64::try_from(summary.wall.as_millis()).unwrap_or(u64::MAX),
    })
    .to_string()
}

/// The last line of a build.
pub(crate) fn last_line(summary: &BuildSummary, style: Style) -> String {
    let targets = &summary.targets;
    let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
    // A command checks all its targets or builds all of them.
    let (word, good) = match targets.checked {
        0 => ("built", targets.built),
        checked => ("checked", checked),
    };
    let mut text = match summary.success {
        true => format!("{} {}", style.green(word), count(number(good), "target")),
        false => {
            let all = count(number(targets.requested), "target");
            format!("{} {good} of {all} {word}", style.red("failed:"))
        }
    };
    if targets.failed > 0 {
        text += &format!(", {} failed", targets.failed);
    }
    if targets.skipped > 0 {
        text += &format!(", {} skipped", targets.skipped);
    }
    let actions = &summary.actions;
    let cached = actions.local_cache + actions.remote_cache + actions.memoized;
    let all = actions.executed + cached;
    text += &format!(" in {}", duration::shown(summary.wall));
    if all > 0 {
        text += &format!(
            "; {}: {} run",
            count(number(all), "action"),
            actions.executed
        );
        for (number, from) in [
            (actions.local_cache, "from cache"),
            (actions.remote_cache, "from remote cache"),
            (actions.memoized, "in memory"),
        ] {
            if number > 0 {
                text += &format!(", {number} {from}");
            }
        }
    }
    if summary.downloaded > 0 {
        text += &format!("; {} downloaded", bytes(summary.downloaded));
    }
    text + "\n"
}
