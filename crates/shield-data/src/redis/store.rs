//! Redis as the rest of the program sees it, and the tasks behind it.

use std::{
    collections::VecDeque,
    error::Error,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use shield_guard::limit::{Cluster, StoreState};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use super::{
    RedisSettings, RedisStatus,
    dial::Dialer,
    fleet::Fleet,
    info::Life,
    link::Link,
    nodes::{Membership, beat},
    scout::{Scout, search},
};

/// Lives of servers that are told apart.
const LIVES_MAX: usize = 64;

/// Redis, shared by several nodes; cheap to clone. Nobody waits until it is there.
#[derive(Clone)]
pub struct Redis {
    pub(super) shared: Arc<Shared>,
}

/// The tasks behind a [`Redis`].
#[derive(Debug)]
pub struct RedisKeeper {
    beat: Running,
    search: Running,
}

/// A task, and how it is told to end.
#[derive(Debug)]
struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// What calls and tasks have in common.
pub(super) struct Shared {
    /// What all keys begin with.
    pub(super) namespace: &'static str,
    /// Where every slot is.
    fleet: RwLock<Arc<Fleet>>,
    status: watch::Sender<RedisStatus>,
    /// What was announced last, by anybody.
    pub(super) announced: watch::Sender<u64>,
    /// Somebody was sent elsewhere: look where the masters are.
    pub(super) look: Notify,
    /// How many nodes there are.
    pub(super) membership: Membership,
    /// Lives of servers that were seen, the newest last.
    lives: Mutex<VecDeque<Life>>,
}

// === impl Redis ===

impl Redis {
    /// Begins to connect and to be counted as a node, and does not wait for either. All keys begin with `namespace`, such as
    /// `linkshield`; every node of an installation uses the same one. To be called within a Tokio runtime.
    pub fn open(settings: &RedisSettings, namespace: &'static str) -> (Self, RedisKeeper) {
        let shared = Arc::new(Shared {
            namespace,
            fleet: RwLock::default(),
            status: watch::Sender::new(RedisStatus::unknown()),
            announced: watch::Sender::new(0),
            look: Notify::new(),
            membership: Membership::new(),
            lives: Mutex::default(),
        });
        let redis = Self { shared: Arc::clone(&shared) };
        let dialer = Dialer::new(settings, redis.channel().into());
        let scout = Scout::new(&settings.topology, dialer.clone());
        let search = Running::start(|stop| search(scout, dialer, shared, stop));
        let node = Uuid::new_v4().simple().to_string();
        let beat = Running::start(|stop| beat(redis.clone(), node, stop));
        (redis, RedisKeeper { beat, search })
    }

    /// What is known right now, and each change of it.
    pub fn status(&self) -> watch::Receiver<RedisStatus> {
        self.shared.status.subscribe()
    }

    /// What a table of leases must know: whether Redis can be asked, and how many nodes share it.
    pub fn cluster(&self) -> Cluster {
        let store = self.shared.status.borrow().state;
        Cluster { store, nodes: self.shared.membership.nodes() }
    }
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Redis").field("status", &*self.shared.status.borrow()).finish_non_exhaustive()
    }
}

// === impl RedisKeeper ===

impl RedisKeeper {
    /// Is no longer counted as a node, closes all connections and ends the tasks. Redis is away from then on.
    pub async fn stop(self) {
        // It says good-bye, so the ways must still be there.
        self.beat.end().await;
        self.search.end().await;
    }
}

// === impl Running ===

impl Running {
    fn start<F: Future<Output = ()> + Send + 'static>(task: impl FnOnce(watch::Receiver<bool>) -> F) -> Self {
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(task(stop.subscribe()));
        Self { stop, task }
    }

    async fn end(self) {
        self.stop.send_replace(true);
        // A task that panicked is over as well.
        let _ended = self.task.await;
    }
}

// === impl Shared ===

impl Shared {
    /// The way to the master of a slot.
    pub(super) fn link(&self, slot: u16) -> Option<Arc<Link>> {
        self.fleet.read().unwrap_or_else(PoisonError::into_inner).link(slot).cloned()
    }

    /// The masters are these now.
    pub(super) fn replace(&self, fleet: Fleet) {
        *self.fleet.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fleet);
        self.refresh(None);
    }

    /// Counts who is there, and notes what went wrong.
    pub(super) fn refresh(&self, trouble: Option<String>) {
        let fleet = Arc::clone(&self.fleet.read().unwrap_or_else(PoisonError::into_inner));
        self.status.send_if_modified(|status| {
            let (shards, shards_present) = fleet.present();
            let state = if shards_present > 0 { StoreState::Present } else { StoreState::Away };
            let next = RedisStatus {
                state,
                shards,
                shards_present,
                trouble: trouble.or_else(|| status.trouble.take()),
                ..*status
            };
            let changed = (next.state, next.shards, next.shards_present)
                != (status.state, status.shards, status.shards_present);
            *status = next;
            changed
        });
    }

    /// There is a new connection.
    pub(super) fn connected(&self, life: &Life) {
        let mut lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        let known = lives.contains(life);
        if !known {
            lives.push_back(life.clone());
            let surplus = lives.len().saturating_sub(LIVES_MAX);
            lives.drain(..surplus);
        }
        drop(lives);
        self.status.send_modify(|status| {
            status.connections += 1;
            status.epoch += u64::from(!known);
        });
        // Something may have been announced while nobody listened.
        self.announced.send_modify(|_| {});
    }

    /// A failure with its causes, for the log.
    pub(super) fn told(error: &(dyn Error + 'static)) -> String {
        let (mut told, mut cause) = (error.to_string(), error.source());
        while let Some(error) = cause {
            told.push_str(&format!(": {error}"));
            cause = error.source();
        }
        told
    }
}
