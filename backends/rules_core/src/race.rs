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
    CacheScope, Contest, Description, Environment, ExecError, Keyed, Other, Process, ProcessResult,
    Raced, Request, Side, Source, Span, Took, race, start,
};
use kiln_store::Store;
use kiln_targets::ActionTemplate;
use kiln_tree::Node;

use crate::failure;
use crate::printed::printed;
use crate::services::{Events, Execution};
use crate::spawn::{Cx, exit_text};
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
    let services = || {
        Ok::<_, Diag>(Known {
            execution: cx.service::<Execution>()?,
            races: cx.service::<Races>()?,
            store: cx.service::<Store>()?,
            events: cx.service::<Events>()?,
        })
    };
    let known = match services() {
        Ok(known) => known,
        Err(error) => return (Err(ExecError::Failed(error)), true),
    };
    let executor = &*known.execution.executor;
    let mode = known.races.mode;
    let rival = machine.rival.as_ref();
    let Some(rival) = rival.filter(|rival| may_race(mode, process, rival)) else {
        return (executor.execute(request).await, true);
    };
    let key = Keyed::of(&there(process, rival)).digest;
    let moved = there(request.process, rival);
    let describe = Description {
        progress: format!("{}, in `{}`", request.describe.progress, rival.name),
        ..request.describe.clone()
    };
    let away = Request {
        process: &moved,
        describe: &describe,
        environment: &rival.environment,
        action: key,
        ..request
    };
    if mode == RaceMode::On {
        if known.store.get_action(&request.action).is_some() {
            return (executor.execute(request).await, true);
        }
        if known.store.get_action(&key).is_some()
            && let Ok(result) = executor.execute(away).await
            && result.exit.success()
        {
            return (Ok(result), false);
        }
    }
    let pair: Pair = (machine.name.clone(), rival.name.clone());
    known.race(template, pair, request, away).await
}

/// What a race needs.
struct Known {
    execution: Arc<Execution>,
    races: Arc<Races>,
    store: Arc<Store>,
    events: Arc<Events>,
}

impl Known {
    async fn race(
        &self,
        template: &ActionTemplate,
        pair: Pair,
        home: Request<'_>,
        away: Request<'_>,
    ) -> (Result<ProcessResult, ExecError>, bool) {
        let pace = (pair, template.mnemonic.to_string());
        let [home_span, away_span] = self.races.known(&self.store, &pace);
        let contest = Contest {
            home,
            away,
            start: start(&home_span, &away_span),
            both: self.races.mode == RaceMode::Compare,
        };
        let raced = race(&*self.execution.executor, contest).await;
        if let Ok(result) = &raced.result
            && result.source == Source::Ran
        {
            self.races.learn(&pace, &raced);
        }
        let differing = differing(template, &pace.0, &raced, home.process, &self.store);
        // One that begins anew is counted at its end.
        if !matches!(raced.result, Err(ExecError::MissingBlob(_))) {
            self.races.count(&pace.0, &raced, differing.is_some());
        }
        if let Some(warning) = differing {
            self.events.0.emit(Event::Diagnostic(warning));
        }
        (raced.result, raced.winner == Side::Home)
    }
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

/// What to say if only one of them made something.
fn fails(store: &Store, what: &str, (good, bad): (&str, &str), failed: &ProcessResult) -> Diag {
    let text = format!("{what} succeeds in `{good}` and fails in `{bad}`");
    let exit = exit_text(failed.exit);
    let said = printed(store, &failed.stderr).unwrap_or_default();
    let said = failure::tail(&said);
    let note = match said.trim() {
        "" => format!("it ended with {exit} there"),
        said => format!("it ended with {exit} there:\n{said}"),
    };
    let warning = Diag::environment(text).into_warning().note(note);
    warning.hint("a race is for environments that have the same tools")
}

/// As many outputs are named.
const NAMED: usize = 5;

/// What to say if both made something, and not the same.
fn differing(
    template: &ActionTemplate,
    (home, away): &Pair,
    raced: &Raced,
    process: &Process,
    store: &Store,
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
        let (good, bad, failed) = match at_home.exit.success() {
            true => (home, away, at_away),
            false => (away, home, at_home),
        };
        return Some(fails(store, &what, (good, bad), failed));
    }
    let differs =
        |path: &&kiln_base::RelPath| at_home.outputs.get(path) != at_away.outputs.get(path);
    let paths: Vec<_> = process.outputs.iter().filter(differs).collect();
    if !at_home.exit.success() || paths.is_empty() {
        return None;
    }
    let text = format!("{what} makes other outputs in `{away}` than in `{home}`");
    let mut warning = Diag::environment(text).into_warning();
    for path in paths.iter().take(NAMED) {
        let shown = |result: &ProcessResult| match result.outputs.get(path) {
            Some(Node::File { digest, .. }) => digest.to_string(),
            Some(Node::Dir(tree)) => format!("folder {}", tree.digest()),
            Some(Node::Symlink(target)) => format!("a link to `{target}`"),
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use expect_test::expect;
    use kiln_process::{Exit, Start};
    use kiln_store::StoreConfig;
    use kiln_tree::Tree;

    use super::*;

    fn raced(winner: Side, other: Other, took: [u64; 2]) -> Raced {
        let took = took.map(|seconds| Took::All(Duration::from_secs(seconds)));
        Raced {
            result: Ok(ended()),
            winner,
            other,
            took,
        }
    }

    fn ended() -> ProcessResult {
        ProcessResult {
            exit: Exit::Code(0),
            stdout: Digest::EMPTY,
            stderr: Digest::EMPTY,
            outputs: Tree::empty(),
            elapsed: Duration::ZERO,
            source: Source::Ran,
            sandbox: None,
            strays: Vec::new(),
            unlisted_reads: None,
            left: Vec::new(),
        }
    }

    /// What one command learns decides in the next.
    #[test]
    fn what_is_learned_is_kept() -> Result<(), Diag> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut config = StoreConfig::new(folder.path().join("store"));
        config.socket_dir = Some(folder.path().to_owned());
        let store = Store::open(config)?;
        let pair: Pair = (Arc::from("here"), Arc::from("there"));
        let compile = (pair.clone(), "CppCompile".to_owned());
        let begin = |races: &Races, pace: &Pace| {
            let [home, away] = races.known(&store, pace);
            start(&home, &away)
        };
        let races = Races::default();
        let unknown = Start {
            first: Side::Home,
            after: kiln_process::UNKNOWN,
        };
        assert_eq!(begin(&races, &compile), unknown);
        races.learn(&compile, &raced(Side::Away, Other::Stopped, [9, 2]));
        races.save(&store)?;
        let next = Races::default();
        let known = Start {
            first: Side::Away,
            after: Duration::from_secs(4),
        };
        assert_eq!(begin(&next, &compile), known);
        let link = (pair, "CppLink".to_owned());
        assert_eq!(begin(&next, &link), unknown, "another kind");
        Ok(())
    }

    #[test]
    fn scores() {
        let races = Races::default();
        let pair: Pair = (Arc::from("here"), Arc::from("there"));
        assert!(races.summary().is_empty());
        for (winner, other, differs) in [
            (Side::Home, Other::Idle, false),
            (Side::Home, Other::Stopped, false),
            (Side::Away, Other::Stopped, false),
            (Side::Away, Other::Ended(ended()), true),
        ] {
            races.count(&pair, &raced(winner, other, [1, 1]), differs);
        }
        expect!["race of `here` and `there`: 2 won by `here`, 2 by `there`, 1 without a rival, 2 stopped, 1 compared, 1 with other outputs"]
            .assert_eq(&races.summary().join("\n"));
    }
}
