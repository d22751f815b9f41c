//! The signed double submit: a token that only this service can make, for one session.

use std::str;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use ring::hmac::{HMAC_SHA256, Key, sign, verify};
use shield_types::Secret;

use crate::SessionId;

/// The header that brings the token back, in lower case.
pub const CSRF_HEADER: &str = "x-csrf-token";
/// The form field that brings it back.
pub const CSRF_FIELD: &str = "csrf_token";
/// The cookie that hands it to scripts.
pub const CSRF_COOKIE: &str = "__Host-csrf_token";

const RANDOM_BYTES: usize = 16;
const MAC_BYTES: usize = 32;
/// Whole groups of three, so that the text has neither padding nor spare bits: each token has one spelling.
const TOKEN_BYTES: usize = RANDOM_BYTES + MAC_BYTES;
const TEXT_LENGTH: usize = TOKEN_BYTES / 3 * 4;
/// What is signed: each part behind its length, so that no two inputs are the same bytes. Fits into one block of SHA-256.
const MESSAGE_BYTES: usize = 1 + LABEL.len() + 1 + SESSION_BYTES + 1 + RANDOM_BYTES;
const SESSION_BYTES: usize = 16;
/// Keeps these codes apart from others under the same key.
const LABEL: &[u8] = b"csrf 1";

/// The keys of a service: tokens are made with the newer one, those of the older one are still taken, for as long as people
/// leave pages open.
#[derive(Debug)]
pub struct CsrfKeys {
    current: Key,
    previous: Option<Key>,
}

/// A token as text, without an allocation.
#[derive(Clone)]
pub struct CsrfToken(Secret<[u8; TEXT_LENGTH]>);

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// None came.
    #[error("accept a request without its CSRF token")]
    Missing,
    /// It came twice.
    #[error("choose between two CSRF tokens")]
    Repeated,
    /// It is not a token.
    #[error("accept a malformed CSRF token")]
    Malformed,
    /// It was not made for this session, or not by us, or with a key that is gone.
    #[error("accept a CSRF token that is not this session's")]
    Mismatch,
}

// === impl CsrfKeys ===

impl CsrfKeys {
    /// A key, and the one before it while its tokens still count. Both are 32 bytes of a cryptographic generator, for this
    /// purpose alone.
    pub fn new(current: &Secret<[u8; 32]>, previous: Option<&Secret<[u8; 32]>>) -> Self {
        let key = |secret: &Secret<[u8; 32]>| Key::new(HMAC_SHA256, secret.expose());
        Self { current: key(current), previous: previous.map(key) }
    }

    /// A token for a session. Each page may have its own: all count as long as the session lives.
    pub fn issue(&self, session: SessionId, random: [u8; RANDOM_BYTES]) -> CsrfToken {
        let mac = sign(&self.current, &message(session, random));
        let mut token = [0; TOKEN_BYTES];
        token[..RANDOM_BYTES].copy_from_slice(&random);
        token[RANDOM_BYTES..].copy_from_slice(mac.as_ref());
        let mut text = [0; TEXT_LENGTH];
        let written = BASE64_URL_SAFE_NO_PAD.encode_slice(token, &mut text);
        debug_assert_eq!(written, Ok(TEXT_LENGTH), "48 bytes are 64 letters");
        CsrfToken(Secret::new(text))
    }

    /// Whether a token was issued for a session. One HMAC; two for a token of the key before.
    pub fn check(&self, session: SessionId, text: &[u8]) -> Result<(), TokenRefusal> {
        let token = decode(text)?;
        let (random, mac) = token.split_at(RANDOM_BYTES);
        let message = message(session, random.try_into().expect("split at the length of the random part"));
        // `verify` compares in constant time.
        let keys = [Some(&self.current), self.previous.as_ref()];
        let signed = |key: &Key| verify(key, &message, mac).is_ok();
        match keys.into_iter().flatten().any(signed) {
            true => Ok(()),
            false => Err(TokenRefusal::Mismatch),
        }
    }
}

fn message(session: SessionId, random: [u8; RANDOM_BYTES]) -> [u8; MESSAGE_BYTES] {
    let mut message = [0; MESSAGE_BYTES];
    let mut rest = message.as_mut_slice();
    for part in [LABEL, session.uuid().as_bytes(), &random] {
        let (length, after) = rest.split_at_mut(1);
        length[0] = part.len() as u8;
        let (place, after) = after.split_at_mut(part.len());
        place.copy_from_slice(part);
        rest = after;
    }
    message
}

