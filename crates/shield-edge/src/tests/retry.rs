//! What is sent again, where, and what never is.

use std::{sync::atomic::Ordering, time::Duration};

use http::{Request, StatusCode};
use http_body_util::BodyExt;
use shield_types::Timestamp;

use super::{
    backend::{Backend, Mode, nobody, scripted, scripted_open},
    harness::{Client, PATIENCE, TestEdge, config, pool, release, table},
};
use crate::{
    limits::Limits,
    request_body::UpstreamBody,
    router::Router,
    upstream::{Attempt, FailureKind},
};

#[tokio::test]
async fn refused_connection_goes_elsewhere() {
    let edge = TestEdge::start().await;
    let alive = Backend::start("alive").await;
    for (generation, method) in [(1, "GET"), (2, "POST")] {
        let name = format!("r{generation}");
        edge.apply(table(generation, vec![pool(&name, 100, &[nobody().await, alive.address])])).await;
        for _ in 0..20 {
            assert_eq!(edge.connect().await.send(method, "/", "x").await.0, StatusCode::OK);
        }
    }
    let status =
        edge.until(|status| status.pools[0].endpoints.iter().any(|endpoint| !endpoint.healthy)).await;
    assert_eq!(status.pools[0].errors, status.pools[0].retried);
    assert_eq!(alive.requests(), 40);
}

#[tokio::test]
async fn written_post_is_never_repeated() {
    let edge = TestEdge::start().await;
    let (breaking, broken) = scripted("").await;
    let warm = Backend::start("warm").await;
    edge.apply(table(1, vec![pool("r2", 100, &[breaking]), pool("r1", 0, &[warm.address])])).await;
    assert_eq!(edge.post("/", "x").await.0, StatusCode::BAD_GATEWAY);
    assert_eq!((broken.load(Ordering::SeqCst), warm.requests()), (1, 0));
    assert_eq!(edge.get("/").await, (StatusCode::OK, "warm".to_owned()));
    assert_eq!((broken.load(Ordering::SeqCst), warm.requests()), (2, 1));
    let status = edge.status().await;
    assert_eq!((status.pools[0].errors, status.pools[0].retried), (2, 1), "a retry hides no error");
}

