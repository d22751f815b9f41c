//! Hashes passwords on threads of their own: as many as there are cores but one, queues of fixed length behind them, and a
//! refusal that says when to come back behind that. Log-ins can be slow; everything else stays fast: the threads have a low
//! priority, so that the kernel takes the processor from a hash whenever a request wants it (bar `guard.floods`).
//!
//! Who proved before who they are waits in a queue of their own, served in turn with that of strangers, in which no neighbourhood
//! of addresses (/24, /48) has more than [`SHARE_MAX`] places: a flood of strange names keeps nobody out who was here before,
//! and that of one network no other stranger.

use std::{
    collections::{HashMap, VecDeque},
    net::IpAddr,
    num::NonZeroU32,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread::{Builder, available_parallelism},
    time::Instant,
};

#[cfg(test)]
use futures_util::FutureExt;
use rustix::process::nice;
use shield_guard::{
    address::{AddressBlock, Network},
    password::{
        Entry, Handover, HashPasswordError, HashingSlots, ParsePasswordHashError, PasswordHash,
        PasswordHasher, PasswordVerdict, PerRank, Rank,
    },
};
use shield_types::Secret;
use thiserror::Error;
use tokio::sync::oneshot;

use crate::keys::random_bytes;

/// Requests that may wait for a thread; each holds a password and little else.
const WAITING_MAX: PerRank = PerRank { known: 24, strangers: 40 };
/// Strangers of one neighbourhood that may wait or be served at a time.
const SHARE_MAX: u32 = 8;

/// How far down the priority of a hashing thread goes: a third of the weight of other threads. Farther down the bar gains
/// nothing (1.40 times at 5, 1.46 at 10, 1.41 at 19), and on a machine that others keep busy nobody logs in: at 19, with six
/// busy loops on two cores, a hash took longer than a request may.
const NICENESS: i32 = 5;

/// Something that a thread does once.
type Job = Box<dyn FnOnce() + Send>;

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub struct HashingPool {
    inner: Arc<Inner>,
    asker: Asker,
}

/// Whose password it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    /// Somebody who proved before who they are. How many of them there can be at a time is bounded where they are known.
    Known,
    /// Anybody, from this neighbourhood; none where something else bounds how many come from one.
    Stranger(Option<Network>),
}

#[derive(Debug)]
struct Inner {
    hasher: PasswordHasher,
    queue: Mutex<Queue>,
    /// To the threads, which end when it is gone. Never longer than there are slots.
    jobs: mpsc::Sender<Job>,
}

#[derive(Debug)]
struct Queue {
    slots: HashingSlots,
    known: VecDeque<Waiting>,
    strangers: VecDeque<Waiting>,
    /// Strangers that wait or are served, of each neighbourhood that has any: no more than there are places.
    shares: HashMap<Network, u32>,
    next_number: u64,
}

/// Somebody who waits.
#[derive(Debug)]
struct Waiting {
    number: u64,
    asker: Asker,
    turn: oneshot::Sender<Slot>,
}

/// The right to hash, from its beginning to its drop.
#[derive(Debug)]
struct Slot {
    inner: Arc<Inner>,
    asker: Asker,
    begun: Instant,
}

/// A place in the queue, given up when dropped.
struct Place {
    inner: Arc<Inner>,
    asker: Asker,
    number: u64,
}

