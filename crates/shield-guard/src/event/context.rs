//! When, where and who.

use std::net::IpAddr;

use shield_types::Timestamp;
use uuid::{Builder, Uuid};

use crate::{AccountId, SessionId};

/// The name of one event, under which a collector that gets it twice keeps it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub(super) Uuid);

/// Which program says so.
#[derive(Clone, Copy, Debug)]
pub struct EventSource<'a> {
    /// The product, such as `LinkShield`.
    pub product: &'a str,
    /// Its version.
    pub version: &'a str,
    /// Which running copy of it.
    pub instance: &'a str,
}

/// The circumstances of an event. Everything in it may be read by whoever reads the log.
#[derive(Clone, Copy, Debug)]
pub struct EventContext<'a> {
    /// Its name.
    pub id: EventId,
    /// When it happened, in UTC.
    pub at: Timestamp,
    /// The request during which it happened, in all logs; empty outside of one.
    pub request_id: &'a str,
    /// The client's address, as trusted hops tell it; none for what the service did by itself.
    pub client: Option<IpAddr>,
    /// Who did it, where that is proven.
    pub actor: Option<AccountId>,
    /// Whose account it is about; an unproven claim at a failed log-in.
    pub subject: Option<AccountId>,
    /// In which session.
    pub session: Option<SessionId>,
    /// The request's method; empty outside of one.
    pub method: &'a str,
    /// The route's pattern, such as `/api/v1/user/sessions/{id}`: never the path that came, which may hold a secret.
    pub route: &'a str,
    /// The status of the answer, where one was given.
    pub status: Option<u16>,
    /// What the client calls itself.
    pub user_agent: &'a str,
}

// === impl EventId ===

impl EventId {
    /// A fresh one, from the time and ten random bytes.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        Self(Builder::from_unix_timestamp_millis(at.0, &random).into_uuid())
    }
}
