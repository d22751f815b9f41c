//! A server that does next to nothing per request, so that what calls it can be measured.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::stall::monotonic_ns;

/// The body of every answer.
pub const BODY: &str = "{\"alive\": true}";
/// How often arrivals are written down.
const KEEP_INTERVAL: Duration = Duration::from_millis(50);
/// Longest head of a request.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// When requests arrived, in nanoseconds of the monotonic clock. Shared by all connections.
pub type Arrivals = Arc<Mutex<Vec<u64>>>;

/// Answers every HTTP/1.1 request with [`BODY`], and notes when it arrived if that is wanted.
pub async fn serve_http1(listener: TcpListener, arrivals: Option<Arrivals>) -> io::Result<()> {
    loop {
        let (socket, _) = listener.accept().await?;
        tokio::spawn(answer_http1(socket, arrivals.clone()));
    }
}

/// Appends what was noted to `file` again and again, one arrival per line.
pub async fn keep_arrivals(arrivals: Arrivals, mut file: File) -> io::Result<()> {
    loop {
        tokio::time::sleep(KEEP_INTERVAL).await;
        let noted = std::mem::take(&mut *arrivals.lock().expect("nothing panics while it holds the lock"));
        let lines: String = noted.iter().map(|arrival| format!("{arrival}\n")).collect();
        file.write_all(lines.as_bytes())?;
    }
}

/// The same over HTTP/2 by prior knowledge.
pub async fn serve_http2(listener: TcpListener) -> io::Result<()> {
    let answer = |_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(BODY.as_bytes()))))
    };
    loop {
        let (socket, _) = listener.accept().await?;
        // Only latency is at stake.
        let _ = socket.set_nodelay(true);
        tokio::spawn(async move {
            let connection = http2::Builder::new(TokioExecutor::new());
            // A client that goes away is the client's business.
            let _ = connection.serve_connection(TokioIo::new(socket), service_fn(answer)).await;
        });
    }
}

/// What every HTTP/1.1 request is answered with.
pub(crate) fn answer() -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{BODY}", BODY.len())
}

/// Answers the requests of one connection, pipelined ones too.
async fn answer_http1(mut socket: TcpStream, arrivals: Option<Arrivals>) {
    let answer = answer();
    // Only latency is at stake.
    let _ = socket.set_nodelay(true);
    let mut seen = Vec::new();
    while seen.len() < HEAD_BYTES_MAX && socket.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {
        while let Some(length) = request_length(&seen).filter(|length| *length <= seen.len()) {
            seen.drain(..length);
            if let Some(arrivals) = &arrivals {
                let mut arrivals = arrivals.lock().expect("nothing panics while it holds the lock");
                arrivals.push(monotonic_ns());
            }
            if socket.write_all(answer.as_bytes()).await.is_err() {
                return;
            }
        }
    }
}

/// Length of the first request, body included; none before its head is whole.
pub(crate) fn request_length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let named = |line: &str| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    let body: usize = str::from_utf8(&bytes[..head]).ok()?.lines().find_map(named).unwrap_or(0);
    Some(head + body)
}

#[cfg(test)]
mod tests {
    use super::request_length;

    #[test]
    fn requests_end_after_their_body() {
        assert_eq!(request_length(b"GET / HTTP/1.1\r\n\r\nGET"), Some(18));
        assert_eq!(request_length(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nab"), Some(40));
        assert_eq!(request_length(b"GET / HTTP/1.1\r\n"), None);
    }
}
