//! One request, from the client's head to the backend's.
//!
//! Order: hygiene of the head, bounds of the body, claim, attempts. What the edge refuses itself never reaches a claim.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header, request::Parts};
use http_body::Body;
use hyper::{body::Incoming, upgrade::OnUpgrade};
use shield_release::Outcome;

use crate::{
    body::{EdgeBody, Exchange},
    claim::Claim,
    connection::ClientConnection,
    edge::Edge,
    headers::{self, prepare_response, settle_framing},
    ids,
    problem::Problem,
    request_body::{BodyBounds, RequestBody, RequestBodyError, UpstreamBody},
    tally::Tally,
    tunnel::{self, Tunnel},
    upstream::{Attempt, AttemptFailure, FailureKind, Instance, Lease, RetryDecision, decide, idempotent},
};

/// A request that passed the edge's own checks.
struct Forwarding {
    edge: Arc<Edge>,
    client: Arc<ClientConnection>,
    request_id: HeaderValue,
    method: Method,
    /// The client's side can announce its close.
    http1: bool,
    /// The head, for another attempt; only idempotent requests keep it.
    spare: Option<Parts>,
    body: Option<Arc<RequestBody>>,
    /// The protocol the client wants to change to, and its side of the connection.
    upgrade: Option<(HeaderValue, OnUpgrade)>,
    response_timeout: Duration,
    /// Instances that were tried.
    tried: Vec<Arc<Instance>>,
    tally: Tally,
}

