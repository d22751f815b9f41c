//! The backend as a task of the test.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use shield_testkit::backend::{BackendEnd, BackendOptions, RunningBackend};
use shield_testkit::{TestAuthority, wait_for};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn kill_closes_everything() {
    let backend = RunningBackend::start(BackendOptions::default()).await.unwrap();
    let address = backend.address();
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(b"GET /slow?ms=600000 HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    backend.kill().await;
    assert_eq!(socket.read(&mut [0; 1]).await.unwrap_or(0), 0);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn drain_finishes_what_is_in_flight() {
    let backend = RunningBackend::start(BackendOptions::default()).await.unwrap();
    let mut socket = TcpStream::connect(backend.address()).await.unwrap();
    socket.write_all(b"GET /stream?ms=200 HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
    let mut first = [0; 1];
    socket.read_exact(&mut first).await.unwrap();
    let address = backend.address();
    let draining = tokio::spawn(backend.drain());
    wait_for("the listener to close", LIMIT, async || TcpStream::connect(address).await.err()).await.unwrap();
    let mut rest = String::new();
    socket.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest.matches("chunk\n").count(), 10);
    assert_eq!(draining.await.unwrap().unwrap(), BackendEnd::Stopped);
}

#[test]
fn authority_issues_usable_certificates() {
    let authority = TestAuthority::new().unwrap();
    let issued = authority.issue(&["localhost", "127.0.0.1"]).unwrap();
    assert!(authority.certificate_pem().contains("BEGIN CERTIFICATE"));
    assert!(issued.key_pem().contains("PRIVATE KEY"));
    assert_ne!(issued.certificate_pem(), authority.certificate_pem());
    assert_eq!(issued.server_config(&[b"h2"]).unwrap().alpn_protocols, [b"h2".to_vec()]);
}
