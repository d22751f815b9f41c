//! The receiver's side.

use base64::{Engine, prelude::BASE64_STANDARD};
use ring::signature::{ED25519, UnparsedPublicKey};
use shield_types::Timestamp;
use subtle::ConstantTimeEq;

use super::{
    WEBHOOK_BODY_BYTES_MAX, WEBHOOK_KEYS_MAX, WEBHOOK_WINDOW_S,
    key::{Verifier, VerifyingKey},
    signature::{id_is_well_formed, parse_timestamp, signed_parts, tag},
};

/// Signatures of schemes that are known here, in one header: with 4 keys at most 32 verifications, some 2 ms.
const SIGNATURES_MAX: usize = 8;
/// The longest header that is looked at.
const SIGNATURE_HEADER_BYTES_MAX: usize = 1_024;

/// The three headers, as they came.
#[derive(Clone, Copy, Debug)]
pub struct WebhookHeaders<'a> {
    /// Value of `webhook-id`.
    pub id: &'a str,
    /// Value of `webhook-timestamp`.
    pub timestamp: &'a str,
    /// Value of `webhook-signature`.
    pub signature: &'a str,
}

/// The keys of one sender.
#[derive(Clone, Debug)]
pub struct WebhookVerifier(Vec<VerifyingKey>);

/// A set of keys that nothing could be verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("set up a webhook's receiver: expected 1 to {WEBHOOK_KEYS_MAX} keys, found {keys}")]
pub struct VerifierError {
    /// How many there were.
    pub keys: usize,
}

/// A message whose signature and time are right. Whether it came before is the next question:
/// [`super::ReplayWindow::admit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedWebhook<'a> {
    pub(super) id: &'a str,
    sent_at: Timestamp,
}

/// Why a message was not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookRefusal {
    /// The id is not 1 to 128 visible ASCII characters without `.`.
    #[error("verify a webhook: its id is malformed")]
    Id,
    /// The time is not a whole number of seconds in its shortest form.
    #[error("verify a webhook: its timestamp is malformed")]
    Timestamp,
    /// The signatures are no list of `version,base64`, or too many.
    #[error("verify a webhook: its signatures are malformed")]
    Signatures,
    /// More than 1 MiB.
    #[error("verify a webhook: its body is larger than {WEBHOOK_BODY_BYTES_MAX} bytes")]
    Body,
    /// Sent more than 300 s ago.
    #[error("verify a webhook: it was sent more than {WEBHOOK_WINDOW_S} s ago")]
    Stale,
    /// Dated more than 300 s ahead of this clock.
    #[error("verify a webhook: it is dated more than {WEBHOOK_WINDOW_S} s ahead")]
    Early,
    /// None of the signatures was made by any of the keys.
    #[error("verify a webhook: no signature is by a trusted key")]
    Signature,
}

// === impl WebhookRefusal ===

impl WebhookRefusal {
    /// The name in events.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Id => "malformed-id",
            Self::Timestamp => "malformed-timestamp",
            Self::Signatures => "malformed-signatures",
            Self::Body => "body-too-large",
            Self::Stale => "stale",
            Self::Early => "early",
            Self::Signature => "bad-signature",
        }
    }
}

// === impl VerifiedWebhook ===

impl VerifiedWebhook<'_> {
    /// Its id: the key under which work that it starts is done once.
    pub const fn id(&self) -> &str {
        self.id
    }

    /// When its sender says that this attempt was made.
    pub const fn sent_at(&self) -> Timestamp {
        self.sent_at
    }
}

// === impl WebhookVerifier ===

impl WebhookVerifier {
    /// A receiver that believes these keys; during a change of keys, the old and the new one.
    pub fn new(keys: Vec<VerifyingKey>) -> Result<Self, VerifierError> {
        match keys.len() {
            1..=WEBHOOK_KEYS_MAX => Ok(Self(keys)),
            keys => Err(VerifierError { keys }),
        }
    }

