//! Answers of which only a part is looked at.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const MEBIBYTE: usize = 1 << 20;

/// Answers every request with JSON of so many bytes: `{"filling":"…","id":7}`.
async fn server(bytes: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (begin, end) = (r#"{"filling":""#, r#"","id":7}"#);
    let body = format!("{begin}{}{end}", "x".repeat(bytes - begin.len() - end.len()));
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{body}");
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while socket.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
                    if seen.ends_with(b"\r\n\r\n") {
                        seen.clear();
                        socket.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    address
}

/// The first failure of one request with this in its step; none if it was answered.
async fn failure(address: SocketAddr, step: &str) -> Option<String> {
    let rest = format!(
        "[closed]\nusers = 1\niterations = 1\n[[scenario]]\nname = \"get\"\n[[scenario.step]]\nget = \"/\"\n{step}\n"
    );
    super::run(address, &rest, Vec::new()).await.failures.pop()
}

const STEPS: [&str; 4] = [
    r#"check = [{ pointer = "/id", equals = 7 }]"#,
    r#"check = [{ body = true, contains = "id" }]"#,
    r#"extract = { number = "/id" }"#,
    "extract = { all = { body = true } }",
];

#[tokio::test]
async fn body_that_was_cut_is_named() {
    let address = server(MEBIBYTE + 9).await;
    for step in STEPS {
        let failure = failure(address, step).await.unwrap();
        let told = "the answer has more than 1 MiB, of which only the first is looked at";
        assert!(failure.contains(told), "{step}: {failure}");
    }
    assert_eq!(failure(address, r#"check = [{ header = "content-length" }]"#).await, None);
    let lacking = failure(address, r#"check = [{ header = "etag" }]"#).await.unwrap();
    assert!(!lacking.contains("1 MiB"), "{lacking}");
}

#[tokio::test]
async fn body_that_fits_is_whole() {
    let address = server(MEBIBYTE).await;
    for step in STEPS {
        assert_eq!(failure(address, step).await, None, "{step}");
    }
}
