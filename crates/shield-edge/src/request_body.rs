//! A request body on its way to a backend.
//!
//! Bounded in bytes and in the wait between two pieces. Until the first piece was taken the body can be handed to
//! another attempt. After that a retry needs what was taken so far: of a request that may be repeated the beginning is
//! kept, up to a bound; beyond it a retry would send half a body, so it is refused. The claim of the attempt lives in the
//! handle that hyper holds, and ends with the last byte.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::{
    sync::Notify,
    time::{Instant, Sleep, sleep_until},
};

use crate::{claim::Claim, connection::ClientConnection, headers::strip_trailers, problem::Problem};

/// Why a request body ended early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RequestBodyError {
    #[error("read request body: larger than allowed")]
    TooLarge,
    #[error("read request body: nothing arrived in time")]
    Idle,
    #[error("read request body: the client broke it off")]
    Broken,
    #[error("read request body: handed to another attempt")]
    Revoked,
}

/// The body, shared by the attempts of one request.
#[derive(Debug)]
pub(crate) struct RequestBody {
    inner: Mutex<Inner>,
    /// Told when nobody reads any more.
    ended: Notify,
}

/// What a body may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyBounds {
    pub(crate) bytes_max: u64,
    /// Between two pieces.
    pub(crate) idle_max: Duration,
    /// Bytes that are progress of the client's connection; a drip is none.
    pub(crate) step_bytes: u64,
    /// Bytes that are kept for another attempt; 0 for a request that may not be repeated.
    pub(crate) kept_bytes_max: usize,
}

#[derive(Debug)]
struct Inner {
    incoming: Incoming,
    /// Learns of each step, so that an upload is no stall.
    client: Arc<ClientConnection>,
    bounds: BodyBounds,
    bytes_left: u64,
    /// Bytes since the last step.
    moved_bytes: u64,
    /// All that was taken, while another attempt may need it.
    kept: Option<Vec<u8>>,
    /// What the present reader gets before anything new.
    replay: Bytes,
    idle: Option<Pin<Box<Sleep>>>,
    /// Number of the attempt that may read.
    reader: u32,
    /// It still does.
    reading: bool,
    /// A piece was taken.
    touched: bool,
    finished: bool,
    progress: Instant,
    failure: Option<RequestBodyError>,
}

/// What hyper's client reads.
#[derive(Debug)]
pub(crate) enum UpstreamBody {
    /// No body.
    Empty,
    /// A share in the client's body.
    Shared {
        body: Arc<RequestBody>,
        reader: u32,
        /// Held until the last byte was taken.
        claim: Option<Arc<Claim>>,
    },
}

// === impl RequestBodyError ===

impl RequestBodyError {
    pub(crate) fn problem(self) -> Problem {
        match self {
            Self::TooLarge => Problem::BodyTooLarge,
            Self::Idle => Problem::BodyTimeout,
            Self::Broken | Self::Revoked => Problem::Malformed("The request body broke off or is not valid."),
        }
    }
}

// === impl RequestBody ===

