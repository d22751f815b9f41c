//! From what was seen to whether the hypothesis held. Pure.

use std::time::Duration;

use shield_load::{GeneratorAudit, Point, RunResults, SteadyState};
use shield_types::format_duration;

use super::{
    model::{Drill, FailuresAllowed},
    report::{DrillCheck, DrillOutcome},
};

/// Failures of this kind mean that nobody listened.
const REFUSED: &str = "connect-refused";

/// What was seen.
pub(super) struct Seen<'a> {
    pub(super) results: &'a RunResults,
    /// Offered to the service per second before anything broke.
    pub(super) rate: f64,
    /// When the disturbance began, from the start of the load; absent when it did not happen.
    pub(super) began_s: Option<f64>,
    /// From its end until everything was as before; absent when it never was.
    pub(super) restored_after: Option<Duration>,
    /// Why it was broken off.
    pub(super) stopped: Option<Stop>,
}

/// Why a drill is broken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// The operator wants it.
    Interrupted,
    /// Users suffer more than declared.
    Aborted(String),
    /// Somebody else changed production: what was before is not to come back.
    Disturbed(String),
}

/// What follows.
#[derive(Debug, PartialEq)]
pub(super) struct Judgement {
    pub(super) outcome: DrillOutcome,
    pub(super) reasons: Vec<String>,
    pub(super) checks: Vec<DrillCheck>,
    /// What a reader should know although it changes nothing.
    pub(super) remarks: Vec<String>,
}

/// Whether the hypothesis of `drill` held.
///
/// A generator that was short of processor time begins requests late, and latency counts from when they were due: it makes
/// the service look slower, never quicker. So what held under it held; what was too slow under it cannot be told.
pub(super) fn judge(drill: &Drill, seen: &Seen<'_>) -> Judgement {
    let judged = Judged { drill, seen };
    let (counted, timed) = (judged.counted(), judged.longest());
    let late: &[String] = seen.results.audit.as_ref().map_or(&[], |audit: &GeneratorAudit| &audit.invalid);
    let missed = |check: &DrillCheck| {
        (!check.held).then(|| format!("{} is {}, and must be {}", check.name, check.measured, check.limit))
    };
    let failing: Vec<String> = counted.iter().chain([&timed]).filter_map(missed).collect();
    let (outcome, reasons) = if let Some(stop) = &seen.stopped {
        let (outcome, why) = match stop {
            Stop::Interrupted => (DrillOutcome::Interrupted, "interrupted by the operator".to_owned()),
            Stop::Aborted(why) | Stop::Disturbed(why) => (DrillOutcome::Aborted, why.clone()),
        };
        (outcome, [vec![why], judged.unrestored().into_iter().collect()].concat())
    } else if let Some(reason) = judged.nothing_learnt() {
        (DrillOutcome::Invalid, vec![reason])
    } else if counted.iter().any(|check| !check.held) {
        (DrillOutcome::NotHeld, failing)
    } else if !timed.held && !late.is_empty() {
        (DrillOutcome::Invalid, [failing, late.to_vec()].concat())
    } else if !timed.held {
        (DrillOutcome::NotHeld, failing)
    } else {
        (DrillOutcome::Held, Vec::new())
    };
    let remarks = if outcome == DrillOutcome::Held { late.to_vec() } else { Vec::new() };
    Judgement { outcome, reasons, checks: counted.into_iter().chain([timed]).collect(), remarks }
}

struct Judged<'a> {
    drill: &'a Drill,
    seen: &'a Seen<'a>,
}

// === impl Judged ===

