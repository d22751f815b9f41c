//! The keys of an issuer: one signs, the others verify.
//!
//! A ring never changes: [`rotate`](KeyRing::rotate) and [`kill`](KeyRing::kill) make a new one, which the caller
//! stores and then swaps in. It has [`KEYS_MAX`] keys at most, so looking one up is a walk over a few cache lines.

use std::sync::Arc;

use ring::rand::SecureRandom;
use shield_types::Timestamp;

use crate::{
    KeyId,
    token::{
        KEYS_MAX, KeyRecord, KeyState, RotationSchedule, SigningKey, SigningKeyError, StoredKey, StoredRing,
        VerifyingKey, VerifyingKeyError, header::Header,
    },
};

/// The keys of an issuer.
#[derive(Clone, Debug)]
pub struct KeyRing {
    pub(super) schedule: RotationSchedule,
    pub(super) revision: u64,
    /// In the order of their announcement.
    pub(super) keys: Vec<RingKey>,
}

#[derive(Clone, Debug)]
pub(super) struct RingKey {
    pub(super) record: KeyRecord,
    pub(super) verifying: VerifyingKey,
    /// The header of every token that it signs, encoded.
    header: String,
    /// `None` where tokens are only read.
    pub(super) signing: Option<Arc<SigningKey>>,
}

/// Why a key does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// There is none of this name.
    #[error("find the key: it is not in the ring")]
    NotInRing,
    /// It was killed.
    #[error("use the key: it was killed")]
    Killed,
    /// Nothing that it signed can be valid any more.
    #[error("use the key: it has retired for good")]
    Gone,
}

/// No key signs now: the active one was killed and has no successor, or its secret is not here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sign a token: no key with a secret is active; rotate to a new one")]
pub struct NoSigningKeyError;

/// Why stored keys do not make a ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadRingError {
    /// More than [`KEYS_MAX`].
    #[error("load `{count}` keys: at most {KEYS_MAX} are possible")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// The secret is no key.
    #[error("load key `{id}`: its secret cannot be read")]
    Secret {
        /// Which key.
        id: KeyId,
        /// Why.
        #[source]
        source: SigningKeyError,
    },
    /// The public bytes are no key.
    #[error("load key `{id}`: its public part cannot be read")]
    Public {
        /// Which key.
        id: KeyId,
        /// Why.
        #[source]
        source: VerifyingKeyError,
    },
    /// A record that does not describe its key: another name, algorithm or public part, or two of one name.
    #[error("load key `{id}`: the record belongs to another key")]
    OtherKey {
        /// Which record.
        id: KeyId,
    },
    /// HS256 cannot verify without its secret.
    #[error("load key `{id}`: an HS256 key has to come with its secret")]
    SecretMissing {
        /// Which key.
        id: KeyId,
    },
    /// The times contradict each other, or two keys sign at once.
    #[error("load key `{id}`: its times contradict each other, or those of another key")]
    Times {
        /// Which key.
        id: KeyId,
    },
}

// === impl KeyRing ===

impl KeyRing {
    /// The first ring of an issuer: `key` signs at once, because nobody knows another.
    pub fn begin(schedule: RotationSchedule, key: SigningKey, now: Timestamp) -> Self {
        Self { schedule, revision: 1, keys: vec![RingKey::new(key, now, now)] }
    }

    /// The ring that a store has. `random` serves `ring`, which checks private keys of ES256 with it.
    pub fn from_store(
        schedule: RotationSchedule,
        stored: StoredRing,
        random: &dyn SecureRandom,
    ) -> Result<Self, LoadRingError> {
        if stored.keys.len() > KEYS_MAX {
            return Err(LoadRingError::TooMany { count: stored.keys.len() });
        }
        let mut keys: Vec<RingKey> = Vec::with_capacity(stored.keys.len());
        for key in stored.keys {
            let key = RingKey::load(key, random)?;
            let id = key.record.id;
            if keys.iter().any(|other| other.record.id == id) {
                return Err(LoadRingError::OtherKey { id });
            }
            if !key.record.is_ordered() || keys.iter().any(|other| other.record.signs_with(&key.record)) {
                return Err(LoadRingError::Times { id });
            }
            keys.push(key);
        }
        Ok(Self { schedule, revision: stored.revision, keys })
    }

