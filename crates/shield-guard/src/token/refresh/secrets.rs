//! The server's secrets behind refresh tokens.

use std::{fmt, iter};

use ring::hmac;
use shield_types::Secret;

use crate::token::{
    PresentedRefreshToken, RefreshRotation,
    refresh::text::{SECRET_BYTES, TAG_BYTES},
};

/// Most secrets at once: the one in use and three before it.
const SECRETS_MAX: usize = 4;
/// What each MAC is for. All are of one length per purpose and all that follows has fixed lengths, so no two inputs
/// are the same.
const TAG_PURPOSE: &[u8] = b"shield-guard refresh tag 1:";
const SUCCESSOR_PURPOSE: &[u8] = b"shield-guard refresh successor 1:";

/// The secret that new tokens are made with, and those that older tokens may be made with. After a change the one
/// before has to stay for as long as a family lives, 30 days.
#[derive(Clone)]
pub struct RefreshSecrets {
    /// The one in use first.
    keys: Vec<hmac::Key>,
}

/// Too many secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("use `{count}` secrets for refresh tokens: at most {SECRETS_MAX} are possible")]
pub struct RefreshSecretsError {
    /// How many were given.
    pub count: usize,
}

// === impl RefreshSecrets ===

impl RefreshSecrets {
    /// `active` makes tokens; `older` are still accepted, three at most. Each is 32 bytes of a cryptographic generator.
    pub fn new(active: &Secret<[u8; 32]>, older: &[Secret<[u8; 32]>]) -> Result<Self, RefreshSecretsError> {
        let count = 1 + older.len();
        if count > SECRETS_MAX {
            return Err(RefreshSecretsError { count });
        }
        let key = |secret: &Secret<[u8; 32]>| hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        Ok(Self { keys: iter::once(active).chain(older).map(key).collect() })
    }

    /// The MAC that says: this token is one of ours.
    pub(super) fn tag(&self, body: &[u8]) -> [u8; TAG_BYTES] {
        let mut context = hmac::Context::with_key(&self.keys[0]);
        context.update(TAG_PURPOSE);
        context.update(body);
        bytes(&context.sign())
    }

    /// Whether `tag` is one, under any secret; compared in constant time.
    pub(super) fn made(&self, body: &[u8], tag: &[u8; TAG_BYTES]) -> bool {
        let mut message = [0; TAG_PURPOSE.len() + 16 + SECRET_BYTES];
        message[..TAG_PURPOSE.len()].copy_from_slice(TAG_PURPOSE);
        message[TAG_PURPOSE.len()..].copy_from_slice(body);
        self.keys.iter().any(|key| hmac::verify(key, &message, tag).is_ok())
    }

    /// The secret part of what `token` becomes in `rotation`, under each secret: the one in use first.
    pub(super) fn successors(
        &self,
        rotation: &RefreshRotation,
        token: &PresentedRefreshToken,
    ) -> impl Iterator<Item = [u8; SECRET_BYTES]> {
        self.keys.iter().map(|key| {
            let mut context = hmac::Context::with_key(key);
            context.update(SUCCESSOR_PURPOSE);
            context.update(token.session.uuid().as_bytes());
            context.update(&rotation.number.to_be_bytes());
            context.update(&rotation.salt);
            context.update(token.secret.expose());
            bytes(&context.sign())
        })
    }
}

impl fmt::Debug for RefreshSecrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RefreshSecrets({} [redacted])", self.keys.len())
    }
}

fn bytes(tag: &hmac::Tag) -> [u8; 32] {
    tag.as_ref().try_into().expect("HMAC-SHA256 has 32 bytes")
}
