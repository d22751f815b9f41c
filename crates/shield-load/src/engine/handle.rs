//! A run while it runs.

use std::fmt::{self, Debug};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::engine::lane::{Shared, Source};
use crate::engine::stop::Stopper;
use crate::measure::counters::LoadCounters;
use crate::measure::histogram::Histogram;
use crate::measure::report::LoadReport;
use crate::measure::series::Snapshot;

/// Pause between two looks at the counters.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);

/// A run under way. Dropping it cuts the run off.
pub struct LoadHandle {
    shared: Arc<Shared>,
    stopper: Stopper,
    task: JoinHandle<LoadReport>,
}

/// The counters did not come to what was waited for.
#[derive(Debug, Error)]
pub enum WaitForLoadError {
    /// In the given time.
    #[error("see `{what}` within {limit:?}: {counters:?}")]
    TimedOut {
        /// What was waited for.
        what: String,
        /// How long.
        limit: Duration,
        /// Where they stood.
        counters: LoadCounters,
    },
    /// Before the run ended.
    #[error("see `{what}` before the run ended: {counters:?}")]
    Ended {
        /// What was waited for.
        what: String,
        /// Where they stood.
        counters: LoadCounters,
    },
}

// === impl LoadHandle ===

impl LoadHandle {
    pub(crate) fn new(shared: Arc<Shared>, stopper: Stopper, task: JoinHandle<LoadReport>) -> Self {
        Self { shared, stopper, task }
    }

    /// What was counted up to now.
    #[must_use]
    pub fn counters(&self) -> LoadCounters {
        self.shared.counters.read()
    }

    /// When it began.
    #[must_use]
    pub fn started(&self) -> std::time::Instant {
        self.shared.started.into_std()
    }

    /// Whether the last request has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.task.is_finished()
    }

    /// Everything that was counted up to now, with latencies.
    #[must_use]
    pub fn sample(&self) -> Snapshot {
        self.shared.sample()
    }

    /// The latencies that were recorded up to now, as [`LoadReport::latency`] will hold them.
    #[must_use]
    pub fn latency(&self) -> Histogram {
        self.shared.counters.latency()
    }

    /// Requests that are due and that no client has taken on.
    pub(crate) fn waiting(&self) -> u64 {
        match &self.shared.source {
            Source::Closed { .. } => 0,
            Source::Open(queue) => queue.left(),
        }
    }

    /// No further request becomes due until [`LoadHandle::resume`]; those under way are finished, connections stay open.
    /// The schedule of an open model stands still meanwhile; the time of [`crate::Stop::After`] does not.
    pub fn pause(&self) {
        self.shared.gate.shut();
    }

    /// Goes on after [`LoadHandle::pause`].
    pub fn resume(&self) {
        self.shared.gate.open();
    }

    /// No request is begun from now on; those that were sent are finished. [`LoadHandle::join`] returns after that.
    pub fn stop(&self) {
        self.stopper.stop();
    }

    /// The same, and what was sent is given up when it has no answer within `grace`.
    pub fn stop_within(&self, grace: Duration) {
        self.stopper.stop();
        let stopper = self.stopper.clone();
        tokio::spawn(async move {
            tokio::time::sleep(grace).await;
            stopper.cut();
        });
    }

    /// Something that stops the run from elsewhere.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Waits until the counters satisfy `reached`, such as "1,000 answered" or "one in flight".
    pub async fn wait_until(
        &self,
        what: &str,
        limit: Duration,
        reached: impl Fn(&LoadCounters) -> bool,
    ) -> Result<LoadCounters, WaitForLoadError> {
        let started = Instant::now();
        loop {
            // Looked at before the counters, so that a run that ended is judged by its last ones.
            let ended = self.task.is_finished();
            let counters = self.counters();
            if reached(&counters) {
                return Ok(counters);
            }
            let what = || what.to_owned();
            if ended {
                return Err(WaitForLoadError::Ended { what: what(), counters });
            }
            if started.elapsed() >= limit {
                return Err(WaitForLoadError::TimedOut { what: what(), limit, counters });
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    }

    /// Waits for the end of the run, which is the end of its last request.
    ///
    /// # Panics
    /// When a client panicked: its counts are lost, and a report without them would be wrong.
    pub async fn join(mut self) -> LoadReport {
        match (&mut self.task).await {
            Ok(report) => report,
            Err(error) => resume_unwind(error.try_into_panic().unwrap_or_else(|error| Box::new(error))),
        }
    }
}

impl Drop for LoadHandle {
    fn drop(&mut self) {
        // The pacer's thread hears nothing else.
        self.stopper.stop();
        self.task.abort();
    }
}

impl Debug for LoadHandle {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("LoadHandle").field("counters", &self.counters()).finish_non_exhaustive()
    }
}
