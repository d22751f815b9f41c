//! Each algorithm beside a naive model that keeps every admitted request, on random schedules.

use proptest::prelude::*;

use super::{ONE, SECOND, key, rate, table, units};
use crate::limit::{Algorithm, Rate, Refusal};

/// Every admitted request: when, and how many units.
#[derive(Default)]
struct Log(Vec<(u64, u64)>);

impl Log {
    /// Units admitted in `from..to`.
    fn between(&self, from: u64, to: u64) -> u64 {
        self.0.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, units)| units).sum()
    }

    /// Whether the definition of the algorithm admits `cost` at `now`. Exact: the interval of the rates used divides.
    fn admits(&self, algorithm: Algorithm, rate: Rate, now: u64, cost: u64) -> bool {
        let period = rate.period_ns();
        let start = now / period * period;
        match algorithm {
            // A bucket of `burst` units that fills at the rate: replayed from the beginning.
            Algorithm::Gcra => {
                let (full, mut level, mut last) =
                    (rate.burst() as u128 * rate.interval_ns() as u128, 0u128, 0);
                for (at, units) in self.0.iter().copied() {
                    level = level.saturating_sub((at - last) as u128)
                        + units as u128 * rate.interval_ns() as u128;
                    last = at;
                }
                level.saturating_sub((now - last) as u128) + cost as u128 * rate.interval_ns() as u128 <= full
            }
            Algorithm::FixedWindow => self.between(start, start + period) + cost <= u64::from(rate.count()),
            Algorithm::SlidingWindow => {
                let previous = self.between(start.saturating_sub(period), start) as u128;
                let current = self.between(start, start + period) as u128;
                let left = (start + period - now) as u128;
                previous * left + (current + cost as u128) * period as u128
                    <= u128::from(rate.count()) * period as u128
            }
        }
    }
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop_oneof![Just(Algorithm::Gcra), Just(Algorithm::FixedWindow), Just(Algorithm::SlidingWindow)]
}

/// Pauses between requests, in nanoseconds, and their costs: bursts, and waits of up to two periods of 10 s.
fn schedule() -> impl Strategy<Value = Vec<(u64, u32)>> {
    let pause =
        prop_oneof![Just(0), 0..SECOND / 10, 0..SECOND * 20, (0..20u64).prop_map(|second| second * SECOND)];
    proptest::collection::vec((pause, 1..4u32), 1..120)
}

proptest! {
    #[test]
    fn agrees_with_exact_model(
        algorithm in algorithms(), count in prop_oneof![Just(1u32), Just(5), Just(8), Just(100)],
        burst in 1..=100u32, schedule in schedule(),
    ) {
        let rate = rate(count, 10);
        let rate = if algorithm == Algorithm::Gcra { rate.with_burst(burst.min(count)).unwrap() } else { rate };
        let (table, mut log, mut now) = (table(algorithm, 10, 8), Log::default(), 0);
        for (pause, cost) in schedule {
            now += pause;
            let expected = log.admits(algorithm, rate, now, cost.into());
            let look = table.look(&key(1), rate, now, units(cost));
            let verdict = table.take(&key(1), rate, now, units(cost));
            prop_assert_eq!(verdict.outcome.is_ok(), expected, "at {} {:?}", now, verdict);
            prop_assert_eq!(look.outcome, verdict.outcome);
            if expected {
                log.0.push((now, cost.into()));
            }
            // What is said to remain is exactly what would be admitted.
            let remaining = verdict.standing.remaining;
            prop_assert!(remaining == 0 || log.admits(algorithm, rate, now, remaining.into()));
            prop_assert!(!log.admits(algorithm, rate, now, u64::from(remaining) + 1));
            if verdict.standing.next_ns > 0 {
                let next = now + verdict.standing.next_ns;
                prop_assert!(log.admits(algorithm, rate, next, u64::from(remaining) + 1));
            }
            prop_assert!(log.admits(algorithm, rate, now + verdict.standing.full_ns, rate.burst().into()));
        }
    }

    /// Thirty keys in nine slots: none is ever admitted when its own history would not be.
    #[test]
    fn crowded_tables_admit_no_more(
        algorithm in algorithms(),
        schedule in proptest::collection::vec((0..30u64, 0..SECOND / 2, 1..4u32), 1..400),
    ) {
        let (rate, table, mut now) = (rate(8, 10), table(algorithm, 10, 1), 0);
        let mut logs: [Log; 30] = Default::default();
        for (number, pause, cost) in schedule {
            now += pause / 4;
            let log = logs.get_mut(number as usize).unwrap();
            if table.take(&key(number), rate, now, units(cost)).outcome.is_ok() {
                prop_assert!(log.admits(algorithm, rate, now, cost.into()), "{} at {}", number, now);
                log.0.push((now, cost.into()));
            }
        }
    }

    /// `Retry-After` is true, to the nanosecond inside and to the second outside, and never 0.
    #[test]
    fn admits_after_the_wait(
        algorithm in algorithms(), count in 1..200u32, seconds in 1..5_000u64, schedule in schedule(),
    ) {
        let (rate, table, mut now) = (rate(count, seconds), table(algorithm, seconds, 8), 0);
        for (pause, cost) in schedule {
            now += pause;
            match table.take(&key(1), rate, now, units(cost)).outcome {
                Ok(()) => {}
                Err(Refusal::TooCostly) => prop_assert!(cost > count),
                Err(wait @ Refusal::Wait { retry_ns }) => {
                    let seconds = wait.retry_after_seconds().unwrap();
                    prop_assert!(seconds >= 1 && seconds * SECOND >= retry_ns && retry_ns > 0);
                    prop_assert!(table.look(&key(1), rate, now + retry_ns - 1, units(cost)).outcome.is_err());
                    for later in [now + retry_ns, now + seconds * SECOND] {
                        prop_assert_eq!(table.look(&key(1), rate, later, units(cost)).outcome, Ok(()));
                    }
                }
            }
        }
    }
}

#[test]
fn asvs_v2_4_1_limits_calls_per_key() {
    let (rate, table) = (rate(12, 60), table(Algorithm::Gcra, 60, 100));
    let admitted =
        |number, now| (0..50).filter(|_| table.take(&key(number), rate, now, ONE).outcome.is_ok()).count();
    assert_eq!(admitted(1, 0), 12);
    assert_eq!(admitted(2, 0), 12, "another key has its own units");
    assert_eq!(admitted(1, 5 * SECOND), 1, "one comes back in five seconds");
    assert_eq!(admitted(1, 120 * SECOND), 12);
}

#[test]
fn costly_requests_are_told_apart() {
    let (rate, table) = (rate(12, 60), table(Algorithm::Gcra, 60, 100));
    let verdict = table.take(&key(1), rate, 0, units(13));
    assert_eq!(verdict.outcome, Err(Refusal::TooCostly));
    assert_eq!(Refusal::TooCostly.retry_after_seconds(), None);
    assert_eq!(verdict.standing.remaining, 12, "nothing was taken");
    assert_eq!(table.take(&key(1), rate, 0, units(12)).outcome, Ok(()));
}

#[test]
fn late_clocks_open_nothing() {
    for algorithm in [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let (rate, table) = (rate(5, 10), table(algorithm, 10, 100));
        let take = |now| table.take(&key(1), rate, now, ONE).outcome.is_ok();
        assert_eq!((0..9).filter(|_| take(20 * SECOND)).count(), 5, "{algorithm:?}");
        assert_eq!((0..9).filter(|_| take(20 * SECOND - 1)).count(), 0, "{algorithm:?}");
    }
}
