//! One action in two environments at a time: the first good result counts.
//!
//! Both write to the store and nowhere else, so whoever comes second has done no harm (idea: no
//! tree is shared). Each is asked for under a key of its own: a cache never holds the result of one
//! environment under the key of another.
//!
//! | home | away | what counts |
//! | --- | --- | --- |
//! | a success | not ended, or no success | home |
//! | not ended, or it could not be run | a success | away |
//! | both a success | | the first; home if both at once |
//! | a failure of the action | not ended, or no success | home: it is the action's own environment |
//! | not ended | a failure of the action | nothing yet: away may lack what the action needs |
//! | it could not be run | a failure of the action | away |
//! | an input is lost | not ended, or no success | home: the input is made again, and both begin anew |
//! | it could not be run | it could not be run | home, with its reason |

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures::future::BoxFuture;

use crate::{ExecError, Executor, Observer, ProcessResult, Request, Side, Start};

/// An action and where it may be done.
pub struct Contest<'a> {
    /// In its own environment.
    pub home: Request<'a>,
    /// In the other one. Its observer is that of `home`.
    pub away: Request<'a>,
    /// Who begins.
    pub start: Start,
    /// Both begin at once, and both run to their end.
    pub both: bool,
}

/// How a race ended.
#[derive(Debug)]
pub struct Raced {
    /// What counts.
    pub result: Result<ProcessResult, ExecError>,
    /// Whose it is.
    pub winner: Side,
    /// What became of the other one.
    pub other: Other,
    /// How long each took: home, away.
    pub took: [Took; 2],
}

/// What became of the one that does not count.
#[derive(Debug)]
pub enum Other {
    /// It never began.
    Idle,
    /// It was stopped.
    Stopped,
    /// It could not be run.
    Broken(ExecError),
    /// It had ended as well.
    Ended(ProcessResult),
}

/// How long something took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Took {
    /// It never began, or could not be run.
    Nothing,
    /// It was stopped after so long.
    AtLeast(Duration),
    /// It ended after so long.
    All(Duration),
}

type Outcome = Result<ProcessResult, ExecError>;

/// One of the two.
#[derive(Default)]
struct Lane<'a> {
    running: Option<BoxFuture<'a, Outcome>>,
    begun: Option<Instant>,
    ended: Option<(Outcome, Duration)>,
}

impl<'a> Lane<'a> {
    fn begin(&mut self, executor: &'a dyn Executor, request: Request<'a>) {
        self.running = Some(executor.execute(request));
        self.begun = Some(Instant::now());
    }

    /// Whether it has just ended.
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(running) = &mut self.running else {
            return false;
        };
        let Poll::Ready(outcome) = running.as_mut().poll(cx) else {
            return false;
        };
        let took = self.begun.map(|begun| begun.elapsed());
        self.ended = Some((outcome, took.unwrap_or_default()));
        self.running = None;
        true
    }

    fn took(&self) -> Took {
        match (&self.ended, self.begun) {
            (Some((Ok(_), took)), _) => Took::All(*took),
            (None, Some(begun)) => Took::AtLeast(begun.elapsed()),
            _ => Took::Nothing,
        }
    }

    /// Stops it, if it still runs.
    fn other(self) -> Other {
        match (self.ended, self.begun) {
            (Some((Ok(result), _)), _) => Other::Ended(result),
            (Some((Err(error), _)), _) => Other::Broken(error),
            (None, Some(_)) => Other::Stopped,
            (None, None) => Other::Idle,
        }
    }
}

/// What an outcome says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Good,
    Bad,
    Lost,
    Broken,
}

fn word(request: &Request<'_>, lane: &Lane<'_>) -> Option<Word> {
    let (outcome, _) = lane.ended.as_ref()?;
    Some(match outcome {
        Ok(result) => {
            let lacks = || result.lacks(&request.process.outputs).is_some();
            match result.exit.success() && (request.optional_outputs || !lacks()) {
                true => Word::Good,
                false => Word::Bad,
            }
        }
        Err(ExecError::MissingBlob(_)) => Word::Lost,
        Err(_) => Word::Broken,
    })
}

