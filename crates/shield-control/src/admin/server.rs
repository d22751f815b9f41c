//! The serving side of the admin API. Only the owner of the state directory, and root, are answered.

use std::{convert::Infallible, io, os::fd::AsFd, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use rustix::{net::sockopt::socket_peercred, process::geteuid};
use serde::Serialize;
use shield_release::FinishedRelease;
use shield_types::ReleaseId;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{
        broadcast::{self, error::RecvError},
        mpsc, oneshot, watch,
    },
    time::{sleep, timeout},
};

use super::message::{Progress, Refusal, ReleaseOrder, RollbackOrder, StagingOrder, StatusReport};
use crate::{durable::create_private_directory, executor::Command, layout::Layout, staging::Stagings};

/// Time between looks whether the socket is still there, while nobody connects.
const LOOK: Duration = Duration::from_secs(2);
/// Rest after a failed accept: descriptors may be short.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct AdminState {
    pub(crate) stagings: Stagings,
    pub(crate) commands: mpsc::Sender<Command>,
    pub(crate) progress: broadcast::Sender<Progress>,
    pub(crate) status: watch::Receiver<Arc<StatusReport>>,
    pub(crate) history: watch::Receiver<Arc<Vec<FinishedRelease>>>,
}

/// Answers on the admin socket until the process ends. A socket that somebody cleaned away is made again.
pub(crate) async fn serve(layout: Layout, mut listener: UnixListener, state: AdminState) {
    let router = Router::new()
        .route("/v1/status", get(status))
        .route("/v1/history", get(history))
        .route("/v1/releases", post(release))
        .route("/v1/rollback", post(rollback))
        .route("/v1/staging", post(stage))
        .route("/v1/up", post(up))
        .route("/v1/down", post(down))
        .with_state(state);
    loop {
        match timeout(LOOK, listener.accept()).await {
            Ok(Ok((stream, _))) => answer(stream, router.clone()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the admin socket could not accept");
                sleep(ACCEPT_PAUSE).await;
            }
            Err(_) if layout.admin_socket().exists() => {}
            Err(_) => match bind(&layout) {
                Ok(bound) => listener = bound,
                Err(error) => tracing::error!(%error, "the admin socket is gone and cannot be made again"),
            },
        }
    }
}

fn answer(stream: UnixStream, router: Router) {
    if !is_owner(&stream) {
        tracing::warn!("a connection of another user to the admin socket was closed");
        return;
    }
    tokio::spawn(async move {
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        if let Err(error) = connection.await {
            tracing::debug!(%error, "an admin connection ended early");
        }
    });
}

fn is_owner(stream: &impl AsFd) -> bool {
    socket_peercred(stream).is_ok_and(|peer| peer.uid == geteuid() || peer.uid.is_root())
}

async fn status(State(state): State<AdminState>) -> Json<StatusReport> {
    let report = state.status.borrow().clone();
    Json(StatusReport::clone(&report))
}

async fn history(State(state): State<AdminState>) -> Json<Vec<FinishedRelease>> {
    let history = state.history.borrow().clone();
    Json(history.to_vec())
}

async fn release(State(state): State<AdminState>, Json(order): Json<ReleaseOrder>) -> Response {
    follow(state, |reply| Command::Release(Box::new(order), reply)).await
}

async fn rollback(State(state): State<AdminState>, Json(order): Json<RollbackOrder>) -> Response {
    follow(state, |reply| Command::Rollback(order, reply)).await
}

async fn up(State(state): State<AdminState>) -> Response {
    simple(state, Command::Up).await
}

async fn down(State(state): State<AdminState>) -> Response {
    simple(state, Command::Down).await
}

async fn simple(
    state: AdminState,
    command: impl FnOnce(oneshot::Sender<Result<(), Refusal>>) -> Command,
) -> Response {
    let (reply, answer) = oneshot::channel();
    match ask(&state, command(reply), answer).await {
        Some(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        Some(Err(refusal)) => (StatusCode::CONFLICT, Json(refusal)).into_response(),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

async fn ask<T>(state: &AdminState, command: Command, answer: oneshot::Receiver<T>) -> Option<T> {
    state.commands.send(command).await.ok()?;
    answer.await.ok()
}

/// Sends the command and streams what becomes of the release it names. Subscribes first, so that nothing is missed.
async fn follow(
    state: AdminState,
    command: impl FnOnce(oneshot::Sender<Result<ReleaseId, Refusal>>) -> Command,
) -> Response {
    let progress = state.progress.subscribe();
    let (reply, answer) = oneshot::channel();
    match ask(&state, command(reply), answer).await {
        Some(Ok(release)) => lines(until_finished(progress, release, state.history)),
        Some(Err(refusal)) => lines(stream::once(async { Progress::Refused { refusal } })),
        None => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What is told about `release`, up to and with its end.
fn until_finished(
    progress: broadcast::Receiver<Progress>,
    release: ReleaseId,
    history: watch::Receiver<Arc<Vec<FinishedRelease>>>,
) -> impl Stream<Item = Progress> {
    let ended = move |release: &ReleaseId| {
        let finished = history.borrow().iter().find(|finished| finished.spec.id == *release).cloned();
        finished.map(|finished| Progress::Finished { finished: Box::new(finished), checkpoint: None })
    };
    stream::unfold(Some((progress, release, ended)), |following| async move {
        let (mut progress, release, ended) = following?;
        loop {
            let item = match progress.recv().await {
                Ok(item) => item,
                // A reader that was suspended may have missed the end.
                Err(RecvError::Lagged(_)) => match ended(&release) {
                    Some(end) => return Some((end, None)),
                    None => continue,
                },
                Err(RecvError::Closed) => return None,
            };
            match item.release() {
                Some(of) if *of != release => {}
                _ if matches!(item, Progress::Finished { .. }) => return Some((item, None)),
                _ => return Some((item, Some((progress, release, ended)))),
            }
        }
    })
}

async fn stage(State(state): State<AdminState>, Json(order): Json<StagingOrder>) -> Response {
    let (sender, receiver) = mpsc::channel(64);
    state.stagings.start(order, sender);
    lines(stream::unfold(receiver, |mut receiver| async {
        receiver.recv().await.map(|item| (item, receiver))
    }))
}

/// One line of JSON per item, sent as it comes.
fn lines<T: Serialize + Send + 'static>(items: impl Stream<Item = T> + Send + 'static) -> Response {
    let encode = |item: T| {
        let mut line = serde_json::to_vec(&item).expect("messages have only text keys");
        line.push(b'\n');
        Ok::<_, Infallible>(Bytes::from(line))
    };
    let body = Body::from_stream(items.map(encode));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

/// Binds the admin socket. The lock is held, so a socket that lies there is a leftover.
pub(crate) fn bind(layout: &Layout) -> io::Result<UnixListener> {
    create_private_directory(layout.socket_directory()).map_err(|error| error.source)?;
    let path = layout.admin_socket();
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(&path)
}