#[tokio::test]
async fn dead_backend_answers_unavailable() {
    let edge = TestEdge::start().await;
    edge.apply(table(1, vec![pool("r1", 100, &[nobody().await])])).await;
    assert_eq!(edge.get("/").await.0, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(edge.post("/", "x").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn silent_backend_answers_timeout() {
    let mut config = config();
    config.response_timeout = Duration::from_millis(50);
    let edge = TestEdge::with(Limits::default(), config).await;
    let backend = Backend::start("slow").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    assert_eq!(edge.get("/gate").await.0, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(edge.status().await.pools[0].errors, 1);
}

/// While a release is watched, the warm pool answers for it; nobody is sent to a second instance that may be as silent.
#[tokio::test]
async fn timeout_goes_to_the_warm_pool() {
    let mut config = config();
    config.response_timeout = Duration::from_secs(1);
    let edge = TestEdge::with(Limits::default(), config).await;
    let (silent, sibling, warm) =
        (Backend::start("silent").await, Backend::start("sibling").await, Backend::start("warm").await);
    for backend in [&silent, &sibling] {
        backend.mode.send_replace(Mode::Hanging);
    }
    let watched = pool("r2", 100, &[silent.address, sibling.address]);
    edge.apply(table(1, vec![watched, pool("r1", 0, &[warm.address])])).await;
    assert_eq!(edge.get("/").await, (StatusCode::OK, "warm".to_owned()));
    assert_eq!(warm.requests(), 1);
    assert_eq!(edge.post("/", "x").await.0, StatusCode::GATEWAY_TIMEOUT);
    let status = edge.status().await;
    assert_eq!((status.pools[0].errors, status.pools[0].retried), (2, 1), "a retry hides no error");
}

/// Both pools wait for the same database: the client is not made to wait a third time.
#[tokio::test]
async fn silent_warm_pool_is_asked_once() {
    let mut config = config();
    config.response_timeout = Duration::from_millis(50);
    let edge = TestEdge::with(Limits::default(), config).await;
    let silent = Backend::start("silent").await;
    silent.mode.send_replace(Mode::Hanging);
    let (warm, asked) = scripted_open("").await;
    edge.apply(table(1, vec![pool("r2", 100, &[silent.address]), pool("r1", 0, &[warm])])).await;
    assert_eq!(edge.get("/").await.0, StatusCode::GATEWAY_TIMEOUT);
    edge.until(|status| status.pools.iter().all(|pool| pool.claims == 0)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn cut_body_never_looks_complete() {
    let edge = TestEdge::start().await;
    for (generation, reply) in [
        (1, "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
        (2, "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
    ] {
        let (address, _) = scripted(reply).await;
        edge.apply(table(generation, vec![pool(&format!("r{generation}"), 100, &[address])])).await;
        let mut client = edge.connect().await;
        let response = client.try_send("GET", "/", "").await.unwrap();
        assert!(response.into_body().collect().await.is_err(), "{reply}");
        edge.until(|status| status.pools[0].errors == 1 && status.pools[0].claims == 0).await;
    }
}

#[tokio::test]
async fn reused_connection_may_be_closed() {
    let edge = TestEdge::start().await;
    let backend = Backend::start("first").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let mut client = edge.connect().await;
    for _ in 0..50 {
        assert_eq!(client.send("GET", "/", "").await.0, StatusCode::OK);
    }
    backend.kill().await;
    assert_eq!(client.send("GET", "/", "").await.0, StatusCode::SERVICE_UNAVAILABLE);
    edge.until(|status| !status.pools[0].endpoints[0].healthy).await;
}

#[tokio::test]
async fn aborted_request_is_not_judged() {
    let edge = TestEdge::start().await;
    let backend = Backend::start("slow").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let mut client = edge.connect().await;
    let asking = tokio::spawn(async move { client.try_send("GET", "/gate", "").await });
    edge.until(|_| backend.seen.held.load(Ordering::SeqCst) == 1).await;
    asking.abort();
    let status = edge.until(|status| status.pools[0].claims == 0).await;
    assert_eq!((status.pools[0].requests, status.pools[0].errors), (1, 0));
}

#[tokio::test]
async fn small_body_is_sent_again() {
    let limits = Limits { kept_body_bytes_max: 3, ..Limits::default() };
    let edge = TestEdge::with(limits, config()).await;
    let (breaking, broken) = scripted("").await;
    let warm = Backend::start("warm").await;
    edge.apply(table(1, vec![pool("r2", 100, &[breaking]), pool("r1", 0, &[warm.address])])).await;
    let put = async |body| edge.connect().await.send("PUT", "/apply", body).await.0;
    assert_eq!(put("abc").await, StatusCode::OK);
    assert_eq!(put("more than is kept").await, StatusCode::BAD_GATEWAY);
    assert_eq!(edge.post("/apply", "abc").await.0, StatusCode::BAD_GATEWAY);
    let head = "PUT /apply HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let answer = edge.raw(&format!("{head}1\r\nx\r\n2\r\nyz\r\n0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let applied = [("abc".to_owned(), 1), ("xyz".to_owned(), 1)];
    assert_eq!(*warm.seen.applied.lock().unwrap(), applied.into());
    assert_eq!(broken.load(Ordering::SeqCst), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn posts_survive_silent_closes() {
    let edge = TestEdge::start().await;
    let (address, answered) = scripted("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    edge.apply(table(1, vec![pool("r1", 100, &[address])])).await;
    let clients = (0..8).map(|_| {
        let address = edge.http;
        tokio::spawn(async move {
            let mut client = Client::connect(address).await;
            for _ in 0..50 {
                assert_eq!(client.send("POST", "/", "x").await.0, StatusCode::OK);
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    assert_eq!(answered.load(Ordering::SeqCst), 400);
}

#[tokio::test]
async fn ejection_before_the_attempt_counts() {
    let (silent, other) = (scripted_open("").await.0, nobody().await);
    let router = Router::default();
    router.apply(table(1, vec![pool("r2", 100, &[silent]), pool("r1", 0, &[other])])).unwrap();
    let claim = router.claim().unwrap();
    assert!(claim.instance.eject(Timestamp(0)));
    let elsewhere = || router.claim_elsewhere(&release("r2"), &[]);
    let attempt = Attempt {
        limits: &Limits::default(),
        claim: &claim,
        body: None,
        response_timeout: PATIENCE,
        fresh: false,
        repeatable: true,
        elsewhere: &elsewhere,
    };
    let failure = attempt.run(Request::new(UpstreamBody::Empty)).await.err().unwrap();
    assert_eq!((failure.kind, failure.next.unwrap().instance.address), (FailureKind::Ejected, other));
}
