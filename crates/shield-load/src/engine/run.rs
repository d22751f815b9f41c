//! From a plan to a report.

use std::future::pending;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fastrand::Rng;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::engine::gate::Gate;
use crate::engine::handle::LoadHandle;
use crate::engine::lane::{Client, Lane, Shared, Source};
use crate::engine::pacer::Pacer;
use crate::engine::stop::Stopper;
use crate::measure::audit::GeneratorMeter;
use crate::measure::counters::{AtomicHistogram, Counters};
use crate::measure::failure::FailureKind;
use crate::measure::ids::{LaneIds, PostedIds};
use crate::measure::report::LoadReport;
use crate::plan::model::{ClientGroup, LoadPlan, Model, Protocol, Stop};
use crate::plan::validate::{StartLoadError, validate};
use crate::wire::connect::Connector;
use crate::wire::http1::Http1Client;
use crate::wire::http2::{Http2Client, SharedConnection};
use crate::wire::request::{Http1Requests, Http2Requests};

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
        (Model::Closed, Stop::Requests(count)) => Source::Closed { tickets: Some(AtomicU64::new(count)) },
        (Model::Closed, Stop::After(_) | Stop::WhenTold) => Source::Closed { tickets: None },
    };
    let counters = Counters::new(plan.failures_kept_max);
    let meter = GeneratorMeter::start();
    let shared = Arc::new(Shared {
        plan,
        counters,
        source,
        gate: Gate::default(),
        lag: AtomicHistogram::default(),
        started: Instant::now(),
    });
    let mut makers = makers(&shared, &stopper)?;
    let mut lanes = Vec::new();
    for maker in &mut makers {
        lanes.extend(maker.begin(lanes.len()));
    }
    let pace = pace(&shared, &stopper)?;
    let run = Run { shared: shared.clone(), stopper: stopper.clone(), makers, pace, meter };
    let task = tokio::spawn(run.supervise(lanes));
    Ok(LoadHandle::new(shared, stopper, task))
}

/// What a run that is under way consists of, besides its lanes.
struct Run {
    shared: Arc<Shared>,
    stopper: Stopper,
    makers: Vec<LaneMaker>,
    pace: Option<Pace>,
    meter: GeneratorMeter,
}

/// The supervisor's ends of the pacer.
struct Pace {
    /// A client is wanted.
    grow: mpsc::UnboundedReceiver<()>,
    /// Ends with the last arrival.
    ended: oneshot::Receiver<()>,
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
        arrivals: schedule.arrivals(shared.plan.seed),
        queue: queue.clone(),
        shared: shared.clone(),
        grow: sender,
        growth_left: clients_max.saturating_sub(begun),
        stop: stopper.signal(),
    };
    pacer.spawn(done).map_err(|source| StartLoadError::Pacer { source })?;
    Ok(Some(Pace { grow, ended }))
}

/// Makes the lanes of one group.
struct LaneMaker {
    shared: Arc<Shared>,
    stopper: Stopper,
    group: ClientGroup,
    connector: Connector,
    requests: Requests,
    seeds: Rng,
}

enum Requests {
    Http1(Arc<Http1Requests>),
    Http2(Arc<Http2Requests>),
}

fn makers(shared: &Arc<Shared>, stopper: &Stopper) -> Result<Vec<LaneMaker>, StartLoadError> {
    let plan = &shared.plan;
    let mut seeds = Rng::with_seed(plan.seed);
    let maker = |group: &ClientGroup| {
        Ok(LaneMaker {
            shared: shared.clone(),
            stopper: stopper.clone(),
            group: group.clone(),
            connector: Connector::new(plan, group.protocol, group.connection)?,
            requests: match group.protocol {
                Protocol::Http1 => Requests::Http1(Arc::new(Http1Requests::new(plan, group.connection))),
                Protocol::Http2 => Requests::Http2(Arc::new(Http2Requests::new(plan))),
            },
            seeds: seeds.fork(),
        })
    };
    plan.clients.iter().map(maker).collect()
}

// === impl LaneMaker ===

