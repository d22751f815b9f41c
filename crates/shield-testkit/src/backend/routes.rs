//! The answers, path by path.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_TYPE, UPGRADE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Either, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::io::{copy, split};

use super::behaviour::Action;
use super::state::BackendState;
use crate::backend::connection::PacedBody;
use crate::ledger::acceptable_id;

/// The only path that counts as a probe.
const PROBE_PATH: &str = "/ready";
/// Chunks of a `/stream` answer.
const STREAM_CHUNKS: u32 = 10;
/// Longest body that a request may have, in bytes.
const BODY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Longest `ms` of `/slow` and `/stream`.
const WAIT_MAX: Duration = Duration::from_secs(600);

/// A body known at once, or one that takes its time.
pub(crate) type AnswerBody = Either<Full<Bytes>, PacedBody>;
type Answer = Response<AnswerBody>;

/// Answers one request, or never.
pub(crate) async fn answer(
    state: Arc<BackendState>,
    request: Request<Incoming>,
) -> Result<Answer, Infallible> {
    let probe = request.uri().path() == PROBE_PATH;
    match state.action(probe) {
        Action::Hang => pending().await,
        Action::Error => Ok(text(StatusCode::INTERNAL_SERVER_ERROR, "this backend errs on purpose")),
        Action::Unready => Ok(text(StatusCode::SERVICE_UNAVAILABLE, "not ready")),
        Action::Answer if probe => Ok(text(StatusCode::OK, "ready")),
        Action::AnswerAndDie => {
            state.dying.send_replace(true);
            let mut answer = text(StatusCode::OK, "ready");
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            Ok(answer)
        }
        Action::Answer => {
            let answer = route(&state, request).await;
            if !state.options.delay.is_zero() {
                tokio::time::sleep(state.options.delay).await;
            }
            Ok(answer)
        }
    }
}

async fn route(state: &BackendState, request: Request<Incoming>) -> Answer {
    let path = request.uri().path();
    if let Some(id) = path.strip_prefix("/apply/") {
        let id = id.to_owned();
        return if request.method() == Method::POST { apply(state, &id, request).await } else { post_only() };
    }
    match path {
        "/" => json_text(&json!({ "version": state.options.version, "pid": std::process::id() })),
        "/slow" => slow(&request).await,
        "/stream" => stream(&request),
        "/upgrade" => upgrade(request),
        "/echo-headers" => echo_headers(&request),
        _ => text(StatusCode::NOT_FOUND, "no such path"),
    }
}

/// Drains the body, then appends the id to the ledger, then answers.
async fn apply(state: &BackendState, id: &str, request: Request<Incoming>) -> Answer {
    let Some(ledger) = &state.ledger else {
        return text(StatusCode::SERVICE_UNAVAILABLE, "this backend has no `--data`");
    };
    if !acceptable_id(id) {
        return text(StatusCode::BAD_REQUEST, "an id is 1 to 128 of A-Z a-z 0-9 - _ .");
    }
    let mut body = Limited::new(request.into_body(), BODY_BYTES_MAX);
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return text(StatusCode::BAD_REQUEST, "the body broke off or is too long");
        }
    }
    match ledger.append(id) {
        Ok(()) => text(StatusCode::OK, id),
        Err(error) => text(StatusCode::INSUFFICIENT_STORAGE, &error.to_string()),
    }
}

async fn slow(request: &Request<Incoming>) -> Answer {
    let Some(wait) = wait_of(request) else { return wait_missing() };
    tokio::time::sleep(wait).await;
    text(StatusCode::OK, "slow")
}

fn stream(request: &Request<Incoming>) -> Answer {
    let Some(wait) = wait_of(request) else { return wait_missing() };
    Response::new(Either::Right(PacedBody::new(STREAM_CHUNKS, wait / STREAM_CHUNKS)))
}

fn upgrade(request: Request<Incoming>) -> Answer {
    if request.headers().get(UPGRADE).is_none_or(|protocol| protocol != "echo") {
        return text(StatusCode::UPGRADE_REQUIRED, "ask for `Upgrade: echo`");
    }
    // Owned by the runtime: an upgraded connection outlives its HTTP connection's task. It ends with the client's side.
    tokio::spawn(async move {
        let Ok(upgraded) = hyper::upgrade::on(request).await else { return };
        let (mut reader, mut writer) = split(TokioIo::new(upgraded));
        // A client that breaks off ends the echo; there is nobody to tell.
        drop(copy(&mut reader, &mut writer).await);
    });
    let mut answer = text(StatusCode::SWITCHING_PROTOCOLS, "");
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("upgrade"));
    answer.headers_mut().insert(UPGRADE, HeaderValue::from_static("echo"));
    answer
}

fn echo_headers(request: &Request<Incoming>) -> Answer {
    let headers: Vec<(&str, String)> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let line = format!("{} {} {:?}", request.method(), request.uri(), request.version());
    json_text(&json!({ "line": line, "headers": headers }))
}

/// The `ms` of the query.
fn wait_of(request: &Request<Incoming>) -> Option<Duration> {
    let query = request.uri().query()?;
    let value = query.split('&').find_map(|pair| pair.strip_prefix("ms="))?;
    value.parse().ok().map(Duration::from_millis).filter(|wait| *wait <= WAIT_MAX)
}

fn wait_missing() -> Answer {
    text(StatusCode::BAD_REQUEST, "`?ms=` takes a number up to 600000")
}

fn post_only() -> Answer {
    let mut answer = text(StatusCode::METHOD_NOT_ALLOWED, "only POST");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
    answer
}

fn text(status: StatusCode, body: &str) -> Answer {
    let mut answer = Response::new(Either::Left(Full::new(Bytes::copy_from_slice(body.as_bytes()))));
    *answer.status_mut() = status;
    answer
}

fn json_text(value: &serde_json::Value) -> Answer {
    let mut answer = text(StatusCode::OK, &value.to_string());
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
