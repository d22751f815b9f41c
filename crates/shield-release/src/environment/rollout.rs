//! The release under way: where it stands, and whether it can still be taken back.

use serde::{Deserialize, Serialize};
use shield_types::{ReleaseId, Timestamp};

use crate::{Plan, ReleaseOutcome, ReleaseSpec};

/// A release under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollout {
    /// What it does.
    pub(super) plan: Plan,
    /// Where it stands.
    pub(super) position: Position,
    /// When it was requested.
    pub(super) started_at: Timestamp,
    /// When the edge confirmed the swap.
    pub(super) promoted_at: Option<Timestamp>,
    /// Requests in flight at the swap.
    pub(super) claims_at_swap: Option<u64>,
    /// How it will end, once that is decided.
    pub(super) outcome: ReleaseOutcome,
}

/// Where a release stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "position", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Position {
    /// Its instances start.
    Starting {
        /// All must be healthy by then.
        deadline: Timestamp,
    },
    /// The swap is ordered, not yet confirmed.
    Promoting {
        /// The edge must confirm by then.
        deadline: Timestamp,
    },
    /// It has the traffic; the old pool is warm.
    Watching {
        /// End of the watch.
        until: Timestamp,
    },
    /// The old pool is on its way out; the release will be done.
    RetiringOld,
    /// This release is on its way out; the old one has, or gets back, the traffic.
    RetiringNew,
}

// === impl Rollout ===

impl Rollout {
    /// What is released.
    pub fn release(&self) -> &ReleaseSpec {
        &self.plan.release
    }

    /// Its id.
    pub fn id(&self) -> &ReleaseId {
        &self.plan.release.id
    }

    /// The release that had the traffic before.
    pub fn previous(&self) -> Option<&ReleaseId> {
        self.plan.previous.as_ref()
    }

    /// Where it stands.
    pub fn position(&self) -> Position {
        self.position
    }

    /// What it does.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// When the edge confirmed the swap.
    pub fn promoted_at(&self) -> Option<Timestamp> {
        self.promoted_at
    }

    /// Requests in flight at the swap.
    pub fn claims_at_swap(&self) -> Option<u64> {
        self.claims_at_swap
    }
}
