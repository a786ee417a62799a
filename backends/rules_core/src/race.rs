//! Actions that two environments may do: asked of both, and what is learned of it.
//!
//! What each side made is under its own key in every cache; a result that is known under either is
//! an answer, and nothing runs. How long actions of a kind take in each environment is kept in the
//! store, and decides who begins the next time.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use kiln_base::Digest;
use kiln_diag::Diag;
use kiln_events::Event;
use kiln_process::{
    CacheScope, Contest, Environment, ExecError, Keyed, Other, Process, ProcessResult, Raced,
    Request, Side, Source, Span, Took, race, start,
};
use kiln_store::Store;
use kiln_targets::ActionTemplate;

use crate::services::{Events, Execution};
use crate::spawn::Cx;
use crate::tools::{Machine, Rival, properties};

/// What is done where an environment names another one to race with (`--race`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RaceMode {
    /// Nothing.
    Off,
    /// The first good result counts, and the other side is stopped.
    #[default]
    On,
    /// Both sides run to their end, and what they made is compared.
    Compare,
}

/// All races of a command.
#[derive(Debug, Default)]
pub struct Races {
    mode: RaceMode,
    books: Mutex<BTreeMap<Pace, [Span; 2]>>,
    scores: Mutex<BTreeMap<Pair, Score>>,
}

/// Names of two environments: home, away.
type Pair = (Arc<str>, Arc<str>);
/// And the kind of an action.
type Pace = (Pair, String);

/// Who did how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Score {
    home: u64,
    away: u64,
    /// The other side was not needed.
    alone: u64,
    stopped: u64,
    compared: u64,
    differing: u64,
}

impl Races {
    /// None so far.
    pub fn new(mode: RaceMode) -> Races {
        Races {
            mode,
            ..Races::default()
        }
    }

    /// How they ended, a line for each two environments.
    pub fn summary(&self) -> Vec<String> {
        let scores = self.scores.lock().unwrap_or_else(PoisonError::into_inner);
        let line = |((home, away), score): (&Pair, &Score)| {
            let Score {
                home: by_home,
                away: by_away,
                alone,
                stopped,
                compared,
                differing,
            } = *score;
            let mut line = format!(
                "race of `{home}` and `{away}`: {by_home} won by `{home}`, {by_away} by `{away}`"
            );
            for (number, what) in [
                (alone, "without a rival"),
                (stopped, "stopped"),
                (compared, "compared"),
                (differing, "with other outputs"),
            ] {
                if number > 0 {
                    line.push_str(&format!(", {number} {what}"));
                }
            }
            line
        };
        scores.iter().map(line).collect()
    }

    /// Keeps what was learned.
    ///
    /// Errors: the store cannot be written.
    pub fn save(&self, store: &Store) -> Result<(), Diag> {
        let books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        books.iter().try_for_each(|(pace, [home, away])| {
            let text = format!("{}\n{}", home.to_text(), away.to_text());
            store.put_action(&key(pace), text.as_bytes(), &[])
        })
    }

    /// What is known of a kind of actions.
    fn known(&self, store: &Store, pace: &Pace) -> [Span; 2] {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        match books.entry(pace.clone()) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(place) => *place.insert(kept(store, pace).unwrap_or_default()),
        }
    }

    fn learn(&self, pace: &Pace, raced: &Raced) {
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let spans = books.entry(pace.clone()).or_default();
        for (span, took) in spans.iter_mut().zip(raced.took) {
            match took {
                Took::All(took) => span.learn(took),
                Took::AtLeast(took) => span.learn_at_least(took),
                Took::Nothing => {}
            }
        }
    }

    fn count(&self, pair: &Pair, raced: &Raced, differs: bool) {
        let mut scores = self.scores.lock().unwrap_or_else(PoisonError::into_inner);
        let score = scores.entry(pair.clone()).or_default();
        match raced.winner {
            Side::Home => score.home += 1,
            Side::Away => score.away += 1,
        }
        match &raced.other {
            Other::Idle | Other::Broken(_) => score.alone += 1,
            Other::Stopped => score.stopped += 1,
            Other::Ended(_) => score.compared += 1,
        }
        score.differing += u64::from(differs);
    }
}

fn key((pair, mnemonic): &Pace) -> Digest {
    let (home, away) = pair;
    Digest::of(format!("pace of actions, 1\n{home}\n{away}\n{mnemonic}").as_bytes())
}

fn kept(store: &Store, pace: &Pace) -> Option<[Span; 2]> {
    let text = String::from_utf8(store.get_action(&key(pace))?).ok()?;
    let (home, away) = text.split_once('\n')?;
    Some([Span::from_text(home)?, Span::from_text(away)?])
}

