//! Waits until a new instance is healthy, and says what is wrong with one that does not become it.
//!
//! Healthy is what [`HealthTracker`] calls it: successes in a row over a while, never one answer. The end of the process
//! ends the wait at once; the deadline covers everything, also `min_healthy`.

use std::{net::SocketAddr, path::Path, time::Duration};

use shield_release::{Health, HealthPolicy, HealthTracker};
use shield_types::{InstanceId, Timestamp, format_duration};
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    exit::ExitReport,
    listening::{listening, serves},
    log::tail,
    probe::{ProbeTarget, probe},
    process::Process,
    session::Session,
};

/// Lines of the log that go into a failure.
const LOG_TAIL_LINES: usize = 20;

/// A new instance, and what it takes to be healthy.
#[derive(Clone, Copy, Debug)]
pub struct StartWatch<'a> {
    /// The instance, for messages.
    pub instance: &'a InstanceId,
    /// Its process.
    pub process: &'a Process,
    /// Where it was told to listen.
    pub address: SocketAddr,
    /// Its log, for messages.
    pub log: &'a Path,
    /// What it is asked.
    pub target: &'a ProbeTarget,
    /// How long it must keep answering well.
    pub min_healthy: Duration,
    /// Pause between two probes.
    pub interval: Duration,
    /// Time until it must be healthy.
    pub start_deadline: Duration,
}

/// Why an instance did not become healthy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StartFailure {
    /// The process ended.
    #[error("start `{instance}`: it {exit} before it was healthy; the last probe: {last}")]
    Exited {
        /// The instance.
        instance: InstanceId,
        /// How it ended.
        exit: ExitReport,
        /// The last observation before that.
        last: String,
        /// The last lines of its log.
        log_tail: Vec<String>,
    },
    /// The time ran out; the process still runs.
    #[error("start `{instance}`: not healthy within {}; the last probe: {last}", format_duration(*deadline))]
    TimedOut {
        /// The instance.
        instance: InstanceId,
        /// The time it had.
        deadline: Duration,
        /// The last observation.
        last: String,
        /// The last lines of its log.
        log_tail: Vec<String>,
    },
}

// === impl StartFailure ===

impl StartFailure {
    /// The last lines the instance printed, oldest first; `Display` leaves them to the caller's layout.
    pub fn log_tail(&self) -> &[String] {
        match self {
            Self::Exited { log_tail, .. } | Self::TimedOut { log_tail, .. } => log_tail,
        }
    }
}

/// Probes until the instance is healthy, its process ends, or the time is over; `observe` gets each new observation.
///
/// The process is left running at the deadline: stopping it is the caller's step.
pub async fn await_healthy(
    watch: StartWatch<'_>,
    mut observe: impl FnMut(String),
) -> Result<(), StartFailure> {
    let mut last = "none yet".to_owned();
    let mut note = |observation: String| {
        if observation != last {
            last.clone_from(&observation);
            observe(observation);
        }
    };
    let deadline = Instant::now() + watch.start_deadline;
    let ended = tokio::select! {
        biased;
        exit = watch.process.exited() => Some(exit),
        () = probe_until_healthy(watch, &mut note) => return Ok(()),
        () = sleep_until(deadline) => None,
    };
    let instance = watch.instance.clone();
    let log_tail = tail(watch.log, LOG_TAIL_LINES);
    Err(match ended {
        Some(exit) => StartFailure::Exited { instance, exit, last, log_tail },
        None => StartFailure::TimedOut { instance, deadline: watch.start_deadline, last, log_tail },
    })
}

async fn probe_until_healthy(watch: StartWatch<'_>, note: &mut impl FnMut(String)) {
    let mut tracker = HealthTracker::new(HealthPolicy::starting(watch.min_healthy));
    let begin = Instant::now();
    loop {
        let answer = probe(watch.address, watch.target).await;
        let success = answer.is_ok();
        note(match answer {
            Ok(()) => format!("answers; healthy once it has for {}", format_duration(watch.min_healthy)),
            Err(failure) => format!("{failure}{}", misplaced(watch).await),
        });
        let now = Timestamp::default().after(begin.elapsed());
        // An instance that died right after its answer is not healthy: the caller's wait for its end comes next.
        if tracker.observe(now, success) == Health::Healthy && watch.process.is_alive() {
            return;
        }
        sleep(watch.interval).await;
    }
}

/// What to say when the instance listens, but not where it was told to; nothing otherwise.
async fn misplaced(watch: StartWatch<'_>) -> String {
    let listeners = watch
        .process
        .with_session(|session: &mut Session| {
            let pids: Vec<i32> = session.members().iter().map(|member| member.pid).collect();
            listening(&pids)
        })
        .await;
    if listeners.is_empty() || listeners.iter().any(|listener| serves(*listener, watch.address)) {
        return String::new();
    }
    let listeners: Vec<String> = listeners.iter().map(SocketAddr::to_string).collect();
    let listeners = listeners.join(", ");
    format!(
        "; it listens on {listeners}, not on {}: the start command, or a variable the service reads, must use {{port}}",
        watch.address
    )
}
