//! From a plan to a report.

use std::future::pending;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::engine::crew::Crew;
use crate::engine::gate::Gate;
use crate::engine::handle::LoadHandle;
use crate::engine::lane::{Shared, Source};
use crate::engine::maker::{LaneMaker, makers};
use crate::engine::pacer::Pacer;
use crate::engine::stop::Stopper;
use crate::measure::audit::GeneratorMeter;
use crate::measure::counters::{AtomicHistogram, Counters};
use crate::measure::failure::FailureKind;
use crate::measure::ids::{LaneIds, PostedIds};
use crate::measure::report::{LoadReport, StepCounts};
use crate::measure::watch::ThreadWatch;
use crate::plan::model::{LoadPlan, Model, Stop};
use crate::plan::validate::{StartLoadError, validate};
use crate::results::model::CheckResults;
use crate::scenario::model::{Check, Step};
use crate::scenario::program::{Program, ProgramStep};
use crate::scenario::user::FeedCursors;

/// Runs the plan to its end on the current runtime.
pub async fn run(plan: LoadPlan) -> Result<LoadReport, StartLoadError> {
    Ok(start(plan)?.join().await)
}

/// Starts the plan on the current runtime. Dropping the handle cuts the run off.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn start(plan: LoadPlan) -> Result<LoadHandle, StartLoadError> {
    validate(&plan)?;
    let stopper = Stopper::new();
    let source = match (&plan.model, plan.stop) {
        (Model::Open { .. }, _) => Source::Open(Arc::default()),
        (Model::Closed, Stop::Iterations(count)) => Source::Closed { tickets: Some(AtomicU64::new(count)) },
        (Model::Closed, Stop::After(_) | Stop::WhenTold) => Source::Closed { tickets: None },
    };
    let program = Arc::new(Program::new(&plan.workload));
    let clients: usize = plan.clients.iter().map(|group| group.count).sum();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if plan.model == Model::Closed { processors.min(clients) } else { processors };
    let threads = Arc::new(ThreadWatch::new(threads));
    let shared = Arc::new(Shared {
        counters: Counters::new(&program, plan.failures_kept_max),
        cursors: FeedCursors::new(&program),
        program,
        plan,
        source,
        gate: Gate::default(),
        lag: AtomicHistogram::default(),
        started: Instant::now(),
        threads,
    });
    let meter = GeneratorMeter::start();
    let mut makers = makers(&shared, &stopper)?;
    let mut crew = Crew::start(&shared.threads).map_err(|source| StartLoadError::Thread { source })?;
    let mut lanes = 0;
    for maker in &mut makers {
        for _ in 0..maker.clients() {
            let client = maker.client(lanes);
            lanes += client.len();
            crew.hire(client);
        }
    }
    let pace = pace(&shared, &stopper)?;
    let run = Run { shared: shared.clone(), stopper: stopper.clone(), makers, crew, lanes, pace, meter };
    let task = tokio::spawn(run.supervise());
    Ok(LoadHandle::new(shared, stopper, task))
}

/// What a run that is under way consists of, besides its lanes.
struct Run {
    shared: Arc<Shared>,
    stopper: Stopper,
    makers: Vec<LaneMaker>,
    crew: Crew,
    /// Lanes made up to now.
    lanes: usize,
    pace: Option<Pace>,
    meter: GeneratorMeter,
}

