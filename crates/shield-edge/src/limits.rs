//! Every bound of the edge that `shield.toml` does not set, in one place.
//!
//! They are fields and not constants so that a test can use a short one; nothing else changes them.

use std::time::Duration;

/// Bounds on connections, heads, bodies and waits.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// Client connections open at once; the next one is closed on arrival.
    pub(crate) connections_max: u64,
    /// Listening sockets held at once.
    pub(crate) listeners_max: usize,
    /// From accepting a TLS connection to the end of the handshake.
    pub(crate) handshake: Duration,
    /// From the first byte of a request head to its last.
    pub(crate) request_head: Duration,
    /// A connection without a request.
    pub(crate) idle: Duration,
    /// Bytes of a repeatable request's body that are kept for another attempt.
    pub(crate) kept_body_bytes_max: usize,
    /// Between two pieces of a request body.
    pub(crate) request_body_idle: Duration,
    /// Bytes of a request body that count as movement of the client's connection: fewer than these within `stall` and the
    /// response timeout do not keep it.
    pub(crate) request_body_step_bytes: u64,
    /// Between two pieces of a response body.
    pub(crate) response_body_idle: Duration,
    /// A write that the client's side does not take.
    pub(crate) write_stall: Duration,
    /// On top of the response timeout: a connection with requests of which none moves a byte.
    pub(crate) stall: Duration,
    /// An upgraded connection without a byte in either direction.
    pub(crate) tunnel_idle: Duration,
    /// Bytes of a request head.
    pub(crate) head_bytes_max: usize,
    /// Fields of a request head.
    pub(crate) head_fields_max: usize,
    /// Requests at once on one HTTP/2 connection.
    pub(crate) streams_max: u32,
    /// Bytes of one HTTP/2 answer that wait for a client that gave room for them and does not read; one piece more, as
    /// large as a read buffer, may come on top.
    pub(crate) stream_bytes_max: usize,
    /// Bytes read from an instance at once, and of its answer's head.
    pub(crate) upstream_bytes_max: usize,
    /// Between two pings of an HTTP/2 connection, and from a ping to its answer.
    pub(crate) ping: Duration,
    /// From dialling an instance to the connection.
    pub(crate) connect: Duration,
    /// Age at which an unused connection to an instance is not used again. Below the 5 s after which uvicorn and Node
    /// close theirs, so that a request never races the close.
    pub(crate) upstream_idle: Duration,
    /// Unused connections kept per instance.
    pub(crate) upstream_idle_max: usize,
    /// Attempts after the first.
    pub(crate) retries_max: u32,
    /// Pause after an accept that failed for want of descriptors or memory.
    pub(crate) accept_pause: Duration,
    /// From the order to drain to the close of unused HTTP/1.1 connections. Until then each answer says
    /// `Connection: close`, so that a client in the middle of its next request does not run into the close.
    pub(crate) drain_linger: Duration,
    /// Drain deadline of SIGTERM.
    pub(crate) signal_drain: Duration,
}

// === impl Limits ===

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            listeners_max: 8,
            handshake: Duration::from_secs(10),
            request_head: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            kept_body_bytes_max: 64 * 1024,
            request_body_idle: Duration::from_secs(30),
            request_body_step_bytes: 16 * 1024,
            response_body_idle: Duration::from_secs(60),
            write_stall: Duration::from_secs(60),
            stall: Duration::from_secs(90),
            tunnel_idle: Duration::from_secs(600),
            head_bytes_max: 64 * 1024,
            head_fields_max: 100,
            streams_max: 128,
            stream_bytes_max: 32 * 1024,
            upstream_bytes_max: 64 * 1024,
            ping: Duration::from_secs(20),
            connect: Duration::from_secs(2),
            upstream_idle: Duration::from_secs(3),
            upstream_idle_max: 128,
            retries_max: 2,
            accept_pause: Duration::from_millis(50),
            drain_linger: Duration::from_secs(1),
            signal_drain: Duration::from_secs(30),
        }
    }
}