impl Judged<'_> {
    /// What no slowness of the generator explains.
    fn counted(&self) -> Vec<DrillCheck> {
        let mut checks = vec![self.failures()];
        if self.drill.failures == FailuresAllowed::InFlight {
            let refused = self.seen.results.failed_by_kind.get(REFUSED).copied().unwrap_or(0);
            checks.push(check("connections refused", "0".to_owned(), refused.to_string(), refused == 0));
        }
        checks.push(self.undone());
        checks.push(self.restored());
        checks
    }

    /// Whatever else looks right: a fault that is still in effect will show.
    fn undone(&self) -> DrillCheck {
        let left = self.seen.results.faults.iter().filter(|fault| !fault.undone).count();
        check("faults still in effect", "0".to_owned(), left.to_string(), left == 0)
    }

    fn failures(&self) -> DrillCheck {
        let totals = &self.seen.results.totals;
        let of = totals.answered + totals.failed;
        let measured = format!("{} of {of}", totals.failed);
        let (limit, held) = match self.drill.failures {
            FailuresAllowed::None => ("0".to_owned(), totals.failed == 0),
            FailuresAllowed::InFlight => {
                let most = self.in_flight_max();
                (format!("<= {most}, as many as can have been in flight"), totals.failed <= most)
            }
            FailuresAllowed::Share(share) => {
                (format!("<= {share}"), totals.failed as f64 <= share.as_f64() * of as f64)
            }
        };
        check("failed requests", limit, measured, held && of > 0)
    }

    /// Requests in flight at one moment were due within the longest latency before it. Arrivals are independent of each other:
    /// their number stays below its mean and four standard deviations but once in ten thousand times, and small ones have a
    /// wider tail.
    fn in_flight_max(&self) -> u64 {
        let before = self.seen.results.series.points.iter();
        let before = before.filter(|point| self.seen.began_s.is_none_or(|began_s| point.at_s <= began_s));
        let longest_ms = before.filter_map(|point| point.latency).map(|it| it.longest_ms).fold(0.0, f64::max);
        let mean = self.seen.rate * longest_ms / 1_000.0;
        (mean + 4.0 * mean.sqrt()).ceil() as u64 + 2
    }

    fn longest(&self) -> DrillCheck {
        let limit_ms = self.drill.longest.as_secs_f64() * 1_000.0;
        let longest_ms = self.seen.results.latency.map(|latency| latency.longest_ms);
        let measured =
            longest_ms.map_or_else(|| "not measured".to_owned(), |longest| format!("{longest:.0} ms"));
        let held = longest_ms.is_some_and(|longest| longest <= limit_ms);
        check("longest request", format!("<= {limit_ms} ms"), measured, held)
    }

    fn restored(&self) -> DrillCheck {
        let within = self.drill.restored_within;
        let measured = match self.seen.restored_after {
            Some(after) => format!("{:.1} s", after.as_secs_f64()),
            None => "never, as long as was waited".to_owned(),
        };
        let held = self.seen.restored_after.is_some_and(|after| after <= within);
        check("everything as before after", format!("<= {:.1} s", within.as_secs_f64()), measured, held)
    }

    /// For a drill that was broken off: it must be whole again all the same.
    fn unrestored(&self) -> Option<String> {
        let changed = matches!(self.seen.stopped, Some(Stop::Disturbed(_)));
        let lost = self.seen.began_s.is_some() && self.seen.restored_after.is_none() && !changed;
        lost.then(|| {
            format!("production was not as before within {}", format_duration(self.drill.restored_within))
        })
    }

    /// Why this drill says nothing about its hypothesis.
    fn nothing_learnt(&self) -> Option<String> {
        let totals = &self.seen.results.totals;
        if totals.offered != totals.answered + totals.failed + totals.unsent {
            return Some("not every request of the load is accounted for".to_owned());
        }
        let warnings = self.seen.results.warnings.join("; ");
        self.seen.began_s.is_none().then(|| format!("the fault did not happen: {warnings}"))
    }
}

/// From the beginning of the disturbance until clients noticed, to the interval.
pub(super) fn degraded_after(points: &[Point], began_s: f64) -> Option<f64> {
    let before = SteadyState::before(points, began_s)?;
    let after = points.iter().filter(|point| point.at_s > began_s && point.answered + point.failed > 0);
    after.into_iter().find(|point| !before.holds(point)).map(|point| point.at_s - began_s)
}

/// Why a drill is not to begin: a steady state with failures is none.
pub(super) fn unsteady(point: &Point, before: Duration) -> Option<String> {
    // The last interval before the disturbance may reach into it.
    let early = point.at_s <= before.as_secs_f64() - 0.5;
    (early && point.failed > 0).then(|| {
        format!("there is no steady state: {} requests failed before anything was broken", point.failed)
    })
}

