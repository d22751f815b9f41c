//! Results that contradict themselves: nobody can say which half of them is true.
//!
//! A stored document may have been cut, merged or edited by hand. What this crate writes passes every rule here, so that a
//! document which does not is no results of a run, whatever verdict it carries. An invalid run may leave requests out, and is
//! only held against what no run can have counted.

use crate::measure::report::LatencySummary;
use crate::results::model::{CheckResults, FaultWindow, Point, RunResults, Totals, Verdict};

/// What other tools write of steps and intervals is theirs to answer for.
const OWN_TOOL: &str = "shield ";

/// What in these results cannot be true together; none when nothing is found.
pub(crate) fn contradiction(results: &RunResults) -> Option<String> {
    impossible(results).or_else(|| uncounted(results)).or_else(|| unfounded(results))
}

/// A figure that nothing measures.
fn impossible(results: &RunResults) -> Option<String> {
    let of = |name: &str, value: f64| (value.is_nan() || value < 0.0).then(|| format!("`{name}` is {value}"));
    let latencies = [("latency", results.latency), ("service", results.service), ("lag", results.lag)];
    let steps = results.steps.iter().map(|step| ("latency of a step", step.latency));
    let points = results.series.points.iter();
    let mut summaries = latencies
        .into_iter()
        .chain(steps)
        .chain(points.clone().map(|point| ("latency of an interval", point.latency)))
        .chain(results.faults.iter().map(|fault| ("latency of a fault", fault.latency)));
    let audit = results.audit.as_ref();
    of("elapsed_s", results.elapsed_s)
        .or_else(|| of("interval_s", results.series.interval_s))
        .or_else(|| {
            audit.and_then(|audit| of("cpu_s", audit.cpu_s).or_else(|| of("cpu_share", audit.cpu_share)))
        })
        .or_else(|| points.clone().find_map(|point| of("at_s", point.at_s)))
        .or_else(|| points.clone().find_map(|point| of("lag_p99_ms", point.lag_p99_ms?)))
        .or_else(|| results.faults.iter().find_map(impossible_fault))
        .or_else(|| summaries.find_map(|(name, summary)| disordered(results, name, &summary?)))
}

fn impossible_fault(fault: &FaultWindow) -> Option<String> {
    let FaultWindow { name, planned_s, from_s, to_s, recovered_after_s, .. } = fault;
    let times = [*planned_s, *from_s, *to_s, recovered_after_s.unwrap_or(0.0)];
    let possible = times.iter().all(|time| *time >= 0.0) && from_s <= to_s;
    (!possible)
        .then(|| format!("the fault `{name}` lasts from {from_s} s to {to_s} s, planned for {planned_s} s"))
}

/// More answers lie below a higher percentile. Other tools may round them beyond the longest one.
fn disordered(results: &RunResults, name: &str, summary: &LatencySummary) -> Option<String> {
    let LatencySummary { p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms } = *summary;
    let figures = [0.0, p50_ms, p90_ms, p95_ms, p99_ms, p999_ms, longest_ms];
    let judged = if is_own(results) { &figures[..] } else { &figures[..6] };
    let ordered = judged.is_sorted() && longest_ms >= 0.0;
    (!ordered).then(|| format!("the percentiles of `{name}` do not rise from 0: {:?} ms", &figures[1..]))
}

