//! A WebSocket server that can be told to misbehave frame by frame, written apart from the client it tests.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The first byte of a frame that is the last one of its message.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
const PONG: u8 = 0x8A;

pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// What clients said, over all connections.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) heads: Vec<String>,
    pub(crate) messages: Vec<String>,
    pub(crate) pongs: usize,
    /// Codes of close frames.
    pub(crate) closes: Vec<u16>,
}

#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

/// One connection, after the head of its first request.
pub(crate) struct Session {
    pub(crate) io: Box<dyn Io>,
    pub(crate) head: String,
    /// Number of the connection, from 0.
    pub(crate) number: usize,
    seen: Arc<Mutex<Seen>>,
}

/// A frame as a server sends it.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        length @ 0..=125 => out.push(length as u8),
        length @ 126..=65_535 => {
            out.push(126);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        length => {
            out.push(127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out
}

// === impl Server ===

impl Server {
    /// Treats each connection as `script` says; all tasks end with the test's runtime.
    pub(crate) async fn start<F>(
        tls: Option<Arc<ServerConfig>>,
        script: impl Fn(Session) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), seen: Arc::default() };
        let (seen, numbers) = (server.seen.clone(), Arc::new(AtomicUsize::new(0)));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (tls, seen, script) = (tls.clone(), seen.clone(), script.clone());
                let number = numbers.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(async move {
                    let Some(io) = secured(socket, tls).await else { return };
                    let mut session = Session { io, head: String::new(), number, seen };
                    if session.read_head().await {
                        script(session).await;
                    }
                });
            }
        });
        server
    }
}

async fn secured(socket: TcpStream, tls: Option<Arc<ServerConfig>>) -> Option<Box<dyn Io>> {
    match tls {
        None => Some(Box::new(socket)),
        Some(config) => Some(Box::new(TlsAcceptor::from(config).accept(socket).await.ok()?)),
    }
}

// === impl Session ===

impl Session {
    /// Reads the head of a request; false when there is none.
    pub(crate) async fn read_head(&mut self) -> bool {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            match self.io.read_u8().await {
                Ok(byte) => head.push(byte),
                Err(_) => return false,
            }
        }
        self.head = String::from_utf8(head).unwrap();
        self.seen.lock().unwrap().heads.push(self.head.clone());
        true
    }

    pub(crate) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        // A client that is gone is its test's business.
        drop(self.io.write_all(bytes.as_ref()).await);
        drop(self.io.flush().await);
    }

    /// The answer that opens the socket, with `fields` of one's own.
    pub(crate) fn welcome(&self, fields: &str) -> String {
        let key = self.head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: ")).unwrap();
        let text = format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
        let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()));
        format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{fields}\r\n"
        )
    }

    pub(crate) async fn upgrade(&mut self) {
        let welcome = self.welcome("");
        self.write(welcome).await;
    }

    /// Says something whole and waits for the other side to close, so that no reset overtakes it.
    pub(crate) async fn say_last(&mut self, bytes: impl AsRef<[u8]>) {
        self.write(bytes).await;
        drop(self.io.shutdown().await);
        while self.receive_frame().await.is_some() {}
    }

    /// The next text; close frames are answered, and end it.
    pub(crate) async fn receive(&mut self) -> Option<String> {
        let (first, payload) = self.receive_frame().await?;
        if first == CLOSE {
            self.write(frame(CLOSE, &payload)).await;
        }
        (first == TEXT).then(|| String::from_utf8(payload).unwrap())
    }

    /// Sends a ping and says whether the next frame is its pong.
    pub(crate) async fn pinged(&mut self, payload: &[u8]) -> bool {
        self.write(frame(PING, payload)).await;
        self.receive_frame().await == Some((PONG, payload.to_vec()))
    }

    /// Answers every message with itself.
    pub(crate) async fn echo(&mut self) {
        while let Some(message) = self.receive().await {
            self.write(frame(TEXT, message.as_bytes())).await;
        }
    }

    /// First byte and unmasked payload; none at the end, or when the client broke the protocol.
    async fn receive_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.io.read_u8().await.ok()?;
        let second = self.io.read_u8().await.ok()?;
        let length = match second.checked_sub(0x80)? {
            126 => self.io.read_u16().await.ok()?.into(),
            127 => self.io.read_u64().await.ok()?,
            short => short.into(),
        };
        let mut mask = [0; 4];
        self.io.read_exact(&mut mask).await.ok()?;
        let mut payload = vec![0; length as usize];
        self.io.read_exact(&mut payload).await.ok()?;
        payload.iter_mut().zip(mask.into_iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        let mut seen = self.seen.lock().unwrap();
        match first {
            TEXT => seen.messages.push(String::from_utf8(payload.clone()).unwrap()),
            PONG => seen.pongs += 1,
            CLOSE => seen.closes.push(payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code))),
            _ => {}
        }
        Some((first, payload))
    }
}
