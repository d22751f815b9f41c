//! Hashes passwords on threads of their own: as many at a time as there are cores but one, a queue of fixed length behind
//! them, and a refusal that says when to come back behind that. Log-ins can be slow; everything else stays fast.

use std::{
    collections::VecDeque,
    num::NonZeroU32,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::available_parallelism,
    time::Instant,
};

use shield_guard::password::{
    Entry, Handover, HashPasswordError, HashingSlots, ParsePasswordHashError, PasswordHash, PasswordHasher,
    PasswordVerdict,
};
use shield_types::Secret;
use thiserror::Error;
use tokio::{sync::oneshot, task::spawn_blocking};

use crate::keys::random_bytes;

/// Requests that may wait for a thread; each holds a password and little else.
const WAITING_MAX: u32 = 64;

/// Hashes and checks passwords.
#[derive(Clone, Debug)]
pub struct HashingPool {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    hasher: PasswordHasher,
    queue: Mutex<Queue>,
}

#[derive(Debug)]
struct Queue {
    slots: HashingSlots,
    waiting: VecDeque<(u64, oneshot::Sender<Slot>)>,
    next_number: u64,
}

/// The right to hash, from its beginning to its drop.
#[derive(Debug)]
struct Slot {
    inner: Arc<Inner>,
    begun: Instant,
}

/// A place in the queue, given up when dropped.
struct Place {
    inner: Arc<Inner>,
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
    /// A pool over `hasher`.
    pub fn new(hasher: PasswordHasher) -> Self {
        // One core is left to everything else.
        let threads = available_parallelism().map_or(1, |cores| cores.get().saturating_sub(1));
        let threads = NonZeroU32::new(u32::try_from(threads).unwrap_or(u32::MAX)).unwrap_or(NonZeroU32::MIN);
        Self::with_slots(hasher, HashingSlots::new(threads, WAITING_MAX))
    }

    fn with_slots(hasher: PasswordHasher, slots: HashingSlots) -> Self {
        let queue = Mutex::new(Queue { slots, waiting: VecDeque::new(), next_number: 0 });
        Self { inner: Arc::new(Inner { hasher, queue }) }
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
        let done = spawn_blocking(move || work(&slot.inner.hasher)).await;
        Ok(done.expect("hashing does not panic, and the runtime outlives the request"))
    }

    async fn slot(&self) -> Result<Slot, HashingError> {
        let (place, turn) = {
            let mut queue = self.inner.queue();
            match queue.slots.enter() {
                Entry::Runs => return Ok(Slot::begin(&self.inner)),
                Entry::Refused { retry_after_s } => return Err(HashingError::Busy { retry_after_s }),
                Entry::Waits => {
                    let (sender, turn) = oneshot::channel();
                    let number = queue.next_number;
                    queue.next_number += 1;
                    queue.waiting.push_back((number, sender));
                    (Place { inner: Arc::clone(&self.inner), number }, turn)
                }
            }
        };
        let slot = turn.await.expect("nobody leaves the queue but by its turn or its own drop");
        drop(place);
        Ok(slot)
    }
}

// === impl Inner ===

impl Inner {
    /// A panic while the lock is held cannot leave the queue half-changed.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Slot ===

impl Slot {
    fn begin(inner: &Arc<Inner>) -> Self {
        Self { inner: Arc::clone(inner), begun: Instant::now() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let next = {
            let mut queue = self.inner.queue();
            match queue.slots.leave(self.begun.elapsed()) {
                Handover::StartsNext => queue.waiting.pop_front(),
                Handover::Free => None,
            }
        };
        if let Some((_, turn)) = next {
            // Whoever is not there any more gives the slot back by dropping it.
            let _unclaimed = turn.send(Self::begin(&self.inner));
        }
    }
}

// === impl Place ===

impl Drop for Place {
    fn drop(&mut self) {
        let mut queue = self.inner.queue();
        let place = queue.waiting.iter().position(|(number, _)| *number == self.number);
        if let Some(place) = place {
            queue.waiting.remove(place);
            queue.slots.abandon();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{FutureExt, future::join_all};
    use shield_guard::password::HashingCost;

    use super::*;

    fn pool(threads: u32, waiting: u32) -> HashingPool {
        let slots = HashingSlots::new(NonZeroU32::new(threads).unwrap(), waiting);
        HashingPool::with_slots(PasswordHasher::new(HashingCost::MINIMUM), slots)
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
    async fn many_are_all_served() {
        let pool = pool(2, 64);
        let slots = join_all((0..50).map(|_| async { drop(pool.slot().await.unwrap()) }));
        assert_eq!(slots.await.len(), 50);
    }
}
