//! One connection: HTTP/1.1 with limits on the head, told when the end has begun.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
use hyper::service::Service;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use prometheus_client::metrics::gauge::Gauge;
use tokio::{net::TcpStream, sync::watch, time::sleep};

use super::stall::{STALL_TIMEOUT, StallGuard};
use crate::gate::Peer;

/// How long a client may take to send a request head, and how long an idle connection is kept.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
const HEADERS_MAX: usize = 100;
/// Bytes buffered per connection; bounds the size of a request head.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// At the end, a connection that has not sent anything yet gets this long to begin its first request: the request
/// may already be on its way.
const FIRST_REQUEST_GRACE: Duration = Duration::from_millis(500);

/// Whether the server still takes new work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Serving,
    Draining,
}

/// Serves one connection until it ends, or until the request in progress is answered once the end has begun.
pub(super) async fn serve(
    stream: TcpStream,
    router: Router,
    mut phase: watch::Receiver<Phase>,
    unsent: Gauge,
) {
    // Small answers must not wait for the client's acknowledgement of the one before.
    let _best_effort = stream.set_nodelay(true);
    // Without it the client is gone already.
    let Ok(peer) = stream.peer_addr() else { return };
    let peer = Peer(peer.ip());
    let used = Arc::new(AtomicBool::new(false));
    let mark = Arc::clone(&used);
    let answers = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        mark.store(true, Ordering::SeqCst);
        request.extensions_mut().insert(peer);
        answers.call(request)
    });
    let draining = *phase.borrow() == Phase::Draining;
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .keep_alive(!draining)
        .serve_connection(TokioIo::new(StallGuard::new(stream, STALL_TIMEOUT, unsent)), service);
    let mut connection = std::pin::pin!(connection);
    if !draining {
        tokio::select! {
            outcome = connection.as_mut() => return report(outcome),
            // A closed channel means that the server is gone; that too is the end.
            _ = phase.wait_for(|phase| *phase == Phase::Draining) => {}
        }
    }
    if !used.load(Ordering::SeqCst) {
        tokio::select! {
            outcome = connection.as_mut() => return report(outcome),
            () = sleep(FIRST_REQUEST_GRACE) => {}
        }
        if !used.load(Ordering::SeqCst) {
            return;
        }
    }
    connection.as_mut().graceful_shutdown();
    report(connection.await);
}

fn report(outcome: hyper::Result<()>) {
    if let Err(error) = outcome {
        tracing::debug!(error = %error, "connection ended early");
    }
}
