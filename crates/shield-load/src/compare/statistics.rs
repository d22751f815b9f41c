//! Intervals that hold because a coin was thrown, not because noise behaves.
//!
//! Where the variants do not differ, a block's value would have had the other sign had the coin fallen otherwise: given
//! their magnitudes, the signs of all blocks are independent and fair, however the magnitudes are distributed or depend on
//! each other. Both intervals here need nothing else. Whatever is decided from magnitudes alone (when to stop) costs no
//! confidence.
//!
//! That is about noise that hits whoever has the turn. What sticks to a process (where its threads run) is a difference
//! between the variants to this module; that it is too small to matter is the margin's business.

/// Terms of the continued fraction of [`tail`]; enough for every digit from 0.8 deviations on.
const TAIL_TERMS: u32 = 200;

/// An estimate and what it lies between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) estimate: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// Hodges and Lehmann's estimate of the centre, with the interval of centres that Wilcoxon's signed ranks do not contradict
/// by `deviations`; none when there are too few values for that. All of them are averages of two values (or of one with
/// itself), of a certain rank.
pub(crate) fn signed_rank_bounds(values: &[f64], deviations: f64) -> Option<Bounds> {
    let left_out = ranks_left_out(values.len(), deviations)?;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (least, most) = (*sorted.first()?, *sorted.last()?);
    let average = |rank| least_reaching(least, most, |limit| sums_up_to(&sorted, 2.0 * limit) > rank);
    let last = pairs(values.len()) - 1;
    Some(Bounds {
        estimate: (average(last / 2) + average(last.div_ceil(2))) / 2.0,
        low: average(left_out),
        high: average(last - left_out),
    })
}

