//! Servers that refuse, break off and break the protocol: each has its kind of failure, and none holds the run up.

use std::time::Duration;

use proptest::prelude::*;
use shield_load::{FailureKind, LoadReport};
use tokio::io::AsyncReadExt;
use tokio::runtime::Runtime;

use crate::server::{CLOSE, Server, Session, TEXT, frame};
use crate::{counts, finish, plan, sees_closes, talk};

/// A run of two messages, whose first one is answered with `bytes` and the end of the connection.
async fn answered_with(bytes: Vec<u8>) -> (LoadReport, Server) {
    talk(2, move |mut session: Session| {
        let bytes = bytes.clone();
        async move {
            session.upgrade().await;
            session.receive().await.unwrap();
            session.say_last(bytes).await;
        }
    })
    .await
}

/// Fails both messages in one way; both may have been applied.
async fn failed(bytes: Vec<u8>) -> (FailureKind, String, Server) {
    let (report, server) = answered_with(bytes).await;
    let failure = report.failures[0].clone();
    assert_eq!((report.failed_as(failure.kind), report.connections), (2, 2), "{:?}", report.failures);
    assert_eq!(report.posted.unknown_count(), 2);
    (failure.kind, failure.detail, server)
}

#[tokio::test]
async fn close_while_waiting_fails_message() {
    let (kind, detail, server) = failed(frame(CLOSE, b"\x03\xF3too busy")).await;
    assert_eq!(kind, FailureKind::ClosedBeforeAnswer);
    assert_eq!(detail, "the server closed the websocket: 1011 too busy");
    sees_closes(&server, &[1011; 2]).await;
    let (kind, detail, server) = failed(frame(CLOSE, b"")).await;
    assert_eq!((kind, &*detail), (FailureKind::ClosedBeforeAnswer, "the server closed the websocket"));
    sees_closes(&server, &[0; 2]).await;
}

#[tokio::test]
async fn end_of_connection_fails_message() {
    assert_eq!(failed(Vec::new()).await.0, FailureKind::ClosedBeforeAnswer);
    assert_eq!(failed(frame(0x01, b"{\"n\"")).await.0, FailureKind::Truncated);
    assert_eq!(failed(vec![TEXT, 100, b'{']).await.0, FailureKind::Truncated);
}

#[tokio::test]
async fn reset_fails_message() {
    let (report, _) = talk(2, async |mut session: Session| {
        session.upgrade().await;
        // The rest of the frame is never read, so the kernel answers it with a reset.
        session.io.read_exact(&mut [0; 2]).await.unwrap();
    })
    .await;
    assert_eq!(report.failed_as(FailureKind::Reset), 2, "{:?}", report.failures);
}

#[tokio::test]
async fn broken_protocol_is_named_and_closed() {
    let broken = async |bytes: Vec<u8>, code: u16, words: &str| {
        let (kind, detail, server) = failed(bytes).await;
        assert_eq!(kind, FailureKind::Protocol, "{detail}");
        assert!(detail.contains(words), "{detail}");
        sees_closes(&server, &[code; 2]).await;
    };
    broken(vec![TEXT, 0x81, 0, 0, 0, 0, b'x'], 1002, "masked").await;
    broken(frame(TEXT | 0x40, b"x"), 1002, "reserved bits").await;
    broken(frame(TEXT, b"\xFF"), 1007, "UTF-8").await;
    broken(frame(TEXT, &vec![b'x'; 2 * 1024 * 1024]), 1009, "`2097152` bytes").await;
}

#[tokio::test]
async fn handshake_must_be_answered_for_its_key() {
    let (report, _) = talk(2, async |mut session: Session| {
        let welcome = session.welcome("").replace("Sec-WebSocket-Accept: ", "Sec-WebSocket-Accept: x");
        session.say_last(welcome).await;
    })
    .await;
    assert_eq!(report.failed_as(FailureKind::Protocol), 2, "{:?}", report.failures);
    assert!(report.failures[0].detail.contains("sec-websocket-accept"), "{}", report.failures[0].detail);
    assert_eq!(report.posted.unknown_count(), 0, "no message was sent");
}

#[tokio::test]
async fn refused_handshake_has_its_status() {
    let (report, server) = talk(2, async |mut session: Session| {
        session.say_last("HTTP/1.1 403 Forbidden\r\ncontent-length: 7\r\n\r\nnot you").await;
    })
    .await;
    assert_eq!(report.failed_as(FailureKind::StatusClientError), 2, "{:?}", report.failures);
    assert_eq!(report.statuses.get(&403), Some(&2));
    assert_eq!(report.failures[0].detail, "status 403: not you");
    assert_eq!(report.posted.unknown_count(), 0, "no message was sent");
    assert!(server.seen.lock().unwrap().messages.is_empty());
}

#[tokio::test]
async fn closed_port_is_refused_connection() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let report = finish(plan(address, vec![counts()], 2)).await;
    assert_eq!(report.failed_as(FailureKind::ConnectRefused), 2, "{:?}", report.failures);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    /// Whatever comes after the message, or in place of the handshake's answer: the run ends, and accounts for every message.
    #[test]
    fn no_bytes_of_a_server_hold_a_run_up(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), 0_u8..4, 0x80_u8..0x8B], 0..100),
        upgrades: bool,
        stays: bool,
    ) {
        Runtime::new().unwrap().block_on(async {
            let server = Server::start(None, move |mut session: Session| {
                let bytes = bytes.clone();
                async move {
                    if upgrades {
                        session.upgrade().await;
                        session.receive().await;
                    }
                    session.write(&bytes).await;
                    if stays {
                        while session.receive().await.is_some() {}
                    }
                }
            })
            .await;
            let mut plan = plan(server.address, vec![counts()], 2);
            plan.request_timeout = Duration::from_millis(20);
            let report = finish(plan).await;
            prop_assert_eq!(report.offered, 2);
            Ok(())
        })?;
    }
}