/// Who counts, if that can be said: see the table of this module.
fn decide(home: Option<Word>, away: Option<Word>) -> Option<Side> {
    match (home, away) {
        (Some(Word::Good), _) => Some(Side::Home),
        (_, Some(Word::Good)) => Some(Side::Away),
        (Some(Word::Bad | Word::Lost), _) => Some(Side::Home),
        (Some(Word::Broken), Some(Word::Bad)) => Some(Side::Away),
        (Some(Word::Broken), Some(_)) => Some(Side::Home),
        (Some(Word::Broken) | None, None) | (None, Some(_)) => None,
    }
}

/// Tells of the first start.
struct Once<'a> {
    observer: &'a dyn Observer,
    told: AtomicBool,
}

impl Observer for Once<'_> {
    fn started(&self) {
        if !self.told.swap(true, Ordering::Relaxed) {
            self.observer.started();
        }
    }
}

/// Runs an action in both environments. Dropping the future stops whatever runs. Must be called
/// within a tokio runtime.
pub async fn race(executor: &dyn Executor, contest: Contest<'_>) -> Raced {
    let once = Once {
        observer: contest.home.observer,
        told: AtomicBool::new(false),
    };
    let request = |side: Side| {
        let request = match side {
            Side::Home => contest.home,
            Side::Away => contest.away,
        };
        Request {
            observer: &once,
            ..request
        }
    };
    let Start { first, after } = contest.start;
    let (mut home, mut away) = (Lane::default(), Lane::default());
    let mut turn = contest.both;
    let mut timer = Box::pin(tokio::time::sleep(after));
    begin(executor, first, request(first), &mut home, &mut away);
    let mut second_begun = false;
    let winner = loop {
        let words = (word(&contest.home, &home), word(&contest.away, &away));
        let over = words.0.is_some() && words.1.is_some();
        if let Some(side) = decide(words.0, words.1)
            && (over || !contest.both)
        {
            break side;
        }
        let first_ended = match first {
            Side::Home => home.ended.is_some(),
            Side::Away => away.ended.is_some(),
        };
        if !second_begun && (turn || first_ended) {
            second_begun = true;
            let second = first.other();
            begin(executor, second, request(second), &mut home, &mut away);
        }
        poll_fn(|cx| {
            let ended = [home.poll(cx), away.poll(cx)];
            let now = !turn && Pin::new(&mut timer).poll(cx).is_ready();
            turn |= now;
            match now || ended.contains(&true) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
    };
    let took = [home.took(), away.took()];
    let (best, rest) = match winner {
        Side::Home => (home, away),
        Side::Away => (away, home),
    };
    let result = match best.ended {
        Some((outcome, _)) => outcome,
        // Nobody wins without having ended.
        None => Err(ExecError::Failed(kiln_diag::Diag::internal(
            "a race was won before its end",
        ))),
    };
    Raced {
        result,
        winner,
        other: rest.other(),
        took,
    }
}

fn begin<'a>(
    executor: &'a dyn Executor,
    side: Side,
    request: Request<'a>,
    home: &mut Lane<'a>,
    away: &mut Lane<'a>,
) {
    match side {
        Side::Home => home.begin(executor, request),
        Side::Away => away.begin(executor, request),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of this module.
    #[test]
    fn who_counts() {
        use Side::{Away, Home};
        use Word::{Bad, Broken, Good, Lost};
        let cases = [
            (None, None, None),
            (Some(Good), None, Some(Home)),
            (Some(Good), Some(Good), Some(Home)),
            (Some(Good), Some(Bad), Some(Home)),
            (Some(Good), Some(Broken), Some(Home)),
            (None, Some(Good), Some(Away)),
            (Some(Bad), Some(Good), Some(Away)),
            (Some(Lost), Some(Good), Some(Away)),
            (Some(Broken), Some(Good), Some(Away)),
            (Some(Bad), None, Some(Home)),
            (Some(Bad), Some(Bad), Some(Home)),
            (Some(Bad), Some(Broken), Some(Home)),
            (Some(Lost), None, Some(Home)),
            (Some(Lost), Some(Bad), Some(Home)),
            (None, Some(Bad), None),
            (None, Some(Lost), None),
            (None, Some(Broken), None),
            (Some(Broken), None, None),
            (Some(Broken), Some(Bad), Some(Away)),
            (Some(Broken), Some(Lost), Some(Home)),
            (Some(Broken), Some(Broken), Some(Home)),
        ];
        for (home, away, expected) in cases {
            assert_eq!(decide(home, away), expected, "{home:?} {away:?}");
        }
    }
}
