//! What was seen of production over time, and what follows from it. Pure.

use std::time::{Duration, Instant};

/// One look at production.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sighting {
    pub(crate) at: Instant,
    /// What was not as before; `None` when everything was.
    pub(crate) unmet: Option<String>,
    /// The process that the drill kills was still shown.
    pub(crate) victim_shown: bool,
}

/// Looks, oldest first; of those that say the same in a row, the first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sightings(Vec<Sighting>);

// === impl Sightings ===

impl Sightings {
    pub(crate) fn push(&mut self, sighting: Sighting) {
        let same =
            |last: &Sighting| last.unmet == sighting.unmet && last.victim_shown == sighting.victim_shown;
        if !self.0.last().is_some_and(same) {
            self.0.push(sighting);
        }
    }

    /// From `began` until it was first seen that something is wrong.
    pub(crate) fn detected_after(&self, began: Instant) -> Option<Duration> {
        let wrong = |sighting: &&Sighting| sighting.at >= began && sighting.unmet.is_some();
        self.0.iter().find(wrong).map(|sighting| sighting.at - began)
    }

    /// From `ended` until everything was as before, and stayed so; `None` when it is not.
    pub(crate) fn restored_after(&self, ended: Instant) -> Option<Duration> {
        let last = self.0.last().filter(|last| last.unmet.is_none() && !last.victim_shown)?;
        Some(last.at.saturating_duration_since(ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks, one per second: `.` as before, `v` the victim is shown, `x` something is wrong.
    fn seen(course: &str) -> (Sightings, Instant) {
        let start = Instant::now();
        let mut sightings = Sightings::default();
        for (second, letter) in (0..).zip(course.chars()) {
            sightings.push(Sighting {
                at: start + Duration::from_secs(second),
                unmet: (letter == 'x').then(|| "wrong".to_owned()),
                victim_shown: letter == 'v',
            });
        }
        (sightings, start)
    }

    fn seconds(duration: Option<Duration>) -> Option<u64> {
        duration.map(|duration| duration.as_secs())
    }

    #[test]
    fn detection_and_restoration_are_timed() {
        let (sightings, start) = seen("vvvxxx...");
        assert_eq!(seconds(sightings.detected_after(start + Duration::from_secs(2))), Some(1));
        assert_eq!(seconds(sightings.restored_after(start + Duration::from_secs(2))), Some(4));
    }

    #[test]
    fn relapse_is_no_restoration() {
        let (sightings, start) = seen("..x.x");
        assert_eq!(sightings.restored_after(start), None);
        let (sightings, start) = seen("..x.x.");
        assert_eq!(seconds(sightings.restored_after(start)), Some(5));
    }

    #[test]
    fn unnoticed_death_is_no_restoration() {
        let (sightings, start) = seen("vvvv");
        assert_eq!((sightings.detected_after(start), sightings.restored_after(start)), (None, None));
        assert!(sightings.0[0].victim_shown);
    }

    #[test]
    fn nothing_noticed_is_restored_at_once() {
        let (sightings, start) = seen("....");
        assert_eq!(seconds(sightings.restored_after(start + Duration::from_secs(2))), Some(0));
    }
}
