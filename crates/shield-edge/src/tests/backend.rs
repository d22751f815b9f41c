//! A backend that does what its test tells it.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
    task::JoinHandle,
};

/// How it treats requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Normal,
    /// 500 on everything but the probe.
    Failing,
    /// No answer to anything, the probe included.
    Hanging,
}

/// Path of the probe.
pub(super) const READY: &str = "/ready";

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Requests other than probes.
    pub(super) requests: AtomicU64,
    /// Requests held at `/gate` now.
    pub(super) held: AtomicU64,
    /// Times each id was applied.
    pub(super) applied: Mutex<HashMap<String, u32>>,
    /// Heads of all requests but probes.
    pub(super) heads: Mutex<Vec<http::request::Parts>>,
    /// Trailers of those that had some.
    pub(super) trailers: Mutex<Vec<HeaderMap>>,
}

pub(super) struct Backend {
    pub(super) address: SocketAddr,
    pub(super) seen: Arc<Seen>,
    pub(super) mode: Arc<watch::Sender<Mode>>,
    /// Opens `/gate`.
    pub(super) gate: Arc<watch::Sender<bool>>,
    /// Its connections end with it.
    alive: watch::Sender<()>,
    accepting: JoinHandle<()>,
}

impl Backend {
    pub(super) async fn start(name: &'static str) -> Self {
        Self::sharing(name, Arc::default()).await
    }

    /// A backend that books in the same ledger as others.
    pub(super) async fn sharing(name: &'static str, seen: Arc<Seen>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, gate) = (Arc::new(watch::Sender::new(Mode::Normal)), Arc::new(watch::Sender::new(false)));
        let (alive, living) = watch::channel(());
        let shared = (Arc::clone(&seen), Arc::clone(&mode), Arc::clone(&gate));
        let accepting = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (seen, mode, gate) = shared.clone();
                let service = service_fn(move |request| {
                    let (seen, mode, gate) = (Arc::clone(&seen), mode.subscribe(), gate.subscribe());
                    async move { Ok::<_, Infallible>(answer(name, request, &seen, mode, gate).await) }
                });
                let mut living = living.clone();
                tokio::spawn(async move {
                    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                    tokio::select! {
                        _ = connection.with_upgrades() => {}
                        _ = living.changed() => {}
                    }
                });
            }
        });
        Self { address, seen, mode, gate, alive, accepting }
    }

    /// Gone at once, connections and all, the way an instance goes that is told to stop.
    pub(super) async fn kill(self) {
        self.accepting.abort();
        let _ = self.accepting.await;
        drop(self.alive);
    }

    pub(super) fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::SeqCst)
    }
}

async fn answer(
    name: &'static str,
    mut request: Request<Incoming>,
    seen: &Seen,
    mut mode: watch::Receiver<Mode>,
    mut gate: watch::Receiver<bool>,
) -> Response<Full<Bytes>> {
    let _ = mode.wait_for(|mode| *mode != Mode::Hanging).await;
    let path = request.uri().path().to_owned();
    if path == READY {
        return Response::new(Full::default());
    }
    seen.requests.fetch_add(1, Ordering::SeqCst);
    let upgrade = request.headers().contains_key("upgrade").then(|| hyper::upgrade::on(&mut request));
    let (head, body) = request.into_parts();
    seen.heads.lock().unwrap().push(head);
    if let Some(upgrade) = upgrade {
        tokio::spawn(echo(upgrade));
        let switching = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
        return switching
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .body(Full::default())
            .unwrap();
    }
    let Ok(body) = body.collect().await else {
        return Response::builder().status(400).body(Full::default()).unwrap();
    };
    seen.trailers.lock().unwrap().extend(body.trailers().cloned());
    if path == "/gate" {
        seen.held.fetch_add(1, Ordering::SeqCst);
        let _ = gate.wait_for(|open| *open).await;
        seen.held.fetch_sub(1, Ordering::SeqCst);
    }
    if path == "/apply" {
        let id = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        *seen.applied.lock().unwrap().entry(id).or_default() += 1;
    }
    let failing = *mode.borrow() == Mode::Failing;
    let status = if failing { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK };
    let response =
        Response::builder().status(status).header("connection", "x-internal").header("x-internal", "1");
    response.body(Full::from(name)).unwrap()
}

async fn echo(upgrade: hyper::upgrade::OnUpgrade) {
    let mut stream = TokioIo::new(upgrade.await.unwrap());
    let mut buffer = [0; 64];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        stream.write_all(&buffer[..read]).await.unwrap();
    }
}

/// What a scripted backend does after its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Close,
    /// Reads and says no more.
    Listen,
    /// Neither reads nor says anything any more.
    Ignore,
}

/// A backend that reads a whole head and then says exactly `reply`, and closes. Probes get a 200.
pub(super) async fn scripted(reply: &str) -> (SocketAddr, Arc<AtomicU64>) {
    script(reply, Then::Close).await
}

/// The same, but it leaves the connection open.
pub(super) async fn scripted_open(reply: &str) -> (SocketAddr, Arc<AtomicU64>) {
    script(reply, Then::Listen).await
}

/// The same, but it never reads again either.
pub(super) async fn scripted_deaf(reply: &str) -> SocketAddr {
    script(reply, Then::Ignore).await.0
}

async fn script(reply: &str, then: Then) -> (SocketAddr, Arc<AtomicU64>) {
    let reply: Arc<str> = reply.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (counter, reply) = (Arc::clone(&counter), Arc::clone(&reply));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                    let mut buffer = [0; 1024];
                    match stream.read(&mut buffer).await {
                        Ok(read @ 1..) => head.extend_from_slice(&buffer[..read]),
                        _ => return,
                    }
                }
                if head.starts_with(b"GET /ready") {
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
                } else {
                    counter.fetch_add(1, Ordering::SeqCst);
                    let _ = stream.write_all(reply.as_bytes()).await;
                    match then {
                        Then::Close => {}
                        Then::Listen => drop(tokio::io::copy(&mut stream, &mut tokio::io::sink()).await),
                        Then::Ignore => std::future::pending().await,
                    }
                }
            });
        }
    });
    (address, count)
}

/// An address nobody listens at.
pub(super) async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}
