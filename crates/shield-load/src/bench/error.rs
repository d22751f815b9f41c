//! Why nothing was measured.

use thiserror::Error;

use crate::compare::record::CompareError;
use crate::plan::validate::StartLoadError;
use crate::session::fetch::FetchError;

/// Nothing was measured.
#[derive(Debug, Error)]
pub enum BenchError {
    /// The service or its metrics cannot be found.
    #[error("find the service")]
    Find(#[from] FetchError),
    /// A component's requests are nowhere.
    #[error("measure `{component}` by scenario `{scenario}`: the load file has none of this name")]
    NoScenario {
        /// Of which component.
        component: String,
        /// The name.
        scenario: String,
    },
    /// The load file cannot be run.
    #[error("start the load")]
    Start(#[from] StartLoadError),
    /// Nothing listens, or nothing answers.
    #[error("measure the service: it answered nothing to scenario `{scenario}`: {reason}")]
    Unreachable {
        /// The first one tried.
        scenario: String,
        /// What happened instead.
        reason: String,
    },
    /// Answers are not those that the load file expects.
    #[error("measure the service: scenario `{scenario}` is not answered as it expects: {reason}")]
    Unexpected {
        /// The scenario.
        scenario: String,
        /// What came instead.
        reason: String,
    },
    /// What was measured is a limit of the service on whoever measures it, and nothing else.
    #[error(
        "measure the service: the run is INVALID, it answered 429 to `{refused}` requests of `{scenario}`: raise its \
        limits for the bench (LinkShield: `--account-limit`, `--anonymous-limit`, `--address-limit`)"
    )]
    Limited {
        /// The scenario, or the load file when all of them were sent.
        scenario: String,
        /// How many.
        refused: u64,
    },
    /// Its metrics cannot be read.
    #[error("read the metrics at `{url}`: {reason}")]
    Metrics {
        /// Where.
        url: String,
        /// Why not.
        reason: String,
    },
    /// Two requests could not take turns.
    #[error("compare requests with and without `{component}`")]
    Compare {
        /// The component.
        component: String,
        /// Why.
        #[source]
        source: Box<CompareError>,
    },
}
