//! Looks at production through the control plane while a drill goes on, and starts a control plane that the drill killed.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use shield_types::chain;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    expectation::{Expectation, Victim},
    sightings::{Sighting, Sightings},
};
use crate::{
    admin::{AdminClient, StatusReport},
    layout::Layout,
    spawn::{control_holder, revive_control},
};

/// Time between looks.
const LOOK: Duration = Duration::from_millis(100);
/// A control plane that has not answered by then is not there.
const ANSWER: Duration = Duration::from_secs(2);

/// What is looked for.
pub(super) struct WatchOrder {
    pub(super) layout: Layout,
    pub(super) expectation: Expectation,
    pub(super) victim: Option<Victim>,
    /// How long a control plane that the drill killed stays away; `None` when the drill kills none.
    pub(super) control_away: Option<Duration>,
}

/// Looks until it is dropped.
pub(super) struct Watcher {
    shared: Arc<Shared>,
    disturbed: watch::Receiver<Option<String>>,
    task: JoinHandle<()>,
}

struct Shared {
    sightings: Mutex<Sightings>,
    /// The control plane is to be started as soon as it is missed.
    control_wanted: watch::Sender<bool>,
}

// === impl Watcher ===

impl Watcher {
    pub(super) fn start(order: WatchOrder) -> Self {
        let shared =
            Arc::new(Shared { sightings: Mutex::default(), control_wanted: watch::Sender::new(false) });
        let (tell, disturbed) = watch::channel(None);
        let task = tokio::spawn(look(order, shared.clone(), tell));
        Self { shared, disturbed, task }
    }

    /// What was seen up to now.
    pub(super) fn sightings(&self) -> Sightings {
        self.shared.lock().clone()
    }

    /// Told when somebody else changes production.
    pub(super) fn disturbed(&self) -> watch::Receiver<Option<String>> {
        self.disturbed.clone()
    }

    /// The disturbance is over: a control plane that is missing is started now.
    pub(super) fn relieve(&self) {
        self.shared.control_wanted.send_replace(true);
    }

    /// Waits until everything is as before, at most until `deadline`, or until somebody else changes production.
    pub(super) async fn wait_until_restored(&self, ended: Instant, deadline: Instant) -> Option<Duration> {
        loop {
            // One look at least must be younger than the end of the disturbance.
            let looked = Instant::now() >= ended + LOOK * 3;
            let restored = self.sightings().restored_after(ended).filter(|_| looked);
            let in_vain = self.disturbed.borrow().is_some() || Instant::now() >= deadline;
            if restored.is_some() || in_vain {
                return restored;
            }
            sleep(LOOK).await;
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

// === impl Shared ===

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Sightings> {
        self.sightings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn look(order: WatchOrder, shared: Arc<Shared>, tell: watch::Sender<Option<String>>) {
    let client = AdminClient::new(&order.layout);
    let mut missed_since: Option<Instant> = None;
    loop {
        let status = timeout(ANSWER, client.status()).await;
        let at = Instant::now();
        let (unmet, victim_shown) = match &status {
            Ok(Ok(status)) => {
                missed_since = None;
                if let Some(reason) = order.expectation.disturbed(status) {
                    tell.send_replace(Some(reason));
                }
                let shown = |victim: Victim| victim.shown(status);
                (order.expectation.unmet(status), order.victim.is_some_and(shown))
            }
            Ok(Err(error)) => (Some(chain(error)), false),
            Err(_) => (Some("the control plane does not answer".to_owned()), false),
        };
        shared.lock().push(Sighting { at, unmet, victim_shown });
        if matches!(status, Ok(Err(_)) | Err(_)) {
            let since = *missed_since.get_or_insert(at);
            if let Some(away) = order.control_away
                && (since.elapsed() >= away || *shared.control_wanted.borrow())
                && let Some(problem) = revive(&order.layout).await
            {
                shared.lock().push(Sighting {
                    at: Instant::now(),
                    unmet: Some(problem),
                    victim_shown: false,
                });
            }
        }
        sleep(LOOK).await;
    }
}

/// Starts the control plane unless one holds the lock already; what went wrong is tried again at the next look.
async fn revive(layout: &Layout) -> Option<String> {
    if control_holder(layout).is_some() {
        return None;
    }
    let started: Result<StatusReport, _> = revive_control(layout).await;
    started.err().map(|error| chain(&error))
}
