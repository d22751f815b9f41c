//! One connection: HTTP/1.1 until the client leaves, the connection idles too long, or the backend stops.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, Sleep};

use super::routes::answer;
use super::state::BackendState;

/// How the connections of a backend are told to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Keep going.
    Serving,
    /// Finish the request in flight, then close.
    Draining,
}

/// Serves one connection to its end. A client that breaks off is no error here.
pub(crate) async fn serve_connection(
    state: Arc<BackendState>,
    socket: TcpStream,
    mut phase: watch::Receiver<Phase>,
) {
    let activity = Arc::new(Activity::default());
    let service = service_fn(|request| {
        let (state, activity) = (state.clone(), activity.clone());
        async move {
            let guard = activity.begin();
            let answer = answer(state, request).await;
            drop(guard);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(socket), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut idle = pin!(activity.idle_for(state.options.keep_alive));
    let mut closing = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => return drop(ended),
            () = idle.as_mut(), if !closing => {}
            _ = phase.wait_for(|phase| *phase == Phase::Draining), if !closing => {}
        }
        closing = true;
        connection.as_mut().graceful_shutdown();
    }
}

/// Counts requests, to tell an idle connection.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicU64,
    ended: AtomicU64,
}

/// One request of a connection.
struct Busy<'a>(&'a Activity);

// === impl Activity ===

impl Activity {
    fn begin(&self) -> Busy<'_> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    /// Returns once no request ran for `limit`, after the first one: a client that has just connected is not idle.
    async fn idle_for(&self, limit: Duration) {
        loop {
            let before = self.begun.load(Ordering::Relaxed);
            tokio::time::sleep(limit).await;
            let begun = self.begun.load(Ordering::Relaxed);
            if begun > 0 && begun == before && begun == self.ended.load(Ordering::Relaxed) {
                return;
            }
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// A body of `chunks` pieces, one per `interval`.
#[derive(Debug)]
pub(crate) struct PacedBody {
    chunks_left: u32,
    interval: Duration,
    next: Pin<Box<Sleep>>,
}

// === impl PacedBody ===

impl PacedBody {
    pub(crate) fn new(chunks: u32, interval: Duration) -> Self {
        Self { chunks_left: chunks, interval, next: Box::pin(tokio::time::sleep(interval)) }
    }
}

impl Body for PacedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.chunks_left == 0 {
            return Poll::Ready(None);
        }
        ready!(self.next.as_mut().poll(context));
        self.chunks_left -= 1;
        let next = Instant::now() + self.interval;
        self.next.as_mut().reset(next);
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"chunk\n")))))
    }
}
