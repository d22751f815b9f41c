//! What a backend may say, and what becomes of it.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::{
    backend::{scripted, scripted_deaf, scripted_open},
    harness::{TestEdge, config, pool, table},
};
use crate::limits::Limits;

/// The edge's answer when its backend says 200 and `reply`.
async fn passed_on(reply: &str) -> String {
    let edge = TestEdge::start().await;
    let (address, _) = scripted(&format!("HTTP/1.1 200 OK\r\n{reply}")).await;
    edge.apply(table(1, vec![pool("r1", 100, &[address])])).await;
    edge.raw("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await
}

#[tokio::test]
async fn coding_overrides_length() {
    let reply = "content-length: 3\r\ntransfer-encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\n\r\n";
    let answer = passed_on(reply).await;
    assert!(!answer.contains("content-length") && answer.contains("0123456789\r\n0\r\n"), "{answer}");
}

#[tokio::test]
async fn equal_lengths_become_one() {
    for fields in ["content-length: 2, 2", "content-length: 2\r\ncontent-length: 2"] {
        let answer = passed_on(&format!("{fields}\r\n\r\nok")).await;
        assert_eq!(answer.matches("content-length: 2\r\n").count(), 1, "{answer}");
        assert!(answer.ends_with("ok"), "{answer}");
    }
}

#[tokio::test]
async fn unasked_coding_is_not_passed_on() {
    for fields in ["transfer-encoding: gzip", "transfer-encoding: gzip, chunked"] {
        let answer = passed_on(&format!("{fields}\r\n\r\n3\r\nabc\r\n0\r\n\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 502 "), "{fields}: {answer}");
    }
}

#[tokio::test]
async fn spoilt_upload_is_the_clients_fault() {
    let edge = TestEdge::start().await;
    let (address, _) = scripted_open("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").await;
    edge.apply(table(1, vec![pool("r1", 100, &[address])])).await;
    let mut stream = TcpStream::connect(edge.http).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n";
    stream.write_all(head).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"half") {
        answer.push(stream.read_u8().await.unwrap());
    }
    let too_much = format!("2800\r\n{}\r\n0\r\n\r\n", "a".repeat(0x2800));
    stream.write_all(too_much.as_bytes()).await.unwrap();
    assert_eq!(stream.read(&mut [0; 64]).await.unwrap_or(0), 0, "half an answer is cut");
    let status = edge.until(|status| status.pools[0].claims == 0).await;
    assert_eq!(status.pools[0].errors, 0);
}

/// A client that uploads more than any buffer on the way holds, to a backend that does not read; gives what it is told.
async fn upload_nobody_reads(reply: &str) -> (TestEdge, String) {
    let short = Duration::from_millis(200);
    let limits = Limits { request_body_idle: short, ..Limits::default() };
    let mut config = config();
    (config.response_timeout, config.request_body_bytes_max) = (short, u64::MAX);
    let edge = TestEdge::with(limits, config).await;
    edge.apply(table(1, vec![pool("r1", 100, &[scripted_deaf(reply).await])])).await;
    let (mut answer, mut upload) = TcpStream::connect(edge.http).await.unwrap().into_split();
    let head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000000\r\n\r\n";
    upload.write_all(head).await.unwrap();
    let uploading = tokio::spawn(async move { while upload.write_all(&[b'a'; 65_536]).await.is_ok() {} });
    let mut status = [0; 12];
    answer.read_exact(&mut status).await.unwrap();
    edge.until(|status| status.pools[0].claims == 0 && status.connections == 0).await;
    uploading.await.unwrap();
    (edge, String::from_utf8_lossy(&status).into_owned())
}

#[tokio::test]
async fn deaf_backend_holds_nothing() {
    let (edge, answer) = upload_nobody_reads("").await;
    assert_eq!((answer.as_str(), edge.status().await.pools[0].errors), ("HTTP/1.1 504", 1));
    let (_edge, answer) = upload_nobody_reads("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(answer, "HTTP/1.1 200");
}

#[tokio::test]
async fn upload_outlasts_its_answer() {
    let edge = TestEdge::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    edge.apply(table(1, vec![pool("r1", 100, &[listener.local_addr().unwrap()])])).await;
    let mut client = TcpStream::connect(edge.http).await.unwrap();
    client.write_all(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
    let mut backend = loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.unwrap();
        // Probes of this backend may fail.
        if head == *b"POST" {
            break stream;
        }
    };
    backend.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok") {
        answer.push(client.read_u8().await.unwrap());
    }
    assert!(
        String::from_utf8_lossy(&answer).contains("connection: close"),
        "it may have to close: {answer:?}"
    );
    assert_eq!(edge.status().await.pools[0].claims, 1, "the claim ends with the later body");
    client.write_all(b"other").await.unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"halfother") {
        request.push(backend.read_u8().await.unwrap());
    }
    edge.until(|status| status.pools[0].claims == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_refusal_is_passed_on() {
    let mut config = config();
    config.request_body_bytes_max = u64::MAX;
    let edge = TestEdge::with(Limits::default(), config).await;
    let refusal = "HTTP/1.1 413 Content Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
    edge.apply(table(1, vec![pool("r1", 100, &[scripted(refusal).await.0])])).await;
    for _ in 0..100 {
        let (mut answer, mut upload) = TcpStream::connect(edge.http).await.unwrap().into_split();
        let uploading = tokio::spawn(async move {
            let head = b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n";
            let _ = upload.write_all(head).await;
            // It may be told to stop.
            let _ = upload.write_all(&[b'a'; 300_000]).await;
            upload
        });
        let mut status = [0; 12];
        answer.read_exact(&mut status).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 413");
        uploading.await.unwrap();
    }
    assert_eq!(edge.status().await.pools[0].errors, 0);
}
