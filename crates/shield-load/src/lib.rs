//! Load that is measured honestly, and faults that are always undone.
//!
//! A [`LoadFile`] becomes a [`LoadPlan`]; [`run_session`] runs it with its faults and holds it against its thresholds, [`start`]
//! runs the load alone. Two models, named in each report. Closed: a fixed number of users, each with one request under way at
//! a time. Open: requests are due by a [`Schedule`], whatever the target does, and latency counts from then; a target that
//! stands still is seen to stand still. What it guarantees:
//!
//! - `offered = answered + failed + unsent`, by counters that are kept apart, so that the sum is a check;
//! - no request is sent twice, whatever happens to it. A connection that the server closed while it was idle, or said it
//!   would close, is opened anew before the next request is written: nothing was sent, so nothing is repeated;
//! - a request of which a byte may have left and that got no whole answer has failed, and if it carried an id, that id is
//!   *unknown*: it may have been applied. [`reconcile`] holds both against the target's ledger;
//! - a run whose generator was the bottleneck says so ([`GeneratorAudit`]);
//! - no fault outlives its lease ([`guard_main`]).
//!
//! What it refuses: TLS without a certificate to trust, and to hide a stall.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod adapter;
mod bench;
mod compare;
mod engine;
mod fault;
mod fleet;
mod measure;
pub mod output;
mod plan;
mod results;
mod scenario;
mod session;
mod wire;

pub use adapter::artillery::{ArtilleryOutputs, results as artillery_results};
pub use adapter::artillery_script::EnsureLine;
pub use adapter::context::{ParseForeignError, ToolContext};
pub use adapter::error::RunForeignError;
pub use adapter::k6::{K6Outputs, results as k6_results};
pub use adapter::k6_samples::K6Samples;
pub use adapter::locust::{LocustOutputs, results as locust_results};
pub use adapter::run::{ForeignRun, run_foreign};
pub use adapter::tool::ForeignTool;
pub use bench::error::BenchError;
pub use bench::order::{
    BenchComponent, BenchOrder, COMPONENT_LONGEST_METRIC, COMPONENT_METRIC, Primitive, PrimitiveKind,
};
pub use bench::results::{
    Added, BENCH_FORMAT, BenchResults, Bucket, ComponentFigures, ComponentResults, PrimitiveFigures,
    RequestFigures,
};
pub use bench::run::{LOAD_SHARE, run_bench};
pub use compare::analyse::analyse;
pub use compare::block::{Block, Side};
pub use compare::pauses::{Pauses, StoodStill};
pub use compare::record::{CompareError, Recording, compare, record};
pub use compare::settings::{CompareSettings, CompareSettingsError};
pub use compare::verdict::{Comparison, Finding, Interval, Metric, MetricVerdict};
pub use engine::arrivals::{Arrivals, Phase, Schedule, Spacing};
pub use engine::handle::{LoadHandle, WaitForLoadError};
pub use engine::run::{run, start};
pub use engine::stop::Stopper;
pub use fault::guard::leftovers::{Leftovers, UndoLeftoversError, undo_leftovers};
pub use fault::guard::life::{GuardError, guard_main};
pub use fault::guard::role::GuardProgram;
pub use fault::plan::effect::{Effect, ScheduledFault};
pub use fault::plan::model::{DiskAmount, Fault, FaultPlan, PlannedFault, PlannedProxy, ProxyKind};
pub use fault::plan::schedule::ScheduleFaultsError;
pub use fault::process::finder::{FindTargetError, TargetFinder};
pub use fault::process::identity::{ProcessIdentity, ProcessTarget, Reach, TargetError};
pub use fault::proxy::{
    Bursts, Direction, DnsCounts, DnsFault, DnsTrouble, ExpiredCertificate, ExpiredCounts, FaultProxy,
    NetworkFault, ProxyCounts, StartExpiredError,
};
pub use fault::runner::event::FaultEvent;
pub use fault::runner::start::{FaultRunner, PreparedFaults, StartFaultsError};
pub use fleet::identity::{ParseWorkerError, WorkerAddress, WorkerIdentity, WorkerIdentityError};
pub use fleet::prepare::PrepareFleetError;
pub use fleet::worker::{StartWorkerError, Worker};
pub use measure::audit::GeneratorAudit;
pub use measure::counters::LoadCounters;
pub use measure::failure::{Failure, FailureKind};
pub use measure::histogram::{HIGHEST_VALUE, Histogram};
pub use measure::ids::PostedIds;
pub use measure::reconcile::{Reconciliation, reconcile};
pub use measure::report::{LatencySummary, LoadReport, LoadSummary, StepCounts};
pub use measure::series::Snapshot;
pub use plan::model::{ClientGroup, Connection, LoadPlan, Model, Protocol, Scheme, Stop, Target};
pub use plan::share::Share;
pub use plan::validate::StartLoadError;
pub use results::abort::{AbortRule, AbortWatch};
pub use results::model::{
    CheckResults, FaultWindow, Point, RESULTS_FORMAT, Reconciled, RunResults, Series, StepResults,
    ThresholdResult, Totals, Verdict,
};
pub use results::prometheus::{EXPOSITION_BYTES_MAX, Exposition, ReadExpositionError, Sample};
pub use results::read::{ReadResultsError, read_results};
pub use results::thresholds::{Limit, Moment, Percentile, TargetLimit, TargetWatch, Thresholds};
pub use scenario::faults::{AimFaultError, FaultSection, FaultsSection, ProxySection};
pub use scenario::file::{CounterSource, FileModel, FileTarget, LoadFile, MetricsSource};
pub use scenario::mix::RequestMix;
pub use scenario::model::{
    Action, Check, Demand, Extract, Feed, FeedOrder, HttpRequest, Place, Refresh, Scenario, Step, Workload,
};
pub use scenario::read::{read_load_file, read_load_file_with};
pub use scenario::template::{Escape, Part, Template, Value};
pub use session::fetch::FetchError;
pub use session::run::{FaultOrder, INTERRUPTED, IntervalEnded, SessionError, SessionOrder, run_session};
pub use session::windows::SteadyState;
