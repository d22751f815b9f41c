//! One question to an instance: does it answer a request the way a healthy one does?
//!
//! Every probe opens a connection of its own: a reused one would prove that the old connection works, not that new clients
//! get in. Redirects are not followed; the status counts as it is.

use std::{error::Error, io, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use shield_types::format_duration;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};

/// How much of a body is read; a longer one is as healthy as a short one.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What a healthy instance answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeTarget {
    /// Path and query of the request.
    pub path: String,
    /// Value of the `Host` header.
    pub host: String,
    /// Lowest healthy status.
    pub status_min: u16,
    /// Highest healthy status.
    pub status_max: u16,
    /// Time for the whole exchange, from the connection to the end of the body.
    pub timeout: Duration,
}

/// Why a probe failed, as a fragment that fits after "the last probe: ".
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProbeFailure {
    /// Nobody listens.
    #[error("connection refused")]
    Refused,
    /// The time ran out.
    #[error("no answer within {}", format_duration(*timeout))]
    TimedOut {
        /// The time it had.
        timeout: Duration,
    },
    /// It answered, with the wrong status.
    #[error("answered {status} (expected {status_min}-{status_max})")]
    Status {
        /// What it answered.
        status: u16,
        /// Lowest healthy status.
        status_min: u16,
        /// Highest healthy status.
        status_max: u16,
    },
    /// It hung up early.
    #[error("closed the connection before its answer was complete")]
    Closed,
    /// It speaks something else.
    #[error("answered something that is not HTTP/1.1")]
    NotHttp,
    /// The path or host cannot be put into a request.
    #[error("cannot be asked for `{path}` at host `{host}`")]
    Unaskable {
        /// The path.
        path: String,
        /// The host.
        host: String,
    },
    /// The operating system failed the connection in another way.
    #[error("connection failed: {reason}")]
    Connection {
        /// What the operating system said.
        reason: String,
    },
}

/// Asks once, over a new connection.
pub async fn probe(address: SocketAddr, target: &ProbeTarget) -> Result<(), ProbeFailure> {
    let timed_out = ProbeFailure::TimedOut { timeout: target.timeout };
    timeout(target.timeout, exchange(address, target)).await.unwrap_or(Err(timed_out))
}

async fn exchange(address: SocketAddr, target: &ProbeTarget) -> Result<(), ProbeFailure> {
    let request = request(target)?;
    let stream = TcpStream::connect(address).await.map_err(|error| from_io(&error))?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| from_hyper(&error))?;
    // The set aborts the task when this function ends, however it does.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let answer = sender.send_request(request).await.map_err(|error| from_hyper(&error))?;
    let status = answer.status().as_u16();
    let (status_min, status_max) = (target.status_min, target.status_max);
    if !(status_min..=status_max).contains(&status) {
        return Err(ProbeFailure::Status { status, status_min, status_max });
    }
    read_body(answer.into_body()).await
}

fn request(target: &ProbeTarget) -> Result<Request<Empty<Bytes>>, ProbeFailure> {
    let unaskable = || ProbeFailure::Unaskable { path: target.path.clone(), host: target.host.clone() };
    if !target.path.starts_with('/') {
        return Err(unaskable());
    }
    Request::builder()
        .method(Method::GET)
        .uri(&target.path)
        .header(header::HOST, &target.host)
        .header(header::USER_AGENT, "shield-probe")
        .header(header::CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| unaskable())
}

async fn read_body(mut body: Incoming) -> Result<(), ProbeFailure> {
    let mut read = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| from_hyper(&error))?;
        read += frame.data_ref().map_or(0, Bytes::len);
        if read > BODY_BYTES_MAX {
            break;
        }
    }
    Ok(())
}

fn from_io(error: &io::Error) -> ProbeFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ProbeFailure::Refused,
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe | io::ErrorKind::UnexpectedEof => {
            ProbeFailure::Closed
        }
        _ => ProbeFailure::Connection { reason: error.to_string() },
    }
}

fn from_hyper(error: &hyper::Error) -> ProbeFailure {
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        from_io(error)
    } else if error.is_parse() {
        ProbeFailure::NotHttp
    } else if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        ProbeFailure::Closed
    } else {
        ProbeFailure::Connection { reason: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    fn target() -> ProbeTarget {
        ProbeTarget {
            path: "/health?full=1".to_owned(),
            host: "service.test".to_owned(),
            status_min: 200,
            status_max: 299,
            timeout: Duration::from_secs(30),
        }
    }

    /// Probes a server that reads one request, checks it, and says `answer`, which may be anything.
    async fn probe_saying(answer: &str) -> Result<(), ProbeFailure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                request.push(stream.read_u8().await.unwrap());
            }
            let request = String::from_utf8(request).unwrap();
            assert!(
                request.starts_with("GET /health?full=1 HTTP/1.1\r\nhost: service.test\r\n"),
                "{request}"
            );
            // The probe may hang up before it has all of an oversized answer.
            let _ = stream.write_all(answer.as_bytes()).await;
        };
        let target = target();
        tokio::join!(probe(address, &target), serve).0
    }

    #[tokio::test]
    async fn accepts_expected_status() {
        assert_eq!(probe_saying("HTTP/1.1 204 No Content\r\n\r\n").await, Ok(()));
        assert_eq!(probe_saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await, Ok(()));
    }

    #[tokio::test]
    async fn refuses_other_status() {
        let failure = probe_saying("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n").await.unwrap_err();
        assert_eq!(failure.to_string(), "answered 503 (expected 200-299)");
        let redirect = probe_saying("HTTP/1.1 302 Found\r\nlocation: /\r\n\r\n").await.unwrap_err();
        assert_eq!(redirect.to_string(), "answered 302 (expected 200-299)");
    }

    #[tokio::test]
    async fn refuses_half_an_answer() {
        assert_eq!(probe_saying("").await, Err(ProbeFailure::Closed));
        assert_eq!(probe_saying("HTTP/1.1 200").await, Err(ProbeFailure::Closed));
        assert_eq!(
            probe_saying("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok").await,
            Err(ProbeFailure::Closed)
        );
        assert_eq!(probe_saying("220 smtp ready\r\n\r\n").await, Err(ProbeFailure::NotHttp));
    }

    #[tokio::test]
    async fn reads_bounded_body() {
        let endless =
            format!("HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n{}", "x".repeat(BODY_BYTES_MAX * 2));
        assert_eq!(probe_saying(&endless).await, Ok(()));
    }

    #[tokio::test]
    async fn names_refusal_and_silence() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let hasty = ProbeTarget { timeout: Duration::from_millis(50), ..target() };
        let silence = probe(address, &hasty).await.unwrap_err();
        assert_eq!(silence.to_string(), "no answer within 50ms");
        drop(listener);
        assert_eq!(probe(address, &target()).await.unwrap_err().to_string(), "connection refused");
        let odd = ProbeTarget { path: "no slash".to_owned(), ..target() };
        assert!(matches!(probe(address, &odd).await, Err(ProbeFailure::Unaskable { .. })));
    }
}
