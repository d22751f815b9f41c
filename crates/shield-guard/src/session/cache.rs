//! Sessions of which this node has lately seen a request.
//!
//! Bounded: a new session takes the place of one that was not asked for since the hand of the clock last passed (second
//! chance). Only sessions that the store has get in, so nobody fills it with garbage. A hit costs the secret's SHA-256, one
//! uncontended lock and beside them one memory miss: where a session is kept follows from its secret, so that memory brings
//! it while the secret is hashed. The cache holds so much of a secret as says where (32 bits mixed from its first 64, of 256),
//! and its digest.
//!
//! Every entry's word is checked on every hit; one that is past either limit is no hit. The idle limit is judged by this
//! node's own last sight of the session, so what looks idle here may be in use on another node: the store is asked, and
//! decides. It is asked in any case about once in [`CACHED_SESSION_AGE_MAX`]: that a session was ended has to be remembered
//! no longer than that, even if an answer that was under way put it back here.

use std::{
    sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    time::Duration,
};

use shield_types::Timestamp;

use super::{ActiveSession, DeviceBinding, SessionDigest, SessionPolicy, SessionSecret, SessionState};
use crate::{
    AccountId, SessionId,
    table::{Full, Key, OwnLines, Shards, SharedTable, Table},
};

/// How long a session is believed in after the store was asked.
pub const CACHED_SESSION_AGE_MAX: Duration = Duration::from_mins(10);

/// The near cache.
#[derive(Debug)]
pub struct SessionCache {
    shards: Shards<Shard>,
    /// Under which key an id's session is. Only to forget by; what it fails to name stays until its place is needed or its
    /// time is up.
    places: SharedTable<16, Key<32>>,
    shard_entries_max: usize,
    write_back_s: u32,
}

/// A session that is looked for: what the store finds it by, and where this cache keeps it.
#[derive(Clone, Copy, Debug)]
pub struct SoughtSession(Key<32>);

#[derive(Debug)]
struct Shard {
    sessions: Table<32, Cached, OwnLines>,
    /// Where the search for a place to reuse goes on.
    hand: usize,
}

/// A session, in 96 bytes: with its digest it fills two cache lines.
#[derive(Debug)]
struct Cached {
    id: SessionId,
    account: AccountId,
    created_at: Timestamp,
    authenticated_at: Timestamp,
    expires_at: Timestamp,
    /// When the store's answer came, in seconds.
    kept_s: u32,
    last_seen_ms: AtomicU64,
    /// In whole seconds, rounded down: what looks idle too early is asked about.
    idle_s: u32,
    /// When `last_seen_ms` was last handed out to be written, in seconds.
    written_s: AtomicU32,
    binding: DeviceBinding,
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

// === impl SoughtSession ===

impl SoughtSession {
    pub(super) fn new(place: u32, digest: SessionDigest) -> Self {
        Self(Key::placed(place, *digest.as_bytes()))
    }

    /// What the store finds it by.
    pub const fn digest(&self) -> SessionDigest {
        SessionDigest::from_bytes(self.0.bytes)
    }
}

// === impl SessionCache ===

impl SessionCache {
    /// A cache for about `sessions_max` sessions (at least one in each of 256 shards), each about 280 bytes.
    pub fn new(sessions_max: usize, policy: &SessionPolicy) -> Self {
        let shard_entries_max = sessions_max.div_ceil(Shards::<Shard>::COUNT).max(1);
        Self {
            shards: Shards::new(|| Shard { sessions: Table::new(), hand: 0 }),
            places: SharedTable::new(shard_entries_max * Shards::<Shard>::COUNT),
            shard_entries_max,
            // Of a shorter time than a second every request would be asked to write.
            write_back_s: seconds(policy.times().write_back.as_secs()).max(1),
        }
    }

    /// The live session of a secret, and notes that it was used. An error says nothing but what to ask the store about.
    pub fn find(&self, secret: &SessionSecret, now: Timestamp) -> Result<SessionHit, SoughtSession> {
        let hash = secret.hash();
        let shard = self.shards.read(hash);
        shard.sessions.approach(hash);
        let sought = secret.sought();
        let cached = shard.sessions.get(&sought.0);
        cached.and_then(|cached| cached.hit(now, self.write_back_s)).ok_or(sought)
    }

    /// Keeps a session that the store just returned. Returns what this request has of it, as [`Self::find`] would.
    pub(super) fn insert(
        &self,
        sought: SoughtSession,
        session: ActiveSession,
        last_seen_at: Timestamp,
        now: Timestamp,
    ) -> SessionHit {
        let SoughtSession(key) = sought;
        let cached = Cached::new(&session, last_seen_at, now);
        let write_back = cached.write_back(now, self.write_back_s);
        let evicted = self.shards.write(key.hash).insert(&key, cached, self.shard_entries_max);
        if let Some(id) = evicted {
            self.places.remove_if(&key_of(id), |_| true);
        }
        // What does not fit here is not forgotten early; nothing else depends on it.
        let _: Result<(), Full> = self.places.upsert(&key_of(session.id), |place| *place = key, || key);
        SessionHit { session, write_back }
    }

