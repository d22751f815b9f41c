//! One plain request over a fresh connection, with a deadline and a bounded answer.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::{net::TcpStream, time::timeout};

/// How much of an answer is read.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// A request.
pub(super) struct PlainRequest<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) headers: &'a BTreeMap<String, String>,
    pub(super) body: Option<&'a str>,
}

/// An answer.
pub(super) struct PlainAnswer {
    pub(super) status: StatusCode,
    pub(super) body: Bytes,
}

impl PlainRequest<'_> {
    /// Sends it to `address`; the whole exchange must end within `deadline`.
    pub(super) async fn send(&self, address: SocketAddr, deadline: Duration) -> Result<PlainAnswer, String> {
        let late = || format!("no complete answer within {}", shield_types::format_duration(deadline));
        timeout(deadline, self.exchange(address)).await.unwrap_or_else(|_| Err(late()))
    }

    async fn exchange(&self, address: SocketAddr) -> Result<PlainAnswer, String> {
        let stream =
            TcpStream::connect(address).await.map_err(|error| format!("connect to {address}: {error}"))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(self.build(address)?).await.map_err(text)?;
        let status = answer.status();
        let body =
            Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await.map_err(text)?.to_bytes();
        connection.abort();
        Ok(PlainAnswer { status, body })
    }

    fn build(&self, address: SocketAddr) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::builder().method(self.method).uri(self.path);
        if !self.headers.contains_key("host") {
            request = request.header("host", address.to_string());
        }
        let looks_like_json = self.body.is_some_and(|body| body.trim_start().starts_with(['{', '[']));
        if looks_like_json && !self.headers.contains_key("content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        let body = Bytes::from(self.body.unwrap_or_default().to_owned());
        request.body(Full::new(body)).map_err(text)
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
