//! A key as it is stored.

use shield_types::Timestamp;

use super::{ApiKeyDigest, Environment};
use crate::{AccountId, ApiKeyId, session::ClientText};

/// A key as it is stored. Its owner's lists show it, the digest apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Which key: what lists show and revocations name.
    pub id: ApiKeyId,
    /// Whose.
    pub account: AccountId,
    /// What it is found under.
    pub digest: ApiKeyDigest,
    /// What its owner calls it.
    pub name: ClientText<64>,
    /// The first letters of its random part.
    pub hint: String,
    /// What it may be used for: one bit per scope of the application.
    pub scopes: u64,
    /// Which data it opens.
    pub environment: Environment,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working. Of a replaced key, the end of its grace.
    pub expires_at: Timestamp,
    /// The key that replaces it. A key is replaced once, and ends when its successor is: two of a line are alive at most.
    pub successor: Option<ApiKeyId>,
    /// When it was last used, exact to an hour.
    pub last_used_at: Option<Timestamp>,
}

/// Where a key is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyState {
    /// In use.
    Live,
    /// In use until its grace is over; its successor is there.
    Replaced,
    /// Over.
    Expired,
}

// === impl ApiKeyRecord ===

impl ApiKeyRecord {
    /// Where it is in its life.
    pub fn state(&self, now: Timestamp) -> ApiKeyState {
        match self.successor {
            _ if now >= self.expires_at => ApiKeyState::Expired,
            Some(_) => ApiKeyState::Replaced,
            None => ApiKeyState::Live,
        }
    }
}
