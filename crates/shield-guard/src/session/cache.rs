//! Sessions of which this node has lately seen a request.
//!
//! Bounded: a new session takes the place of one that was not asked for since the hand of the clock last passed (second
//! chance). Only sessions that the store has get in, so nobody fills it with garbage. A hit costs the secret's SHA-256, one
//! uncontended lock and one memory miss.
//!
//! Every entry's word is checked on every hit; one that is past either limit is no hit. The idle limit is judged by this
//! node's own last sight of the session, so what looks idle here may be in use on another node: the store is asked, and
//! decides. It is asked in any case about once in [`CACHED_SESSION_AGE_MAX`]: that a session was ended has to be remembered
//! no longer than that, even if an answer that was under way put it back here.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use shield_types::Timestamp;

use super::{ActiveSession, SessionDigest, SessionPolicy, SessionState};
use crate::{
    SessionId,
    table::{Full, Shards, SharedTable, Table},
};

/// How long a session is believed in after the store was asked.
pub const CACHED_SESSION_AGE_MAX: Duration = Duration::from_mins(10);

/// The near cache.
#[derive(Debug)]
pub struct SessionCache {
    shards: Shards<Shard>,
    /// Where an id's session is. Only to forget by; what it fails to name stays until its place is needed or its time is up.
    places: SharedTable<16, [u8; 32]>,
    shard_entries_max: usize,
    write_back_ms: u64,
}

#[derive(Debug)]
struct Shard {
    sessions: Table<32, Cached>,
    /// Where the search for a place to reuse goes on.
    hand: usize,
}

#[derive(Debug)]
struct Cached {
    session: ActiveSession,
    /// When the store's answer came.
    kept_at: Timestamp,
    last_seen_ms: AtomicU64,
    /// When `last_seen_ms` was last handed out to be written.
    written_ms: AtomicU64,
    /// Asked for since the hand last passed.
    used: AtomicBool,
}

/// A session that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionHit {
    /// The session.
    pub session: ActiveSession,
    /// Whether its use is to be written down.
    pub write_back: WriteBack,
}

/// Whether a store is to be told that something was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteBack {
    /// It was told lately.
    NotDue,
    /// Tell it, after the answer: of all requests of one interval only this one is asked to. If that fails, the next interval's
    /// is.
    Due,
}

// === impl SessionCache ===

impl SessionCache {
    /// A cache for about `sessions_max` sessions (at least one in each of 256 shards), each about 300 bytes.
    pub fn new(sessions_max: usize, policy: &SessionPolicy) -> Self {
        let shard_entries_max = sessions_max.div_ceil(Shards::<Shard>::COUNT).max(1);
        let write_back_ms = u64::try_from(policy.times().write_back.as_millis()).unwrap_or(u64::MAX);
        Self {
            shards: Shards::new(|| Shard { sessions: Table::new(), hand: 0 }),
            places: SharedTable::new(shard_entries_max * Shards::<Shard>::COUNT),
            shard_entries_max,
            write_back_ms,
        }
    }

    /// The live session under a digest, and notes that it was used. `None` says nothing: ask the store.
    pub fn find(&self, digest: &SessionDigest, now: Timestamp) -> Option<SessionHit> {
        let shard = self.shards.read(digest.as_bytes());
        let cached = shard.sessions.get(digest.as_bytes())?;
        let last_seen = Timestamp(cached.last_seen_ms.load(Ordering::Relaxed));
        if cached.session.state(last_seen, now) != SessionState::Live || cached.is_old(now) {
            return None;
        }
        // Written only when it changes something: a hot session's cache line stays shared.
        if !cached.used.load(Ordering::Relaxed) {
            cached.used.store(true, Ordering::Relaxed);
        }
        if last_seen < now {
            cached.last_seen_ms.fetch_max(now.0, Ordering::Relaxed);
        }
        Some(SessionHit { session: cached.session, write_back: cached.write_back(now, self.write_back_ms) })
    }

