//! The way to one master: a circuit that is closed or open, and the task that closes it again.
//!
//! Closed: calls share one connection. Open: calls are refused at once, while the task first probes the old connection
//! (a call may have been late for other reasons), then dials a new one, ten times a second. A new one must pass the probe too.

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use redis::aio::MultiplexedConnection;
use tokio::{
    sync::Notify,
    time::{sleep, timeout},
};

use super::{ServerAddress, dial::Dialer, info::Who, script::Script, store::Shared};

/// How often a closed circuit is probed: what nobody asks is noticed within this time.
const PROBE_PERIOD: Duration = Duration::from_millis(500);
/// How long a probe may take.
const PROBE_DEADLINE: Duration = Duration::from_millis(100);
/// Between two attempts to connect.
const DIAL_PAUSE: Duration = Duration::from_millis(100);
/// How long the key of a probe stays.
const PROBE_KEPT_MS: u64 = 10_000;

/// What calls do too, so that a server which refuses them (a copy, one without its replicas, one whose rules do not let us
/// run scripts) does not pass.
static PROBE: Script = Script::new("redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])");

/// The way to one master.
pub(super) struct Link {
    pub(super) address: ServerAddress,
    /// A key in one of its slots, to probe whether it writes; none where no key of ours lies.
    probe_key: Option<String>,
    /// The connection, while the circuit is closed.
    lane: RwLock<Option<Arc<Lane>>>,
    /// Somebody opened the circuit.
    trouble: Notify,
    /// Numbers the connections.
    dialed: AtomicU64,
}

/// A connection in use.
pub(super) struct Lane {
    pub(super) connection: MultiplexedConnection,
    pub(super) who: Who,
    pub(super) number: u64,
}

// === impl Link ===

impl Link {
    pub(super) fn new(address: ServerAddress, probe_key: Option<String>) -> Self {
        let (lane, trouble) = (RwLock::default(), Notify::new());
        Self { address, probe_key, lane, trouble, dialed: AtomicU64::new(0) }
    }

    /// The connection, while the circuit is closed.
    pub(super) fn lane(&self) -> Option<Arc<Lane>> {
        self.lane.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Opens the circuit, unless it has another connection by now.
    pub(super) fn break_off(&self, number: u64) {
        let mut lane = self.lane.write().unwrap_or_else(PoisonError::into_inner);
        if lane.as_ref().is_some_and(|lane| lane.number == number) {
            *lane = None;
            self.trouble.notify_one();
        }
    }

    fn close(&self, lane: &Arc<Lane>) {
        *self.lane.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(lane));
    }

    fn open(&self) {
        *self.lane.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Keeps the circuit closed whenever the master answers. Ends when it is aborted; then [`Self::forget`].
    pub(super) async fn keep(self: Arc<Self>, dialer: Dialer, shared: Arc<Shared>) {
        loop {
            let number = self.dialed.fetch_add(1, Ordering::Relaxed) + 1;
            match self.dial(&dialer, number, &shared).await {
                Ok(lane) => {
                    shared.connected(&lane.who.life);
                    let trouble = self.watch(&Arc::new(lane), &shared).await;
                    self.open();
                    shared.refresh(Some(trouble));
                }
                Err(trouble) => {
                    shared.refresh(Some(trouble));
                    sleep(DIAL_PAUSE).await;
                }
            }
        }
    }

    /// A connection to a master that does what calls will ask of it.
    async fn dial(
        self: &Arc<Self>,
        dialer: &Dialer,
        number: u64,
        shared: &Arc<Shared>,
    ) -> Result<Lane, String> {
        let lane = dialer.dial(self, number, shared).await.map_err(|error| Shared::told(&error))?;
        self.probe(&lane).await?;
        Ok(lane)
    }

    /// Nobody is to use it any more.
    pub(super) fn forget(&self) {
        self.open();
    }

    /// Uses a connection until a probe fails; answers what was wrong.
    async fn watch(&self, lane: &Arc<Lane>, shared: &Shared) -> String {
        loop {
            self.close(lane);
            shared.refresh(None);
            // A permit that a connection before this one left costs one probe.
            let _due_or_asked = timeout(PROBE_PERIOD, self.trouble.notified()).await;
            if let Err(trouble) = self.probe(lane).await {
                return trouble;
            }
        }
    }

    /// Whether the server is the one it was, a master, and runs scripts that write.
    async fn probe(&self, lane: &Lane) -> Result<(), String> {
        let mut connection = lane.connection.clone();
        let probe = async {
            if let Some(key) = &self.probe_key {
                PROBE.run::<()>(&mut connection, std::slice::from_ref(key), &[PROBE_KEPT_MS]).await?;
            }
            Who::ask(&mut connection).await
        };
        match timeout(PROBE_DEADLINE, probe).await {
            Ok(Ok(Some(who))) if who == lane.who => Ok(()),
            Ok(Ok(_)) => Err("it is no longer the master that it was".to_owned()),
            Ok(Err(error)) => Err(Shared::told(&error)),
            Err(_) => Err("a probe was not answered in time".to_owned()),
        }
    }
}
