//! One page that shows a run to a browser, and needs nothing else.
//!
//! It is well-formed XML as well as HTML, loads nothing (its own policy forbids it), runs one script of its own that only copies
//! figures from a table into legends, and is complete without it. It stays below 1 MB whatever the run brought:
//! series are thinned, tables and texts are cut, and it says where.

use crate::output::escape::{NAME_BYTES_MAX, SENTENCE_BYTES_MAX, escaped_within};
use crate::output::figures::{count, seconds};
use crate::output::plot::Timeline;
use crate::output::plots::{figures, series_table};
use crate::output::table::{ROWS_MAX, list};
use crate::output::tables;
use crate::output::thin::Drawn;
use crate::output::words::{meaning, seeded, word};
use crate::results::model::{RunResults, Verdict};

pub(super) const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// Lets nothing in but the style and the one script of the page itself, which is named by its SHA-256.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-0dv0Y8ZLXVqOI9Z1Y6Y2DwyQfs97t69uppcN3iv0wmk='; base-uri 'none'; \
                      form-action 'none'";

/// The page.
#[must_use]
pub fn html(results: &RunResults) -> String {
    let drawn = Drawn::of(&results.series);
    // Plots have a shading for each fault, twice; the table names as many.
    let faults = &results.faults[..results.faults.len().min(ROWS_MAX)];
    let timeline = Timeline {
        end_s: end_of(results, &drawn),
        points: &drawn.points,
        faults,
        stamp: (results.verdict == Verdict::Invalid).then_some("INVALID"),
    };
    let name = escaped_within(&results.name, NAME_BYTES_MAX);
    let mut out = format!(
        r#"<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{POLICY}"/><meta name="viewport" content="width=device-width, initial-scale=1"/><title>{verdict}: {name}</title><style>{STYLE}</style></head><body><main>"#,
        verdict = word(results.verdict),
    );
    out.push_str(&format!("<h1>{name}</h1>"));
    out.push_str(&head(results));
    out.push_str(&section("Requests", &tables::totals(results)));
    out.push_str(&section("Latency", &tables::latency(results)));
    out.push_str(&section("Thresholds", &tables::thresholds(results)));
    out.push_str(&section("Over time", &over_time(&timeline, drawn.intervals)));
    out.push_str(&section("Faults", &tables::faults(results)));
    out.push_str(&section("Steps", &tables::steps(results)));
    out.push_str(&section("Checks", &tables::checks(results)));
    out.push_str(&section("Failures", &tables::failures(results)));
    out.push_str(&section(
        "The target's own count",
        &results.reconciled.as_ref().map(tables::reconciliation).unwrap_or_default(),
    ));
    out.push_str(&section("The generator", &tables::audit(results)));
    out.push_str(&section("All points", &points(&timeline)));
    out.push_str(&format!(
        "<footer>Made from a results document of format {}. This file needs no network.</footer></main><script>{SCRIPT}</script></body></html>\n",
        results.format
    ));
    out
}

/// Where the time axis ends: after everything that is on it.
fn end_of(results: &RunResults, drawn: &Drawn) -> f64 {
    let points = drawn.points.iter().map(|point| point.to_s);
    let faults = results.faults.iter().map(|fault| fault.to_s);
    let ends = points.chain(faults).chain([results.elapsed_s]).filter(|end| end.is_finite());
    let end_s = ends.fold(0.0, f64::max);
    if end_s > 0.0 { end_s } else { 1.0 }
}

/// The verdict, why, and what was run.
fn head(results: &RunResults) -> String {
    let word = word(results.verdict);
    let facts = [
        ("target", results.target.clone()),
        ("model", results.model.clone()),
        ("tool", format!("{}{}", results.tool, seeded(results))),
        ("began", results.started_at.to_string()),
        ("took", seconds(results.elapsed_s)),
    ];
    let facts = facts.map(|(name, value)| {
        format!("<dt>{name}</dt><dd>{}</dd>", escaped_within(&value, SENTENCE_BYTES_MAX))
    });
    format!(
        r#"<div class="banner {class}" role="status"><strong>{word}</strong><p>{meaning}</p></div>{reasons}{warnings}<dl class="facts">{facts}</dl>"#,
        class = word.to_lowercase(),
        meaning = meaning(results),
        reasons = list("Why", "reasons", &results.reasons),
        warnings = list("Before you believe a figure", "warnings", &results.warnings),
        facts = facts.concat(),
    )
}

