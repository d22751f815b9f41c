//! A run on several workers, in the place of one generator.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::fleet::identity::WorkerAddress;
use crate::fleet::member::{End, Member};
use crate::fleet::prepare::{PrepareFleetError, prepare};
use crate::measure::report::LoadReport;
use crate::measure::series::Snapshot;
use crate::plan::model::LoadPlan;

/// From the word to the start: it must have reached every worker by then.
const LEAD: Duration = Duration::from_millis(300);

/// Workers that run one plan together.
#[derive(Debug)]
pub(crate) struct Fleet {
    started: Instant,
    members: Vec<Member>,
    stop: watch::Sender<bool>,
    model: &'static str,
    failures_kept_max: usize,
}

// === impl Fleet ===

impl Fleet {
    /// Prepares every worker, then starts them all at one moment.
    pub(crate) async fn start(workers: &[WorkerAddress], plan: &LoadPlan) -> Result<Self, PrepareFleetError> {
        let ready = prepare(workers, plan).await?;
        let started = tokio::time::Instant::now() + LEAD;
        let stop = watch::Sender::new(false);
        Ok(Self {
            started: started.into_std(),
            members: ready.into_iter().map(|ready| Member::start(ready, started, &stop)).collect(),
            stop,
            model: plan.model.name(),
            failures_kept_max: plan.failures_kept_max,
        })
    }

    /// Workers that have something to do.
    pub(crate) fn workers(&self) -> usize {
        self.members.len()
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Up to when all workers have told what they counted: the clock of the samples.
    pub(crate) fn elapsed(&self) -> Duration {
        let tick = self.tick();
        let at = self.members.iter().map(|member| member.with_sample(tick, |sample| sample.at));
        at.max().unwrap_or_default()
    }

    /// What all had counted at the newest moment that all have told of.
    pub(crate) fn sample(&self) -> Snapshot {
        let tick = self.tick();
        let mut whole = Snapshot::default();
        self.members.iter().for_each(|member| member.with_sample(tick, |sample| whole.merge(sample)));
        whole
    }

    fn tick(&self) -> u64 {
        let running = self.members.iter().filter(|member| !member.ended());
        running.map(Member::tick).min().unwrap_or(u64::MAX)
    }

    /// No worker begins a request from now on; those that were sent are finished.
    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    pub(crate) fn ended(&self) -> bool {
        self.members.iter().all(Member::ended)
    }

    /// The reports of all as one, and what is missing: each of it makes the run invalid, as does a worker that was the bottleneck.
    pub(crate) async fn join(self) -> (LoadReport, Vec<String>) {
        let mut whole = LoadReport { model: self.model.to_owned(), ..LoadReport::default() };
        let (mut missing, mut problems, mut first) = (Vec::new(), Vec::new(), true);
        for member in self.members {
            let (worker, end) = member.end().await;
            let mut report = match end {
                End::Reported { report, interrupted } => {
                    missing.extend(interrupted.then(|| format!("worker `{worker}` was interrupted")));
                    *report
                }
                End::Lost(why) => {
                    missing.push(format!(
                        "worker `{worker}` was lost: {why}; its requests are not in the totals"
                    ));
                    continue;
                }
            };
            let own = std::mem::take(&mut report.audit.invalid);
            problems.extend(own.into_iter().map(|problem| format!("worker `{worker}`: {problem}")));
            if !report.accounted() {
                missing.push(format!("worker `{worker}` does not account for every request"));
            }
            if std::mem::take(&mut first) {
                whole = report;
            } else {
                whole.merge(report);
            }
        }
        whole.audit.invalid = problems;
        whole.failures.sort_by_key(|failure| failure.at);
        whole.failures.truncate(self.failures_kept_max);
        (whole, missing)
    }
}