    /// Believes a message, or says why not (ASVS 5.0, 4.1.5). The cheap questions come first; nothing of the body is
    /// read before its signature is right.
    pub fn verify<'a>(
        &self,
        headers: WebhookHeaders<'a>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<VerifiedWebhook<'a>, WebhookRefusal> {
        let WebhookHeaders { id, timestamp, signature } = headers;
        if !id_is_well_formed(id) {
            return Err(WebhookRefusal::Id);
        }
        let sent_s = parse_timestamp(timestamp).ok_or(WebhookRefusal::Timestamp)?;
        if body.len() > WEBHOOK_BODY_BYTES_MAX {
            return Err(WebhookRefusal::Body);
        }
        check_window(sent_s, now.0 / 1_000)?;
        let signatures = Signatures::parse(signature)?;
        if !self.signed(&signatures, &signed_parts(id, timestamp, body)) {
            return Err(WebhookRefusal::Signature);
        }
        Ok(VerifiedWebhook { id, sent_at: Timestamp(sent_s * 1_000) })
    }

    fn signed(&self, signatures: &Signatures, parts: &[&[u8]]) -> bool {
        let mut joined = Vec::new();
        self.0.iter().any(|key| match &key.0 {
            Verifier::Hmac(key) if signatures.tag_count > 0 => {
                let tag = tag(key, parts);
                signatures.tags().iter().any(|candidate| bool::from(candidate.as_slice().ct_eq(tag.as_ref())))
            }
            Verifier::Ed25519(key) if signatures.signature_count > 0 => {
                if joined.is_empty() {
                    joined = parts.concat();
                }
                let key = UnparsedPublicKey::new(&ED25519, key);
                signatures.signatures().iter().any(|candidate| key.verify(&joined, candidate).is_ok())
            }
            Verifier::Hmac(_) | Verifier::Ed25519(_) => false,
        })
    }
}

fn check_window(sent_s: u64, now_s: u64) -> Result<(), WebhookRefusal> {
    if sent_s.saturating_add(WEBHOOK_WINDOW_S) < now_s {
        return Err(WebhookRefusal::Stale);
    }
    if sent_s > now_s.saturating_add(WEBHOOK_WINDOW_S) { Err(WebhookRefusal::Early) } else { Ok(()) }
}

/// The decoded signatures of a header. Kept apart by scheme, so that none is ever tried with a key of the other.
struct Signatures {
    tags: [[u8; 32]; SIGNATURES_MAX],
    tag_count: usize,
    signatures: [[u8; 64]; SIGNATURES_MAX],
    signature_count: usize,
}

// === impl Signatures ===

impl Signatures {
    /// Reads the list. Versions that are not known here are skipped, as the specification asks; a known one that is
    /// malformed refuses the header.
    fn parse(header: &str) -> Result<Self, WebhookRefusal> {
        if header.len() > SIGNATURE_HEADER_BYTES_MAX {
            return Err(WebhookRefusal::Signatures);
        }
        let mut list = Self {
            tags: [[0; 32]; SIGNATURES_MAX],
            tag_count: 0,
            signatures: [[0; 64]; SIGNATURES_MAX],
            signature_count: 0,
        };
        for entry in header.split(' ') {
            let (version, encoded) = entry.split_once(',').ok_or(WebhookRefusal::Signatures)?;
            if list.tag_count + list.signature_count == SIGNATURES_MAX {
                return Err(WebhookRefusal::Signatures);
            }
            match version {
                "v1" => {
                    list.tags[list.tag_count] = decode(encoded)?;
                    list.tag_count += 1;
                }
                "v1a" => {
                    list.signatures[list.signature_count] = decode(encoded)?;
                    list.signature_count += 1;
                }
                _ => {}
            }
        }
        Ok(list)
    }

    fn tags(&self) -> &[[u8; 32]] {
        &self.tags[..self.tag_count]
    }

    fn signatures(&self) -> &[[u8; 64]] {
        &self.signatures[..self.signature_count]
    }
}

fn decode<const N: usize>(encoded: &str) -> Result<[u8; N], WebhookRefusal> {
    // 64 bytes are 88 letters; the decoder wants room for what 88 letters could be.
    let mut buffer = [0; 66];
    let length =
        BASE64_STANDARD.decode_slice(encoded, &mut buffer).map_err(|_| WebhookRefusal::Signatures)?;
    buffer[..length].try_into().map_err(|_| WebhookRefusal::Signatures)
}
