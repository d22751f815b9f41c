//! What a request needs to know of its session.

use std::time::Duration;

use shield_types::Timestamp;

use super::DeviceBinding;
use crate::{AccountId, SessionId, revocation::Grant};

/// A session without its texts: what is cached. None of it changes while the session lives; a new log-in makes a new one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActiveSession {
    /// Which session.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// When it began.
    pub created_at: Timestamp,
    /// When its owner last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
    /// How long it may go unused.
    pub idle: Duration,
    /// What it was begun from.
    pub binding: DeviceBinding,
}

/// Whether a session may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// Yes.
    Live,
    /// It was not used for as long as it may go unused.
    Idle,
    /// It reached its absolute end.
    Expired,
}

// === impl ActiveSession ===

impl ActiveSession {
    /// Judges both limits (ASVS 5.0, 7.3.1 and 7.3.2). A limit that is reached has ended it.
    pub fn state(&self, last_seen_at: Timestamp, now: Timestamp) -> SessionState {
        if now >= self.expires_at {
            SessionState::Expired
        } else if now >= last_seen_at.after(self.idle) {
            SessionState::Idle
        } else {
            SessionState::Live
        }
    }

    /// What revocations are asked about.
    pub fn grant(&self) -> Grant {
        Grant {
            account: self.account,
            issued_at: self.created_at,
            token: None,
            session: Some(self.id),
            signing_key: None,
            api_key: None,
        }
    }
}
