//! The page as a whole.
//!
//! It is well-formed XML as well as HTML, loads nothing and runs nothing (its own policy forbids both), and is complete on paper. It
//! looks like the pages of `shield load`. Whatever was found it stays below 2 MB: texts and tables are cut, and it says where.

use super::{findings, funnel, surroundings};
use crate::report::{
    Criteria, Outcome, Report,
    escape::{html as escaped, within},
    words::{WORST_FIRST, count},
};

const STYLE: &str = include_str!("page.css");
/// Lets nothing in but the style of the page itself.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
/// Longest name of the audited directory, in characters.
const ROOT_MAX: usize = 300;

/// The report as one page.
#[must_use]
pub fn html(report: &Report, criteria: &Criteria) -> String {
    let (word, class) = match report.outcome(criteria) {
        Outcome::Clean => ("CLEAN", "passed"),
        Outcome::Found => ("TO MEND", "failed"),
        Outcome::Incomplete => ("INCOMPLETE", "invalid"),
        Outcome::FoundAndIncomplete => ("TO MEND, AND INCOMPLETE", "failed"),
    };
    let name = escaped(&within(&report.bill.name, ROOT_MAX));
    let (meaning, facts) = (meaning(report, criteria), facts(report, criteria));
    let sections = [
        section(
            "From all that was found to what is left",
            &funnel::funnel(&report.funnel(criteria), criteria),
        ),
        section("To mend, the worst first", &findings::open(report, criteria)),
        section("Other scanners", &surroundings::scanners(report)),
        section("Not looked at", &surroundings::missing(&report.coverage)),
        section("Packages", &surroundings::packages(report)),
        section("Below the line", &findings::minor(report, criteria)),
        section("Accepted", &findings::accepted(report)),
        section("Taken back in the source or by rule files", &findings::suppressed(report)),
        section("In installed code", &findings::installed(report)),
        section("Rule files", &surroundings::own_rules(report)),
        section("What was looked at", &surroundings::coverage(&report.coverage)),
    ];
    let body = format!(
        r#"<h1>Audit of {name}</h1><div class="banner {class}" role="status"><strong>{word}</strong>{meaning}</div>{facts}{}"#,
        sections.concat(),
    );
    page(&format!("{word}: {name}"), &body)
}

/// A page of this title with this in it, both HTML already.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        r#"<!DOCTYPE html>
<html lang="en" xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{POLICY}"/><meta name="viewport" content="width=device-width, initial-scale=1"/><title>{title}</title><style>{STYLE}</style></head><body><main>{body}<footer>This file needs no network. What it leaves out for its size is in the report as JSON.</footer></main></body></html>
"#
    )
}

fn meaning(report: &Report, criteria: &Criteria) -> String {
    let (open, level) = (report.funnel(criteria).open, criteria.fail_on.name());
    let found = match open {
        0 => format!("Nothing of the project's own is of severity {level} or above."),
        1 => format!("One finding of the project's own is of severity {level} or above."),
        open => format!("{} findings of the project's own are of severity {level} or above.", count(open)),
    };
    let missing = match report.coverage.missing().len() {
        0 => "All was looked at.".to_owned(),
        1 => "One thing could not be looked at: what is in it is not known.".to_owned(),
        missing => format!("{} things could not be looked at: what is in them is not known.", count(missing)),
    };
    format!("<p>{found}</p><p>{missing}</p>")
}

