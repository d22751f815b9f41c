//! Load that is counted honestly: it never retries and accounts for every request.
//!
//! Two models, named in each report. Closed: a fixed number of clients, each with one request under way at a time (or a fixed
//! number, over HTTP/2). Open: requests are due by a [`Schedule`], whatever the target does, and latency counts from then; a
//! target that stands still is seen to stand still. What it guarantees:
//!
//! - `offered = answered + failed + unsent`, by three counters that are kept apart, so that the sum is a check;
//! - no request is sent twice, whatever happens to it. A connection that the server closed while it was idle, or said it
//!   would close, is opened anew before the next request is written: nothing was sent, so nothing is repeated;
//! - a request of which a byte may have left and that got no whole answer has failed, and if it was a POST, its id is
//!   *unknown*: it may have been applied. An id whose answer was 2xx is *applied*. [`reconcile`] holds both against the
//!   backend's ledger.
//!
//! - a run whose generator was the bottleneck says so ([`GeneratorAudit`]).
//!
//! What it refuses: TLS without a certificate to trust, and to hide a stall.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod arrivals;
mod audit;
mod connect;
mod counters;
mod exchange;
mod failure;
mod frames;
mod handle;
mod head;
mod histogram;
mod http1;
mod http2;
mod ids;
mod lane;
mod pacer;
mod plan;
mod queue;
mod reconcile;
mod report;
mod request;
mod run;
mod stop;
mod validate;

pub use arrivals::{Arrivals, Phase, Schedule, Spacing};
pub use audit::GeneratorAudit;
pub use counters::LoadCounters;
pub use failure::{Failure, FailureKind};
pub use handle::{LoadHandle, WaitForLoadError};
pub use histogram::{HIGHEST_VALUE, Histogram};
pub use ids::PostedIds;
pub use plan::{ClientGroup, Connection, LoadPlan, Model, Protocol, RequestMix, Scheme, Stop, Target};
pub use reconcile::{Reconciliation, reconcile};
pub use report::{LatencySummary, LoadReport, LoadSummary};
pub use run::{run, start};
pub use stop::Stopper;
pub use validate::StartLoadError;
