//! What was lost in few blocks, which ranks do not see.
//!
//! A variant that stands still for a second in every ten loses a tenth of its time in one block of a hundred, where it is an
//! outlier like any other. So the time that each side lost is added up as well, with the pauses that outlast a slice: a
//! comparison must not pass when B lost more on the whole than the smallest change that is said to have been seen. It is a
//! regression when the coin cannot explain it (Hoeffding's bound on the blocks' signed sums), else it cannot be told yet.

use serde::{Deserialize, Serialize};

use crate::compare::block::{Block, Side};
use crate::compare::settings::CompareSettings;
use crate::compare::statistics::mean_bounds;
use crate::compare::verdict::Finding;

/// What both variants lost, pauses included.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pauses {
    /// Pauses of A.
    pub a: StoodStill,
    /// Pauses of B.
    pub b: StoodStill,
    /// Share of its answers that B lost against A over the whole time, pauses included; negative when it won. Absent when A
    /// answered nothing.
    pub lost: Option<f64>,
    /// Above zero; a loss beyond it is never passed over: what throughput's `detectable` says, or the change of throughput
    /// worth finding where it says nothing.
    pub tolerated: f64,
    /// [`Finding::Regression`] when B surely lost more than A, [`Finding::NotMeasured`] when it lost more than is tolerated
    /// and that may yet be chance, else [`Finding::NoDifferenceSeen`]; fewer pauses of B are not called an improvement.
    pub finding: Finding,
}

/// How often and how long a variant stood still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoodStill {
    /// Slices after which most of what was under way waited for longer than a slice.
    pub times: u64,
    /// How long they did, all together.
    pub seconds: f64,
}

// === impl Pauses ===

impl Pauses {
    /// Both sides' losses. `chance` is that of a regression where there is none, to one side; `seen` the share of throughput
    /// whose loss the ranks are said to see.
    pub(crate) fn judge(
        blocks: &[Block],
        settings: &CompareSettings,
        seen: Option<f64>,
        chance: f64,
    ) -> Self {
        let side = |of: fn(&Block) -> &Side| blocks.iter().map(of).fold(Total::default(), Total::and);
        let (a, b) = (side(|block| &block.a), side(|block| &block.b));
        let lost = (a.answered > 0).then(|| 1.0 - b.rate() / a.rate());
        let tolerated = seen.unwrap_or(settings.throughput_change);
        let finding = match lost {
            Some(lost) if lost > tolerated && surely_more(blocks, a, b, chance) => Finding::Regression,
            Some(lost) if lost > tolerated => Finding::NotMeasured,
            _ => Finding::NoDifferenceSeen,
        };
        Self { a: a.still, b: b.still, lost, tolerated, finding }
    }
}

/// What a variant did over all blocks.
#[derive(Clone, Copy, Default)]
struct Total {
    slices_seconds: f64,
    answered: u64,
    still: StoodStill,
}

// === impl Total ===

impl Total {
    fn and(self, side: &Side) -> Self {
        let Self { slices_seconds, answered, still } = self;
        Self {
            slices_seconds: slices_seconds + side.seconds,
            answered: answered + side.answered_in_time,
            still: StoodStill {
                times: still.times + side.still.times,
                seconds: still.seconds + side.still.seconds,
            },
        }
    }

    /// Answers per second of all its time.
    fn rate(self) -> f64 {
        self.answered as f64 / (self.slices_seconds + self.still.seconds)
    }
}

