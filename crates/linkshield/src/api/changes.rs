//! Changes of accounts come to their end, whatever becomes of whoever asked for them.
//!
//! A handler that is dropped halfway, because its client went away or the request took too long, would leave a change done and
//! unsaid: the role changed, the event missing. So handlers of unsafe requests about accounts run in tasks of their own. They are
//! bounded all the same: what they wait for (a body, a place to hash, the database) has deadlines, and a body whose client went
//! away ends its handler before it has changed anything. The end of the process waits for them.

use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, resume_unwind},
    sync::{Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tokio::{sync::oneshot, task::JoinSet};

use super::{problem::Problem, state::App};

/// Changes at once. As many connections as there may be, each with a change, are fewer; clients that leave and come back could
/// begin more.
const CHANGES_MAX: usize = 4_096;

/// The changes under way.
#[derive(Debug, Default)]
pub(super) struct Changes(Mutex<JoinSet<()>>);

/// Lets an unsafe request's handler run to its end.
pub(super) async fn finish_what_began(State(app): State<App>, request: Request, next: Next) -> Response {
    match request.method().is_safe() {
        true => next.run(request).await,
        false => app.changes().run(next.run(request)).await,
    }
}

// === impl Changes ===

impl Changes {
    /// Waits for a change; dropped before, the change goes on.
    pub(super) async fn run(&self, change: impl Future<Output = Response> + Send + 'static) -> Response {
        let (answer, answered) = oneshot::channel();
        {
            let mut tasks = self.tasks();
            while tasks.try_join_next().is_some() {}
            if tasks.len() >= CHANGES_MAX {
                return Problem::unavailable("too many changes of accounts are under way").into_response();
            }
            tasks.spawn(async move {
                // Nobody may be there to hear it.
                let _gone = answer.send(AssertUnwindSafe(change).catch_unwind().await);
            });
        }
        match answered.await.expect("nothing ends the task before it has answered") {
            Ok(response) => response,
            Err(panic) => resume_unwind(panic),
        }
    }

    /// How many are under way.
    pub(super) fn len(&self) -> usize {
        let mut tasks = self.tasks();
        while tasks.try_join_next().is_some() {}
        tasks.len()
    }

    /// Waits until none is under way.
    pub(super) async fn finish(&self) {
        while poll_fn(|context| self.tasks().poll_join_next(context)).await.is_some() {}
    }

    /// A panic while the lock is held cannot leave the set half-changed.
    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        future::pending,
        net::{IpAddr, Ipv4Addr},
        sync::Arc,
        task::Poll,
        time::Duration,
    };

    use axum::{Router, body::Body, middleware, routing::post};
    use http::StatusCode;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use serde_json::json;

    use super::*;
    use crate::{
        api::{observe::observe, router},
        gate::{GateTasks, Peer},
        opened::{UNLIMITED, open_accounts, open_gate},
        scratch::ScratchDirectory,
        service::CheckService,
        settings::Environment,
        store::{RetentionLimits, Store},
    };

    async fn app(directory: &ScratchDirectory, request_timeout: Duration) -> (App, GateTasks) {
        let store = Store::open(directory.path()).await.unwrap();
        let limits = RetentionLimits { age_max: Duration::from_secs(60), rows_max: 10 };
        let accounts = open_accounts(&store, directory).await;
        let service = CheckService::new(store, limits);
        let (gate, tasks) = open_gate(&accounts, directory, UNLIMITED).await;
        (App::new(service, (accounts, gate), Environment::Development, request_timeout), tasks)
    }

    fn register() -> Request {
        let body = json!({ "email": "ada@example.org", "password": "wombat seventy", "accept_terms": true });
        let request = Request::post("/api/v1/user/register")
            .header("host", "test")
            .header("content-type", "application/json");
        let request = request.extension(Peer(IpAddr::V4(Ipv4Addr::LOCALHOST)));
        request.body(Body::from(body.to_string())).unwrap()
    }

    #[tokio::test]
    async fn client_that_leaves_takes_nothing_with_it() {
        let directory = ScratchDirectory::new();
        let (app, tasks) = app(&directory, Duration::from_secs(60)).await;
        let mut call = Box::pin(TowerToHyperService::new(router(app.clone())).call(register()));
        poll_fn(|context| {
            assert!(call.poll_unpin(context).is_pending(), "a password is hashed first");
            context.waker().wake_by_ref();
            if app.changes_under_way() == 0 { Poll::Pending } else { Poll::Ready(()) }
        })
        .await;
        drop(call);
        app.finish_changes().await;
        let made = app.service().store().find_account_by_email("ada@example.org").await.unwrap();
        assert!(made.is_some(), "the account is made");
        tasks.finish().await;
        let files = ["security-events.jsonl", "security-events.anybody.jsonl"];
        let text = |name| fs::read_to_string(directory.path().join(name)).unwrap_or_default();
        let events = files.map(text).concat();
        assert!(events.contains("account.registered"), "and told of: {events}");
    }

    #[tokio::test]
    async fn request_that_takes_too_long_is_finished_behind_its_answer() {
        let directory = ScratchDirectory::new();
        let (app, _tasks) = app(&directory, Duration::from_millis(1)).await;
        let (go_on, told) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let parts = Arc::new(Mutex::new(Some((told, done))));
        let change = move || {
            let (told, done) = parts.lock().unwrap().take().unwrap();
            async move {
                told.await.unwrap();
                done.send(()).unwrap();
                StatusCode::NO_CONTENT
            }
        };
        let router: Router = Router::new()
            .route("/change", post(change))
            .layer(middleware::from_fn_with_state(app.clone(), finish_what_began))
            .layer(middleware::from_fn_with_state(app.clone(), observe));
        let request = Request::post("/change").header("host", "test").body(Body::empty()).unwrap();
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        assert_eq!((response.status().as_u16(), app.changes_under_way()), (503, 1));
        go_on.send(()).unwrap();
        is_done.await.unwrap();
        app.finish_changes().await;
        assert_eq!(app.changes_under_way(), 0);
    }

    #[tokio::test]
    async fn panic_reaches_whoever_waits() {
        let changes = Changes::default();
        let panics = changes.run(async { panic!("on purpose") });
        assert!(AssertUnwindSafe(panics).catch_unwind().await.is_err());
        assert_eq!(changes.run(async { StatusCode::OK.into_response() }).await.status(), 200);
    }

    #[tokio::test]
    async fn changes_at_once_are_bounded() {
        let changes = Changes::default();
        for _ in 0..CHANGES_MAX {
            assert!(changes.run(pending()).now_or_never().is_none());
        }
        assert_eq!(changes.run(pending()).await.status(), 503);
    }
}
