//! What a backend may say, and what becomes of it.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{
    backend::{scripted, scripted_open},
    harness::{TestEdge, pool, table},
};

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
