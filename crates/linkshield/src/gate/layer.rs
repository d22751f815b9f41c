//! The gate as a layer of a router.
//!
//! A service by hand instead of axum's `from_fn`, which boxes the route and copies it once more for each request: what stands in
//! front of every handler must cost next to nothing (bar `guard.chain`).

use std::{
    convert::Infallible,
    fmt, mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use axum::{extract::Request, response::Response};
use tower::{Layer, Service};

use super::{
    Gate, GateStore,
    middleware::{Entry, Settled},
};

/// Puts a gate in front of each route of a router.
pub struct Guard<S>(Arc<Gate<S>>);

/// A route behind a gate. A request goes through to its handler, with what the extractors of this folder take
/// ([`super::ClientAddress`], [`super::MaybeAuthenticated`] and the like); or it is refused.
pub struct Guarded<S, R> {
    gate: Arc<Gate<S>>,
    route: R,
}

// === impl Guard ===

impl<S> Guard<S> {
    /// With this gate.
    pub fn new(gate: Arc<Gate<S>>) -> Self {
        Self(gate)
    }
}

impl<S> Clone for Guard<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Guard<S> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guard").finish_non_exhaustive()
    }
}

impl<S, R> Layer<R> for Guard<S> {
    type Service = Guarded<S, R>;

    fn layer(&self, route: R) -> Guarded<S, R> {
        Guarded { gate: Arc::clone(&self.0), route }
    }
}

// === impl Guarded ===

impl<S, R: Clone> Clone for Guarded<S, R> {
    fn clone(&self) -> Self {
        Self { gate: Arc::clone(&self.gate), route: self.route.clone() }
    }
}

impl<S, R> fmt::Debug for Guarded<S, R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Guarded").finish_non_exhaustive()
    }
}

impl<S, R> Service<Request> for Guarded<S, R>
where
    S: GateStore,
    R: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    R::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.route.poll_ready(context)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let gate = Arc::clone(&self.gate);
        // The route that said it is ready goes with the request; its copy has to say so again.
        let copy = self.route.clone();
        let mut route = mem::replace(&mut self.route, copy);
        Box::pin(async move {
            let settled = match gate.admit(&mut request) {
                Entry::Settled(settled) => settled,
                Entry::Later(settled) => settled.await,
            };
            let pass = match settled {
                Settled::LetIn(pass) => pass,
                Settled::Answered(response) => return Ok(response),
            };
            let response = route.call(request).await?;
            Ok(gate.see_off(pass, response).await)
        })
    }
}