fn over_time(timeline: &Timeline<'_>, intervals: usize) -> String {
    if timeline.points.is_empty() {
        return "<p>No series was recorded.</p>".to_owned();
    }
    let thinned = format!(
        r#"<p class="thinned"><strong>Thinned:</strong> each drawn point stands for {} intervals and shows the worst of them: the highest of each percentile, of lag, of requests in flight and of failures per second. Offered, answered and failed in the plot of requests per second are means, beside the lowest rate of answers. A gap means that nothing was answered in any of them.</p>"#,
        count(intervals as u64)
    );
    let thinned = if intervals > 1 { thinned } else { String::new() };
    format!("{thinned}{}", figures(timeline, intervals))
}

fn points(timeline: &Timeline<'_>) -> String {
    if timeline.points.is_empty() {
        return String::new();
    }
    format!(
        r#"<details><summary>The {} drawn points as a table</summary><div class="scroll" role="region" aria-label="points" tabindex="0">{}</div></details>"#,
        count(timeline.points.len() as u64),
        series_table(timeline)
    )
}

/// Nothing when there is nothing in it.
pub(super) fn section(title: &str, content: &str) -> String {
    if content.is_empty() { String::new() } else { format!("<section><h2>{title}</h2>{content}</section>") }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use ring::digest::{SHA256, digest};
    use roxmltree::{Document, ParsingOptions};

    use super::{POLICY, SCRIPT, html};
    use crate::measure::audit::GeneratorAudit;
    use crate::output::sample;
    use crate::results::model::{FaultWindow, Reconciled, RunResults, Verdict};

    const PAGE_BYTES_MAX: usize = 1_000_000;

    fn parsed(page: &str) -> Document<'_> {
        Document::parse_with_options(page, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
            .unwrap()
    }

    /// The text of everything below the elements of this name, blanks between them.
    fn texts(document: &Document<'_>, name: &str) -> String {
        let elements = document.descendants().filter(|node| node.tag_name().name() == name);
        let texts =
            elements.flat_map(|node| node.descendants().filter_map(|inner| inner.text()).collect::<Vec<_>>());
        texts.collect::<Vec<_>>().join(" ")
    }

    fn count_of(document: &Document<'_>, name: &str) -> usize {
        document.descendants().filter(|node| node.tag_name().name() == name).count()
    }

    #[test]
    fn shows_every_figure() {
        let page = html(&sample::results());
        let document = parsed(&page);
        let cells = texts(&document, "table");
        let figures = [
            "12,000",
            "11,780",
            "216",
            "1.80 %",
            "0.342",
            "88.1",
            "512",
            "941",
            "1,002",
            "1,049",
            "0.301",
            "0.620",
            "61.3",
            "998",
            "0.310",
            "3,900",
            "81",
            "12",
            "0.31 %",
            "192",
            "24",
            "30.0 s",
            "40.0 ms",
            "40.1 s",
            "1.9 s",
            "90.0 ms",
            "✗ never",
            "<= 500 ms",
            "941 ms",
            "✗ did not hold",
            "✓ held",
            "buyer",
            "503",
        ];
        for figure in figures {
            assert!(cells.contains(figure), "`{figure}` is in no table");
        }
        assert!(page.contains("offered 12,000 = answered 11,780 + failed 216 + unsent 4<"));
        assert!(page.contains("load-0-1731") && page.contains("33.0 s pay load-0-902"));
        assert!(page.contains("4.21 s of processor time, 3.50 % of"));
    }

    #[test]
    fn recovery_that_nobody_knows_is_not_never() {
        let mut results = sample::results();
        results.faults[1].compared = false;
        let cells = texts(&parsed(&html(&results)), "table");
        assert!(cells.contains("not known") && !cells.contains("✗ never"), "{cells}");
    }

    #[test]
    fn draws_each_plot_twice_with_its_faults() {
        let page = html(&sample::results());
        let document = parsed(&page);
        let titles =
            document.descendants().filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "desc")));
        assert_eq!(titles.count(), 10, "five plots, wide and narrow");
        let faults = page.matches("<title>slow-network: 30.0 s to 40.1 s</title>").count();
        assert_eq!(faults, 10);
        assert!(!page.contains("NaN") && !page.contains("inf\""));
        assert!(page.contains("Logarithmic axis"), "from 0.3 ms to 1 s");
        assert!(!page.contains("Thinned:"));
    }

    #[test]
    fn invalid_run_cannot_be_mistaken() {
        let page = html(&sample::invalid_results());
        assert!(page.contains("<title>INVALID: checkout</title>"));
        assert!(page.contains(r#"<div class="banner invalid" role="status"><strong>INVALID</strong><p>These figures say nothing about the target"#));
        assert_eq!(page.matches(r#"class="stamp""#).count(), 10, "each plot says so");
        assert!(page.contains("void: the run is invalid") && !page.contains("✓ held"));
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let page = html(&sample::hostile_results());
        let document = parsed(&page);
        assert_eq!((count_of(&document, "img"), count_of(&document, "script")), (0, 1));
        let handlers = document
            .descendants()
            .flat_map(|node| node.attributes())
            .filter(|own| own.name().starts_with("on"));
        assert_eq!(handlers.count(), 0);
        assert!(!page.contains('\x1b') && !page.contains('\0') && !page.contains('\u{202e}'));
        assert!(page.matches("&lt;/script&gt;&lt;img src=x onerror=&quot;").count() > 20);
    }

    #[test]
    fn loads_nothing_and_runs_one_script() {
        let hash = BASE64_STANDARD.encode(digest(&SHA256, SCRIPT.as_bytes()));
        assert!(POLICY.contains(&format!("'sha256-{hash}'")), "the script's hash is {hash}");
        let page = html(&sample::results());
        let document = parsed(&page);
        let mut attributes = document.descendants().flat_map(|node| node.attributes());
        assert!(attributes.all(|own| !["src", "href", "action", "style"].contains(&own.name())));
        assert!(!page.contains("url(") && !page.contains("@import"));
    }

    #[test]
    fn stays_small_whatever_the_run_was() {
        let long = html(&sample::long_results(100_000));
        assert!(long.len() <= PAGE_BYTES_MAX / 2, "{} bytes", long.len());
        assert!(long.contains("each drawn point stands for 167 intervals"));
        assert!(long.contains("2 h") || long.contains("27 h 46 min 40 s"));

        let bad = || sample::HOSTILE.repeat(1000);
        let hostile = sample::hostile_results();
        let flood = RunResults {
            name: bad(),
            target: bad(),
            reasons: vec![bad(); 1000],
            warnings: vec![bad(); 1000],
            failures: vec![bad(); 1000],
            failed_by_kind: (0..1000).map(|kind| (format!("{kind}{}", bad()), 1)).collect(),
            statuses: (0..1000).map(|status| (status, u64::MAX)).collect(),
            steps: hostile.steps.iter().cycle().take(1000).cloned().collect(),
            checks: hostile.checks.iter().cycle().take(1000).cloned().collect(),
            thresholds: hostile.thresholds.iter().cycle().take(1000).cloned().collect(),
            faults: vec![FaultWindow { name: bad(), effect: bad(), ..hostile.faults[0].clone() }; 1000],
            audit: Some(GeneratorAudit { invalid: vec![bad(); 1000], ..GeneratorAudit::default() }),
            reconciled: Some(Reconciled {
                source: bad(),
                summary: bad(),
                missing: vec![bad(); 1000],
                duplicate: vec![bad(); 1000],
                agrees: false,
            }),
            series: sample::long_results(100_000).series,
            ..hostile
        };
        let page = html(&flood);
        assert!(page.len() <= PAGE_BYTES_MAX, "{} bytes", page.len());
        assert!(page.contains("940 more are in the JSON document."));
        parsed(&page);
    }

    #[test]
    fn bare_results_make_a_page() {
        let passed = sample::passed_results();
        let bare = RunResults {
            verdict: Verdict::Unreachable,
            latency: None,
            service: None,
            lag: None,
            steps: Vec::new(),
            checks: Vec::new(),
            thresholds: Vec::new(),
            series: Default::default(),
            audit: None,
            elapsed_s: 0.0,
            ..passed
        };
        let page = html(&bare);
        let document = parsed(&page);
        assert_eq!((count_of(&document, "figure"), count_of(&document, "details")), (0, 0));
        assert!(
            page.contains("No series was recorded")
                && page.contains("does not say whether its generator kept up")
        );
    }
}
