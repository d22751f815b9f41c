//! What the runner and the guard say to each other. Times are those of the monotonic clock, which all processes share.

use std::net::SocketAddr;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::fault::plan::effect::Effect;

/// To the guard. Any message renews the lease.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub(crate) enum Command {
    /// Check, write down how to undo it, start what it needs.
    Prepare { id: usize, effect: Effect },
    /// Do it, now.
    Begin { id: usize },
    /// Undo it, now.
    Undo { id: usize },
    /// The runner lives.
    Heartbeat,
    /// Undo everything and end.
    End,
}

/// From the guard.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// It is there, and its proxies listen.
    Ready { proxies: Vec<(String, SocketAddr)> },
    /// It could not start.
    Refused { why: String },
    /// A fault can begin.
    Prepared { id: usize },
    /// A fault is in effect.
    Began { id: usize, at_ns: u64 },
    /// A fault is no longer in effect.
    Undone { id: usize, at_ns: u64 },
    /// A fault never came into effect.
    Failed { id: usize, why: String },
    /// A fault could not be undone; it is tried again.
    UndoFailed { id: usize, why: String },
}

// === impl Answer ===

impl Answer {
    /// The fault that it is about.
    pub(crate) fn fault(&self) -> Option<usize> {
        match self {
            Self::Ready { .. } | Self::Refused { .. } => None,
            Self::Prepared { id }
            | Self::Began { id, .. }
            | Self::Undone { id, .. }
            | Self::Failed { id, .. }
            | Self::UndoFailed { id, .. } => Some(*id),
        }
    }
}

/// Now, on the clock that all processes share.
pub(crate) fn monotonic_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}
