//! One attempt to get one instance's answer.
//!
//! Every wait is bounded: dialling, and the head of the answer, whose time starts again with each piece of the request
//! body and stands still while the client owes one, so that a slow upload is no timeout. A failure says whether the
//! request provably never left (it comes back whole), because only then may one that is not idempotent be sent again.

use std::{pin::pin, sync::Arc, time::Duration};

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::{Instant, sleep_until};

use super::{Channel, Instance};
use crate::{
    claim::Claim,
    headers,
    limits::Limits,
    request_body::{RequestBody, UpstreamBody},
};

/// Connections that are found closed before one is dialled.
const STALE_CONNECTIONS_MAX: u32 = 3;

/// Where and under which conditions a request is tried.
pub(crate) struct Attempt<'a> {
    pub(crate) limits: &'a Limits,
    pub(crate) claim: &'a Arc<Claim>,
    pub(crate) body: Option<&'a Arc<RequestBody>>,
    pub(crate) response_timeout: Duration,
    /// Dial, even if there is an unused connection.
    pub(crate) fresh: bool,
    /// The request may be sent again, so the connection may turn out to be closing.
    pub(crate) repeatable: bool,
    /// Where to go when the instance is ejected while its answer is awaited; without a place the wait goes on.
    pub(crate) elsewhere: &'a (dyn Fn() -> Option<Arc<Claim>> + Send + Sync),
}

/// How an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// Nothing listens there.
    Refused,
    /// No connection in time, or another failure to make one.
    Unreachable,
    /// The connection ended before the head of an answer.
    Broken,
    /// The same, on a connection that had been used before: it may have been closing already.
    Stale,
    /// No head of an answer in time.
    Timeout,
    /// The instance was ejected while its answer was awaited.
    Ejected,
}

/// A failed attempt.
pub(crate) struct AttemptFailure {
    pub(crate) kind: FailureKind,
    /// The request, if it provably never left.
    pub(crate) unsent: Option<Box<Request<UpstreamBody>>>,
    /// Where an abandoned request goes on.
    pub(crate) next: Option<Arc<Claim>>,
}

/// The connection an answer arrives on, to be used again once both bodies are complete. Dropping it closes it.
pub(crate) struct Lease {
    channel: Channel,
    instance: Arc<Instance>,
    /// The backend said that it will close.
    last: bool,
}

// === impl Lease ===

impl Lease {
    pub(crate) fn give_back(self, limits: &Limits) {
        if !self.last {
            self.instance.give_back(self.channel, limits);
        }
    }
}

// === impl AttemptFailure ===

impl AttemptFailure {
    fn sent(kind: FailureKind) -> Self {
        Self { kind, unsent: None, next: None }
    }

    fn unsent(kind: FailureKind, message: Request<UpstreamBody>) -> Self {
        Self { kind, unsent: Some(Box::new(message)), next: None }
    }
}

// === impl Attempt ===

impl Attempt<'_> {
    /// Sends the request and waits for the head of the answer.
    pub(crate) async fn run(
        self,
        mut message: Request<UpstreamBody>,
    ) -> Result<(Response<Incoming>, Lease), AttemptFailure> {
        let instance = &self.claim.instance;
        for round in 0..=STALE_CONNECTIONS_MAX {
            let idle = if self.fresh || round == STALE_CONNECTIONS_MAX {
                None
            } else {
                instance.take_idle(self.limits.upstream_idle, self.repeatable)
            };
            let reused = idle.is_some();
            let mut channel = match idle {
                Some(channel) => channel,
                None => match Channel::dial(instance.address, self.limits).await {
                    Ok(channel) => channel,
                    Err(kind) => return Err(AttemptFailure::unsent(kind, message)),
                },
            };
            match self.exchange(&mut channel, message, reused).await {
                Ok(response) => {
                    if reused {
                        instance.answered_again();
                    }
                    let last = headers::says_close(response.headers());
                    return Ok((response, Lease { channel, instance: Arc::clone(instance), last }));
                }
                Err(AttemptFailure { unsent: Some(returned), .. }) if reused => message = *returned,
                Err(failure) => return Err(failure),
            }
        }
        Err(AttemptFailure::unsent(FailureKind::Unreachable, message))
    }

    async fn exchange(
        &self,
        channel: &mut Channel,
        message: Request<UpstreamBody>,
        reused: bool,
    ) -> Result<Response<Incoming>, AttemptFailure> {
        let mut answer = pin!(channel.send(message));
        let mut ejected = pin!(self.claim.instance.ejected());
        let mut deadline = pin!(sleep_until(Instant::now() + self.response_timeout));
        // In panic mode the instance is unhealthy from the start: no news.
        let mut may_leave = self.claim.healthy;
        loop {
            tokio::select! {
                biased;
                result = answer.as_mut() => return result.map_err(|mut error| match error.take_message() {
                    Some(message) => AttemptFailure::unsent(FailureKind::Broken, message),
                    None if reused => {
                        self.claim.instance.closed_early();
                        AttemptFailure::sent(FailureKind::Stale)
                    }
                    None => AttemptFailure::sent(FailureKind::Broken),
                }),
                () = ejected.as_mut(), if may_leave => {
                    may_leave = false;
                    if let Some(next) = (self.elsewhere)() {
                        return Err(AttemptFailure { next: Some(next), ..AttemptFailure::sent(FailureKind::Ejected) });
                    }
                }
                () = deadline.as_mut() => {
                    let extended = self.body.map(|body| body.owed_since() + self.response_timeout);
                    match extended.filter(|extended| *extended > Instant::now()) {
                        Some(extended) => deadline.as_mut().reset(extended),
                        None => return Err(AttemptFailure::sent(FailureKind::Timeout)),
                    }
                }
            }
        }
    }
}