/// The answer to a request, by a backend or by the edge.
pub(crate) async fn serve(
    edge: Arc<Edge>,
    client: Arc<ClientConnection>,
    request: Request<Incoming>,
) -> Response<EdgeBody> {
    let request_id = ids::request_id();
    let body_open = request.version() != Version::HTTP_2 && !request.body().is_end_stream();
    match forward(edge, client, request, &request_id).await {
        Ok(response) => response,
        Err(problem) => {
            let mut answer = problem.answer(&request_id);
            if body_open {
                // What is left of the body is not read: hyper closes, and the client must not ask again here.
                answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            answer
        }
    }
}

async fn forward(
    edge: Arc<Edge>,
    client: Arc<ClientConnection>,
    request: Request<Incoming>,
    request_id: &HeaderValue,
) -> Result<Response<EdgeBody>, Problem> {
    let (mut parts, incoming) = request.into_parts();
    let http1 = parts.version != Version::HTTP_2;
    if parts.headers.len() > edge.limits.head_fields_max {
        return Err(Problem::TooManyFields);
    }
    let client_side = parts.extensions.remove::<OnUpgrade>();
    parts.extensions.clear();
    let body_empty = incoming.is_end_stream();
    let protocol = headers::prepare_request(&mut parts, &client.facts, request_id, body_empty)?;
    let bounds = BodyBounds {
        bytes_max: edge.settings.request_body_bytes_max(),
        idle_max: edge.limits.request_body_idle,
        step_bytes: edge.limits.request_body_step_bytes,
        kept_bytes_max: if idempotent(&parts.method) { edge.limits.kept_body_bytes_max } else { 0 },
    };
    if incoming.size_hint().lower() > bounds.bytes_max {
        return Err(Problem::BodyTooLarge);
    }
    let body = (!body_empty).then(|| RequestBody::new(incoming, Arc::clone(&client), bounds));
    let claim = edge.router.claim().ok_or(Problem::NoBackend)?;
    edge.budget.deposit();
    let forwarding = Forwarding {
        client,
        request_id: request_id.clone(),
        method: parts.method.clone(),
        http1,
        spare: idempotent(&parts.method).then(|| parts.clone()),
        body,
        upgrade: protocol.zip(client_side),
        response_timeout: edge.settings.response_timeout(),
        tried: Vec::new(),
        tally: Tally::new(Arc::clone(&edge), claim.account.clone()),
        edge,
    };
    forwarding.run(parts, claim).await
}

// === impl Forwarding ===

impl Forwarding {
    async fn run(mut self, parts: Parts, mut claim: Arc<Claim>) -> Result<Response<EdgeBody>, Problem> {
        let first = claim.instance.id.release().clone();
        let mut message = Request::from_parts(parts, self.body_for_attempt().unwrap_or(UpstreamBody::Empty));
        let mut fresh = false;
        loop {
            message.body_mut().attach(&claim);
            let failure = match self.attempt(&claim, message, fresh).await {
                Ok((response, lease)) => return self.answer(response, lease, claim),
                Err(failure) => failure,
            };
            if let Some(error) = self.client_failure() {
                return Err(error.problem());
            }
            if failure.kind == FailureKind::Stale
                && !fresh
                && let Some(again) = self.replay()
            {
                // A connection that closes while it is used again says nothing about the instance yet.
                (message, fresh) = (again, true);
                continue;
            }
            self.first_attempt_failed(&failure, &claim);
            let kind = failure.kind;
            let Some((next, again)) = self.next(failure, &first, &claim) else {
                return Err(self.give_up(kind));
            };
            (claim, message, fresh) = (next, again, false);
        }
    }

    async fn attempt(
        &self,
        claim: &Arc<Claim>,
        message: Request<UpstreamBody>,
        fresh: bool,
    ) -> Result<(Response<Incoming>, Lease), AttemptFailure> {
        let release = claim.instance.id.release();
        let elsewhere = || {
            let allowed = self.tried.len() < self.edge.limits.retries_max as usize && self.replayable();
            let mut tried = self.tried.clone();
            tried.push(Arc::clone(&claim.instance));
            allowed.then(|| self.edge.router.claim_elsewhere(release, &tried)).flatten()
        };
        let attempt = Attempt {
            limits: &self.edge.limits,
            claim,
            body: self.body.as_ref(),
            response_timeout: self.response_timeout,
            fresh,
            repeatable: self.spare.is_some() && self.body.is_none(),
            elsewhere: &elsewhere,
        };
        attempt.run(message).await
    }

    fn first_attempt_failed(&mut self, failure: &AttemptFailure, claim: &Claim) {
        self.tally.book(Outcome::Error);
        if failure.kind == FailureKind::Refused {
            self.edge.eject(&claim.instance);
        }
    }

    /// Where the request goes on, and the request itself, if it may be sent again.
    fn next(
        &mut self,
        failure: AttemptFailure,
        first: &shield_types::ReleaseId,
        failed: &Arc<Claim>,
    ) -> Option<(Arc<Claim>, Request<UpstreamBody>)> {
        let retries = u32::try_from(self.tried.len()).unwrap_or(u32::MAX);
        let retries_left = self.edge.limits.retries_max.saturating_sub(retries);
        let decision = decide(failure.kind, failure.unsent.is_some(), self.replayable(), retries_left);
        self.tried.push(Arc::clone(&failed.instance));
        if decision == RetryDecision::GiveUp {
            return None;
        }
        let claim = match (failure.next, decision) {
            (Some(claim), _) => claim,
            (None, RetryDecision::PayForOtherRelease) => {
                self.edge.router.claim_other_release(first, &self.tried)?
            }
            (None, _) => self.edge.router.claim_elsewhere(first, &self.tried)?,
        };
        if decision != RetryDecision::Free && !self.edge.budget.withdraw() {
            return None;
        }
        let message = match failure.unsent {
            Some(message) => *message,
            None => self.replay()?,
        };
        Some((claim, message))
    }

    fn give_up(&mut self, kind: FailureKind) -> Problem {
        self.tally.client_saw_failure();
        match kind {
            FailureKind::Refused | FailureKind::Unreachable => Problem::NoBackend,
            FailureKind::Broken | FailureKind::Stale => Problem::BackendBroken,
            FailureKind::Timeout | FailureKind::Ejected => Problem::BackendTimeout,
        }
    }

    fn client_failure(&self) -> Option<RequestBodyError> {
        self.body.as_ref().and_then(|body| body.failure())
    }

    fn replayable(&self) -> bool {
        self.spare.is_some() && self.body.as_ref().is_none_or(|body| body.whole())
    }

    fn replay(&self) -> Option<Request<UpstreamBody>> {
        let parts = self.spare.clone()?;
        Some(Request::from_parts(parts, self.body_for_attempt()?))
    }

    fn body_for_attempt(&self) -> Option<UpstreamBody> {
        match &self.body {
            None => Some(UpstreamBody::Empty),
            Some(body) => body.hand_out(),
        }
    }

    fn answer(
        mut self,
        response: Response<Incoming>,
        lease: Lease,
        claim: Arc<Claim>,
    ) -> Result<Response<EdgeBody>, Problem> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            return self.switch(response, lease, claim);
        }
        let (mut parts, incoming) = response.into_parts();
        if !settle_framing(&mut parts, &incoming) {
            return Err(self.broken_answer());
        }
        if !self.tried.is_empty() {
            self.tally.retried();
        }
        if parts.status.is_server_error() {
            self.tally.book(Outcome::Error);
            self.tally.client_saw_failure();
        }
        let upload_open = self.body.as_ref().is_some_and(|body| !body.finished());
        let idle_max = self.edge.limits.response_body_idle;
        let exchange = Exchange { edge: self.edge, tally: self.tally, lease, claim, request_body: self.body };
        let mut answer = Response::new(EdgeBody::upstream(incoming, idle_max, exchange));
        *answer.status_mut() = parts.status;
        *answer.headers_mut() = parts.headers;
        prepare_response(answer.headers_mut(), &self.request_id);
        if self.http1 && upload_open {
            // The backend may leave the rest unread; then the client's connection ends with this answer.
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(answer)
    }

    /// The backend answered something that cannot be passed on.
    fn broken_answer(&mut self) -> Problem {
        self.tally.book(Outcome::Error);
        self.tally.client_saw_failure();
        Problem::BackendBroken
    }

    /// The backend changed the protocol; only if it was asked to is there anybody to talk to.
    fn switch(
        mut self,
        response: Response<Incoming>,
        lease: Lease,
        claim: Arc<Claim>,
    ) -> Result<Response<EdgeBody>, Problem> {
        let asked = self.method == Method::GET;
        let Some((protocol, client_side)) = self.upgrade.take().filter(|_| asked) else {
            return Err(self.broken_answer());
        };
        self.tally.book(Outcome::Success);
        let tunnel =
            Tunnel { client_side, client: self.client, claim, lease, idle_max: self.edge.limits.tunnel_idle };
        Ok(tunnel::open(tunnel, response, protocol, &self.request_id))
    }
}
