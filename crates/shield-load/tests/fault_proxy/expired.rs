//! The expired certificate, and TLS through the proxy.

use shield_load::{
    ClientGroup, Connection, ExpiredCertificate, ExpiredCounts, FailureKind, FaultProxy, LoadPlan, Protocol,
    Scheme, Stop, Target, run,
};
use shield_testkit::TestAuthority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::bench::{any_port, fault};

fn plan(address: std::net::SocketAddr, trust_pem: &str) -> LoadPlan {
    let target = Target { scheme: Scheme::Https, authority: "localhost".to_owned(), address };
    let mut plan = LoadPlan::new(target);
    plan.trust_pem = Some(trust_pem.to_owned());
    plan.stop = Stop::Requests(5);
    plan.mix.post_share = 0.0;
    plan.clients.push(ClientGroup::new(1, Protocol::Http1, Connection::KeepAlive));
    plan
}

#[tokio::test]
async fn client_refuses_expired_certificate_for_its_dates() {
    let front = ExpiredCertificate::bind(any_port(), "localhost").unwrap();
    let report = run(plan(front.address(), front.certificate_pem())).await.unwrap();
    assert_eq!(report.failed_as(FailureKind::Tls), 5, "{:?}", report.failures);
    assert!(report.failures[0].detail.contains("expired"), "{:?}", report.failures[0]);
    let rejected = async || (front.counts().rejected == 5).then_some(());
    shield_testkit::wait_for("the refusals", crate::bench::LIMIT, rejected).await.unwrap();
    assert_eq!(front.counts(), ExpiredCounts { accepted: 0, rejected: 5 });
    front.shutdown().await;
}

#[tokio::test]
async fn tls_passes_through_the_proxy() {
    let authority = TestAuthority::new().unwrap();
    let config = authority.issue(&["localhost"]).unwrap().server_config(&[b"http/1.1"]).unwrap();
    let listener = TcpListener::bind(any_port()).await.unwrap();
    let proxy = FaultProxy::bind(any_port(), listener.local_addr().unwrap(), 1).unwrap();
    // Neither is HTTP to the proxy.
    proxy.set(Some(fault(r#"{"kind":"http-status","status":503}"#)));
    tokio::spawn(async move {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(config).accept(socket).await.unwrap();
        while stream.read(&mut [0; 4096]).await.is_ok_and(|count| count > 0) {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
        }
    });
    let report = run(plan(proxy.address(), authority.certificate_pem())).await.unwrap();
    assert_eq!(report.answered, 5, "{:?}", report.failures);
}