/// Why nothing was hashed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HashingError {
    /// Threads and queue are full.
    #[error("wait for a thread: all are taken and the queue is full; try again in `{retry_after_s}` s")]
    Busy {
        /// Seconds until the queue will have been worked off, 1 to 60.
        retry_after_s: u64,
    },
    /// The hasher gave up.
    #[error("compute the hash")]
    Hash(#[source] HashPasswordError),
    /// What is stored is no hash.
    #[error("read the stored hash")]
    Stored(#[source] ParsePasswordHashError),
}

// === impl HashingPool ===

impl HashingPool {
    /// A pool over `hasher`, for those who are known. Its threads end with it.
    ///
    /// # Panics
    /// When the system gives no thread.
    pub fn new(hasher: PasswordHasher) -> Self {
        // One core is left to everything else.
        let threads = available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1));
        let threads = NonZeroU32::new(u32::try_from(threads).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        Self::with_sizes(hasher, threads, WAITING_MAX)
    }

    fn with_sizes(hasher: PasswordHasher, threads: NonZeroU32, waiting_max: PerRank) -> Self {
        let slots = HashingSlots::new(threads, waiting_max);
        let queue = Queue {
            slots,
            known: VecDeque::new(),
            strangers: VecDeque::new(),
            shares: HashMap::new(),
            next_number: 0,
        };
        let inner = Inner { hasher, queue: Mutex::new(queue), jobs: start_threads(threads) };
        Self { inner: Arc::new(inner), asker: Asker::Known }
    }

    /// The same threads, as they are there for `asker`.
    pub fn of(&self, asker: Asker) -> Self {
        Self { inner: Arc::clone(&self.inner), asker }
    }

    /// Refuses when threads and queue are full. The gate asks it before anything is written down for a request, which is then
    /// spared the rest; room that there is now may be gone a moment later.
    ///
    /// # Errors
    /// When too many wait already.
    pub fn check_room(&self) -> Result<(), HashingError> {
        match self.inner.queue().full(self.asker) {
            Some(retry_after_s) => Err(HashingError::Busy { retry_after_s }),
            None => Ok(()),
        }
    }

    /// Hashes a new password; the answer is a PHC string.
    ///
    /// # Errors
    /// When too many wait already, or the hasher gives up.
    pub async fn hash(&self, password: Secret<String>) -> Result<Secret<String>, HashingError> {
        let hash = self.run(move |hasher| hasher.hash(&password, random_bytes())).await?;
        Ok(hash.map_err(HashingError::Hash)?.to_phc())
    }

    /// Checks a password against the stored PHC string; None for an account that does not exist, which takes as long.
    ///
    /// # Errors
    /// When too many wait already, the hasher gives up, or what is stored is no hash.
    pub async fn verify(
        &self,
        stored: Option<&Secret<String>>,
        password: Secret<String>,
    ) -> Result<PasswordVerdict, HashingError> {
        let stored = stored.map(|phc| PasswordHash::parse(phc.expose())).transpose();
        let stored = stored.map_err(HashingError::Stored)?;
        let verdict = self.run(move |hasher| hasher.verify(stored.as_ref(), &password)).await?;
        verdict.map_err(HashingError::Hash)
    }

    /// The slot is held by the thread, so that a client that goes away does not make room for another while it still runs.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&PasswordHasher) -> T + Send + 'static,
    ) -> Result<T, HashingError> {
        let slot = self.slot().await?;
        let (answer, done) = oneshot::channel();
        let jobs = self.inner.jobs.clone();
        let job = move || {
            let worked = work(&slot.inner.hasher);
            drop(slot);
            // A client that went away does not want to know.
            let _unclaimed = answer.send(worked);
        };
        jobs.send(Box::new(job)).expect("threads live as long as the pool");
        Ok(done.await.expect("hashing does not panic"))
    }

    /// Takes every thread and every place in the queue, until what it answers is dropped.
    #[cfg(test)]
    pub(super) fn fill(&self) -> impl Sized + use<> {
        let mut taken = Vec::new();
        while self.check_room().is_ok() {
            let pool = self.clone();
            let mut slot = Box::pin(async move { pool.slot().await });
            let begun = slot.as_mut().now_or_never();
            taken.push((slot, begun));
        }
        taken
    }

    async fn slot(&self) -> Result<Slot, HashingError> {
        let (place, turn) = {
            let mut queue = self.inner.queue();
            let asker = self.asker;
            match queue.enter(asker) {
                Entry::Runs => return Ok(Slot::begin(&self.inner, asker)),
                Entry::Refused { retry_after_s } => return Err(HashingError::Busy { retry_after_s }),
                Entry::Waits => {
                    let (sender, turn) = oneshot::channel();
                    let number = queue.next_number;
                    queue.next_number += 1;
                    queue.of(asker.rank()).push_back(Waiting { number, asker, turn: sender });
                    (Place { inner: Arc::clone(&self.inner), asker, number }, turn)
                }
            }
        };
        let slot = turn.await.expect("nobody leaves the queue but by its turn or its own drop");
        drop(place);
        Ok(slot)
    }
}

