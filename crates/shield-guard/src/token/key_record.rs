//! A signing key as a store keeps it: its name, its times, and apart from them its secret.
//!
//! Its state is nowhere written down. It follows from the times and from now, so that all nodes that have the same
//! record change over at the same moment, without telling each other.

use serde::{Deserialize, Serialize};
use shield_types::{Secret, Timestamp};

use crate::{KeyId, token::Algorithm};

/// What may be known about a key by everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Its name.
    pub id: KeyId,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// Its public bytes, as [`crate::token::VerifyingKey::from_public`] reads them; `None` for HS256.
    pub public: Option<Vec<u8>>,
    /// From when on it is published and verifies.
    pub announced_at: Timestamp,
    /// From when on it signs.
    pub signs_from: Timestamp,
    /// From when on its successor signs; `None` while there is none.
    pub signs_until: Option<Timestamp>,
    /// From when on nothing that it signed can be valid; `None` while it has no successor.
    pub verifies_until: Option<Timestamp>,
    /// When it was taken out of service at once; nothing that it signed is valid since.
    pub killed_at: Option<Timestamp>,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyState {
    /// Published and verifying, so that every reader knows it before it signs.
    Announced,
    /// Signs.
    Active,
    /// Verifies what it signed.
    Retired,
    /// The last token that it signed has expired.
    Gone,
    /// Taken out of service at once.
    Killed,
}

/// A key in a store.
#[derive(Clone, Debug)]
pub struct StoredKey {
    /// What may be known.
    pub record: KeyRecord,
    /// What [`crate::token::SigningKey::from_secret`] reads. A store encrypts it. `None` where tokens are only read.
    pub secret: Option<Secret<Box<[u8]>>>,
}

/// All keys of an issuer, at one moment.
#[derive(Clone, Debug)]
pub struct StoredRing {
    /// Counts the changes, so that of two changes at once one is refused.
    pub revision: u64,
    /// The keys, in the order of their announcement.
    pub keys: Vec<StoredKey>,
}

// === impl KeyRecord ===

impl KeyRecord {
    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> KeyState {
        let come = |time: Option<Timestamp>| time.is_some_and(|time| now >= time);
        if self.killed_at.is_some() {
            KeyState::Killed
        } else if come(self.verifies_until) {
            KeyState::Gone
        } else if come(self.signs_until) {
            KeyState::Retired
        } else if now >= self.signs_from {
            KeyState::Active
        } else {
            KeyState::Announced
        }
    }
}
