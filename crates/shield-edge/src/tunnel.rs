//! An upgraded connection (WebSocket and its like): bytes both ways, no more HTTP.
//!
//! It stays a claim on its instance, and a connection of the client, until it ends; a swap of tables leaves it alone.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Response, StatusCode, header};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use crate::{
    body::EdgeBody, claim::Claim, connection::ClientConnection, headers::prepare_response, upstream::Lease,
};

/// One end of a tunnel to come, and what it keeps alive.
pub(crate) struct Tunnel {
    pub(crate) client_side: OnUpgrade,
    pub(crate) client: Arc<ClientConnection>,
    pub(crate) claim: Arc<Claim>,
    /// The task behind it hands the backend's side over.
    pub(crate) lease: Lease,
    /// Longest silence.
    pub(crate) idle_max: Duration,
}

/// Passes the backend's 101 on and starts to copy once both sides changed over.
pub(crate) fn open(
    tunnel: Tunnel,
    mut response: Response<Incoming>,
    protocol: HeaderValue,
    request_id: &HeaderValue,
) -> Response<EdgeBody> {
    let backend_side = hyper::upgrade::on(&mut response);
    let mut answer = Response::new(EdgeBody::empty());
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    *answer.headers_mut() = std::mem::take(response.headers_mut());
    prepare_response(answer.headers_mut(), request_id);
    answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answer.headers_mut().insert(header::UPGRADE, protocol);
    tokio::spawn(tunnel.copy(backend_side));
    answer
}

// === impl Tunnel ===

impl Tunnel {
    async fn copy(self, backend_side: OnUpgrade) {
        let Ok((client, backend)) = tokio::try_join!(self.client_side, backend_side) else { return };
        let (mut client, mut backend) = (TokioIo::new(client), TokioIo::new(backend));
        tokio::select! {
            // Either side may break the tunnel; the other is told by the close.
            _ = copy_bidirectional(&mut client, &mut backend) => {}
            () = self.client.silence(self.idle_max) => {}
        }
        drop((self.lease, self.claim));
    }
}
