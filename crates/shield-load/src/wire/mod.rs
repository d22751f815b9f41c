//! One request and its answer, byte by byte.

pub(crate) mod connect;
pub(crate) mod exchange;
pub(crate) mod head;
pub(crate) mod http1;
pub(crate) mod http2;
pub(crate) mod request;
pub(crate) mod websocket;
