//! Claim, then swap.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use http::StatusCode;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    backend::{Backend, Seen, scripted},
    harness::{Client, TestEdge, pool, release, table},
};
use crate::ApplyAnswer;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn swaps_under_load_lose_nothing() {
    const SWAPS: u64 = 50;
    let edge = TestEdge::start().await;
    let ledger: Arc<Seen> = Arc::default();
    let mut current = Backend::sharing("r", Arc::clone(&ledger)).await;
    edge.apply(table(1, vec![pool("r1", 100, &[current.address])])).await;
    let (done, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let (done, sent, address) = (Arc::clone(&done), Arc::clone(&sent), edge.http);
            tokio::spawn(load(number, address, done, sent))
        })
        .collect();
    for generation in 2..2 + SWAPS {
        let before = sent.load(Ordering::SeqCst);
        let next = Backend::sharing("r", Arc::clone(&ledger)).await;
        let name = format!("r{generation}");
        edge.apply(table(generation, vec![pool(&name, 100, &[next.address])])).await;
        edge.until(|status| {
            status.pools.iter().all(|pool| pool.release == release(&name) || pool.claims == 0)
        })
        .await;
        std::mem::replace(&mut current, next).kill().await;
        edge.until(|_| sent.load(Ordering::SeqCst) > before + 16).await;
    }
    done.store(true, Ordering::SeqCst);
    for client in clients {
        client.await.unwrap();
    }
    let applied = ledger.applied.lock().unwrap().clone();
    assert!(applied.values().all(|times| *times == 1), "an id was applied twice");
    assert_eq!(applied.len() as u64, sent.load(Ordering::SeqCst), "an id was lost");
    let status = edge.status().await;
    assert!(status.pools.iter().all(|pool| pool.claims == 0 && pool.errors == 0), "{status:#?}");
}

/// Half the clients keep their connection, half open one per request; every request must be answered 200.
async fn load(number: u64, edge: std::net::SocketAddr, done: Arc<AtomicBool>, sent: Arc<AtomicU64>) {
    let mut client = Client::connect(edge).await;
    for request in 0_u64.. {
        if done.load(Ordering::SeqCst) {
            return;
        }
        if number.is_multiple_of(2) {
            client = Client::connect(edge).await;
        }
        let answer = client.send("POST", "/apply", &format!("{number}-{request}")).await;
        assert_eq!(answer, (StatusCode::OK, "r".to_owned()));
        sent.fetch_add(1, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn swap_counts_claims_exactly() {
    let edge = TestEdge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    assert_eq!(edge.apply(table(1, vec![pool("r1", 100, &[old.address])])).await, 0);
    let mut clients = Vec::new();
    for _ in 0..3 {
        let mut client = edge.connect().await;
        clients.push(tokio::spawn(async move { (client.send("POST", "/gate", "x").await, client) }));
    }
    edge.until(|_| old.seen.held.load(Ordering::SeqCst) == 3).await;
    assert_eq!(edge.apply(table(2, vec![pool("r2", 100, &[new.address])])).await, 3);
    assert_eq!(edge.get("/").await, (StatusCode::OK, "new".to_owned()));
    let status = edge.status().await;
    let old_pool = status.pools.iter().find(|pool| pool.release == release("r1")).unwrap();
    assert_eq!((old_pool.claims, old_pool.requests), (3, 3));
    old.gate.send_replace(true);
    for client in clients {
        let (answer, mut same_connection) = client.await.unwrap();
        assert_eq!(answer, (StatusCode::OK, "old".to_owned()));
        assert_eq!(same_connection.send("GET", "/", "").await.1, "new", "a swap closes no client connection");
    }
    edge.until(|status| status.pools.len() == 1 && status.pools[0].claims == 0).await;
}

#[tokio::test]
async fn older_table_changes_nothing() {
    let edge = TestEdge::start().await;
    let (one, two) = (Backend::start("one").await, Backend::start("two").await);
    edge.apply(table(7, vec![pool("r1", 100, &[one.address])])).await;
    for generation in [6, 7] {
        let answer =
            edge.client.apply(table(generation, vec![pool("r2", 100, &[two.address])])).await.unwrap();
        assert_eq!(answer, ApplyAnswer::Stale { generation: shield_types::Generation(7) });
    }
    let refused = edge.client.apply(table(8, vec![pool("r2", 90, &[two.address])])).await.unwrap_err();
    assert!(refused.to_string().contains("weights sum to 90"), "{refused}");
    assert_eq!(edge.get("/").await.1, "one");
    assert_eq!(edge.status().await.table.unwrap().generation.0, 7);
}

#[tokio::test]
async fn weights_split_new_requests() {
    let edge = TestEdge::start().await;
    let (blue, green) = (Backend::start("blue").await, Backend::start("green").await);
    edge.apply(table(1, vec![pool("r1", 75, &[blue.address]), pool("r2", 25, &[green.address])])).await;
    let mut client = edge.connect().await;
    for _ in 0..1_000 {
        client.send("GET", "/", "").await;
    }
    // Eight standard deviations.
    assert!((140..=360).contains(&green.requests()), "{}", green.requests());
    assert_eq!(blue.requests() + green.requests(), 1_000);
}

#[tokio::test]
async fn empty_table_answers_unavailable() {
    let edge = TestEdge::start().await;
    edge.apply(table(1, vec![])).await;
    let answer = edge.raw("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("retry-after: 1"), "{answer}");
    edge.apply(table(2, vec![pool("r1", 100, &[])])).await;
    assert_eq!(edge.get("/").await.0, StatusCode::SERVICE_UNAVAILABLE);
}

/// A client's end of a tunnel through the edge.
async fn upgraded(edge: &TestEdge) -> TcpStream {
    let mut stream = TcpStream::connect(edge.http).await.unwrap();
    let ask = b"GET /socket HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    stream.write_all(ask).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream
}

#[tokio::test]
async fn upgraded_connection_stays_a_claim() {
    let edge = TestEdge::start().await;
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    edge.apply(table(1, vec![pool("r1", 100, &[old.address])])).await;
    let mut stream = upgraded(&edge).await;
    assert_eq!(edge.apply(table(2, vec![pool("r2", 100, &[new.address])])).await, 1);
    stream.write_all(b"still here").await.unwrap();
    let mut echo = [0; 10];
    stream.read_exact(&mut echo).await.unwrap();
    assert_eq!(&echo, b"still here");
    let claims =
        |status: &crate::protocol::EdgeStatus| status.pools.iter().map(|pool| pool.claims).sum::<u64>();
    assert_eq!(claims(&edge.status().await), 1);
    drop(stream);
    edge.until(|status| claims(status) == 0 && status.connections == 0).await;
}

/// A client that goes on sending to a backend that died must not hold its claim, and every drain, for ever.
#[tokio::test]
async fn tunnel_ends_with_its_backend() {
    let edge = TestEdge::start().await;
    let switches = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
    let (closing, _) = scripted(switches).await;
    edge.apply(table(1, vec![pool("r1", 100, &[closing])])).await;
    let mut stream = upgraded(&edge).await;
    let sending = tokio::spawn(async move {
        while stream.write_all(b"are you there").await.is_ok() {
            tokio::task::yield_now().await;
        }
    });
    edge.until(|status| status.pools.iter().all(|pool| pool.claims == 0)).await;
    sending.await.unwrap();
}
