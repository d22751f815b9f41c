//! What a client may say, over raw sockets.

use std::{fmt::Write, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    backend::Backend,
    harness::{PATIENCE, TestEdge, config, pool, table},
};
use crate::limits::Limits;

async fn edge_and_backend(limits: Limits) -> (TestEdge, Backend) {
    let edge = TestEdge::with(limits, config()).await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    (edge, backend)
}

#[tokio::test]
async fn refuses_what_is_not_one_request() {
    let (edge, backend) = edge_and_backend(Limits::default()).await;
    let fields = |count: usize| {
        (0..count).fold(String::new(), |mut text, number| {
            write!(text, "x-{number}: 1\r\n").unwrap();
            text
        })
    };
    let large = format!("x-large: {}\r\n", "a".repeat(70_000));
    for (status, head) in [
        (400, "GET / HTTP/1.1\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n".to_owned()),
        (400, "GET / HTTP/1.0\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nhost: a b\r\n".to_owned()),
        (400, "GET http://b.test/ HTTP/1.1\r\nhost: a.test\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nhost: a\r\n x: folded\r\n".to_owned()),
        (400, "GET / HTTP/1.1\r\nhost : a\r\n".to_owned()),
        (400, "GE T / HTTP/1.1\r\nhost: a\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: +1\r\n".to_owned()),
        (400, "GET a:80 HTTP/1.1\r\nhost: a:80\r\n".to_owned()),
        (400, "GET * HTTP/1.1\r\nhost: a\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, gzip\r\n".to_owned()),
        (400, "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n".to_owned()),
        (400, "POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n".to_owned()),
        (405, "TRACE / HTTP/1.1\r\nhost: a\r\n".to_owned()),
        (501, "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n".to_owned()),
        (413, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10001\r\n".to_owned()),
        (431, format!("GET / HTTP/1.1\r\nhost: a\r\n{}", fields(101))),
        (431, format!("GET / HTTP/1.1\r\nhost: a\r\n{large}")),
    ] {
        let answer = edge.raw(&format!("{head}connection: close\r\n\r\n")).await;
        let shown = &head[..head.len().min(80)];
        assert_eq!(answer.get(8..13), Some(format!(" {status} ").as_str()), "{shown:?}: {answer:?}");
    }
    assert_eq!(backend.requests(), 0, "none of these may reach a backend");
}

#[tokio::test]
async fn ambiguous_framing_reaches_backend_as_one() {
    let (edge, backend) = edge_and_backend(Limits::default()).await;
    for head in
        ["content-length: 3\r\ntransfer-encoding: chunked", "transfer-encoding: chunked\r\ncontent-length: 3"]
    {
        let smuggled = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: a\r\n\r\n";
        let answer = edge.raw(&format!("POST / HTTP/1.1\r\nhost: a\r\n{head}\r\n\r\n{smuggled}")).await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "the connection closes after it: {answer}");
    }
    let heads = backend.seen.heads.lock().unwrap();
    assert_eq!(heads.len(), 2);
    for head in heads.iter() {
        assert_eq!(head.uri, "/");
        assert!(!head.headers.contains_key("content-length"), "{head:?}");
    }
}

#[tokio::test]
async fn counted_body_is_bounded_too() {
    let (edge, backend) = edge_and_backend(Limits::default()).await;
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(0x1000)).repeat(3);
    let head = "POST /apply HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    let answer = edge.raw(&format!("{head}{chunk}0\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("application/problem+json") && answer.contains("request_id"), "{answer}");
    assert!(backend.seen.applied.lock().unwrap().is_empty());
    assert_eq!(edge.status().await.pools[0].errors, 0, "a client's mistake is not held against the release");
}

#[tokio::test]
async fn malformed_chunk_never_completes() {
    let (edge, backend) = edge_and_backend(Limits::default()).await;
    let head = "POST /apply HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    for body in ["zz\r\nab\r\n0\r\n\r\n", "2\r\nabc\r\n0\r\n\r\n", "-2\r\nab\r\n0\r\n\r\n"] {
        let answer = edge.raw(&format!("{head}{body}")).await;
        assert!(!answer.starts_with("HTTP/1.1 2"), "{body:?}: {answer}");
    }
    assert!(backend.seen.applied.lock().unwrap().is_empty());
}

#[tokio::test]
async fn tells_backend_who_asks() {
    let (edge, backend) = edge_and_backend(Limits::default()).await;
    let spoof =
        "x-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nx-real-ip: 6.6.6.6\r\nx-request-id: mine\r\n";
    let answer = edge
        .raw(&format!(
            "GET /a?b=c HTTP/1.1\r\nhost: a.test\r\n{spoof}connection: close, x-hop\r\nx-hop: 1\r\n\r\n"
        ))
        .await;
    let heads = backend.seen.heads.lock().unwrap();
    let headers = &heads[0].headers;
    assert_eq!(heads[0].uri, "/a?b=c");
    assert_eq!(headers["x-forwarded-for"], "127.0.0.1");
    assert_eq!(headers["forwarded"], "for=127.0.0.1;proto=http;host=\"a.test\"");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert!(
        !headers.contains_key("x-real-ip")
            && !headers.contains_key("x-hop")
            && !headers.contains_key("connection")
    );
    let request_id = headers["x-request-id"].to_str().unwrap();
    assert!(request_id.len() == 32 && answer.contains(&format!("x-request-id: {request_id}")), "{answer}");
    assert_eq!(headers["traceparent"].len(), 55);
    assert!(!answer.contains("x-internal"), "one-hop fields of the backend end here: {answer}");
}

