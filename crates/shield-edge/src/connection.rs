//! A client's connection: who it is, and the task that drives it until it ends, is late, or has drained.
//!
//! The transport and the requests write down what happens (see [`crate::notes`]); the connection's one timer looks at
//! these notes only when the earliest deadline may have passed, so no timer is moved per request.

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    sync::watch,
    time::Instant,
};

use crate::{
    body::{EdgeBody, ResponseBodyError},
    headers::ClientFacts,
    limits::Limits,
    notes::{Deadline, Notes},
};

/// A place among the connections that may be open at once.
#[derive(Debug)]
pub(crate) struct Slot {
    open: Arc<watch::Sender<u64>>,
}

/// What is known of a client's connection.
#[derive(Debug)]
pub(crate) struct ClientConnection {
    pub(crate) facts: ClientFacts,
    began: Instant,
    notes: Notes,
    _slot: Slot,
}

/// A request on the connection, until its answer's last byte.
#[derive(Debug)]
pub(crate) struct RequestMark(Arc<ClientConnection>);

/// An answer that notes its progress.
#[derive(Debug)]
pub(crate) struct Answer {
    body: EdgeBody,
    mark: RequestMark,
}

/// The transport, noted.
#[derive(Debug)]
pub(crate) struct Noted<T> {
    transport: T,
    client: Arc<ClientConnection>,
    /// A byte without a request under way begins a head. Not so in HTTP/2, where it may be a ping's answer.
    heads: bool,
}

// === impl Slot ===

impl Slot {
    /// A place, unless `connections_max` are taken.
    pub(crate) fn take(open: &Arc<watch::Sender<u64>>, connections_max: u64) -> Option<Self> {
        let taken = open.send_if_modified(|count| {
            let free = *count < connections_max;
            *count += u64::from(free);
            free
        });
        taken.then(|| Self { open: Arc::clone(open) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.send_modify(|count| *count -= 1);
    }
}

// === impl ClientConnection ===

impl ClientConnection {
    pub(crate) fn new(remote: SocketAddr, encrypted: bool, slot: Slot) -> Arc<Self> {
        Arc::new(Self {
            facts: ClientFacts::new(remote, encrypted),
            began: Instant::now(),
            notes: Notes::new(),
            _slot: slot,
        })
    }

    /// Milliseconds since the connection began.
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    /// A request's head is complete.
    pub(crate) fn begin_request(self: &Arc<Self>) -> RequestMark {
        self.notes.begin_request(self.now());
        RequestMark(Arc::clone(self))
    }

    /// A step of a request's body or a piece of its answer moved.
    pub(crate) fn progress(&self) {
        self.notes.progress(self.now());
    }

    /// Ends when no byte has passed for `limit`.
    pub(crate) async fn silence(&self, limit: Duration) {
        while let Some(wait) = self.notes.silent_in(self.now(), limit) {
            tokio::time::sleep(wait).await;
        }
    }
}

// === impl RequestMark ===

impl RequestMark {
    pub(crate) fn answer(self, body: EdgeBody) -> Answer {
        Answer { body, mark: self }
    }
}

impl Drop for RequestMark {
    fn drop(&mut self) {
        self.0.notes.end_request(self.0.now());
    }
}

// === impl Answer ===

impl Body for Answer {
    type Data = Bytes;
    type Error = ResponseBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ResponseBodyError>>> {
        let this = self.get_mut();
        let polled = Pin::new(&mut this.body).poll_frame(context);
        if polled.is_ready() {
            this.mark.0.progress();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

// === impl Noted ===

impl<T> Noted<T> {
    /// The transport of an HTTP/1.1 connection.
    pub(crate) fn http1(transport: T, client: Arc<ClientConnection>) -> Self {
        Self { transport, client, heads: true }
    }

    /// The transport of an HTTP/2 connection.
    pub(crate) fn http2(transport: T, client: Arc<ClientConnection>) -> Self {
        Self { transport, client, heads: false }
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Noted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.transport).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.client.notes.read(self.client.now(), self.heads);
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Noted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.transport).poll_write(context, buffer);
        self.client.notes.write(self.client.now(), polled.is_ready());
        polled
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.transport).poll_write_vectored(context, buffers);
        self.client.notes.write(self.client.now(), polled.is_ready());
        polled
    }

    fn is_write_vectored(&self) -> bool {
        self.transport.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.transport).poll_flush(context);
        self.client.notes.write(self.client.now(), polled.is_ready());
        polled
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_shutdown(context)
    }
}

/// A hyper connection that can be asked to finish.
pub(crate) trait Graceful: Future<Output = hyper::Result<()>> {
    /// Finish what was begun, take nothing new.
    fn finish(self: Pin<&mut Self>);
}

/// Drives a connection until it ends, is late, or finished draining, which begins `linger` after the order.
pub(crate) async fn drive(
    mut connection: Pin<&mut impl Graceful>,
    client: &ClientConnection,
    limits: &Limits,
    response_timeout: impl Fn() -> Duration,
    mut draining: watch::Receiver<bool>,
    linger: Duration,
) {
    let mut finishing = false;
    let mut goodbye = std::pin::pin!(async move {
        // The sender outlives every connection.
        let _ = draining.wait_for(|draining| *draining).await;
        tokio::time::sleep(linger).await;
    });
    let mut timer = std::pin::pin!(tokio::time::sleep(limits.request_head.min(limits.idle)));
    loop {
        tokio::select! {
            _ = poll_fn(|context| connection.as_mut().poll(context)) => return,
            () = timer.as_mut() => match client.notes.deadline(client.now(), limits, response_timeout()) {
                Deadline::Wait(wait) => timer.as_mut().reset(Instant::now() + wait),
                Deadline::Late(why) => {
                    tracing::debug!(why, "client connection cut");
                    return;
                }
                // Whoever does not even take the goodbye is cut.
                Deadline::Idle if finishing => return,
                Deadline::Idle => {
                    finishing = true;
                    connection.as_mut().finish();
                    timer.as_mut().reset(Instant::now() + limits.request_head);
                }
            },
            () = goodbye.as_mut(), if !finishing => {
                finishing = true;
                connection.as_mut().finish();
            }
        }
    }
}