/// Whether B lost more time than A in so many blocks that the coin is no explanation. A block's value is the time that its
/// answers did not need at the common rate; exchanging its sides turns the sign, and nothing else.
fn surely_more(blocks: &[Block], a: Total, b: Total, chance: f64) -> bool {
    let per_answer = (a.slices_seconds + b.slices_seconds) / (a.answered + b.answered) as f64;
    let lost = |side: &Side| side.seconds + side.still.seconds - side.answered_in_time as f64 * per_answer;
    let values: Vec<_> = blocks.iter().map(|block| lost(&block.b) - lost(&block.a)).collect();
    mean_bounds(&values, 2.0 * chance).is_some_and(|bounds| bounds.low > 0.0)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::StoodStill;
    use crate::compare::analyse::analyse;
    use crate::compare::block::{Block, Side};
    use crate::compare::settings::CompareSettings;
    use crate::compare::verdict::{Comparison, Finding, Metric};

    const SLICE: f64 = 0.025;
    const SETTLE: f64 = 0.005;
    /// Answers per second of a variant that does not stand still.
    const RATE: f64 = 10_000.0;

    /// Stands still for `length` seconds once in `every`, at its own times.
    #[derive(Clone, Copy)]
    struct Stalls {
        every: f64,
        length: f64,
        phase: f64,
    }

    const NEVER: Stalls = Stalls { every: 1.0, length: 0.0, phase: 0.0 };
    const RARE: Stalls = Stalls { every: 10.0, length: 1.0, phase: 3.0 };

    // === impl Stalls ===

    impl Stalls {
        /// When it answers again, if it stands still at this time.
        fn answers_from(self, time: f64) -> f64 {
            let within = (time + self.phase) % self.every;
            time + (self.length - within).max(0.0)
        }

        /// A slice from `clock` on, which goes on to its end.
        fn slice(self, clock: &mut f64, random: &mut Rng) -> Side {
            let began = *clock + SETTLE;
            let steps = 50;
            let answering = (0..steps).filter(|step| {
                let time = began + SLICE * f64::from(*step) / f64::from(steps);
                self.answers_from(time) <= time
            });
            let share = answering.count() as f64 / f64::from(steps);
            let answered_in_time = (RATE * SLICE * share * (0.9 + 0.2 * random.f64())) as u64;
            let ended = began + SLICE;
            *clock = self.answers_from(ended);
            let waited = *clock - ended;
            let still = match waited > SLICE {
                true => StoodStill { times: 1, seconds: waited },
                false => StoodStill::default(),
            };
            let p99_ms = Some(2.0 + random.f64() * 0.1);
            Side {
                seconds: SLICE,
                answered_in_time,
                answered: answered_in_time,
                p99_ms,
                still,
                ..Side::default()
            }
        }
    }

    fn added(one: Side, other: Side) -> Side {
        Side {
            seconds: one.seconds + other.seconds,
            answered_in_time: one.answered_in_time + other.answered_in_time,
            answered: one.answered + other.answered,
            still: StoodStill {
                times: one.still.times + other.still.times,
                seconds: one.still.seconds + other.still.seconds,
            },
            ..one
        }
    }

    fn block(a: Stalls, b: Stalls, clock: &mut f64, random: &mut Rng) -> Block {
        let mut turn = |stalls: Stalls, random: &mut Rng| stalls.slice(clock, random);
        let (outside, inside, a_outside) = if random.bool() { (a, b, true) } else { (b, a, false) };
        let first = turn(outside, random);
        let middle = added(turn(inside, random), turn(inside, random));
        let outer = added(first, turn(outside, random));
        if a_outside { Block { a: outer, b: middle } } else { Block { a: middle, b: outer } }
    }

    /// As a recording goes, with a clock of its own.
    fn compared(a: Stalls, b: Stalls, limit: f64, seed: u64) -> Comparison {
        let mut random = Rng::with_seed(seed);
        let settings = CompareSettings::default();
        let looks: Vec<_> = settings.looks().collect();
        let (mut clock, mut blocks) = (random.f64() * RARE.every, Vec::new());
        let end = clock + limit;
        while clock < end {
            blocks.push(block(a, b, &mut clock, &mut random));
            if looks.contains(&blocks.len()) {
                let comparison = analyse(&blocks, &settings).unwrap();
                if comparison.decided() {
                    return comparison;
                }
            }
        }
        analyse(&blocks, &CompareSettings { blocks_max: blocks.len(), ..settings }).unwrap()
    }

    #[test]
    fn nothing_changes_without_pauses() {
        for seed in 0..100 {
            let comparison = compared(NEVER, NEVER, 280.0, seed);
            assert_eq!(comparison.finding(), Finding::NoDifferenceSeen, "{comparison}");
            assert!(comparison.complete && comparison.blocks < 200, "{comparison}");
            assert_eq!((comparison.pauses.a.times, comparison.pauses.b.times), (0, 0));
        }
    }

    #[test]
    fn few_pauses_never_pass() {
        for seed in 0..100 {
            let comparison = compared(NEVER, RARE, 40.0, seed);
            assert_eq!(comparison.pauses.finding, Finding::NotMeasured, "{comparison}");
            assert!((3..=5).contains(&comparison.pauses.b.times), "{comparison}");
            // Which is what ranks say of it.
            assert_eq!(comparison.metric(Metric::Throughput).unwrap().finding, Finding::NoDifferenceSeen);
        }
    }

    #[test]
    fn many_pauses_are_a_regression() {
        for seed in 0..20 {
            let comparison = compared(NEVER, RARE, 300.0, seed);
            assert_eq!(comparison.pauses.finding, Finding::Regression, "{comparison}");
            assert_eq!((comparison.finding(), comparison.pauses.a.times), (Finding::Regression, 0));
        }
    }

    #[test]
    fn same_pauses_are_no_regression() {
        for seed in 0..100 {
            let comparison = compared(Stalls { phase: 8.0, ..RARE }, RARE, 300.0, seed);
            assert_ne!(comparison.finding(), Finding::Regression, "{comparison}");
        }
        let passed = |seed: &u64| {
            let comparison = compared(Stalls { phase: 8.0, ..RARE }, RARE, 300.0, *seed);
            comparison.finding() == Finding::NoDifferenceSeen
        };
        assert!((0..20).filter(passed).count() >= 18);
    }

    #[test]
    fn fewer_pauses_pass() {
        let comparison = compared(RARE, NEVER, 300.0, 1);
        assert_eq!(comparison.pauses.finding, Finding::NoDifferenceSeen, "{comparison}");
    }

    #[test]
    fn losses_within_slices_count() {
        // Shorter than a slice: nothing of it is waited for after one.
        let brief = Stalls { every: 0.2, length: 0.024, phase: 0.1 };
        for seed in 0..20 {
            let comparison = compared(NEVER, brief, 280.0, seed);
            assert_eq!(comparison.pauses.b.times, 0);
            assert_eq!(comparison.finding(), Finding::Regression, "{comparison}");
        }
    }
}
