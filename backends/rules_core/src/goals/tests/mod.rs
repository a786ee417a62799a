//! Goals over rules that stand in for those of the product: what a target comes to is in its name.

mod stand_ins;

use std::sync::{Arc, Mutex};

use expect_test::{Expect, expect};
use kiln_base::RelPath;
use kiln_events::{Event, Recorder};
use kiln_rules::QueryDef;
use kiln_scheduler::{Engine, Parts, Services};
use kiln_targets::{Configuration, Settings};

use super::{Depth, GoalReport, GoalRequest};
use crate::build::Built;
use crate::patterns::{Purpose, Selection};
use crate::services::Events;
use crate::test::TestOptions;
use crate::test_filters::TestFilters;

/// What a goal is asked, and how.
struct Goal {
    targets: &'static str,
    keep_going: bool,
    test_keep_going: bool,
    tests: bool,
    tests_only: bool,
    depth: Depth,
}

const BUILD: Goal = Goal {
    targets: "",
    keep_going: false,
    test_keep_going: true,
    tests: false,
    tests_only: false,
    depth: Depth::Build,
};

const TEST: Goal = Goal {
    tests: true,
    ..BUILD
};

impl Goal {
    /// Runs it, and shows the report, what was told, and which rules ran for which targets.
    async fn check(self, expect: Expect) {
        let ran: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = ran.clone();
        let events = Arc::new(Recorder::default());
        let engine = Engine::new(Parts {
            rules: [super::rules(), stand_ins::rules()].concat(),
            queries: vec![QueryDef::of::<GoalReport, (GoalRequest, Configuration)>()],
            services: Services::new().with(Events(events.clone())),
            threads: 1,
            trace: Some(Arc::new(move |rule, _| {
                log.lock().expect("a log").push(rule.to_owned());
            })),
        });
        let engine = engine.unwrap_or_else(|errors| panic!("{errors:#?}"));
        let configuration = Configuration::new(Settings::default());
        let session = engine.session();
        let report = session
            .query::<GoalReport, _>((self.request(), configuration))
            .await;
        let mut text = report.map_or_else(|error| error.render(), |report| shown(&report));
        let mut told: Vec<String> = events.take().iter().filter_map(told).collect();
        // Which of two targets is done first is nobody's business.
        told.sort();
        text += &format!("told: {}", told.join("; "));
        let mut ran = ran.lock().expect("a log").clone();
        ran.sort();
        ran.dedup();
        expect.assert_eq(&format!("{text}\nran: {}\n", ran.join(" ")));
    }

    fn request(&self) -> GoalRequest {
        let patterns = self.targets.split_whitespace().map(str::to_owned);
        GoalRequest {
            selection: Selection {
                patterns: patterns.collect(),
                cwd: RelPath::root(),
                purpose: Purpose::Test,
                build_tags: Vec::new(),
                tests: TestFilters::default(),
                manual_tests: false,
                keep_going: self.keep_going,
            },
            keep_going: self.keep_going,
            tests: self.tests.then(|| Arc::new(TestOptions::default())),
            tests_only: self.tests_only,
            test_keep_going: self.test_keep_going,
            check_environments: self.targets.contains("misfit"),
            depth: self.depth,
        }
    }
}

fn shown(report: &GoalReport) -> String {
    let mut text = String::new();
    for error in &report.errors {
        text += &format!("error: {}\n", error.message());
    }
    for (target, result) in &report.targets {
        let came = match result.as_deref() {
            Ok(Built::Ready(_)) => "built".to_owned(),
            Ok(Built::Checked) => "checked".to_owned(),
            Ok(Built::Skipped(reason)) => format!("skipped, {reason}"),
            Err(error) => error.message().to_owned(),
        };
        text += &format!("{}: {came}\n", target.label);
    }
    for test in &report.tests {
        text += &format!("{}: {}\n", test.label, test.status);
    }
    text
}

fn told(event: &Event) -> Option<String> {
    match event {
        Event::TargetsRequested(count) => Some(format!("{count} requested")),
        Event::Diagnostic(diag) => Some(diag.message().to_owned()),
        Event::TestFinished(test) => Some(format!("{} {}", test.label, test.status)),
        _ => None,
    }
}