/// A sum that is not that of its parts.
fn uncounted(results: &RunResults) -> Option<String> {
    let totals = &results.totals;
    if results.verdict == Verdict::Invalid {
        return None;
    }
    if !totals.accounted() {
        let Totals { offered, answered, failed, unsent, .. } = totals;
        let verdict = word(results.verdict);
        return Some(format!(
            "its verdict is `{verdict}`, and of {offered} requests {answered} were answered, {failed} failed, {unsent} were not sent"
        ));
    }
    if !is_own(results) {
        return None;
    }
    let kinds = sum(results.failed_by_kind.values().copied());
    if kinds != u128::from(totals.failed) {
        return Some(format!("{} requests failed, and {kinds} by kind", totals.failed));
    }
    if results.latency.is_some() != (totals.answered > 0) {
        let there = if results.latency.is_some() { "there" } else { "none" };
        return Some(format!("{} requests were answered, and their latency is {there}", totals.answered));
    }
    let points = || results.series.points.iter();
    let steps = || results.steps.iter();
    let ended = totals.answered.saturating_add(totals.failed);
    let parts = [
        ("ended", "its statuses", sum(results.statuses.values().copied()), ended),
        ("were answered", "its steps", sum(steps().map(|step| step.answered)), totals.answered),
        ("failed", "its steps", sum(steps().map(|step| step.failed)), totals.failed),
        (
            "were answered",
            "its intervals",
            sum(points().map(|point: &Point| point.answered)),
            totals.answered,
        ),
        ("failed", "its intervals", sum(points().map(|point| point.failed)), totals.failed),
        ("were offered", "its intervals", sum(points().map(|point| point.offered)), totals.offered),
    ];
    let too_many = parts.into_iter().find(|(_, _, sum, whole)| *sum > u128::from(*whole));
    too_many
        .map(|(what, of, sum, whole)| format!("{whole} requests {what}, and {sum} of {of}"))
        .or_else(|| results.checks.iter().find_map(|check| overchecked(results, check)))
}

/// A check is made of an answer of its step, once.
fn overchecked(results: &RunResults, check: &CheckResults) -> Option<String> {
    let CheckResults { step: name, passed, failed, .. } = check;
    let of_it = results.steps.iter().filter(|step| step.name == *name);
    let ended = sum(of_it.flat_map(|step| [step.answered, step.failed]));
    let made = sum([*passed, *failed].into_iter());
    (made > ended).then(|| format!("{ended} requests of the step `{name}` ended, and {made} were checked"))
}

/// Whether this crate made the load.
fn is_own(results: &RunResults) -> bool {
    results.tool.starts_with(OWN_TOOL)
}

/// A verdict that its grounds do not bear.
fn unfounded(results: &RunResults) -> Option<String> {
    let RunResults { verdict, totals, reasons, .. } = results;
    let word = word(*verdict);
    if let Some(problem) = results.audit.iter().flat_map(|audit| &audit.invalid).next()
        && *verdict != Verdict::Invalid
    {
        return Some(format!("its verdict is `{word}`, and its generator was the bottleneck: {problem}"));
    }
    if reasons.is_empty() != (*verdict == Verdict::Passed) {
        let told = reasons.first().map_or("no reason".to_owned(), |reason| format!("a reason: {reason}"));
        return Some(format!("its verdict is `{word}`, and it gives {told}"));
    }
    if *verdict == Verdict::Unreachable && totals.answered > 0 {
        return Some(format!("its verdict is `{word}`, and {} were answered", totals.answered));
    }
    (*verdict == Verdict::Passed).then(|| unheld(results)).flatten()
}

/// What did not hold in a run that passed.
fn unheld(results: &RunResults) -> Option<String> {
    let passed = |but: String| Some(format!("its verdict is `passed`, and {but}"));
    if results.totals.answered == 0 {
        return passed("nothing was answered".to_owned());
    }
    // Other tools have thresholds that may be missed.
    let mut thresholds = results.thresholds.iter().filter(|_| is_own(results));
    if let Some(missed) = thresholds.find(|threshold| !threshold.held) {
        return passed(format!("the threshold `{}` did not hold", missed.name));
    }
    if results.reconciled.as_ref().is_some_and(|reconciled| !reconciled.agrees) {
        return passed("the target's own count does not agree".to_owned());
    }
    let mut faults = results.faults.iter();
    let left = faults.find(|fault| !fault.undone)?;
    passed(format!("the fault `{}` is not undone", left.name))
}

fn sum(parts: impl Iterator<Item = u64>) -> u128 {
    parts.map(u128::from).sum()
}

/// A verdict as the document writes it.
fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Invalid => "invalid",
        Verdict::Unreachable => "unreachable",
        Verdict::Aborted => "aborted",
        Verdict::Failed => "failed",
        Verdict::Passed => "passed",
    }
}

