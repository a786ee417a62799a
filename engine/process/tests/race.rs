//! One action in two environments at a time: who counts, who is stopped, who never begins.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use expect_test::{Expect, expect};
use futures::FutureExt;
use futures::future::BoxFuture;
use kiln_base::{Digest, RelPath};
use kiln_diag::Diag;
use kiln_process::{
    CacheScope, Contest, Description, Environment, ExecError, Executor, Exit, Keyed, Observer,
    Other, Process, ProcessResult, Request, Side, Source, Start, Took, race,
};
use kiln_tree::{Node, Tree};
use parking_lot::Mutex;

/// What an environment makes of a process.
#[derive(Clone, Copy)]
enum Does {
    Makes(&'static str),
    Fails,
    /// It ends well and lacks its output.
    Nothing,
    Breaks,
    Loses,
    Hangs,
}

/// Two environments, and what happened in them.
struct Stage {
    home: Does,
    away: Does,
    said: Arc<Mutex<Vec<&'static str>>>,
}

/// Says that something was stopped.
struct Running(Arc<Mutex<Vec<&'static str>>>, &'static str);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.lock().push(self.1);
    }
}

impl Executor for Stage {
    fn execute<'a>(
        &'a self,
        request: Request<'a>,
    ) -> BoxFuture<'a, Result<ProcessResult, ExecError>> {
        let (does, begins, ends) = match request.environment {
            Environment::Local => (self.home, "home begins", "home ends"),
            _ => (self.away, "away begins", "away ends"),
        };
        async move {
            request.observer.started();
            self.said.lock().push(begins);
            let _running = Running(self.said.clone(), ends);
            let result = |exit, outputs| ProcessResult {
                exit,
                stdout: Digest::EMPTY,
                stderr: Digest::EMPTY,
                outputs,
                elapsed: Duration::ZERO,
                source: Source::Ran,
                sandbox: None,
                strays: Vec::new(),
                unlisted_reads: None,
                left: Vec::new(),
            };
            match does {
                Does::Makes(text) => {
                    let digest = Digest::of(text.as_bytes());
                    let node = Node::File {
                        digest,
                        executable: false,
                    };
                    let out = RelPath::new("out").unwrap();
                    Ok(result(Exit::Code(0), Tree::single(&out, node)))
                }
                Does::Fails => Ok(result(Exit::Code(1), Tree::empty())),
                Does::Nothing => Ok(result(Exit::Code(0), Tree::empty())),
                Does::Breaks => Err(ExecError::Unavailable(Diag::environment("it broke"))),
                Does::Loses => Err(ExecError::MissingBlob(Digest::of(b"input"))),
                Does::Hangs => std::future::pending().await,
            }
        }
        .boxed()
    }
}

#[derive(Default)]
struct Starts(Mutex<u32>);

impl Observer for Starts {
    fn started(&self) {
        *self.0.lock() += 1;
    }
}

const NEVER: Duration = Duration::from_secs(3600);

async fn check(home: Does, away: Does, first: Side, after: Duration, expected: Expect) {
    run(home, away, Start { first, after }, false, expected).await;
}

async fn run(home: Does, away: Does, start: Start, both: bool, expected: Expect) {
    let process = Process {
        argv: vec!["make".to_owned()],
        env: BTreeMap::new(),
        workdir: RelPath::root(),
        inputs: Tree::empty(),
        outputs: vec![RelPath::new("out").unwrap()],
        timeout: None,
        network: false,
        platform: BTreeMap::new(),
        environment: Arc::from(&b""[..]),
        cache: CacheScope::Successful,
    };
    let starts = Starts::default();
    let request = Request {
        process: &process,
        environment: &Environment::Local,
        action: Keyed::of(&process).digest,
        describe: &Description::default(),
        slots: 1,
        exclusive: false,
        writable: false,
        optional_outputs: false,
        declared: None,
        reads: kiln_process::Reads::All,
        observer: &starts,
    };
    let away_request = Request {
        environment: &Environment::Workspace,
        ..request
    };
    let said = Arc::default();
    let stage = Stage {
        home,
        away,
        said: Arc::clone(&said),
    };
    let contest = Contest {
        home: request,
        away: away_request,
        start,
        both,
    };
    let raced = race(&stage, contest).await;
    let result = match &raced.result {
        Ok(result) => format!("{:?}", result.exit),
        Err(error) => error.to_string(),
    };
    let other = match &raced.other {
        Other::Broken(_) => "broken".to_owned(),
        Other::Ended(result) => format!("ended with {:?}", result.exit),
        other => format!("{other:?}").to_lowercase(),
    };
    let took = raced.took.map(|took| match took {
        Took::All(_) => "all",
        Took::AtLeast(_) => "at least",
        Took::Nothing => "nothing",
    });
    let text = format!(
        "{result} of {:?}, the other {other}, took {took:?}; {}",
        raced.winner,
        said.lock().join(", ")
    );
    expected.assert_eq(&text);
    assert_eq!(*starts.0.lock(), 1, "told once");
}

