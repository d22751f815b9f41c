//! A client, a proxy, and an upstream that the test plays itself.

use std::io::{ErrorKind, Result};
use std::net::SocketAddr;
use std::time::Duration;

use shield_load::{FaultProxy, NetworkFault, ProxyCounts};
use shield_testkit::wait_for;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// Longer than any test: what it delays never comes by itself.
pub(crate) const FOREVER: &str = "1h";
/// How long silence is listened to. A proxy that works passes however short it is.
const LISTENED: Duration = Duration::from_millis(30);

pub(crate) struct Bench {
    pub(crate) proxy: FaultProxy,
    pub(crate) upstream: TcpListener,
}

pub(crate) fn any_port() -> SocketAddr {
    ([127, 0, 0, 1], 0).into()
}

pub(crate) fn fault(text: &str) -> NetworkFault {
    serde_json::from_str(text).unwrap()
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let upstream = TcpListener::bind(any_port()).await.unwrap();
        let proxy = FaultProxy::bind(any_port(), upstream.local_addr().unwrap(), 1).unwrap();
        Self { proxy, upstream }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.proxy.address()).await.unwrap()
    }

    pub(crate) async fn accept(&self) -> TcpStream {
        timeout(LIMIT, self.upstream.accept()).await.unwrap().unwrap().0
    }

    /// Both ends of a connection that has carried a byte each way.
    pub(crate) async fn pair(&self) -> (TcpStream, TcpStream) {
        let mut client = self.connect().await;
        let mut server = self.accept().await;
        client.write_all(b"?").await.unwrap();
        assert_eq!(read(&mut server, 1).await, b"?");
        server.write_all(b"!").await.unwrap();
        assert_eq!(read(&mut client, 1).await, b"!");
        (client, server)
    }

    /// Sets a fault and waits until it hit as many connections.
    pub(crate) async fn set(&self, text: &str, hits: u64) {
        let before = self.proxy.counts().connections_under_fault;
        self.proxy.set(Some(fault(text)));
        self.counted("connections under the fault", |now| now.connections_under_fault >= before + hits).await;
    }

    pub(crate) async fn counted(&self, what: &str, seen: impl Fn(ProxyCounts) -> bool) {
        let look = || std::future::ready(seen(self.proxy.counts()).then_some(()));
        wait_for(what, LIMIT, look).await.unwrap();
    }
}

pub(crate) async fn read(socket: &mut TcpStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    timeout(LIMIT, socket.read_exact(&mut bytes)).await.unwrap().unwrap();
    bytes
}

/// Everything up to the end of the connection, and whether that was an RST.
pub(crate) async fn read_to_end(socket: &mut TcpStream) -> (Vec<u8>, Result<()>) {
    let mut bytes = Vec::new();
    let end = timeout(LIMIT, socket.read_to_end(&mut bytes)).await.unwrap();
    (bytes, end.map(drop))
}

/// The connection ends with an RST, after these bytes.
pub(crate) async fn expect_reset(socket: &mut TcpStream, bytes: &[u8]) {
    let (came, end) = read_to_end(socket).await;
    assert_eq!(end.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert!(came == bytes, "{} bytes came before it, instead of {}", came.len(), bytes.len());
}

/// The connection ends with a FIN, after these bytes.
pub(crate) async fn expect_end(socket: &mut TcpStream, bytes: &[u8]) {
    let (came, end) = read_to_end(socket).await;
    end.unwrap();
    assert!(came == bytes, "{} bytes came before it, instead of {}", came.len(), bytes.len());
}

/// Nothing comes, not even an end.
pub(crate) async fn expect_silence(socket: &TcpStream) {
    let heard = timeout(LISTENED, socket.peek(&mut [0; 1])).await;
    assert!(heard.is_err(), "{heard:?}");
}
