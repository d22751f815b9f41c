//! Whether the generator itself was the bottleneck: then its figures say nothing about the target.
//!
//! Two measures. Its processor time, against what this process may use; and its lag: how late it began requests that nothing
//! but itself held up. A run that fails either is invalid, and says why.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::measure::histogram::Histogram;

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

    pub(crate) fn audit(self, lag: &Histogram, elapsed: Duration) -> GeneratorAudit {
        let cpu = process_cpu().saturating_sub(self.cpu_before);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let available_s = elapsed.as_secs_f64() * processors as f64;
        let cpu_share = if available_s > 0.0 { cpu.as_secs_f64() / available_s } else { 0.0 };
        GeneratorAudit { cpu_s: cpu.as_secs_f64(), cpu_share, invalid: problems(cpu_share, lag) }
    }
}

fn problems(cpu_share: f64, lag: &Histogram) -> Vec<String> {
    let busy = (cpu_share > CPU_SHARE_MAX).then(|| {
        format!(
            "the generator used {:.0} % of its processors; above {:.0} % it cannot keep its own time",
            cpu_share * 100.0,
            CPU_SHARE_MAX * 100.0
        )
    });
    // Of a few requests, one that was late says little: three must be.
    let share = 0.99_f64.min(1.0 - (LATE_MIN - 1.0) / lag.count().max(1) as f64);
    let late = lag.quantile(share).filter(|lag| *lag > LAG_P99_MAX).map(|lag| {
        format!(
            "the generator began requests late by {:.1} ms (p99; at most {} ms): it was short of processor time",
            lag.as_secs_f64() * 1000.0,
            LAG_P99_MAX.as_millis()
        )
    });
    busy.into_iter().chain(late).collect()
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

    use super::{GeneratorMeter, problems};
    use crate::measure::histogram::Histogram;

    fn lag_of(lag: Duration) -> Histogram {
        let mut histogram = Histogram::default();
        (0..100).for_each(|_| histogram.record(lag));
        histogram
    }

    #[test]
    fn lag_and_load_make_it_invalid() {
        assert_eq!(problems(0.5, &lag_of(Duration::from_millis(1))), [""; 0]);
        assert!(problems(0.95, &Histogram::default())[0].contains("95 %"));
        assert!(problems(0.1, &lag_of(Duration::from_millis(30)))[0].contains("late by 30.0 ms"));
    }

    #[test]
    fn one_hiccup_in_few_requests_is_none() {
        let mut lag = Histogram::default();
        (0..20).for_each(|_| lag.record(Duration::from_millis(1)));
        (0..2).for_each(|_| lag.record(Duration::from_millis(30)));
        assert_eq!(problems(0.1, &lag), [""; 0]);
        lag.record(Duration::from_millis(30));
        assert_eq!(problems(0.1, &lag).len(), 1);
    }

    #[test]
    fn own_work_is_measured() {
        let meter = GeneratorMeter::start();
        let mut sum = 0_u64;
        while meter.cpu_before + Duration::from_millis(5) > super::process_cpu() {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(meter.audit(&Histogram::default(), Duration::from_secs(1)).cpu_s >= 0.005);
    }
}
