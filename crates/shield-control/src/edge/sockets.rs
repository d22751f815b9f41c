//! The listening sockets of the edge.

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use shield_edge::protocol::ListenerName;

use crate::{
    listeners::{BindError, bind},
    manifest::EdgeSettings,
};

/// Bound sockets, by name.
#[derive(Debug)]
pub(crate) struct Sockets(Vec<(ListenerName, TcpListener)>);

// === impl Sockets ===

impl Sockets {
    /// Binds the addresses of `settings`.
    pub(crate) fn bind(settings: &EdgeSettings) -> Result<Self, BindError> {
        let mut sockets = vec![(ListenerName::Https, bind(settings.https)?)];
        if let Some(http) = settings.http {
            sockets.push((ListenerName::Http, bind(http)?));
        }
        Ok(Self(sockets))
    }

    /// The sockets that an edge gave back.
    pub(crate) fn taken(descriptors: Vec<(ListenerName, OwnedFd)>) -> Self {
        Self(
            descriptors.into_iter().map(|(name, descriptor)| (name, TcpListener::from(descriptor))).collect(),
        )
    }

    /// Where clients connect under this name.
    pub(crate) fn address(&self, wanted: ListenerName) -> Option<SocketAddr> {
        let socket = self.0.iter().find(|(name, _)| *name == wanted);
        socket.and_then(|(_, listener)| listener.local_addr().ok())
    }

    /// The descriptors to hand over.
    pub(crate) fn borrowed(&self) -> Vec<(ListenerName, BorrowedFd<'_>)> {
        self.0.iter().map(|(name, listener)| (*name, listener.as_fd())).collect()
    }
}