    /// Keeps a session that the store just returned. Returns what this request has of it, as [`Self::find`] would.
    pub(super) fn insert(
        &self,
        digest: &SessionDigest,
        session: ActiveSession,
        last_seen_at: Timestamp,
        now: Timestamp,
    ) -> SessionHit {
        let cached = Cached {
            session,
            kept_at: now,
            last_seen_ms: AtomicU64::new(now.0.max(last_seen_at.0)),
            written_ms: AtomicU64::new(last_seen_at.0),
            used: AtomicBool::new(false),
        };
        let write_back = cached.write_back(now, self.write_back_ms);
        let evicted = self.shards.write(digest.as_bytes()).insert(digest, cached, self.shard_entries_max);
        if let Some(id) = evicted {
            self.places.remove_if(id.uuid().as_bytes(), |_| true);
        }
        // What does not fit here is not forgotten early; nothing else depends on it.
        let _: Result<(), Full> = self.places.upsert(
            session.id.uuid().into_bytes(),
            |place| *place = *digest.as_bytes(),
            || *digest.as_bytes(),
        );
        SessionHit { session, write_back }
    }

    /// Forgets a session that was ended. That it is over is not this cache's word but the revocations': an answer of the
    /// store that was under way may put it back.
    pub fn forget(&self, id: SessionId) {
        if let Some(digest) = self.places.remove_if(id.uuid().as_bytes(), |_| true) {
            self.shards.write(&digest).remove(&digest, id);
        }
    }

