//! WebSockets (RFC 6455) of one user: messages that are requests, and the messages that answer them.

pub(crate) mod client;
pub(crate) mod frames;
pub(crate) mod handshake;
pub(crate) mod socket;
