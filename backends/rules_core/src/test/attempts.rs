//! The runs, shards and attempts of a test.

use std::sync::atomic::{AtomicBool, Ordering};

use kiln_diag::Diag;
use kiln_events::{ActionEvent, Detail, Event, TestStatus};
use kiln_process::{
    CacheScope, Description, ExecError, Exit, Keyed, Observer, Process, ProcessResult, Request,
    Source,
};

use super::filter::last_fitting;
use super::process::{out, rel};
use super::{Cx, Reuse, Test};
use crate::rewind::Rewinder;
use crate::services::{Events, Execution};
use crate::spawn::{action_event, action_source, cache_scope, exit_text, tell_kept};
use crate::tools::{Machine, MachineKey};
use crate::undeclared::warn_of_test;

/// Which of the runs and shards.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// From 1.
    pub(super) run: u32,
    /// Of so many.
    pub(super) runs: u32,
    /// From 1.
    pub(super) shard: u32,
    /// Of so many; 0 for tests without shards.
    pub(super) shards: u32,
}

/// One process that ran, or whose result was known.
pub(super) struct Attempt {
    pub(super) result: ProcessResult,
    pub(super) verdict: Verdict,
}

/// What is said of an attempt.
pub(super) struct Verdict {
    pub(super) status: TestStatus,
    /// How it ended, for people.
    pub(super) text: String,
}

