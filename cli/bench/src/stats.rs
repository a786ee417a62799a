//! Figures of several runs, and ratios of pairs of them.

use std::time::Duration;

/// What one run of a command cost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// Wall time.
    pub wall: Duration,
    /// Processor time of all that it set to work; `None` where that cannot be measured.
    pub cpu: Option<Duration>,
    /// The most memory, in KiB, that was resident in processes of the tool itself; `None` where
    /// that cannot be measured, or none was seen before it ended.
    pub peak_kib: Option<u64>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Wall time, in seconds.
    Wall,
    /// Processor time, in seconds.
    Cpu,
    /// Peak memory, in MiB.
    Memory,
}

impl Measure {
    /// All of them, in the order of the tables.
    pub const ALL: [Measure; 3] = [Measure::Wall, Measure::Cpu, Measure::Memory];

    /// The figure in a sample.
    pub fn of(self, sample: &Sample) -> Option<f64> {
        match self {
            Measure::Wall => Some(sample.wall.as_secs_f64()),
            Measure::Cpu => sample.cpu.map(|cpu| cpu.as_secs_f64()),
            Measure::Memory => sample.peak_kib.map(|kib| kib as f64 / 1024.0),
        }
    }
}

/// Median and extremes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The middle one, or the mean of the two in the middle.
    pub median: f64,
    /// The smallest one.
    pub min: f64,
    /// The largest one.
    pub max: f64,
}

impl Summary {
    /// Of some figures; `None` if there are none, or one is missing.
    pub fn of(figures: impl IntoIterator<Item = Option<f64>>) -> Option<Summary> {
        let mut sorted: Vec<f64> = figures.into_iter().collect::<Option<_>>()?;
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let half = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => (sorted[half - 1] + sorted[half]) / 2.0,
            _ => sorted[half],
        };
        Some(Summary { median, min, max })
    }

    /// Of one measure of some runs.
    pub fn measured(samples: &[Sample], measure: Measure) -> Option<Summary> {
        Summary::of(samples.iter().map(|sample| measure.of(sample)))
    }

    /// Of the ratios of the first run to the first, the second to the second, and so on.
    pub fn ratios(ours: &[Sample], theirs: &[Sample], measure: Measure) -> Option<Summary> {
        let pairs = ours.iter().zip(theirs);
        Summary::of(pairs.map(|(ours, theirs)| {
            let ratio = measure.of(ours)? / measure.of(theirs)?;
            ratio.is_finite().then_some(ratio)
        }))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A sample of milliseconds of wall and processor time, and MiB.
    pub(crate) fn sample(wall: u64, cpu: u64, mib: u64) -> Sample {
        Sample {
            wall: Duration::from_millis(wall),
            cpu: Some(Duration::from_millis(cpu)),
            peak_kib: Some(mib * 1024),
        }
    }

    #[test]
    fn medians_of_odd_and_even_counts() {
        let of = |figures: &[f64]| Summary::of(figures.iter().copied().map(Some));
        let summary = |median, min, max| Some(Summary { median, min, max });
        assert_eq!(of(&[3.0, 1.0, 2.0]), summary(2.0, 1.0, 3.0));
        assert_eq!(of(&[4.0, 1.0, 2.0, 3.0]), summary(2.5, 1.0, 4.0));
        assert_eq!(of(&[]), None);
        assert_eq!(Summary::of([Some(1.0), None]), None, "one was not measured");
    }

    #[test]
    fn ratios_are_those_of_pairs() {
        // The machine got three times slower between the rounds: the pairs do not see it.
        let ours = [sample(100, 25, 5), sample(300, 75, 5)];
        let theirs = [sample(200, 100, 50), sample(600, 300, 50)];
        let ratio = |measure| Summary::ratios(&ours, &theirs, measure).map(|s| (s.min, s.max));
        assert_eq!(ratio(Measure::Wall), Some((0.5, 0.5)));
        assert_eq!(ratio(Measure::Cpu), Some((0.25, 0.25)));
        let nothing = [sample(200, 0, 0); 2];
        assert_eq!(Summary::ratios(&ours, &nothing, Measure::Cpu), None);
    }
}
