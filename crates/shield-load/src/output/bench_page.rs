//! A measurement of components as one page, in the style of a load's.
//!
//! It loads nothing and runs nothing: its own policy forbids both.

use crate::bench::results::{BenchResults, ComponentResults};
use crate::output::bench_plot::tails;
use crate::output::bench_text::{View, notes, time, under_load, views};
use crate::output::escape::{NAME_BYTES_MAX, SENTENCE_BYTES_MAX, escaped_within};
use crate::output::figures::seconds;
use crate::output::html::{STYLE, section};
use crate::output::table::{Cell, ROWS_MAX, Table, list};
use crate::output::words::word;
use crate::results::model::Verdict;

const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
#[must_use]
pub fn bench_html(results: &BenchResults) -> String {
    let name = escaped_within(&results.service, NAME_BYTES_MAX);
    let word = word(results.verdict);
    let facts = [
        ("target", results.target.clone()),
        ("load", under_load(results)),
        ("tool", results.tool.clone()),
        ("began", results.started_at.to_string()),
        ("took", seconds(results.elapsed_s)),
    ];
    let facts = facts.map(|(name, value)| {
        format!("<dt>{name}</dt><dd>{}</dd>", escaped_within(&value, SENTENCE_BYTES_MAX))
    });
    let shown = || results.components.iter().take(ROWS_MAX).enumerate();
    let plots: String = shown().map(|(index, component)| tails(component, index)).collect();
    format!(
        r#"<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{POLICY}"/><meta name="viewport" content="width=device-width, initial-scale=1"/><title>{word}: {name}</title><style>{STYLE}</style></head><body><main><h1>{name}: security components</h1><div class="banner {class}" role="status"><strong>{word}</strong><p>{meaning}</p></div>{reasons}{warnings}<dl class="facts">{facts}</dl>{targets}{beside}{plots}<footer>Made from a document of format {format}. This file needs no network.</footer></main></body></html>
"#,
        class = word.to_lowercase(),
        meaning = meaning(results.verdict),
        reasons = list("Why", "reasons", &results.reasons),
        warnings = list("Before you believe a figure", "warnings", &results.warnings),
        facts = facts.concat(),
        targets = section("Against the targets", &targets(results)),
        beside = section("Beside them", &beside(results)),
        plots = section("How long, how often", &plots),
        format = results.format,
    )
}

fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "Every component is within its target.",
        Verdict::Invalid => "These figures say nothing about the service: the generator was the bottleneck.",
        Verdict::Failed | Verdict::Aborted | Verdict::Unreachable => "A component is not within its target.",
    }
}

fn targets(results: &BenchResults) -> String {
    let rows: Vec<(&ComponentResults, View)> = results
        .components
        .iter()
        .flat_map(|component| views(component).into_iter().map(move |view| (component, view)))
        .collect();
    let heads = &["component", "target", "seen", "average", "inside target", "p50", "p99", "max", "held"];
    Table::new("components", heads, rows.into_iter(), |(component, view)| {
        let View { what, average, inside, p50, p99, longest } = view;
        vec![
            Cell::Text(component.name.clone()),
            Cell::Figure(time(component.target_us)),
            Cell::Text(what),
            Cell::Figure(average),
            Cell::Figure(inside),
            Cell::Figure(p50),
            Cell::Figure(p99),
            Cell::Figure(longest),
            if component.held { Cell::Good("✓ held") } else { Cell::Bad("✗ not held") },
        ]
    })
    .html()
}

fn beside(results: &BenchResults) -> String {
    let rows: Vec<(String, String)> = results
        .components
        .iter()
        .flat_map(|component| notes(component).into_iter().map(|note| (component.name.clone(), note)))
        .collect();
    Table::new("differences and primitives", &["component", "found"], rows.into_iter(), |(name, note)| {
        vec![Cell::Text(name), Cell::Text(note)]
    })
    .html()
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, ParsingOptions};

    use super::bench_html;
    use crate::bench::sample;

    #[test]
    fn page_is_complete_and_closed() {
        let page = bench_html(&sample::results());
        let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
        let document = Document::parse_with_options(&page, options).unwrap();
        let named = |name: &str| document.descendants().filter(|node| node.tag_name().name() == name).count();
        assert_eq!((named("figure"), named("script"), named("img")), (2, 0, 0));
        let mut attributes = document.descendants().flat_map(|node| node.attributes());
        assert!(attributes.all(|own| !["src", "href", "style"].contains(&own.name())));
        for figure in ["20,000 x", "0.800 µs", "505 µs", "adds 3.50 µs", "chain &lt;b&gt;", "✓ held"] {
            assert!(page.contains(figure), "`{figure}` is not on the page");
        }
        assert!(!page.contains("NaN") && !page.contains("inf"));
    }
}
