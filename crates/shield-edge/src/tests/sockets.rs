//! Listening sockets handed over and back, and the end of a process.

use std::{os::fd::AsFd, sync::atomic::Ordering, time::Duration};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    backend::Backend,
    harness::{Client, PATIENCE, TestEdge, config, pool, spawn, table},
};
use crate::{EdgeClient, limits::Limits, protocol::ListenerName};

#[tokio::test]
async fn sockets_outlive_the_edge() {
    let edge = TestEdge::start().await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let taken = edge.client.take_listeners().await.unwrap();
    assert_eq!(
        taken.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        [ListenerName::Http, ListenerName::Https]
    );
    edge.client.drain(PATIENCE).await.unwrap();
    edge.process.await.unwrap().unwrap();
    drop(edge.sockets);

    // No edge: the connection waits in the backlog, it is not refused.
    let mut waiting = TcpStream::connect(edge.http).await.unwrap();
    waiting.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();

    let (client, _process) = spawn(&edge.socket, Limits::default()).await;
    client.configure(config()).await.unwrap();
    client.apply(table(2, vec![pool("r1", 100, &[backend.address])])).await.unwrap();
    client.give_listeners(&[(ListenerName::Http, taken[0].1.as_fd())]).await.unwrap();
    let mut answer = String::new();
    waiting.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn second_edge_takes_over_under_load() {
    let edge = TestEdge::start().await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let address = edge.http;
    let load = tokio::spawn(async move {
        let mut kept = Client::connect(address).await;
        for request in 0..500 {
            // A client that keeps its connection looks whether the last answer closed it.
            if request % 2 == 0 || kept.closed().await {
                kept = Client::connect(address).await;
            }
            assert_eq!(kept.send("POST", "/", "x").await.0, StatusCode::OK);
        }
    });
    edge.until(|_| backend.requests() > 50).await;
    let (second, _process) = spawn(&edge.socket.with_file_name("second.sock"), Limits::default()).await;
    second.configure(config()).await.unwrap();
    second.apply(table(2, vec![pool("r1", 100, &[backend.address])])).await.unwrap();
    let taken = edge.client.take_listeners().await.unwrap();
    second.give_listeners(&[(ListenerName::Http, taken[0].1.as_fd())]).await.unwrap();
    edge.client.drain(PATIENCE).await.unwrap();
    edge.process.await.unwrap().unwrap();
    load.await.unwrap();
    let served = second.status().await.unwrap().pools[0].requests;
    assert!(served > 0 && backend.requests() == 500, "{served}");
}

#[tokio::test]
async fn drain_closes_idle_and_finishes_busy() {
    let edge = TestEdge::start().await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let mut idle = TcpStream::connect(edge.http).await.unwrap();
    let mut busy = edge.connect().await;
    let held = tokio::spawn(async move { busy.send("GET", "/gate", "").await });
    edge.until(|status| backend.seen.held.load(Ordering::SeqCst) == 1 && status.connections == 2).await;
    edge.client.drain(PATIENCE).await.unwrap();
    assert_eq!(idle.read(&mut [0; 1]).await.unwrap(), 0, "an idle connection is closed");
    assert!(edge.status().await.draining);
    backend.gate.send_replace(true);
    assert_eq!(held.await.unwrap().0, StatusCode::OK);
    edge.process.await.unwrap().unwrap();
    assert!(!edge.socket.exists());
}

#[tokio::test]
async fn drain_deadline_cuts_what_hangs() {
    let edge = TestEdge::start().await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let mut busy = edge.connect().await;
    let held = tokio::spawn(async move { busy.try_send("GET", "/gate", "").await });
    edge.until(|_| backend.seen.held.load(Ordering::SeqCst) == 1).await;
    edge.client.drain(PATIENCE * 100).await.unwrap();
    edge.client.drain(Duration::from_millis(1)).await.unwrap();
    edge.process.await.unwrap().unwrap();
    held.abort();
}

#[tokio::test]
async fn orders_may_be_repeated_by_anyone() {
    let edge = TestEdge::start().await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    // A control plane that was restarted; the connection of the old one lingers.
    let second = EdgeClient::connect(&edge.socket).await.unwrap();
    let taken = second.take_listeners().await.unwrap();
    second.configure(config()).await.unwrap();
    second.give_listeners(&[(ListenerName::Http, taken[0].1.as_fd())]).await.unwrap();
    assert_eq!(second.take_listeners().await.unwrap().len(), 2, "a socket that is held is not added twice");
    assert_eq!(edge.get("/").await.1, "backend");
    assert_eq!(second.status().await.unwrap().table, edge.status().await.table);
}

#[tokio::test]
async fn refuses_orders_out_of_order() {
    let directory = tempfile::tempdir().unwrap();
    let (client, _process) = spawn(&directory.path().join("run/edge.sock"), Limits::default()).await;
    let refused = client.apply(table(1, vec![])).await.unwrap_err().to_string();
    assert!(refused.contains("not configured"), "{refused}");
    client.configure(config()).await.unwrap();
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let refused =
        client.give_listeners(&[(ListenerName::Https, socket.as_fd())]).await.unwrap_err().to_string();
    assert!(refused.contains("certificate"), "{refused}");
    let mut bad = config();
    bad.probe.path = "ready".to_owned();
    assert!(client.configure(bad).await.unwrap_err().to_string().contains("`ready`"));
}

#[tokio::test]
async fn nonsense_ends_its_connection_only() {
    let edge = TestEdge::start().await;
    for nonsense in [&b"\xff\xff\xff\xff"[..], &b"\0\0\0\x02{}"[..]] {
        let mut stream = tokio::net::UnixStream::connect(&edge.socket).await.unwrap();
        stream.write_all(nonsense).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(String::from_utf8_lossy(&answer).contains("refused"), "{answer:?}");
    }
    assert_eq!(edge.status().await.pid, std::process::id());
}
