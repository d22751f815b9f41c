//! A refresh token as text: a prefix that scanners for leaked secrets know, then base64url of the session's id, the
//! secret, and a MAC.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use shield_types::{Secret, Sha256Digest};
use uuid::Uuid;

use crate::{SessionId, base64url, token::refresh::RefreshSecrets};

/// How every refresh token begins.
pub const REFRESH_TOKEN_PREFIX: &str = "shield_rt_";
/// Bytes of the text of a refresh token, exactly.
pub const REFRESH_TOKEN_BYTES: usize = REFRESH_TOKEN_PREFIX.len() + (BYTES * 8).div_ceil(6);

const ID_BYTES: usize = 16;
/// The part that cannot be guessed: 256 bits (ASVS 5.0, 7.2.3 and 11.5.1 ask for 128).
pub(super) const SECRET_BYTES: usize = 32;
pub(super) const TAG_BYTES: usize = 32;
const BODY_BYTES: usize = ID_BYTES + SECRET_BYTES;
const BYTES: usize = BODY_BYTES + TAG_BYTES;

/// A refresh token to be handed out. It is a credential; only its digest is stored.
#[derive(Clone, Debug)]
pub struct RefreshToken {
    text: Secret<String>,
    digest: Sha256Digest,
}

/// A refresh token that somebody presents and this server once made. Whether it is still good, its family says.
#[derive(Clone, Debug)]
pub struct PresentedRefreshToken {
    /// The family that it belongs to.
    pub session: SessionId,
    pub(super) digest: Sha256Digest,
    pub(super) secret: Secret<[u8; SECRET_BYTES]>,
}

// === impl RefreshToken ===

impl RefreshToken {
    pub(super) fn new(secrets: &RefreshSecrets, session: SessionId, secret: &[u8; SECRET_BYTES]) -> Self {
        let mut bytes = [0; BYTES];
        bytes[..ID_BYTES].copy_from_slice(session.uuid().as_bytes());
        bytes[ID_BYTES..BODY_BYTES].copy_from_slice(secret);
        let tag = secrets.tag(&bytes[..BODY_BYTES]);
        bytes[BODY_BYTES..].copy_from_slice(&tag);
        let mut text = String::with_capacity(REFRESH_TOKEN_BYTES);
        text.push_str(REFRESH_TOKEN_PREFIX);
        BASE64_URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        Self { digest: digest(session, secret), text: Secret::new(text) }
    }

    /// What the client gets, once.
    pub fn text(&self) -> &Secret<String> {
        &self.text
    }

    /// What is stored of it.
    pub(super) fn digest(&self) -> Sha256Digest {
        self.digest
    }
}

/// Two are equal when their digests are; the secrets are never compared.
impl PartialEq for RefreshToken {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for RefreshToken {}

// === impl PresentedRefreshToken ===

impl PresentedRefreshToken {
    /// Reads `text`; `None` when it has another form or this server did not make it. Costs one MAC per secret and
    /// asks nobody.
    pub(super) fn read(secrets: &RefreshSecrets, text: &[u8]) -> Option<Self> {
        if text.len() != REFRESH_TOKEN_BYTES {
            return None;
        }
        let mut bytes = [0; BYTES];
        base64url::decode(text.strip_prefix(REFRESH_TOKEN_PREFIX.as_bytes())?, &mut bytes)?;
        let (body, tag) = bytes.split_first_chunk::<BODY_BYTES>()?;
        if !secrets.made(body, tag.try_into().ok()?) {
            return None;
        }
        let (id, secret) = body.split_first_chunk::<ID_BYTES>()?;
        let session = SessionId::from_uuid(Uuid::from_bytes(*id));
        let secret: [u8; SECRET_BYTES] = secret.try_into().ok()?;
        Some(Self { session, digest: digest(session, &secret), secret: Secret::new(secret) })
    }
}

/// What is stored of a token: SHA-256 of the session's id and the secret. Not of the MAC, which differs between
/// secrets of the server.
fn digest(session: SessionId, secret: &[u8; SECRET_BYTES]) -> Sha256Digest {
    let mut body = [0; BODY_BYTES];
    body[..ID_BYTES].copy_from_slice(session.uuid().as_bytes());
    body[ID_BYTES..].copy_from_slice(secret);
    Sha256Digest::of(&body)
}
