//! The funnel as a picture: a band that gets narrower with each step.
//!
//! Each row has its own piece of it, stretched to the row, so that texts wrap as texts do and stay as large on a telephone as on a
//! screen.

use crate::report::{
    Criteria, Funnel,
    words::{apart_by, count, steps},
};

/// Half of the width of a piece, in its own units.
const HALF: f64 = 500.0;
/// What is left is still seen.
const NARROWEST: f64 = 6.0;

/// The funnel of a report.
pub(super) fn funnel(funnel: &Funnel, criteria: &Criteria) -> String {
    let width = |left| half_width(left, funnel.all);
    let mut rows = row("whole", &count(funnel.all), "found in all", (width(funnel.all), width(funnel.all)));
    let mut left = funnel.all;
    for (apart, why) in steps(funnel, criteria) {
        let next = left - apart;
        let class = if apart == 0 { "none" } else { "apart" };
        rows.push_str(&row(class, &apart_by(apart), &why, (width(left), width(next))));
        left = next;
    }
    rows.push_str(&row("whole", &count(funnel.open), "to mend", (width(left), width(left))));
    format!(r#"<ol class="funnel">{rows}</ol>"#)
}

/// One row: its number, why, and half of its width above and below.
pub(super) fn row(class: &str, number: &str, why: &str, (above, below): (f64, f64)) -> String {
    let piece = piece(above, below);
    format!(
        r#"<li class="{class}">{piece}<span class="number">{number}</span><span class="why">{why}</span></li>"#
    )
}

/// Areas are seen, not widths: the root keeps five of ten thousand in sight.
pub(super) fn half_width(left: usize, all: usize) -> f64 {
    if left == 0 || all == 0 {
        return 0.0;
    }
    let share = (f64::from(u32::try_from(left).unwrap_or(u32::MAX))
        / f64::from(u32::try_from(all).unwrap_or(u32::MAX)))
    .sqrt();
    (share * HALF).max(NARROWEST)
}

fn piece(above: f64, below: f64) -> String {
    let [a, b, c, d] = [HALF - above, HALF + above, HALF + below, HALF - below].map(|x| format!("{x:.1}"));
    format!(
        r#"<svg class="piece" viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true"><polygon points="{a},0 {b},0 {c},10 {d},10"/></svg>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn band_gets_narrower_to_nothing() {
        assert_eq!((half_width(0, 10), half_width(10, 10)), (0.0, HALF));
        assert_eq!(half_width(1, 1_000_000), NARROWEST);
        assert!(half_width(5, 100) < half_width(6, 100));
        let none =
            Funnel { all: 0, suppressed: 0, accepted: 0, unreachable: 0, dependency: 0, minor: 0, open: 0 };
        assert!(!funnel(&none, &Criteria::default()).contains("NaN"));
    }
}
