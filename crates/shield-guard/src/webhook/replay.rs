//! Which ids were taken in the last minutes.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ring::digest::{SHA256, digest};
use shield_types::Timestamp;

use super::{VerifiedWebhook, WEBHOOK_WINDOW_S};

/// How long an id is kept: a message may be dated one window ahead and is good for one window after that.
const KEPT: Duration = Duration::from_secs(2 * WEBHOOK_WINDOW_S);
/// Expired ids that one call removes: more than it adds, so the table shrinks, and few, so nobody waits long.
const REMOVALS_MAX: usize = 4;

/// Half of a SHA-256: two ids that share it would need 2^64 tries to find, and would only lose their own sender a
/// message.
type Fingerprint = [u8; 16];

/// Remembers the ids of one sender's messages, each for 600 s, at most as many as it was made for (some 100 bytes
/// each).
///
/// When it is full, messages are refused until the oldest has expired: a flood can delay messages, never replay one.
pub struct ReplayWindow {
    capacity: usize,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// When each id will be forgotten.
    expiries: BTreeMap<Fingerprint, Timestamp>,
    /// The same in the order of arrival; an entry that `expiries` contradicts was forgotten in between.
    arrivals: VecDeque<(Timestamp, Fingerprint)>,
}

/// Why a verified message was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayRefusal {
    /// Its id was taken before: a retry whose answer was lost, or a replay. Answer 2xx and do nothing.
    #[error("take a webhook: its id was taken before")]
    Seen,
    /// Too many ids to remember. Answer 503; the sender will try again.
    #[error("take a webhook: the ids of the last minutes fill the memory set aside for them")]
    Full,
}

// === impl ReplayRefusal ===

impl ReplayRefusal {
    /// The name in events.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Seen => "replayed",
            Self::Full => "replay-window-full",
        }
    }
}

// === impl ReplayWindow ===

impl ReplayWindow {
    /// A window for `capacity` ids in 600 s; one that holds none refuses all.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, seen: Mutex::default() }
    }

    /// Takes an id, once. Only verified messages get here, so nobody without a key can fill it.
    pub fn admit(&self, message: &VerifiedWebhook<'_>, now: Timestamp) -> Result<(), ReplayRefusal> {
        let fingerprint = fingerprint(message.id);
        // The two collections are only changed together below, where nothing can panic.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.expire(now);
        if seen.expiries.get(&fingerprint).is_some_and(|expiry| now < *expiry) {
            return Err(ReplayRefusal::Seen);
        }
        if seen.arrivals.len() >= self.capacity {
            return Err(ReplayRefusal::Full);
        }
        let expiry = now.after(KEPT);
        seen.expiries.insert(fingerprint, expiry);
        seen.arrivals.push_back((expiry, fingerprint));
        Ok(())
    }

    /// Lets the sender's next attempt in, after handling this one failed.
    pub fn forget(&self, message: &VerifiedWebhook<'_>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.expiries.remove(&fingerprint(message.id));
    }
}

// === impl Seen ===

impl Seen {
    fn expire(&mut self, now: Timestamp) {
        for _ in 0..REMOVALS_MAX {
            match self.arrivals.front().copied() {
                Some((expiry, fingerprint)) if expiry <= now => {
                    self.arrivals.pop_front();
                    if self.expiries.get(&fingerprint) == Some(&expiry) {
                        self.expiries.remove(&fingerprint);
                    }
                }
                _ => return,
            }
        }
    }
}

fn fingerprint(id: &str) -> Fingerprint {
    digest(&SHA256, id.as_bytes()).as_ref()[..16].try_into().expect("SHA-256 has 32 bytes")
}
