//! Whole commands as text (UI-050, UI-051, UI-054, UI-011, UI-071).

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use expect_test::{Expect, expect};
use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_events::{
    ActionCounts, ActionEvent, ActionSource, BuildSummary, Detail, Event, TargetCounts,
    TargetStatus, TestAttempt, TestCounts, TestEvent, TestStatus,
};
use kiln_ui::{Mode, Output, Settings, TestOutput, TestSummary, Ui, summary_json};

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn action(name: &str) -> ActionEvent {
    ActionEvent {
        label: format!("//a:{name}"),
        mnemonic: "CppCompile".to_owned(),
        progress: format!("Compiling a/{name}.cc"),
        digest: Digest::of(name.as_bytes()),
        command: Some(format!("gcc -c 'a/{name}.cc'")),
    }
}

fn done(name: &str, source: ActionSource, success: bool) -> Event {
    let (action, elapsed) = (action(name), ms(1200));
    Event::ActionFinished {
        action,
        source,
        success,
        elapsed,
    }
}

fn attempt(number: u32, status: TestStatus) -> TestAttempt {
    TestAttempt {
        run: 1,
        runs: 1,
        shard: None,
        attempt: number,
        last: true,
        status,
        exit: match status {
            TestStatus::Timeout => "a timeout".to_owned(),
            TestStatus::Failed => "exit code 3".to_owned(),
            _ => "exit code 0".to_owned(),
        },
        log: Digest::EMPTY,
        log_path: format!("kiln-out/testlogs/t/{number}.log"),
        elapsed: ms(250),
        cached: false,
        output: Some(format!("output of attempt {number}\n")),
    }
}

fn test(label: &str, status: TestStatus) -> TestEvent {
    let attempts = match status {
        TestStatus::Skipped | TestStatus::NotBuilt => vec![],
        TestStatus::Flaky => vec![
            TestAttempt {
                last: false,
                ..attempt(1, TestStatus::Failed)
            },
            attempt(2, TestStatus::Passed),
        ],
        status => vec![attempt(1, status)],
    };
    TestEvent {
        label: label.to_owned(),
        status,
        elapsed: ms(250) * attempts.len() as u32,
        attempts,
        cached: false,
    }
}

fn summary(success: bool) -> BuildSummary {
    BuildSummary {
        success,
        targets: TargetCounts {
            requested: 3,
            built: 2,
            skipped: 0,
            failed: u64::from(!success),
            checked: 0,
        },
        actions: ActionCounts {
            executed: 4,
            local_cache: 5,
            remote_cache: 0,
            memoized: 1,
        },
        tests: Some(TestCounts {
            passed: 1,
            failed: 2,
            timeout: 3,
            flaky: 4,
            skipped: 5,
            cached: 6,
        }),
        downloaded: 0,
        uploaded: 0,
        wall: ms(3456),
    }
}

/// Runs events, each with its time, and shows what is written; escape characters as `^`.
struct Run {
    ui: Ui,
    shown: String,
}

impl Run {
    fn new(settings: Settings) -> Run {
        Run {
            ui: Ui::new(settings),
            shown: String::new(),
        }
    }

    fn live(color: bool, height: usize) -> Run {
        let mode = Mode::Live { width: 48, height };
        Run::new(Settings {
            mode,
            color,
            jobs: 3,
            ..Settings::default()
        })
    }

    fn plain() -> Run {
        Run::new(Settings::default())
    }

    fn put(&mut self, output: Output) -> &mut Run {
        for (stream, text) in [
            ("2", output.stderr),
            ("1", output.stdout),
            ("2", output.stderr_after),
        ] {
            if !text.is_empty() {
                let text = text
                    .replace('\x1b', "^")
                    .replace('\r', "<")
                    .replace('\n', "\n | ");
                self.shown += &format!("{stream}| {text}\n");
            }
        }
        self
    }

    fn at(&mut self, millis: u64, event: Event) -> &mut Run {
        let output = self.ui.event(event, ms(millis));
        self.put(output)
    }

    fn tick(&mut self, millis: u64) -> &mut Run {
        let output = self.ui.tick(ms(millis));
        self.put(output)
    }

    fn finish(&mut self, success: bool) -> &mut Run {
        let output = self.ui.finish(&summary(success), ms(3456));
        self.put(output)
    }

