//! The messages themselves.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use shield_release::{ReturnReason, RouteTable};
use shield_types::{Generation, InstanceId, ReleaseId};

/// What the control plane asks of the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Request {
    /// Sets limits, certificates and probes; replaces what was set before. Connections already open keep theirs.
    Configure {
        /// The whole configuration.
        config: Box<EdgeConfig>,
    },
    /// Hands over listening sockets, one descriptor per name, in this order. Accepting begins at once.
    GiveListeners {
        /// What each descriptor is.
        names: Vec<ListenerName>,
    },
    /// Asks for copies of the listening sockets (after a restart of the control plane).
    TakeListeners,
    /// Swaps the route table, unless its generation is not higher than the present one.
    Apply {
        /// The new table.
        table: Box<RouteTable>,
    },
    /// Asks for everything the edge knows.
    Status,
    /// Stops accepting, closes idle connections, and exits when the last claim ended or the deadline passed.
    Drain {
        /// Longest wait for requests in flight.
        deadline_ms: u64,
    },
}

/// What the edge answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Response {
    /// Done.
    Done,
    /// The table is in force: no request that arrives from now on is routed by an older one.
    Applied {
        /// Its generation.
        generation: Generation,
        /// Requests that were in flight at the moment of the swap.
        claims: u64,
    },
    /// The table is not newer than the one in force; nothing changed.
    Stale {
        /// The generation in force.
        generation: Generation,
    },
    /// The listening sockets, one descriptor per name, in this order.
    Listeners {
        /// What each descriptor is.
        names: Vec<ListenerName>,
    },
    /// Everything the edge knows.
    Status {
        /// The snapshot.
        status: Box<EdgeStatus>,
    },
    /// The request was refused; nothing changed.
    Refused {
        /// Why, as a lowercase fragment.
        reason: String,
    },
}

/// A listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ListenerName {
    /// TLS; HTTP/2 or HTTP/1.1 by ALPN.
    Https,
    /// Plain HTTP/1.1.
    Http,
}

/// Limits, certificates and probes of the edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeConfig {
    /// Certificate of the TLS listener; required before an `Https` listener is given.
    pub tls: Option<TlsConfig>,
    /// Largest request body, in bytes; more is answered 413.
    pub request_body_bytes_max: u64,
    /// Longest wait for the head of the backend's answer; after it 504.
    pub response_timeout: Duration,
    /// How routed instances are probed, unless their release has an entry below.
    pub probe: ProbeConfig,
    /// How instances of each release are probed: the old and the new one may differ in it.
    pub probes: BTreeMap<ReleaseId, ProbeConfig>,
}

/// A certificate and its key, in PEM.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// Leaf first, then intermediates.
    pub certificates_pem: String,
    /// PKCS#8 private key. Travels only over the owner's socket; `Debug` hides it.
    pub key_pem: String,
}

/// The readiness probe of the service.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProbeConfig {
    /// Path and query, starting with `/`.
    pub path: String,
    /// Lowest status that counts as a success.
    pub status_min: u16,
    /// Highest status that counts as a success.
    pub status_max: u16,
    /// Time between probes of one instance.
    pub interval: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
}

/// Everything the edge knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EdgeStatus {
    /// Process id of the edge.
    pub pid: u32,
    /// The table in force, if one was ever applied.
    pub table: Option<RouteTable>,
    /// Every pool of the table, and every older one that still has claims.
    pub pools: Vec<PoolStatus>,
    /// The watched pool failed: its traffic already went back (if there was a fallback).
    pub verdict: Option<Verdict>,
    /// Client connections open now.
    pub connections: u64,
    /// Set once `Drain` was asked.
    pub draining: bool,
}

/// One pool, as the edge sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolStatus {
    /// The release.
    pub release: ReleaseId,
    /// Requests in flight: claimed, and the last byte of both bodies not yet passed (or the upgraded connection open).
    pub claims: u64,
    /// Requests drawn for this pool since the edge started.
    pub requests: u64,
    /// Of these, how many first attempts ended in 5xx, connection failure or timeout.
    pub errors: u64,
    /// Requests that another instance answered after this pool's first attempt failed.
    pub retried: u64,
    /// Its instances.
    pub endpoints: Vec<EndpointStatus>,
}

/// One instance, as the edge sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndpointStatus {
    /// The instance.
    pub instance: InstanceId,
    /// Whether it gets requests.
    pub healthy: bool,
    /// Requests in flight on it.
    pub claims: u64,
}

/// The judgement that a watched pool failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The pool that failed.
    pub release: ReleaseId,
    /// Generation of the table that ordered the watch.
    pub generation: Generation,
    /// What was seen.
    pub reason: ReturnReason,
    /// Requests of the pool that clients saw fail.
    pub failed: u64,
}

impl std::fmt::Debug for TlsConfig {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TlsConfig")
            .field("certificates_pem", &self.certificates_pem)
            .finish_non_exhaustive()
    }
}
