//! Faults of TCP.

use std::io::ErrorKind;

use shield_load::FaultProxy;
use shield_testkit::wait_for;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::bench::{
    Bench, FOREVER, LIMIT, any_port, expect_end, expect_reset, expect_silence, fault, read, read_to_end,
};

fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; count];
    random.fill(&mut bytes);
    bytes
}

#[tokio::test]
async fn bytes_and_ends_pass_each_way() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    client.write_all(b"question").await.unwrap();
    client.shutdown().await.unwrap();
    expect_end(&mut server, b"question").await;
    server.write_all(b"answer").await.unwrap();
    drop(server);
    expect_end(&mut client, b"answer").await;
    bench.counted("the end", |now| now.open == 0).await;
    let counts = bench.proxy.counts();
    assert_eq!((counts.connections, counts.bytes_upstream, counts.bytes_downstream), (1, 9, 7));
    assert_eq!(counts.connections_under_fault, 0);
}

#[tokio::test]
async fn reset_of_one_side_resets_the_other() {
    let bench = Bench::new().await;
    let (client, mut server) = bench.pair().await;
    client.set_zero_linger().unwrap();
    drop(client);
    expect_reset(&mut server, b"").await;
    let (mut client, mut server) = bench.pair().await;
    server.write_all(b"last words").await.unwrap();
    assert_eq!(read(&mut client, 10).await, b"last words");
    server.set_zero_linger().unwrap();
    drop(server);
    expect_reset(&mut client, b"").await;
}

#[tokio::test]
async fn dead_upstream_resets_client() {
    let bench = Bench::new().await;
    let dead = bench.proxy.address();
    drop(bench.upstream);
    let mut client = TcpStream::connect(dead).await.unwrap();
    expect_reset(&mut client, b"").await;
}

#[tokio::test]
async fn reader_that_stands_still_stops_the_writer() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    let sent = noise(1, 64 * 1024 * 1024);
    let copy = sent.clone();
    let writer = tokio::spawn(async move {
        client.write_all(&copy).await.unwrap();
        client.shutdown().await.unwrap();
        client
    });
    // Nobody reads: whatever the kernel's buffers and the proxy's hold, it is less than all.
    writer_is_stopped(&bench).await;
    assert!(!writer.is_finished());
    expect_end(&mut server, &sent).await;
    writer.await.unwrap();
}

/// The proxy's count stops growing.
async fn writer_is_stopped(bench: &Bench) {
    let mut before = 0;
    let look = || {
        let now = bench.proxy.counts().bytes_upstream;
        let same = now > 1 && std::mem::replace(&mut before, now) == now;
        std::future::ready(same.then_some(()))
    };
    wait_for("the writer to be stopped", LIMIT, look).await.unwrap();
}

#[tokio::test]
async fn reset_hits_open_and_new_connections() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    bench.set(r#"{"kind":"reset"}"#, 1).await;
    expect_reset(&mut client, b"").await;
    expect_reset(&mut server, b"").await;
    let mut client = bench.connect().await;
    expect_reset(&mut client, b"").await;
    bench.proxy.set(None);
    bench.pair().await;
}