/// Threads that do what they are sent, until nobody can send any more.
fn start_threads(threads: NonZeroU32) -> mpsc::Sender<Job> {
    let (sender, jobs) = mpsc::channel::<Job>();
    let jobs = Arc::new(Mutex::new(jobs));
    for number in 0..threads.get() {
        let jobs = Arc::clone(&jobs);
        let work = move || {
            // Of this thread alone, as Linux has it. Whoever may not do that hashes all the same.
            if let Err(error) = nice(NICENESS) {
                tracing::warn!(%error, "hashing passwords keeps its ordinary priority");
            }
            loop {
                // The lock is held while waiting: one thread waits for a job, the others for the lock.
                let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = job else { return };
                // A panic ends the request that waits for the answer, not the thread.
                let _panicked = catch_unwind(AssertUnwindSafe(job));
            }
        };
        Builder::new().name(format!("hashing-{number}")).spawn(work).expect("the system gives a thread");
    }
    sender
}

// === impl Inner ===

impl Inner {
    /// A panic while the lock is held cannot leave the queue half-changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Asker ===

impl Asker {
    /// Anybody at this address.
    pub fn stranger(address: IpAddr) -> Self {
        Self::Stranger(Some(AddressBlock::of(address).neighbourhood()))
    }

    const fn rank(self) -> Rank {
        match self {
            Self::Known => Rank::Known,
            Self::Stranger(_) => Rank::Stranger,
        }
    }

    const fn neighbourhood(self) -> Option<Network> {
        match self {
            Self::Known => None,
            Self::Stranger(neighbourhood) => neighbourhood,
        }
    }
}

// === impl Queue ===

impl Queue {
    fn full(&self, asker: Asker) -> Option<u64> {
        let share = asker.neighbourhood().and_then(|network| self.shares.get(&network));
        // A neighbourhood waits until its own people are served, which is sooner than the whole queue.
        let used_up = share.is_some_and(|share| *share >= SHARE_MAX).then_some(1);
        self.slots.full(asker.rank()).or(used_up)
    }

    fn enter(&mut self, asker: Asker) -> Entry {
        if let Some(retry_after_s) = self.full(asker) {
            return Entry::Refused { retry_after_s };
        }
        if let Some(network) = asker.neighbourhood() {
            *self.shares.entry(network).or_default() += 1;
        }
        self.slots.enter(asker.rank())
    }

    /// Somebody who entered is done, or gone.
    fn release(&mut self, asker: Asker) {
        let Some(network) = asker.neighbourhood() else { return };
        if let Some(share) = self.shares.get_mut(&network) {
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&network);
            }
        }
    }

    const fn of(&mut self, rank: Rank) -> &mut VecDeque<Waiting> {
        match rank {
            Rank::Known => &mut self.known,
            Rank::Stranger => &mut self.strangers,
        }
    }
}

// === impl Slot ===

