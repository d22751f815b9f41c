//! What to send, to whom, how, and until when.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::engine::arrivals::Schedule;
use crate::plan::share::Share;
use crate::scenario::mix::RequestMix;
use crate::scenario::model::Workload;

/// Everything about one run. Checked as a whole before the first connection is opened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LoadPlan {
    /// Where to.
    pub target: Target,
    /// Certificates that a `https` target is verified against, PEM. There is no way to skip the verification.
    pub trust_pem: Option<String>,
    /// What decides when a request is sent.
    pub model: Model,
    /// Who sends.
    pub clients: Vec<ClientGroup>,
    /// What they send.
    pub workload: Workload,
    /// When they end.
    pub stop: Stop,
    /// Longest time for one request, connecting included.
    pub request_timeout: Duration,
    /// Rest of a client after a failed request, so that a dead target is not hammered in a spinning loop.
    pub failure_pause: Duration,
    /// Seed of every random choice. The same seed draws the same requests per client; their interleaving is the world's.
    pub seed: u64,
    /// How many failures the report keeps in detail; all are counted.
    pub failures_kept_max: usize,
    /// Which part of a run on several workers this is.
    pub share: Share,
}

/// What decides when a request is sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Model {
    /// Each client sends its next request when the one before has ended: a target that stands still gets fewer requests, and
    /// its latencies say nothing about what people who arrive meanwhile would see.
    Closed,
    /// Requests are due at their time, whatever the target does; their latency counts from then.
    Open {
        /// When.
        schedule: Schedule,
        /// Most clients. Those of the plan begin; more are made when a request is due and none is free. Equal to the clients of
        /// the plan, a pool that requests wait for.
        clients_max: usize,
    },
}

/// The service under load. The address is given apart from the name, so that no resolver has a say in the measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Target {
    /// With TLS or without.
    pub scheme: Scheme,
    /// Host, with a port if it is not the scheme's own: `Host`, `:authority`, and (the host) the verified name.
    pub authority: String,
    /// Where to connect.
    pub address: SocketAddr,
}

/// Whether TLS is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    /// Plain TCP; HTTP/2 by prior knowledge.
    Http,
    /// TLS; the protocol by ALPN, and a server that agrees to another one has failed the request.
    Https,
}

/// Clients of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClientGroup {
    /// How many. Each has its own connection.
    pub count: usize,
    /// What they speak.
    pub protocol: Protocol,
    /// How long they keep their connection.
    pub connection: Connection,
    /// Requests under way at once on each connection: 1, or more with kept-alive HTTP/2.
    pub streams: usize,
    /// Rest between two requests, drawn evenly from half of it to one and a half; zero for none.
    pub pause: Duration,
}

/// What a client speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Protocol {
    /// HTTP/1.1.
    #[serde(rename = "http/1.1")]
    Http1,
    /// HTTP/2.
    #[serde(rename = "h2")]
    Http2,
}

/// How long a client keeps its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Connection {
    /// As long as the server lets it.
    KeepAlive,
    /// For one request: new TCP and a full TLS handshake each time (sessions are not resumed). Over HTTP/1.1 the
    /// request says `Connection: close`.
    Fresh,
}

/// When the clients end. Requests under way are always finished first; [`crate::LoadHandle::stop`] ends any run early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// After this time.
    After(Duration),
    /// After this many iterations over all clients. Not in the open model, whose schedule counts them.
    Iterations(u64),
    /// When told to; in the open model, at the end of its schedule.
    WhenTold,
}

// === impl Model ===

impl Model {
    /// For reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open { .. } => "open",
        }
    }
}

// === impl LoadPlan ===

impl LoadPlan {
    /// A plan with half POSTs to `/apply/{id}`, half GETs of `/`, no client yet, until told to stop.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            trust_pem: None,
            model: Model::Closed,
            clients: Vec::new(),
            workload: RequestMix::default().workload(),
            stop: Stop::WhenTold,
            request_timeout: Duration::from_secs(30),
            failure_pause: Duration::from_millis(10),
            seed: 1,
            failures_kept_max: 100,
            share: Share::WHOLE,
        }
    }
}

// === impl ClientGroup ===

impl ClientGroup {
    /// `count` clients that rest never and keep one request under way each.
    #[must_use]
    pub fn new(count: usize, protocol: Protocol, connection: Connection) -> Self {
        Self { count, protocol, connection, streams: 1, pause: Duration::ZERO }
    }
}
