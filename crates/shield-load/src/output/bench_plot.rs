//! How often a component takes how long, as one drawing: for each time, the share of values that were longer.
//!
//! Both axes are logarithmic, so that a tail of one in a million is as visible as the median, and the target is a line.

use crate::bench::results::{ComponentFigures, ComponentResults, RequestFigures};
use crate::output::axis::Scale;
use crate::output::bench_text::time;
use crate::output::escape::escaped;

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 220.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 8.0;
const BOTTOM: f64 = 28.0;
/// Most points of a line: more cannot be told apart.
const POINTS_MAX: usize = 300;
/// The smallest share that has a place.
const SHARE_LEAST: f64 = 1e-6;

/// A line: its name, its class in the style sheet, and times with the share of values that were longer.
struct Tail {
    name: &'static str,
    class: &'static str,
    points: Vec<(f64, f64)>,
}

/// The drawing of a component with its legend; nothing when nothing was counted.
pub(super) fn tails(component: &ComponentResults, index: usize) -> String {
    let tails: Vec<Tail> = [
        component.quiet.as_ref().map(|figures| own("in process, quiet", "p50", figures)),
        component.loaded.as_ref().map(|figures| own("in process, at 60 %", "p99", figures)),
        component.request.as_ref().map(|request| whole("whole request, at 60 %", "offered", request)),
    ]
    .into_iter()
    .flatten()
    .filter(|tail| !tail.points.is_empty())
    .collect();
    if tails.is_empty() {
        return String::new();
    }
    let times = tails.iter().flat_map(|tail| tail.points.iter().map(|(time_us, _)| *time_us));
    let across = Scale::fitting(times.chain([component.target_us]).collect::<Vec<_>>().into_iter());
    let up = Scale::Logarithmic { low: SHARE_LEAST, high: 1.0 };
    let name = escaped(&component.name);
    let legend = tails.iter().map(|tail| {
        format!(
            r#"<li><svg class="swatch" viewBox="0 0 28 8"><path class="line {}" d="M2 4H26"/></svg>{}</li>"#,
            tail.class, tail.name
        )
    });
    format!(
        r#"<figure class="plot"><figcaption><h3>{name}</h3><p>Share of values that were longer. The dotted line is the target, {target}.</p><ul class="legend">{legend}</ul></figcaption><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="tail-{index}"><title id="tail-{index}">{name}: share of values that were longer than a time</title>{grid}{lines}</svg></figure>"#,
        target = time(component.target_us),
        legend = legend.collect::<String>(),
        height = TOP + HEIGHT + BOTTOM,
        grid = grid(&across, &up, component.target_us),
        lines = tails.iter().map(|tail| path(tail, &across, &up)).collect::<String>(),
    )
}

/// Buckets, each at its end: no value is shown as shorter than it was.
fn own(name: &'static str, class: &'static str, figures: &ComponentFigures) -> Tail {
    let ends = figures.buckets.iter().map(|bucket| {
        let end_us = bucket.up_to_us.or(figures.longest_us);
        (end_us.unwrap_or(f64::INFINITY), bucket.count)
    });
    Tail { name, class, points: longer(ends) }
}

fn whole(name: &'static str, class: &'static str, request: &RequestFigures) -> Tail {
    let values = request.histogram.counted().map(|(value, count)| (value.as_secs_f64() * 1e6, count));
    Tail { name, class, points: longer(values) }
}

/// Shares of longer values, from ascending values with their counts.
fn longer(values: impl Iterator<Item = (f64, u64)>) -> Vec<(f64, f64)> {
    let values: Vec<(f64, u64)> = values.filter(|(value_us, _)| value_us.is_finite()).collect();
    let all: u64 = values.iter().map(|(_, count)| count).sum();
    let mut left = all;
    let points: Vec<(f64, f64)> = values
        .into_iter()
        .map(|(value_us, count)| {
            let share = left as f64 / all as f64;
            left -= count;
            (value_us, share)
        })
        .collect();
    let every = points.len().div_ceil(POINTS_MAX).max(1);
    // The last one, which is the longest, stays.
    let last = points.len().saturating_sub(1);
    points
        .into_iter()
        .enumerate()
        .filter(|(at, _)| at % every == 0 || *at == last)
        .map(|(_, point)| point)
        .collect()
}

fn x(across: &Scale, value: f64) -> f64 {
    LEFT + across.position(value) * (WIDTH - LEFT - RIGHT)
}

fn y(up: &Scale, value: f64) -> f64 {
    TOP + (1.0 - up.position(value)) * HEIGHT
}

fn grid(across: &Scale, up: &Scale, target_us: f64) -> String {
    let (right, bottom) = (WIDTH - RIGHT, TOP + HEIGHT);
    let shares = up.ticks().into_iter().map(|share| {
        let y = y(up, share);
        let name = if share > 0.5 { "all".to_owned() } else { format!("1 in {:.0}", 1.0 / share) };
        format!(
            r#"<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/><text class="tick value" x="{}" y="{:.1}">{name}</text>"#,
            LEFT - 6.0,
            y + 4.0
        )
    });
    let times = across.ticks().into_iter().map(|value_us| {
        let x = x(across, value_us);
        format!(
            r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{bottom}" y2="{}"/><text class="tick time" x="{x:.1}" y="{}">{}</text>"#,
            bottom + 4.0,
            bottom + 18.0,
            time(value_us)
        )
    });
    let at = x(across, target_us);
    let target = format!(r#"<line class="cursor" x1="{at:.1}" x2="{at:.1}" y1="{TOP}" y2="{bottom}"/>"#);
    shares.chain(times).chain([target]).collect()
}

fn path(tail: &Tail, across: &Scale, up: &Scale) -> String {
    let mut drawn = String::new();
    for (value_us, share) in &tail.points {
        let letter = if drawn.is_empty() { 'M' } else { 'L' };
        drawn.push_str(&format!("{letter}{:.1} {:.1}", x(across, *value_us), y(up, *share)));
    }
    // A single value is a dot, drawn by the round ends of its line.
    let dot = if tail.points.len() == 1 { "h0" } else { "" };
    format!(r#"<path class="line {}" d="{drawn}{dot}"/>"#, tail.class)
}

#[cfg(test)]
mod tests {
    use super::longer;

    #[test]
    fn shares_fall_to_the_longest() {
        let points = longer([(1.0, 90), (2.0, 9), (f64::INFINITY, 3), (5.0, 1)].into_iter());
        assert_eq!(points, [(1.0, 1.0), (2.0, 0.1), (5.0, 0.01)]);
        assert_eq!(longer(std::iter::empty()), []);
    }

    #[test]
    fn long_tails_are_thinned() {
        let points = longer((1..=10_000).map(|at| (f64::from(at), 1)));
        assert!(points.len() <= 301, "{}", points.len());
        assert_eq!(points.last().map(|point| point.0), Some(10_000.0));
    }
}
