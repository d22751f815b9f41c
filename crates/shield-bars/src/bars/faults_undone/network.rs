//! Services behind proxies, and clients that ask them again and again: what a fault of the network does is what they see.
//!
//! Every service sends back what it gets. A client connects, says its words, ends its side and reads until the other side has
//! ended; on a line that is as it should be, its own words come back. Whoever waits for an answer goes on waiting, however
//! long, so that nobody counts as released who still hangs.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::sight::Sight;
use crate::harness::{Result, Trouble};

/// Rest of a client between two questions.
const PAUSE: Duration = Duration::from_millis(20);
/// Who has no answer after this time is held up. An answer that comes after all says that it was not the fault.
const PATIENCE: Duration = Duration::from_millis(20);
/// A client of names asks anew after this time: nothing would ever tell it to.
const DNS_PATIENCE: Duration = Duration::from_millis(250);
/// The end of the validity of the certificate that has expired, as it stands in it.
const EXPIRED: &[u8] = b"200201000000Z";

/// One kind of fault at a proxy of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// Of the fault, and of its proxy.
    pub(super) name: &'static str,
    /// Key of the fault's table in a load file.
    pub(super) key: &'static str,
    /// What the table holds besides the proxy.
    pub(super) values: &'static str,
    /// What a client sees of it.
    shows: Shows,
}

/// What a client sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    NoAnswer,
    Reset,
    Refusal,
    Status503,
    ExpiredCertificate,
    NoName,
    ServerFailure,
}

/// What became of a question.
#[derive(Debug)]
enum Reply {
    Echo,
    Silence,
    Refused,
    Broken,
    Other(Vec<u8>),
}

/// Every kind. They last longer than any round.
pub(super) const LINES: &[Line] = &[
    line("latency", "latency", ", delay = \"30s\"", Shows::NoAnswer),
    line("bandwidth", "bandwidth", ", per_second = \"1B\"", Shows::NoAnswer),
    line("reset", "reset", "", Shows::Reset),
    line("blackhole", "blackhole", "", Shows::NoAnswer),
    line("half-open", "half-open", "", Shows::NoAnswer),
    line("slow-close", "slow-close", ", delay = \"30s\"", Shows::NoAnswer),
    line("loss", "loss", ", lost = \"100%\"", Shows::NoAnswer),
    line("refuse", "refuse", "", Shows::Refusal),
    line("http-status", "http-status", ", status = 503", Shows::Status503),
    line("expired-certificate", "expired-certificate", ", host = \"localhost\"", Shows::ExpiredCertificate),
    line("dns-drop", "dns", ", drop = true", Shows::NoName),
    line("dns-servfail", "dns", ", servfail = true", Shows::ServerFailure),
    line("dns-delay", "dns", ", delay = \"30s\"", Shows::NoName),
];

const fn line(name: &'static str, key: &'static str, values: &'static str, shows: Shows) -> Line {
    Line { name, key, values, shows }
}

// === impl Line ===

impl Line {
    /// Whether it carries queries of names.
    pub(super) fn dns(self) -> bool {
        matches!(self.shows, Shows::NoName | Shows::ServerFailure)
    }

    /// A client cannot tell a proxy that refuses from one that is gone with its guard.
    pub(super) fn looks_like_death(self) -> bool {
        self.shows == Shows::Refusal
    }

    /// Asks the service behind `proxy` for ever, and notes what it sees.
    pub(super) async fn watch(self, proxy: SocketAddr, sight: Arc<Sight>) {
        let words = self.words();
        loop {
            let mut asked = pin!(self.ask(proxy, &words));
            let reply = match timeout(PATIENCE, asked.as_mut()).await {
                Ok(reply) => reply,
                Err(_) => {
                    // Of a fault that shows in what is answered, silence says nothing yet.
                    if self.is_shown_by(&Reply::Silence) {
                        sight.look(|| true);
                    }
                    asked.await
                }
            };
            sight.look(|| self.is_shown_by(&reply));
            sleep(PAUSE).await;
        }
    }

    fn is_shown_by(self, reply: &Reply) -> bool {
        match (self.shows, reply) {
            (Shows::NoAnswer | Shows::NoName, Reply::Silence)
            | (Shows::Reset, Reply::Broken)
            | (Shows::Refusal, Reply::Refused) => true,
            (Shows::Status503, Reply::Other(bytes)) => bytes.starts_with(b"HTTP/1.1 503 "),
            (Shows::ExpiredCertificate, Reply::Other(bytes)) => {
                bytes.windows(EXPIRED.len()).any(|window| window == EXPIRED)
            }
            // The code is in the fourth byte (RFC 1035, section 4.1.1).
            (Shows::ServerFailure, Reply::Other(bytes)) => bytes.get(3).is_some_and(|byte| byte & 15 == 2),
            _ => false,
        }
    }

