//! How long actions take in each of two environments, and who of the two should begin.
//!
//! | known | who begins | the other follows after |
//! | --- | --- | --- |
//! | nothing of home | home | [`UNKNOWN`] |
//! | home, nothing of away | home | half of what home takes as a rule, so that away becomes known |
//! | both, away takes less than half of what home takes | away | what away takes as a rule, and a margin |
//! | the same, each sixteenth time | home, to see what it takes by now | what away takes as a rule, and a margin |
//! | both, otherwise | home | what home takes as a rule, and a margin |
//!
//! The margin is twice the mean deviation: of actions that take as long as ever, few have a rival.

use std::time::Duration;

/// One of two environments: the one that an action is for, and the one that may do it instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The action's own.
    Home,
    /// The other one.
    Away,
}

impl Side {
    /// The other one.
    pub fn other(self) -> Side {
        match self {
            Side::Home => Side::Away,
            Side::Away => Side::Home,
        }
    }
}

/// Who begins, and how much later the other one follows if the first has no result by then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// Who begins.
    pub first: Side,
    /// When the other one follows.
    pub after: Duration,
}

/// When the other one follows as long as nothing is known.
pub const UNKNOWN: Duration = Duration::from_secs(1);
/// So often whoever takes longer begins all the same: by now it may not take that long any more.
const LOOK_AGAIN: u64 = 16;
/// It follows no earlier: what is that short gains nothing.
const LEAST: f64 = 0.05;
/// It follows no later.
const MOST: f64 = 60.0;

/// How long actions of one kind take somewhere, waiting for a place included. Smoothed as round-trip
/// times are (RFC 6298): a mean, and how far single ones are from it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Span {
    /// How many were seen.
    seen: u64,
    /// In seconds.
    mean: f64,
    deviation: f64,
}

impl Span {
    /// One took so long.
    pub fn learn(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        match self.seen {
            0 => (self.mean, self.deviation) = (took, took / 2.0),
            _ => {
                self.deviation += ((took - self.mean).abs() - self.deviation) / 4.0;
                self.mean += (took - self.mean) / 8.0;
            }
        }
        self.seen = self.seen.saturating_add(1);
    }

    /// One was stopped after so long. That says something only if it is more than was expected.
    pub fn learn_at_least(&mut self, took: Duration) {
        if self.seen > 0 && took.as_secs_f64() > self.mean {
            self.learn(took);
        }
    }

    /// How long it takes as a rule, with a margin.
    fn usual(&self) -> f64 {
        self.mean + 2.0 * self.deviation
    }

    /// As text, to be kept.
    pub fn to_text(&self) -> String {
        format!("{} {} {}", self.seen, self.mean, self.deviation)
    }

    /// What [`Span::to_text`] wrote; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Span> {
        let mut parts = text.split(' ');
        let seen = parts.next()?.parse().ok()?;
        let mut number = || -> Option<f64> {
            let number: f64 = parts.next()?.parse().ok()?;
            (number.is_finite() && number >= 0.0).then_some(number)
        };
        Some(Span {
            seen,
            mean: number()?,
            deviation: number()?,
        })
    }
}

/// Who begins, and when the other one follows: see the table of this module.
pub fn start(home: &Span, away: &Span) -> Start {
    let after = |seconds: f64| Duration::from_secs_f64(seconds.clamp(LEAST, MOST));
    if home.seen == 0 {
        return Start {
            first: Side::Home,
            after: UNKNOWN,
        };
    }
    if away.seen > 0 && away.mean < home.mean / 2.0 {
        return Start {
            first: match away.seen.is_multiple_of(LOOK_AGAIN) {
                true => Side::Home,
                false => Side::Away,
            },
            after: after(away.usual()),
        };
    }
    Start {
        first: Side::Home,
        after: match away.seen {
            0 => after(home.mean / 2.0),
            _ => after(home.usual()),
        },
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn span(seconds: &[f64]) -> Span {
        let mut span = Span::default();
        let took = seconds.iter().map(|s| Duration::from_secs_f64(*s));
        took.for_each(|took| span.learn(took));
        span
    }

    fn check(home: &[f64], away: &[f64], expected: Expect) {
        let start = start(&span(home), &span(away));
        expected.assert_eq(&format!(
            "{:?}, then after {:.2} s",
            start.first,
            start.after.as_secs_f64()
        ));
    }

    #[test]
    fn what_was_seen_decides() {
        let steady = |seconds: f64| [seconds; 40];
        check(&[], &[], expect!["Home, then after 1.00 s"]);
        check(&[], &[0.1], expect!["Home, then after 1.00 s"]);
        check(&[4.0], &[], expect!["Home, then after 2.00 s"]);
        check(&steady(4.0), &[], expect!["Home, then after 2.00 s"]);
        // The more alike they are, the less of a margin there is.
        check(&[4.0], &[4.0], expect!["Home, then after 8.00 s"]);
        check(&[4.0; 5], &[4.0], expect!["Home, then after 5.27 s"]);
        check(
            &steady(4.0),
            &steady(4.0),
            expect!["Home, then after 4.00 s"],
        );
        check(
            &steady(4.0),
            &steady(2.5),
            expect!["Home, then after 4.00 s"],
        );
        check(
            &steady(4.0),
            &steady(1.5),
            expect!["Away, then after 1.50 s"],
        );
        check(&steady(4.0), &[1.5; 48], expect!["Home, then after 1.50 s"]);
        check(
            &[4.0, 1.0, 4.0, 1.0],
            &[4.0],
            expect!["Home, then after 7.35 s"],
        );
        // No shorter and no longer than is of use.
        check(
            &steady(0.001),
            &steady(0.001),
            expect!["Home, then after 0.05 s"],
        );
        check(
            &steady(4000.0),
            &steady(4000.0),
            expect!["Home, then after 60.00 s"],
        );
    }

    /// What was stopped took at least as long.
    #[test]
    fn what_was_stopped() {
        let mut unknown = Span::default();
        unknown.learn_at_least(Duration::from_secs(9));
        assert_eq!(unknown, Span::default());
        let mut known = span(&[2.0]);
        known.learn_at_least(Duration::from_secs(1));
        assert_eq!(known, span(&[2.0]));
        known.learn_at_least(Duration::from_secs(10));
        assert_eq!(known, span(&[2.0, 10.0]));
    }

    #[test]
    fn spans_are_kept_as_text() {
        let span = span(&[0.25, 3.5, 0.125]);
        assert_eq!(Span::from_text(&span.to_text()), Some(span));
        for text in ["", "1", "1 2", "x 1 1", "1 -1 0", "1 NaN 0", "1 inf 0"] {
            assert_eq!(Span::from_text(text), None, "{text}");
        }
    }
}
