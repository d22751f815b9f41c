//! HTTP/2 and TLS, against hyper's server and against one written frame by frame.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ServerConfig;
use shield_load::{
    ClientGroup, Connection, FailureKind, LoadPlan, Protocol, RequestMix, Scheme, Stop, Target, reconcile,
    run, start,
};
use shield_testkit::TestAuthority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

const LIMIT: Duration = Duration::from_secs(60);

/// What a server applied, and its order to let go of its connections in good order.
#[derive(Clone)]
struct Service {
    ledger: Arc<Mutex<BTreeMap<String, u32>>>,
    goaway: watch::Sender<u32>,
    server: http2::Builder<TokioExecutor>,
}

impl Service {
    fn new() -> Self {
        let server = http2::Builder::new(TokioExecutor::new());
        Self { ledger: Arc::default(), goaway: watch::Sender::new(0), server }
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let id = request.uri().path().strip_prefix("/apply/").map(str::to_owned);
        let posted = *request.method() == Method::POST;
        request.into_body().collect().await.unwrap();
        if let Some(id) = id.filter(|_| posted) {
            *self.ledger.lock().unwrap().entry(id).or_default() += 1;
        }
        Ok(Response::new(Full::new(Bytes::from_static(b"ok"))))
    }

    /// Serves h2 or HTTP/1.1 over TLS, as agreed, on any number of connections.
    async fn serve(&self, config: Arc<ServerConfig>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (service, acceptor) = (self.clone(), TlsAcceptor::from(config));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(service.clone().serve_one(acceptor.clone(), socket));
            }
        });
        address
    }

    async fn serve_one(self, acceptor: TlsAcceptor, socket: TcpStream) {
        let Ok(stream) = acceptor.accept(socket).await else { return };
        let h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let (mut goaway, server) = (self.goaway.subscribe(), self.server.clone());
        let service = service_fn(move |request| self.clone().answer(request));
        if !h2 {
            drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            return;
        }
        let mut connection = pin!(server.serve_connection(TokioIo::new(stream), service));
        tokio::select! {
            ended = connection.as_mut() => return drop(ended),
            changed = goaway.changed() => drop(changed),
        }
        connection.as_mut().graceful_shutdown();
        drop(connection.await);
    }
}

struct Secured {
    service: Service,
    address: SocketAddr,
    trust_pem: String,
}

async fn secured(protocols: &[&[u8]]) -> Secured {
    serve(Service::new(), protocols).await
}

async fn serve(service: Service, protocols: &[&[u8]]) -> Secured {
    let authority = TestAuthority::new().unwrap();
    let config = authority.issue(&["localhost"]).unwrap().server_config(protocols).unwrap();
    let address = service.serve(config).await;
    Secured { service, address, trust_pem: authority.certificate_pem().to_owned() }
}