/// The supervisor's ends of the pacer.
struct Pace {
    /// A client is wanted.
    grow: mpsc::UnboundedReceiver<()>,
    /// Ends with the schedule.
    ended: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

/// Starts the pacer of an open model.
fn pace(shared: &Arc<Shared>, stopper: &Stopper) -> Result<Option<Pace>, StartLoadError> {
    let (Model::Open { schedule, clients_max }, Source::Open(queue)) = (&shared.plan.model, &shared.source)
    else {
        return Ok(None);
    };
    let (sender, grow) = mpsc::unbounded_channel();
    let (done, ended) = oneshot::channel();
    let begun: usize = shared.plan.clients.iter().map(|group| group.count).sum();
    let pacer = Pacer {
        arrivals: schedule.arrivals_of(shared.plan.share, shared.plan.seed),
        lasts: schedule.duration(),
        queue: queue.clone(),
        shared: shared.clone(),
        grow: sender,
        growth_left: clients_max.saturating_sub(begun),
        stop: stopper.signal(),
    };
    let thread = pacer.spawn(done).map_err(|source| StartLoadError::Thread { source })?;
    Ok(Some(Pace { grow, ended, thread }))
}

// === impl Run ===

impl Run {
    /// Runs the lanes, makes those that are wanted, stops them in time, and adds up.
    async fn supervise(mut self) -> LoadReport {
        let mut ids = vec![LaneIds::default(); self.lanes];
        let (mut grow, ended, pacer) = match self.pace.take() {
            Some(Pace { grow, ended, thread }) => (Some(grow), Some(ended), Some(thread)),
            None => (None, None, None),
        };
        let mut time_is_up = pin!(time_is_up(self.shared.clone(), ended));
        let mut stopped = false;
        loop {
            tokio::select! {
                lane = self.crew.ended() => match lane {
                    Some((index, lane_ids)) => ids[index as usize] = lane_ids,
                    None => break,
                },
                Some(()) = wanted(&mut grow) => {
                    let client = self.makers[0].client(ids.len());
                    ids.resize(ids.len() + client.len(), LaneIds::default());
                    self.crew.hire(client);
                }
                () = time_is_up.as_mut(), if !stopped => {
                    stopped = true;
                    self.stopper.stop();
                }
            }
        }
        // A pacer that still sleeps has nobody to pace. Until it is gone, it may still count an arrival.
        self.stopper.stop();
        if let Some(pacer) = pacer {
            let joined = tokio::task::spawn_blocking(|| pacer.join()).await;
            joined.expect("joining does not panic").unwrap_or_else(|panic| resume_unwind(panic));
        }
        report(&self.shared, ids, self.meter)
    }
}

async fn wanted(grow: &mut Option<mpsc::UnboundedReceiver<()>>) -> Option<()> {
    match grow {
        Some(grow) => grow.recv().await,
        None => None,
    }
}

/// When no further request may be begun. Requests that were due in time get as long as one request may take.
async fn time_is_up(shared: Arc<Shared>, schedule_end: Option<oneshot::Receiver<()>>) {
    let stop = async {
        match shared.plan.stop {
            Stop::After(duration) => tokio::time::sleep_until(shared.started + duration).await,
            Stop::Iterations(_) | Stop::WhenTold => pending().await,
        }
    };
    let drained = async {
        match schedule_end {
            Some(ended) => {
                // A pacer that ended without a word has ended, too.
                let _ = ended.await;
                tokio::time::sleep(shared.plan.request_timeout).await;
            }
            None => pending().await,
        }
    };
    tokio::select! {
        () = stop => {}
        () = drained => {}
    }
}

fn report(shared: &Shared, lanes: Vec<LaneIds>, meter: GeneratorMeter) -> LoadReport {
    let counters = shared.counters.read();
    let (offered, left) = shared.offered(&counters);
    let failed = FailureKind::ALL.into_iter().map(|kind| (kind, shared.counters.failed(kind)));
    let elapsed = shared.started.elapsed();
    let lag = shared.lag.read();
    LoadReport {
        model: shared.plan.model.name().to_owned(),
        offered,
        answered: counters.answered,
        failed: failed.filter(|(_, times)| *times > 0).collect(),
        unsent: left + counters.abandoned,
        statuses: shared.counters.statuses().collect(),
        connections: counters.connections,
        latency: shared.counters.latency(),
        service: shared.counters.service(),
        audit: meter.audit(&lag, &shared.threads, elapsed),
        lag,
        iterations: counters.iterations,
        steps: steps(shared),
        checks: checks(shared),
        posted: PostedIds::of(shared.program.id_prefix.clone(), lanes),
        failures: shared.counters.take_failures(),
        elapsed,
    }
}

fn steps(shared: &Shared) -> Vec<StepCounts> {
    let step = |(index, step): (usize, &ProgramStep)| {
        let (answered, failed, latency) = shared.counters.step(index);
        let latency = latency.unwrap_or_else(|| shared.counters.latency());
        let (scenario, name) = (step.scenario.clone(), step.step.name.clone());
        StepCounts { scenario, name, answered, failed, uncertain: shared.counters.uncertain(index), latency }
    };
    shared.program.steps.iter().enumerate().map(step).collect()
}

fn checks(shared: &Shared) -> Vec<CheckResults> {
    let check = |(index, (step, check)): (usize, (&Step, &Check))| {
        let (passed, failed) = shared.counters.check(index);
        CheckResults { step: step.name.clone(), name: check.name.clone(), passed, failed }
    };
    shared.program.checks().enumerate().map(check).collect()
}
