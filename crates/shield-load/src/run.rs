//! From a plan to a report.

use std::future::pending;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::connect::Connector;
use crate::counters::Counters;
use crate::failure::FailureKind;
use crate::handle::LoadHandle;
use crate::http1::Http1Client;
use crate::http2::{Http2Client, SharedConnection};
use crate::ids::{LaneIds, PostedIds};
use crate::lane::{Client, Lane, Shared};
use crate::plan::{ClientGroup, LoadPlan, Protocol, Stop};
use crate::report::LoadReport;
use crate::request::{Http1Requests, Http2Requests};
use crate::stop::Stopper;
use crate::validate::{StartLoadError, validate};

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
    let tickets = match plan.stop {
        Stop::Requests(count) => Some(AtomicU64::new(count)),
        Stop::After(_) | Stop::WhenTold => None,
    };
    let counters = Counters::new(plan.failures_kept_max);
    let shared = Arc::new(Shared { plan, counters, tickets, started: Instant::now() });
    let lanes = lanes(&shared, &stopper)?;
    let task = tokio::spawn(supervise(shared.clone(), lanes, stopper.clone()));
    Ok(LoadHandle::new(shared, stopper, task))
}

/// Makes every lane of every group.
fn lanes(shared: &Arc<Shared>, stopper: &Stopper) -> Result<Vec<Lane>, StartLoadError> {
    let plan = &shared.plan;
    let mut seeds = Rng::with_seed(plan.seed);
    let mut lanes: Vec<Lane> = Vec::new();
    for group in &plan.clients {
        for client in clients(plan, group)? {
            lanes.push(Lane {
                index: u32::try_from(lanes.len()).expect("a validated plan has fewer lanes"),
                shared: shared.clone(),
                client,
                pause: group.pause,
                random: seeds.fork(),
                stop: stopper.signal(),
                ids: LaneIds::default(),
            });
        }
    }
    Ok(lanes)
}

/// The clients of a group, one per stream.
fn clients(plan: &LoadPlan, group: &ClientGroup) -> Result<Vec<Client>, StartLoadError> {
    let connector = Connector::new(plan, group.protocol, group.connection)?;
    Ok(match group.protocol {
        Protocol::Http1 => {
            let requests = Arc::new(Http1Requests::new(plan, group.connection));
            let client =
                |_| Client::Http1(Http1Client::new(connector.clone(), requests.clone(), group.connection));
            (0..group.count).map(client).collect()
        }
        Protocol::Http2 => {
            let requests = Arc::new(Http2Requests::new(plan));
            let stream = |shared: Arc<SharedConnection>| {
                Client::Http2(Http2Client::new(connector.clone(), requests.clone(), group.connection, shared))
            };
            let streams = |_| std::iter::repeat_n(Arc::new(SharedConnection::default()), group.streams);
            (0..group.count).flat_map(streams).map(stream).collect()
        }
    })
}

/// Runs the lanes, stops them in time, and adds up.
async fn supervise(shared: Arc<Shared>, lanes: Vec<Lane>, stopper: Stopper) -> LoadReport {
    let mut ids = vec![LaneIds::default(); lanes.len()];
    let mut running = JoinSet::new();
    for lane in lanes {
        running.spawn(lane.run());
    }
    let mut time_is_up = pin!(async {
        match shared.plan.stop {
            Stop::After(duration) => tokio::time::sleep_until(shared.started + duration).await,
            Stop::Requests(_) | Stop::WhenTold => pending().await,
        }
    });
    let mut stopped = false;
    loop {
        tokio::select! {
            ended = running.join_next() => match ended {
                Some(Ok((index, lane_ids))) => ids[index as usize] = lane_ids,
                // A lane that panicked lost its count: a report without it would be wrong.
                Some(Err(error)) => resume_unwind(error.try_into_panic().unwrap_or_else(|error| Box::new(error))),
                None => break,
            },
            () = time_is_up.as_mut(), if !stopped => {
                stopped = true;
                stopper.stop();
            }
        }
    }
    report(&shared, ids)
}

fn report(shared: &Shared, lanes: Vec<LaneIds>) -> LoadReport {
    let counters = shared.counters.read();
    let offered = match shared.plan.stop {
        Stop::Requests(count) => count,
        Stop::After(_) | Stop::WhenTold => counters.begun,
    };
    let failed = FailureKind::ALL.into_iter().map(|kind| (kind, shared.counters.failed(kind)));
    LoadReport {
        offered,
        answered: counters.answered,
        failed: failed.filter(|(_, times)| *times > 0).collect(),
        unsent: offered - counters.begun + counters.abandoned,
        statuses: shared.counters.statuses().collect(),
        connections: counters.connections,
        latency: shared.counters.latencies(),
        posted: PostedIds { prefix: shared.plan.mix.id_prefix.clone(), lanes },
        failures: shared.counters.take_failures(),
        elapsed: shared.started.elapsed(),
    }
}
