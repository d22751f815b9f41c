//! HTTP/2: one connection, shared by the streams of one client.
//!
//! A connection that said GOAWAY, or closed, before a request was put on it is replaced; nothing was sent. A request
//! that was put on it is answered or failed. When GOAWAY names an earlier stream as the last one, the protocol promises
//! that the request was not processed; a client that never retries counts it all the same, as a kind of its own. Only
//! a request that was kept back because GOAWAY came first goes to the next connection: it has not been sent yet.

use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::Reason;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::Request;
use http::header::SET_COOKIE;
use tokio::sync::Mutex;
use tokio::task::{AbortHandle, JoinSet};

use crate::measure::failure::FailureKind;
use crate::plan::model::Connection;
use crate::scenario::program::{Program, ProgramStep};
use crate::scenario::user::User;
use crate::wire::connect::{Connector, Waiting, let_runtime_look, looks, waiting};
use crate::wire::exchange::{Answer, Broken, Excerpt, Progress};
use crate::wire::frames::{FrameTap, FramesSeen};
use crate::wire::request::Http2Requests;

/// Connections tried for one request, as long as nothing was sent and the server says GOAWAY in good order.
const CONNECTIONS_MAX: usize = 3;
/// Window for answers, per stream and per connection: bodies are drained at once, so it only has to be roomy.
const WINDOW_BYTES: u32 = 1024 * 1024;
/// Old connections of one client that may be closing at a time; beyond it all of them are cut.
const CLOSING_MAX: usize = 64;

/// One stream of a client.
pub(crate) struct Http2Client {
    connector: Connector,
    program: Arc<Program>,
    requests: Arc<Http2Requests>,
    kept: Connection,
    shared: Arc<SharedConnection>,
}

/// The connection that the streams of a client share.
#[derive(Default)]
pub(crate) struct SharedConnection {
    slot: Mutex<Slot>,
}

#[derive(Default)]
struct Slot {
    open: Option<OpenConnection>,
    opened: u64,
    /// Drives the connections; ends them when the client ends.
    drivers: JoinSet<()>,
}

struct OpenConnection {
    number: u64,
    sender: SendRequest<Bytes>,
    frames: Arc<FramesSeen>,
    socket: OwnedFd,
    driver: AbortHandle,
    streams: Arc<AtomicUsize>,
}

/// A sender on a connection, for one request.
struct Lease {
    number: u64,
    reused: bool,
    sender: SendRequest<Bytes>,
    frames: Arc<FramesSeen>,
    streams: Arc<AtomicUsize>,
}

// === impl Http2Client ===

impl Http2Client {
    pub(crate) fn new(
        connector: Connector,
        program: Arc<Program>,
        requests: Arc<Http2Requests>,
        kept: Connection,
        shared: Arc<SharedConnection>,
    ) -> Self {
        Self { connector, program, requests, kept, shared }
    }

    /// Sends the request of a step once.
    pub(crate) async fn exchange(
        &mut self,
        step: usize,
        user: &mut User,
        progress: &Progress<'_>,
    ) -> Result<Answer, Broken> {
        let unsendable =
            || Broken::new(FailureKind::Protocol, "a value made the request one that cannot be sent");
        let program = self.program.clone();
        let mut tried = 0;
        loop {
            let mut lease = self.shared.lease(&self.connector, progress).await?;
            progress.set_reused(lease.reused);
            tried += 1;
            let (head, body) = self.requests.make(step, user).ok_or_else(unsendable)?;
            let error = match send(&mut lease, head, body, progress).await {
                Ok(response) => {
                    let stream = response.stream_id().as_u32();
                    let result = receive(response, &program.steps[step]).await;
                    let gone = result.as_ref().is_err_and(|error| !error.is_reset());
                    if gone || self.kept == Connection::Fresh {
                        self.shared.retire(lease.number).await;
                    }
                    match result {
                        Err(error) if lease.frames.withheld(stream) => {
                            progress.unmark_written();
                            error
                        }
                        result => return result.map_err(|error| broken(&error)),
                    }
                }
                Err(error) => {
                    self.shared.retire(lease.number).await;
                    // An idle connection may be gone in any way; a new one only by a GOAWAY in good order.
                    let leaves = error.is_go_away() && error.reason() == Some(Reason::NO_ERROR);
                    if !(lease.reused || leaves) {
                        return Err(broken(&error));
                    }
                    error
                }
            };
            // Nothing was sent: the next connection gets the request for the first time.
            if tried == CONNECTIONS_MAX {
                return Err(broken(&error));
            }
        }
    }
}

