//! Whether the generator itself was the bottleneck: then its figures say nothing about the target.
//!
//! Its processor time, against what this process may use, and that of its busiest thread; its lag: how late it began requests
//! that nothing but itself held up; and how late its threads woke. A run that fails any of them is invalid, and says why.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::measure::histogram::Histogram;
use crate::measure::watch::ThreadWatch;

/// Share of the available processors above which a generator can no longer keep its own time.
const CPU_SHARE_MAX: f64 = 0.9;
/// Longest lag of all but one request in a hundred.
const LAG_P99_MAX: Duration = Duration::from_millis(10);

/// Least number of late requests that make a run invalid.
const LATE_MIN: f64 = 3.0;

/// What the generator found about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GeneratorAudit {
    /// Processor seconds that this process used meanwhile, in all its threads.
    pub cpu_s: f64,
    /// Their share of what it could have used.
    pub cpu_share: f64,
    /// Why the run is invalid; empty when it is not.
    pub invalid: Vec<String>,
}

/// Measures the generator from the start of a run.
#[derive(Debug)]
pub(crate) struct GeneratorMeter {
    cpu_before: Duration,
}

// === impl GeneratorAudit ===

impl GeneratorAudit {
    /// Adds what another generator of the same run found: the busiest one speaks for all.
    pub(crate) fn merge(&mut self, other: Self) {
        self.cpu_s += other.cpu_s;
        self.cpu_share = self.cpu_share.max(other.cpu_share);
        self.invalid.extend(other.invalid);
    }

    /// The figures are about the target.
    #[must_use]
    pub fn valid(&self) -> bool {
        self.invalid.is_empty()
    }
}

// === impl GeneratorMeter ===

impl GeneratorMeter {
    pub(crate) fn start() -> Self {
        Self { cpu_before: process_cpu() }
    }

    pub(crate) fn audit(self, lag: &Histogram, threads: &ThreadWatch, elapsed: Duration) -> GeneratorAudit {
        let cpu = process_cpu().saturating_sub(self.cpu_before);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let elapsed_s = elapsed.as_secs_f64().max(f64::MIN_POSITIVE);
        let cpu_share = cpu.as_secs_f64() / (elapsed_s * processors as f64);
        let thread_share = threads.busiest().as_secs_f64() / elapsed_s;
        let mut invalid = Vec::new();
        invalid.extend(busy("the generator used {} % of its processors", cpu_share));
        invalid.extend(busy("a thread of the generator was busy {} % of the time", thread_share));
        invalid.extend(late("the generator began requests late by {} ms", lag));
        invalid.extend(late("the generator's threads were woken late by {} ms", &threads.late()));
        GeneratorAudit { cpu_s: cpu.as_secs_f64(), cpu_share, invalid }
    }
}

/// `what` has a place for the figure.
fn busy(what: &str, share: f64) -> Option<String> {
    let percent = |share: f64| format!("{:.0}", share * 100.0);
    let limit = percent(CPU_SHARE_MAX);
    (share > CPU_SHARE_MAX).then(|| {
        format!("{}; above {limit} % it cannot keep its own time", what.replace("{}", &percent(share)))
    })
}

/// The same. Of a few moments, one that was late says little: three must be.
fn late(what: &str, lag: &Histogram) -> Option<String> {
    let share = 0.99_f64.min(1.0 - (LATE_MIN - 1.0) / lag.count().max(1) as f64);
    let lag = lag.quantile(share).filter(|lag| *lag > LAG_P99_MAX)?;
    let shown = what.replace("{}", &format!("{:.1}", lag.as_secs_f64() * 1000.0));
    Some(format!("{shown} (p99; at most {} ms): it was short of processor time", LAG_P99_MAX.as_millis()))
}

/// Processor time of this process, all threads.
fn process_cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{GeneratorMeter, busy, late};
    use crate::measure::histogram::Histogram;
    use crate::measure::watch::ThreadWatch;

    fn lag_of(lag: Duration, times: u32) -> Histogram {
        let mut histogram = Histogram::default();
        (0..times).for_each(|_| histogram.record(lag));
        histogram
    }

    #[test]
    fn lag_and_load_make_it_invalid() {
        assert_eq!((busy("{}", 0.5), late("{}", &lag_of(Duration::from_millis(1), 100))), (None, None));
        assert!(busy("used {} %", 0.95).unwrap().starts_with("used 95 %; above 90 %"));
        assert!(
            late("late by {} ms", &lag_of(Duration::from_millis(30), 100))
                .unwrap()
                .contains("late by 30.0 ms")
        );
    }

    #[test]
    fn one_hiccup_in_few_requests_is_none() {
        let mut lag = lag_of(Duration::from_millis(1), 20);
        lag.merge(&lag_of(Duration::from_millis(30), 2));
        assert_eq!(late("{}", &lag), None);
        lag.record(Duration::from_millis(30));
        assert!(late("{}", &lag).is_some());
    }

    #[test]
    fn own_work_is_measured() {
        let meter = GeneratorMeter::start();
        let mut sum = 0_u64;
        while meter.cpu_before + Duration::from_millis(5) > super::process_cpu() {
            sum = std::hint::black_box(sum + 1);
        }
        let audit = meter.audit(&Histogram::default(), &ThreadWatch::new(1), Duration::from_secs(1));
        assert!(audit.cpu_s >= 0.005 && audit.valid());
    }
}