impl LaneMaker {
    /// The lanes that the group begins with, numbered from `first`: one per stream of each client.
    fn begin(&mut self, first: usize) -> Vec<Lane> {
        let mut lanes = Vec::new();
        for _ in 0..self.group.count {
            let connection = Arc::new(SharedConnection::default());
            for _ in 0..self.group.streams {
                lanes.push(self.lane(first + lanes.len(), connection.clone()));
            }
        }
        lanes
    }

    /// A lane on a connection that streams may share.
    fn lane(&mut self, index: usize, shared_connection: Arc<SharedConnection>) -> Lane {
        let (connector, kept) = (self.connector.clone(), self.group.connection);
        let client = match &self.requests {
            Requests::Http1(requests) => Client::Http1(Http1Client::new(connector, requests.clone(), kept)),
            Requests::Http2(requests) => {
                Client::Http2(Http2Client::new(connector, requests.clone(), kept, shared_connection))
            }
        };
        Lane {
            index: u32::try_from(index).expect("a validated plan has fewer lanes"),
            shared: self.shared.clone(),
            client,
            pause: self.group.pause,
            random: self.seeds.fork(),
            stop: self.stopper.signal(),
            ids: LaneIds::default(),
        }
    }
}

// === impl Run ===

impl Run {
    /// Runs the lanes, makes those that are wanted, stops them in time, and adds up.
    async fn supervise(mut self, lanes: Vec<Lane>) -> LoadReport {
        let mut ids = vec![LaneIds::default(); lanes.len()];
        let mut running = JoinSet::new();
        for lane in lanes {
            running.spawn(lane.run());
        }
        let (mut grow, ended) = match self.pace.take() {
            Some(Pace { grow, ended }) => (Some(grow), Some(ended)),
            None => (None, None),
        };
        let mut time_is_up = pin!(time_is_up(self.shared.clone(), ended));
        let mut stopped = false;
        loop {
            tokio::select! {
                lane = running.join_next() => match lane {
                    Some(Ok((index, lane_ids))) => ids[index as usize] = lane_ids,
                    // A lane that panicked lost its count: a report without it would be wrong.
                    Some(Err(error)) => resume_unwind(error.try_into_panic().unwrap_or_else(|error| Box::new(error))),
                    None => break,
                },
                Some(()) = wanted(&mut grow) => {
                    let lane = self.makers[0].lane(ids.len(), Arc::default());
                    ids.push(LaneIds::default());
                    running.spawn(lane.run());
                }
                () = time_is_up.as_mut(), if !stopped => {
                    stopped = true;
                    self.stopper.stop();
                }
            }
        }
        // A pacer that still sleeps has nobody to pace.
        self.stopper.stop();
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
async fn time_is_up(shared: Arc<Shared>, last_arrival: Option<oneshot::Receiver<()>>) {
    let stop = async {
        match shared.plan.stop {
            Stop::After(duration) => tokio::time::sleep_until(shared.started + duration).await,
            Stop::Requests(_) | Stop::WhenTold => pending().await,
        }
    };
    let drained = async {
        match last_arrival {
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
    let (offered, left) = match (&shared.source, shared.plan.stop) {
        (Source::Open(queue), _) => (queue.offered(), queue.left()),
        (Source::Closed { .. }, Stop::Requests(count)) => (count, count - counters.begun),
        (Source::Closed { .. }, Stop::After(_) | Stop::WhenTold) => (counters.begun, 0),
    };
    let failed = FailureKind::ALL.into_iter().map(|kind| (kind, shared.counters.failed(kind)));
    let elapsed = shared.started.elapsed();
    let lag = shared.lag.read();
    LoadReport {
        model: shared.plan.model.name(),
        offered,
        answered: counters.answered,
        failed: failed.filter(|(_, times)| *times > 0).collect(),
        unsent: left + counters.abandoned,
        statuses: shared.counters.statuses().collect(),
        connections: counters.connections,
        latency: shared.counters.latency(),
        service: shared.counters.service(),
        audit: meter.audit(&lag, elapsed),
        lag,
        posted: PostedIds { prefix: shared.plan.mix.id_prefix.clone(), lanes },
        failures: shared.counters.take_failures(),
        elapsed,
    }
}