/// Half the width that [`signed_rank_bounds`] can be expected to have, from the magnitudes of the values alone: the quantile
/// of their averages over all signs.
pub(crate) fn signed_rank_reach(values: &[f64], deviations: f64) -> Option<f64> {
    let left_out = ranks_left_out(values.len(), deviations)?;
    let mut sorted: Vec<_> = values.iter().map(|value| value.abs()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    // With equal signs two magnitudes add up, with different ones they subtract; one with itself has one sign.
    let within = |limit: f64| {
        sums_up_to(&sorted, 2.0 * limit)
            + sorted.partition_point(|value| *value <= limit)
            + differences_up_to(&sorted, 2.0 * limit)
    };
    let rank = (2 * pairs(values.len())).checked_sub(4 * (left_out + 1))?;
    Some(least_reaching(0.0, *sorted.last()?, |limit| within(limit) > rank))
}

/// How many pairs, each value with itself included, have a sum up to `limit`.
fn sums_up_to(sorted: &[f64], limit: f64) -> usize {
    let mut partners = sorted.len();
    let mut count = 0;
    for (at, value) in sorted.iter().enumerate() {
        while partners > at && value + sorted[partners - 1] > limit {
            partners -= 1;
        }
        if partners <= at {
            break;
        }
        count += partners - at;
    }
    count
}

/// How many pairs of two lie no more than `limit` apart.
fn differences_up_to(sorted: &[f64], limit: f64) -> usize {
    let mut first = 0;
    let mut count = 0;
    for (at, value) in sorted.iter().enumerate() {
        while value - sorted[first] > limit {
            first += 1;
        }
        count += at - first;
    }
    count
}

/// The least number from `low` to `high` that `reaches`, which the high end does, to the last digit but a few.
fn least_reaching(mut low: f64, mut high: f64, reaches: impl Fn(f64) -> bool) -> f64 {
    if reaches(low) {
        return low;
    }
    for _ in 0..60 {
        let middle = low + (high - low) / 2.0;
        if reaches(middle) { high = middle } else { low = middle }
    }
    high
}

/// How many of the averages lie outside on either side; none if even leaving out nothing is not sure enough. The normal tail
/// is heavier than that of the signed ranks, so this errs to the wide side.
fn ranks_left_out(values: usize, deviations: f64) -> Option<usize> {
    let count = values as f64;
    let deviation = (count * (count + 1.0) * (2.0 * count + 1.0) / 24.0).sqrt();
    let left_out = pairs(values) as f64 / 2.0 - 0.5 - deviations * deviation;
    (left_out >= 0.0).then_some(left_out as usize)
}

fn pairs(values: usize) -> usize {
    values * (values + 1) / 2
}

/// The mean, with bounds that a sum of fair signs keeps except for a chance of `chance` in all, by Hoeffding. Sound for values
/// that are nearly all zero, where ranks say nothing.
pub(crate) fn mean_bounds(values: &[f64], chance: f64) -> Option<Bounds> {
    let count = values.len() as f64;
    let estimate = values.iter().sum::<f64>() / count;
    let reach = hoeffding(chance) * values.iter().map(|value| value * value).sum::<f64>().sqrt() / count;
    (!values.is_empty()).then_some(Bounds { estimate, low: estimate - reach, high: estimate + reach })
}

/// Deviations that a sum of fair signs exceeds, to either side, with at most this chance.
pub(crate) fn hoeffding(chance: f64) -> f64 {
    (2.0 * (2.0 / chance).ln()).sqrt()
}

/// Deviations that a normal variable exceeds with this chance, to one side.
pub(crate) fn normal_deviations(chance: f64) -> f64 {
    let (mut low, mut high) = (0.8, 40.0);
    for _ in 0..100 {
        let middle = (low + high) / 2.0;
        if tail(middle) > chance { low = middle } else { high = middle }
    }
    high
}

/// Chance that a normal variable exceeds so many deviations: Laplace's continued fraction.
fn tail(deviations: f64) -> f64 {
    let fraction =
        (1..=TAIL_TERMS).rev().fold(deviations, |below, term| deviations + f64::from(term) / below);
    (-deviations * deviations / 2.0).exp() / (std::f64::consts::TAU.sqrt() * fraction)
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some((values[last / 2] + values[last.div_ceil(2)]) / 2.0)
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::{
        Bounds, hoeffding, mean_bounds, median, normal_deviations, signed_rank_bounds, signed_rank_reach,
    };

    /// Heavy-tailed, and with magnitudes that follow each other, as noise from other processes does; the sign is fair.
    fn noise(random: &mut Rng, count: usize) -> Vec<f64> {
        let mut busy = 0.0_f64;
        (0..count)
            .map(|_| {
                let sign = if random.bool() { 1.0 } else { -1.0 };
                busy = 0.9 * busy + 0.1 / (1.0 - random.f64()).sqrt();
                sign * busy * 0.05 / (1.0 - random.f64()).powf(0.7)
            })
            .collect()
    }

    #[test]
    fn normal_deviations_are_the_known_ones() {
        for (chance, known) in [(0.05, 1.644_854), (0.025, 1.959_964), (0.001, 3.090_232), (1e-6, 4.753_424)]
        {
            assert!((normal_deviations(chance) - known).abs() < 1e-5, "{chance}");
        }
    }

    #[test]
    fn small_example_is_exact() {
        let bounds = signed_rank_bounds(&[1.0, 2.0, 4.0, 8.0], 1.0).unwrap();
        // 10 averages: 1 1.5 2 2.5 3 4 4.5 5 6 8; one deviation of 2.7 leaves out one on either side.
        let off = [bounds.estimate - 3.5, bounds.low - 1.5, bounds.high - 6.0];
        assert!(off.iter().all(|off| off.abs() < 1e-12), "{bounds:?}");
        assert_eq!(signed_rank_bounds(&[1.0, 2.0], 3.0), None);
        assert_eq!(signed_rank_bounds(&[], 1.0), None);
    }

    #[test]
    fn intervals_cover_the_truth() {
        let mut random = Rng::with_seed(5);
        let (chance, runs) = (0.02, 4_000);
        let deviations = normal_deviations(chance / 2.0);
        let (mut rank_missed, mut mean_missed) = (0, 0);
        for _ in 0..runs {
            let values: Vec<_> = noise(&mut random, 40).into_iter().map(|value| value + 0.3).collect();
            let missed = |bounds: Bounds, truth: f64| truth < bounds.low || truth > bounds.high;
            rank_missed += usize::from(missed(signed_rank_bounds(&values, deviations).unwrap(), 0.3));
            let centred: Vec<_> = values.iter().map(|value| value - 0.3).collect();
            mean_missed += usize::from(missed(mean_bounds(&centred, chance).unwrap(), 0.0));
        }
        // 80 expected; 4 deviations more are 116. Far fewer would mean that the interval is wider than it need be.
        assert!((45..=116).contains(&rank_missed), "{rank_missed}");
        assert!(mean_missed <= 80, "{mean_missed}");
    }

    #[test]
    fn reach_foretells_the_width() {
        let mut random = Rng::with_seed(8);
        let mut ratios = Vec::new();
        for _ in 0..200 {
            let values = noise(&mut random, 60);
            let bounds = signed_rank_bounds(&values, 3.0).unwrap();
            ratios.push((bounds.high - bounds.low) / 2.0 / signed_rank_reach(&values, 3.0).unwrap());
        }
        let typical = median(ratios).unwrap();
        assert!((0.9..1.1).contains(&typical), "{typical}");
    }

    #[test]
    fn reach_ignores_signs() {
        let mut random = Rng::with_seed(9);
        let values = noise(&mut random, 30);
        let turned: Vec<_> = values.iter().map(|value| if random.bool() { -value } else { *value }).collect();
        let reach = |values: &[f64]| signed_rank_reach(values, 2.5).unwrap();
        assert!((reach(&values) - reach(&turned)).abs() < 1e-12);
    }

    #[test]
    fn one_burst_proves_nothing() {
        let mut values = vec![0.0; 100];
        values[40] = 1.0;
        assert!(mean_bounds(&values, 0.01).unwrap().low < 0.0);
        // As many as the square of the deviations, all to one side, do.
        let needed = hoeffding(0.01).powi(2).ceil() as usize + 1;
        values[..needed].fill(0.01);
        values[40] = 0.0;
        assert!(mean_bounds(&values, 0.01).unwrap().low > 0.0);
    }
}
