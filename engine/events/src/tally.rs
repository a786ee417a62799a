//! Counting events.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::{
    ActionCounts, ActionSource, BuildSummary, Event, EventSink, TargetCounts, TargetStatus,
    TestCounts, TestStatus,
};

/// A sink that counts, for the summary at the end. Targets that were requested but never finished
/// count as skipped.
#[derive(Debug, Default)]
pub struct Tally {
    requested: AtomicU64,
    built: AtomicU64,
    failed: AtomicU64,
    checked: AtomicU64,
    executed: AtomicU64,
    local_cache: AtomicU64,
    remote_cache: AtomicU64,
    memoized: AtomicU64,
    tests: [AtomicU64; 5],
    cached: AtomicU64,
    downloaded: AtomicU64,
    uploaded: AtomicU64,
}

impl Tally {
    /// The numbers so far. `with_tests`: the command runs tests.
    pub fn summary(&self, success: bool, with_tests: bool, wall: Duration) -> BuildSummary {
        let get = |counter: &AtomicU64| counter.load(Relaxed);
        let (requested, built) = (get(&self.requested), get(&self.built));
        let (failed, checked) = (get(&self.failed), get(&self.checked));
        let [passed, test_failed, timeout, flaky, skipped] = self.tests.each_ref().map(get);
        BuildSummary {
            success,
            targets: TargetCounts {
                requested,
                built,
                skipped: requested.saturating_sub(built + failed + checked),
                failed,
                checked,
            },
            actions: ActionCounts {
                executed: get(&self.executed),
                local_cache: get(&self.local_cache),
                remote_cache: get(&self.remote_cache),
                memoized: get(&self.memoized),
            },
            tests: with_tests.then(|| TestCounts {
                passed,
                failed: test_failed,
                timeout,
                flaky,
                skipped,
                cached: get(&self.cached),
            }),
            downloaded: get(&self.downloaded),
            uploaded: get(&self.uploaded),
            wall,
        }
    }
}

impl EventSink for Tally {
    fn emit(&self, event: Event) {
        let counter = match event {
            Event::TargetsRequested(count) => {
                self.requested.fetch_add(count as u64, Relaxed);
                return;
            }
            Event::Transferred {
                downloaded,
                uploaded,
            } => {
                self.downloaded.store(downloaded, Relaxed);
                self.uploaded.store(uploaded, Relaxed);
                return;
            }
            Event::TargetFinished { status, .. } => match status {
                TargetStatus::Built => &self.built,
                TargetStatus::Failed => &self.failed,
                TargetStatus::Checked => &self.checked,
                TargetStatus::Skipped => return,
            },
            Event::ActionFinished { source, .. } => match source {
                ActionSource::Executed => &self.executed,
                ActionSource::LocalCache => &self.local_cache,
                ActionSource::RemoteCache => &self.remote_cache,
                ActionSource::Memoized => &self.memoized,
            },
            Event::TestFinished(test) => {
                if test.cached {
                    self.cached.fetch_add(1, Relaxed);
                }
                match test.status {
                    TestStatus::Passed => &self.tests[0],
                    TestStatus::Failed | TestStatus::NotBuilt => &self.tests[1],
                    TestStatus::Timeout => &self.tests[2],
                    TestStatus::Flaky => &self.tests[3],
                    TestStatus::Skipped => &self.tests[4],
                }
            }
            _ => return,
        };
        counter.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use kiln_base::Digest;

    use super::*;
    use crate::{ActionEvent, TestEvent};

    fn action() -> ActionEvent {
        ActionEvent {
            label: "//:a".to_owned(),
            mnemonic: "Genrule".to_owned(),
            progress: String::new(),
            digest: Digest::EMPTY,
            command: None,
        }
    }

    fn test(status: TestStatus, cached: bool) -> TestEvent {
        TestEvent {
            label: "//:t".to_owned(),
            status,
            attempts: Vec::new(),
            cached,
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn every_event_counts_once() {
        let tally = Tally::default();
        let times = |times: usize, event: Event| {
            (0..times).for_each(|_| tally.emit(event.clone()));
        };
        tally.emit(Event::TargetsRequested(7));
        for (status, n) in [
            (TargetStatus::Built, 2),
            (TargetStatus::Failed, 1),
            (TargetStatus::Skipped, 1),
            (TargetStatus::Checked, 1),
        ] {
            let label = "//:a".to_owned();
            times(n, Event::TargetFinished { label, status });
        }
        for (source, n) in [
            (ActionSource::Executed, 1),
            (ActionSource::LocalCache, 2),
            (ActionSource::RemoteCache, 3),
            (ActionSource::Memoized, 4),
        ] {
            let (action, elapsed) = (action(), Duration::ZERO);
            times(
                n,
                Event::ActionFinished {
                    action,
                    source,
                    success: true,
                    elapsed,
                },
            );
        }
        for (status, n, cached) in [
            (TestStatus::Passed, 2, true),
            (TestStatus::Failed, 2, false),
            (TestStatus::NotBuilt, 1, false),
            (TestStatus::Timeout, 4, false),
            (TestStatus::Flaky, 5, false),
            (TestStatus::Skipped, 6, false),
        ] {
            times(n, Event::TestFinished(test(status, cached)));
        }
        // The last word counts: it is about the whole command.
        for downloaded in [1, 10] {
            let uploaded = 3;
            tally.emit(Event::Transferred {
                downloaded,
                uploaded,
            });
        }
        let summary = tally.summary(false, true, Duration::from_secs(1));
        expect_test::expect![[r#"
            BuildSummary {
                success: false,
                targets: TargetCounts {
                    requested: 7,
                    built: 2,
                    skipped: 3,
                    failed: 1,
                    checked: 1,
                },
                actions: ActionCounts {
                    executed: 1,
                    local_cache: 2,
                    remote_cache: 3,
                    memoized: 4,
                },
                tests: Some(
                    TestCounts {
                        passed: 2,
                        failed: 3,
                        timeout: 4,
                        flaky: 5,
                        skipped: 6,
                        cached: 2,
                    },
                ),
                downloaded: 10,
                uploaded: 3,
                wall: 1s,
            }
        "#]]
        .assert_debug_eq(&summary);
        assert_eq!(tally.summary(true, false, Duration::ZERO).tests, None);
    }
}