fn facts(report: &Report, criteria: &Criteria) -> String {
    let of = |level| report.failing(criteria).filter(|one| one.finding.severity == level).count();
    let severities: Vec<_> = WORST_FIRST
        .into_iter()
        .filter(|level| of(*level) > 0)
        .map(|level| format!("{} {}", count(of(level)), level.name()))
        .collect();
    let severities = if severities.is_empty() { "nothing".to_owned() } else { severities.join(", ") };
    let facts = [
        ("audited", within(&report.root, ROOT_MAX)),
        ("on", report.day.to_string()),
        ("to mend", severities),
        ("read", format!("{} files, {} bytes", count(report.coverage.files), count(report.coverage.bytes))),
        ("vulnerabilities", surroundings::known(report)),
    ];
    let facts = facts.map(|(name, value)| format!("<dt>{name}</dt><dd>{}</dd>", escaped(&value)));
    format!(r#"<dl class="facts">{}</dl>"#, facts.concat())
}

/// Nothing when there is nothing in it.
fn section(title: &str, content: &str) -> String {
    if content.is_empty() { String::new() } else { format!("<section><h2>{title}</h2>{content}</section>") }
}

#[cfg(test)]
mod tests {
    use roxmltree::{Document, ParsingOptions};

    use super::*;
    use crate::{finding::Severity, report::sample};

    const PAGE_BYTES_MAX: usize = 2_000_000;

    fn parsed(page: &str) -> Document<'_> {
        Document::parse_with_options(page, ParsingOptions { allow_dtd: true, ..ParsingOptions::default() })
            .unwrap()
    }

    fn count_of(document: &Document<'_>, name: &str) -> usize {
        document.descendants().filter(|node| node.tag_name().name() == name).count()
    }

    #[test]
    fn everything_is_on_the_page() {
        let page = html(&sample::found(), &sample::from(Severity::Medium));
        let document = parsed(&page);
        assert_eq!(count_of(&document, "article"), 3);
        assert_eq!(count_of(&document, "svg"), 7, "one piece of the funnel a step");
        for part in [
            "<strong>TO MEND, AND INCOMPLETE</strong>",
            "<dd>1 critical, 2 high</dd>",
            "a stranger sets it",
            "Call what you mean by its name.",
            "src/broken.py",
            "a key of a cache",
            "@ops",
            "2027-01-31",
            "# nosec B324",
            "PyPI 2024-10-10 (778 days old)",
            "CVE-2",
            "not affected",
            "5 commits",
        ] {
            assert!(page.contains(part), "`{part}` is not on the page");
        }
        let clean = html(&sample::clean(), &sample::from(Severity::Medium));
        parsed(&clean);
        assert!(clean.contains("<strong>CLEAN</strong>") && clean.contains("All was looked at."));
    }

    #[test]
    fn hostile_texts_stay_texts() {
        let page = html(&sample::hostile(), &sample::from(Severity::Low));
        let document = parsed(&page);
        let named = |name: &str| count_of(&document, name);
        assert_eq!((named("img"), named("script"), named("a"), named("iframe")), (0, 0, 0, 0));
        let mut attributes = document.descendants().flat_map(|node| node.attributes());
        assert!(attributes.all(|own| !own.name().starts_with("on")));
        for character in ['\r', '\0', '\x1b', '\u{202e}', '\u{2028}'] {
            assert!(!page.contains(character), "{character:?}");
        }
        assert!(page.matches("&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;").count() > 20);
    }

    #[test]
    fn loads_nothing_and_runs_nothing() {
        let page = html(&sample::found(), &sample::from(Severity::Medium));
        let document = parsed(&page);
        let mut attributes = document.descendants().flat_map(|node| node.attributes());
        assert!(attributes.all(|own| !["src", "href", "action", "style"].contains(&own.name())));
        assert!(!page.contains("url(") && !page.contains("@import") && !page.contains("<script"));
    }

    #[test]
    fn stays_small_whatever_was_found() {
        let mut hostile = sample::hostile();
        for one in &mut hostile.found {
            one.finding.message = "\"".repeat(5_000);
            one.finding.place.file = "\"".repeat(5_000);
            one.finding.steps = vec![hostile_step(); 50];
        }
        hostile.found = hostile.found.iter().cycle().take(700).cloned().collect();
        let all = [sample::many(30_000), hostile].map(|report| html(&report, &sample::from(Severity::Low)));
        for page in all {
            assert!(page.len() < PAGE_BYTES_MAX, "{} bytes", page.len());
            parsed(&page);
            assert!(page.contains("more are in the report as JSON"));
        }
    }

    fn hostile_step() -> crate::finding::Step {
        let place = crate::finding::Place { file: "\"".repeat(1_000), span: None };
        crate::finding::Step { place, what: "\"".repeat(1_000) }
    }
}