fn plan(secured: &Secured, requests: u64) -> LoadPlan {
    let target =
        Target { scheme: Scheme::Https, authority: "localhost:443".into(), address: secured.address };
    let mut plan = LoadPlan::new(target);
    plan.trust_pem = Some(secured.trust_pem.clone());
    plan.stop = Stop::Iterations(requests);
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_kinds_of_clients_apply_each_id_once() {
    let secured = secured(&[b"h2", b"http/1.1"]).await;
    let mut plan = plan(&secured, 2_000);
    let kept = ClientGroup::new(2, Protocol::Http2, Connection::KeepAlive);
    plan.clients = vec![
        kept.clone(),
        ClientGroup { streams: 5, ..kept },
        ClientGroup::new(1, Protocol::Http2, Connection::Fresh),
        ClientGroup::new(2, Protocol::Http1, Connection::KeepAlive),
        ClientGroup::new(1, Protocol::Http1, Connection::Fresh),
    ];
    let report = run(plan).await.unwrap();
    assert_eq!((report.answered, report.failed_count()), (2_000, 0), "{:?}", report.failures);
    assert!(report.accounted());
    let reconciliation = reconcile(&report, &secured.service.ledger.lock().unwrap());
    assert!(reconciliation.holds() && reconciliation.exact > 500, "{reconciliation:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn graceful_goaways_cost_no_request() {
    let secured = secured(&[b"h2"]).await;
    let mut plan = plan(&secured, 1);
    plan.stop = Stop::WhenTold;
    let kept = ClientGroup::new(3, Protocol::Http2, Connection::KeepAlive);
    plan.clients = vec![
        ClientGroup { pause: Duration::from_millis(5), ..kept.clone() },
        ClientGroup { streams: 4, ..kept },
    ];
    let load = start(plan).unwrap();
    for round in 1..=20 {
        let before = load.counters();
        secured.service.goaway.send_modify(|times| *times += 1);
        let what = format!("new connections and 100 more answers after GOAWAY {round}");
        let renewed = |now: &shield_load::LoadCounters| {
            now.answered >= before.answered + 100 && now.connections > before.connections
        };
        load.wait_until(&what, LIMIT, renewed).await.unwrap();
    }
    load.stop();
    let report = load.join().await;
    assert_eq!(report.failed_count(), 0, "{:?}", report.failures);
    assert!(report.accounted() && report.answered >= 2_000);
    assert!(reconcile(&report, &secured.service.ledger.lock().unwrap()).holds());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn narrow_server_gets_every_body_once() {
    let mut service = Service::new();
    service.server.max_concurrent_streams(2).initial_stream_window_size(1_000);
    let secured = serve(service, &[b"h2"]).await;
    let mut plan = plan(&secured, 300);
    plan.workload =
        RequestMix { post_share: 1.0, post_filling_bytes: 30_000, ..RequestMix::default() }.workload();
    let kept = ClientGroup::new(1, Protocol::Http2, Connection::KeepAlive);
    plan.clients = vec![ClientGroup { streams: 10, ..kept }];
    let report = run(plan).await.unwrap();
    assert_eq!((report.answered, report.connections), (300, 1), "{:?}", report.failures);
    let reconciliation = reconcile(&report, &secured.service.ledger.lock().unwrap());
    assert!(reconciliation.holds() && reconciliation.exact == 300, "{reconciliation:?}");
}

#[tokio::test]
async fn refuses_another_protocol_than_asked() {
    let secured = secured(&[b"http/1.1"]).await;
    let mut plan = plan(&secured, 2);
    plan.clients.push(ClientGroup::new(1, Protocol::Http2, Connection::KeepAlive));
    let report = run(plan).await.unwrap();
    assert_eq!(report.failed_as(FailureKind::Tls), 2, "{:?}", report.failures);
    assert_eq!(report.posted.unknown_count(), 0, "nothing was sent");
}

#[tokio::test]
async fn refuses_a_stranger_certificate() {
    let secured = secured(&[b"h2"]).await;
    let mut plan = plan(&secured, 2);
    plan.trust_pem = Some(TestAuthority::new().unwrap().certificate_pem().to_owned());
    plan.clients.push(ClientGroup::new(1, Protocol::Http2, Connection::KeepAlive));
    let report = run(plan).await.unwrap();
    assert_eq!(report.failed_as(FailureKind::Tls), 2, "{:?}", report.failures);
}

#[tokio::test]
async fn needs_something_to_trust() {
    let secured = secured(&[b"h2"]).await;
    let mut plan = plan(&secured, 2);
    plan.trust_pem = None;
    plan.clients.push(ClientGroup::new(1, Protocol::Http2, Connection::KeepAlive));
    assert!(start(plan).unwrap_err().to_string().contains("no certificate to trust"));
}

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: &[u8] = &[0, 0, 0, 4, 0, 0, 0, 0, 0];
const CANCEL: [u8; 4] = [0, 0, 0, 8];

/// The kind and payload of the next frame.
async fn read_frame(socket: &mut TcpStream) -> io::Result<(u8, Vec<u8>)> {
    let mut head = [0; 9];
    socket.read_exact(&mut head).await?;
    let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
    socket.read_exact(&mut payload).await?;
    Ok((head[3], payload))
}

/// Accepts plain HTTP/2 and hands each connection over once the client said its preface.
async fn server<F>(talk: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            socket.read_exact(&mut [0; 24]).await.unwrap();
            tokio::spawn(talk(socket));
        }
    });
    address
}

/// Waits for a request on each connection, then writes `frames` and closes.
async fn server_that_says(frames: &[u8]) -> SocketAddr {
    let frames: Arc<[u8]> = frames.into();
    server(move |mut socket| {
        let frames = frames.clone();
        async move {
            socket.write_all(SETTINGS).await?;
            while read_frame(&mut socket).await?.0 != HEADERS {}
            socket.write_all(&frames).await?;
            // Until the client closes, so that no reset overtakes the frames.
            socket.shutdown().await?;
            while socket.read(&mut [0; 64]).await? > 0 {}
            Ok(())
        }
    })
    .await
}

