//! Ends an instance with everything it started: first asked, then killed, and always awaited.
//!
//! The leader alone is asked first, because servers end their workers themselves and in the right order. Workers that are
//! left when the leader is gone are asked too, in what remains of the grace period; then everything left is killed,
//! again and again until nothing is left: a fork can outrun one sweep, not all of them.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Signal, pidfd_send_signal};
use tokio::{
    task::spawn_blocking,
    time::{Instant, sleep, timeout_at},
};

use crate::{exit::ExitReport, identity::Identity, process::Process, session::Session};

/// How long killed processes may take to vanish; only one stuck inside the kernel (dead disk, network file system) does.
const KILL_WAIT: Duration = Duration::from_secs(10);
/// Pause between two looks at what is left.
const LOOK_INTERVAL: Duration = Duration::from_millis(25);

/// How an instance came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopOutcome {
    /// Nothing was left of it.
    AlreadyGone,
    /// Everything ended within the grace period.
    Graceful,
    /// The grace period ran out, and what was left was killed.
    Killed,
}

/// What [`Process::stop`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopReport {
    /// How it came to its end.
    pub outcome: StopOutcome,
    /// How the leader ended; `None` when it survived being killed.
    pub exit: Option<ExitReport>,
    /// Processes that do not die, stuck inside the kernel; normally none.
    pub survivors: Vec<Identity>,
}

/// What [`reap_session`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReport {
    /// Processes that were told to die.
    pub killed: usize,
    /// Processes that do not die, stuck inside the kernel; normally none.
    pub survivors: Vec<Identity>,
}

impl Process {
    /// Ends the instance: `SIGTERM`, after `grace` `SIGKILL` to its whole session; returns when nothing is left.
    ///
    /// May be called again, also at the same time; an instance that is already gone is fine. If the future is dropped,
    /// whatever was sent so far is all that happens.
    pub async fn stop(&self, grace: Duration) -> StopReport {
        let deadline = Instant::now() + grace;
        if !self.is_alive() && self.with_session(Session::members).await.is_empty() {
            return self.report(StopOutcome::AlreadyGone, Vec::new()).await;
        }
        // It may have ended since: then there is nobody to ask.
        let _ = pidfd_send_signal(self.pidfd(), Signal::TERM);
        if timeout_at(deadline, self.ended()).await.is_ok() {
            return self.report(StopOutcome::Graceful, Vec::new()).await;
        }
        let report = sweep(|| self.with_session(|session| session.signal(Signal::KILL))).await;
        self.report(StopOutcome::Killed, report.survivors).await
    }

    /// Waits until nothing is left; asks what the leader left behind to end, once.
    async fn ended(&self) {
        self.exited().await;
        let mut left = self.with_session(|session| session.signal(Signal::TERM)).await;
        while !left.is_empty() {
            sleep(LOOK_INTERVAL).await;
            left = self.with_session(Session::members).await;
        }
    }

    async fn report(&self, outcome: StopOutcome, survivors: Vec<Identity>) -> StopReport {
        let exit = if survivors.contains(self.identity()) { None } else { Some(self.exited().await) };
        StopReport { outcome, exit, survivors }
    }
}

/// Kills what is left of the session that `identity` leads or led: workers whose leader died under a control plane that
/// was itself dead at the time. With a [`marker`](crate::marker), also what carries it and made a session of its own. Does
/// nothing when the session cannot be proven to be that of an instance.
pub async fn reap_session(identity: &Identity, marker: Option<String>) -> SessionReport {
    let session = Arc::new(Mutex::new(Session::new(identity.clone(), marker)));
    sweep(|| {
        let session = session.clone();
        async move {
            let killed = spawn_blocking(move || {
                session.lock().unwrap_or_else(PoisonError::into_inner).signal(Signal::KILL)
            });
            killed.await.expect("scanning `/proc` does not panic")
        }
    })
    .await
}

/// Repeats `kill`, which returns what it found alive, until that is nothing or the kernel will not let go.
async fn sweep<F: Future<Output = Vec<Identity>>>(mut kill: impl FnMut() -> F) -> SessionReport {
    let deadline = Instant::now() + KILL_WAIT;
    let mut killed = HashSet::new();
    loop {
        let survivors = kill().await;
        killed.extend(survivors.iter().cloned());
        if survivors.is_empty() || Instant::now() >= deadline {
            return SessionReport { killed: killed.len(), survivors };
        }
        sleep(LOOK_INTERVAL).await;
    }
}
