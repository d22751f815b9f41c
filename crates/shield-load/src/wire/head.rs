//! The answers of HTTP/1.1, from bytes.
//!
//! Pure: bytes in, decisions out. Heads are parsed by `httparse`; the framing of the body follows RFC 9112 section 6.3,
//! and whatever it calls an unrecoverable error is one here. Bodies are measured, not kept, but for the beginning of an
//! answer that is not 2xx.

use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

/// Most headers of an answer.
const HEADERS_MAX: usize = 100;
/// Longest line of a chunk's size or of a trailer.
const CHUNK_LINE_BYTES_MAX: usize = 8 * 1024;

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) status: u16,
    pub(crate) framing: Framing,
    /// The server will take another request on this connection.
    pub(crate) keeps_open: bool,
    pub(crate) sets_cookie: bool,
}

/// Where the body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length(u64),
    Chunked,
    UntilClose,
}

/// The server broke the protocol.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum AnswerError {
    #[error("parse the head of the answer: {0}")]
    Head(httparse::Error),
    #[error("read the answer's `content-length`: not one number")]
    ContentLength,
    #[error("read the answer's `transfer-encoding`: not `chunked` alone")]
    TransferEncoding,
    #[error("read a chunk of the answer: its framing is broken")]
    Chunk,
}

/// Parses a head; none while it is incomplete. Returns its length too.
pub(crate) fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>, AnswerError> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = answer.parse(bytes).map_err(AnswerError::Head)? else {
        return Ok(None);
    };
    let status = answer.code.unwrap_or(0);
    // HTTP/1.0 closes unless it says otherwise.
    let (mut says_close, mut says_keep_alive) = (answer.version == Some(0), false);
    let (mut content_length, mut chunked, mut sets_cookie) = (None, false, false);
    for header in answer.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let value = decimal(header.value).ok_or(AnswerError::ContentLength)?;
            if content_length.replace(value).is_some_and(|earlier| earlier != value) {
                return Err(AnswerError::ContentLength);
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !header.value.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                return Err(AnswerError::TransferEncoding);
            }
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("connection") {
            for option in header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                says_close |= option.eq_ignore_ascii_case(b"close");
                says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if header.name.eq_ignore_ascii_case("set-cookie") {
            sets_cookie = true;
        }
    }
    let framing = match (status, chunked, content_length) {
        (100..=199 | 204 | 304, _, _) => Framing::Length(0),
        (_, true, _) => Framing::Chunked,
        (_, false, Some(length)) => Framing::Length(length),
        (_, false, None) => Framing::UntilClose,
    };
    let closes = says_close && !(answer.version == Some(0) && says_keep_alive);
    // Both a length and chunks: chunks win, and the connection is not to be trusted with another answer.
    let ambiguous = chunked && content_length.is_some();
    let keeps_open = !closes && !ambiguous && framing != Framing::UntilClose;
    Ok(Some((Head { status, framing, keeps_open, sets_cookie }, length)))
}

/// All headers of a head that was parsed before.
pub(crate) fn headers(bytes: &[u8]) -> HeaderMap {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut answer = httparse::Response::new(&mut headers);
    let mut map = HeaderMap::new();
    if answer.parse(bytes).is_ok() {
        for header in answer.headers.iter() {
            let name = HeaderName::from_bytes(header.name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(header.value)) {
                map.append(name, value);
            }
        }
    }
    map
}

fn decimal(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text.trim_ascii()).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Finds the end of a chunked body, piece by piece.
#[derive(Debug)]
pub(crate) struct ChunkedBody {
    state: ChunkState,
    line: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChunkState {
    SizeLine,
    Data(u64),
    /// The line end after the data.
    DataEnd,
    Trailer,
    Done,
}

// === impl ChunkedBody ===

impl ChunkedBody {
    pub(crate) fn new() -> Self {
        Self { state: ChunkState::SizeLine, line: Vec::new() }
    }

    pub(crate) fn done(&self) -> bool {
        self.state == ChunkState::Done
    }

    /// Takes bytes up to the end of the body, hands the data to `data`, and returns how many it took.
    pub(crate) fn feed(&mut self, bytes: &[u8], mut data: impl FnMut(&[u8])) -> Result<usize, AnswerError> {
        let mut taken = 0;
        while taken < bytes.len() && !self.done() {
            let rest = &bytes[taken..];
            taken += match self.state {
                ChunkState::Data(left) => {
                    let length = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    data(&rest[..length]);
                    let left = left - length as u64;
                    self.state = if left == 0 { ChunkState::DataEnd } else { ChunkState::Data(left) };
                    length
                }
                _ => self.take_line(rest)?,
            };
        }
        Ok(taken)
    }

