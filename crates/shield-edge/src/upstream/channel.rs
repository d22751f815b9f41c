//! One connection to an instance. It lives as long as its owner: who drops it closes it at once, whatever is on it.
//!
//! hyper alone would not: an upload that the backend does not take holds its connection, and with it the claim and the
//! client's place, until the backend reads or dies.

use std::{io, net::SocketAddr};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, task::AbortHandle, time::timeout};

use super::{FailureKind, transport::Transport};
use crate::{limits::Limits, request_body::UpstreamBody};

/// An open connection and the task that drives it.
#[derive(Debug)]
pub(crate) struct Channel {
    sender: SendRequest<UpstreamBody>,
    driver: AbortHandle,
}

// === impl Channel ===

impl Channel {
    /// A new connection.
    pub(crate) async fn dial(address: SocketAddr, limits: &Limits) -> Result<Self, FailureKind> {
        let stream = match timeout(limits.connect, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Err(FailureKind::Refused);
            }
            Ok(Err(_)) | Err(_) => return Err(FailureKind::Unreachable),
        };
        // Only latency is at stake.
        let _ = stream.set_nodelay(true);
        let mut builder = http1::Builder::new();
        builder.max_header_size(limits.upstream_bytes_max).max_buf_size(limits.upstream_bytes_max);
        let handshake = builder.handshake(TokioIo::new(Transport::new(stream))).await;
        let (sender, connection) = handshake.map_err(|_| FailureKind::Unreachable)?;
        // Its requests and bodies report how it ended.
        let driver = tokio::spawn(connection.with_upgrades()).abort_handle();
        Ok(Self { sender, driver })
    }

    /// Could take a request now, as far as is known.
    pub(crate) fn ready(&self) -> bool {
        self.sender.is_ready() && !self.closed()
    }

    /// The backend closed it, or it broke.
    pub(crate) fn closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends a request; a failure gives it back if it provably never left.
    pub(crate) fn send(
        &mut self,
        message: Request<UpstreamBody>,
    ) -> impl Future<Output = Result<Response<Incoming>, TrySendError<Request<UpstreamBody>>>> + use<> {
        self.sender.try_send_request(message)
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
