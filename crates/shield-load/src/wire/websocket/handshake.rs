//! The handshake (RFC 6455 section 4), to bytes and judged.
//!
//! Pure. No subprotocol and no extension is offered, so a server that agreed to one has broken the protocol.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, header};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use thiserror::Error;

use crate::scenario::cookies::Cookies;

/// What the protocol appends to a key before it is digested.
const KEY_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The server said 101 and did not mean this handshake.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum HandshakeError {
    #[error("open a websocket: the answer's `upgrade` is not `websocket`, or its `connection` not `upgrade`")]
    Upgrade,
    #[error("open a websocket: the answer's `sec-websocket-accept` does not follow from the key")]
    Accept,
    #[error("open a websocket: the server agreed to `{0}`, which was not offered")]
    NotOffered(HeaderName),
}

/// One try to open a socket.
#[derive(Debug)]
pub(crate) struct Handshake {
    key: String,
}

// === impl Handshake ===

impl Handshake {
    /// With a key of its own. It is no secret: it only shows that the answer was made for this request.
    pub(crate) fn new() -> Self {
        Self { key: STANDARD.encode(fastrand::u128(..).to_ne_bytes()) }
    }

    /// The whole request. `path` holds no blank and no control character; `own_fields` are whole lines.
    pub(crate) fn request(
        &self,
        path: &[u8],
        authority: &str,
        cookies: &Cookies,
        own_fields: &[u8],
    ) -> Vec<u8> {
        let mut out = b"GET ".to_vec();
        out.extend_from_slice(path);
        let fields = format!(
            " HTTP/1.1\r\nhost: {authority}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: {}\r\n",
            self.key
        );
        out.extend_from_slice(fields.as_bytes());
        out.extend_from_slice(own_fields);
        if !cookies.is_empty() {
            out.extend_from_slice(b"cookie: ");
            cookies.write(&mut out);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
        out
    }

    /// Whether an answer of the status 101 opens a socket.
    pub(crate) fn verify(&self, headers: &HeaderMap) -> Result<(), HandshakeError> {
        if !says(headers, header::UPGRADE, "websocket") || !says(headers, header::CONNECTION, "upgrade") {
            return Err(HandshakeError::Upgrade);
        }
        let accepted = headers.get(header::SEC_WEBSOCKET_ACCEPT);
        if accepted.is_none_or(|accepted| accepted.as_bytes() != self.accept().as_bytes()) {
            return Err(HandshakeError::Accept);
        }
        let offers = [header::SEC_WEBSOCKET_EXTENSIONS, header::SEC_WEBSOCKET_PROTOCOL];
        match offers.into_iter().find(|name| headers.contains_key(name)) {
            Some(name) => Err(HandshakeError::NotOffered(name)),
            None => Ok(()),
        }
    }

    fn accept(&self) -> String {
        let text = format!("{}{KEY_SUFFIX}", self.key);
        STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
    }
}

/// Whether a header that is a list has this entry.
fn says(headers: &HeaderMap, name: HeaderName, wanted: &str) -> bool {
    let values = headers.get_all(name);
    let mut entries = values.iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    entries.any(|entry| entry.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes()))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue, header};

    use super::{Handshake, HandshakeError};
    use crate::scenario::cookies::Cookies;

    /// The example of RFC 6455 section 1.3.
    fn handshake() -> Handshake {
        Handshake { key: "dGhlIHNhbXBsZSBub25jZQ==".into() }
    }

    fn verdict(changes: &[(HeaderName, &'static str)]) -> Result<(), HandshakeError> {
        let mut headers = HeaderMap::new();
        let accept = (header::SEC_WEBSOCKET_ACCEPT, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let good = [(header::UPGRADE, "WebSocket"), (header::CONNECTION, "keep-alive, Upgrade"), accept];
        for (name, value) in good.iter().chain(changes) {
            headers.insert(name, HeaderValue::from_static(value));
        }
        handshake().verify(&headers)
    }

    #[test]
    fn request_carries_headers_and_cookies() {
        let mut cookies = Cookies::default();
        cookies.store(b"a=1");
        let request =
            String::from_utf8(handshake().request(b"/live?x", "host:1", &cookies, b"x-a: b\r\n")).unwrap();
        assert_eq!(
            request,
            "GET /live?x HTTP/1.1\r\nhost: host:1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nx-a: b\r\ncookie: a=1\r\n\r\n"
        );
    }

    #[test]
    fn keys_differ_and_are_16_bytes() {
        let (one, other) = (Handshake::new(), Handshake::new());
        assert!(one.key != other.key && one.key.len() == 24 && one.key.ends_with("=="), "{}", one.key);
    }

    #[test]
    fn answer_must_fit() {
        assert_eq!(verdict(&[]), Ok(()));
        assert_eq!(verdict(&[(header::UPGRADE, "h2c")]), Err(HandshakeError::Upgrade));
        assert_eq!(verdict(&[(header::CONNECTION, "close")]), Err(HandshakeError::Upgrade));
        let other = "AAAPLMBiTxaQ9kYGzzhZRbK+xOo=";
        assert_eq!(verdict(&[(header::SEC_WEBSOCKET_ACCEPT, other)]), Err(HandshakeError::Accept));
        for name in [header::SEC_WEBSOCKET_EXTENSIONS, header::SEC_WEBSOCKET_PROTOCOL] {
            assert_eq!(verdict(&[(name.clone(), "x")]), Err(HandshakeError::NotOffered(name)));
        }
    }
}
