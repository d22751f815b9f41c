//! When requests are due: a rate over time, and how arrivals lie under it.
//!
//! Everything is counted in expected arrivals, `N(t)`, the integral of the rate. Evenly spaced arrival `k` is due where
//! `N(t) = k`; Poisson arrivals are a Poisson process of rate one in that count, carried back to time by the inverse of `N`.
//! So both follow every ramp exactly, and no rounding adds up.

use std::time::Duration;

use fastrand::Rng;
use serde::{Deserialize, Serialize};

use crate::plan::share::Share;

/// The rate of arrivals over time, phase after phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// In order; the rate may jump between two.
    pub phases: Vec<Phase>,
    /// How arrivals lie under the rate.
    pub spacing: Spacing,
}

/// A stretch in which the rate changes evenly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Phase {
    /// How long.
    pub duration: Duration,
    /// Arrivals per second at its beginning.
    pub from_per_second: f64,
    /// Arrivals per second at its end.
    pub to_per_second: f64,
}

/// How arrivals lie under the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Spacing {
    /// As evenly as the rate allows: for pacing a machine.
    Even,
    /// Independently of each other, as people arrive: exponential gaps.
    Poisson,
}

/// The moments at which requests are due, from the start of the run.
#[derive(Clone, Debug)]
pub struct Arrivals {
    phases: Vec<Phase>,
    spacing: Spacing,
    random: Rng,
    /// The phase that the next arrival is looked for in.
    phase: usize,
    /// When it began, and the arrivals expected before it.
    phase_began: Duration,
    expected_before: f64,
    /// Where the next arrival lies, in expected arrivals.
    position: f64,
    /// Mean distance to the one after it: more than one for a share of the arrivals.
    stride: f64,
}

// === impl Schedule ===

impl Schedule {
    /// One rate for one time.
    #[must_use]
    pub fn constant(per_second: f64, duration: Duration, spacing: Spacing) -> Self {
        Self { phases: vec![Phase::steady(per_second, duration)], spacing }
    }

    /// How long it is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.phases.iter().map(|phase| phase.duration).sum()
    }

    /// Arrivals expected in all.
    #[must_use]
    pub fn expected(&self) -> f64 {
        self.phases.iter().map(Phase::expected).sum()
    }

    /// The arrivals; the same seed gives the same ones.
    #[must_use]
    pub fn arrivals(&self, seed: u64) -> Arrivals {
        self.arrivals_of(Share::WHOLE, seed)
    }

    /// One share of the arrivals. Evenly spaced ones are dealt out in turn, so that all shares together are exactly the whole;
    /// Poisson arrivals of shares with seeds of their own are Poisson arrivals together.
    pub(crate) fn arrivals_of(&self, share: Share, seed: u64) -> Arrivals {
        let stride = f64::from(share.of());
        let mut arrivals = Arrivals {
            phases: self.phases.clone(),
            spacing: self.spacing,
            random: Rng::with_seed(seed),
            phase: 0,
            phase_began: Duration::ZERO,
            expected_before: 0.0,
            position: f64::from(share.index()),
            stride,
        };
        if self.spacing == Spacing::Poisson {
            arrivals.position = stride * exponential(&mut arrivals.random);
        }
        arrivals
    }
}

// === impl Phase ===

impl Phase {
    /// One rate.
    #[must_use]
    pub fn steady(per_second: f64, duration: Duration) -> Self {
        Self { duration, from_per_second: per_second, to_per_second: per_second }
    }

    fn expected(&self) -> f64 {
        (self.from_per_second + self.to_per_second) / 2.0 * self.duration.as_secs_f64()
    }

    /// When `expected` arrivals are reached, from the beginning of the phase.
    fn reached(&self, expected: f64) -> Duration {
        if expected <= 0.0 {
            return Duration::ZERO;
        }
        let slope = (self.to_per_second - self.from_per_second) / self.duration.as_secs_f64();
        let root = (self.from_per_second * self.from_per_second + 2.0 * slope * expected).max(0.0).sqrt();
        // The form of the quadratic formula that does not cancel, whatever the sign of the slope.
        Duration::from_secs_f64(2.0 * expected / (self.from_per_second + root))
    }
}

