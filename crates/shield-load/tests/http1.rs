//! HTTP/1.1 against the test backend and against servers that misbehave byte by byte.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use shield_load::{
    ClientGroup, Connection, FailureKind, LoadPlan, LoadReport, Protocol, Reconciliation, RequestMix, Scheme,
    Stop, Target, reconcile, run, start,
};
use shield_testkit::Ledger;
use shield_testkit::backend::{BackendOptions, RunningBackend};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const LIMIT: Duration = Duration::from_secs(60);
const KEPT: Connection = Connection::KeepAlive;

fn plan(address: SocketAddr, requests: u64) -> LoadPlan {
    let authority = address.to_string();
    let mut plan = LoadPlan::new(Target { scheme: Scheme::Http, authority, address });
    plan.stop = Stop::Iterations(requests);
    plan
}

fn plan_of_one(address: SocketAddr, requests: u64) -> LoadPlan {
    let mut plan = plan(address, requests);
    plan.clients.push(ClientGroup::new(1, Protocol::Http1, KEPT));
    plan
}

async fn backend(data: &Path, options: BackendOptions) -> RunningBackend {
    RunningBackend::start(BackendOptions { data: Some(data.into()), ..options }).await.unwrap()
}

fn held_against_ledger(report: &LoadReport, data: &Path) -> Reconciliation {
    reconcile(report, &Ledger::read(data).unwrap().ids)
}

/// A server that treats each connection as `serve` says; all tasks end with the test's runtime.
async fn server<F>(serve: impl Fn(TcpStream) -> F + Send + Sync + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            tokio::spawn(serve(socket));
        }
    });
    address
}

/// Reads one request without a body; false when there is none.
async fn read_request(socket: &mut TcpStream) -> bool {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n") {
        match socket.read_buf(&mut seen).await {
            Ok(0) | Err(_) => return false,
            Ok(_) => {}
        }
    }
    true
}

