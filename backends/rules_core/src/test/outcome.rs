//! What came of a test, and what it leaves in the log folder.

use std::sync::Arc;
use std::time::Duration;

use kiln_address::Label;
use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_events::{TestAttempt, TestStatus};
use kiln_process::{ProcessResult, Source};
use kiln_rules::Product;
use kiln_store::Store;
use kiln_tree::Node;

use super::Test;
use super::attempts::{Attempt, Part};
use super::process::{out, rel};
use super::xml::{self, Report};

/// What came of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOutcome {
    /// The target.
    pub label: Label,
    /// Its verdict.
    pub status: TestStatus,
    /// All runs, shards and attempts, in order.
    pub attempts: Vec<TestAttempt>,
    /// Whether every attempt came from a cache.
    pub cached: bool,
    /// The time of all attempts together.
    pub elapsed: Duration,
    /// Logs and reports: paths below the workspace, in the place that Bazel gives them below
    /// the output folder.
    pub logs: Vec<(String, Node)>,
    /// Why it was skipped.
    pub skipped: Option<Arc<str>>,
}
impl Product for TestOutcome {}

impl TestOutcome {
    /// A test that does not run on this platform.
    pub(super) fn skipped(label: &Label, reason: Arc<str>) -> TestOutcome {
        TestOutcome {
            label: label.clone(),
            status: TestStatus::Skipped,
            attempts: Vec::new(),
            cached: false,
            elapsed: Duration::ZERO,
            logs: Vec::new(),
            skipped: Some(reason),
        }
    }
}

/// The folder of a test's logs.
fn log_folder(label: &Label) -> String {
    let (package, name) = (label.package(), label.name());
    let repo = match package.repo.is_root() {
        true => String::new(),
        false => format!("external/{}/", package.repo.as_str()),
    };
    match package.path.is_root() {
        true => format!("kiln-out/testlogs/{repo}{name}"),
        false => format!("kiln-out/testlogs/{repo}{}/{name}", package.path),
    }
}

impl Test<'_> {
    /// Puts the attempts of all parts together.
    pub(super) fn summarize(
        &self,
        store: &Store,
        parts: &[Part],
        attempts: &[Vec<Attempt>],
    ) -> Result<TestOutcome, Diag> {
        let mut outcome = TestOutcome {
            label: self.key.label.clone(),
            status: TestStatus::Passed,
            attempts: Vec::new(),
            cached: true,
            elapsed: Duration::ZERO,
            logs: Vec::new(),
            skipped: None,
        };
        let folder = log_folder(&self.key.label);
        let mut verdicts = Vec::with_capacity(parts.len());
        for (part, attempts) in parts.iter().zip(attempts) {
            for (at, attempt) in attempts.iter().enumerate() {
                let place = Place {
                    folder: part_folder(&folder, part),
                    number: at as u32 + 1,
                    last: at + 1 == attempts.len(),
                };
                let report = self.report(store, part, attempt)?;
                outcome.logs.extend(place.logs(&attempt.result, report)?);
                outcome.elapsed += attempt.result.elapsed;
                outcome.cached &= attempt.result.source != Source::Ran;
                outcome.attempts.push(place.attempt(part, attempt));
            }
            if let Some(last) = attempts.last() {
                let status = match last.verdict.status {
                    TestStatus::Passed if attempts.len() > 1 => TestStatus::Flaky,
                    status => status,
                };
                verdicts.push((part.shard, status));
            }
        }
        outcome.status = overall(&verdicts, self.key.options.detect_flakes);
        Ok(outcome)
    }

    /// The report of an attempt: its own, or one that is made from its log.
    fn report(&self, store: &Store, part: &Part, attempt: &Attempt) -> Result<Digest, Diag> {
        let own = attempt.result.outputs.get(&rel(out::XML)?);
        // A link could point anywhere, and what is to be read is a file.
        if let Some(Node::File { digest, .. }) = own {
            return Ok(*digest);
        }
        let binary = self.target.executable.as_ref();
        let name = binary.map_or_else(String::new, |binary| binary.short_path());
        let log = crate::printed::printed(store, &attempt.result.stdout)?;
        let report = Report {
            binary: &name,
            shard: (part.shards > 0).then_some((part.shard, part.shards)),
            exit: attempt.result.exit,
            error: (!attempt.verdict.status.success()).then_some(&*attempt.verdict.text),
            elapsed: attempt.result.elapsed,
            log: &log,
        };
        store.put_bytes(xml::render(&report).as_bytes())
    }
}