#[tokio::test]
async fn trailers_say_no_more_than_heads() {
    let (edge, backend) = edge_and_backend(Limits::default()).await;
    let head =
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ntrailer: x-forwarded-for, x-sum\r\n";
    let body = "1\r\na\r\n0\r\nx-forwarded-for: 6.6.6.6\r\nx-sum: 7\r\n";
    edge.raw(&format!("{head}connection: close\r\n\r\n{body}\r\n")).await;
    let trailers = backend.seen.trailers.lock().unwrap();
    assert!(trailers[0]["x-sum"] == "7" && trailers[0].len() == 1, "{trailers:?}");
}

/// A connection in the middle of an upload that stalls unless `step_bytes` move within two seconds.
async fn uploading(step_bytes: u64) -> (TestEdge, Backend, TcpStream, Duration) {
    let limit = Duration::from_secs(2);
    let mut config = config();
    config.response_timeout = limit;
    let limits = Limits {
        stall: Duration::ZERO,
        request_head: limit,
        request_body_step_bytes: step_bytes,
        ..Limits::default()
    };
    let edge = TestEdge::with(limits, config).await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let mut stream = TcpStream::connect(edge.http).await.unwrap();
    let head = b"POST /apply HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
    stream.write_all(head).await.unwrap();
    (edge, backend, stream, limit)
}

#[tokio::test]
async fn long_upload_is_no_stall() {
    let (_edge, _backend, mut stream, limit) = uploading(1).await;
    let began = Instant::now();
    while began.elapsed() < limit * 2 {
        stream.write_all(b"1\r\na\r\n").await.expect("an upload that moves goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    let answer = until_cut(stream).await;
    assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
}

#[tokio::test]
async fn dripping_upload_is_cut() {
    let (edge, backend, mut stream, _) = uploading(u64::MAX).await;
    let drip = async {
        while stream.write_all(b"1\r\na\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, drip).await.expect("a drip does not hold a connection");
    edge.until(|status| status.connections == 0 && status.pools[0].claims == 0).await;
    assert!(backend.seen.applied.lock().unwrap().is_empty());
}

#[tokio::test]
async fn head_keeps_its_length() {
    let (edge, _backend) = edge_and_backend(Limits::default()).await;
    let answer = edge.raw("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await;
    assert!(answer.contains("content-length: 7\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

async fn until_cut(mut stream: TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ =
        timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the edge must cut this connection");
    answer
}

#[tokio::test]
async fn slow_and_silent_clients_are_cut() {
    let short = Duration::from_millis(100);
    let limits = Limits {
        request_head: short,
        idle: short * 2,
        handshake: short,
        request_body_idle: short,
        ..Limits::default()
    };
    let (edge, _backend) = edge_and_backend(limits).await;
    let mut half_a_head = TcpStream::connect(edge.http).await.unwrap();
    half_a_head.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n").await.unwrap();
    let silent = TcpStream::connect(edge.http).await.unwrap();
    let silent_tls = TcpStream::connect(edge.https).await.unwrap();
    let mut half_a_body = TcpStream::connect(edge.http).await.unwrap();
    half_a_body.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    assert!(until_cut(half_a_head).await.is_empty());
    assert!(until_cut(silent).await.is_empty());
    assert!(until_cut(silent_tls).await.is_empty());
    let answer = until_cut(half_a_body).await;
    assert!(answer.starts_with(b"HTTP/1.1 408 "), "{}", String::from_utf8_lossy(&answer));
    edge.until(|status| status.connections == 0).await;
}

#[tokio::test]
async fn stalled_upload_is_the_clients_fault() {
    let mut config = config();
    config.response_timeout = Duration::from_millis(50);
    let limits = Limits { request_body_idle: Duration::from_millis(500), ..Limits::default() };
    let edge = TestEdge::with(limits, config).await;
    let backend = Backend::start("backend").await;
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    let answer = edge.raw("POST /apply HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let status = edge.until(|status| status.pools[0].claims == 0).await;
    assert_eq!(status.pools[0].errors, 0);
}

#[tokio::test]
async fn unread_body_announces_the_close() {
    let (edge, _backend) = edge_and_backend(Limits::default()).await;
    let answer = edge.raw("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10001\r\n\r\nhalf").await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("connection: close\r\n"), "{answer}");
}

#[tokio::test]
async fn connection_too_many_is_closed() {
    let (edge, _backend) = edge_and_backend(Limits { connections_max: 2, ..Limits::default() }).await;
    let (mut one, mut two) = (edge.connect().await, edge.connect().await);
    one.send("GET", "/", "").await;
    two.send("GET", "/", "").await;
    assert!(until_cut(TcpStream::connect(edge.http).await.unwrap()).await.is_empty());
    drop(one);
    edge.until(|status| status.connections == 1).await;
    assert_eq!(edge.get("/").await.1, "backend");
}