/// Puts the request on the connection. An error means that it is not there: nothing was sent.
async fn send(
    lease: &mut Lease,
    head: Request<()>,
    body: Option<Bytes>,
    progress: &Progress<'_>,
) -> Result<ResponseFuture, h2::Error> {
    poll_fn(|context| lease.sender.poll_ready(context)).await?;
    let (response, mut stream) = lease.sender.send_request(head, body.is_none())?;
    progress.mark_written();
    if let Some(body) = body {
        // A stream that failed already tells its reason through the response.
        stream.send_data(body, true).ok();
    }
    Ok(response)
}

/// The whole answer.
async fn receive(response: ResponseFuture, step: &ProgramStep) -> Result<Answer, h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    let status = head.status.as_u16();
    let mut excerpt = Excerpt::of(step, status);
    while let Some(data) = body.data().await {
        let data = data?;
        excerpt.push(&data);
        body.flow_control().release_capacity(data.len())?;
    }
    body.trailers().await?;
    let wanted = step.keep.headers || head.headers.contains_key(SET_COOKIE);
    Ok(Answer { status, excerpt, headers: wanted.then_some(head.headers) })
}

fn broken(error: &h2::Error) -> Broken {
    let kind = if error.is_io() {
        return error.get_io().map_or_else(
            || Broken::new(FailureKind::Reset, error),
            |io| Broken::of_io(io, FailureKind::ClosedBeforeAnswer),
        );
    } else if error.is_go_away() && error.is_remote() {
        FailureKind::RefusedByGoaway
    } else if error.is_reset() && error.is_remote() {
        if error.reason() == Some(Reason::REFUSED_STREAM) {
            FailureKind::RefusedStream
        } else {
            FailureKind::StreamReset
        }
    } else {
        FailureKind::Protocol
    };
    Broken::new(kind, error)
}

// === impl SharedConnection ===

impl SharedConnection {
    /// A sender on the open connection, or on a new one.
    async fn lease(&self, connector: &Connector, progress: &Progress<'_>) -> Result<Lease, Broken> {
        let mut slot = self.slot.lock().await;
        if let Some(open) = &slot.open {
            if open.usable().await {
                return Ok(open.lease(true));
            }
            slot.open = None;
        }
        let open = slot.connect(connector, progress).await?;
        let lease = open.lease(false);
        slot.open = Some(open);
        Ok(lease)
    }

    /// Lets go of a connection: it ends by itself when its last stream does.
    async fn retire(&self, number: u64) {
        let mut slot = self.slot.lock().await;
        if slot.open.as_ref().is_some_and(|open| open.number == number) {
            slot.open = None;
        }
    }
}

// === impl Slot ===

impl Slot {
    async fn connect(
        &mut self,
        connector: &Connector,
        progress: &Progress<'_>,
    ) -> Result<OpenConnection, Broken> {
        while self.drivers.try_join_next().is_some() {}
        if self.drivers.len() >= CLOSING_MAX {
            self.drivers.abort_all();
        }
        let wire = connector.connect(progress).await?;
        let (tap, frames) = FrameTap::new(wire.stream);
        let handshake = Builder::new()
            .initial_window_size(WINDOW_BYTES)
            .initial_connection_window_size(WINDOW_BYTES)
            .enable_push(false)
            .handshake(tap);
        let (sender, connection) = handshake.await.map_err(|error| broken(&error))?;
        let driver = self.drivers.spawn(async move {
            // Every stream that it concerns gets the error as well.
            drop(connection.await);
        });
        self.opened += 1;
        let streams = Arc::new(AtomicUsize::new(0));
        Ok(OpenConnection { number: self.opened, sender, frames, socket: wire.socket, driver, streams })
    }
}

// === impl OpenConnection ===

impl OpenConnection {
    /// Whether the server still takes requests here, as far as the kernel knows. With streams under way the driver is at
    /// work anyway.
    async fn usable(&self) -> bool {
        for look in looks() {
            if self.driver.is_finished() {
                return false;
            }
            if self.streams.load(Ordering::Relaxed) > 0 {
                return true;
            }
            match waiting(&self.socket) {
                Waiting::Nothing => return true,
                Waiting::Closed => return false,
                Waiting::Bytes => let_runtime_look(look).await,
            }
        }
        false
    }

    fn lease(&self, reused: bool) -> Lease {
        self.streams.fetch_add(1, Ordering::Relaxed);
        Lease {
            number: self.number,
            reused,
            sender: self.sender.clone(),
            frames: self.frames.clone(),
            streams: self.streams.clone(),
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.streams.fetch_sub(1, Ordering::Relaxed);
    }
}
