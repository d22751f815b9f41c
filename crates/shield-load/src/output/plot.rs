//! One plot over time, as SVG that needs nothing but a style sheet.
//!
//! Every plot is drawn twice, for a wide and for a narrow page, so that its text is as large as the page's on both; the style
//! sheet shows one of them. Faults are shaded behind the lines, each with its name. A line has a gap where there is no value.

use crate::output::axis::{Scale, time_ticks};
use crate::output::escape::{escaped, escaped_within, visible};
use crate::output::figures::{clock, count, seconds};
use crate::output::terminal::fitted;
use crate::output::thin::DrawnPoint;
use crate::results::model::FaultWindow;

/// Most rows of fault names above a plot.
const LANES_MAX: usize = 3;
/// Most characters of a fault's name above a plot.
const LABEL_COLUMNS_MAX: usize = 26;

/// Bytes that a fault's name may take in each plot.
const TITLE_BYTES_MAX: usize = 80;

/// What all plots of a page share.
#[derive(Debug)]
pub(super) struct Timeline<'a> {
    /// At the right end of the axis; more than zero.
    pub(super) end_s: f64,
    pub(super) points: &'a [DrawnPoint],
    pub(super) faults: &'a [FaultWindow],
    /// Written over every plot.
    pub(super) stamp: Option<&'static str>,
}

/// One plot.
#[derive(Debug)]
pub(super) struct Plot {
    /// Unique in its page.
    pub(super) id: &'static str,
    /// With the unit.
    pub(super) title: &'static str,
    /// What is seen, for those who do not see it.
    pub(super) description: String,
    pub(super) scale: Scale,
    pub(super) lines: Vec<Line>,
}

/// One line of a plot.
#[derive(Debug)]
pub(super) struct Line {
    /// Its name in the style sheet.
    pub(super) class: &'static str,
    pub(super) value: fn(&DrawnPoint) -> Option<f64>,
}

/// The measures of a drawing, in its own units.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    class: &'static str,
    width: f64,
    /// Of the area between the axes.
    height: f64,
    left: f64,
    right: f64,
    bottom: f64,
    text: f64,
    time_ticks_max: u32,
}

pub(super) const WIDE: Layout = Layout {
    class: "wide",
    width: 960.0,
    height: 220.0,
    left: 54.0,
    right: 14.0,
    bottom: 24.0,
    text: 12.0,
    time_ticks_max: 10,
};

pub(super) const NARROW: Layout = Layout {
    class: "narrow",
    width: 400.0,
    height: 180.0,
    left: 46.0,
    right: 12.0,
    bottom: 24.0,
    text: 12.0,
    time_ticks_max: 5,
};

/// A fault's name, and where.
#[derive(Debug, PartialEq)]
struct Label {
    text: String,
    left: f64,
    lane: usize,
}

/// A layout with its time axis and its height above the plot.
#[derive(Debug)]
struct Canvas<'a> {
    layout: Layout,
    timeline: &'a Timeline<'a>,
    labels: Vec<Label>,
    top: f64,
}

// === impl Plot ===