fn decode(text: &[u8]) -> Result<[u8; TOKEN_BYTES], TokenRefusal> {
    if text.len() != TEXT_LENGTH {
        return Err(TokenRefusal::Malformed);
    }
    let mut token = [0; TOKEN_BYTES];
    match BASE64_URL_SAFE_NO_PAD.decode_slice_unchecked(text, &mut token) {
        Ok(TOKEN_BYTES) => Ok(token),
        _ => Err(TokenRefusal::Malformed),
    }
}

// === impl CsrfToken ===

impl CsrfToken {
    /// The text, for a page, a header or [`Self::cookie`].
    pub fn expose(&self) -> &str {
        str::from_utf8(self.0.expose()).expect("letters of base64url are ASCII")
    }

    /// The `Set-Cookie` that hands it to this site's scripts: not `HttpOnly`, because reading it is the point.
    pub fn cookie(&self) -> Secret<String> {
        Secret::new(format!("{CSRF_COOKIE}={}; Path=/; Secure; SameSite=Strict", self.expose()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shield_types::{Secret, Timestamp};

    use super::{CsrfKeys, TokenRefusal};
    use crate::SessionId;

    fn key(byte: u8) -> Secret<[u8; 32]> {
        Secret::new([byte; 32])
    }

    fn session(byte: u8) -> SessionId {
        SessionId::new(Timestamp(1_000), [byte; 10])
    }

    #[test]
    fn asvs_v3_5_1_a_token_counts_in_its_own_session_only() {
        let keys = CsrfKeys::new(&key(1), None);
        let token = keys.issue(session(1), [9; 16]);
        assert_eq!(keys.check(session(1), token.expose().as_bytes()), Ok(()));
        assert_eq!(keys.check(session(2), token.expose().as_bytes()), Err(TokenRefusal::Mismatch));
    }

    #[test]
    fn asvs_v13_3_4_two_keys_overlap() {
        let before = CsrfKeys::new(&key(1), None).issue(session(1), [9; 16]);
        let check = |keys: CsrfKeys| keys.check(session(1), before.expose().as_bytes());
        assert_eq!(check(CsrfKeys::new(&key(2), Some(&key(1)))), Ok(()));
        assert_eq!(check(CsrfKeys::new(&key(3), Some(&key(2)))), Err(TokenRefusal::Mismatch));
    }

    #[test]
    fn the_code_stays_the_same() {
        // HMAC-SHA256 by Python: hmac.digest(b"\x01"*32, message, "sha256").
        let token = CsrfKeys::new(&key(1), None).issue(session(1), [9; 16]);
        assert_eq!(token.expose(), "CQkJCQkJCQkJCQkJCQkJCZYrqtNX0b-lBexPzQ9WtJG43BXoOZr_f0mSH8IAU_tc");
    }

    #[test]
    fn asvs_v3_3_1_its_cookie_has_the_prefix_and_is_readable() {
        let cookie = CsrfKeys::new(&key(1), None).issue(session(1), [9; 16]).cookie();
        let cookie = cookie.expose();
        assert!(cookie.starts_with("__Host-csrf_token="), "{cookie}");
        assert!(cookie.ends_with("; Path=/; Secure; SameSite=Strict"), "{cookie}");
    }

    proptest! {
        #[test]
        fn any_change_is_noticed(random: [u8; 16], at in 0..64_usize, byte: u8) {
            let keys = CsrfKeys::new(&key(1), Some(&key(2)));
            let token = keys.issue(session(1), random);
            let mut text = token.expose().as_bytes().to_vec();
            prop_assert_eq!(keys.check(session(1), &text), Ok(()));
            prop_assume!(text[at] != byte);
            text[at] = byte;
            prop_assert!(keys.check(session(1), &text).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), letters in "[A-Za-z0-9_-]{64}") {
            let keys = CsrfKeys::new(&key(1), None);
            prop_assert!(keys.check(session(1), &bytes).is_err());
            prop_assert_eq!(keys.check(session(1), letters.as_bytes()), Err(TokenRefusal::Mismatch));
        }
    }
}
