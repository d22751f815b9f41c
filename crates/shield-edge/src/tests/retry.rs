//! What is sent again, where, and what never is.

use std::{sync::atomic::Ordering, time::Duration};

use http::StatusCode;
use http_body_util::BodyExt;

use super::{
    backend::{Backend, nobody, scripted},
    harness::{TestEdge, config, pool, table},
};
use crate::limits::Limits;

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
