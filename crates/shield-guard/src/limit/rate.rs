//! How much is allowed in how much time.

use std::{num::NonZeroU32, time::Duration};

/// Units per period; beyond this the time of one unit would fall below ten nanoseconds.
const COUNT_MAX: u32 = 100_000_000;
/// The shortest period: one second, because `Retry-After` knows nothing shorter.
const PERIOD_MIN: Duration = Duration::from_secs(1);
/// The longest period: a month. Calendar days and months are the business of [`QuotaWindow`](super::QuotaWindow).
const PERIOD_MAX: Duration = Duration::from_secs(31 * 24 * 3600);

/// So many units per period, and so many at once.
///
/// Checked when made: 1 to 100,000,000 units, a period of 1 s to 31 days in whole seconds, a burst of 1 to the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    burst: u32,
    period_ns: u64,
    /// Time in which one unit comes back, rounded up, so that rounding never admits more than the count.
    interval_ns: u64,
}

/// A factor on a rate, in percent, so that 1.5 needs no floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Multiplier(NonZeroU32);

/// A rate that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Nothing, or more than can be told apart in time.
    #[error("make a rate of `{count}` units: expected 1 to 100000000")]
    Count {
        /// What was asked for.
        count: u32,
    },
    /// Too short, too long, or not in whole seconds, which is what the headers can say.
    #[error("make a rate per `{period:?}`: expected whole seconds from 1s to 31 days")]
    Period {
        /// What was asked for.
        period: Duration,
    },
    /// Nothing, or more than a whole period's units.
    #[error("make a rate with a burst of `{burst}`: expected 1 to the count, `{count}`")]
    Burst {
        /// What was asked for.
        burst: u32,
        /// The most that it may be.
        count: u32,
    },
}

// === impl Rate ===

impl Rate {
    /// `count` units per `period`, all of which may be used at once.
    pub fn new(count: u32, period: Duration) -> Result<Self, RateError> {
        if !(1..=COUNT_MAX).contains(&count) {
            return Err(RateError::Count { count });
        }
        if !(PERIOD_MIN..=PERIOD_MAX).contains(&period) || period.subsec_nanos() != 0 {
            return Err(RateError::Period { period });
        }
        let period_ns = period.as_secs() * 1_000_000_000;
        Ok(Self { count, burst: count, period_ns, interval_ns: period_ns.div_ceil(u64::from(count)) })
    }

    /// The same, with at most `burst` units at once (GCRA only; windows have no bursts).
    pub fn with_burst(self, burst: u32) -> Result<Self, RateError> {
        match (1..=self.count).contains(&burst) {
            true => Ok(Self { burst, ..self }),
            false => Err(RateError::Burst { burst, count: self.count }),
        }
    }

    /// Count and burst times `multiplier`, rounded down to no less than one and no more than a rate can have.
    #[must_use]
    pub fn scaled(self, multiplier: Multiplier) -> Self {
        let scale = |units: u32| {
            let scaled = u64::from(units) * u64::from(multiplier.0.get()) / 100;
            u32::try_from(scaled).unwrap_or(COUNT_MAX).clamp(1, COUNT_MAX)
        };
        let count = scale(self.count);
        Self {
            count,
            burst: scale(self.burst),
            interval_ns: self.period_ns.div_ceil(u64::from(count)),
            ..self
        }
    }

    /// What one of `nodes` may hand out by itself while nobody counts for all of them: count / (2 × nodes), rounded down,
    /// so that all of them together stay within half of the count. `None` when that is nothing.
    pub fn share(self, nodes: NonZeroU32) -> Option<Self> {
        let count = u64::from(self.count) / (2 * u64::from(nodes.get()));
        let count = u32::try_from(count).ok().filter(|count| *count > 0)?;
        let interval_ns = self.period_ns.div_ceil(u64::from(count));
        Some(Self { count, burst: self.burst.min(count), interval_ns, ..self })
    }

    /// Units per period.
    pub fn count(self) -> u32 {
        self.count
    }

    /// Units at once.
    pub fn burst(self) -> u32 {
        self.burst
    }

    /// Length of the period.
    pub fn period(self) -> Duration {
        Duration::from_nanos(self.period_ns)
    }

    /// Length of the period in nanoseconds.
    pub(super) fn period_ns(self) -> u64 {
        self.period_ns
    }

    /// Time in which one unit comes back.
    pub(super) fn interval_ns(self) -> u64 {
        self.interval_ns
    }
}

// === impl Multiplier ===

impl Multiplier {
    /// Times one.
    pub const ONE: Self = Self::percent(100);

    /// `percent` hundredths.
    ///
    /// # Panics
    /// On zero, which would be no limit but a ban; meant for constants, where the compiler finds it.
    pub const fn percent(percent: u32) -> Self {
        Self(NonZeroU32::new(percent).expect("a multiplier of nothing is a ban"))
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use super::{Multiplier, Rate, RateError};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn refuses_what_cannot_be_kept() {
        assert_eq!(Rate::new(0, MINUTE), Err(RateError::Count { count: 0 }));
        assert_eq!(Rate::new(100_000_001, MINUTE), Err(RateError::Count { count: 100_000_001 }));
        for period in [Duration::ZERO, Duration::from_millis(1_500), Duration::from_secs(32 * 24 * 3600)] {
            assert_eq!(Rate::new(1, period), Err(RateError::Period { period }));
        }
        let rate = Rate::new(10, MINUTE).unwrap();
        assert_eq!(rate.with_burst(0), Err(RateError::Burst { burst: 0, count: 10 }));
        assert_eq!(rate.with_burst(11), Err(RateError::Burst { burst: 11, count: 10 }));
    }

    #[test]
    fn scales_by_hundredths() {
        let rate = Rate::new(3, MINUTE).unwrap();
        assert_eq!(rate.scaled(Multiplier::percent(150)).count(), 4);
        assert_eq!(rate.scaled(Multiplier::percent(1)).count(), 1);
        assert_eq!(
            Rate::new(100_000_000, MINUTE).unwrap().scaled(Multiplier::percent(1_000)).count(),
            100_000_000
        );
    }

    #[test]
    fn shares_sum_to_half() {
        let three = NonZeroU32::new(3).unwrap();
        for count in 1..200 {
            let share = Rate::new(count, MINUTE).unwrap().share(three).map_or(0, Rate::count);
            assert!(2 * 3 * share <= count, "{count}: {share}");
        }
    }
}