/// PX-130: the first good result counts, and the other side is stopped before that is told.
#[tokio::test]
async fn the_first_good_result_counts() {
    use Does::{Breaks, Fails, Hangs, Loses, Makes, Nothing};
    use Side::{Away, Home};
    let zero = Duration::ZERO;
    check(
        Makes("a"),
        Hangs,
        Home,
        NEVER,
        expect![[
            r#"Code(0) of Home, the other idle, took ["all", "nothing"]; home begins, home ends"#
        ]],
    )
    .await;
    check(Hangs, Makes("a"), Home, zero, expect![[r#"Code(0) of Away, the other stopped, took ["at least", "all"]; home begins, away begins, away ends, home ends"#]]).await;
    check(
        Hangs,
        Makes("a"),
        Away,
        NEVER,
        expect![[
            r#"Code(0) of Away, the other idle, took ["nothing", "all"]; away begins, away ends"#
        ]],
    )
    .await;
    check(Makes("a"), Hangs, Away, zero, expect![[r#"Code(0) of Home, the other stopped, took ["all", "at least"]; away begins, home begins, home ends, away ends"#]]).await;
    // What its own environment says of it counts, unless the other one has made it.
    check(Fails, Hangs, Away, zero, expect![[r#"Code(1) of Home, the other stopped, took ["all", "at least"]; away begins, home begins, home ends, away ends"#]]).await;
    check(Nothing, Hangs, Away, zero, expect![[r#"Code(0) of Home, the other stopped, took ["all", "at least"]; away begins, home begins, home ends, away ends"#]]).await;
    check(Loses, Hangs, Away, zero, expect![[r#"blob c96c6d5be8d08a12e7b5cdc1b207fa6b2430974c86803d8891675e76fd992c20/5 is gone of Home, the other stopped, took ["nothing", "at least"]; away begins, home begins, home ends, away ends"#]]).await;
    // Whoever fails without having made anything leaves it to the other, at once.
    check(Makes("a"), Fails, Away, NEVER, expect![[r#"Code(0) of Home, the other ended with Code(1), took ["all", "all"]; away begins, away ends, home begins, home ends"#]]).await;
    check(Makes("a"), Breaks, Away, NEVER, expect![[r#"Code(0) of Home, the other broken, took ["all", "nothing"]; away begins, away ends, home begins, home ends"#]]).await;
    check(Makes("a"), Loses, Away, NEVER, expect![[r#"Code(0) of Home, the other broken, took ["all", "nothing"]; away begins, away ends, home begins, home ends"#]]).await;
    check(Breaks, Makes("a"), Home, NEVER, expect![[r#"Code(0) of Away, the other broken, took ["nothing", "all"]; home begins, home ends, away begins, away ends"#]]).await;
    check(Breaks, Fails, Home, NEVER, expect![[r#"Code(1) of Away, the other broken, took ["nothing", "all"]; home begins, home ends, away begins, away ends"#]]).await;
    check(Breaks, Breaks, Home, NEVER, expect![[r#"error: it broke of Home, the other broken, took ["nothing", "nothing"]; home begins, home ends, away begins, away ends"#]]).await;
}

/// Both run to their end.
#[tokio::test]
async fn both_can_be_compared() {
    use Does::{Breaks, Makes};
    let start = Start {
        first: Side::Home,
        after: NEVER,
    };
    run(Makes("a"), Makes("b"), start, true, expect![[r#"Code(0) of Home, the other ended with Code(0), took ["all", "all"]; home begins, home ends, away begins, away ends"#]]).await;
    run(Makes("a"), Breaks, start, true, expect![[r#"Code(0) of Home, the other broken, took ["all", "nothing"]; home begins, home ends, away begins, away ends"#]]).await;
    run(Breaks, Makes("a"), start, true, expect![[r#"Code(0) of Away, the other broken, took ["nothing", "all"]; home begins, home ends, away begins, away ends"#]]).await;
}