    fn is(&self, expect: Expect) {
        let lines = self.shown.lines().map(str::trim_end);
        expect.assert_eq(&lines.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn live_lines() {
    Run::live(false, 24)
        .at(0, Event::Phase("loading"))
        .at(10, Event::PackageLoaded)
        .tick(100)
        .at(110, Event::TargetAnalyzed)
        .at(120, Event::TargetAnalyzed)
        .tick(150)
        .tick(200)
        .at(210, Event::ActionsPlanned(6))
        .at(220, Event::ActionStarted(action("one")))
        .at(
            230,
            Event::ActionStarted(action("a_file_with_a_very_long_name_indeed")),
        )
        .at(240, done("three", ActionSource::LocalCache, true))
        .tick(300)
        .at(310, Event::ActionStarted(action("four")))
        .at(320, Event::ActionStarted(action("five")))
        .tick(1500)
        .at(1510, done("one", ActionSource::Executed, true))
        .at(1520, done("four", ActionSource::Executed, false))
        .tick(1600)
        .at(1700, Event::Finished)
        .is(expect![[r#"
            2| loading: 1 package, 0 targets analyzed, 0.10s
            2| <^[Jloading: 1 package, 2 targets analyzed, 0.20s
            2| <^[J[1 / 6] 2 running, 1 from cache, 0.30s
             |     Compiling a/one.cc 0.08s
             |     Compiling a...ry_long_name_indeed.cc 0.07s
            2| <^[2A^[J[1 / 6] 4 running, 1 from cache, 1.5s
             |     Compiling a/one.cc 1.2s
             |     Compiling a/...ry_long_name_indeed.cc 1.2s
             |     ... and 2 more
            2| <^[3A^[J# //a:four (CppCompile)
             | gcc -c 'a/four.cc'
             | [3 / 6] 2 running, 1 from cache, 1 failed, 1.5s
             |     Compiling a/...ry_long_name_indeed.cc 1.2s
             |     Compiling a/five.cc 1.2s
            2| <^[2A^[J[3 / 6] 2 running, 1 from cache, 1 failed, 1.6s
             |     Compiling a/...ry_long_name_indeed.cc 1.3s
             |     Compiling a/five.cc 1.2s
            2| <^[2A^[J"#]]);
}

#[test]
fn live_lines_in_color_on_a_low_terminal() {
    let mut run = Run::live(true, 4);
    for name in ["one", "two", "three", "four"] {
        run.at(0, Event::ActionStarted(action(name)));
    }
    run.tick(61_000)
        .at(61_010, Event::Note("a note".to_owned()))
        .finish(true)
        .is(expect![[r#"
            2| ^[32m[0 / 4]^[0m 4 running, 1m 01s
             |     Compiling a/one.cc ^[2m1m 01s^[0m
             |     ... and 3 more
            2| <^[2A^[Ja note
             | ^[32m[0 / 4]^[0m 4 running, 1m 01s
             |     Compiling a/one.cc ^[2m1m 01s^[0m
             |     ... and 3 more
            2| <^[2A^[J
            2| ^[32mbuilt^[0m 2 targets in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
}

#[test]
fn plain_lines() {
    let settings = Settings {
        verbose: true,
        time_of_day: Duration::from_secs(12 * 3600),
        ..Settings::default()
    };
    Run::new(settings)
        .at(0, Event::Phase("loading"))
        .at(0, Event::ActionStarted(action("one")))
        .at(0, Event::ActionStarted(action("slow")))
        .tick(100)
        .at(1200, done("one", ActionSource::Executed, true))
        .at(1300, done("two", ActionSource::LocalCache, true))
        .at(1300, done("three", ActionSource::RemoteCache, true))
        .at(1300, done("four", ActionSource::Memoized, true))
        .tick(59_000)
        .tick(61_000)
        .tick(62_000)
        .tick(92_000)
        .at(93_000, done("slow", ActionSource::Executed, true))
        .tick(193_000)
        .finish(true)
        .is(expect![[r#"
            2| 12:00:01.20 [INFO] completed: Compiling a/one.cc in 1.2s
             |
            2| 12:00:01.30 [INFO] completed: Compiling a/two.cc from cache
             |
            2| 12:00:01.30 [INFO] completed: Compiling a/three.cc from remote cache
             |
            2| 12:00:01.30 [INFO] completed: Compiling a/four.cc in memory
             |
            2| 12:01:01.00 [INFO] running for 1m 01s: Compiling a/slow.cc
             |
            2| 12:01:32.00 [INFO] running for 1m 32s: Compiling a/slow.cc
             |
            2| 12:01:33.00 [INFO] completed: Compiling a/slow.cc in 1.2s
             |
            2| built 2 targets in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
}

#[test]
fn a_failed_action() {
    let diag = Diag::build("CppCompile of `//a:one` failed with exit code 1")
        .note("its output:\na/one.cc:1: \x1b[31merror\x1b[0m: no\x1b[2J")
        .hint("write it right");
    let mut plain = Run::plain();
    plain
        .at(0, Event::ActionStarted(action("one")))
        .at(10, done("one", ActionSource::Executed, false))
        .at(20, Event::Diagnostic(diag.clone()))
        .at(30, Event::Diagnostic(diag.clone()))
        .finish(false)
        .is(expect![[r#"
            2| # //a:one (CppCompile)
             | gcc -c 'a/one.cc'
             |
            2| error: CppCompile of `//a:one` failed with exit code 1
             |    = its output:
             |      a/one.cc:1: error: no
             | hint: write it right
             |
            2| failed: 2 of 3 targets built, 1 failed in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
    Run::live(true, 24)
        .at(20, Event::Diagnostic(diag))
        .finish(false)
        .is(expect![[r#"
            2| ^[1;31merror:^[0m^[1m CppCompile of `//a:one` failed with exit code 1^[0m
             |    = its output:
             |      a/one.cc:1: ^[31merror^[0m: no
             | ^[36mhint:^[0m write it right^[0m
             | starting: 0 packages, 0 targets analyzed, 0.02s
            2| <^[J
            2| ^[1;31mfailed:^[0m 2 of 3 targets built, 1 failed in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
}

#[test]
fn warnings_are_shown_once_and_not_if_quiet() {
    let warning = Diag::build("odd").into_warning();
    let mut run = Run::plain();
    run.at(0, Event::Diagnostic(warning.clone()))
        .at(0, Event::Diagnostic(warning.clone()))
        .at(0, Event::Diagnostic(Diag::build("odd")))
        .is(expect![[r#"
            2| warning: odd
             |
            2| error: odd
             |"#]]);
    Run::new(Settings {
        quiet: true,
        ..Settings::default()
    })
    .at(0, Event::Diagnostic(warning))
    .at(0, Event::Note("note".to_owned()))
    .at(0, Event::Diagnostic(Diag::build("bad")))
    .at(0, Event::TestFinished(test("//a:t", TestStatus::Passed)))
    .finish(false)
    .is(expect![[r#"
        2| error: bad
         |
        1| //a:t          PASSED in 0.25s
         | 1 test: 1 passed
         |"#]]);
}

#[test]
fn commands() {
    let mut run = Run::new(Settings {
        commands: true,
        ..Settings::default()
    });
    assert!(run.ui.wants(Detail::Commands) && !run.ui.wants(Detail::TestOutput));
    run.at(0, Event::ActionStarted(action("one")))
        .at(0, done("one", ActionSource::Executed, false))
        .is(expect![[r#"
            2| # //a:one (CppCompile)
             | gcc -c 'a/one.cc'
             |"#]]);
    let mut long = action("long");
    long.command = Some("ä".repeat(3000));
    let mut run = Run::plain();
    let (source, elapsed) = (ActionSource::Executed, ms(1));
    run.at(
        0,
        Event::ActionFinished {
            action: long,
            source,
            success: false,
            elapsed,
        },
    );
    assert!(
        run.shown.contains("... 1904 more bytes; `-s` shows all"),
        "{}",
        run.shown
    );
}

#[test]
fn output_of_actions_that_succeeded() {
    let bytes = b"a.cc:1: warning: \x1b]0;x\x07odd \xff".to_vec();
    Run::plain()
        .at(
            0,
            Event::ActionOutput {
                action: action("one"),
                bytes,
            },
        )
        .at(
            0,
            Event::ActionOutput {
                action: action("two"),
                bytes: vec![],
            },
        )
        .is(expect![[r#"
            2| output of Compiling a/one.cc:
             | a.cc:1: warning: odd �
             |"#]]);
}

fn all_kinds() -> Vec<TestEvent> {
    let mut cached = test("//b:cached", TestStatus::Passed);
    cached.cached = true;
    let mut sharded = test("//b:sharded", TestStatus::Failed);
    sharded.attempts = vec![
        TestAttempt {
            shard: Some((1, 2)),
            ..attempt(1, TestStatus::Passed)
        },
        TestAttempt {
            shard: Some((2, 2)),
            last: false,
            ..attempt(1, TestStatus::Failed)
        },
        TestAttempt {
            shard: Some((2, 2)),
            ..attempt(2, TestStatus::Failed)
        },
    ];
    vec![
        test("//z:passed", TestStatus::Passed),
        sharded,
        test("//a:failed it", TestStatus::Failed),
        test("//a:flaky", TestStatus::Flaky),
        test("//a:late", TestStatus::Timeout),
        test("//a:broken", TestStatus::NotBuilt),
        test("//a:skipped", TestStatus::Skipped),
        cached,
    ]
}

fn tests(settings: Settings, expect: Expect) {
    let mut run = Run::new(settings);
    for test in all_kinds() {
        run.at(
            0,
            Event::TestStarted {
                label: test.label.clone(),
            },
        );
        run.at(0, Event::TestFinished(test));
    }
    run.finish(false).is(expect);
}

#[test]
fn test_results() {
    tests(
        Settings::default(),
        expect![[r#"
            2| FAILED: //b:sharded (shard 2 of 2: exit code 3) in 0.25s, see kiln-out/testlogs/t/2.log
             | ==================== Test output for //b:sharded (shard 2 of 2):
             | output of attempt 2
             | ================================================================================
             |
            2| FAILED: //a:failed it (exit code 3) in 0.25s, see kiln-out/testlogs/t/1.log
             | ==================== Test output for //a:failed it:
             | output of attempt 1
             | ================================================================================
             |
            2| TIMEOUT: //a:late (a timeout) in 0.25s, see kiln-out/testlogs/t/1.log
             | ==================== Test output for //a:late:
             | output of attempt 1
             | ================================================================================
             |
            1| //a:broken             NO STATUS
             | //a:failed it          FAILED in 0.25s
             |   kiln-out/testlogs/t/1.log
             | //a:flaky              FLAKY in 1 out of 2 runs in 0.50s
             |   kiln-out/testlogs/t/1.log
             | //a:late               TIMEOUT in 0.25s
             |   kiln-out/testlogs/t/1.log
             | //a:skipped            SKIPPED
             | //b:cached    (cached) PASSED in 0.25s
             | //b:sharded            FAILED in 2 out of 3 runs in 0.25s
             |   kiln-out/testlogs/t/1.log
             |   kiln-out/testlogs/t/2.log
             | //z:passed             PASSED in 0.25s
             | 8 tests: 2 passed, 1 flaky, 2 failed, 1 timed out, 1 not built, 1 skipped; 1 from cache
             |
            2| hint: the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
             | hint: run again: kiln test '//a:failed it' //a:broken //a:late //b:sharded
             | failed: 2 of 3 targets built, 1 failed in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]],
    );
}

#[test]
fn test_results_terse_and_without_output() {
    let settings = Settings {
        test_summary: TestSummary::Terse,
        test_output: TestOutput::Summary,
        ..Settings::default()
    };
    tests(
        settings,
        expect![[r#"
            2| FAILED: //b:sharded (shard 2 of 2: exit code 3) in 0.25s, see kiln-out/testlogs/t/2.log
             |
            2| FAILED: //a:failed it (exit code 3) in 0.25s, see kiln-out/testlogs/t/1.log
             |
            2| TIMEOUT: //a:late (a timeout) in 0.25s, see kiln-out/testlogs/t/1.log
             |
            1| //a:broken             NO STATUS
             | //a:failed it          FAILED in 0.25s
             |   kiln-out/testlogs/t/1.log
             | //a:late               TIMEOUT in 0.25s
             |   kiln-out/testlogs/t/1.log
             | //b:sharded            FAILED in 2 out of 3 runs in 0.25s
             |   kiln-out/testlogs/t/1.log
             |   kiln-out/testlogs/t/2.log
             | 8 tests: 2 passed, 1 flaky, 2 failed, 1 timed out, 1 not built, 1 skipped; 1 from cache
             |
            2| hint: the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
             | hint: run again: kiln test '//a:failed it' //a:broken //a:late //b:sharded
             | failed: 2 of 3 targets built, 1 failed in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]],
    );
}

#[test]
fn test_results_in_detail_and_in_color() {
    let settings = Settings {
        test_summary: TestSummary::Detailed,
        test_output: TestOutput::Summary,
        color: true,
        ..Settings::default()
    };
    tests(
        settings,
        expect![[r#"
            2| ^[1;31mFAILED^[0m: //b:sharded (shard 2 of 2: exit code 3) in 0.25s, see kiln-out/testlogs/t/2.log
             |
            2| ^[1;31mFAILED^[0m: //a:failed it (exit code 3) in 0.25s, see kiln-out/testlogs/t/1.log
             |
            2| ^[1;31mTIMEOUT^[0m: //a:late (a timeout) in 0.25s, see kiln-out/testlogs/t/1.log
             |
            1| //a:broken             ^[1;31mNO STATUS^[0m
             | //a:failed it          ^[1;31mFAILED^[0m in 0.25s
             |   kiln-out/testlogs/t/1.log
             |     run 1: ^[1;31mFAILED^[0m (exit code 3) in 0.25s
             | //a:flaky              ^[1;33mFLAKY^[0m in 1 out of 2 runs in 0.50s
             |   kiln-out/testlogs/t/1.log
             |     run 1: ^[1;31mFAILED^[0m (exit code 3) in 0.25s
             |     run 1, attempt 2: ^[32mPASSED^[0m in 0.25s
             | //a:late               ^[1;31mTIMEOUT^[0m in 0.25s
             |   kiln-out/testlogs/t/1.log
             |     run 1: ^[1;31mTIMEOUT^[0m (a timeout) in 0.25s
             | //a:skipped            ^[2mSKIPPED^[0m
             | //b:cached    (cached) ^[32mPASSED^[0m in 0.25s
             |     run 1: ^[32mPASSED^[0m in 0.25s
             | //b:sharded            ^[1;31mFAILED^[0m in 2 out of 3 runs in 0.25s
             |   kiln-out/testlogs/t/1.log
             |   kiln-out/testlogs/t/2.log
             |     run 1, shard 1: ^[32mPASSED^[0m in 0.25s
             |     run 1, shard 2: ^[1;31mFAILED^[0m (exit code 3) in 0.25s
             |     run 1, shard 2, attempt 2: ^[1;31mFAILED^[0m (exit code 3) in 0.25s
             | //z:passed             ^[32mPASSED^[0m in 0.25s
             |     run 1: ^[32mPASSED^[0m in 0.25s
             | 8 tests: 2 passed, 1 flaky, 2 failed, 1 timed out, 1 not built, 1 skipped; 1 from cache
             |
            2| ^[36mhint:^[0m the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
             | ^[36mhint:^[0m run again: kiln test '//a:failed it' //a:broken //a:late //b:sharded
             | ^[1;31mfailed:^[0m 2 of 3 targets built, 1 failed in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]],
    );
}

#[test]
fn test_results_as_json() {
    let settings = Settings {
        json: true,
        test_output: TestOutput::Summary,
        test_summary: TestSummary::Terse,
        ..Settings::default()
    };
    tests(
        settings,
        expect![[r#"
            2| FAILED: //b:sharded (shard 2 of 2: exit code 3) in 0.25s, see kiln-out/testlogs/t/2.log
             |
            2| FAILED: //a:failed it (exit code 3) in 0.25s, see kiln-out/testlogs/t/1.log
             |
            2| TIMEOUT: //a:late (a timeout) in 0.25s, see kiln-out/testlogs/t/1.log
             |
            2| //a:broken             NO STATUS
             | //a:failed it          FAILED in 0.25s
             |   kiln-out/testlogs/t/1.log
             | //a:late               TIMEOUT in 0.25s
             |   kiln-out/testlogs/t/1.log
             | //b:sharded            FAILED in 2 out of 3 runs in 0.25s
             |   kiln-out/testlogs/t/1.log
             |   kiln-out/testlogs/t/2.log
             | 8 tests: 2 passed, 1 flaky, 2 failed, 1 timed out, 1 not built, 1 skipped; 1 from cache
             |
            1| {"targets":{"requested":3,"built":2,"skipped":0,"failed":1},"actions":{"executed":4,"local_cache":5,"remote_cache":0,"memoized":1},"tests":{"passed":1,"failed":2,"timeout":3,"flaky":4,"skipped":5,"cached":6},"remote":{"downloaded_bytes":0,"uploaded_bytes":0},"wall_ms":3456}
             |
            2| hint: the `size` or `timeout` of a test says how long it may run, or `--test_timeout=SECONDS`
             | hint: run again: kiln test '//a:failed it' //a:broken //a:late //b:sharded
             | failed: 2 of 3 targets built, 1 failed in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]],
    );
}

#[test]
fn all_output_of_tests() {
    let mut run = Run::new(Settings {
        test_output: TestOutput::All,
        test_summary: TestSummary::None,
        ..Settings::default()
    });
    run.at(0, Event::TestFinished(test("//a:t", TestStatus::Passed)))
        .finish(true)
        .is(expect![[r#"
            2| ==================== Test output for //a:t:
             | output of attempt 1
             | ================================================================================
             |
            2| built 2 targets in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
}

#[test]
fn streamed_output_of_tests() {
    let mut run = Run::new(Settings {
        test_output: TestOutput::Streamed,
        ..Settings::default()
    });
    assert!(run.ui.wants(Detail::TestOutput));
    let write = |label: &str, bytes: &[u8]| Event::TestOutput {
        label: label.to_owned(),
        bytes: bytes.to_vec(),
    };
    run.at(0, write("//a:t", b"one\ntw"))
        .at(0, write("//a:t", b"o \xc3"))
        .at(0, write("//a:u", b"other\n"))
        .at(0, write("//a:t", b"\xa4\nthree"))
        .at(0, Event::TestFinished(test("//a:t", TestStatus::Passed)))
        .at(0, write("//a:u", b"end"))
        .finish(true)
        .is(expect![[r#"
            2| -------- //a:t
             | one
             |
            2| -------- //a:u
             | other
             |
            2| -------- //a:t
             | two ä
             |
            2| three
             |
            2| -------- //a:u
             | end
             |
            1| //a:t          PASSED in 0.25s
             | 1 test: 1 passed
             |
            2| built 2 targets in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
}

#[test]
fn results_of_a_build() {
    let outputs = |label: &str| Event::TargetOutputs {
        label: label.to_owned(),
        paths: vec![format!(
            "kiln-out/bin/{}",
            label.replace("//", "").replace(':', "/")
        )],
    };
    let finished = |label: &str, status| Event::TargetFinished {
        label: label.to_owned(),
        status,
    };
    let mut run = Run::new(Settings {
        verbose: true,
        ..Settings::default()
    });
    run.at(0, outputs("//a:b"))
        .at(0, finished("//a:b", TargetStatus::Built))
        .at(0, finished("//a:c", TargetStatus::Skipped))
        .finish(true)
        .is(expect![[r#"
            2| skipped //a:c
             |
            2| //a:b:
             |   kiln-out/bin/a/b
             |
            2| built 2 targets in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
    // More targets than are shown: none is.
    Run::plain()
        .at(0, outputs("//a:b"))
        .at(0, outputs("//a:c"))
        .finish(true)
        .is(expect![[r#"
            2| built 2 targets in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory
             |"#]]);
}

/// R23: what came from servers is told, if anything did.
#[test]
fn downloads_are_told() {
    let summary = BuildSummary {
        downloaded: 1_600_000,
        ..summary(true)
    };
    let mut run = Run::plain();
    let output = run.ui.finish(&summary, ms(3456));
    expect![[r#"
        built 2 targets in 3.4s; 10 actions: 4 run, 5 from cache, 1 in memory; 1.5 MiB downloaded
    "#]]
    .assert_eq(&output.stderr_after);
}

#[test]
fn the_json_object_is_stable() {
    expect![[r#"{"targets":{"requested":3,"built":2,"skipped":0,"failed":0},"actions":{"executed":4,"local_cache":5,"remote_cache":0,"memoized":1},"tests":{"passed":1,"failed":2,"timeout":3,"flaky":4,"skipped":5,"cached":6},"remote":{"downloaded_bytes":0,"uploaded_bytes":0},"wall_ms":3456}"#]].assert_eq(&summary_json(&summary(true)));
    let none = BuildSummary {
        tests: None,
        ..BuildSummary::default()
    };
    expect![[r#"{"targets":{"requested":0,"built":0,"skipped":0,"failed":0},"actions":{"executed":0,"local_cache":0,"remote_cache":0,"memoized":0},"tests":{"passed":0,"failed":0,"timeout":0,"flaky":0,"skipped":0,"cached":0},"remote":{"downloaded_bytes":0,"uploaded_bytes":0},"wall_ms":0}"#]].assert_eq(&summary_json(&none));
}

#[test]
fn nothing_of_live_lines_stays() {
    // Every line that was drawn is erased: after the last erasure there is only what stays.
    let mut run = Run::live(false, 24);
    run.at(0, Event::ActionStarted(action("one"))).tick(200);
    let output = run.ui.close(ms(300));
    assert_eq!(output.stderr, "\r\x1b[1A\x1b[J");
    assert_eq!(run.ui.close(ms(300)), Output::default());
    assert_eq!(run.ui.tick(ms(900)), Output::default());
}