impl Test<'_> {
    /// All runs of all shards.
    pub(super) fn parts(&self) -> Vec<Part> {
        let options = &self.key.options;
        let runs = last_fitting(&options.runs, &self.key.label).copied();
        let runs = runs.unwrap_or(1).max(1);
        let shards = match options.no_sharding {
            true => 0,
            false => self.attrs.shards,
        };
        let of_run = |run| {
            (1..=shards.max(1)).map(move |shard| Part {
                run,
                runs,
                shard,
                shards,
            })
        };
        (1..=runs).flat_map(of_run).collect()
    }

    /// How often a part is tried until it passes.
    fn most_attempts(&self) -> u32 {
        let given = last_fitting(&self.key.options.attempts, &self.key.label);
        match given.copied().flatten() {
            Some(attempts) => attempts.max(1),
            None if self.attrs.flaky => 3,
            None => 1,
        }
    }

    /// Which results may be used again (Bazel: `--cache_test_results`).
    fn cache_scope(&self, part: Part, attempt: u32) -> CacheScope {
        let own = cache_scope(&self.attrs.requirements);
        match (self.key.options.reuse, own) {
            (_, CacheScope::Session) => CacheScope::Session,
            (Reuse::All, CacheScope::Successful) => CacheScope::Always,
            (Reuse::All, own) => own,
            // Who asks for several runs wants to see them, and a retry must be one (PX-002).
            _ if part.runs > 1 || attempt > 1 => CacheScope::Session,
            (Reuse::Nothing, CacheScope::Successful) => CacheScope::Refresh,
            (Reuse::Nothing, _) => CacheScope::Session,
            (Reuse::Auto, own) => own,
        }
    }

    /// One part, tried again if it fails and may.
    pub(super) async fn attempts(
        &self,
        cx: &Cx,
        base: &Process,
        part: Part,
    ) -> Result<Vec<Attempt>, Diag> {
        let mut process = base.clone();
        let mut set = |name: &str, value: u32| {
            process.env.insert(name.to_owned(), value.to_string());
        };
        if part.shards > 0 {
            set("TEST_TOTAL_SHARDS", part.shards);
            set("TEST_SHARD_INDEX", part.shard - 1);
        }
        if part.runs > 1 {
            set("TEST_RUN_NUMBER", part.run);
        }
        let mut attempts = Vec::new();
        for attempt in 1..=self.most_attempts() {
            if attempt > 1 {
                // A part of the key, so that it is not the attempt before (PX-002).
                let name = "TEST_ATTEMPT_NUMBER".to_owned();
                process.env.insert(name, attempt.to_string());
            }
            process.cache = match base.cache {
                CacheScope::Session => CacheScope::Session,
                _ => self.cache_scope(part, attempt),
            };
            let done = self.attempt(cx, &mut process, part).await?;
            let passed = done.verdict.status.success();
            attempts.push(done);
            if passed {
                break;
            }
        }
        Ok(attempts)
    }

    /// One attempt. Caches keep what ended with code 0; if that was no success for a test, it
    /// has to run, as every test that failed.
    async fn attempt(&self, cx: &Cx, process: &mut Process, part: Part) -> Result<Attempt, Diag> {
        let mut result = self.execute(cx, process).await?;
        let mut verdict = self.verdict(&result, part)?;
        let kept = result.source != Source::Ran && !verdict.status.success();
        if kept && process.cache != CacheScope::Always {
            process.cache = CacheScope::Session;
            result = self.execute(cx, process).await?;
            verdict = self.verdict(&result, part)?;
        }
        Ok(Attempt { result, verdict })
    }

    fn verdict(&self, result: &ProcessResult, part: Part) -> Result<Verdict, Diag> {
        let left = |path| Ok::<bool, Diag>(result.outputs.get(&rel(path)?).is_some());
        let (status, text) = match result.exit {
            Exit::TimedOut => {
                let seconds = self.attrs.timeout(&self.key.options).as_secs();
                let text = format!("still running after its timeout of {seconds} s");
                (TestStatus::Timeout, text)
            }
            Exit::Code(0) if left(out::PREMATURE_EXIT)? => (
                TestStatus::Failed,
                "exit code 0 before its end: the file `$TEST_PREMATURE_EXIT_FILE` is still there"
                    .to_owned(),
            ),
            Exit::Code(0)
                if part.shards > 0 && self.key.options.check_sharding && !left(out::SHARD)? =>
            {
                let text = "it has `shard_count`, but did not touch `$TEST_SHARD_STATUS_FILE`: \
                            all shards would run the same";
                (TestStatus::Failed, text.to_owned())
            }
            Exit::Code(0) => (TestStatus::Passed, exit_text(result.exit)),
            exit => (TestStatus::Failed, exit_text(exit)),
        };
        Ok(Verdict { status, text })
    }

    async fn execute(&self, cx: &Cx, process: &mut Process) -> Result<ProcessResult, Diag> {
        let label = self.target.label.to_string();
        let describe = Description {
            label: label.clone(),
            mnemonic: "TestRunner".to_owned(),
            progress: format!("Testing {label}"),
        };
        let mut rewinder = Rewinder::new();
        let result = loop {
            match self.execute_once(cx, process, &describe).await {
                Err(ExecError::MissingBlob(lost)) => {
                    self.make_again(cx, process, &mut rewinder, lost).await?;
                }
                Err(ExecError::Unavailable(diag) | ExecError::Failed(diag)) => {
                    return Err(diag.note(format!("while running test `{label}`")));
                }
                Ok(result) => break result,
            }
        };
        tell_kept(cx, &describe, &result)?;
        if let (false, Some(executable)) = (result.exit.success(), &self.target.executable) {
            let (label, program) = (&self.target.label, executable.exec_path());
            let key = MachineKey::of(&self.target.configuration);
            let here = cx.get::<Machine, _>((key,)).await?.is_here();
            warn_of_test(cx, label, program, process, here, &result).await?;
        }
        Ok(result)
    }

    async fn execute_once(
        &self,
        cx: &Cx,
        process: &Process,
        describe: &Description,
    ) -> Result<ProcessResult, ExecError> {
        let failed = ExecError::Failed;
        let execution = cx.service::<Execution>().map_err(failed)?;
        let events = cx.service::<Events>().map_err(failed)?;
        let key = MachineKey::of(&self.target.configuration);
        let machine = cx.get::<Machine, _>((key,)).await.map_err(failed)?;
        let keyed = Keyed::of(process);
        let observer = Watcher {
            events: &events,
            action: action_event(describe, keyed.digest),
            started: AtomicBool::new(false),
        };
        let request = Request {
            process,
            environment: &machine.environment,
            action: keyed.digest,
            describe,
            slots: self.attrs.slots(),
            exclusive: self.key.options.exclusive || self.attrs.has("exclusive"),
            writable: true,
            optional_outputs: true,
            declared: None,
            reads: kiln_process::Reads::All,
            observer: &observer,
        };
        let result = execution.tests.execute(request).await;
        let (action, started) = (observer.action, observer.started.into_inner());
        match &result {
            Ok(result) => events.0.emit(Event::ActionFinished {
                action,
                source: action_source(result.source),
                success: result.exit.success(),
                elapsed: result.elapsed,
            }),
            Err(_) if started => events.0.emit(Event::ActionDropped(action)),
            Err(_) => {}
        }
        result
    }
}

/// Passes on what a running test does.
struct Watcher<'a> {
    events: &'a Events,
    action: ActionEvent,
    started: AtomicBool,
}

impl Observer for Watcher<'_> {
    fn started(&self) {
        self.started.store(true, Ordering::Relaxed);
        let event = Event::ActionStarted(self.action.clone());
        self.events.0.emit(event);
        self.events.0.emit(Event::TestStarted {
            label: self.action.label.clone(),
        });
    }

    fn wants_output(&self) -> bool {
        self.events.0.wants(Detail::TestOutput)
    }

    fn output(&self, bytes: &[u8]) {
        let label = self.action.label.clone();
        self.events.0.emit(Event::TestOutput {
            label,
            bytes: bytes.to_vec(),
        });
    }
}