impl Slot {
    fn begin(inner: &Arc<Inner>, asker: Asker) -> Self {
        Self { inner: Arc::clone(inner), asker, begun: Instant::now() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.inner.queue();
            queue.release(self.asker);
            match queue.slots.leave(self.begun.elapsed()) {
                Handover::StartsNext(rank) => queue.of(rank).pop_front(),
                Handover::Free => None,
            }
        };
        if let Some(Waiting { asker, turn, .. }) = next {
            // Whoever is not there any more gives the slot back by dropping it.
            let _unclaimed = turn.send(Self::begin(&self.inner, asker));
        }
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.inner.queue();
        let waiting = queue.of(self.asker.rank());
        let place = waiting.iter().position(|waiting| waiting.number == self.number);
        if let Some(place) = place {
            waiting.remove(place);
            queue.slots.abandon(self.asker.rank());
            queue.release(self.asker);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use shield_guard::password::HashingCost;

    use super::*;

    fn pool(threads: u32, waiting: u32) -> HashingPool {
        let threads = NonZeroU32::new(threads).unwrap();
        let waiting = PerRank { known: waiting, strangers: waiting };
        HashingPool::with_sizes(PasswordHasher::new(HashingCost::MINIMUM), threads, waiting)
    }

    #[tokio::test]
    async fn checks_what_it_hashed() {
        let pool = pool(1, 4);
        let password = || Secret::new("correct horse".to_owned());
        let stored = pool.hash(password()).await.unwrap();
        assert_eq!(pool.verify(Some(&stored), password()).await.unwrap(), PasswordVerdict::Correct);
        assert_eq!(pool.verify(None, password()).await.unwrap(), PasswordVerdict::Wrong);
        let nonsense = Secret::new("plain".to_owned());
        let refused = pool.verify(Some(&nonsense), password()).await;
        assert!(matches!(refused, Err(HashingError::Stored(_))), "{refused:?}");
    }

    #[tokio::test]
    async fn queue_is_bounded_and_in_order() {
        let pool = pool(1, 2);
        let running = pool.slot().await.unwrap();
        let (mut first, mut second) = (Box::pin(pool.slot()), Box::pin(pool.slot()));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        let refused = pool.slot().await;
        assert!(matches!(refused, Err(HashingError::Busy { retry_after_s: 1.. })), "{refused:?}");
        drop(running);
        assert!(second.as_mut().now_or_never().is_none(), "nobody overtakes");
        let slot = first.await.unwrap();
        drop(slot);
        second.await.unwrap();
    }

    /// The review of issue 4, 12.
    #[tokio::test]
    async fn asvs_v15_2_2_no_network_keeps_the_others_out() {
        let pool = pool(1, 20);
        let from = |address: &str| pool.of(Asker::stranger(address.parse().unwrap()));
        let running = pool.slot().await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..SHARE_MAX {
            // Each from a /64 of its own, of one /48.
            let one = from(&format!("2001:db8:1:{number:x}::1"));
            let mut place = Box::pin(async move { one.slot().await });
            assert!(place.as_mut().now_or_never().is_none());
            waiting.push(place);
        }
        let one_more = from("2001:db8:1:ffff::1");
        assert!(matches!(one_more.check_room(), Err(HashingError::Busy { retry_after_s: 1.. })));
        assert!(matches!(one_more.slot().await, Err(HashingError::Busy { .. })));
        from("2001:db8:2::1").check_room().unwrap();
        pool.of(Asker::Known).check_room().unwrap();
        drop(waiting.pop());
        one_more.check_room().expect("who gave up makes room for a neighbour");
        drop((waiting, running));
        assert!(pool.inner.queue().shares.is_empty(), "nothing is left of them");
    }

    #[tokio::test]
    async fn strangers_leave_room_for_those_who_are_known() {
        let pool = pool(1, 2);
        let strangers = pool.of(Asker::Stranger(None));
        let running = pool.slot().await.unwrap();
        let (mut first, mut second) = (Box::pin(strangers.slot()), Box::pin(strangers.slot()));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        assert!(strangers.slot().await.is_err(), "their queue is full");
        let mut known = Box::pin(pool.slot());
        assert!(known.as_mut().now_or_never().is_none(), "and this one is not");
        drop(running);
        known.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_no_gap() {
        let pool = pool(1, 2);
        let running = pool.slot().await.unwrap();
        let (mut first, mut second) = (Box::pin(pool.slot()), Box::pin(pool.slot()));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        drop(first);
        let mut third = Box::pin(pool.slot());
        assert!(third.as_mut().now_or_never().is_none(), "there is room again");
        drop(running);
        // Its turn has come, and it goes away without taking it.
        drop(second);
        drop(third.await.unwrap());
        pool.slot().now_or_never().expect("all slots came back").unwrap();
    }

    #[tokio::test]
    async fn says_early_that_it_is_full() {
        let pool = pool(1, 1);
        let running = pool.slot().await.unwrap();
        pool.check_room().unwrap();
        let mut waiting = Box::pin(pool.slot());
        assert!(waiting.as_mut().now_or_never().is_none());
        let refused = pool.check_room();
        assert!(matches!(refused, Err(HashingError::Busy { retry_after_s: 1.. })), "{refused:?}");
        drop(running);
        drop(waiting.await);
        pool.check_room().unwrap();
    }

    #[tokio::test]
    async fn hashes_at_a_low_priority() {
        let niceness = |_: &PasswordHasher| {
            let of_thread = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let (_, fields) = of_thread.rsplit_once(')').unwrap();
            fields.split_whitespace().nth(16).unwrap().to_owned()
        };
        let own = niceness(&PasswordHasher::new(HashingCost::MINIMUM));
        let hashing: i32 = pool(1, 1).run(niceness).await.unwrap().parse().unwrap();
        let lowered = own.parse::<i32>().unwrap() + NICENESS;
        assert_eq!(hashing, lowered.min(19), "this thread keeps its own");
    }

    #[tokio::test]
    async fn a_panic_costs_neither_thread_nor_slot() {
        let pool = pool(1, 1);
        let panics = pool.run(|_| panic!("as it never should"));
        assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
        assert_eq!(pool.run(|_| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn many_are_all_served() {
        let pool = pool(2, 64);
        let slots = join_all((0..50).map(|_| async { drop(pool.slot().await.unwrap()) }));
        assert_eq!(slots.await.len(), 50);
    }
}