    /// Forgets a session that was ended. That it is over is not this cache's word but the revocations': an answer of the
    /// store that was under way may put it back.
    pub fn forget(&self, id: SessionId) {
        if let Some(key) = self.places.remove_if(&key_of(id), |_| true) {
            self.shards.write(key.hash).remove(&key, id);
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

fn key_of(id: SessionId) -> Key<16> {
    Key::of(id.uuid().into_bytes())
}

/// What lies beyond the year 2106 is its end.
fn seconds(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

// === impl Shard ===

impl Shard {
    /// Adds a session, in another's place if there is no other. Returns whose.
    fn insert(&mut self, key: &Key<32>, cached: Cached, entries_max: usize) -> Option<SessionId> {
        let full = self.sessions.len() >= entries_max && self.sessions.get(key).is_none();
        let evicted = if full { self.evict() } else { None };
        self.sessions.insert(key, cached);
        evicted
    }

    /// Removes the first session from the hand on that was not asked for since the hand last passed. Comes to an end within
    /// two rounds; `None` only if there is no session.
    fn evict(&mut self) -> Option<SessionId> {
        loop {
            let (place, cached) = self.sessions.first_from(self.hand)?;
            if cached.used.swap(false, Ordering::Relaxed) {
                self.hand = place + 1;
                continue;
            }
            // Another one may move up to this place, which comes next.
            self.hand = place;
            return self.sessions.remove_at(place).map(|cached| cached.id);
        }
    }

    fn remove(&mut self, key: &Key<32>, id: SessionId) {
        if self.sessions.get(key).is_some_and(|cached| cached.id == id) {
            self.sessions.remove(key);
        }
    }
}

// === impl Cached ===

impl Cached {
    fn new(session: &ActiveSession, last_seen_at: Timestamp, now: Timestamp) -> Self {
        Self {
            id: session.id,
            account: session.account,
            created_at: session.created_at,
            authenticated_at: session.authenticated_at,
            expires_at: session.expires_at,
            kept_s: seconds(now.0 / 1_000),
            last_seen_ms: AtomicU64::new(now.0.max(last_seen_at.0)),
            idle_s: seconds(session.idle.as_secs()),
            written_s: AtomicU32::new(seconds(last_seen_at.0 / 1_000)),
            binding: session.binding,
            used: AtomicBool::new(false),
        }
    }

    fn session(&self) -> ActiveSession {
        ActiveSession {
            id: self.id,
            account: self.account,
            created_at: self.created_at,
            authenticated_at: self.authenticated_at,
            expires_at: self.expires_at,
            idle: Duration::from_secs(self.idle_s.into()),
            binding: self.binding,
        }
    }

    /// What a request has of it, if it is live; notes that it was used.
    fn hit(&self, now: Timestamp, write_back_s: u32) -> Option<SessionHit> {
        let session = self.session();
        let last_seen = Timestamp(self.last_seen_ms.load(Ordering::Relaxed));
        if session.state(last_seen, now) != SessionState::Live || self.is_old(now) {
            return None;
        }
        // Written only when it changes something: a hot session's cache line stays shared.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        if last_seen < now {
            self.last_seen_ms.fetch_max(now.0, Ordering::Relaxed);
        }
        Some(SessionHit { session, write_back: self.write_back(now, write_back_s) })
    }

    /// A moment in the future counts like one as far in the past: a clock that was set back makes nothing young.
    fn is_old(&self, now: Timestamp) -> bool {
        u64::from(seconds(now.0 / 1_000).abs_diff(self.kept_s)) >= CACHED_SESSION_AGE_MAX.as_secs()
    }

    fn write_back(&self, now: Timestamp, interval_s: u32) -> WriteBack {
        let now_s = seconds(now.0 / 1_000);
        let written = self.written_s.load(Ordering::Relaxed);
        if now_s.saturating_sub(written) < interval_s {
            return WriteBack::NotDue;
        }
        let won = self.written_s.compare_exchange(written, now_s, Ordering::Relaxed, Ordering::Relaxed);
        if won.is_ok() { WriteBack::Due } else { WriteBack::NotDue }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shield_types::Timestamp;

    use super::{CACHED_SESSION_AGE_MAX, Cached, SessionCache, SessionHit, WriteBack};
    use crate::session::{
        ActiveSession, SessionPolicy, SessionRecord,
        testing::{NOW, record, secret},
    };

    const MINUTE_MS: u64 = 60_000;

    fn cache(sessions_max: usize) -> SessionCache {
        SessionCache::new(sessions_max, &SessionPolicy::default())
    }

    /// Puts in the session of this number.
    fn insert(cache: &SessionCache, number: u32) -> SessionRecord {
        let record = record(number, NOW);
        cache.insert(secret(number).sought(), record.active(), record.last_seen_at, NOW);
        record
    }

    fn find(cache: &SessionCache, number: u32, now: Timestamp) -> Option<SessionHit> {
        cache.find(&secret(number), now).ok()
    }

    fn later(millis: u64) -> Timestamp {
        Timestamp(NOW.0 + millis)
    }

    #[test]
    fn finds_what_was_put_in_and_nothing_else() {
        let cache = cache(1_000);
        assert_eq!(find(&cache, 1, NOW), None);
        let record = insert(&cache, 1);
        assert_eq!(find(&cache, 1, NOW).unwrap().session, record.active());
        assert_eq!(find(&cache, 2, NOW), None);
        assert_eq!(cache.find(&secret(2), NOW).err().unwrap().digest(), secret(2).digest());
    }

    /// A session whose limits are shorter than it is believed in.
    fn brief(record: &SessionRecord) -> ActiveSession {
        ActiveSession { idle: Duration::from_mins(4), expires_at: later(9 * MINUTE_MS), ..record.active() }
    }

    #[test]
    fn asvs_v7_3_1_no_hit_past_the_idle_limit() {
        let (cache, record) = (cache(1_000), record(1, NOW));
        let insert = |cache: &SessionCache| cache.insert(secret(1).sought(), brief(&record), NOW, NOW);
        insert(&cache);
        assert!(find(&cache, 1, later(4 * MINUTE_MS - 1)).is_some());
        assert!(find(&cache, 1, later(8 * MINUTE_MS - 2)).is_some(), "it was used in between");
        let cache = self::cache(1_000);
        insert(&cache);
        assert_eq!(find(&cache, 1, later(4 * MINUTE_MS)), None);
    }

    #[test]
    fn asvs_v7_3_2_no_hit_past_the_absolute_limit() {
        let (cache, record) = (cache(1_000), record(1, NOW));
        cache.insert(secret(1).sought(), brief(&record), NOW, NOW);
        for minute in 1..9 {
            assert!(find(&cache, 1, later(minute * MINUTE_MS)).is_some(), "{minute}");
        }
        assert_eq!(find(&cache, 1, later(9 * MINUTE_MS)), None);
    }

    /// That it was ended is remembered for as long as it is believed in, and no longer.
    #[test]
    fn asvs_v7_4_1_a_session_is_not_believed_in_for_ever() {
        let cache = cache(1_000);
        let record = insert(&cache, 1);
        let bound_ms = u64::try_from(CACHED_SESSION_AGE_MAX.as_millis()).unwrap();
        assert!(find(&cache, 1, later(bound_ms - 1)).is_some());
        assert_eq!(find(&cache, 1, later(bound_ms)), None);
        assert_eq!(find(&cache, 1, Timestamp(NOW.0 - bound_ms)), None, "the clock was set back");
        cache.insert(secret(1).sought(), record.active(), NOW, later(bound_ms));
        assert!(find(&cache, 1, later(2 * bound_ms - 1)).is_some(), "the store said so again");
    }

    #[test]
    fn asks_for_one_write_back_a_minute() {
        let cache = cache(1_000);
        insert(&cache, 1);
        let due = |millis| find(&cache, 1, later(millis)).unwrap().write_back;
        let asked: Vec<_> = (0..200).filter(|second| due(second * 1_000) == WriteBack::Due).collect();
        assert_eq!(asked, [60, 120, 180]);
    }

    #[test]
    fn forgets_by_id() {
        let cache = cache(1_000);
        let (one, _) = (insert(&cache, 1), insert(&cache, 2));
        cache.forget(one.id);
        assert_eq!(find(&cache, 1, NOW), None);
        assert!(find(&cache, 2, NOW).is_some());
    }

    #[test]
    fn stays_within_its_bound_and_keeps_what_is_used() {
        let cache = cache(512);
        insert(&cache, 0);
        for number in 1..20_000 {
            assert!(find(&cache, 0, NOW).is_some(), "evicted by {number}");
            insert(&cache, number);
        }
        assert!(cache.len() <= 512, "{}", cache.len());
        assert!(cache.len() >= 500, "{}", cache.len());
        assert_eq!(cache.places.len(), cache.len());
    }

    #[test]
    fn a_session_and_its_digest_fit_into_two_cache_lines() {
        assert_eq!(size_of::<Option<([u8; 32], Cached)>>(), 128);
    }
}
