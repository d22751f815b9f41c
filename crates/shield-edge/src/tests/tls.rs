//! HTTP/2 and HTTP/1.1 over TLS, chosen by ALPN.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, StatusCode, Version};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    backend::{Backend, scripted},
    harness::{PATIENCE, TestEdge, pool, table},
};

async fn connect(edge: &TestEdge, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(edge.certificate_pem.as_bytes()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|protocol| protocol.to_vec()).collect();
    let stream = TcpStream::connect(edge.https).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

async fn edge_and_backend() -> (TestEdge, Backend) {
    let (edge, backend) = (TestEdge::start().await, Backend::start("backend").await);
    edge.apply(table(1, vec![pool("r1", 100, &[backend.address])])).await;
    (edge, backend)
}

#[tokio::test]
async fn speaks_http2() {
    let (edge, backend) = edge_and_backend().await;
    let stream = connect(&edge, &[b"h2", b"http/1.1"]).await;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for id in 0..20 {
        let request =
            Request::post("https://localhost/apply").header("cookie", "a=1").header("cookie", "b=2");
        let response =
            sender.send_request(request.body(Full::<Bytes>::from(id.to_string())).unwrap()).await.unwrap();
        assert_eq!((response.status(), response.version()), (StatusCode::OK, Version::HTTP_2));
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "backend");
    }
    let refused = sender.send_request(
        Request::post("https://localhost/apply").body(Full::<Bytes>::from(vec![0_u8; 10_001])).unwrap(),
    );
    assert_eq!(refused.await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(backend.seen.applied.lock().unwrap().len(), 20);
    let heads = backend.seen.heads.lock().unwrap();
    assert_eq!(heads[0].headers["host"], "localhost");
    assert_eq!(heads[0].headers["cookie"], "a=1; b=2");
    assert_eq!(heads[0].headers["x-forwarded-proto"], "https");
}

#[tokio::test]
async fn speaks_http1_without_alpn() {
    let (edge, backend) = edge_and_backend().await;
    for alpn in [&[][..], &[&b"http/1.1"[..]][..]] {
        let stream = connect(&edge, alpn).await;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/").header("host", "localhost").body(Full::<Bytes>::default()).unwrap();
        assert_eq!(sender.send_request(request).await.unwrap().status(), StatusCode::OK);
    }
    assert_eq!(backend.requests(), 2);
}

#[tokio::test]
async fn empty_answer_has_no_length() {
    let edge = TestEdge::start().await;
    let (address, _) = scripted("HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\n").await;
    edge.apply(table(1, vec![pool("r1", 100, &[address])])).await;
    let stream = connect(&edge, &[b"h2"]).await;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("https://localhost/").body(Full::<Bytes>::default()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!((response.status(), response.headers().get("content-length")), (StatusCode::NO_CONTENT, None));
}

#[tokio::test]
async fn drain_finishes_http2_streams() {
    let (edge, backend) = edge_and_backend().await;
    let stream = connect(&edge, &[b"h2"]).await;
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let held =
        sender.send_request(Request::get("https://localhost/gate").body(Full::<Bytes>::default()).unwrap());
    let held = tokio::spawn(held);
    edge.until(|_| backend.seen.held.load(std::sync::atomic::Ordering::SeqCst) == 1).await;
    edge.client.drain(PATIENCE).await.unwrap();
    backend.gate.send_replace(true);
    assert_eq!(held.await.unwrap().unwrap().status(), StatusCode::OK);
    connection.await.unwrap().unwrap();
    edge.process.await.unwrap().unwrap();
}
