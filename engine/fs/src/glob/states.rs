//! Many patterns matched together, one directory level after the other.
//!
//! A state `(pattern, at)` says that the first `at` components of the pattern have matched the
//! path so far. A directory has a set of states; each name in it gives the set of the next level.
//! Sets are sorted and hold no state twice, so their size is bounded by the patterns' length
//! however often `**` occurs.

use kiln_diag::Diag;

use super::pattern::{Segment, Use, Wild, compile};

/// Compiled patterns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PatternSet {
    patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Pattern {
    text: Box<str>,
    segments: Vec<Segment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct State {
    pattern: u32,
    at: u32,
}

/// The states of one directory.
pub(crate) type States = Vec<State>;

impl PatternSet {
    pub(crate) fn new<S: AsRef<str>>(texts: &[S], used: Use) -> Result<PatternSet, Diag> {
        let compile = |text: &S| {
            Ok(Pattern {
                text: text.as_ref().into(),
                segments: compile(text.as_ref(), used)?,
            })
        };
        let patterns: Result<Vec<Pattern>, Diag> = texts.iter().map(compile).collect();
        Ok(PatternSet {
            patterns: patterns?,
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.patterns.len()
    }

    pub(crate) fn text(&self, pattern: usize) -> &str {
        &self.patterns[pattern].text
    }

    /// The states of the directory that the patterns are relative to.
    pub(crate) fn start(&self) -> States {
        let mut states = States::new();
        for pattern in 0..self.patterns.len() as u32 {
            self.enter(State { pattern, at: 0 }, &mut states);
        }
        states
    }

    /// Sorts the states of a directory by what they wait for.
    pub(crate) fn front(&self, states: &[State]) -> Front<'_> {
        let mut front = Front {
            set: self,
            literals: Vec::new(),
            wild: Vec::new(),
            recursive: Vec::new(),
        };
        for state in states {
            match self.segment(*state) {
                Some(Segment::Literal(name)) => front.literals.push((name, *state)),
                Some(Segment::Wild(wild)) => front.wild.push((wild, *state)),
                Some(Segment::Recursive) => front.recursive.push(*state),
                None => {}
            }
        }
        front.literals.sort_unstable();
        front
    }

    /// Whether a directory with these states matches as a whole pattern; calls `found` for each.
    pub(crate) fn accepted(&self, states: &[State], found: &mut dyn FnMut(usize)) -> bool {
        let mut any = false;
        for state in states {
            if self.segment(*state).is_none() {
                any = true;
                found(state.pattern as usize);
            }
        }
        any
    }

    /// Whether all that is below a directory with these states matches: a pattern ends in `**`.
    pub(crate) fn accepts_all_below(&self, states: &[State]) -> bool {
        states.iter().any(|state| {
            matches!(self.segment(*state), Some(Segment::Recursive)) && self.is_last(*state)
        })
    }

    /// The patterns that these states belong to.
    pub(crate) fn patterns_of(&self, states: &[State]) -> impl Iterator<Item = usize> {
        states.iter().map(|state| state.pattern as usize)
    }

    /// Whether a pattern matches the path or a folder above it.
    pub(crate) fn covers(&self, path: &kiln_base::RelPath) -> bool {
        let mut states = self.start();
        for name in path.components() {
            states = self.front(&states).directory(name);
            if states.is_empty() {
                return false;
            }
            if self.accepted(&states, &mut |_| {}) {
                return true;
            }
        }
        false
    }

    fn segment(&self, state: State) -> Option<&Segment> {
        let pattern = &self.patterns[state.pattern as usize];
        pattern.segments.get(state.at as usize)
    }

    fn is_last(&self, state: State) -> bool {
        self.patterns[state.pattern as usize].segments.len() == state.at as usize + 1
    }

    /// Adds a state and those that it implies, because `**` may match nothing.
    fn enter(&self, mut state: State, states: &mut States) {
        states.push(state);
        while let Some(Segment::Recursive) = self.segment(state) {
            state.at += 1;
            states.push(state);
        }
    }
}

/// The states of one directory by what they wait for.
pub(crate) struct Front<'a> {
    set: &'a PatternSet,
    literals: Vec<(&'a str, State)>,
    wild: Vec<(&'a Wild, State)>,
    recursive: Vec<State>,
}

impl Front<'_> {
    /// Whether nothing in the directory can match.
    pub(crate) fn is_dead(&self) -> bool {
        self.literals.is_empty() && self.wild.is_empty() && self.recursive.is_empty()
    }

    /// Whether a file of that name matches; calls `found` for each pattern that does. A `**` at
    /// the end must match the file itself: `a/**` is not the file `a` (Bazel).
    pub(crate) fn file(&self, name: &str, found: &mut dyn FnMut(usize)) -> bool {
        let mut any = false;
        self.step(name, &mut |state| {
            if self.set.is_last(state) {
                any = true;
                found(state.pattern as usize);
            }
        });
        any
    }

    /// The states of a directory (or, for `exclude`, of anything) of that name.
    pub(crate) fn directory(&self, name: &str) -> States {
        let mut states = States::new();
        self.step(name, &mut |state| {
            let recursive = matches!(self.set.segment(state), Some(Segment::Recursive));
            let next = State {
                at: state.at + u32::from(!recursive),
                ..state
            };
            self.set.enter(next, &mut states);
        });
        states.sort_unstable();
        states.dedup();
        states
    }

    /// Whether a name matches a whole pattern, be it a file or a directory (Bazel: `exclude`).
    pub(crate) fn anything(&self, name: &str) -> bool {
        let states = self.directory(name);
        self.set.accepted(&states, &mut |_| {})
    }

    /// Calls `each` with the states whose next component matches `name`.
    fn step(&self, name: &str, each: &mut dyn FnMut(State)) {
        let first = self
            .literals
            .partition_point(|(literal, _)| *literal < name);
        let same = self.literals[first..].iter();
        same.take_while(|(literal, _)| *literal == name)
            .for_each(|(_, state)| each(*state));
        let wild = self.wild.iter().filter(|(wild, _)| wild.matches(name));
        wild.for_each(|(_, state)| each(*state));
        self.recursive.iter().for_each(|state| each(*state));
    }
}