/// A run of GETs against a server that answers each connection's only request with `answer` and closes.
async fn run_against(answer: &'static [u8], requests: u64) -> LoadReport {
    let address = server(move |mut socket| async move {
        if read_request(&mut socket).await {
            socket.write_all(answer).await.unwrap();
        }
    });
    let mut plan = plan_of_one(address.await, requests);
    plan.workload = RequestMix::gets("/").workload();
    let report = run(plan).await.unwrap();
    assert!(report.accounted(), "{report:?}");
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn honest_backend_applies_each_id_once() {
    let data = tempfile::tempdir().unwrap();
    let backend = backend(data.path(), BackendOptions::default()).await;
    let mut plan = plan(backend.address(), 3_000);
    plan.clients.push(ClientGroup::new(6, Protocol::Http1, KEPT));
    plan.clients.push(ClientGroup::new(2, Protocol::Http1, Connection::Fresh));
    let report = run(plan).await.unwrap();
    assert_eq!(report.failed_count(), 0, "{:?}", report.failures);
    assert_eq!((report.offered, report.answered, report.unsent), (3_000, 3_000, 0));
    assert_eq!(report.latency.count(), 3_000);
    let reconciliation = held_against_ledger(&report, data.path());
    assert!(reconciliation.holds(), "{reconciliation:?}");
    assert_eq!(reconciliation.exact, report.posted.applied_count());
    assert!((1_200..1_800).contains(&reconciliation.exact), "about half are POSTs: {}", reconciliation.exact);
    assert!(report.connections > 8, "fresh clients open many");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_backend_fails_what_it_held() {
    let data = tempfile::tempdir().unwrap();
    let delay = Duration::from_millis(5);
    let backend = backend(data.path(), BackendOptions { delay, ..BackendOptions::default() }).await;
    let mut plan = plan(backend.address(), 2_000);
    plan.clients.push(ClientGroup::new(4, Protocol::Http1, KEPT));
    plan.clients.push(ClientGroup::new(2, Protocol::Http1, Connection::Fresh));
    plan.failure_pause = Duration::from_millis(1);
    let load = start(plan).unwrap();
    let busy = "100 answered and one in flight";
    load.wait_until(busy, LIMIT, |now| now.answered >= 100 && now.in_flight > 0).await.unwrap();
    backend.kill().await;
    let report = load.join().await;
    assert!(report.accounted(), "{report:?}");
    assert_eq!(report.offered, 2_000);
    assert!(report.failed_as(FailureKind::ConnectRefused) > 0, "{:?}", report.failed);
    let cut = report.failed_as(FailureKind::Reset) + report.failed_as(FailureKind::ClosedBeforeAnswer);
    assert!((1..=6).contains(&cut), "no more than were in flight: {:?}", report.failed);
    // A connection that was being made while the listener closed fails in its own way.
    let unconnected =
        report.failed_as(FailureKind::ConnectRefused) + report.failed_as(FailureKind::ConnectFailed);
    assert_eq!(cut + unconnected, report.failed_count(), "{:?}", report.failed);
    assert!(report.posted.unknown_count() <= cut);
    let reconciliation = held_against_ledger(&report, data.path());
    assert!(reconciliation.holds(), "{reconciliation:?}");
    assert!(report.failures.iter().all(|failure| !failure.detail.is_empty()));
}

#[tokio::test]
async fn reopens_connection_closed_while_idle() {
    let data = tempfile::tempdir().unwrap();
    let keep_alive = Duration::from_millis(20);
    let backend = backend(data.path(), BackendOptions { keep_alive, ..BackendOptions::default() }).await;
    let mut plan = plan(backend.address(), 20);
    // Pauses of 100 ms to 300 ms: each of them outlives the server's patience.
    let pause = Duration::from_millis(200);
    plan.clients.push(ClientGroup { pause, ..ClientGroup::new(4, Protocol::Http1, KEPT) });
    let report = run(plan).await.unwrap();
    assert_eq!((report.answered, report.failed_count()), (20, 0), "{:?}", report.failures);
    assert!(report.connections > 4, "{}", report.connections);
    assert!(held_against_ledger(&report, data.path()).holds());
}

#[tokio::test]
async fn reopens_connection_closed_at_once_after_answer() {
    let report =
        run_against(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok", 50).await;
    assert_eq!((report.answered, report.connections), (50, 50), "{:?}", report.failures);
}

#[tokio::test]
async fn understands_every_framing() {
    let chunked =
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    assert_eq!(run_against(chunked, 3).await.answered, 3);
    assert_eq!(run_against(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", 3).await.answered, 3);
    assert_eq!(run_against(b"HTTP/1.0 204 No Content\r\n\r\n", 3).await.answered, 3);
    let interim =
        b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(run_against(interim, 3).await.answered, 3);
}

#[tokio::test]
async fn names_each_way_to_fail() {
    let failed = async |answer| run_against(answer, 2).await.failed.into_iter().collect::<Vec<_>>();
    assert_eq!(failed(b"").await, [(FailureKind::ClosedBeforeAnswer, 2)]);
    assert_eq!(failed(b"HTTP/1.1 20").await, [(FailureKind::Truncated, 2)]);
    assert_eq!(
        failed(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await,
        [(FailureKind::Truncated, 2)]
    );
    assert_eq!(
        failed(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok").await,
        [(FailureKind::Truncated, 2)]
    );
    assert_eq!(failed(b"SSH-2.0-nothing\r\n").await, [(FailureKind::Protocol, 2)]);
    assert_eq!(
        failed(b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n").await,
        [(FailureKind::StatusUnexpected, 2)]
    );
    assert_eq!(
        failed(b"HTTP/1.1 404 No\r\ncontent-length: 0\r\n\r\n").await,
        [(FailureKind::StatusClientError, 2)]
    );
}

#[tokio::test]
async fn shows_what_an_error_said() {
    let report = run_against(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 8\r\n\r\nno\nhosts", 2).await;
    assert_eq!(report.failed_as(FailureKind::StatusServerError), 2);
    assert_eq!(report.statuses.get(&502), Some(&2));
    assert_eq!(report.failures[0].detail, "status 502: no hosts");
    assert_eq!(report.latency.count(), 0, "latencies are those of answers");
}

#[tokio::test]
async fn silent_server_times_out() {
    let silent = server(|mut socket| async move { while read_request(&mut socket).await {} });
    let mut plan = plan_of_one(silent.await, 3);
    plan.request_timeout = Duration::from_millis(50);
    plan.workload = RequestMix { post_share: 1.0, ..RequestMix::default() }.workload();
    let report = run(plan).await.unwrap();
    assert_eq!(report.failed_as(FailureKind::Timeout), 3);
    assert_eq!(report.posted.unknown_count(), 3);
    assert!(report.accounted());
}

#[tokio::test]
async fn stop_finishes_what_was_sent() {
    let data = tempfile::tempdir().unwrap();
    let delay = Duration::from_millis(200);
    let backend = backend(data.path(), BackendOptions { delay, ..BackendOptions::default() }).await;
    let load = start(plan_of_one(backend.address(), 1_000)).unwrap();
    load.wait_until("one in flight", LIMIT, |now| now.in_flight == 1).await.unwrap();
    load.stop();
    let report = load.join().await;
    assert!(report.accounted(), "{report:?}");
    assert_eq!((report.offered, report.failed_count()), (1_000, 0));
    assert!(report.answered >= 1 && report.unsent == 1_000 - report.answered);
    assert!(held_against_ledger(&report, data.path()).holds());
}

#[tokio::test]
async fn stop_abandons_what_is_not_sent() {
    // The handshake never ends, so the request waits for its connection.
    let silent = server(|mut socket| async move { while read_request(&mut socket).await {} }).await;
    let mut plan = plan_of_one(silent, 5);
    plan.target.scheme = Scheme::Https;
    plan.target.authority = "localhost".into();
    plan.trust_pem = Some(shield_testkit::TestAuthority::new().unwrap().certificate_pem().to_owned());
    let load = start(plan).unwrap();
    load.wait_until("one connection", LIMIT, |now| now.connections == 1).await.unwrap();
    load.stop();
    let report = load.join().await;
    assert_eq!((report.offered, report.answered, report.failed_count(), report.unsent), (5, 0, 0, 5));
}

#[tokio::test]
async fn timed_run_ends_and_accounts() {
    let data = tempfile::tempdir().unwrap();
    let backend = backend(data.path(), BackendOptions::default()).await;
    let mut plan = plan_of_one(backend.address(), 1);
    plan.stop = Stop::After(Duration::from_millis(200));
    let report = run(plan).await.unwrap();
    assert!(report.accounted() && report.answered > 0, "{report:?}");
    assert_eq!(report.offered, report.answered + report.unsent);
}

#[tokio::test]
async fn counters_say_when_run_ended() {
    let data = tempfile::tempdir().unwrap();
    let backend = backend(data.path(), BackendOptions::default()).await;
    let load = start(plan_of_one(backend.address(), 5)).unwrap();
    let error = load.wait_until("6 answered", LIMIT, |now| now.answered >= 6).await.unwrap_err();
    assert!(error.to_string().contains("before the run ended"), "{error}");
}