    /// Collects up to a line's end; acts on the line when it is whole.
    fn take_line(&mut self, bytes: &[u8]) -> Result<usize, AnswerError> {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let length = end.map_or(bytes.len(), |end| end + 1);
        self.line.extend_from_slice(&bytes[..length]);
        if self.line.len() > CHUNK_LINE_BYTES_MAX {
            return Err(AnswerError::Chunk);
        }
        if end.is_some() {
            let line = self.line.strip_suffix(b"\r\n").ok_or(AnswerError::Chunk)?;
            self.state = next_state(self.state, line)?;
            self.line.clear();
        }
        Ok(length)
    }
}

fn next_state(state: ChunkState, line: &[u8]) -> Result<ChunkState, AnswerError> {
    match state {
        ChunkState::SizeLine => match chunk_size(line).ok_or(AnswerError::Chunk)? {
            0 => Ok(ChunkState::Trailer),
            size => Ok(ChunkState::Data(size)),
        },
        ChunkState::DataEnd if line.is_empty() => Ok(ChunkState::SizeLine),
        ChunkState::Trailer if line.is_empty() => Ok(ChunkState::Done),
        ChunkState::Trailer => Ok(ChunkState::Trailer),
        ChunkState::DataEnd | ChunkState::Data(_) | ChunkState::Done => Err(AnswerError::Chunk),
    }
}

/// The size before any extension.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
    let digits = str::from_utf8(digits).ok()?;
    // `from_str_radix` would take a sign as well.
    digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u64::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{AnswerError, ChunkedBody, Framing, Head, parse_head};

    fn head(lines: &str) -> Result<Option<Head>, AnswerError> {
        Ok(parse_head(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes())?.map(|(head, _)| head))
    }

    #[test]
    fn frames_body_as_told() {
        let framing = |lines| head(lines).unwrap().unwrap().framing;
        assert_eq!(framing("HTTP/1.1 200 OK\nContent-Length: 12"), Framing::Length(12));
        assert_eq!(framing("HTTP/1.1 200 OK\nTransfer-Encoding: Chunked"), Framing::Chunked);
        assert_eq!(framing("HTTP/1.1 200 OK"), Framing::UntilClose);
        assert_eq!(framing("HTTP/1.1 204 No Content"), Framing::Length(0));
    }

    #[test]
    fn knows_when_connection_closes() {
        let keeps_open = |lines| head(lines).unwrap().unwrap().keeps_open;
        assert!(keeps_open("HTTP/1.1 200 OK\ncontent-length: 0"));
        assert!(!keeps_open("HTTP/1.1 200 OK\ncontent-length: 0\nconnection: foo, Close"));
        assert!(!keeps_open("HTTP/1.0 200 OK\ncontent-length: 0"));
        assert!(keeps_open("HTTP/1.0 200 OK\ncontent-length: 0\nconnection: keep-alive"));
        assert!(!keeps_open("HTTP/1.1 200 OK\ncontent-length: 0\ntransfer-encoding: chunked"));
    }

    #[test]
    fn refuses_broken_framing() {
        assert_eq!(
            head("HTTP/1.1 200 OK\ncontent-length: 1\ncontent-length: 2"),
            Err(AnswerError::ContentLength)
        );
        assert_eq!(head("HTTP/1.1 200 OK\ncontent-length: +1"), Err(AnswerError::ContentLength));
        assert_eq!(head("HTTP/1.1 200 OK\ntransfer-encoding: gzip"), Err(AnswerError::TransferEncoding));
        assert!(matches!(head("SSH-2.0"), Err(AnswerError::Head(_))));
        for body in ["x\r\n", "1\r\nabc\r\n", "5\nabcde", "fffffffffffffffff\r\n", "\r\n", "-1\r\n", "+1\r\n"]
        {
            assert_eq!(ChunkedBody::new().feed(body.as_bytes(), |_| ()), Err(AnswerError::Chunk), "{body}");
        }
    }

    #[test]
    fn waits_for_whole_head() {
        assert_eq!(parse_head(b"HTTP/1.1 200 OK\r\ncontent-le"), Ok(None));
    }

    proptest! {
        #[test]
        fn chunks_survive_any_cut(pieces in prop::collection::vec("[a-z]{1,40}", 0..6), cut in 1_usize..9) {
            let mut text: String = pieces.iter().map(|piece| format!("{:x};x=y\r\n{piece}\r\n", piece.len())).collect();
            text.push_str("0\r\ntrailer: x\r\n\r\nNEXT");
            let (mut body, mut seen, mut taken) = (ChunkedBody::new(), Vec::new(), 0);
            for part in text.as_bytes().chunks(cut) {
                taken += body.feed(part, |data| seen.extend_from_slice(data)).unwrap();
            }
            prop_assert!(body.done());
            prop_assert_eq!(taken, text.len() - "NEXT".len());
            prop_assert_eq!(seen, pieces.concat().into_bytes());
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(parse_head(&bytes));
            drop(ChunkedBody::new().feed(&bytes, |_| ()));
        }
    }
}