    /// What a store keeps of it.
    pub fn to_store(&self) -> StoredRing {
        let stored = |key: &RingKey| StoredKey {
            record: key.record.clone(),
            secret: key.signing.as_ref().map(|signing| signing.secret().clone()),
        };
        StoredRing { revision: self.revision, keys: self.keys.iter().map(stored).collect() }
    }

    /// Counts the changes since the first key.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// The keys, oldest first, for lists; [`KeyRecord::state`] says where each is in its life.
    pub fn records(&self) -> impl Iterator<Item = &KeyRecord> {
        self.keys.iter().map(|key| &key.record)
    }

    /// The key that signs at `now`.
    pub fn signing_key(&self, now: Timestamp) -> Result<&SigningKey, NoSigningKeyError> {
        let active = self.keys.iter().find(|key| key.record.state(now) == KeyState::Active);
        active.and_then(|key| key.signing.as_deref()).ok_or(NoSigningKeyError)
    }

    /// The key named `id`, if tokens that it signed can be valid at `now`: announced, active or retired.
    pub fn verifying_key(&self, id: KeyId, now: Timestamp) -> Result<&VerifyingKey, KeyRefusal> {
        let key = self.keys.iter().find(|key| key.record.id == id).ok_or(KeyRefusal::NotInRing)?;
        key.verifying_at(now)
    }

    /// The key whose tokens have this header.
    pub(super) fn key_of_header(&self, header: &[u8]) -> Option<&RingKey> {
        self.keys.iter().find(|key| key.header.as_bytes() == header)
    }
}

// === impl RingKey ===

impl RingKey {
    pub(super) fn new(key: SigningKey, announced_at: Timestamp, signs_from: Timestamp) -> Self {
        let verifying = key.verifying_key().clone();
        let record = KeyRecord {
            id: verifying.id(),
            algorithm: verifying.algorithm(),
            public: verifying.public().map(<[u8]>::to_vec),
            announced_at,
            signs_from,
            signs_until: None,
            verifies_until: None,
            killed_at: None,
        };
        let header = Header::of(&verifying).encoded();
        Self { record, verifying, header, signing: Some(Arc::new(key)) }
    }

    /// What checks its signatures, if tokens that it signed can be valid at `now`.
    pub(super) fn verifying_at(&self, now: Timestamp) -> Result<&VerifyingKey, KeyRefusal> {
        match self.record.state(now) {
            KeyState::Announced | KeyState::Active | KeyState::Retired => Ok(&self.verifying),
            KeyState::Gone => Err(KeyRefusal::Gone),
            KeyState::Killed => Err(KeyRefusal::Killed),
        }
    }

    fn load(stored: StoredKey, random: &dyn SecureRandom) -> Result<Self, LoadRingError> {
        let StoredKey { record, secret } = stored;
        let id = record.id;
        let signing =
            secret.map(|secret| SigningKey::from_secret(record.algorithm, secret, random)).transpose();
        let signing = signing.map_err(|source| LoadRingError::Secret { id, source })?;
        let verifying = match (&signing, &record.public) {
            (Some(signing), _) => signing.verifying_key().clone(),
            (None, Some(public)) => VerifyingKey::from_public(record.algorithm, public)
                .map_err(|source| LoadRingError::Public { id, source })?,
            (None, None) => return Err(LoadRingError::SecretMissing { id }),
        };
        if verifying.id() != id || verifying.public() != record.public.as_deref() {
            return Err(LoadRingError::OtherKey { id });
        }
        let header = Header::of(&verifying).encoded();
        Ok(Self { record, verifying, header, signing: signing.map(Arc::new) })
    }
}

// === impl KeyRecord ===

impl KeyRecord {
    /// Whether its times are in the order of a key's life.
    fn is_ordered(&self) -> bool {
        let end = match (self.signs_until, self.verifies_until) {
            (None, None) => true,
            (Some(signs_until), Some(verifies_until)) => {
                self.signs_from <= signs_until && signs_until <= verifies_until
            }
            _ => false,
        };
        end && self.announced_at <= self.signs_from
    }

    /// Whether there is a moment at which both this and `other` sign.
    fn signs_with(&self, other: &Self) -> bool {
        let begins_before_end =
            |one: &Self, two: &Self| two.signs_until.is_none_or(|end| one.signs_from < end);
        let alive = self.killed_at.is_none() && other.killed_at.is_none();
        alive && begins_before_end(self, other) && begins_before_end(other, self)
    }
}