    async fn ask(self, proxy: SocketAddr, words: &[u8]) -> Reply {
        let mut answer = Vec::new();
        let asked = if self.dns() {
            match timeout(DNS_PATIENCE, ask_name(proxy, words, &mut answer)).await {
                Ok(asked) => asked,
                Err(_) => return Reply::Silence,
            }
        } else {
            ask(proxy, words, &mut answer).await
        };
        match asked {
            Ok(()) if answer == words => Reply::Echo,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => Reply::Refused,
            Err(_) if answer.is_empty() => Reply::Broken,
            Ok(()) | Err(_) => Reply::Other(answer),
        }
    }

    fn words(self) -> Vec<u8> {
        match self.shows {
            Shows::ExpiredCertificate => client_hello(),
            Shows::NoName | Shows::ServerFailure => {
                // A query for the address of `a`.
                let head = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
                [&head[..], &[1, b'a', 0, 0, 1, 0, 1]].concat()
            }
            _ => b"GET / HTTP/1.1\r\nhost: service\r\n\r\n".to_vec(),
        }
    }
}

async fn ask(proxy: SocketAddr, words: &[u8], answer: &mut Vec<u8>) -> io::Result<()> {
    let mut stream = TcpStream::connect(proxy).await?;
    stream.write_all(words).await?;
    stream.shutdown().await?;
    stream.read_to_end(answer).await.map(drop)
}

async fn ask_name(proxy: SocketAddr, words: &[u8], answer: &mut Vec<u8>) -> io::Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0").await?;
    socket.connect(proxy).await?;
    socket.send(words).await?;
    socket.recv_buf(answer).await.map(drop)
}

/// The beginning of a TLS 1.2 handshake (RFC 5246, section 7.4.1.2), in which the server shows its certificate in the clear.
fn client_hello() -> Vec<u8> {
    let groups: &[u8] = &[0, 10, 0, 6, 0, 4, 0, 0x1d, 0, 0x17];
    let points: &[u8] = &[0, 11, 0, 2, 1, 0];
    let signatures: &[u8] = &[0, 13, 0, 4, 0, 2, 4, 3];
    let extensions = [groups, points, signatures].concat();
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("everything in it is short");
    // Version, randomness, no session, one cipher suite, no compression.
    let (version, suites): (&[u8], &[u8]) = (&[3, 3], &[0, 0, 2, 0xc0, 0x2b, 1, 0]);
    let hello = [version, &[7; 32], suites, &[0, length(&extensions)], &extensions].concat();
    let handshake = [&[1, 0, 0, length(&hello)][..], &hello].concat();
    [&[22, 3, 1, 0, length(&handshake)][..], &handshake].concat()
}

/// Starts a service for connections and one for datagrams. They end with `tasks`.
pub(super) async fn services(tasks: &mut JoinSet<()>) -> Result<(SocketAddr, SocketAddr)> {
    let failed = |error| Trouble::caused("start a service", error);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let socket = UdpSocket::bind("127.0.0.1:0").await.map_err(failed)?;
    let addresses = (listener.local_addr().map_err(failed)?, socket.local_addr().map_err(failed)?);
    tasks.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(echo(stream));
        }
    });
    tasks.spawn(async move {
        let mut datagram = [0; 512];
        loop {
            // A client that is gone is told nothing.
            if let Ok((length, client)) = socket.recv_from(&mut datagram).await {
                drop(socket.send_to(&datagram[..length], client).await);
            }
        }
    });
    Ok(addresses)
}

async fn echo(mut stream: TcpStream) {
    let (mut reader, mut writer) = stream.split();
    // A client that goes away ends it.
    drop(tokio::io::copy(&mut reader, &mut writer).await);
}

#[cfg(test)]
mod tests {
    use super::{LINES, Reply, client_hello};

    #[test]
    fn own_words_show_nothing() {
        for line in LINES {
            assert!(!line.is_shown_by(&Reply::Echo), "{line:?}");
            assert!(!line.is_shown_by(&Reply::Other(line.words())), "{line:?}");
        }
    }

    #[test]
    fn hello_states_its_lengths() {
        let hello = client_hello();
        assert_eq!(usize::from(hello[4]), hello.len() - 5);
        assert_eq!(usize::from(hello[8]), hello.len() - 9);
    }
}