impl Plot {
    /// As an `svg` element.
    pub(super) fn svg(&self, layout: Layout, timeline: &Timeline<'_>) -> String {
        let canvas = Canvas::new(layout, timeline);
        let (id, class, width) = (self.id, layout.class, layout.width);
        let (left, inner) = (layout.left, canvas.inner_width());
        let mut out = format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="{class}" viewBox="0 0 {width} {height:.0}" role="img" aria-labelledby="{id}-{class}-title {id}-{class}-desc" data-left="{left}" data-width="{inner}"><title id="{id}-{class}-title">{title}</title><desc id="{id}-{class}-desc">{description}</desc>"#,
            height = canvas.bottom() + layout.bottom,
            title = escaped(self.title),
            description = self.description,
        );
        out.push_str(&canvas.faults());
        out.push_str(&canvas.grid(&self.scale));
        for line in &self.lines {
            let path = canvas.path(line, &self.scale);
            out.push_str(&format!(r#"<path class="line {}" d="{path}"/>"#, line.class));
        }
        let (top, bottom) = (canvas.top, canvas.bottom());
        out.push_str(&format!(r#"<line class="cursor" x1="-9" x2="-9" y1="{top}" y2="{bottom}"/>"#));
        if let Some(stamp) = timeline.stamp {
            let (x, y) = (left + inner / 2.0, top + layout.height * 0.62);
            out.push_str(&format!(r#"<text class="stamp" x="{x}" y="{y}">{}</text>"#, escaped(stamp)));
        }
        out.push_str("</svg>");
        out
    }
}

// === impl Timeline ===

impl Timeline<'_> {
    /// Where a time is, from 0 to 1.
    pub(super) fn position(&self, at_s: f64) -> f64 {
        (at_s / self.end_s).clamp(0.0, 1.0)
    }

    /// Where a point is: in the middle of its intervals.
    pub(super) fn position_of(&self, point: &DrawnPoint) -> f64 {
        self.position(f64::midpoint(point.from_s, point.to_s))
    }

    /// A time as the axis names it.
    fn name(&self, at_s: f64) -> String {
        if self.end_s >= 120.0 { clock(at_s) } else { format!("{} s", trimmed(at_s)) }
    }
}

// === impl Canvas ===

impl<'a> Canvas<'a> {
    fn new(layout: Layout, timeline: &'a Timeline<'a>) -> Self {
        let mut canvas = Self { layout, timeline, labels: Vec::new(), top: 8.0 };
        canvas.labels = canvas.placed_labels();
        let lanes = canvas.labels.iter().map(|label| label.lane + 1).max().unwrap_or(0);
        canvas.top += lanes as f64 * canvas.lane_height();
        canvas
    }

    fn lane_height(&self) -> f64 {
        self.layout.text + 4.0
    }

    fn inner_width(&self) -> f64 {
        self.layout.width - self.layout.left - self.layout.right
    }

    fn bottom(&self) -> f64 {
        self.top + self.layout.height
    }

    fn x(&self, position: f64) -> f64 {
        self.layout.left + position * self.inner_width()
    }

    fn y(&self, scale: &Scale, value: f64) -> f64 {
        self.bottom() - scale.position(value) * self.layout.height
    }

    /// Names side by side where they fit, else in rows; those beyond the last row are left to the table.
    fn placed_labels(&self) -> Vec<Label> {
        let right_end = self.layout.width - 2.0;
        let mut lane_ends = [f64::MIN; LANES_MAX];
        let mut labels = Vec::new();
        for fault in drawn_faults(self.timeline.faults) {
            let text = fitted(&visible(&fault.name), LABEL_COLUMNS_MAX);
            // The widest letters of a proportional font are wider, its mean letter is narrower.
            let width = text.chars().count() as f64 * self.layout.text * 0.6 + 8.0;
            let left = self.x(self.timeline.position(fault.from_s)).min(right_end - width).max(0.0);
            if let Some(lane) = lane_ends.iter().position(|end| *end <= left) {
                lane_ends[lane] = left + width;
                labels.push(Label { text, left, lane });
            }
        }
        labels
    }

    fn faults(&self) -> String {
        let (bottom, mut out) = (self.bottom(), String::new());
        for fault in drawn_faults(self.timeline.faults) {
            let from = self.x(self.timeline.position(fault.from_s));
            let width = (self.x(self.timeline.position(fault.to_s)) - from).max(1.0);
            out.push_str(&format!(
                r#"<g class="fault"><title>{name}: {begun} to {ended}</title><rect x="{from:.1}" y="{top}" width="{width:.1}" height="{height}"/></g>"#,
                name = escaped_within(&fault.name, TITLE_BYTES_MAX),
                begun = seconds(fault.from_s),
                ended = seconds(fault.to_s),
                top = self.top,
                height = bottom - self.top,
            ));
        }
        for label in &self.labels {
            let y = (label.lane + 1) as f64 * self.lane_height();
            let text = escaped(&label.text);
            out.push_str(&format!(r#"<text class="fault-name" x="{:.1}" y="{y}">{text}</text>"#, label.left));
        }
        out
    }

    fn grid(&self, scale: &Scale) -> String {
        let (left, right, bottom) = (self.layout.left, self.layout.width - self.layout.right, self.bottom());
        let mut out = String::new();
        for tick in scale.ticks() {
            let y = self.y(scale, tick);
            out.push_str(&format!(
                r#"<line class="grid" x1="{left}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/><text class="tick value" x="{x}" y="{text_y:.1}">{name}</text>"#,
                x = left - 6.0,
                text_y = y + self.layout.text * 0.35,
                name = trimmed(tick),
            ));
        }
        for tick in time_ticks(self.timeline.end_s, self.layout.time_ticks_max) {
            let x = self.x(self.timeline.position(tick));
            out.push_str(&format!(
                r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{bottom}" y2="{y2}"/><text class="tick time" x="{text_x:.1}" y="{y}">{name}</text>"#,
                text_x = x.min(right - self.layout.text * 0.8),
                y2 = bottom + 4.0,
                y = bottom + self.layout.text + 6.0,
                name = self.timeline.name(tick),
            ));
        }
        out
    }

    /// With a gap where there is no value. A value between two gaps is a dot, drawn by the round ends of its line.
    fn path(&self, line: &Line, scale: &Scale) -> String {
        let (mut out, mut pen_down) = (String::new(), false);
        for point in self.timeline.points {
            let value = (line.value)(point).filter(|value| value.is_finite());
            if let Some(value) = value {
                let (x, y) = (self.x(self.timeline.position_of(point)), self.y(scale, value));
                let dot = if pen_down { "" } else { "h0" };
                out.push_str(&format!("{}{x:.1} {y:.1}{dot}", if pen_down { 'L' } else { 'M' }));
            }
            pen_down = value.is_some();
        }
        out
    }
}

/// Those that have a place on the axis.
fn drawn_faults(faults: &[FaultWindow]) -> impl Iterator<Item = &FaultWindow> {
    faults.iter().filter(|fault| fault.from_s.is_finite() && fault.to_s.is_finite())
}

/// A round value without zeros at its end.
fn trimmed(value: f64) -> String {
    if value >= 1000.0 {
        return count(value.round() as u64);
    }
    let text = format!("{value:.7}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Line, NARROW, Plot, Timeline, WIDE, trimmed};
    use crate::output::axis::Scale;
    use crate::output::sample;
    use crate::output::thin::Drawn;
    use crate::results::model::{FaultWindow, Point, Series};

    fn in_flight(point: &crate::output::thin::DrawnPoint) -> Option<f64> {
        point.in_flight.filter(|requests| *requests > 0).map(|requests| requests as f64)
    }

    #[test]
    fn line_has_gaps() {
        let in_flight_of = [5, 0, 10, 10];
        let points = in_flight_of.iter().enumerate();
        let points = points.map(|(at, in_flight)| Point {
            at_s: at as f64 + 1.0,
            in_flight: Some(*in_flight),
            ..Point::default()
        });
        let drawn = Drawn::of(&Series { interval_s: 1.0, points: points.collect() });
        let timeline = Timeline { end_s: 4.0, points: &drawn.points, faults: &[], stamp: None };
        let canvas = Canvas::new(WIDE, &timeline);
        let line = Line { class: "", value: in_flight };
        let path = canvas.path(&line, &Scale::Linear { step: 5.0, high: 10.0 });
        assert_eq!(path, "M165.5 118.0h0M611.5 8.0h0L834.5 8.0");
    }

    #[test]
    fn names_of_faults_do_not_overlap() {
        let fault =
            |from_s: f64| FaultWindow { from_s, to_s: from_s + 1.0, ..sample::results().faults[0].clone() };
        let faults: Vec<FaultWindow> = [10.0, 11.0, 12.0, 13.0, 55.0, 59.9].map(fault).into();
        let timeline = Timeline { end_s: 60.0, points: &[], faults: &faults, stamp: None };
        for layout in [WIDE, NARROW] {
            let canvas = Canvas::new(layout, &timeline);
            let lanes: Vec<usize> = canvas.labels.iter().map(|label| label.lane).collect();
            assert_eq!(lanes, [0, 1, 2, 0, 1], "the fourth has no room");
            assert!(canvas.labels.iter().all(|label| label.left >= 0.0 && label.left < layout.width - 50.0));
        }
    }

    #[test]
    fn hostile_names_stay_text() {
        let results = sample::hostile_results();
        let drawn = Drawn::of(&results.series);
        let timeline =
            Timeline { end_s: 60.0, points: &drawn.points, faults: &results.faults, stamp: Some("INVALID") };
        let plot = Plot {
            id: "in-flight",
            title: "In flight",
            description: String::new(),
            scale: Scale::linear(std::iter::once(200.0)),
            lines: vec![Line { class: "p50", value: in_flight }],
        };
        let svg = plot.svg(WIDE, &timeline);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let names: Vec<&str> = document.descendants().map(|node| node.tag_name().name()).collect();
        assert!(!names.contains(&"img") && !names.contains(&"script"), "{names:?}");
        assert!(svg.contains("&lt;/script&gt;") && svg.contains(">INVALID<"));
    }

    #[test]
    fn ticks_have_no_needless_zeros() {
        assert_eq!(
            [0.0, 0.2, 0.1 * 3.0, 5.0, 10.0, 20_000.0].map(trimmed),
            ["0", "0.2", "0.3", "5", "10", "20,000"]
        );
    }
}