#[tokio::test]
async fn reset_comes_after_exactly_its_bytes() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    bench.set(r#"{"kind":"reset","after_bytes":20000,"direction":"downstream"}"#, 1).await;
    client.write_all(&[1; 1_000]).await.unwrap();
    assert_eq!(read(&mut server, 1_000).await, [1; 1_000]);
    let sent = noise(2, 60_000);
    let wrote = server.write_all(&sent).await;
    expect_reset(&mut client, &sent[..20_000]).await;
    // The kernel tells of it once: to whoever comes first.
    let told = wrote.err().or(server.read(&mut [0; 1]).await.err()).unwrap();
    assert!(matches!(told.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{told:?}");
}

#[tokio::test]
async fn blackhole_takes_bytes_and_resets_when_undone() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    bench.set(r#"{"kind":"blackhole"}"#, 1).await;
    // More than all buffers hold: it is taken indeed.
    client.write_all(&noise(3, 32 * 1024 * 1024)).await.unwrap();
    server.write_all(b"lost").await.unwrap();
    expect_silence(&client).await;
    expect_silence(&server).await;
    bench.proxy.set(None);
    expect_reset(&mut client, b"").await;
    expect_reset(&mut server, b"").await;
    bench.pair().await;
}

#[tokio::test]
async fn blackhole_takes_ends_as_well() {
    let bench = Bench::new().await;
    let (client, server) = bench.pair().await;
    bench.set(r#"{"kind":"blackhole"}"#, 1).await;
    drop(client);
    expect_silence(&server).await;
    drop(server);
    bench.proxy.set(None);
    bench.counted("the end", |now| now.open == 0).await;
}

#[tokio::test]
async fn new_connection_in_blackhole_meets_silence() {
    let bench = Bench::new().await;
    bench.proxy.set(Some(fault(r#"{"kind":"blackhole"}"#)));
    let (mut talker, waiter) = (bench.connect().await, bench.connect().await);
    bench.counted("both connections", |now| now.connections_under_fault == 2).await;
    talker.write_all(b"hello").await.unwrap();
    expect_silence(&talker).await;
    bench.proxy.set(None);
    expect_reset(&mut talker, b"").await;
    // Nothing was lost of the other one: it goes on, and is the only one that the upstream hears of.
    let mut server = bench.accept().await;
    let mut waiter = waiter;
    waiter.write_all(b"hello").await.unwrap();
    assert_eq!(read(&mut server, 5).await, b"hello");
}

#[tokio::test]
async fn blackhole_of_answers_lets_requests_pass() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    bench.set(r#"{"kind":"blackhole","direction":"downstream"}"#, 1).await;
    client.write_all(b"request").await.unwrap();
    assert_eq!(read(&mut server, 7).await, b"request");
    server.write_all(b"answer").await.unwrap();
    expect_silence(&client).await;
}

#[tokio::test]
async fn half_open_client_is_not_told() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    bench.set(r#"{"kind":"half-open"}"#, 1).await;
    expect_end(&mut server, b"").await;
    client.write_all(b"hello?").await.unwrap();
    expect_silence(&client).await;
    let newcomer = bench.connect().await;
    bench.counted("the newcomer", |now| now.connections_under_fault == 2).await;
    expect_silence(&newcomer).await;
    bench.proxy.set(None);
    expect_reset(&mut client, b"").await;
    let _connected = bench.accept().await;
}

#[tokio::test]
async fn slow_close_holds_the_end_alone() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    bench.set(&format!(r#"{{"kind":"slow-close","delay":"{FOREVER}"}}"#), 1).await;
    server.write_all(b"data").await.unwrap();
    drop(server);
    assert_eq!(read(&mut client, 4).await, b"data");
    expect_silence(&client).await;
    bench.proxy.set(None);
    expect_end(&mut client, b"").await;
}

#[tokio::test]
async fn latency_holds_until_it_is_undone() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    let held = format!(r#"{{"kind":"latency","delay":"{FOREVER}","jitter":"1s","direction":"upstream"}}"#);
    bench.set(&held, 1).await;
    for piece in [&b"first, "[..], b"second, ", b"third"] {
        client.write_all(piece).await.unwrap();
    }
    client.shutdown().await.unwrap();
    server.write_all(b"the other way").await.unwrap();
    assert_eq!(read(&mut client, 13).await, b"the other way");
    expect_silence(&server).await;
    bench.proxy.set(None);
    expect_end(&mut server, b"first, second, third").await;
}

#[tokio::test]
async fn another_fault_undoes_the_one_before() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    bench.set(&format!(r#"{{"kind":"latency","delay":"{FOREVER}"}}"#), 1).await;
    client.write_all(b"held").await.unwrap();
    expect_silence(&server).await;
    bench.set(r#"{"kind":"bandwidth","bytes_per_second":1000000}"#, 1).await;
    assert_eq!(read(&mut server, 4).await, b"held");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_megabytes_survive_changing_faults() {
    let bench = Bench::new().await;
    let (client, server) = bench.pair().await;
    bench.set(r#"{"kind":"latency","delay":"2ms","jitter":"2ms"}"#, 1).await;
    let (up, down) = (noise(4, 10_000_000), noise(5, 10_000_000));
    let client = tokio::spawn(exchange(client, up.clone(), down.clone()));
    let server = tokio::spawn(exchange(server, down, up));
    let carried = async |bytes| bench.counted("bytes", move |now| now.bytes_downstream > bytes).await;
    carried(3_000_000).await;
    bench.proxy.set(Some(fault(r#"{"kind":"bandwidth","bytes_per_second":30000000}"#)));
    carried(6_000_000).await;
    let loss = r#"{"kind":"loss","bursts":{"good_to_bad":"1%","bad_to_good":"50%","loss_good":"0%","loss_bad":"10%"}}"#;
    bench.proxy.set(Some(fault(loss)));
    carried(8_000_000).await;
    bench.proxy.set(None);
    client.await.unwrap();
    server.await.unwrap();
}

/// Sends one, and gets the other.
async fn exchange(socket: TcpStream, sent: Vec<u8>, expected: Vec<u8>) {
    let (mut reader, mut writer) = socket.into_split();
    let sending = tokio::spawn(async move {
        writer.write_all(&sent).await.unwrap();
        writer.shutdown().await.unwrap();
    });
    let mut came = Vec::new();
    reader.read_to_end(&mut came).await.unwrap();
    assert!(came == expected, "{} bytes came, not what was sent", came.len());
    sending.await.unwrap();
}

#[tokio::test]
async fn refused_connection_is_refused_by_the_kernel() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    for _ in 0..3 {
        bench.proxy.set(Some(fault(r#"{"kind":"refuse"}"#)));
        let refused = async || {
            let error = TcpStream::connect(bench.proxy.address()).await.err()?;
            (error.kind() == ErrorKind::ConnectionRefused).then_some(())
        };
        wait_for("a refusal", LIMIT, refused).await.unwrap();
        client.write_all(b"still here").await.unwrap();
        assert_eq!(read(&mut server, 10).await, b"still here");
        bench.proxy.set(None);
        let connected = async || TcpStream::connect(bench.proxy.address()).await.ok();
        let mut newcomer = wait_for("the same port", LIMIT, connected).await.unwrap();
        // Connections that were reset with the listener may have come first.
        newcomer.write_all(b"new").await.unwrap();
        let reached = async || {
            let (mut server, _) = bench.upstream.accept().await.ok()?;
            (server.read(&mut [0; 3]).await.ok()? == 3).then_some(())
        };
        wait_for("the newcomer at the upstream", LIMIT, reached).await.unwrap();
    }
}

/// Which of 40 connections are reset, by number, under a fault of half of them.
async fn hit(seed: u64) -> Vec<bool> {
    let upstream = TcpListener::bind(any_port()).await.unwrap();
    let proxy = FaultProxy::bind(any_port(), upstream.local_addr().unwrap(), seed).unwrap();
    proxy.set(Some(fault(r#"{"kind":"reset","share":"50%"}"#)));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = upstream.accept().await {
            socket.write_all(b"hello").await.unwrap();
        }
    });
    let mut hit = Vec::new();
    for _ in 0..40 {
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        let (bytes, end) = read_to_end(&mut client).await;
        assert_eq!(bytes.is_empty(), end.is_err());
        hit.push(end.is_err());
    }
    hit
}

#[tokio::test]
async fn same_seed_hits_same_connections() {
    let (first, second, other) = (hit(7).await, hit(7).await, hit(8).await);
    assert_eq!(first, second);
    assert_ne!(first, other);
    let hits = first.iter().filter(|hit| **hit).count();
    assert!((8..=32).contains(&hits), "about half: {hits}");
}

#[tokio::test]
async fn shutdown_closes_everything() {
    let bench = Bench::new().await;
    let (mut client, mut server) = bench.pair().await;
    let address = bench.proxy.address();
    bench.proxy.shutdown().await;
    expect_end(&mut client, b"").await;
    expect_end(&mut server, b"").await;
    assert_eq!(TcpStream::connect(address).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
}
