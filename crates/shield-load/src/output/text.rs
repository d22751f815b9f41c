//! The summary for a person at a terminal, in 80 columns: the verdict first, then why, then the figures.
//!
//! Plain text: nothing in it moves a cursor or sets a colour, whatever the target wrote. [`verdict_line`] is its first line, for
//! a caller that wants to colour it.

use crate::measure::report::LatencySummary;
use crate::output::escape::visible;
use crate::output::figures::{ABSENT, count, figure, seconds, share};
use crate::output::terminal::{left, right, wrapped};
use crate::output::words::{PERCENTILES, counted, identity, latencies, meaning, percentiles, seeded, word};
use crate::results::model::{FaultWindow, RunResults, Verdict};

const WIDTH: usize = 80;
/// Width of a figure, with the blank before it.
const FIGURE: usize = 9;
/// What is said of a fault in place of a recovery.
const NOT_COMPARED: &str = "not known whether as good as before again: nothing was answered before the first fault, or no interval came after";
/// Most lines of a list; the rest are counted.
const LINES_MAX: usize = 20;

/// The verdict, and of what.
#[must_use]
pub fn verdict_line(results: &RunResults) -> String {
    let of = visible(&format!("{} at {}", results.name, results.target));
    let head = format!("{}  ", word(results.verdict));
    format!("{head}{}", left(&of, WIDTH - head.len())).trim_end().to_owned()
}

/// The summary.
#[must_use]
pub fn text(results: &RunResults) -> String {
    let mut page = Page::default();
    page.lines.push(verdict_line(results));
    page.sentence(meaning(results), "");
    page.list("why", &results.reasons);
    page.list("before you believe a figure", &results.warnings);
    requests(&mut page, results);
    latency(&mut page, results);
    thresholds(&mut page, results);
    steps(&mut page, results);
    checks(&mut page, results);
    faults(&mut page, results);
    failures(&mut page, results);
    endings(&mut page, results);
    let mut text = page.lines.join("\n");
    text.push('\n');
    text
}

/// Lines under way.
#[derive(Default)]
struct Page {
    lines: Vec<String>,
}

// === impl Page ===

impl Page {
    fn title(&mut self, title: &str) {
        self.lines.extend([String::new(), title.to_owned()]);
    }

    /// A line whose parts have their widths already.
    fn line(&mut self, line: &str) {
        self.lines.push(line.trim_end().to_owned());
    }

    /// A sentence from wherever, behind a bullet or an indent.
    fn sentence(&mut self, sentence: &str, bullet: &str) {
        let lines = wrapped(&visible(sentence), WIDTH - bullet.len());
        for (index, line) in lines.iter().enumerate() {
            let start = if index == 0 { bullet.to_owned() } else { " ".repeat(bullet.len()) };
            self.line(&format!("{start}{line}"));
        }
    }

    fn list(&mut self, title: &str, sentences: &[String]) {
        if sentences.is_empty() {
            return;
        }
        self.title(title);
        for sentence in sentences.iter().take(LINES_MAX) {
            self.sentence(sentence, "  - ");
        }
        self.more(sentences.len());
    }

    /// Says how many of a list are not shown.
    fn more(&mut self, all: usize) {
        if all > LINES_MAX {
            self.line(&format!("  … and {} more", count((all - LINES_MAX) as u64)));
        }
    }

    /// A name, and figures at the right end of the page.
    fn row(&mut self, name: &str, figures: &[String]) {
        let figures: String = figures.iter().map(|figure| right(figure, FIGURE)).collect();
        let width = WIDTH - figures.chars().count() - 2;
        self.line(&format!("  {}{figures}", left(&visible(name), width)));
    }
}

fn requests(page: &mut Page, results: &RunResults) {
    let totals = &results.totals;
    page.title("requests");
    page.sentence(&identity(totals), "  ");
    let rate = if results.elapsed_s > 0.0 { totals.answered as f64 / results.elapsed_s } else { f64::NAN };
    page.sentence(
        &format!(
            "{} failed of those offered; {} answered per second, {}, {}",
            share(totals.failed, totals.offered),
            figure(rate),
            counted(totals.iterations, "iterations"),
            counted(totals.connections, "connections")
        ),
        "  ",
    );
}

fn latency(page: &mut Page, results: &RunResults) {
    let rows = latencies(results);
    if rows.is_empty() {
        return;
    }
    page.line("");
    page.row("milliseconds", &PERCENTILES.map(str::to_owned));
    for (name, _, summary) in &rows {
        page.row(name, &percentiles(summary));
    }
    for (name, about, _) in &rows {
        page.sentence(&format!("{name}: {about}"), "  ");
    }
}

fn thresholds(page: &mut Page, results: &RunResults) {
    if results.thresholds.is_empty() {
        return;
    }
    page.title("thresholds");
    for threshold in results.thresholds.iter().take(LINES_MAX) {
        let held = match (threshold.held, results.verdict) {
            (false, _) => "NOT HELD",
            (true, Verdict::Invalid) => "void",
            (true, _) => "held",
        };
        let limit = left(&visible(&threshold.limit), 18);
        let name = left(&visible(&threshold.name), 30);
        page.line(&format!("  {} {name} {limit} {}", left(held, 8), left(&visible(&threshold.measured), 18)));
    }
    page.more(results.thresholds.len());
}

fn steps(page: &mut Page, results: &RunResults) {
    if results.steps.is_empty() {
        return;
    }
    page.title("steps");
    page.row("milliseconds", &["answered", "failed", "p50", "p95", "p99", "max"].map(str::to_owned));
    for step in results.steps.iter().take(LINES_MAX) {
        let mut figures = vec![count(step.answered), count(step.failed)];
        figures.extend(four(step.latency.as_ref()));
        page.row(&format!("{}: {}", step.scenario, step.name), &figures);
    }
    page.more(results.steps.len());
}

