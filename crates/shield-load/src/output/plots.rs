//! The plots of a run, and the figures behind them.
//!
//! [`COLUMNS`] is the one place that says what is drawn: lines, legends, the table of the series and the values that a pointer
//! shows all come from it.

use crate::measure::report::LatencySummary;
use crate::output::axis::Scale;
use crate::output::escape::escaped;
use crate::output::figures::{ABSENT, count, figure, seconds};
use crate::output::plot::{Line, NARROW, Plot, Timeline, WIDE};
use crate::output::thin::{DrawnPoint, Rates};

/// One figure of every point.
pub(super) struct Column {
    /// In the head of the table, with its unit.
    head: &'static str,
    /// In the legend.
    name: &'static str,
    /// Of its line in the style sheet.
    class: &'static str,
    value: fn(&DrawnPoint) -> Option<f64>,
    /// As words.
    shown: fn(f64) -> String,
}

/// Every figure.
const COLUMNS: [Column; 13] = [
    column("offered, /s", "offered", "offered", |point| rate(point, |rates| rates.offered)),
    column("answered, /s", "answered", "answered", |point| rate(point, |rates| rates.answered)),
    column("failed, /s", "failed", "failed-line", |point| rate(point, |rates| rates.failed)),
    column("answered, lowest /s", "answered, lowest", "lowest", |point| {
        rate(point, |rates| rates.answered_lowest)
    }),
    column("failed, highest /s", "failed", "failed-line", |point| rate(point, |rates| rates.failed_highest)),
    column("p50, ms", "p50", "p50", |point| latency(point, |latency| latency.p50_ms)),
    column("p90, ms", "p90", "p90", |point| latency(point, |latency| latency.p90_ms)),
    column("p95, ms", "p95", "p95", |point| latency(point, |latency| latency.p95_ms)),
    column("p99, ms", "p99", "p99", |point| latency(point, |latency| latency.p99_ms)),
    column("p99.9, ms", "p99.9", "p999", |point| latency(point, |latency| latency.p999_ms)),
    column("max, ms", "max", "longest", |point| latency(point, |latency| latency.longest_ms)),
    Column {
        shown: |requests| count(requests as u64),
        ..column("in flight", "in flight", "in-flight", |point| {
            point.in_flight.map(|requests| requests as f64)
        })
    },
    column("lag p99, ms", "lag p99", "lag", |point| point.lag_p99_ms),
];

/// A plot by the columns it shows.
struct Shown {
    id: &'static str,
    title: &'static str,
    explanation: &'static str,
    columns: &'static [usize],
    scale: fn(&[f64]) -> Scale,
}

const SHOWN: [Shown; 5] = [
    Shown {
        id: "latency",
        title: "Latency, ms",
        explanation: "From the moment a request was due, of the answers that ended in each interval. A gap: nothing was \
                      answered.",
        columns: &[5, 6, 7, 8, 10],
        scale: |values| Scale::fitting(values.iter().copied()),
    },
    Shown {
        id: "rate",
        title: "Requests per second",
        explanation: "Offered: became due. Answered below offered: the target, or the generator, did not keep up.",
        columns: &[0, 1, 2],
        scale: |values| Scale::linear(values.iter().copied()),
    },
    Shown {
        id: "failures",
        title: "Failures per second",
        explanation: "Requests that were sent or tried and not answered as expected.",
        columns: &[4],
        scale: |values| Scale::linear(values.iter().copied()),
    },
    Shown {
        id: "in-flight",
        title: "Requests in flight",
        explanation: "Under way at the end of each interval.",
        columns: &[11],
        scale: |values| Scale::linear(values.iter().copied()),
    },
    Shown {
        id: "lag",
        title: "Lag of the generator, ms",
        explanation: "How late it began requests that nothing but itself held up. High lag: the figures are about the \
                      generator.",
        columns: &[12],
        scale: |values| Scale::fitting(values.iter().copied()),
    },
];
/// Columns of the rate plot when intervals are drawn in groups.
const RATE_OF_GROUPS: &[usize] = &[0, 3, 1, 2];

const fn column(
    head: &'static str,
    name: &'static str,
    class: &'static str,
    value: fn(&DrawnPoint) -> Option<f64>,
) -> Column {
    Column { head, name, class, value, shown: figure }
}