#[cfg(test)]
mod tests {
    use super::contradiction;
    use crate::output::sample;
    use crate::results::model::{RunResults, Verdict};

    fn told(of: RunResults, change: impl FnOnce(&mut RunResults)) -> String {
        let mut results = of;
        change(&mut results);
        contradiction(&results).unwrap_or_default()
    }

    #[test]
    fn whole_documents_are_believed() {
        for results in [sample::results(), sample::passed_results(), sample::invalid_results()] {
            assert_eq!(contradiction(&results), None);
        }
    }

    #[test]
    fn figures_below_zero_are_refused() {
        let told = |change: fn(&mut RunResults)| told(sample::results(), change);
        assert_eq!(told(|results| results.elapsed_s = -1.0), "`elapsed_s` is -1");
        assert_eq!(told(|results| results.audit.as_mut().unwrap().cpu_share = -0.5), "`cpu_share` is -0.5");
        assert!(
            told(|results| results.latency.as_mut().unwrap().p50_ms = -3.0).contains("`latency` do not rise")
        );
        assert!(
            told(|results| results.service.as_mut().unwrap().p90_ms = 1e9).contains("`service` do not rise")
        );
        assert!(told(|results| results.faults[0].to_s = 1.0).contains("`slow-network` lasts from"));
        assert_eq!(told(|results| results.series.points[3].lag_p99_ms = Some(-1.0)), "`lag_p99_ms` is -1");
    }

    #[test]
    fn sums_are_those_of_their_parts() {
        let told = |change: fn(&mut RunResults)| told(sample::results(), change);
        let refused = told(|results| results.totals.answered += 1);
        assert!(
            refused.starts_with("its verdict is `failed`, and of 12000 requests 11781 were"),
            "{refused}"
        );
        assert!(told(|results| results.failed_by_kind.clear()).ends_with("requests failed, and 0 by kind"));
        assert!(told(|results| results.steps[0].answered += 1_000).contains("of its steps"));
        assert!(
            told(|results| results.checks[0].passed = 9_999).contains("step `search` ended, and 9999 were")
        );
        assert!(
            told(|results| *results.statuses.get_mut(&200).unwrap() = 99_999).contains("of its statuses")
        );
        assert!(told(|results| results.latency = None).ends_with("their latency is none"));
        assert!(told(|results| results.latency.as_mut().unwrap().longest_ms = 0.1).contains("do not rise"));
        assert!(told(|results| results.series.points[0].offered += 1).contains("of its intervals"));
        // Of which nobody says that it is whole.
        let invalid = |results: &mut RunResults| {
            results.verdict = Verdict::Invalid;
            results.totals.answered += 1;
        };
        assert_eq!(told(invalid), "");
    }

    #[test]
    fn verdicts_rest_on_something() {
        let passed = |change: fn(&mut RunResults)| told(sample::passed_results(), change);
        assert!(passed(|results| results.thresholds[0].held = false).contains("`p99` did not hold"));
        assert!(passed(|results| results.reasons.push("p99".into())).contains("it gives a reason: p99"));
        assert!(
            passed(|results| results.verdict = Verdict::Failed).contains("`failed`, and it gives no reason")
        );
        assert!(passed(|results| results.faults = sample::results().faults).is_empty());
        let left = passed(|results| {
            results.faults = sample::results().faults;
            results.faults[0].undone = false;
        });
        assert!(left.contains("`slow-network` is not undone"));
        assert!(
            passed(|results| results.reconciled = sample::results().reconciled).contains("does not agree")
        );
        let starved = passed(|results| results.audit = sample::invalid_results().audit);
        assert!(starved.contains("`passed`, and its generator was the bottleneck"), "{starved}");
        let silent = told(sample::results(), |results| results.verdict = Verdict::Unreachable);
        assert!(silent.contains("were answered"), "{silent}");
        // A tool's optional threshold.
        let foreign = passed(|results| {
            results.tool = "k6 1.1.0".into();
            results.thresholds[0].held = false;
        });
        assert_eq!(foreign, "");
    }
}
