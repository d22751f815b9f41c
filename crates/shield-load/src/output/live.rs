//! A run while it happens: frames for a terminal, lines for everything else.
//!
//! State and text only; whoever owns the terminal writes the frames. A frame has at most the lines and columns it was made for,
//! does not end in a line break and has no escape sequences: a caller clears the rest of each line itself.

use std::collections::VecDeque;

use crate::measure::report::LatencySummary;
use crate::output::escape::visible;
use crate::output::figures::{ABSENT, clock, count, count_or_absent, figure, figure_or_absent, share};
use crate::output::terminal::{fitted, right};
use crate::results::model::{Point, Totals};

/// Intervals that the small plots remember.
const HISTORY_MAX: usize = 300;
/// Narrowest and lowest frame; a smaller terminal gets this one, and cuts it.
const WIDTH_MIN: usize = 40;
const HEIGHT_MIN: usize = 4;
/// Columns of a label.
const LABEL: usize = 10;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is known before the first interval.
#[derive(Clone, Debug, Default)]
pub struct LiveHeader {
    /// Name of the workload.
    pub name: String,
    /// What is loaded.
    pub target: String,
    /// How long it is to last; absent when it lasts until it is stopped.
    pub planned_s: Option<f64>,
    /// Length of an interval.
    pub interval_s: f64,
}

/// The run so far.
#[derive(Clone, Debug, Default)]
pub struct SoFar {
    /// Requests.
    pub totals: Totals,
    /// Latency, from the moment a request was due.
    pub latency: Option<LatencySummary>,
    /// Names of the faults that are active.
    pub faults: Vec<String>,
}

/// A view of a run.
#[derive(Debug)]
pub struct LiveView {
    width: usize,
    height: usize,
    header: LiveHeader,
    so_far: SoFar,
    /// The last intervals; the newest is last.
    history: VecDeque<Point>,
}

/// One line about an interval, for a log.
#[must_use]
pub fn plain_line(point: &Point, so_far: &SoFar, interval_s: f64) -> String {
    let rate = |requests: u64| figure(requests as f64 / interval_s);
    let totals = &so_far.totals;
    let faults = faults_named(&so_far.faults);
    format!(
        "{} offered {}/s answered {}/s failed {}/s | {} ms | in flight {} lag {} ms | all: {} failed {}{}{faults}",
        clock(point.at_s),
        rate(point.offered),
        rate(point.answered),
        rate(point.failed),
        percentiles_named(point.latency.as_ref()),
        count_or_absent(point.in_flight),
        figure_or_absent(point.lag_p99_ms),
        count(totals.offered),
        count(totals.failed),
        if faults.is_empty() { "" } else { " | " },
    )
}

// === impl LiveView ===

impl LiveView {
    /// A view of a run that has not answered yet, for a terminal of this size.
    #[must_use]
    pub fn new(width: usize, height: usize, header: LiveHeader) -> Self {
        let mut view = Self { width, height, header, so_far: SoFar::default(), history: VecDeque::new() };
        view.resize(width, height);
        view
    }

    /// For a terminal that has another size now.
    pub fn resize(&mut self, width: usize, height: usize) {
        self.width = width.max(WIDTH_MIN);
        self.height = height.max(HEIGHT_MIN);
    }

    /// Takes in the interval that has ended.
    pub fn update(&mut self, point: Point, so_far: SoFar) {
        if self.history.len() == HISTORY_MAX {
            self.history.pop_front();
        }
        self.history.push_back(point);
        self.so_far = so_far;
    }

    /// The frame. What matters most is at the top; a low terminal loses the rest.
    #[must_use]
    pub fn render(&self) -> String {
        let point = self.history.back().copied().unwrap_or_default();
        let mut lines = vec![self.title(), self.progress(&point)];
        lines.extend(faults_line(&self.so_far.faults));
        lines.extend(self.request_lines(&point));
        lines.extend(self.latency_lines(&point));
        let lag = figure_or_absent(point.lag_p99_ms);
        lines.push(format!(
            "{}{} requests, lag {lag} ms (p99)",
            label("in flight"),
            count_or_absent(point.in_flight)
        ));
        lines.extend(self.sparkline("p99", f64::max, |point| point.latency.map(|latency| latency.p99_ms)));
        lines.extend(self.sparkline("answered", f64::min, |point| Some(point.answered as f64)));
        lines.truncate(self.height);
        let fitting: Vec<String> = lines.iter().map(|line| fitted(line.trim_end(), self.width)).collect();
        fitting.join("\n")
    }