/// The verdict on a test with these verdicts on its shards and runs: the worst. With
/// `--runs_per_test_detects_flakes` a shard of which some runs pass and others do not is flaky.
fn overall(verdicts: &[(u32, TestStatus)], detect_flakes: bool) -> TestStatus {
    let status = |(shard, status): &(u32, TestStatus)| {
        let runs = || verdicts.iter().filter(|(other, _)| other == shard);
        let some_pass = runs().any(|(_, status)| status.success());
        match detect_flakes && some_pass && !status.success() {
            true => TestStatus::Flaky,
            false => *status,
        }
    };
    let worst = verdicts.iter().map(status).max();
    worst.unwrap_or(TestStatus::Passed)
}

/// The folder of a part: the test's own in the ordinary case (Bazel's names).
fn part_folder(folder: &str, part: &Part) -> String {
    let mut names = Vec::new();
    if part.shards > 1 {
        names.push(format!("shard_{}_of_{}", part.shard, part.shards));
    }
    if part.runs > 1 {
        names.push(format!("run_{}_of_{}", part.run, part.runs));
    }
    match names.is_empty() {
        true => folder.to_owned(),
        false => format!("{folder}/{}", names.join("_")),
    }
}

/// Where the files of an attempt are.
struct Place {
    folder: String,
    number: u32,
    last: bool,
}

impl Place {
    /// `test.log` for the attempt that counts, `test_attempts/attempt_1.log` for one before it
    /// (Bazel).
    fn path(&self, end: &str) -> String {
        let folder = &self.folder;
        match self.last {
            true => format!("{folder}/test.{end}"),
            false => format!("{folder}/test_attempts/attempt_{}.{end}", self.number),
        }
    }

    fn logs(&self, result: &ProcessResult, report: Digest) -> Result<Vec<(String, Node)>, Diag> {
        let file = |digest: Digest| Node::File {
            digest,
            executable: false,
        };
        let mut files = vec![
            (self.path("log"), file(result.stdout)),
            (self.path("xml"), file(report)),
        ];
        for (from, end) in [
            (out::WARNINGS, "warnings"),
            (out::INFRASTRUCTURE, "infrastructure_failure"),
        ] {
            if let Some(Node::File { digest, .. }) = result.outputs.get(&rel(from)?) {
                files.push((self.path(end), file(*digest)));
            }
        }
        if let Some(Node::Dir(tree)) = result.outputs.get(&rel(out::OUTPUTS)?)
            && !tree.is_empty()
        {
            files.push((self.path("outputs"), Node::Dir(tree.clone())));
        }
        Ok(files)
    }

    fn attempt(&self, part: &Part, attempt: &Attempt) -> TestAttempt {
        TestAttempt {
            run: part.run,
            runs: part.runs,
            shard: (part.shards > 1).then_some((part.shard, part.shards)),
            attempt: self.number,
            last: self.last,
            status: attempt.verdict.status,
            exit: attempt.verdict.text.clone(),
            log: attempt.result.stdout,
            log_path: self.path("log"),
            elapsed: attempt.result.elapsed,
            cached: attempt.result.source != Source::Ran,
            output: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts() {
        use TestStatus::{Failed, Flaky, Passed, Timeout};
        for (verdicts, plain, detecting) in [
            (&[(1, Passed)][..], Passed, Passed),
            (&[(1, Passed), (1, Failed)], Failed, Flaky),
            (&[(1, Passed), (2, Failed)], Failed, Failed),
            (&[(1, Passed), (1, Timeout), (2, Passed)], Timeout, Flaky),
            (&[(1, Failed), (1, Timeout)], Failed, Failed),
            (&[(1, Flaky), (1, Passed)], Flaky, Flaky),
        ] {
            assert_eq!(overall(verdicts, false), plain, "{verdicts:?}");
            assert_eq!(overall(verdicts, true), detecting, "{verdicts:?}");
        }
    }
}
