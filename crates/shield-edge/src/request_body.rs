//! A request body on its way to a backend.
//!
//! Bounded in bytes and in the wait between two pieces. Until the first piece was taken the body can be handed to
//! another attempt; after that a retry would send half a body, so it is refused. The claim of the attempt lives in the
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
use tokio::time::{Instant, Sleep};

use crate::{claim::Claim, problem::Problem};

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
}

#[derive(Debug)]
struct Inner {
    incoming: Incoming,
    bytes_left: u64,
    idle_max: Duration,
    idle: Option<Pin<Box<Sleep>>>,
    /// Number of the attempt that may read.
    reader: u32,
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
    pub(crate) fn new(incoming: Incoming, bytes_max: u64, idle_max: Duration) -> Arc<Self> {
        let inner = Inner {
            incoming,
            bytes_left: bytes_max,
            idle_max,
            idle: None,
            reader: 0,
            touched: false,
            finished: false,
            progress: Instant::now(),
            failure: None,
        };
        Arc::new(Self { inner: Mutex::new(inner) })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A handle for one more attempt, unless a piece was already taken. Handles given out before stop working.
    pub(crate) fn hand_out(self: &Arc<Self>) -> Option<UpstreamBody> {
        let mut inner = self.lock();
        if inner.touched {
            return None;
        }
        inner.reader += 1;
        Some(UpstreamBody::Shared { body: Arc::clone(self), reader: inner.reader, claim: None })
    }

    /// A piece was taken: nobody else can send the body whole any more.
    pub(crate) fn touched(&self) -> bool {
        self.lock().touched
    }

    /// The last byte was taken.
    pub(crate) fn finished(&self) -> bool {
        self.lock().finished
    }

    pub(crate) fn failure(&self) -> Option<RequestBodyError> {
        self.lock().failure
    }

    /// When a piece was last taken.
    pub(crate) fn progress(&self) -> Instant {
        self.lock().progress
    }
}

// === impl Inner ===

impl Inner {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, RequestBodyError>>> {
        match Pin::new(&mut self.incoming).poll_frame(context) {
            Poll::Ready(piece) => {
                self.idle = None;
                self.progress = Instant::now();
                Poll::Ready(self.take(piece))
            }
            Poll::Pending => {
                let idle_max = self.idle_max;
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
        let bytes = frame.data_ref().map_or(0, |data| data.len() as u64);
        let Some(left) = self.bytes_left.checked_sub(bytes) else {
            return Some(Err(self.fail(RequestBodyError::TooLarge)));
        };
        self.bytes_left = left;
        self.finished = self.incoming.is_end_stream();
        Some(Ok(frame))
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
        if inner.finished || inner.failure.is_some() {
            drop(inner);
            *claim = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Shared { body, .. } => body.lock().incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Shared { body, .. } => body.lock().incoming.size_hint(),
        }
    }
}
