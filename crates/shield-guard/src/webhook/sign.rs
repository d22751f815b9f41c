//! The sender's side.

use base64::{Engine, prelude::BASE64_STANDARD};
use shield_types::Timestamp;

use super::{
    WEBHOOK_BODY_BYTES_MAX, WEBHOOK_KEYS_MAX,
    key::{Signer, SigningKey},
    signature::{id_is_well_formed, signed_parts, tag},
};

/// A message to be sent.
#[derive(Clone, Copy, Debug)]
pub struct OutgoingWebhook<'a> {
    /// The same in every attempt: visible ASCII without `.`, at most 128 bytes.
    pub id: &'a str,
    /// The bytes that will be sent, at most 1 MiB.
    pub body: &'a [u8],
    /// When this attempt is made.
    pub now: Timestamp,
}

/// The headers to send beside `webhook-id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedWebhook {
    /// Value of `webhook-timestamp`.
    pub timestamp: String,
    /// Value of `webhook-signature`: one signature per key, in the order of the keys.
    pub signature: String,
}

/// Why a message was not signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignWebhookError {
    /// An id that would make the signed text ambiguous, or no header.
    #[error("sign a webhook: the id `{}` is not 1 to 128 visible ASCII characters without `.`", .id.escape_debug())]
    Id {
        /// The id, cut at 128 characters.
        id: String,
    },
    /// A body that no receiver would take.
    #[error("sign a webhook: the body has {bytes} bytes, more than {WEBHOOK_BODY_BYTES_MAX}")]
    Body {
        /// Its length.
        bytes: usize,
    },
    /// No key, or too many.
    #[error("sign a webhook: expected 1 to {WEBHOOK_KEYS_MAX} keys, found {keys}")]
    Keys {
        /// How many there were.
        keys: usize,
    },
}

/// Signs a message with each key: the current one, and during a change of keys the old one too.
pub fn sign_webhook(
    keys: &[SigningKey],
    message: OutgoingWebhook<'_>,
) -> Result<SignedWebhook, SignWebhookError> {
    let OutgoingWebhook { id, body, now } = message;
    if !id_is_well_formed(id) {
        return Err(SignWebhookError::Id { id: id.chars().take(128).collect() });
    }
    if body.len() > WEBHOOK_BODY_BYTES_MAX {
        return Err(SignWebhookError::Body { bytes: body.len() });
    }
    if !(1..=WEBHOOK_KEYS_MAX).contains(&keys.len()) {
        return Err(SignWebhookError::Keys { keys: keys.len() });
    }
    let timestamp = (now.0 / 1_000).to_string();
    let parts = signed_parts(id, &timestamp, body);
    let signatures: Vec<String> = keys.iter().map(|key| signature(key, &parts)).collect();
    Ok(SignedWebhook { signature: signatures.join(" "), timestamp })
}

fn signature(key: &SigningKey, parts: &[&[u8]]) -> String {
    match &key.0 {
        Signer::Hmac(key) => format!("v1,{}", BASE64_STANDARD.encode(tag(key, parts))),
        Signer::Ed25519(pair) => format!("v1a,{}", BASE64_STANDARD.encode(pair.sign(&parts.concat()))),
    }
}

#[cfg(test)]
mod tests {
    use shield_types::Timestamp;

    use super::{OutgoingWebhook, SignWebhookError, SigningKey, sign_webhook};

    #[test]
    fn refuses_what_a_receiver_would_refuse() {
        let keys = || vec![SigningKey::from_ed25519_seed(&[1; 32])];
        let message = |id, body| OutgoingWebhook { id, body, now: Timestamp(0) };
        let large = vec![0; 1024 * 1024 + 1];
        assert!(matches!(sign_webhook(&keys(), message("a.b", b"")), Err(SignWebhookError::Id { .. })));
        assert!(matches!(sign_webhook(&keys(), message("a", &large)), Err(SignWebhookError::Body { .. })));
        assert_eq!(sign_webhook(&[], message("a", b"")), Err(SignWebhookError::Keys { keys: 0 }));
        let many: Vec<_> = (0..5).flat_map(|_| keys()).collect();
        assert_eq!(sign_webhook(&many, message("a", b"")), Err(SignWebhookError::Keys { keys: 5 }));
    }
}
