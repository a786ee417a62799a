//! What goes wrong in one build.

use std::path::Path;
use std::time::Duration;

use kiln_faults::{Cuts, Dice, Expiry, Faults, Lie};

/// How the server is used, and what it knows beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// `--remote_cache`, and it knows all results.
    Cache,
    /// `--remote_cache`, and it knows none: all is run here and uploaded.
    Uploads,
    /// `--remote_executor`, and it knows all results.
    Known,
    /// `--remote_executor`, and it knows none.
    Workers,
    /// Its workers race with this machine, and it knows no results.
    Race,
    /// The same, and both always run to their end.
    Compare,
}

const MODES: [Mode; 6] = [
    Mode::Cache,
    Mode::Uploads,
    Mode::Known,
    Mode::Workers,
    Mode::Race,
    Mode::Compare,
];

impl Mode {
    pub(crate) fn is_race(self) -> bool {
        matches!(self, Mode::Race | Mode::Compare)
    }
}

/// The kinds of things that go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Lost5,
    Lost20,
    Lost50,
    LostHere,
    Flipped,
    Truncated,
    Broken,
    Resets,
    GoAway,
    Stalls,
    Silence,
    Outage,
    Tokens,
    Restart,
    SmallBatches,
    WrongLimits,
    WrongCapabilities,
    Mixture,
}

pub(crate) const KINDS: [Kind; 18] = [
    Kind::Lost5,
    Kind::Lost20,
    Kind::Lost50,
    Kind::LostHere,
    Kind::Flipped,
    Kind::Truncated,
    Kind::Broken,
    Kind::Resets,
    Kind::GoAway,
    Kind::Stalls,
    Kind::Silence,
    Kind::Outage,
    Kind::Tokens,
    Kind::Restart,
    Kind::SmallBatches,
    Kind::WrongLimits,
    Kind::WrongCapabilities,
    Kind::Mixture,
];

impl Kind {
    /// What goes wrong in the build of that number.
    pub(crate) fn of(number: u64) -> Kind {
        KINDS[(number % KINDS.len() as u64) as usize]
    }

    /// When it is the turn of such a build.
    pub(crate) fn turn(self) -> u8 {
        match self {
            Kind::Outage => 0,
            Kind::Restart => 2,
            _ => 1,
        }
    }
}

/// One build and what goes wrong in it.
pub(crate) struct Scenario {
    pub(crate) number: u64,
    pub(crate) seed: u64,
    pub(crate) kind: Kind,
    pub(crate) mode: Mode,
    pub(crate) faults: Faults,
    pub(crate) cuts: Cuts,
    /// The server is killed and started again after so many calls.
    pub(crate) restart: Option<u64>,
    /// So many of a hundred blobs of kiln's own store are removed while it runs.
    pub(crate) removed: u32,
    pub(crate) flags: Vec<String>,
}

/// The build of that number. `long` is how long an outage is.
pub(crate) fn scenario(seed: u64, number: u64, long: Duration, token: &Path) -> Scenario {
    let mut dice = Dice::new(seed).of(&format!("build {number}"));
    let kind = Kind::of(number);
    let own = dice.roll();
    let mut scenario = Scenario {
        number,
        seed: own,
        kind,
        mode: MODES[(number / KINDS.len() as u64 + number) as usize % MODES.len()],
        faults: Faults {
            seed: own,
            // Limits that servers have: two of them say so.
            batch: Some(dice.pick(&[0, 64 << 10, 1 << 20, 4_193_280])),
            ..Faults::default()
        },
        cuts: Cuts {
            seed: own,
            ..Cuts::default()
        },
        restart: None,
        removed: 0,
        flags: Vec::new(),
    };
    scenario.spoil(&mut dice, kind, long, token);
    scenario
}

impl Scenario {
    fn spoil(&mut self, dice: &mut Dice, kind: Kind, long: Duration, token: &Path) {
        let (faults, cuts) = (&mut self.faults, &mut self.cuts);
        match kind {
            Kind::Lost5 => faults.lost = 5,
            Kind::Lost20 => faults.lost = 20,
            Kind::Lost50 => faults.lost = 50,
            Kind::LostHere => self.removed = dice.pick(&[5, 20, 50]),
            Kind::Flipped => faults.flipped = 30,
            Kind::Truncated => {
                faults.truncated = 60;
                faults.batch = Some(64 << 10);
            }
            Kind::Broken => faults.broken = 40,
            Kind::Resets => cuts.resets = 1 + dice.below(4),
            Kind::GoAway => cuts.goaways = 1 + dice.below(4),
            Kind::Stalls => {
                faults.stalled = Some((30, Duration::from_millis(1_300)));
                self.flags.push("--remote_timeout=1".to_owned());
            }
            Kind::Silence => {
                cuts.stalls = (1 + dice.below(2), Duration::from_millis(2_500));
                self.flags.push("--remote_timeout=1".to_owned());
            }
            Kind::Outage => {
                cuts.outage = Some((dice.below(60_000), long));
                let down = dice.pick(&["fallback", "wait"]);
                self.flags.push(format!("--remote_down={down}"));
            }
            Kind::Tokens => {
                faults.token = Some(Expiry {
                    file: token.to_owned(),
                    after: 8 + dice.below(12),
                });
                let file = token.display();
                self.flags.push(format!("--remote_token_file={file}"));
            }
            Kind::Restart => self.restart = Some(1 + dice.below(25)),
            Kind::SmallBatches => {
                faults.batch = Some(64 << 10);
                faults.enforced = Some(64 << 10);
            }
            Kind::WrongLimits => {
                faults.batch = Some(dice.pick(&[0, -1, 1 << 40, 4_193_280]));
                faults.enforced = Some(64 << 10);
            }
            Kind::WrongCapabilities => {
                let lies = [
                    Lie::NoUpdates,
                    Lie::NoWorkers,
                    Lie::SmallBlobs,
                    Lie::NoCache,
                    Lie::OtherDigest,
                    Lie::Unknown,
                ];
                // To be told to use workers that are none is a mistake, and an error.
                let lies = match self.mode {
                    Mode::Cache | Mode::Uploads => &lies[..],
                    Mode::Known | Mode::Workers => &lies[..3],
                    Mode::Race | Mode::Compare => &lies[..],
                };
                faults.lie = Some(dice.pick(lies));
            }
            Kind::Mixture => {
                for _ in 0..3 {
                    let another = dice.pick(&[
                        Kind::Lost20,
                        Kind::LostHere,
                        Kind::Flipped,
                        Kind::Truncated,
                        Kind::Broken,
                        Kind::Resets,
                        Kind::GoAway,
                        Kind::Tokens,
                    ]);
                    self.spoil(dice, another, long, token);
                }
            }
        }
    }

    /// Whether all actions may run here, since the server is away or of no use.
    pub(crate) fn is_outage(&self) -> bool {
        let several = self.kind == Kind::Mixture;
        several
            || matches!(
                self.kind,
                Kind::Stalls
                    | Kind::Silence
                    | Kind::Outage
                    | Kind::Restart
                    | Kind::WrongLimits
                    | Kind::WrongCapabilities
            )
    }
}