    /// Sessions in it.
    pub fn len(&self) -> usize {
        self.shards.read_each().map(|shard| shard.sessions.len()).sum()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

// === impl Shard ===

impl Shard {
    /// Adds a session, in another's place if there is no other. Returns whose.
    fn insert(&mut self, digest: &SessionDigest, cached: Cached, entries_max: usize) -> Option<SessionId> {
        let full = self.sessions.len() >= entries_max && self.sessions.get(digest.as_bytes()).is_none();
        let evicted = if full { self.evict() } else { None };
        self.sessions.insert(*digest.as_bytes(), cached);
        evicted
    }

    /// Removes the first session from the hand on that was not asked for since the hand last passed. Comes to an end within
    /// two rounds; `None` only if there is no session.
    fn evict(&mut self) -> Option<SessionId> {
        loop {
            let (place, digest, cached) = self.sessions.first_from(self.hand)?;
            if cached.used.swap(false, Ordering::Relaxed) {
                self.hand = place + 1;
                continue;
            }
            let (digest, id) = (*digest, cached.session.id);
            // Another one may move up to this place, which comes next.
            self.hand = place;
            self.sessions.remove(&digest);
            return Some(id);
        }
    }

    fn remove(&mut self, digest: &[u8; 32], id: SessionId) {
        if self.sessions.get(digest).is_some_and(|cached| cached.session.id == id) {
            self.sessions.remove(digest);
        }
    }
}

// === impl Cached ===

impl Cached {
    /// A moment in the future counts like one as far in the past: a clock that was set back makes nothing young.
    fn is_old(&self, now: Timestamp) -> bool {
        u128::from(now.0.abs_diff(self.kept_at.0)) >= CACHED_SESSION_AGE_MAX.as_millis()
    }

    fn write_back(&self, now: Timestamp, interval_ms: u64) -> WriteBack {
        let written = self.written_ms.load(Ordering::Relaxed);
        if now.0.saturating_sub(written) < interval_ms {
            return WriteBack::NotDue;
        }
        let won = self.written_ms.compare_exchange(written, now.0, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_ok() { WriteBack::Due } else { WriteBack::NotDue }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shield_types::Timestamp;

    use super::{CACHED_SESSION_AGE_MAX, SessionCache, WriteBack};
    use crate::session::{
        ActiveSession, SessionPolicy, SessionRecord,
        testing::{NOW, record},
    };

    const MINUTE_MS: u64 = 60_000;

    fn cache(sessions_max: usize) -> SessionCache {
        SessionCache::new(sessions_max, &SessionPolicy::default())
    }

    fn insert(cache: &SessionCache, record: &SessionRecord) {
        cache.insert(&record.digest, record.active(), record.last_seen_at, NOW);
    }

    fn later(millis: u64) -> Timestamp {
        Timestamp(NOW.0 + millis)
    }

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let (cache, record) = (cache(1_000), record(1, NOW));
        assert_eq!(cache.find(&record.digest, NOW), None);
        insert(&cache, &record);
        assert_eq!(cache.find(&record.digest, NOW).unwrap().session, record.active());
        assert_eq!(cache.find(&super::SessionDigest::from_bytes([1; 32]), NOW), None);
    }

    /// A session whose limits are shorter than it is believed in.
    fn brief(record: &SessionRecord) -> ActiveSession {
        ActiveSession { idle: Duration::from_mins(4), expires_at: later(9 * MINUTE_MS), ..record.active() }
    }

    #[test]
    fn asvs_v7_3_1_no_hit_past_the_idle_limit() {
        let (cache, record) = (cache(1_000), record(1, NOW));
        cache.insert(&record.digest, brief(&record), NOW, NOW);
        assert!(cache.find(&record.digest, later(4 * MINUTE_MS - 1)).is_some());
        assert!(cache.find(&record.digest, later(8 * MINUTE_MS - 2)).is_some(), "it was used in between");
        let (cache, idle) = (self::cache(1_000), brief(&record));
        cache.insert(&record.digest, idle, NOW, NOW);
        assert_eq!(cache.find(&record.digest, later(4 * MINUTE_MS)), None);
    }

    #[test]
    fn asvs_v7_3_2_no_hit_past_the_absolute_limit() {
        let (cache, record) = (cache(1_000), record(1, NOW));
        cache.insert(&record.digest, brief(&record), NOW, NOW);
        for minute in 1..9 {
            assert!(cache.find(&record.digest, later(minute * MINUTE_MS)).is_some(), "{minute}");
        }
        assert_eq!(cache.find(&record.digest, later(9 * MINUTE_MS)), None);
    }

    /// That it was ended is remembered for as long as it is believed in, and no longer.
    #[test]
    fn asvs_v7_4_1_a_session_is_not_believed_in_for_ever() {
        let (cache, record) = (cache(1_000), record(1, NOW));
        insert(&cache, &record);
        let bound_ms = u64::try_from(CACHED_SESSION_AGE_MAX.as_millis()).unwrap();
        assert!(cache.find(&record.digest, later(bound_ms - 1)).is_some());
        assert_eq!(cache.find(&record.digest, later(bound_ms)), None);
        assert_eq!(cache.find(&record.digest, Timestamp(NOW.0 - bound_ms)), None, "the clock was set back");
        cache.insert(&record.digest, record.active(), NOW, later(bound_ms));
        assert!(cache.find(&record.digest, later(2 * bound_ms - 1)).is_some(), "the store said so again");
    }

    #[test]
    fn asks_for_one_write_back_a_minute() {
        let (cache, record) = (cache(1_000), record(1, NOW));
        insert(&cache, &record);
        let due = |millis| cache.find(&record.digest, later(millis)).unwrap().write_back;
        let asked: Vec<_> = (0..200).filter(|second| due(second * 1_000) == WriteBack::Due).collect();
        assert_eq!(asked, [60, 120, 180]);
    }

    #[test]
    fn forgets_by_id() {
        let cache = cache(1_000);
        let (one, other) = (record(1, NOW), record(2, NOW));
        insert(&cache, &one);
        insert(&cache, &other);
        cache.forget(one.id);
        assert_eq!(cache.find(&one.digest, NOW), None);
        assert!(cache.find(&other.digest, NOW).is_some());
    }

    #[test]
    fn stays_within_its_bound_and_keeps_what_is_used() {
        let cache = cache(512);
        let used = record(0, NOW);
        insert(&cache, &used);
        for number in 1..20_000 {
            assert!(cache.find(&used.digest, NOW).is_some(), "evicted by {number}");
            insert(&cache, &record(number, NOW));
        }
        assert!(cache.len() <= 512, "{}", cache.len());
        assert!(cache.len() >= 500, "{}", cache.len());
        assert_eq!(cache.places.len(), cache.len());
    }
}
