//! A response body on its way to a client.
//!
//! Holds the request's claim and the instance's connection until the last byte. A body that its backend breaks off ends
//! here with an error, never with a clean end: hyper then cuts the client's connection or resets its stream, so nobody
//! takes half an answer for a whole one.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use shield_release::Outcome;
use tokio::time::Sleep;

use crate::{claim::Claim, edge::Edge, request_body::RequestBody, tally::Tally, upstream::Lease};

/// Why a response body was cut.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResponseBodyError {
    #[error("read response body from the backend")]
    Backend(#[source] hyper::Error),
    #[error("read response body: nothing arrived for {0:?}")]
    Idle(Duration),
}

/// The body of every answer.
#[derive(Debug)]
pub(crate) enum EdgeBody {
    /// Made by the edge, or empty.
    Local(Option<Bytes>),
    /// A backend's.
    Upstream(Box<ResponseBody>),
}

/// A backend's body.
#[derive(Debug)]
pub(crate) struct ResponseBody {
    incoming: Incoming,
    idle_max: Duration,
    idle: Option<Pin<Box<Sleep>>>,
    exchange: Option<Exchange>,
}

/// What is settled when the body ends.
pub(crate) struct Exchange {
    pub(crate) edge: Arc<Edge>,
    pub(crate) tally: Tally,
    pub(crate) lease: Lease,
    /// Its end is the end of the request on the instance.
    pub(crate) claim: Arc<Claim>,
    pub(crate) request_body: Option<Arc<RequestBody>>,
}

// === impl EdgeBody ===

impl EdgeBody {
    pub(crate) fn local(bytes: Bytes) -> Self {
        Self::Local(Some(bytes))
    }

    pub(crate) fn empty() -> Self {
        Self::Local(None)
    }

    /// A backend's body; an empty one is settled at once.
    pub(crate) fn upstream(incoming: Incoming, idle_max: Duration, exchange: Exchange) -> Self {
        if incoming.is_end_stream() {
            exchange.complete();
            return Self::empty();
        }
        Self::Upstream(Box::new(ResponseBody { incoming, idle_max, idle: None, exchange: Some(exchange) }))
    }
}

impl Body for EdgeBody {
    type Data = Bytes;
    type Error = ResponseBodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ResponseBodyError>>> {
        match self.get_mut() {
            Self::Local(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Upstream(body) => body.poll(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Local(bytes) => bytes.is_none(),
            Self::Upstream(body) => body.incoming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Local(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Upstream(body) => body.incoming.size_hint(),
        }
    }
}

// === impl ResponseBody ===

impl ResponseBody {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, ResponseBodyError>>> {
        let Poll::Ready(piece) = Pin::new(&mut self.incoming).poll_frame(context) else {
            let idle_max = self.idle_max;
            let idle = self.idle.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle_max)));
            ready!(idle.as_mut().poll(context));
            return Poll::Ready(Some(Err(self.fail(ResponseBodyError::Idle(idle_max)))));
        };
        self.idle = None;
        match piece {
            Some(Ok(frame)) => {
                if self.incoming.is_end_stream() {
                    self.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(self.fail(ResponseBodyError::Backend(error))))),
            None => {
                self.complete();
                Poll::Ready(None)
            }
        }
    }

    fn complete(&mut self) {
        if let Some(exchange) = self.exchange.take() {
            exchange.complete();
        }
    }

    fn fail(&mut self, error: ResponseBodyError) -> ResponseBodyError {
        if let Some(mut exchange) = self.exchange.take()
            // A request body that its client spoilt takes the connection to the backend with it.
            && exchange.request_body.as_ref().is_none_or(|body| body.failure().is_none())
        {
            exchange.tally.book(Outcome::Error);
            exchange.tally.client_saw_failure();
        }
        error
    }
}

// === impl Exchange ===

impl Exchange {
    fn complete(mut self) {
        self.tally.book(Outcome::Success);
        match self.request_body.filter(|body| !body.finished()) {
            None => self.lease.give_back(&self.edge.limits),
            // The connection is not free: the rest of the request body is still on its way.
            Some(body) => drop(tokio::spawn(finish_upload(self.edge, body, self.lease))),
        }
        drop(self.claim);
    }
}

impl std::fmt::Debug for Exchange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Exchange").field("claim", &self.claim).finish_non_exhaustive()
    }
}

/// Leaves the connection to a request body that outlasts its answer, as long as it moves.
async fn finish_upload(edge: Arc<Edge>, body: Arc<RequestBody>, lease: Lease) {
    body.ended_or_stalled().await;
    if body.finished() {
        lease.give_back(&edge.limits);
    }
}