    fn title(&self) -> String {
        visible(&format!("{}  {}", self.header.name, self.header.target))
    }

    /// How far the run is.
    fn progress(&self, point: &Point) -> String {
        let Some(planned_s) = self.header.planned_s.filter(|planned_s| *planned_s > 0.0) else {
            return format!("{}{} until stopped", label("elapsed"), clock(point.at_s));
        };
        let times = format!("{}{} / {} ", label("elapsed"), clock(point.at_s), clock(planned_s));
        let room = self.width.saturating_sub(times.chars().count() + 2).min(40);
        let done = (point.at_s / planned_s).clamp(0.0, 1.0);
        let full = (done * room as f64) as usize;
        format!("{times}[{}{}]", "=".repeat(full), " ".repeat(room - full))
    }

    fn request_lines(&self, point: &Point) -> [String; 3] {
        let totals = &self.so_far.totals;
        let rate = |requests: u64| format!("{}/s", figure(requests as f64 / self.header.interval_s));
        let row = |name: &str, now: String, all: String| {
            format!("{}{} {}", label(name), right(&now, 13), right(&all, 13))
        };
        let failed = row("failed", rate(point.failed), count(totals.failed));
        let ended = totals.answered.saturating_add(totals.failed);
        [
            row("offered", rate(point.offered), count(totals.offered)),
            row("answered", rate(point.answered), count(totals.answered)),
            if totals.failed > 0 { format!("{failed} ({})", share(totals.failed, ended)) } else { failed },
        ]
    }

    /// The last interval above the run.
    fn latency_lines(&self, point: &Point) -> [String; 3] {
        let row = |name: &str, figures: [String; 4]| {
            let width = ((self.width - LABEL) / 4).min(10);
            format!("{}{}", label(name), figures.map(|figure| right(&figure, width)).concat())
        };
        let of = |latency: Option<&LatencySummary>| row_of(latency);
        [
            row("ms", ["p50", "p95", "p99", "max"].map(str::to_owned)),
            row("now", of(point.latency.as_ref())),
            row("run", of(self.so_far.latency.as_ref())),
        ]
    }

    /// The last minutes as bars, each the worst of its intervals: the highest p99, the fewest answers. None before there is one.
    fn sparkline(
        &self,
        name: &str,
        worst: fn(f64, f64) -> f64,
        value: fn(&Point) -> Option<f64>,
    ) -> Option<String> {
        let points: Vec<Point> = self.history.iter().copied().collect();
        let group = points.len().div_ceil(self.width - LABEL).max(1);
        let bars: Vec<Option<f64>> =
            points.chunks(group).map(|points| points.iter().filter_map(value).reduce(worst)).collect();
        let highest = bars.iter().flatten().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
        let bar = |value: &Option<f64>| value.map_or(' ', |value| bar_of(value, highest));
        (!bars.is_empty()).then(|| format!("{}{}", label(name), bars.iter().map(bar).collect::<String>()))
    }
}

fn bar_of(value: f64, highest: f64) -> char {
    let place = if highest > 0.0 { value / highest * (BARS.len() - 1) as f64 } else { 0.0 };
    // A value that is no number has the lowest bar.
    BARS[(place.round() as usize).min(BARS.len() - 1)]
}

fn label(name: &str) -> String {
    format!("{name:<LABEL$}")
}

fn row_of(latency: Option<&LatencySummary>) -> [String; 4] {
    latency.map_or([ABSENT; 4].map(str::to_owned), |latency| {
        [latency.p50_ms, latency.p95_ms, latency.p99_ms, latency.longest_ms].map(figure)
    })
}

