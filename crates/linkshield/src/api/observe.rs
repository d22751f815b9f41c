//! Around every request: id, time limit, panic guard, problem document, count, log line.
//!
//! Guarantees that whatever happens in a handler, the client gets an answer with the request's id: a panic becomes a
//! 500, an overrun a 503. A request whose `Host` is not one is not even shown to the gate. The log line holds the path but never the query or the body.

use std::{any::Any, panic::AssertUnwindSafe, time::Instant};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderValue, Method, header};
use tokio::time::timeout;

use super::{
    host::check_host,
    problem::Problem,
    request_id::{REQUEST_ID_HEADER, RequestId},
    state::{App, InFlight},
};
use crate::telemetry::RequestLabels;

pub(super) async fn observe(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let request_id = RequestId::of(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|route| route.as_str().to_owned());
    let route = route.unwrap_or_else(|| "unmatched".to_owned());
    let started = Instant::now();
    let _claim = app.claim(InFlight {
        method: method.to_string(),
        path: path.clone(),
        request_id: request_id.as_str().to_owned(),
        started,
    });
    request.extensions_mut().insert(request_id.clone());
    let response = match check_host(&request) {
        Ok(()) => guarded(&app, next.run(request)).await,
        Err(problem) => problem.into_response(),
    };
    let mut response = match response.extensions().get::<Problem>().cloned() {
        Some(problem) => {
            if let Some(cause) = problem.cause() {
                tracing::error!(request_id = request_id.as_str(), cause, "request failed inside");
            }
            problem.render(response, &path, &request_id)
        }
        None => response,
    };
    response.headers_mut().insert(REQUEST_ID_HEADER, request_id.header_value());
    response.headers_mut().insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let (status, duration) = (response.status().as_u16(), started.elapsed());
    let duration_ms = duration.as_secs_f64() * 1000.0;
    tracing::info!(request_id = request_id.as_str(), %method, path, status, duration_ms, "request");
    app.metrics().request_answered(RequestLabels { route, method: known(&method), status }, duration);
    response
}

async fn guarded(app: &App, answer: impl Future<Output = Response>) -> Response {
    match timeout(app.request_timeout(), AssertUnwindSafe(answer).catch_unwind()).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal(panic_text(&*panic)).into_response(),
        Err(_elapsed) => Problem::unavailable("the request took too long and was given up").into_response(),
    }
}

/// What the panicking code said; where it stood is in the log line of the panic itself.
fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("no message"))
}

/// Methods come from the client; only known ones become labels.
fn known(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{Router, body::Body, middleware, routing::get};
    use http_body_util::BodyExt;
    use hyper::service::Service;
    use hyper_util::service::TowerToHyperService;
    use serde_json::Value;

    use super::*;
    use crate::{
        opened::{UNLIMITED, open_accounts, open_gate},
        scratch::ScratchDirectory,
        service::CheckService,
        settings::Environment,
        store::{RetentionLimits, Store},
    };

    async fn get_json(path: &str, request_timeout: Duration) -> (u16, Value) {
        let directory = ScratchDirectory::new();
        let store = Store::open(directory.path()).await.unwrap();
        let limits = RetentionLimits { age_max: Duration::from_secs(60), rows_max: 10 };
        let accounts = open_accounts(&store, &directory).await;
        let service = CheckService::new(store, limits);
        let (gate, _tasks) = open_gate(&accounts, &directory, UNLIMITED).await;
        let app = App::new(service, (accounts, gate), Environment::Development, request_timeout);
        let router: Router = Router::new()
            .route("/panic", get(|| async { panic!("handler panics on purpose") as &'static str }))
            .route("/forever", get(std::future::pending::<String>))
            .layer(middleware::from_fn_with_state(app.clone(), observe));
        let request = Request::get(path)
            .header("host", "test")
            .header("x-request-id", "given")
            .body(Body::empty())
            .unwrap();
        let response = TowerToHyperService::new(router).call(request).await.unwrap();
        assert_eq!(response.headers()["x-request-id"], "given");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        assert!(app.in_flight().is_empty());
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn panic_becomes_problem() {
        let (status, problem) = get_json("/panic", Duration::from_secs(60)).await;
        assert_eq!((status, &problem["request_id"]), (500, &Value::from("given")));
        assert!(!problem.to_string().contains("on purpose"), "the inside stays inside");
    }

    #[tokio::test]
    async fn overrun_becomes_problem() {
        let (status, problem) = get_json("/forever", Duration::from_millis(1)).await;
        assert_eq!((status, &problem["instance"]), (503, &Value::from("/forever")));
    }
}
