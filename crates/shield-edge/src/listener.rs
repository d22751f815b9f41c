//! Accepting: from a shared listening socket to a driven HTTP connection.
//!
//! The sockets may be shared with other edge processes, so an accept that finds nothing is normal. Errors of the
//! process (no descriptors left) make a short pause and are no end; one connection's errors end that connection.

use std::{io, net::SocketAddr, os::fd::OwnedFd, pin::Pin, sync::Arc, time::Duration};

use http::{HeaderValue, Request, Response, StatusCode, Version, header};
use hyper::{
    body::Incoming,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use crate::{
    connection::{Answer, ClientConnection, Graceful, Noted, Slot, drive},
    edge::Edge,
    limits::Limits,
    protocol::ListenerName,
    proxy, tls,
};

/// A listening socket that connections are accepted from, until this is dropped.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) name: ListenerName,
    /// A copy of the socket, to be handed back.
    pub(crate) socket: OwnedFd,
    _stop: watch::Sender<()>,
}

// === impl Listening ===

impl Listening {
    /// Starts to accept.
    pub(crate) fn start(edge: &Arc<Edge>, name: ListenerName, socket: OwnedFd) -> io::Result<Self> {
        let listener = std::net::TcpListener::from(socket.try_clone()?);
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (stop, stopped) = watch::channel(());
        tokio::spawn(accept_loop(Arc::clone(edge), name, listener, stopped));
        Ok(Self { name, socket, _stop: stop })
    }
}

async fn accept_loop(
    edge: Arc<Edge>,
    name: ListenerName,
    listener: TcpListener,
    mut stopped: watch::Receiver<()>,
) {
    let mut draining = edge.draining();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = draining.wait_for(|draining| *draining) => return,
            // Only ever ends by the sender's drop.
            _ = stopped.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, remote)) => admit(&edge, name, stream, remote),
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "accept failed; pausing");
                tokio::time::sleep(edge.limits.accept_pause).await;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted)
}

fn admit(edge: &Arc<Edge>, name: ListenerName, stream: TcpStream, remote: SocketAddr) {
    let Some(slot) = Slot::take(&edge.connections, edge.limits.connections_max) else {
        tracing::warn!(%remote, "connection closed: too many are open");
        return;
    };
    // Only latency is at stake.
    let _ = stream.set_nodelay(true);
    let client = ClientConnection::new(remote, name == ListenerName::Https, slot);
    let edge = Arc::clone(edge);
    tokio::spawn(async move {
        match name {
            ListenerName::Http => serve_http1(edge, client, stream).await,
            ListenerName::Https => serve_tls(edge, client, stream).await,
        }
    });
}

async fn serve_tls(edge: Arc<Edge>, client: Arc<ClientConnection>, stream: TcpStream) {
    let Some(acceptor) = edge.settings.tls() else { return };
    match tls::handshake(acceptor, stream, edge.limits.handshake).await {
        Ok((stream, true)) => serve_http2(edge, client, stream).await,
        Ok((stream, false)) => serve_http1(edge, client, stream).await,
        Err(error) => tracing::debug!(%error, "TLS handshake failed"),
    }
}

async fn serve_http1<T>(edge: Arc<Edge>, client: Arc<ClientConnection>, transport: T)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Noted::http1(transport, Arc::clone(&client)));
    let service = service(&edge, &client);
    let connection = http1_builder(&edge.limits).serve_connection(io, service_fn(service)).with_upgrades();
    let connection = std::pin::pin!(connection);
    let timeout = || edge.settings.response_timeout();
    drive(connection, &client, &edge.limits, timeout, edge.draining(), edge.limits.drain_linger).await;
}

async fn serve_http2<T>(edge: Arc<Edge>, client: Arc<ClientConnection>, transport: T)
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let io = TokioIo::new(Noted::http2(transport, Arc::clone(&client)));
    let service = service(&edge, &client);
    let connection = http2_builder(&edge.limits).serve_connection(io, service_fn(service));
    let connection = std::pin::pin!(connection);
    let timeout = || edge.settings.response_timeout();
    // GOAWAY names the last stream that is served: nothing to linger for.
    drive(connection, &client, &edge.limits, timeout, edge.draining(), Duration::ZERO).await;
}

fn http1_builder(limits: &Limits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        // Ours is exact; hyper's begins with the idle wait and only backs it up.
        .header_read_timeout(limits.idle + limits.request_head * 2)
        .max_header_size(limits.head_bytes_max)
        .max_buf_size(limits.head_bytes_max);
    builder
}

fn http2_builder(limits: &Limits) -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.streams_max)
        .max_send_buf_size(limits.stream_bytes_max)
        .max_header_list_size(u32::try_from(limits.head_bytes_max).unwrap_or(u32::MAX))
        .keep_alive_interval(limits.ping)
        .keep_alive_timeout(limits.ping);
    builder
}

/// What a connection does with each request.
fn service(
    edge: &Arc<Edge>,
    client: &Arc<ClientConnection>,
) -> impl Fn(Request<Incoming>) -> Answering + use<> {
    let (edge, client) = (Arc::clone(edge), Arc::clone(client));
    move |request| {
        let (edge, client) = (Arc::clone(&edge), Arc::clone(&client));
        let mark = client.begin_request();
        Box::pin(async move {
            let http1 = request.version() != Version::HTTP_2;
            let draining = edge.draining();
            let mut response = proxy::serve(edge, client, request).await;
            if http1 && *draining.borrow() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response.map(|body| mark.answer(body)))
        })
    }
}

type Answering = Pin<Box<dyn Future<Output = Result<Response<Answer>, std::convert::Infallible>> + Send>>;

impl<T, S> Graceful for http1::UpgradeableConnection<T, S>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
    S: hyper::service::HttpService<Incoming, ResBody = Answer>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<T, S> Graceful for http2::Connection<T, S, TokioExecutor>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin,
    S: hyper::service::HttpService<Incoming, ResBody = Answer>,
    S::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    S::Future: Send + 'static,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
