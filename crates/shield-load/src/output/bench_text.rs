//! A measurement of components, for a person at a terminal.

use std::fmt::Write;

use crate::bench::results::{BenchResults, ComponentFigures, ComponentResults};
use crate::output::figures::{ABSENT, count, figure, seconds};
use crate::output::terminal::fitted;
use crate::output::words::word;

/// Width of the first column.
const NAME_COLUMNS: usize = 26;

/// The figures of one way to see a component, as a table shows them.
pub(super) struct View {
    /// What was looked at.
    pub(super) what: String,
    pub(super) average: String,
    /// How many times the average is inside the target.
    pub(super) inside: String,
    pub(super) p50: String,
    pub(super) p99: String,
    pub(super) longest: String,
}

/// The whole result in lines; the first one begins with the verdict.
#[must_use]
pub fn bench_text(results: &BenchResults) -> String {
    let mut out = format!(
        "{}: {} at {}, in {}\n",
        word(results.verdict),
        shown(&results.service),
        shown(&results.target),
        seconds(results.elapsed_s)
    );
    results.reasons.iter().for_each(|reason| line(&mut out, &format!("  {}", shown(reason))));
    results.warnings.iter().for_each(|warning| line(&mut out, &format!("  warning: {}", shown(warning))));
    line(&mut out, &format!("  {}", under_load(results)));
    line(
        &mut out,
        &format!(
            "\n{:NAME_COLUMNS$} {:>10} {:>16} {:>10} {:>10} {:>10}  target",
            "", "average", "inside target", "p50", "p99", "max"
        ),
    );
    for component in &results.components {
        let held = if component.held { "held" } else { "NOT HELD" };
        let name = fitted(&shown(&component.name), NAME_COLUMNS);
        line(&mut out, &format!("{name:NAME_COLUMNS$} {:>64} {held}", time(component.target_us)));
        for View { what, average, inside, p50, p99, longest } in views(component) {
            let what = fitted(&format!("  {what}"), NAME_COLUMNS);
            let row =
                format!("{what:NAME_COLUMNS$} {average:>10} {inside:>16} {p50:>10} {p99:>10} {longest:>10}");
            line(&mut out, row.trim_end());
        }
        notes(component).iter().for_each(|note| line(&mut out, &format!("  {note}")));
    }
    out
}

/// What the load was, and what it cost.
pub(super) fn under_load(results: &BenchResults) -> String {
    let processor = results.cpu_per_request_us.map_or_else(String::new, |processor_us| {
        format!("; {} of the service's processor time per request", time(processor_us))
    });
    format!(
        "capacity {}/s; under load at {}/s (60 %): {} answered, {} failed{processor}",
        figure(results.capacity_per_second),
        figure(results.rate_per_second),
        count(results.answered),
        count(results.failed)
    )
}

/// Every way that a component was seen.
pub(super) fn views(component: &ComponentResults) -> Vec<View> {
    let inside = |average_us: f64| format!("{} x", figure(component.target_us / average_us));
    let own = |what: &str, figures: &Option<ComponentFigures>| {
        figures.as_ref().map(|figures| View {
            what: what.to_owned(),
            average: time(figures.average_us),
            inside: inside(figures.average_us),
            p50: bound(figures.p50_us),
            p99: bound(figures.p99_us),
            longest: match figures.longest_exact {
                true => figures.longest_us.map_or_else(|| ABSENT.to_owned(), time),
                false => bound(figures.longest_us),
            },
        })
    };
    let request = component.request.as_ref().map(|request| View {
        what: "whole request, at 60 %".to_owned(),
        average: time(request.average_us),
        inside: inside(request.average_us),
        p50: time(request.p50_us),
        p99: time(request.p99_us),
        longest: time(request.longest_us),
    });
    [own("in process, quiet", &component.quiet), own("in process, at 60 %", &component.loaded), request]
        .into_iter()
        .flatten()
        .collect()
}

/// What else is known of it.
pub(super) fn notes(component: &ComponentResults) -> Vec<String> {
    let added = component.added.map(|added| {
        format!(
            "adds {} to a request of {} ({} to {}, {:.0} % sure)",
            time(added.estimate_us),
            time(added.without_us),
            time(added.low_us),
            time(added.high_us),
            added.confidence * 100.0
        )
    });
    let primitive = component.primitive.map(|figures| {
        let of = match figures.primitive.bytes {
            0 => String::new(),
            bytes => format!(" of {bytes} bytes"),
        };
        let ratio =
            figures.ratio.map_or_else(String::new, |ratio| format!("; {} x of it, quiet", figure(ratio)));
        format!(
            "{}{of}: {} (least {}){ratio}",
            figures.primitive.kind.name(),
            time(figures.median_us),
            time(figures.least_us)
        )
    });
    added.into_iter().chain(primitive).collect()
}

/// Microseconds in the unit that suits them.
pub(super) fn time(value_us: f64) -> String {
    match value_us.abs() {
        size if size < 999.5 => format!("{} µs", figure(value_us)),
        size if size < 999_500.0 => format!("{} ms", figure(value_us / 1e3)),
        _ => format!("{} s", figure(value_us / 1e6)),
    }
}

/// The end of a bucket: the value is at most this.
fn bound(value_us: Option<f64>) -> String {
    value_us.map_or_else(|| ABSENT.to_owned(), |value_us| format!("≤ {}", time(value_us)))
}

/// Without what a terminal would obey.
fn shown(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::{bench_text, time};
    use crate::bench::sample;

    #[test]
    fn every_figure_is_in_a_line() {
        let text = bench_text(&sample::results());
        let line = |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or(&text);
        assert!(text.starts_with("PASSED: shop at http://127.0.0.1:1, in 12.5 s\n"), "{text}");
        assert!(line("jwt").ends_with("10.0 ms held"), "{text}");
        let quiet: Vec<&str> = line("  in process, quiet").split_whitespace().skip(3).collect();
        assert_eq!(quiet.join(" "), "0.500 µs 20,000 x ≤ 0.500 µs ≤ 1.00 µs 5.00 µs");
        assert!(
            text.contains("adds 3.50 µs to a request of 71.5 µs (2.90 µs to 4.10 µs, 95 % sure)"),
            "{text}"
        );
        assert!(
            text.contains("sha-256 of 363 bytes: 0.260 µs (least 0.250 µs); 1.90 x of it, quiet"),
            "{text}"
        );
        assert!(text.contains("45.2 µs of the service's processor time per request"), "{text}");
    }

    #[test]
    fn longest_by_buckets_is_a_bound() {
        let mut results = sample::results();
        results.components[0].loaded.as_mut().unwrap().longest_exact = false;
        results.components[0].held = false;
        let text = bench_text(&results);
        assert!(text.contains("≤ 8.00 µs") && text.contains("NOT HELD"), "{text}");
    }

    #[test]
    fn times_have_their_units() {
        assert_eq!(
            [0.25, 999.4, 1_500.0, 2_000_000.0].map(time),
            ["0.250 µs", "999 µs", "1.50 ms", "2.00 s"]
        );
    }
}
