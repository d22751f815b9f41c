//! Each fault of the network, seen from both sides, over real sockets.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod bench;
mod dns;
mod expired;
mod http;
mod tcp;
