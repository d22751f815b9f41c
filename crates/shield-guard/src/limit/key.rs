//! Who is limited: one client address, account, session, API key or class of routes.

use siphasher::sip::SipHasher13;

use crate::{AccountId, ApiKeyId, SessionId, address::AddressBlock};

/// Whose units are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKey {
    /// A client, by its address: one IPv4 address, or the IPv6 /64 that one subscriber has at least.
    Address(AddressBlock),
    /// An account, over all its sessions.
    Account(AccountId),
    /// One API key.
    ApiKey(ApiKeyId),
    /// A class of routes as a whole, whoever asks; the caller numbers its classes.
    RouteClass(u16),
    /// One session, by its cookie and its tokens.
    Session(SessionId),
}

/// Places keys in tables, by SipHash-1-3 under a secret of 128 bits: without it nobody can choose keys that meet.
pub(super) struct KeyHasher(SipHasher13);

/// A key, as a table sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Which bucket of `buckets`.
    pub(super) bucket: usize,
    /// Tells the keys of a bucket apart; never 0, which is an empty slot.
    pub(super) fingerprint: u32,
}

// === impl LimitKey ===

impl LimitKey {
    /// Seventeen bytes that no other key has, to name it in a store: what kind it is, and which.
    pub fn bytes(&self) -> [u8; 17] {
        let (kind, which) = match self {
            Self::Address(block) => (0, block.bytes()),
            Self::Account(id) => (1, id.uuid().into_bytes()),
            Self::ApiKey(id) => (2, id.uuid().into_bytes()),
            Self::RouteClass(class) => (3, u128::from(*class).to_be_bytes()),
            Self::Session(id) => (4, id.uuid().into_bytes()),
        };
        let mut bytes = [kind; 17];
        bytes[1..].copy_from_slice(&which);
        bytes
    }
}

// === impl KeyHasher ===

impl KeyHasher {
    /// With a secret that no other table has.
    pub(super) fn new(seed: [u8; 16]) -> Self {
        Self(SipHasher13::new_with_key(&seed))
    }

    /// Where `key` belongs among `buckets`, of which there are at most 2^32.
    #[inline]
    pub(super) fn place(&self, key: &LimitKey, buckets: usize) -> Place {
        let hash = self.0.hash(&key.bytes());
        // The lower half scaled to the number of buckets, the upper half left to tell keys apart: independent bits.
        let bucket = ((hash & u64::from(u32::MAX)) * buckets as u64) >> 32;
        Place { bucket: bucket as usize, fingerprint: ((hash >> 32) as u32).max(1) }
    }
}
