//! How a key takes over from another, and how one is killed.
//!
//! A new key is first announced: it is in the key set and verifies, but does not sign, until every cached key set is
//! out of date and every node has the new ring. Then it signs, and the one before verifies until the last token that
//! it may have signed has expired; so at no moment is a valid token refused (bar `guard.rotation`). A killed key is
//! different: what it signed ends at once, wherever the new ring arrives.

use std::time::Duration;

use shield_types::Timestamp;

use crate::{
    KeyId,
    token::{ACCESS_TOKEN_LIFETIME_MAX, KeyRing, KeyState, SigningKey, key_ring::RingKey},
};

/// Most keys that a ring holds: the active one, the announced one, and those that retired or were killed during the
/// last hour or so.
pub const KEYS_MAX: usize = 8;

/// How much time a rotation takes (ASVS 5.0, 13.3.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RotationSchedule {
    /// How long a key signs before [`KeyRing::rotation_due`] asks for the next.
    pub period: Duration,
    /// How long a reader may keep the key set: its `max-age`.
    pub key_set_max_age: Duration,
    /// In what time every node has loaded a new ring, and its clock's error. Within it an old node still signs with
    /// the old key.
    pub propagation: Duration,
}

/// Why a key cannot take over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotateError {
    /// Another is announced and will sign first.
    #[error("announce a key: `{id}` is announced already, wait until it signs")]
    Pending {
        /// The one that waits.
        id: KeyId,
    },
    /// The key was in the ring before.
    #[error("announce key `{id}`: it is in the ring already")]
    Present {
        /// The key.
        id: KeyId,
    },
    /// Too many keys still verify.
    #[error("announce a key: the ring holds {KEYS_MAX} already; the next leaves at `{until}`")]
    Full {
        /// When there is room.
        until: Timestamp,
    },
}

/// Why a key cannot be killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KillError {
    /// There is none of this name; nothing that it signed is accepted.
    #[error("kill key `{id}`: it is not in the ring")]
    NotInRing {
        /// The name.
        id: KeyId,
    },
    /// It was killed before.
    #[error("kill key `{id}`: it was killed before")]
    Killed {
        /// Its name.
        id: KeyId,
    },
}

// === impl RotationSchedule ===

impl RotationSchedule {
    /// From the announcement of a key to its first signature: whoever took the key set just before has to ask again
    /// by then.
    pub fn lead(&self) -> Duration {
        self.key_set_max_age.saturating_add(self.propagation)
    }

    /// From the last signature of a key on time to the moment when nothing that it signed, on time or on a late node,
    /// is valid.
    pub fn overlap(&self) -> Duration {
        ACCESS_TOKEN_LIFETIME_MAX.saturating_add(self.propagation)
    }
}

impl Default for RotationSchedule {
    /// A key for 30 days, a key set for 5 minutes, a minute for a new ring to arrive.
    fn default() -> Self {
        Self {
            period: Duration::from_hours(30 * 24),
            key_set_max_age: Duration::from_mins(5),
            propagation: Duration::from_mins(1),
        }
    }
}

// === impl KeyRing ===

impl KeyRing {
    /// The ring in which `key` is announced and takes over after the schedule's [`lead`](RotationSchedule::lead); at
    /// once when no key signs, because the active one was killed. Keys that are gone leave.
    pub fn rotate(&self, key: SigningKey, now: Timestamp) -> Result<Self, RotateError> {
        let id = key.id();
        let mut next = self.changed(now);
        if next.keys.iter().any(|other| other.record.id == id) {
            return Err(RotateError::Present { id });
        }
        if let Some(pending) = next.position(now, KeyState::Announced) {
            return Err(RotateError::Pending { id: next.keys[pending].record.id });
        }
        if next.keys.len() >= KEYS_MAX && !next.forget_killed() {
            let until = next.keys.iter().filter_map(|key| self.leaves_at(key)).min();
            return Err(RotateError::Full { until: until.unwrap_or(now) });
        }
        let overlap = self.schedule.overlap();
        let signs_from = match next.position(now, KeyState::Active) {
            Some(active) => {
                let signs_until = now.after(self.schedule.lead());
                next.keys[active].record.signs_until = Some(signs_until);
                next.keys[active].record.verifies_until = Some(signs_until.after(overlap));
                signs_until
            }
            None => now,
        };
        next.keys.push(RingKey::new(key, now, signs_from));
        Ok(next)
    }