fn checks(page: &mut Page, results: &RunResults) {
    if results.checks.is_empty() {
        return;
    }
    page.title("checks");
    page.row("", &["passed", "failed"].map(str::to_owned));
    for check in results.checks.iter().take(LINES_MAX) {
        page.row(&format!("{}: {}", check.step, check.name), &[count(check.passed), count(check.failed)]);
    }
    page.more(results.checks.len());
}

fn faults(page: &mut Page, results: &RunResults) {
    if results.faults.is_empty() {
        return;
    }
    page.title("faults");
    for fault in results.faults.iter().take(LINES_MAX) {
        page.sentence(&fault_sentence(fault), "  - ");
    }
    page.more(results.faults.len());
}

fn fault_sentence(fault: &FaultWindow) -> String {
    let recovered = match (fault.recovered_after_s, fault.compared) {
        (Some(after), _) => format!("as good as before {} after it", seconds(after)),
        (None, true) => "NEVER as good as before again".to_owned(),
        (None, false) => NOT_COMPARED.to_owned(),
    };
    let p99 = fault.latency.map_or_else(|| ABSENT.to_owned(), |latency| figure(latency.p99_ms));
    format!(
        "{} ({}): {} to {}, planned for {}; {} failed, p99 {p99} ms; {recovered}",
        fault.name,
        fault.effect,
        seconds(fault.from_s),
        seconds(fault.to_s),
        seconds(fault.planned_s),
        count(fault.failed),
    )
}

fn failures(page: &mut Page, results: &RunResults) {
    if !results.failed_by_kind.is_empty() {
        page.title("failures by kind");
        for (kind, requests) in results.failed_by_kind.iter().take(LINES_MAX) {
            page.row(kind, &[count(*requests)]);
        }
        page.more(results.failed_by_kind.len());
    }
    page.list("the first failures", &results.failures);
}

/// What the target and the generator say, and what was run.
fn endings(page: &mut Page, results: &RunResults) {
    if let Some(reconciled) = &results.reconciled {
        page.title("the target's own count");
        let agrees = if reconciled.agrees { "agrees" } else { "DOES NOT AGREE" };
        page.sentence(&format!("{agrees}: {} ({})", reconciled.summary, reconciled.source), "  ");
        page.list("  missing", &reconciled.missing);
        page.list("  applied more than once", &reconciled.duplicate);
    }
    page.title("run");
    page.sentence(&format!("{}{}", results.model, seeded(results)), "  ");
    page.sentence(
        &format!("{} from {}, {}", seconds(results.elapsed_s), results.started_at, results.tool),
        "  ",
    );
    let audit = results.audit.as_ref().map_or_else(
        || "the tool does not say whether its generator kept up".to_owned(),
        |audit| {
            let kept_up =
                if audit.valid() { "the generator kept up" } else { "THE GENERATOR DID NOT KEEP UP" };
            format!("{kept_up}: {:.1} % of its processors", audit.cpu_share * 100.0)
        },
    );
    page.sentence(&audit, "  ");
}

fn four(latency: Option<&LatencySummary>) -> Vec<String> {
    latency.map_or_else(
        || vec![ABSENT.to_owned(); 4],
        |latency| {
            let [p50, _, p95, p99, _, longest] = percentiles(latency);
            vec![p50, p95, p99, longest]
        },
    )
}

#[cfg(test)]
mod tests {
    use super::{WIDTH, text, verdict_line};
    use crate::output::sample;
    use crate::output::terminal::columns;
    use crate::results::model::{RunResults, StepResults};

    #[test]
    fn runs_read_as_this() {
        assert_eq!(text(&sample::results()), include_str!("snapshots/failed.txt"));
        assert_eq!(text(&sample::invalid_results()), include_str!("snapshots/invalid.txt"));
        assert_eq!(text(&sample::passed_results()), include_str!("snapshots/passed.txt"));
    }

    #[test]
    fn verdict_comes_first() {
        let invalid = sample::invalid_results();
        assert_eq!(verdict_line(&invalid), "INVALID  checkout at https://127.0.0.1:8443");
        assert!(text(&invalid).starts_with("INVALID  checkout"));
    }

    #[test]
    fn fits_its_width_and_moves_no_cursor() {
        let hostile = sample::hostile_results();
        let step = StepResults { name: "日本語".repeat(40), ..hostile.steps[0].clone() };
        let many = RunResults { steps: vec![step; 50], failures: vec!["x".repeat(500); 50], ..hostile };
        for line in text(&many).lines() {
            assert!(columns(line) <= WIDTH, "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
        }
        assert!(text(&many).contains("… and 30 more"));
    }

    #[test]
    fn what_no_tool_told_is_not_zero() {
        let mut results = sample::passed_results();
        (results.seed, results.totals.iterations, results.totals.connections) = (None, None, None);
        let text = text(&results).replace("\n  ", " ");
        assert!(text.contains("iterations not reported, connections not reported"), "{text}");
        assert!(!text.contains("seed"), "{text}");
    }

    #[test]
    fn recovery_that_nobody_knows_is_not_never() {
        let mut results = sample::results();
        results.faults[1].compared = false;
        let text = text(&results).replace("\n    ", " ");
        assert!(
            text.contains("not known whether as good as before again") && !text.contains("NEVER"),
            "{text}"
        );
    }

    #[test]
    fn wrong_sum_is_shouted() {
        let mut results = sample::passed_results();
        results.totals.answered -= 1;
        assert!(text(&results).contains("answered 11,999 + failed 0 + unsent 0: DOES NOT ADD UP"));
    }
}
