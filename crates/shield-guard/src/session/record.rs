//! A session as it is stored, and how one begins.

use std::{net::IpAddr, time::Duration};

use shield_types::Timestamp;

use super::{
    ActiveSession, ClientText, DeviceBinding, SessionDigest, SessionPolicy, SessionSecret, SessionState,
};
use crate::{AccountId, SessionId};

/// A session as it is stored. The account's lists show it, the digest apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// Which session: what lists and the claim `sid` name.
    pub id: SessionId,
    /// Whose.
    pub account: AccountId,
    /// What it is found under.
    pub digest: SessionDigest,
    /// When it began.
    pub created_at: Timestamp,
    /// When its owner last proved who they are.
    pub authenticated_at: Timestamp,
    /// When it was last used, exact to the policy's write-back. The only field that changes.
    pub last_seen_at: Timestamp,
    /// When it ends, used or not.
    pub expires_at: Timestamp,
    /// How long it may go unused.
    pub idle: Duration,
    /// Where it was begun from.
    pub address: IpAddr,
    /// The browser that it was begun with, in its own words.
    pub user_agent: ClientText<512>,
    /// What the client calls the device.
    pub device: ClientText<64>,
}

/// Who logs in, and from where.
#[derive(Clone, Copy, Debug)]
pub struct SessionStart<'a> {
    /// Whose session it will be; they have just proved it.
    pub account: AccountId,
    /// The client's address, as trusted hops tell it.
    pub address: IpAddr,
    /// The header `User-Agent`; empty if there was none.
    pub user_agent: &'a [u8],
    /// What the client calls the device; empty if it did not say.
    pub device: &'a [u8],
}

/// Random bytes of a cryptographic generator for one session.
#[derive(Clone, Copy)]
pub struct SessionRandom {
    /// For the id.
    pub id: [u8; 10],
    /// For the secret.
    pub secret: [u8; 32],
}

/// A session that began: the record for the store, the secret for the cookie.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// Goes into the cookie and nowhere else.
    pub secret: SessionSecret,
    /// Goes into the store.
    pub record: SessionRecord,
}

// === impl SessionRecord ===

impl SessionRecord {
    /// What a request needs of it.
    pub fn active(&self) -> ActiveSession {
        ActiveSession {
            id: self.id,
            account: self.account,
            created_at: self.created_at,
            authenticated_at: self.authenticated_at,
            expires_at: self.expires_at,
            idle: self.idle,
            binding: DeviceBinding::of(self.address, self.user_agent.as_str().as_bytes()),
        }
    }

    /// Whether it may still be used.
    pub fn state(&self, now: Timestamp) -> SessionState {
        self.active().state(self.last_seen_at, now)
    }
}

// === impl NewSession ===

impl NewSession {
    /// A session for somebody who has just proved who they are: at log-in, and whenever they prove it again, with
    /// [`super::SessionStore::replace`]. Nothing of an earlier session goes into it (ASVS 5.0, 7.2.4).
    pub fn begin(
        start: &SessionStart<'_>,
        policy: &SessionPolicy,
        now: Timestamp,
        random: SessionRandom,
    ) -> Self {
        let secret = SessionSecret::new(random.secret);
        let record = SessionRecord {
            id: SessionId::new(now, random.id),
            account: start.account,
            digest: secret.digest(),
            created_at: now,
            authenticated_at: now,
            last_seen_at: now,
            expires_at: now.after(policy.times().absolute),
            idle: policy.times().idle,
            address: start.address,
            user_agent: ClientText::cut(start.user_agent),
            device: ClientText::cut(start.device),
        };
        Self { secret, record }
    }
}
