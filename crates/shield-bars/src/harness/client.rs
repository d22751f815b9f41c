//! A client with one connection, for bars that ask a question and read its answer.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

use super::{Result, Trouble};

/// Longest wait for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A client of one server. It connects when it must, and never repeats a request.
#[derive(Debug)]
pub(crate) struct HttpClient {
    address: SocketAddr,
    sender: Option<SendRequest<Full<Bytes>>>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

// === impl Question ===

impl Question {
    pub(crate) fn get(path: &str) -> Self {
        Self { method: Method::GET, path: path.to_owned(), headers: Vec::new(), body: None }
    }

    pub(crate) fn post(path: &str, body: Value) -> Self {
        Self { method: Method::POST, body: Some(body), ..Self::get(path) }
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self { method: Method::DELETE, ..Self::get(path) }
    }

    /// The same with one more header.
    #[must_use]
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn request(&self, address: SocketAddr) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().method(&self.method).uri(&self.path);
        request = request.header(header::HOST, address.to_string());
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let body = match &self.body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Full::from(body.to_string())
            }
            None => Full::default(),
        };
        request
            .body(body)
            .map_err(|error| Trouble::caused(format!("write a request to {}", self.path), error))
    }
}

// === impl Reply ===

impl Reply {
    /// A text of the body.
    pub(crate) fn text(&self, field: &str) -> Result<String> {
        let text = self.body[field].as_str().map(str::to_owned);
        text.ok_or_else(|| {
            Trouble::new(format!("find `{field}` in an answer {}: {}", self.status, self.body))
        })
    }
}

// === impl HttpClient ===

impl HttpClient {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, sender: None }
    }

    /// The answer to a question.
    pub(crate) async fn ask(&mut self, question: &Question) -> Result<Reply> {
        let request = question.request(self.address)?;
        let answered = timeout(ANSWER_LIMIT, self.send(request)).await;
        let what = || format!("ask {} {} of {}", question.method, question.path, self.address);
        let (status, headers, bytes) = answered
            .map_err(|_| Trouble::new(format!("{}: no answer within {ANSWER_LIMIT:?}", what())))?
            .map_err(|error| Trouble::caused(what(), error))?;
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok(Reply { status, headers, body })
    }

    /// The answer to a question, which must have this status.
    pub(crate) async fn ask_for(&mut self, status: u16, question: &Question) -> Result<Reply> {
        let reply = self.ask(question).await?;
        if reply.status == status {
            return Ok(reply);
        }
        let Question { method, path, .. } = question;
        Err(Trouble::new(format!(
            "ask {method} {path}: {} instead of {status}: {}",
            reply.status, reply.body
        )))
    }

    /// The text at a path.
    pub(crate) async fn text(&mut self, path: &str) -> Result<String> {
        let request = Question::get(path).request(self.address)?;
        let (_, _, bytes) = self.send(request).await?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<(u16, HeaderMap, Bytes)> {
        // Taken out, so that a connection on which something failed is not used again.
        let mut sender = match self.sender.take().filter(|sender| !sender.is_closed()) {
            Some(sender) => sender,
            None => self.connect().await?,
        };
        let lost = |error| Trouble::caused("get an answer", error);
        sender.ready().await.map_err(lost)?;
        let (head, body) = sender.send_request(request).await.map_err(lost)?.into_parts();
        let bytes = body.collect().await.map_err(lost)?.to_bytes();
        self.sender = Some(sender);
        Ok((head.status.as_u16(), head.headers, bytes))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let refused = |error| Trouble::caused("connect", error);
        let stream = TcpStream::connect(self.address).await.map_err(refused)?;
        stream.set_nodelay(true).map_err(refused)?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| Trouble::caused("connect", error))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}
