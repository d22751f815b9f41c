//! A client that speaks just enough HTTP/1.1: one request per connection, never a retry.

use std::{net::SocketAddr, time::Duration};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// Bound of everything a test waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).first().copied()
    }

    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
    }

    /// `name=value` of the cookie that an answer sets.
    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.headers("set-cookie").into_iter().find_map(|value| {
            let pair = value.split(';').next()?;
            pair.strip_prefix(name)?.starts_with('=').then_some(pair)
        })
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> Reply {
    send(address, format!("GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")).await
}

pub(crate) async fn post(address: SocketAddr, path: &str, body: &str) -> Reply {
    send(address, format!("{}{body}", post_head(path, body.len()))).await
}

pub(crate) fn post_head(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    )
}

pub(crate) async fn send(address: SocketAddr, request: String) -> Reply {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A refusal may come before the whole request is written.
    let _written = stream.write_all(request.as_bytes()).await;
    read_reply(&mut stream).await
}

pub(crate) async fn read_reply(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let outcome = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) =
        text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{outcome:?}: no answer: {text:?}"));
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Reply { status, head: head.to_owned(), body: body.to_owned() }
}

/// Asks again until `question` has an answer.
pub(crate) async fn wait_for<T>(what: &str, mut question: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = question().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        sleep(Duration::from_millis(10)).await;
    }
}
