//! All refresh tokens from one log-in.

use std::time::Duration;

use shield_types::{Sha256Digest, Timestamp};

use crate::{AccountId, SessionId};

/// How long a family lives, from log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshLife {
    /// One day.
    Day,
    /// 30 days, for who asked to be remembered.
    Remembered,
}

/// A family, as the store keeps it: digests only, one record of fixed size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshFamily {
    /// The session that it keeps alive, and its key in the store.
    pub session: SessionId,
    /// Whose session.
    pub account: AccountId,
    /// When the log-in was, to be held against the account's not-before.
    pub began_at: Timestamp,
    /// From when on no token of it works. Nothing moves it.
    pub ends_at: Timestamp,
    /// Counts every change, so that of two at once one is refused.
    pub revision: u64,
    /// The digest of the one token that works.
    pub current: Sha256Digest,
    /// How that one came to be; `None` for the first.
    pub rotation: Option<RefreshRotation>,
    /// When it was ended early: log-out, an administrator, or reuse of a token.
    pub revoked_at: Option<Timestamp>,
}

/// The last rotation of a family.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRotation {
    /// Counts the rotations of the family, from 1.
    pub number: u64,
    /// The digest of the token that was used.
    pub used: Sha256Digest,
    /// When.
    pub at: Timestamp,
    /// Fresh random bytes that its successor was derived from; worth nothing without the server's secret and the token.
    pub salt: [u8; 32],
}

// === impl RefreshLife ===

impl RefreshLife {
    /// As a duration.
    pub const fn duration(self) -> Duration {
        match self {
            Self::Day => Duration::from_hours(24),
            Self::Remembered => Duration::from_hours(30 * 24),
        }
    }
}

// === impl RefreshFamily ===

impl RefreshFamily {
    /// The family after log-out or revocation; to be stored with [`crate::token::RefreshStore::replace`]. A rotation
    /// at the same moment either comes first, and its token is dead with the family, or loses.
    #[must_use]
    pub fn revoked(&self, now: Timestamp) -> Self {
        let revoked_at = Some(self.revoked_at.unwrap_or(now));
        Self { revision: self.revision + 1, revoked_at, ..self.clone() }
    }
}