#[tokio::test]
async fn tests_run_after_their_targets_and_are_sorted() {
    let goal = Goal {
        targets: "test_b lib test_a test_idle",
        ..TEST
    };
    goal.check(expect![[r#"
        //:lib: built
        //:test_a: built
        //:test_b: built
        //:test_idle: built
        //:test_a: PASSED
        //:test_b: PASSED
        told: //:test_a PASSED; //:test_b PASSED; 4 requested
        ran: built goal_report repositories selected test_outcome
    "#]])
        .await;
}

#[tokio::test]
async fn a_build_runs_no_tests() {
    let goal = Goal {
        targets: "test_a lib",
        ..BUILD
    };
    goal.check(expect![[r#"
        //:lib: built
        //:test_a: built
        told: 2 requested
        ran: built goal_report repositories selected
    "#]])
        .await;
}

/// What does not fit its environment ends a goal before anything is built, or only itself with `-k`.
#[tokio::test]
async fn misfits_are_known_before_anything_runs() {
    let goal = Goal {
        targets: "lib misfit",
        ..BUILD
    };
    goal.check(expect![[r#"
        //:misfit: //:misfit does not fit
        told: //:misfit does not fit; 2 requested
        ran: fit_report goal_report repositories selected
    "#]])
        .await;
    let goal = Goal {
        targets: "lib misfit test_misfits_not misfit_test",
        keep_going: true,
        ..TEST
    };
    goal.check(expect![[r#"
        //:lib: built
        //:misfit: //:misfit does not fit
        //:misfit_test: //:misfit_test does not fit
        //:test_misfits_not: built
        //:test_misfits_not: PASSED
        told: //:misfit does not fit; //:misfit_test does not fit; //:test_misfits_not PASSED; 4 requested
        ran: built fit_report goal_report repositories selected test_outcome
    "#]]).await;
}

#[tokio::test]
async fn the_first_failure_ends_a_goal() {
    let goal = Goal {
        targets: "lib_broken endless test_endless",
        ..TEST
    };
    goal.check(expect![[r#"
        //:lib_broken: broken
        told: 3 requested; broken
        ran: built goal_report repositories selected
    "#]])
        .await;
}

#[tokio::test]
async fn or_ends_only_what_depends_on_it() {
    let goal = Goal {
        targets: "lib_broken test_broken lib test_a nowhere",
        keep_going: true,
        ..TEST
    };
    goal.check(expect![[r#"
        error: no such package
        //:lib: built
        //:lib_broken: broken
        //:test_a: built
        //:test_broken: broken
        //:test_a: PASSED
        told: //:test_a PASSED; //:test_broken NO STATUS; 4 requested; broken; no such package
        ran: built goal_report repositories selected test_outcome
    "#]])
        .await;
}

/// Targets that fail for one cause say it once; their tests say each that they did not run.
#[tokio::test]
async fn one_cause_is_told_once() {
    let goal = Goal {
        targets: "test_1_broken test_2_broken test_3_broken_too",
        keep_going: true,
        ..TEST
    };
    goal.check(expect![[r#"
        //:test_1_broken: broken
        //:test_2_broken: broken
        //:test_3_broken_too: broken_too
        told: //:test_1_broken NO STATUS; //:test_2_broken NO STATUS; //:test_3_broken_too NO STATUS; 3 requested; broken; broken_too
        ran: built goal_report repositories selected
    "#]]).await;
}

#[tokio::test]
async fn failed_tests_end_nothing() {
    let goal = Goal {
        targets: "test_fails test_late test_flaky test_passes",
        ..TEST
    };
    goal.check(expect![[r#"
        //:test_fails: built
        //:test_flaky: built
        //:test_late: built
        //:test_passes: built
        //:test_fails: FAILED
        //:test_flaky: FLAKY
        //:test_late: TIMEOUT
        //:test_passes: PASSED
        told: //:test_fails FAILED; //:test_flaky FLAKY; //:test_late TIMEOUT; //:test_passes PASSED; 4 requested
        ran: built goal_report repositories selected test_outcome
    "#]]).await;
}

#[tokio::test]
async fn unless_that_was_asked_for() {
    let goal = Goal {
        targets: "test_fails endless",
        test_keep_going: false,
        ..TEST
    };
    goal.check(expect![[r#"
        //:test_fails: built
        //:test_fails: FAILED
        told: //:test_fails FAILED; 2 requested
        ran: built goal_report repositories selected test_outcome
    "#]])
        .await;
}

/// A test that cannot be run is no failed test: it counts as what cannot be built.
#[tokio::test]
async fn tests_that_cannot_be_run() {
    let goal = Goal {
        targets: "test_lost endless",
        ..TEST
    };
    goal.check(expect![[r#"
        //:test_lost: the sandbox is gone
        told: //:test_lost NO STATUS; 2 requested; the sandbox is gone
        ran: built goal_report repositories selected test_outcome
    "#]])
        .await;
}

/// What is not for this platform is passed over, but not if it was named.
#[tokio::test]
async fn other_platforms() {
    let goal = Goal {
        targets: "elsewhere test_elsewhere",
        ..TEST
    };
    goal.check(expect![[r#"
        //:elsewhere: skipped, it is for another machine
        //:test_elsewhere: skipped, it is for another machine
        //:test_elsewhere: SKIPPED
        told: //:test_elsewhere SKIPPED; 2 requested
        ran: built goal_report repositories selected test_outcome
    "#]])
        .await;
    let goal = Goal {
        targets: "elsewhere! test_elsewhere!",
        keep_going: true,
        ..TEST
    };
    goal.check(expect![[r#"
        //:elsewhere: `//:elsewhere` is incompatible with the target platform: it is for another machine
        //:test_elsewhere: `//:test_elsewhere` is incompatible with the target platform: it is for another machine
        //:test_elsewhere: SKIPPED
        told: //:test_elsewhere SKIPPED; 2 requested; `//:elsewhere` is incompatible with the target platform: it is for another machine; `//:test_elsewhere` is incompatible with the target platform: it is for another machine
        ran: built goal_report repositories selected test_outcome
    "#]]).await;
}

#[tokio::test]
async fn only_tests() {
    let goal = Goal {
        targets: "lib_broken test_a test_idle_broken",
        tests_only: true,
        ..TEST
    };
    goal.check(expect![[r#"
        //:test_a: built
        //:test_a: PASSED
        told: //:test_a PASSED; 1 requested
        ran: built goal_report repositories selected test_outcome
    "#]])
        .await;
    let goal = Goal {
        targets: "lib_broken test_a",
        tests_only: true,
        ..BUILD
    };
    goal.check(expect![[r#"
        //:test_a: built
        told: 1 requested
        ran: built goal_report repositories selected
    "#]])
        .await;
}

#[tokio::test]
async fn as_far_as_was_asked() {
    let goal = Goal {
        targets: "lib endless test_fails elsewhere lib_broken",
        keep_going: true,
        depth: Depth::Analyze,
        ..TEST
    };
    goal.check(expect![[r#"
        //:elsewhere: skipped, it is for another machine
        //:endless: checked
        //:lib: checked
        //:lib_broken: broken
        //:test_fails: checked
        told: 5 requested; broken
        ran: analyzed goal_report repositories selected
    "#]])
        .await;
    let goal = Goal {
        targets: "lib test_fails elsewhere! lib_broken",
        depth: Depth::Find,
        ..TEST
    };
    goal.check(expect![[r#"
        //:elsewhere: checked
        //:lib: checked
        //:lib_broken: checked
        //:test_fails: checked
        told: 4 requested
        ran: goal_report repositories selected
    "#]])
        .await;
}

#[tokio::test]
async fn nothing_to_do() {
    let goal = Goal {
        targets: "",
        ..TEST
    };
    goal.check(expect![[r#"
        told: 0 requested
        ran: goal_report repositories selected
    "#]])
        .await;
}