fn percentiles_named(latency: Option<&LatencySummary>) -> String {
    let [p50, p95, p99, longest] = row_of(latency);
    format!("p50 {p50} p95 {p95} p99 {p99} max {longest}")
}

fn faults_line(faults: &[String]) -> Option<String> {
    (!faults.is_empty()).then(|| format!("{}{}", label("FAULT"), visible(&faults.join(", "))))
}

fn faults_named(faults: &[String]) -> String {
    if faults.is_empty() { String::new() } else { format!("fault: {}", visible(&faults.join(", "))) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HISTORY_MAX, LiveHeader, LiveView, SoFar, plain_line};
    use crate::output::sample;
    use crate::output::terminal::columns;
    use crate::results::model::{Point, Totals};

    fn header() -> LiveHeader {
        let target = "https://127.0.0.1:8443".to_owned();
        LiveHeader { name: "checkout".to_owned(), target, planned_s: Some(60.0), interval_s: 1.0 }
    }

    fn view(width: usize, height: usize, intervals: usize) -> LiveView {
        let results = sample::results();
        let mut view = LiveView::new(width, height, header());
        for point in &results.series.points[..intervals] {
            let faults = if point.at_s > 30.0 { vec!["slow-network".to_owned()] } else { Vec::new() };
            view.update(*point, SoFar { totals: results.totals, latency: results.latency, faults });
        }
        view
    }

    #[test]
    fn frame_reads_as_this() {
        assert_eq!(view(80, 24, 36).render(), include_str!("snapshots/live.txt").trim_end_matches('\n'));
    }

    #[test]
    fn begins_without_figures() {
        let frame = view(80, 24, 0).render();
        assert!(frame.contains("0:00 / 1:00") && !frame.contains('█') && !frame.contains("FAULT"), "{frame}");
    }

    #[test]
    fn low_terminal_keeps_what_matters() {
        let frame = view(80, 5, 36).render();
        assert_eq!(frame.lines().count(), 5);
        assert!(frame.contains("FAULT") && frame.contains("answered"), "{frame}");
    }

    #[test]
    fn history_is_bounded() {
        let mut view = view(80, 24, 0);
        (0..1000)
            .for_each(|at| view.update(Point { at_s: f64::from(at), ..Point::default() }, SoFar::default()));
        assert_eq!(view.history.len(), HISTORY_MAX);
    }

    #[test]
    fn log_has_one_line_per_interval() {
        let results = sample::results();
        let so_far = SoFar { totals: results.totals, latency: None, faults: vec!["a\nb\x1b[2J".to_owned()] };
        assert_eq!(
            plain_line(&results.series.points[4], &so_far, 1.0),
            "0:05 offered 200/s answered 0/s failed 0/s | p50 – p95 – p99 – max – ms | in flight 200 lag 0.323 ms | \
             all: 12,000 failed 216 | fault: a␊b␛[2J"
        );
    }

    proptest! {
        #[test]
        fn frame_fits_its_terminal(
            width in 40_usize..=200,
            height in 4_usize..40,
            name in any::<String>(),
            numbers in prop::collection::vec((any::<u64>(), prop::num::f64::ANY), 0..20),
            planned_s in prop::option::of(prop::num::f64::ANY),
            interval_s in prop::num::f64::ANY,
        ) {
            let faults = vec![name.clone(); 3];
            let header = LiveHeader { name: name.clone(), target: name, planned_s, interval_s };
            let mut view = LiveView::new(width, height, header);
            for (count, at_s) in numbers {
                let latency = Some(sample::summary([at_s; 6]));
                let point = Point { at_s, offered: count, answered: count, failed: count, in_flight: Some(count), latency, lag_p99_ms: Some(at_s) };
                let totals = Totals { offered: count, answered: count, failed: count, ..Totals::default() };
                view.update(point, SoFar { totals, latency, faults: faults.clone() });
            }
            let frame = view.render();
            prop_assert!(frame.lines().count() <= height);
            for line in frame.split('\n') {
                prop_assert!(columns(line) <= width, "{line}");
                prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}