/// Runs a process where it belongs, and in the environment that races with that, if there is one.
/// Says whether the result is that of its own environment. `process` is what the key of `request`
/// is that of.
pub(crate) async fn execute(
    cx: &Cx,
    template: &ActionTemplate,
    machine: &Machine,
    process: &Process,
    request: Request<'_>,
) -> (Result<ProcessResult, ExecError>, bool) {
    let prepared = (|| {
        let services = (cx.service::<Execution>()?, cx.service::<Races>()?);
        Ok::<_, Diag>((services, cx.service::<Store>()?, cx.service::<Events>()?))
    })();
    let ((execution, races), store, events) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return (Err(ExecError::Failed(error)), true),
    };
    let executor = &*execution.executor;
    let rival = machine.rival.as_ref();
    let Some(rival) = rival.filter(|rival| may_race(races.mode, process, rival)) else {
        return (executor.execute(request).await, true);
    };
    let key = Keyed::of(&there(process, rival)).digest;
    let moved = there(request.process, rival);
    let away = Request {
        process: &moved,
        environment: &rival.environment,
        action: key,
        ..request
    };
    let both = races.mode == RaceMode::Compare;
    if !both {
        if store.get_action(&request.action).is_some() {
            return (executor.execute(request).await, true);
        }
        if store.get_action(&key).is_some()
            && let Ok(result) = executor.execute(away).await
            && result.exit.success()
        {
            return (Ok(result), false);
        }
    }
    let pair: Pair = (machine.name.clone(), rival.name.clone());
    let pace = (pair, template.mnemonic.to_string());
    let [home_span, away_span] = races.known(&store, &pace);
    let contest = Contest {
        home: request,
        away,
        start: start(&home_span, &away_span),
        both,
    };
    let raced = race(executor, contest).await;
    if let Ok(result) = &raced.result
        && result.source == Source::Ran
    {
        races.learn(&pace, &raced);
    }
    let differing = differing(template, &pace.0, &raced, process);
    if !matches!(raced.result, Err(ExecError::MissingBlob(_))) {
        races.count(&pace.0, &raced, differing.is_some());
    }
    if let Some(warning) = differing {
        events.0.emit(Event::Diagnostic(warning));
    }
    (raced.result, raced.winner == Side::Home)
}

/// What never leaves this machine does not race with workers; what may not be kept has no key to
/// race under.
fn may_race(mode: RaceMode, process: &Process, rival: &Rival) -> bool {
    let remote = matches!(rival.environment, Environment::Remote(_));
    let stays = process.cache == CacheScope::LocalSuccessful && remote;
    mode != RaceMode::Off && !stays && process.cache != CacheScope::Session
}

/// The same process in the other environment: with another key.
fn there(process: &Process, rival: &Rival) -> Process {
    Process {
        platform: properties(&rival.environment),
        environment: rival.identity.clone(),
        ..process.clone()
    }
}

/// As many outputs are named.
const NAMED: usize = 5;

/// What to say if both made something, and not the same.
fn differing(
    template: &ActionTemplate,
    (home, away): &Pair,
    raced: &Raced,
    process: &Process,
) -> Option<Diag> {
    let (Ok(winner), Other::Ended(other)) = (&raced.result, &raced.other) else {
        return None;
    };
    let (at_home, at_away) = match raced.winner {
        Side::Home => (winner, other),
        Side::Away => (other, winner),
    };
    let what = format!("{} of `{}`", template.mnemonic, template.owner);
    if at_home.exit.success() != at_away.exit.success() {
        let (good, bad) = match at_home.exit.success() {
            true => (home, away),
            false => (away, home),
        };
        let text = format!("{what} succeeds in `{good}` and fails in `{bad}`");
        let warning = Diag::environment(text).into_warning();
        return Some(warning.hint("a race is for environments that have the same tools"));
    }
    let differs = |path: &&kiln_base::RelPath| at_home.outputs.get(path) != at_away.outputs.get(path);
    let paths: Vec<_> = process.outputs.iter().filter(differs).collect();
    if !at_home.exit.success() || paths.is_empty() {
        return None;
    }
    let text = format!("{what} makes other outputs in `{away}` than in `{home}`");
    let mut warning = Diag::environment(text).into_warning();
    for path in paths.iter().take(NAMED) {
        let shown = |result: &ProcessResult| match result.outputs.get(path) {
            Some(node) => format!("{node:?}"),
            None => "nothing".to_owned(),
        };
        warning = warning.note(format!(
            "`{path}`: {} in `{home}`, {} in `{away}`",
            shown(at_home),
            shown(at_away)
        ));
    }
    if paths.len() > NAMED {
        warning = warning.note(format!("and {} more", paths.len() - NAMED));
    }
    Some(warning.hint("make the action deterministic, or let its environments not race"))
}
