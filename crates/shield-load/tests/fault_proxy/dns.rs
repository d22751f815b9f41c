//! Name resolution that fails.

use std::time::Duration;

use shield_load::{DnsFault, DnsTrouble};
use shield_testkit::wait_for;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use crate::bench::{LIMIT, any_port};

/// How long silence is listened to. A forwarder that works passes however short it is.
const LISTENED: Duration = Duration::from_millis(30);

struct Bench {
    forwarder: DnsFault,
    upstream: UdpSocket,
    client: UdpSocket,
}

/// A query of `a.` with this id.
fn query(id: u16) -> Vec<u8> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend([0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 1, 0, 1]);
    message
}

async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut bytes = vec![0; 600];
    let (length, _) = timeout(LIMIT, socket.recv_from(&mut bytes)).await.unwrap().unwrap();
    bytes.truncate(length);
    bytes
}

impl Bench {
    async fn new() -> Self {
        let upstream = UdpSocket::bind(any_port()).await.unwrap();
        let forwarder = DnsFault::bind(any_port(), upstream.local_addr().unwrap()).unwrap();
        let bench = Self { client: client(&forwarder).await, upstream, forwarder };
        bench.resolves(1).await;
        bench
    }

    /// Answers the next query that comes up.
    async fn answer(&self) {
        let mut bytes = vec![0; 600];
        let (length, forwarder) = timeout(LIMIT, self.upstream.recv_from(&mut bytes)).await.unwrap().unwrap();
        bytes[2] |= 0x80;
        self.upstream.send_to(&bytes[..length], forwarder).await.unwrap();
    }

    async fn resolves(&self, id: u16) {
        self.client.send(&query(id)).await.unwrap();
        self.answer().await;
        let answer = receive(&self.client).await;
        assert_eq!((&answer[..2], answer[2] & 0x80), (&id.to_be_bytes()[..], 0x80));
    }

    async fn upstream_hears_nothing(&self) {
        let heard = timeout(LISTENED, self.upstream.peek_from(&mut [0; 600])).await;
        assert!(heard.is_err(), "{heard:?}");
    }
}

async fn client(forwarder: &DnsFault) -> UdpSocket {
    let client = UdpSocket::bind(any_port()).await.unwrap();
    client.connect(forwarder.address()).await.unwrap();
    client
}

#[tokio::test]
async fn clients_with_the_same_id_are_told_apart() {
    let bench = Bench::new().await;
    let other = client(&bench.forwarder).await;
    bench.client.send(&query(9)).await.unwrap();
    bench.answer().await;
    other.send(&query(9)).await.unwrap();
    bench.answer().await;
    assert_eq!(receive(&bench.client).await[..2], [0, 9]);
    assert_eq!(receive(&other).await[..2], [0, 9]);
}

#[tokio::test]
async fn dropped_query_reaches_nobody() {
    let bench = Bench::new().await;
    bench.forwarder.set(Some(DnsTrouble::Drop {}));
    bench.client.send(&query(2)).await.unwrap();
    let dropped = async || (bench.forwarder.counts().queries == 2).then_some(());
    wait_for("the query", LIMIT, dropped).await.unwrap();
    bench.upstream_hears_nothing().await;
    bench.forwarder.set(None);
    bench.resolves(3).await;
    assert_eq!(bench.forwarder.counts().forwarded, 2);
}

#[tokio::test]
async fn servfail_answers_the_question() {
    let bench = Bench::new().await;
    bench.forwarder.set(Some(DnsTrouble::Servfail {}));
    bench.client.send(&query(0x1234)).await.unwrap();
    let mut expected = query(0x1234);
    (expected[2], expected[3]) = (0x81, 0x82);
    assert_eq!(receive(&bench.client).await, expected);
    bench.upstream_hears_nothing().await;
    bench.forwarder.set(None);
    bench.resolves(3).await;
}

#[tokio::test]
async fn delayed_queries_go_on_when_it_is_undone() {
    let bench = Bench::new().await;
    bench.forwarder.set(Some(DnsTrouble::Delay { delay: Duration::from_secs(3600) }));
    bench.client.send(&query(2)).await.unwrap();
    let held = async || (bench.forwarder.counts().queries == 2).then_some(());
    wait_for("the query", LIMIT, held).await.unwrap();
    bench.upstream_hears_nothing().await;
    bench.forwarder.set(None);
    bench.answer().await;
    assert_eq!(receive(&bench.client).await[..2], [0, 2]);
    bench.forwarder.set(Some(DnsTrouble::Delay { delay: Duration::from_millis(1) }));
    bench.resolves(4).await;
}

#[tokio::test]
async fn noise_is_not_forwarded() {
    let bench = Bench::new().await;
    let mut answer = query(5);
    answer[2] |= 0x80;
    for noise in [&[][..], &[1, 2, 3], &answer] {
        bench.client.send(noise).await.unwrap();
    }
    bench.resolves(6).await;
    assert_eq!(bench.forwarder.counts().forwarded, 2);
    bench.forwarder.shutdown().await;
}
