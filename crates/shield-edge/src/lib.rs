//! The reverse proxy all traffic enters through: TLS, hygiene, claim-then-swap, retries, probes, and the watch.
//!
//! One process, made to be killed at any moment: the listening sockets are also held by the control plane, and its whole
//! state (limits, certificate, table) is handed to it over the control socket. See [`protocol`] for that conversation.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod body;
mod claim;
mod connection;
mod edge;
mod headers;
mod ids;
mod limits;
mod listener;
mod notes;
mod probe;
mod problem;
pub mod protocol;
mod proxy;
mod request_body;
mod router;
mod routing;
mod serve;
mod settings;
mod tally;
#[cfg(test)]
mod tests;
mod tls;
mod tunnel;
mod upstream;

pub use protocol::{ApplyAnswer, AskEdgeError, ConnectEdgeError, EdgeClient};
pub use serve::{EdgeOptions, ServeEdgeError, serve};
