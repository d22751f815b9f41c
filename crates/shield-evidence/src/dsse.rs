//! DSSE v1 envelopes: a payload, its type, and one Ed25519 signature over both.
//!
//! Guarantees: [`Envelope::open`] returns the payload only when exactly one signature is there, it names the given
//! key, and it verifies. Refuses other payload types, several signatures (nothing here makes them), and base64 that
//! is not canonical: a second spelling of the same bytes would let an envelope change without its meaning changing.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::key::{KeyId, PublicKey, SigningKey};

/// The payload type of every envelope here: an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A payload and its signature, as it stands in a line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The payload, standard base64 with padding.
    pub payload: String,
    /// What the payload is; [`PAYLOAD_TYPE`].
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// Exactly one.
    pub signatures: Vec<EnvelopeSignature>,
}

/// A signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// The key that made it.
    pub keyid: KeyId,
    /// 64 bytes of Ed25519, standard base64.
    pub sig: String,
}

/// Why an envelope does not prove its payload.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum OpenEnvelopeError {
    /// The payload is not a statement.
    #[error("payload type `{found}` is not `{PAYLOAD_TYPE}`")]
    PayloadType {
        /// The type found.
        found: String,
    },
    /// None, or more than one.
    #[error("envelope has {found} signatures, expected exactly one")]
    SignatureCount {
        /// How many.
        found: usize,
    },
    /// Signed by somebody else.
    #[error("envelope is signed by key `{found}`, expected `{expected}`")]
    OtherKey {
        /// The key named by the envelope.
        found: KeyId,
        /// The key that was asked for.
        expected: KeyId,
    },
    /// Text that is not canonical base64.
    #[error("`{field}` of the envelope is not canonical base64")]
    Base64 {
        /// `payload` or `sig`.
        field: &'static str,
    },
    /// The signature is not the key's over this payload.
    #[error("signature of the envelope does not verify with key `{key}`")]
    Signature {
        /// The key that was asked for.
        key: KeyId,
    },
}

/// The bytes that are signed: `DSSEv1 SP LEN(type) SP type SP LEN(payload) SP payload`.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

// === impl Envelope ===

impl Envelope {
    /// Wraps and signs `payload`.
    pub fn sign(payload: &[u8], key: &SigningKey) -> Self {
        let signature = key.sign(&pre_authentication_encoding(PAYLOAD_TYPE, payload));
        Self {
            payload: STANDARD.encode(payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: vec![EnvelopeSignature {
                keyid: key.public().key_id(),
                sig: STANDARD.encode(signature),
            }],
        }
    }

    /// The payload as it stands there, whoever signed it; `None` when it is not base64.
    pub(crate) fn payload_unverified(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.payload).ok()
    }

    /// The payload, once its signature by `key` was verified.
    pub fn open(&self, key: &PublicKey) -> Result<Vec<u8>, OpenEnvelopeError> {
        if self.payload_type != PAYLOAD_TYPE {
            return Err(OpenEnvelopeError::PayloadType { found: self.payload_type.clone() });
        }
        let [signature] = self.signatures.as_slice() else {
            return Err(OpenEnvelopeError::SignatureCount { found: self.signatures.len() });
        };
        let expected = key.key_id();
        if signature.keyid != expected {
            return Err(OpenEnvelopeError::OtherKey { found: signature.keyid, expected });
        }
        let payload = decode_canonical("payload", &self.payload)?;
        let signature = decode_canonical("sig", &signature.sig)?;
        if key.verifies(&pre_authentication_encoding(&self.payload_type, &payload), &signature) {
            Ok(payload)
        } else {
            Err(OpenEnvelopeError::Signature { key: expected })
        }
    }
}

fn decode_canonical(field: &'static str, text: &str) -> Result<Vec<u8>, OpenEnvelopeError> {
    // `STANDARD` refuses missing padding and trailing bits itself; encoding again states it independently.
    let bytes = STANDARD.decode(text).ok().filter(|bytes| STANDARD.encode(bytes) == text);
    bytes.ok_or(OpenEnvelopeError::Base64 { field })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_the_specification_vector() {
        assert_eq!(
            pre_authentication_encoding("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pre_authentication_encoding("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn opens_what_it_signed() {
        let key = SigningKey::generate().unwrap();
        let envelope = Envelope::sign(b"hello world", &key);
        assert_eq!(envelope.open(key.public()).unwrap(), b"hello world");
    }

    #[test]
    fn refuses_what_key_never_signed() {
        let key = SigningKey::generate().unwrap();
        let good = Envelope::sign(b"payload", &key);
        let stranger = SigningKey::generate().unwrap();
        assert!(matches!(good.open(stranger.public()), Err(OpenEnvelopeError::OtherKey { .. })));

        let mut forged = Envelope::sign(b"payload", &stranger);
        forged.signatures[0].keyid = key.public().key_id();
        assert!(matches!(forged.open(key.public()), Err(OpenEnvelopeError::Signature { .. })));

        let mut twice = good.clone();
        twice.signatures.push(good.signatures[0].clone());
        assert_eq!(twice.open(key.public()), Err(OpenEnvelopeError::SignatureCount { found: 2 }));

        let mut typed = good.clone();
        typed.payload_type = "application/json".to_owned();
        assert!(matches!(typed.open(key.public()), Err(OpenEnvelopeError::PayloadType { .. })));
    }

    #[test]
    fn refuses_base64_with_slack() {
        let key = SigningKey::generate().unwrap();
        let good = Envelope::sign(b"a", &key);
        assert_eq!(good.payload, "YQ==");
        // `YR==` is the same byte with a trailing bit set; the others drop, add or misplace padding.
        for payload in ["YR==", "YQ", "YQ=", "YQ===", "YQ==\n", " YQ==", "Y_=="] {
            let changed = Envelope { payload: payload.to_owned(), ..good.clone() };
            assert_eq!(
                changed.open(key.public()),
                Err(OpenEnvelopeError::Base64 { field: "payload" }),
                "{payload:?}"
            );
        }
    }
}