impl RequestBody {
    pub(crate) fn new(incoming: Incoming, client: Arc<ClientConnection>, bounds: BodyBounds) -> Arc<Self> {
        let inner = Inner {
            incoming,
            client,
            bounds,
            bytes_left: bounds.bytes_max,
            moved_bytes: 0,
            kept: (bounds.kept_bytes_max > 0).then(Vec::new),
            replay: Bytes::new(),
            idle: None,
            reader: 0,
            reading: false,
            touched: false,
            finished: false,
            progress: Instant::now(),
            failure: None,
        };
        Arc::new(Self { inner: Mutex::new(inner), ended: Notify::new() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle for one more attempt, unless a piece was taken that is not kept. Handles given out before stop working.
    pub(crate) fn hand_out(self: &Arc<Self>) -> Option<UpstreamBody> {
        let mut inner = self.lock();
        if !inner.whole() {
            return None;
        }
        inner.replay = inner.kept.as_deref().map_or_else(Bytes::new, Bytes::copy_from_slice);
        inner.reader += 1;
        inner.reading = true;
        Some(UpstreamBody::Shared { body: Arc::clone(self), reader: inner.reader, claim: None })
    }

    /// Another attempt could send the body from its first byte.
    pub(crate) fn whole(&self) -> bool {
        self.lock().whole()
    }

    /// The last byte was taken.
    pub(crate) fn finished(&self) -> bool {
        self.lock().done()
    }

    pub(crate) fn failure(&self) -> Option<RequestBodyError> {
        self.lock().failure
    }

    /// Ends with the body's last byte, its failure, or when the backend takes nothing for as long as a client may be
    /// silent.
    pub(crate) async fn ended_or_stalled(&self) {
        while let Some(stalled) = self.stalls_at() {
            tokio::select! {
                () = self.ended.notified() => {}
                () = sleep_until(stalled) => {}
            }
        }
    }

    /// When the body will have stalled unless it moves; `None` if it has, or is not read any more.
    fn stalls_at(&self) -> Option<Instant> {
        let inner = self.lock();
        let stalled = inner.progress + inner.bounds.idle_max;
        (inner.reading && stalled > Instant::now()).then_some(stalled)
    }

    /// Since when the backend may be waited for: the last piece it took, or now while the client owes the next.
    pub(crate) fn owed_since(&self) -> Instant {
        let inner = self.lock();
        if inner.idle.is_some() { Instant::now() } else { inner.progress }
    }
}

// === impl Inner ===

impl Inner {
    fn whole(&self) -> bool {
        !self.touched || self.kept.is_some()
    }

    /// The present reader has everything.
    fn done(&self) -> bool {
        self.finished && self.replay.is_empty()
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        if !self.replay.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.replay)))));
        }
        if self.finished {
            return Poll::Ready(None);
        }
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(piece) => {
                self.idle = None;
                self.progress = Instant::now();
                Poll::Ready(self.take(piece))
            }
            Poll::Pending => {
                let idle_max = self.bounds.idle_max;
                let idle = self.idle.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle_max)));
                if idle.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(self.fail(RequestBodyError::Idle))))
            }
        }
    }

    fn take(
        &mut self,
        piece: Option<Result<Frame<Bytes>, hyper::Error>>,
    ) -> Option<Result<Frame<Bytes>, RequestBodyError>> {
        let frame = match piece {
            None => {
                self.finished = true;
                return None;
            }
            Some(Err(_)) => return Some(Err(self.fail(RequestBodyError::Broken))),
            Some(Ok(frame)) => frame,
        };
        self.touched = true;
        let frame = self.keep(frame);
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(left) = self.bytes_left.checked_sub(bytes) else {
            return Some(Err(self.fail(RequestBodyError::TooLarge)));
        };
        self.bytes_left = left;
        self.moved_bytes += bytes;
        if self.moved_bytes >= self.bounds.step_bytes {
            self.moved_bytes = 0;
            self.client.progress();
        }
        self.finished = self.incoming.is_end_stream();
        Some(Ok(frame))
    }

    /// Keeps a copy if one is needed and allowed. Trailers are not kept.
    fn keep(&mut self, mut frame: Frame<Bytes>) -> Frame<Bytes> {
        if let Some(trailers) = frame.trailers_mut() {
            strip_trailers(trailers);
        }
        let bytes_max = self.bounds.kept_bytes_max;
        self.kept = self.kept.take().zip(frame.data_ref()).and_then(|(mut kept, data)| {
            let fits = kept.len() + data.len() <= bytes_max;
            fits.then(|| kept.extend_from_slice(data))?;
            Some(kept)
        });
        frame
    }

    fn end_stream(&self) -> bool {
        self.replay.is_empty() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (replay, rest) = (self.replay.len() as u64, self.incoming.size_hint());
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + replay);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + replay);
        }
        hint
    }

    fn fail(&mut self, error: RequestBodyError) -> RequestBodyError {
        self.failure = Some(error);
        error
    }
}

// === impl UpstreamBody ===

impl UpstreamBody {
    /// Ties the request's claim to the body.
    pub(crate) fn attach(&mut self, new: &Arc<Claim>) {
        if let Self::Shared { claim, .. } = self {
            *claim = Some(Arc::clone(new));
        }
    }
}

impl Drop for UpstreamBody {
    fn drop(&mut self) {
        if let Self::Shared { body, reader, .. } = self {
            let mut inner = body.lock();
            inner.reading &= inner.reader != *reader;
            drop(inner);
            body.ended.notify_one();
        }
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = RequestBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        let Self::Shared { body, reader, claim } = self.get_mut() else { return Poll::Ready(None) };
        let mut inner = body.lock();
        if inner.reader != *reader {
            return Poll::Ready(Some(Err(RequestBodyError::Revoked)));
        }
        let polled = inner.poll(context);
        if inner.done() || inner.failure.is_some() {
            inner.reading = false;
            drop(inner);
            *claim = None;
            body.ended.notify_one();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Shared { body, .. } => body.lock().end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Shared { body, .. } => body.lock().size_hint(),
        }
    }
}
