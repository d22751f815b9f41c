//! Many shards, each behind its own lock.

use std::sync::{
    PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    atomic::{AtomicUsize, Ordering},
};

use super::{Key, Table, dense::Packed};

/// Shards of a table: readers on different processors rarely meet on one lock, and the longest pause for a reader, while
/// a shard grows, is a 256th of the table.
const SHARDS: usize = 256;

/// The table holds as many entries as it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// A lock on lines of its own, so that the readers of one do not slow the readers of its neighbour.
#[derive(Debug)]
#[repr(align(128))]
struct Padded<T>(RwLock<T>);

/// One `T` for each share of the keys.
#[derive(Debug)]
pub(crate) struct Shards<T>(Box<[Padded<T>]>);

/// A table that all threads read and write, with a maximum over all its shards.
#[derive(Debug)]
pub(crate) struct SharedTable<const N: usize, V, A = Packed> {
    shards: Shards<Table<N, V, A>>,
    entries: AtomicUsize,
    entries_max: usize,
}

// === impl Shards ===

impl<T> Shards<T> {
    /// How many there are.
    pub(crate) const COUNT: usize = SHARDS;

    pub(crate) fn new(mut make: impl FnMut() -> T) -> Self {
        Self((0..SHARDS).map(|_| Padded(RwLock::new(make()))).collect())
    }

    fn lock(&self, hash: u64) -> &RwLock<T> {
        &self.0[(hash >> 56) as usize % SHARDS].0
    }

    /// The shard of a key's hash, to read. A writer that panicked has left no entry half written (each is moved in whole), so a
    /// poisoned lock is opened.
    pub(crate) fn read(&self, hash: u64) -> RwLockReadGuard<'_, T> {
        self.lock(hash).read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The shard of a key's hash, to change.
    pub(crate) fn write(&self, hash: u64) -> RwLockWriteGuard<'_, T> {
        self.lock(hash).write().unwrap_or_else(PoisonError::into_inner)
    }

    /// All shards, one after the other, each locked while it is looked at.
    pub(crate) fn read_each(&self) -> impl Iterator<Item = RwLockReadGuard<'_, T>> {
        self.0.iter().map(|shard| shard.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// All shards, one after the other, each locked while it is changed.
    pub(crate) fn write_each(&self) -> impl Iterator<Item = RwLockWriteGuard<'_, T>> {
        self.0.iter().map(|shard| shard.0.write().unwrap_or_else(PoisonError::into_inner))
    }
}

// === impl SharedTable ===

impl<const N: usize, V, A: Default> SharedTable<N, V, A> {
    /// An empty table for at most `entries_max` entries.
    pub(crate) fn new(entries_max: usize) -> Self {
        Self { shards: Shards::new(Table::new), entries: AtomicUsize::new(0), entries_max }
    }

    pub(crate) const fn entries_max(&self) -> usize {
        self.entries_max
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.load(Ordering::Relaxed)
    }

    /// Looks at a value, with its shard locked for reading; `look` should do little.
    #[inline]
    pub(crate) fn with<R>(&self, key: &Key<N>, look: impl FnOnce(&V) -> R) -> Option<R> {
        if self.entries.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.shards.read(key.hash).get(key).map(look)
    }

    /// The same with a key of which only the hash is known yet: `key` works it out while memory brings the entry.
    #[inline]
    pub(crate) fn with_key_of<R>(
        &self,
        hash: u64,
        key: impl FnOnce() -> Key<N>,
        look: impl FnOnce(&V) -> R,
    ) -> Option<R> {
        let shard = self.shards.read(hash);
        shard.approach(hash);
        shard.get(&key()).map(look)
    }

    /// Changes a value or adds one. When it returns, every thread's next look sees it.
    pub(crate) fn upsert(
        &self,
        key: &Key<N>,
        change: impl FnOnce(&mut V),
        make: impl FnOnce() -> V,
    ) -> Result<(), Full> {
        let mut shard = self.shards.write(key.hash);
        if let Some(value) = shard.get_mut(key) {
            change(value);
            return Ok(());
        }
        // Counted before it is added: two shards that fill up at once cannot both take the last place.
        if self.entries.fetch_add(1, Ordering::AcqRel) >= self.entries_max {
            self.entries.fetch_sub(1, Ordering::AcqRel);
            return Err(Full);
        }
        shard.insert(key, make());
        Ok(())
    }

    /// Removes the entry if `matches` says so.
    pub(crate) fn remove_if(&self, key: &Key<N>, matches: impl FnOnce(&V) -> bool) -> Option<V> {
        let mut shard = self.shards.write(key.hash);
        if !shard.get(key).is_some_and(matches) {
            return None;
        }
        let removed = shard.remove(key);
        self.entries.fetch_sub(1, Ordering::AcqRel);
        removed
    }

    /// Keeps what `keep` approves of, shard by shard. Returns how many went.
    pub(crate) fn retain(&self, mut keep: impl FnMut(&V) -> bool) -> usize {
        let mut removed = 0;
        for mut shard in self.shards.write_each() {
            let gone = shard.retain(&mut keep);
            self.entries.fetch_sub(gone, Ordering::AcqRel);
            removed += gone;
        }
        removed
    }
}

#[cfg(test)]
impl<const N: usize, V: Clone, A: Default> SharedTable<N, V, A> {
    /// Everything in it, sorted by key.
    pub(crate) fn contents(&self) -> std::collections::BTreeMap<[u8; N], V> {
        let mut all = std::collections::BTreeMap::new();
        for shard in self.shards.read_each() {
            all.extend(shard.iter().map(|(key, value)| (*key, value.clone())));
        }
        all
    }
}
