//! How old a node's knowledge is, and what may be decided on it.

use std::time::Duration;

use shield_types::Timestamp;

use super::GrantRefusal;

/// What a wrong answer on a route would cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sensitivity {
    /// Changes credentials, rights or money, or shows what must stay secret: needs a set that is known to be complete.
    Sensitive,
    /// Everything else: goes on during an outage for grants too young to have been taken back long ago.
    Ordinary,
}

/// What a node knows of its set at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It was complete no longer ago than the bound.
    Fresh,
    /// It was complete longer ago.
    Stale {
        /// How long ago; [`Duration::MAX`] when it never was.
        age: Duration,
    },
}

// === impl Freshness ===

impl Freshness {
    /// Judges the moment at which a set was last known to be complete. A moment in the future counts like one as far in the
    /// past: a clock that was set back must not make an old set look new.
    pub(super) fn of(complete_at: Option<Timestamp>, now: Timestamp, bound: Duration) -> Self {
        let age = complete_at.map_or(Duration::MAX, |moment| distance(moment, now));
        if age <= bound { Self::Fresh } else { Self::Stale { age } }
    }

    /// Whether a grant that the set does not name may be taken. On a stale set: by ordinary routes, if it was issued no longer
    /// ago than the bound, so that what is wrongly taken was revoked no longer ago than that. On a set that never was
    /// complete: by none.
    pub(super) fn admits(
        self,
        issued_at: Timestamp,
        sensitivity: Sensitivity,
        now: Timestamp,
        bound: Duration,
    ) -> Result<(), GrantRefusal> {
        let Self::Stale { age } = self else {
            return Ok(());
        };
        let young = distance(issued_at, now) <= bound;
        match sensitivity {
            Sensitivity::Ordinary if young && age != Duration::MAX => Ok(()),
            Sensitivity::Ordinary | Sensitivity::Sensitive => Err(GrantRefusal::Stale { age }),
        }
    }
}

fn distance(one: Timestamp, other: Timestamp) -> Duration {
    Duration::from_millis(one.0.abs_diff(other.0))
}