fn check(name: &str, limit: String, measured: String, held: bool) -> DrillCheck {
    DrillCheck { name: name.to_owned(), limit, measured, held }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{model::DrillName, sample::sample},
        *,
    };

    fn latency(longest_ms: f64) -> serde_json::Value {
        json!({ "p50_ms": 1.0, "p90_ms": 1.0, "p95_ms": 1.0, "p99_ms": 1.0, "p999_ms": 1.0, "longest_ms": longest_ms })
    }

    /// Results of a run with a second of quiet before the fault.
    fn results(failed: u64, longest_ms: f64) -> RunResults {
        let point = json!({
            "at_s": 1.0, "offered": 100, "answered": 100, "failed": 0, "in_flight": 0, "latency": latency(10.0), "lag_p99_ms": null,
        });
        serde_json::from_value(json!({
            "format": 1, "tool": "shield", "name": "x", "target": "https://localhost", "model": "open", "seed": 1,
            "started_at": 0, "elapsed_s": 9.0, "verdict": "passed", "reasons": [], "warnings": [],
            "totals": { "offered": 900, "answered": 900 - failed, "failed": failed, "unsent": 0, "iterations": 0, "connections": 1 },
            "failed_by_kind": {}, "statuses": {}, "latency": latency(longest_ms), "service": null, "lag": null,
            "steps": [], "checks": [], "series": { "interval_s": 1.0, "points": [point] }, "faults": [], "thresholds": [],
            "audit": { "cpu_s": 1.0, "cpu_share": 0.1, "invalid": [] }, "reconciled": null, "failures": [],
        }))
        .unwrap()
    }

    fn seen(results: &RunResults) -> Seen<'_> {
        let restored_after = Some(Duration::from_secs(1));
        Seen { results, rate: 100.0, began_s: Some(2.0), restored_after, stopped: None }
    }

    fn outcome(name: DrillName, seen: &Seen<'_>) -> DrillOutcome {
        let judgement = judge(&sample(name), seen);
        assert_eq!(judgement.outcome == DrillOutcome::Held, judgement.reasons.is_empty());
        judgement.outcome
    }

    #[test]
    fn one_failure_refutes_a_hypothesis_of_none() {
        let (good, bad) = (results(0, 20.0), results(1, 20.0));
        assert_eq!(outcome(DrillName::ControlKill, &seen(&good)), DrillOutcome::Held);
        assert_eq!(outcome(DrillName::ControlKill, &seen(&bad)), DrillOutcome::NotHeld);
    }

    #[test]
    fn what_was_in_flight_may_fail() {
        // 100 a second with 10 ms each: one in flight, 4 standard deviations are 4, and 2.
        assert_eq!(outcome(DrillName::EdgeKill, &seen(&results(7, 20.0))), DrillOutcome::Held);
        assert_eq!(outcome(DrillName::EdgeKill, &seen(&results(8, 20.0))), DrillOutcome::NotHeld);
        let mut refused = results(1, 20.0);
        refused.failed_by_kind.insert(REFUSED.to_owned(), 1);
        assert_eq!(outcome(DrillName::EdgeKill, &seen(&refused)), DrillOutcome::NotHeld);
    }

    #[test]
    fn slow_generator_leaves_slowness_open() {
        let mut slow = results(0, 60_000.0);
        assert_eq!(outcome(DrillName::CpuPressure, &seen(&slow)), DrillOutcome::NotHeld);
        let late = vec!["late".to_owned()];
        slow.audit.as_mut().unwrap().invalid = late.clone();
        assert_eq!(outcome(DrillName::CpuPressure, &seen(&slow)), DrillOutcome::Invalid);
        let mut quick = results(0, 20.0);
        quick.audit.as_mut().unwrap().invalid = late.clone();
        let judgement = judge(&sample(DrillName::CpuPressure), &seen(&quick));
        assert_eq!((judgement.outcome, judgement.remarks), (DrillOutcome::Held, late.clone()));
        let mut failed = results(1, 60_000.0);
        failed.audit.as_mut().unwrap().invalid = late;
        assert_eq!(outcome(DrillName::CpuPressure, &seen(&failed)), DrillOutcome::NotHeld);
    }

    #[test]
    fn fault_that_never_happened_proves_nothing() {
        let results = results(0, 20.0);
        let seen = Seen { began_s: None, ..seen(&results) };
        assert_eq!(outcome(DrillName::InstanceKill, &seen), DrillOutcome::Invalid);
    }

    #[test]
    fn unaccounted_requests_prove_nothing() {
        let mut results = results(0, 20.0);
        results.totals.offered += 1;
        assert_eq!(outcome(DrillName::InstanceKill, &seen(&results)), DrillOutcome::Invalid);
    }

    #[test]
    fn late_or_no_restoration_is_not_held() {
        let results = results(0, 20.0);
        for restored_after in [None, Some(Duration::from_secs(1_000))] {
            let seen = Seen { restored_after, ..seen(&results) };
            assert_eq!(outcome(DrillName::InstanceFreeze, &seen), DrillOutcome::NotHeld);
        }
    }

    #[test]
    fn broken_off_is_neither_held_nor_not() {
        let results = results(500, 20.0);
        let stopped = Some(Stop::Aborted("too much".to_owned()));
        let judgement =
            judge(&sample(DrillName::EdgeKill), &Seen { stopped, restored_after: None, ..seen(&results) });
        assert_eq!((judgement.outcome, judgement.reasons[0].as_str()), (DrillOutcome::Aborted, "too much"));
        assert!(judgement.reasons[1].contains("not as before"));
        let stopped = Some(Stop::Interrupted);
        assert_eq!(
            outcome(DrillName::EdgeKill, &Seen { stopped, ..seen(&results) }),
            DrillOutcome::Interrupted
        );
    }

    #[test]
    fn steady_state_comes_first() {
        let point = Point { at_s: 1.0, failed: 2, ..Point::default() };
        assert!(unsteady(&point, Duration::from_secs(2)).unwrap().contains("2 requests failed"));
        assert_eq!(unsteady(&point, Duration::from_secs(1)), None);
        let point = |at_s, failed| Point {
            at_s,
            failed,
            answered: 10,
            latency: results(0, 1.0).latency,
            ..Point::default()
        };
        let points = [point(1.0, 0), point(2.0, 0), point(3.0, 0), point(4.0, 1)];
        assert_eq!(degraded_after(&points, 2.5), Some(1.5));
    }
}