fn rate(point: &DrawnPoint, of: fn(&Rates) -> f64) -> Option<f64> {
    point.rates.as_ref().map(of)
}

fn latency(point: &DrawnPoint, of: fn(&LatencySummary) -> f64) -> Option<f64> {
    point.latency.as_ref().map(of)
}

/// All plots that have something to show.
pub(super) fn figures(timeline: &Timeline<'_>, intervals: usize) -> String {
    let mut out = String::new();
    for shown in &SHOWN {
        let columns = if intervals > 1 && shown.id == "rate" { RATE_OF_GROUPS } else { shown.columns };
        let values = |index: &usize| timeline.points.iter().filter_map(COLUMNS[*index].value);
        let all: Vec<f64> = columns.iter().flat_map(values).filter(|value| value.is_finite()).collect();
        if !all.is_empty() {
            out.push_str(&plot_figure(shown, columns, (shown.scale)(&all), timeline));
        }
    }
    out
}

fn plot_figure(shown: &Shown, columns: &[usize], scale: Scale, timeline: &Timeline<'_>) -> String {
    let lines =
        columns.iter().map(|index| Line { class: COLUMNS[*index].class, value: COLUMNS[*index].value });
    let described: Vec<String> =
        columns.iter().filter_map(|index| peak(&COLUMNS[*index], timeline)).collect();
    let plot = Plot {
        id: shown.id,
        title: shown.title,
        description: escaped(&format!("Over {}. {}.", seconds(timeline.end_s), described.join("; "))),
        scale,
        lines: lines.collect(),
    };
    let note = if scale.logarithmic() { " Logarithmic axis: equal heights are equal ratios." } else { "" };
    format!(
        r#"<figure class="plot"><figcaption><h3>{title}</h3><p>{explanation}{note}</p></figcaption>{wide}{narrow}{legend}</figure>"#,
        title = escaped(shown.title),
        explanation = escaped(shown.explanation),
        wide = plot.svg(WIDE, timeline),
        narrow = plot.svg(NARROW, timeline),
        legend = legend(columns, timeline),
    )
}

/// The highest value of a column, and when it was seen.
fn peak(column: &Column, timeline: &Timeline<'_>) -> Option<String> {
    let values =
        timeline.points.iter().filter_map(|point| (column.value)(point).map(|value| (value, point.to_s)));
    let (value, at_s) = values.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
    Some(format!("{}: highest {} at {}", column.name, (column.shown)(value), seconds(at_s)))
}

fn legend(columns: &[usize], timeline: &Timeline<'_>) -> String {
    let entries = columns.iter().map(|index| {
        let Column { name, class, .. } = COLUMNS[*index];
        format!(
            r#"<li><svg class="swatch" viewBox="0 0 28 8" aria-hidden="true"><path class="line {class}" d="M1 4h26"/></svg>{name} <b data-column="{index}"></b></li>"#
        )
    });
    let fault = r#"<li><svg class="swatch" viewBox="0 0 28 8" aria-hidden="true"><g class="fault"><rect width="28" height="8"/></g></svg>fault</li>"#;
    let fault = if timeline.faults.is_empty() { "" } else { fault };
    let moment = r#"<li class="moment"></li>"#;
    format!(r#"<ul class="legend">{}{fault}{moment}</ul>"#, entries.collect::<String>())
}

/// All points as a table: what the plots show, for those who cannot see them, and what a pointer shows.
pub(super) fn series_table(timeline: &Timeline<'_>) -> String {
    let heads =
        COLUMNS.iter().map(|column| format!(r#"<th scope="col" class="figure">{}</th>"#, column.head));
    let rows = timeline.points.iter().map(|point| {
        let cells = COLUMNS.iter().map(|column| {
            let shown = (column.value)(point).map(column.shown);
            format!("<td>{}</td>", shown.unwrap_or_else(|| ABSENT.to_owned()))
        });
        format!(
            r#"<tr data-at="{at:.4}"><th scope="row">{from:.1} – {to:.1} s</th>{cells}</tr>"#,
            at = timeline.position_of(point),
            from = point.from_s,
            to = point.to_s,
            cells = cells.collect::<String>(),
        )
    });
    format!(
        r#"<table id="series"><caption>The series as it is drawn</caption><thead><tr><th scope="col">time</th>{}</tr></thead><tbody>{}</tbody></table>"#,
        heads.collect::<String>(),
        rows.collect::<String>()
    )
}
