//! Scales of plots: which values are on them, where, and which are named.

use std::ops::RangeInclusive;

/// From this ratio of the highest to the lowest value on, an axis is logarithmic: below it, the lowest line would lie flat on
/// the axis.
const LOG_FROM: f64 = 50.0;
/// Longest span of a logarithmic axis; what is lower lies on its lower end.
const LOG_SPAN_MAX: f64 = 1e7;
/// Values that an axis is made for; a lower one lies at its lower end, a higher one at its upper end.
const VALUES: RangeInclusive<f64> = 1e-9..=1e15;
/// Steps of time that people count in.
const TIME_STEPS_S: [f64; 22] = [
    0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0,
    14_400.0, 21_600.0, 43_200.0, 86_400.0, 604_800.0,
];

/// How values become heights.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// From zero.
    Linear {
        /// Between two named values.
        step: f64,
        /// At the upper end.
        high: f64,
    },
    /// For values of several magnitudes.
    Logarithmic {
        /// At the lower end.
        low: f64,
        /// At the upper end.
        high: f64,
    },
}

// === impl Scale ===

impl Scale {
    /// From zero to a round value that is not below any of these.
    pub(super) fn linear(values: impl Iterator<Item = f64>) -> Self {
        let highest = values.filter(|value| value.is_finite()).fold(0.0, f64::max).min(*VALUES.end());
        if highest < *VALUES.start() {
            return Self::Linear { step: 1.0, high: 1.0 };
        }
        let step = round_up(highest / 4.0);
        Self::Linear { step, high: (highest / step).ceil() * step }
    }

    /// Logarithmic when the values ask for it.
    pub(super) fn fitting(values: impl Iterator<Item = f64> + Clone) -> Self {
        let positive = values.clone().filter(|value| VALUES.contains(value));
        let (lowest, highest) =
            positive.fold((f64::MAX, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        if highest < lowest * LOG_FROM {
            return Self::linear(values);
        }
        let low = round_down(lowest.max(highest / LOG_SPAN_MAX));
        Self::Logarithmic { low, high: round_up(highest) }
    }

    /// From 0 at the lower end to 1 at the upper one.
    pub(super) fn position(&self, value: f64) -> f64 {
        let position = match *self {
            Self::Linear { high, .. } => value / high,
            Self::Logarithmic { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
        };
        position.clamp(0.0, 1.0)
    }

    /// The values that are named.
    pub(super) fn ticks(&self) -> Vec<f64> {
        match *self {
            Self::Linear { step, high } => {
                (0..=(high / step).round() as u32).map(|index| f64::from(index) * step).collect()
            }
            Self::Logarithmic { low, high } => {
                let digits: &[f64] = if high / low > 1500.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
                let exponents = low.log10().floor() as i32..=high.log10().ceil() as i32;
                let all = exponents
                    .flat_map(|exponent| digits.iter().map(move |digit| digit * 10_f64.powi(exponent)));
                all.filter(|tick| *tick >= low * 0.999 && *tick <= high * 1.001).collect()
            }
        }
    }

    /// Whether equal heights are equal ratios.
    pub(super) fn logarithmic(&self) -> bool {
        matches!(self, Self::Logarithmic { .. })
    }
}

/// Named times of an axis from zero to `end_s`: at most `count_max` besides zero.
pub(super) fn time_ticks(end_s: f64, count_max: u32) -> Vec<f64> {
    let end_s = end_s.clamp(*VALUES.start(), *VALUES.end());
    let fits = |step: &&f64| end_s / **step <= f64::from(count_max);
    let step =
        TIME_STEPS_S.iter().find(fits).copied().unwrap_or_else(|| round_up(end_s / f64::from(count_max)));
    (0..=(end_s / step + 1e-9) as u32).map(|index| f64::from(index) * step).collect()
}

/// The next 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = [1.0, 2.0, 5.0].into_iter().find(|digit| digit * power >= value * 0.999_999).unwrap_or(10.0);
    digit * power
}

fn round_down(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let digit = [5.0, 2.0].into_iter().find(|digit| digit * power <= value * 1.000_001).unwrap_or(1.0);
    digit * power
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Scale, time_ticks};

    #[test]
    fn range_decides_the_kind() {
        assert_eq!(Scale::fitting([3.0, 90.0].into_iter()), Scale::Linear { step: 50.0, high: 100.0 });
        assert_eq!(Scale::fitting([0.3, 900.0].into_iter()), Scale::Logarithmic { low: 0.2, high: 1000.0 });
        assert_eq!(Scale::fitting(std::iter::empty()), Scale::Linear { step: 1.0, high: 1.0 });
    }

    #[test]
    fn ticks_are_round() {
        assert_eq!(Scale::Linear { step: 50.0, high: 100.0 }.ticks(), [0.0, 50.0, 100.0]);
        let logarithmic = Scale::Logarithmic { low: 0.2, high: 1000.0 };
        assert_eq!(logarithmic.ticks(), [1.0, 10.0, 100.0, 1000.0]);
        assert_eq!(time_ticks(60.0, 6), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        assert_eq!(time_ticks(100_000.0, 8).len(), 7);
    }

    proptest! {
        #[test]
        fn every_value_has_a_place(values in prop::collection::vec(prop::num::f64::ANY, 0..20)) {
            for scale in [Scale::fitting(values.iter().copied()), Scale::linear(values.iter().copied())] {
                prop_assert!(scale.ticks().len() <= 12, "{:?}", scale.ticks());
                for value in values.iter().filter(|value| value.is_finite()) {
                    prop_assert!((0.0..=1.0).contains(&scale.position(*value)), "{value} on {scale:?}");
                }
            }
        }

        #[test]
        fn times_are_few(end_s in prop::num::f64::POSITIVE, count_max in 3_u32..10) {
            prop_assert!(time_ticks(end_s, count_max).len() <= count_max as usize + 1);
        }
    }
}
