//! What the control plane and the edge say to each other, over a Unix socket of the same owner.
//!
//! Requests and answers are JSON in frames of a 4-byte length; listening sockets travel beside them (SCM_RIGHTS). The
//! control plane asks, the edge answers; everything the edge knows can be asked for again at any time, so a lost
//! connection or a restart of either side loses nothing.

mod client;
mod frame;
mod message;
mod server;

pub use client::{ApplyAnswer, AskEdgeError, ConnectEdgeError, EdgeClient};
pub use frame::FrameError;
pub use message::{
    EdgeConfig, EdgeStatus, EndpointStatus, ListenerName, PoolStatus, ProbeConfig, Request, Response,
    TlsConfig, Verdict,
};
pub use server::BindControlError;
pub(crate) use server::{Answering, ControlSocket};
