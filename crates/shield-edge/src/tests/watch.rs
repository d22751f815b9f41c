//! The edge goes back by itself.

use std::{sync::atomic::Ordering, time::Duration};

use http::StatusCode;
use shield_release::ReturnReason;

use super::{
    backend::{Backend, Mode, scripted},
    harness::{TestEdge, config, pool, release, table, watched},
};
use crate::limits::Limits;

#[tokio::test]
async fn failing_release_goes_back() {
    let edge = TestEdge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.apply(table(1, vec![pool("r1", 100, &[old.address])])).await;
    let pools = || vec![pool("r2", 100, &[new.address]), pool("r1", 0, &[old.address])];
    edge.apply(watched(2, pools(), "r2", "r1")).await;
    let mut client = edge.connect().await;
    for _ in 0..200 {
        assert_eq!(client.send("GET", "/", "").await.1, "new");
    }
    new.mode.send_replace(Mode::Failing);
    let mut failed = 0;
    while client.send("GET", "/", "").await.0 != StatusCode::OK {
        failed += 1;
        assert!(failed <= 5, "the watch must go back within five errors");
    }
    let status = edge.status().await;
    let verdict = status.verdict.unwrap();
    assert_eq!((verdict.release, verdict.generation.0, verdict.failed), (release("r2"), 2, failed));
    let table_now = status.table.unwrap();
    assert_eq!((table_now.weight(&release("r1")), table_now.weight(&release("r2"))), (100, 0));
    assert_eq!(table_now.validate(), Ok(()));

    // A control plane that has not heard of the verdict cannot undo it.
    edge.apply(watched(3, pools(), "r2", "r1")).await;
    assert_eq!(client.send("GET", "/", "").await, (StatusCode::OK, "old".to_owned()));
    assert!(edge.status().await.verdict.is_some());
    edge.apply(table(4, vec![pool("r1", 100, &[old.address])])).await;
    assert_eq!(edge.status().await.verdict, None);
}

#[tokio::test]
async fn first_release_is_only_reported() {
    let edge = TestEdge::start().await;
    let only = Backend::start("only").await;
    let mut table = watched(1, vec![pool("r1", 100, &[only.address])], "r1", "r1");
    table.watch.as_mut().unwrap().fallback = None;
    edge.apply(table).await;
    only.mode.send_replace(Mode::Failing);
    for _ in 0..6 {
        assert_eq!(edge.get("/").await.0, StatusCode::INTERNAL_SERVER_ERROR);
    }
    let status = edge.status().await;
    assert_eq!(status.verdict.unwrap().failed, 6);
    assert_eq!(status.table.unwrap().weight(&release("r1")), 100);
}

#[tokio::test]
async fn kept_release_still_retries() {
    let edge = TestEdge::start().await;
    let only = Backend::start("only").await;
    let mut first = watched(1, vec![pool("r1", 100, &[only.address])], "r1", "r1");
    first.watch.as_mut().unwrap().fallback = None;
    edge.apply(first).await;
    only.mode.send_replace(Mode::Failing);
    while edge.status().await.verdict.is_none() {
        edge.get("/").await;
    }
    only.mode.send_replace(Mode::Normal);
    let (breaking, broken) = scripted("").await;
    edge.apply(table(2, vec![pool("r1", 100, &[only.address, breaking])])).await;
    while broken.load(Ordering::SeqCst) == 0 {
        assert_eq!(edge.get("/").await.0, StatusCode::OK);
    }
}

#[tokio::test]
async fn hanging_release_is_left_at_once() {
    let mut config = config();
    config.probe.timeout = Duration::from_millis(100);
    let edge = TestEdge::with(Limits::default(), config).await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.apply(table(1, vec![pool("r1", 100, &[old.address])])).await;
    edge.apply(watched(2, vec![pool("r2", 100, &[new.address]), pool("r1", 0, &[old.address])], "r2", "r1"))
        .await;
    assert_eq!(edge.get("/").await.1, "new");
    new.mode.send_replace(Mode::Hanging);
    // The response timeout is far longer than the test's patience with a probe.
    assert_eq!(edge.get("/").await, (StatusCode::OK, "old".to_owned()));
    let status = edge.until(|status| status.verdict.is_some()).await;
    let verdict = status.verdict.unwrap();
    assert_eq!((verdict.reason, verdict.failed), (ReturnReason::NoHealthyInstance, 0));
    assert_eq!(edge.post("/", "x").await, (StatusCode::OK, "old".to_owned()));
}

#[tokio::test]
async fn dying_release_is_left_at_once() {
    let edge = TestEdge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.apply(watched(2, vec![pool("r2", 100, &[new.address]), pool("r1", 0, &[old.address])], "r2", "r1"))
        .await;
    assert_eq!(edge.get("/").await.1, "new");
    new.kill().await;
    // Nobody needs to ask: the probes find out.
    let status = edge.until(|status| status.verdict.is_some()).await;
    assert_eq!(status.verdict.unwrap().reason, ReturnReason::NoHealthyInstance);
    assert_eq!(edge.post("/", "x").await, (StatusCode::OK, "old".to_owned()));
}

#[tokio::test]
async fn instance_returns_after_two_successes() {
    let mut config = config();
    config.probe.timeout = Duration::from_millis(100);
    let edge = TestEdge::with(Limits::default(), config).await;
    let backend = Backend::start("one").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    backend.mode.send_replace(Mode::Hanging);
    edge.until(|status| !status.pools[0].endpoints[0].healthy).await;
    backend.mode.send_replace(Mode::Normal);
    edge.until(|status| status.pools[0].endpoints[0].healthy).await;
    assert_eq!(edge.get("/").await.1, "one");
}
