//! The heads of HTTP/1.x requests, from bytes, and where bodies end.
//!
//! Strict where a mistake would let a request be taken for the body of another one: what is not understood is not answered.

use crate::wire::head::{ChunkedBody, Framing};

/// Longest head that is looked at.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;

/// What the beginning of some bytes is.
#[derive(Debug)]
pub(crate) enum Parsed {
    Incomplete,
    Request(RequestHead),
    /// Nothing that is understood.
    Foreign,
}

/// The head of a request.
#[derive(Debug)]
pub(crate) struct RequestHead {
    pub(crate) length: usize,
    pub(crate) body: Body,
    pub(crate) method: Method,
    /// The client waits for a `100 Continue` before it sends the body.
    pub(crate) expects: bool,
    /// The client wants the connection closed afterwards.
    pub(crate) closes: bool,
}

/// What the method says about the answer's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Head,
    Connect,
    Other,
}

/// What is left of a body.
#[derive(Debug)]
pub(crate) enum Body {
    Length(u64),
    Chunked(ChunkedBody),
    UntilClose,
}

/// Parses a head.
pub(crate) fn parse_request(bytes: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES_MAX => return Parsed::Incomplete,
        Ok(httparse::Status::Partial) | Err(_) => return Parsed::Foreign,
    };
    let http10 = request.version == Some(0);
    let (mut says_close, mut says_keep_alive, mut expects) = (false, false, false);
    let (mut content_length, mut chunked) = (None, false);
    for header in request.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            let Some(value) = decimal(header.value) else { return Parsed::Foreign };
            if content_length.replace(value).is_some() {
                return Parsed::Foreign;
            }
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            if chunked || !header.value.eq_ignore_ascii_case(b"chunked") {
                return Parsed::Foreign;
            }
            chunked = true;
        } else if header.name.eq_ignore_ascii_case("connection") {
            for option in header.value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                says_close |= option.eq_ignore_ascii_case(b"close");
                says_keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        } else if header.name.eq_ignore_ascii_case("expect") {
            expects = true;
        }
    }
    let body = match (chunked, content_length) {
        (true, Some(_)) => return Parsed::Foreign,
        (true, None) => Body::Chunked(ChunkedBody::new()),
        (false, length) => Body::Length(length.unwrap_or(0)),
    };
    let method = match request.method {
        Some("HEAD") => Method::Head,
        Some("CONNECT") => Method::Connect,
        _ => Method::Other,
    };
    let closes = says_close || (http10 && !says_keep_alive);
    Parsed::Request(RequestHead { length, body, method, expects, closes })
}

/// Whether the first line is whole and a request's.
pub(crate) fn begins_with_request_line(bytes: &[u8]) -> bool {
    let Some(end) = bytes.iter().take(HEAD_BYTES_MAX).position(|byte| *byte == b'\n') else { return false };
    let line = &bytes[..end];
    let method = line.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let versioned = line.ends_with(b" HTTP/1.1\r") || line.ends_with(b" HTTP/1.0\r");
    method > 0 && line.get(method) == Some(&b' ') && versioned
}

fn decimal(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?;
    // `parse` would take a sign as well.
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

// === impl Body ===

impl Body {
    /// Of an answer.
    pub(crate) fn framed(framing: Framing) -> Self {
        match framing {
            Framing::Length(length) => Self::Length(length),
            Framing::Chunked => Self::Chunked(ChunkedBody::new()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    pub(crate) fn done(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.done(),
            Self::UntilClose => false,
        }
    }

    /// How many of the bytes belong to the body; none if its framing is broken.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Option<usize> {
        match self {
            Self::Length(left) => {
                let taken = bytes.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                *left -= taken as u64;
                Some(taken)
            }
            Self::Chunked(chunks) => chunks.feed(bytes, |_| ()).ok(),
            Self::UntilClose => Some(bytes.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Body, Method, Parsed, RequestHead, begins_with_request_line, parse_request};

    fn head(lines: &str) -> Option<RequestHead> {
        match parse_request(format!("{}\r\n\r\n", lines.replace('\n', "\r\n")).as_bytes()) {
            Parsed::Request(head) => Some(head),
            Parsed::Incomplete | Parsed::Foreign => None,
        }
    }

    #[test]
    fn reads_what_decides() {
        let post = head("POST /a HTTP/1.1\nhost: a\nContent-Length: 7\nExpect: 100-continue").unwrap();
        assert!(matches!(post.body, Body::Length(7)) && post.expects && !post.closes);
        let chunked = head("PUT / HTTP/1.1\ntransfer-encoding: Chunked\nconnection: x, close").unwrap();
        assert!(matches!(chunked.body, Body::Chunked(_)) && chunked.closes);
        assert_eq!(head("HEAD / HTTP/1.1").unwrap().method, Method::Head);
        assert!(head("GET / HTTP/1.0").unwrap().closes);
    }

    #[test]
    fn ambiguous_request_is_foreign() {
        for lines in [
            "POST / HTTP/1.1\ncontent-length: 1\ntransfer-encoding: chunked",
            "POST / HTTP/1.1\ncontent-length: 1\ncontent-length: 1",
            "POST / HTTP/1.1\ncontent-length: +1",
            "POST / HTTP/1.1\ntransfer-encoding: gzip, chunked",
            "PRI * HTTP/2.0",
            "\u{16}\u{3}\u{1}",
        ] {
            assert!(head(lines).is_none(), "{lines}");
        }
    }

    #[test]
    fn endless_head_is_foreign() {
        let endless = format!("GET /{} HTTP/1.1\r\n", "a".repeat(64 * 1024));
        assert!(matches!(parse_request(endless.as_bytes()), Parsed::Foreign));
        assert!(matches!(parse_request(b"GET / HT"), Parsed::Incomplete));
    }

    #[test]
    fn tells_request_line_from_body() {
        assert!(begins_with_request_line(b"GET /a HTTP/1.1\r\nhost: a"));
        for bytes in ["GET /a HTTP/1.1", "{\"a\": 1}\r\n", " HTTP/1.1\r\n", "get / HTTP/1.1\r\n", ""] {
            assert!(!begins_with_request_line(bytes.as_bytes()), "{bytes}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            drop(parse_request(&bytes));
            begins_with_request_line(&bytes);
        }
    }
}