// === impl Arrivals ===

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let (phase, within) = loop {
            let phase = *self.phases.get(self.phase)?;
            let within = self.position - self.expected_before;
            if within < phase.expected() {
                break (phase, within);
            }
            self.phase += 1;
            self.phase_began += phase.duration;
            self.expected_before += phase.expected();
        };
        self.position += match self.spacing {
            Spacing::Even => self.stride,
            Spacing::Poisson => self.stride * exponential(&mut self.random),
        };
        Some(self.phase_began + phase.reached(within).min(phase.duration))
    }
}

/// Exponentially distributed with mean one. `1 - f64()` is never zero.
fn exponential(random: &mut Rng) -> f64 {
    -(1.0 - random.f64()).ln()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::{Phase, Schedule, Spacing};

    const SECOND: Duration = Duration::from_secs(1);

    fn phase(from: f64, to: f64) -> Phase {
        Phase { duration: SECOND * 10, from_per_second: from, to_per_second: to }
    }

    #[test]
    fn constant_rate_is_exact() {
        let due: Vec<_> = Schedule::constant(10_000.0, SECOND * 10, Spacing::Even).arrivals(1).collect();
        assert_eq!(due.len(), 100_000);
        assert_eq!(
            (due[0], due[50_000], due[99_999]),
            (Duration::ZERO, SECOND * 5, Duration::from_micros(9_999_900))
        );
    }

    #[test]
    fn ramps_have_their_integral() {
        for (from, to) in [(0.0, 100.0), (100.0, 0.0), (10.0, 30.0)] {
            let schedule = Schedule { phases: vec![phase(from, to)], spacing: Spacing::Even };
            assert_eq!(schedule.arrivals(1).count() as f64, schedule.expected());
            // Half of the time of a ramp from nothing holds a quarter of its arrivals.
            let early = schedule.arrivals(1).filter(|due| *due < SECOND * 5).count() as f64;
            assert!((early - (3.0 * from + to) / 4.0 * 5.0).abs() <= 1.0, "{early} of {from} to {to}");
        }
    }

    #[test]
    fn rate_may_jump_and_rest() {
        let phases = vec![phase(1.0, 1.0), phase(0.0, 0.0), phase(100.0, 100.0)];
        let due: Vec<_> = Schedule { phases, spacing: Spacing::Even }.arrivals(1).collect();
        let within =
            |from: u32, to: u32| due.iter().filter(|due| (SECOND * from..SECOND * to).contains(*due)).count();
        assert_eq!((within(0, 10), within(10, 20), within(20, 30)), (10, 0, 1_000));
    }

    #[test]
    fn nothing_is_due_at_no_rate() {
        assert_eq!(Schedule::constant(0.0, SECOND, Spacing::Poisson).arrivals(1).next(), None);
    }

    /// Kolmogorov-Smirnov against the exponential distribution, for a fixed seed.
    #[test]
    fn poisson_gaps_are_exponential() {
        let schedule = Schedule::constant(1_000.0, SECOND * 20, Spacing::Poisson);
        let due: Vec<f64> = schedule.arrivals(7).map(|due| due.as_secs_f64()).collect();
        let mut gaps: Vec<f64> = due.windows(2).map(|pair| pair[1] - pair[0]).collect();
        gaps.sort_by(f64::total_cmp);
        let count = gaps.len() as f64;
        let distances = gaps.iter().enumerate().map(|(rank, gap)| {
            let share = 1.0 - (-gap * 1_000.0).exp();
            (share - rank as f64 / count).abs().max((share - (rank + 1) as f64 / count).abs())
        });
        // The 1 % quantile of the statistic.
        assert!(distances.fold(0.0, f64::max) < 1.63 / count.sqrt());
    }

    proptest! {
        #[test]
        fn arrivals_are_ordered_and_counted(
            rates in prop::collection::vec((0.0..500.0_f64, 0.0..500.0_f64, 1_u64..2_000), 1..5),
            poisson: bool,
            seed: u64,
        ) {
            let phases = rates.iter().map(|(from, to, ms)| Phase {
                duration: Duration::from_millis(*ms),
                from_per_second: *from,
                to_per_second: *to,
            });
            let spacing = if poisson { Spacing::Poisson } else { Spacing::Even };
            let schedule = Schedule { phases: phases.collect(), spacing };
            let due: Vec<_> = schedule.arrivals(seed).collect();
            prop_assert!(due.is_sorted() && due.last().is_none_or(|last| *last <= schedule.duration()));
            if !poisson {
                prop_assert!((due.len() as f64 - schedule.expected()).abs() <= 1.0);
            }
        }
    }
}
