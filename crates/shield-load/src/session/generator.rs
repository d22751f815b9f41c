//! Who makes the load of a session: this process, or workers.

use std::time::Duration;

use crate::engine::handle::LoadHandle;
use crate::measure::report::LoadReport;
use crate::measure::series::Snapshot;

/// Whoever makes the load.
#[derive(Debug)]
pub(crate) enum Generator {
    /// This process.
    Here(LoadHandle),
}

// === impl Generator ===

impl Generator {
    /// Everything counted up to now.
    pub(crate) fn sample(&self) -> Snapshot {
        match self {
            Self::Here(load) => load.sample(),
        }
    }

    /// From the start of the run.
    pub(crate) fn elapsed(&self) -> Duration {
        match self {
            Self::Here(load) => load.started().elapsed(),
        }
    }

    /// Ends the run early; requests under way are finished.
    pub(crate) fn stop(&self) {
        match self {
            Self::Here(load) => load.stop(),
        }
    }

    pub(crate) fn ended(&self) -> bool {
        match self {
            Self::Here(load) => load.ended(),
        }
    }

    /// Waits for the end.
    pub(crate) async fn join(self) -> LoadReport {
        match self {
            Self::Here(load) => load.join().await,
        }
    }
}
