//! What became of each fault, on the clock of the load.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::fault::guard::messages::{Answer, monotonic_ns};
use crate::fault::plan::effect::ScheduledFault;

/// One fault as it happened. Times are seconds from the start of the clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultEvent {
    /// Of the fault in its plan.
    pub name: String,
    /// What it does, in words.
    pub effect: String,
    /// When it was to begin.
    pub planned_s: f64,
    /// When it was in effect; absent until then.
    pub began_s: Option<f64>,
    /// When it was no longer; absent until then.
    pub undone_s: Option<f64>,
    /// Why it never came into effect, or could not be undone at once.
    pub failed: Option<String>,
}

/// From the monotonic clock of the kernel to the clock of the load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadClock {
    start: Instant,
    /// A moment on both clocks.
    seen: (Instant, u64),
}

// === impl FaultEvent ===

impl FaultEvent {
    /// A fault that is still to come.
    pub(crate) fn planned(fault: &ScheduledFault) -> Self {
        Self {
            name: fault.name.clone(),
            effect: fault.effect.to_string(),
            planned_s: fault.from.as_secs_f64(),
            began_s: None,
            undone_s: None,
            failed: None,
        }
    }

    /// Whether nothing more will become of it.
    pub fn over(&self) -> bool {
        self.undone_s.is_some() || (self.failed.is_some() && self.began_s.is_none())
    }
}

/// Notes an answer about one of `events`.
pub(crate) fn note(events: &mut [FaultEvent], clock: LoadClock, answer: Answer) {
    let Some(event) = answer.fault().and_then(|id| events.get_mut(id)) else { return };
    match answer {
        Answer::Began { at_ns, .. } => event.began_s = Some(clock.seconds(at_ns)),
        // What failed half-way is undone too, and was never in effect.
        Answer::Undone { .. } if event.began_s.is_none() => {}
        Answer::Undone { at_ns, .. } => event.undone_s = Some(clock.seconds(at_ns)),
        Answer::Failed { why, .. } | Answer::UndoFailed { why, .. } => event.failed = Some(why),
        Answer::Ready { .. } | Answer::Refused { .. } | Answer::Prepared { .. } => {}
    }
}

// === impl LoadClock ===

impl LoadClock {
    pub(crate) fn new(start: Instant) -> Self {
        Self { start, seen: (Instant::now(), monotonic_ns()) }
    }

    /// The moment `offset` after the start.
    pub(crate) fn at(&self, offset: Duration) -> Instant {
        self.start + offset
    }

    /// Seconds from the start, negative before it.
    fn seconds(&self, at_ns: u64) -> f64 {
        let (seen, seen_ns) = self.seen;
        let seen_s = match seen.checked_duration_since(self.start) {
            Some(after) => after.as_secs_f64(),
            None => -self.start.duration_since(seen).as_secs_f64(),
        };
        seen_s + (i128::from(at_ns) - i128::from(seen_ns)) as f64 / 1e9
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::LoadClock;

    #[test]
    fn both_clocks_agree() {
        let now = Instant::now();
        let clock = LoadClock { start: now + Duration::from_secs(2), seen: (now, 10_000_000_000) };
        assert_eq!(clock.seconds(10_000_000_000), -2.0);
        assert_eq!(clock.seconds(12_500_000_000), 0.5);
        assert_eq!(clock.seconds(9_000_000_000), -3.0);
    }
}
