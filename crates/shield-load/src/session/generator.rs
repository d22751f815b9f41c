//! Who makes the load of a session: this process, or workers.

use std::time::{Duration, Instant};

use crate::engine::handle::LoadHandle;
use crate::fleet::run::Fleet;
use crate::measure::report::LoadReport;
use crate::measure::series::Snapshot;

/// How long requests under way may take to their end once a run is ended early.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(1);

/// Whoever makes the load.
#[derive(Debug)]
pub(crate) enum Generator {
    /// This process.
    Here(LoadHandle),
    /// Workers, elsewhere.
    Fleet(Fleet),
}

// === impl Generator ===

impl Generator {
    /// Everything counted up to now.
    pub(crate) fn sample(&self) -> Snapshot {
        match self {
            Self::Here(load) => load.sample(),
            Self::Fleet(fleet) => fleet.sample(),
        }
    }

    /// When the run begins, or began.
    pub(crate) fn started(&self) -> Instant {
        match self {
            Self::Here(load) => load.started(),
            Self::Fleet(fleet) => fleet.started(),
        }
    }

    /// How many workers make the load; none when it is made here.
    pub(crate) fn workers(&self) -> Option<usize> {
        match self {
            Self::Here(_) => None,
            Self::Fleet(fleet) => Some(fleet.workers()),
        }
    }

    /// From the start of the run to what the next sample would tell.
    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::Here(load) => load.started().elapsed(),
            Self::Fleet(fleet) => fleet.elapsed(),
        }
    }

    /// Ends the run early; requests under way are finished, or given up soon.
    pub(crate) fn stop(&self) {
        match self {
            Self::Here(load) => load.stop_within(STOP_GRACE),
            Self::Fleet(fleet) => fleet.stop(),
        }
    }

    pub(crate) fn ended(&self) -> bool {
        match self {
            Self::Here(load) => load.ended(),
            Self::Fleet(fleet) => fleet.ended(),
        }
    }

    /// Waits for the end. Besides the report, what is missing in it: each of it makes the run invalid.
    pub(crate) async fn join(self) -> (LoadReport, Vec<String>) {
        match self {
            Self::Here(load) => (load.join().await, Vec::new()),
            Self::Fleet(fleet) => fleet.join().await,
        }
    }
}
