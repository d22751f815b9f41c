//! The loads of a measurement, and what they come to.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::bench::results::RequestFigures;
use crate::engine::arrivals::{Phase, Schedule, Spacing};
use crate::engine::run::start;
use crate::measure::failure::{FailureGroups, FailureKind};
use crate::measure::histogram::Histogram;
use crate::measure::report::LoadReport;
use crate::plan::model::{LoadPlan, Stop};
use crate::plan::validate::StartLoadError;
use crate::scenario::file::{FileModel, LoadFile};
use crate::scenario::model::{Scenario, Workload};

/// Iterations that show whether a scenario works at all.
const TRIAL_ITERATIONS: u64 = 3;
/// Share of the time of a capacity that goes by before it is counted.
const WARM_UP: f64 = 0.25;
/// How long what was sent may take once a load is over.
const GRACE: Duration = Duration::from_secs(5);
/// Most users under load: more than can be waiting at a share of the capacity.
const USERS_MAX: usize = 1_000;
/// Causes that a reason names.
const CAUSES_MAX: usize = 3;
/// RFC 6585, 4.
const TOO_MANY_REQUESTS: u16 = 429;

/// A load file and where it goes.
#[derive(Debug)]
pub(crate) struct Loads<'a> {
    pub(crate) file: &'a LoadFile,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) trust_pem: Option<&'a str>,
}

// === impl Loads ===

impl Loads<'_> {
    /// The scenario of this name.
    pub(crate) fn scenario(&self, name: &str) -> Option<&Scenario> {
        self.file.workload.scenarios.iter().find(|scenario| scenario.name == name)
    }

    /// One user who does only this, until told to stop.
    pub(crate) fn alone(&self, scenario: &Scenario) -> LoadPlan {
        let workload = Workload { scenarios: vec![scenario.clone()], ..self.file.workload.clone() };
        self.plan(closed(1, Stop::WhenTold), workload)
    }

    /// Everything, by the file's users, as fast as it is answered.
    fn all(&self) -> LoadPlan {
        self.plan(closed(self.users(), Stop::WhenTold), self.file.workload.clone())
    }

    /// Everything, at a rate.
    fn at_rate(&self, per_second: f64, duration: Duration) -> LoadPlan {
        let schedule =
            Schedule { phases: vec![Phase::steady(per_second, duration)], spacing: Spacing::Poisson };
        let users = self.users();
        let model = FileModel::Open { schedule, users, users_max: USERS_MAX.max(users) };
        self.plan(model, self.file.workload.clone())
    }

    fn plan(&self, model: FileModel, workload: Workload) -> LoadPlan {
        let file = LoadFile { model, workload, ..self.file.clone() };
        file.plan(self.address, self.trust_pem.map(str::to_owned))
    }

    fn users(&self) -> usize {
        match self.file.model {
            FileModel::Closed { users, .. } | FileModel::Open { users, .. } => users,
        }
    }

    /// Whether a scenario is answered as it expects; if not, why.
    pub(crate) async fn try_out(&self, scenario: &Scenario) -> Result<Result<(), Silence>, StartLoadError> {
        let plan = LoadPlan { stop: Stop::Iterations(TRIAL_ITERATIONS), ..self.alone(scenario) };
        let report = start(plan)?.join().await;
        if report.iterations == TRIAL_ITERATIONS && report.failed_count() == 0 {
            return Ok(Ok(()));
        }
        let (total, limited) = (report.statuses.is_empty(), limited(&report));
        Ok(Err(Silence { total, limited, reason: causes(&report) }))
    }

    /// Iterations per second when users wait for nothing but their answers, and what they were answered.
    pub(crate) async fn capacity(&self, duration: Duration) -> Result<(f64, LoadReport), StartLoadError> {
        let load = start(self.all())?;
        sleep(duration.mul_f64(WARM_UP)).await;
        let (began, before) = (Instant::now(), load.counters().iterations);
        sleep(duration.mul_f64(1.0 - WARM_UP)).await;
        let per_second = (load.counters().iterations - before) as f64 / began.elapsed().as_secs_f64();
        load.stop_within(GRACE);
        Ok((per_second, load.join().await))
    }

    /// Runs everything at a rate.
    pub(crate) async fn run_at(
        &self,
        per_second: f64,
        duration: Duration,
    ) -> Result<LoadReport, StartLoadError> {
        Ok(start(self.at_rate(per_second, duration))?.join().await)
    }
}

/// A scenario that does not work.
#[derive(Debug)]
pub(crate) struct Silence {
    /// Nothing was answered at all.
    pub(crate) total: bool,
    /// Requests that a limit refused.
    pub(crate) limited: u64,
    pub(crate) reason: String,
}

fn closed(users: usize, stop: Stop) -> FileModel {
    FileModel::Closed { users, users_per_connection: 1, stop }
}

/// Requests that were answered 429, unless their steps expect it.
pub(crate) fn limited(report: &LoadReport) -> u64 {
    let refused = report.statuses.get(&TOO_MANY_REQUESTS).copied().unwrap_or(0);
    refused.min(report.failed_as(FailureKind::StatusClientError))
}

/// The first causes of failures.
pub(crate) fn causes(report: &LoadReport) -> String {
    let lines = FailureGroups::told(&report.failures, &report.failed);
    match lines.is_empty() {
        true => "no request was answered".to_owned(),
        false => lines.into_iter().take(CAUSES_MAX).collect::<Vec<_>>().join("; "),
    }
}

/// Latencies of a scenario's own steps, its log-in left out.
pub(crate) fn of_scenario(report: &LoadReport, scenario: &Scenario) -> Option<RequestFigures> {
    let mut latency = Histogram::default();
    let own = |name: &str| scenario.steps.iter().any(|step| step.name == name);
    for step in report.steps.iter().filter(|step| step.scenario == scenario.name && own(&step.name)) {
        latency.merge(&step.latency);
    }
    RequestFigures::of(&scenario.name, &latency)
}