/// Three requests, one at a time.
fn plain_plan(address: SocketAddr) -> LoadPlan {
    let target = Target { scheme: Scheme::Http, authority: address.to_string(), address };
    let mut plan = LoadPlan::new(target);
    plan.stop = Stop::Iterations(3);
    plan.failure_pause = Duration::ZERO;
    plan.workload = RequestMix { post_share: 1.0, ..RequestMix::default() }.workload();
    plan.clients.push(ClientGroup::new(1, Protocol::Http2, Connection::KeepAlive));
    plan
}

async fn failed_by(frames: &[u8]) -> (Vec<(FailureKind, u64)>, u64) {
    let report = run(plain_plan(server_that_says(frames).await)).await.unwrap();
    assert!(report.accounted(), "{report:?}");
    let unknown = report.posted.unknown_count();
    (report.failed.into_iter().collect(), unknown)
}

#[tokio::test]
async fn goaway_below_stream_is_its_own_kind() {
    const GOAWAY_AFTER_NONE: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(failed_by(GOAWAY_AFTER_NONE).await, (vec![(FailureKind::RefusedByGoaway, 3)], 0));
}

#[tokio::test]
async fn goaway_that_covers_stream_then_close_is_unknown() {
    const GOAWAY_AFTER_FIRST: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let (failed, unknown) = failed_by(GOAWAY_AFTER_FIRST).await;
    assert_eq!(unknown, 3);
    assert!(failed.iter().all(|(kind, _)| !kind.promises_unprocessed()), "{failed:?}");
}

#[tokio::test]
async fn refused_stream_is_its_own_kind() {
    const REFUSED: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7];
    assert_eq!(failed_by(REFUSED).await, (vec![(FailureKind::RefusedStream, 3)], 0));
    const INTERNAL: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    assert_eq!(failed_by(INTERNAL).await, (vec![(FailureKind::StreamReset, 3)], 3));
}

#[tokio::test]
async fn each_end_of_a_connection_has_its_kind() {
    const HEAD_ALONE: &[u8] = &[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88];
    const PUSH: &[u8] = &[0, 0, 5, 5, 4, 0, 0, 0, 1, 0, 0, 0, 2, 0x82];
    const TABLE: &[u8] = &[0, 0, 1, 1, 5, 0, 0, 0, 1, 0xbe];
    let cases = [
        (&b""[..], FailureKind::ClosedBeforeAnswer),
        (HEAD_ALONE, FailureKind::Truncated),
        (PUSH, FailureKind::Protocol),
        (TABLE, FailureKind::Protocol),
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], FailureKind::Protocol),
    ];
    for (frames, kind) in cases {
        assert_eq!(failed_by(frames).await, (vec![(kind, 3)], 3), "{frames:x?}");
    }
}

#[tokio::test]
async fn any_bytes_end_in_failures() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..60 {
        let mut bytes: Vec<u8> = (0..random.usize(..300)).map(|_| random.u8(..)).collect();
        // Frames short enough to be read, more often than not.
        bytes.chunks_mut(20).for_each(|chunk| chunk[0] = 0);
        bytes.iter_mut().skip(1).step_by(20).for_each(|byte| *byte = 0);
        let (failed, _) = failed_by(&bytes).await;
        assert_eq!(failed.iter().map(|(_, times)| times).sum::<u64>(), 3, "{bytes:x?}");
    }
}

#[tokio::test]
async fn timed_out_request_resets_its_stream() {
    let resets = Arc::new(Mutex::new(Vec::new()));
    let seen = resets.clone();
    let address = server(move |mut socket| {
        let seen = seen.clone();
        async move {
            socket.write_all(SETTINGS).await?;
            loop {
                let (kind, payload) = read_frame(&mut socket).await?;
                if kind == RST_STREAM {
                    seen.lock().unwrap().push(payload);
                }
            }
        }
    })
    .await;
    let mut plan = plain_plan(address);
    plan.request_timeout = Duration::from_millis(50);
    let report = run(plan).await.unwrap();
    assert_eq!((report.failed_as(FailureKind::Timeout), report.posted.unknown_count()), (3, 3));
    assert_eq!(report.connections, 1, "the connection is still good");
    // The last one may still be on its way.
    let resets = resets.lock().unwrap();
    assert!(resets.len() >= 2 && resets.iter().all(|reason| **reason == CANCEL), "{resets:?}");
}