    /// The ring in which nothing that key `id` signed is valid (revocation of a key). If it is the active one, an
    /// announced key takes its place at once; if there is none, nothing is signed until the next [`Self::rotate`], unless
    /// the same change has [`Self::with_heir`]. If it is an announced one, the active key stays. Readers elsewhere that
    /// keep the key set accept the key until its `max-age` is over.
    pub fn kill(&self, id: KeyId, now: Timestamp) -> Result<Self, KillError> {
        let mut next = self.changed(now);
        let key = next.keys.iter_mut().find(|key| key.record.id == id).ok_or(KillError::NotInRing { id })?;
        if key.record.killed_at.replace(now).is_some() {
            return Err(KillError::Killed { id });
        }
        match (next.position(now, KeyState::Active), next.position(now, KeyState::Announced)) {
            (None, Some(heir)) => next.keys[heir].record.signs_from = now,
            (Some(active), None) => {
                next.keys[active].record.signs_until = None;
                next.keys[active].record.verifies_until = None;
            }
            _ => {}
        }
        Ok(next)
    }

    /// The same revision, in which `heir` signs from now on if no other key does: part of the change that killed the
    /// active one, so that nobody ever loads a ring which signs nothing. There is room for it once a key was killed.
    #[must_use]
    pub fn with_heir(mut self, heir: SigningKey, now: Timestamp) -> Self {
        if self.position(now, KeyState::Active).is_some() {
            return self;
        }
        if self.keys.len() >= KEYS_MAX && !self.forget_killed() {
            return self;
        }
        self.keys.push(RingKey::new(heir, now, now));
        self
    }

    /// Whether the active key has signed for the schedule's period and no other is announced; also when none signs.
    pub fn rotation_due(&self, now: Timestamp) -> bool {
        match (self.position(now, KeyState::Active), self.position(now, KeyState::Announced)) {
            (_, Some(_)) => false,
            (Some(active), None) => now.since(self.keys[active].record.signs_from) >= self.schedule.period,
            (None, None) => true,
        }
    }

    /// Makes room by forgetting the key that was killed first. What it signed is refused all the same, as of no key in the ring; so
    /// whoever kills keys one after the other never ends without one that signs. False when none was killed.
    fn forget_killed(&mut self) -> bool {
        let killed = self.keys.iter().enumerate().filter(|(_, key)| key.record.killed_at.is_some());
        let first = killed.min_by_key(|(_, key)| key.record.killed_at).map(|(place, _)| place);
        first.map(|place| self.keys.remove(place)).is_some()
    }

    /// Where the key in this state is; of those that sign or will there is one at most.
    fn position(&self, now: Timestamp, state: KeyState) -> Option<usize> {
        self.keys.iter().position(|key| key.record.state(now) == state)
    }

    /// A copy with the next revision, without the keys that have nothing more to say.
    fn changed(&self, now: Timestamp) -> Self {
        let stays = |key: &&RingKey| self.leaves_at(key).is_none_or(|end| now < end);
        let keys = self.keys.iter().filter(stays).cloned().collect();
        Self { schedule: self.schedule, revision: self.revision + 1, keys }
    }

    /// When the ring can forget `key`. A killed one is remembered as such until nothing that it signed could be valid
    /// anyway.
    fn leaves_at(&self, key: &RingKey) -> Option<Timestamp> {
        let killed = key.record.killed_at.map(|killed_at| killed_at.after(self.schedule.overlap()));
        match (key.record.verifies_until, killed) {
            (Some(end), Some(killed)) => Some(end.min(killed)),
            (end, killed) => end.or(killed),
        }
    }
}
