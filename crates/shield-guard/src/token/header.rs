//! The header of an access token: exactly `alg`, `kid` and `typ`, each once.
//!
//! A key has one header, to the letter, and a token is accepted under no other: so nothing of it is parsed before the
//! signature holds. What has another header is read here only to say why it is refused.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::{
    KeyId, base64url,
    token::{Algorithm, TokenRefusal, VerifyingKey, members::Members},
};

/// The type of access tokens (RFC 9068, 2.1), in the only spelling that is issued and accepted.
pub(super) const TYPE: &str = "at+jwt";
/// Bytes that a decoded header may have. Ours have about sixty; one that brings its own key is named as such and not
/// as too long.
const BYTES_MAX: usize = 384;
/// Letters of base64url for them.
const LETTERS_MAX: usize = BYTES_MAX / 3 * 4;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) key: KeyId,
}

// === impl Header ===

impl Header {
    /// Bytes of the longest text that [`Self::text`] writes.
    pub(super) const BYTES: usize = r#"{"alg":"EdDSA","kid":"0123456789abcdef","typ":"at+jwt"}"#.len();

    /// The header of the tokens that `key` checks.
    pub(super) fn of(key: &VerifyingKey) -> Self {
        Self { algorithm: key.algorithm(), key: key.id() }
    }

    /// Reads an encoded header, to name what is wrong with it.
    pub(super) fn read(part: &[u8]) -> Result<Self, TokenRefusal> {
        if part.len() > LETTERS_MAX {
            return Err(TokenRefusal::HeaderForm);
        }
        let mut buffer = [0; BYTES_MAX];
        let text = base64url::decode(part, &mut buffer).ok_or(TokenRefusal::Encoding)?;
        Self::parse(text)
    }

    /// The one header, encoded, of the tokens that this key signs.
    pub(super) fn encoded(self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.text())
    }

    fn text(self) -> String {
        format!(r#"{{"alg":"{}","kid":"{}","typ":"{TYPE}"}}"#, self.algorithm.name(), self.key)
    }

    fn parse(text: &[u8]) -> Result<Self, TokenRefusal> {
        let form = |_| TokenRefusal::HeaderForm;
        let (mut algorithm, mut key, mut kind) = (None, None, None);
        let mut members = Members::of(text).map_err(form)?;
        while let Some(name) = members.name().map_err(form)? {
            let member = match name {
                b"alg" => &mut algorithm,
                b"kid" => &mut key,
                b"typ" => &mut kind,
                b"jwk" | b"jku" | b"x5c" | b"x5u" | b"x5t" | b"x5t#S256" => {
                    return Err(TokenRefusal::HeaderKeySource);
                }
                b"crit" => return Err(TokenRefusal::HeaderCritical),
                _ => return Err(TokenRefusal::HeaderMember),
            };
            if member.replace(members.text().map_err(form)?).is_some() {
                return Err(TokenRefusal::HeaderDuplicate);
            }
        }
        // An algorithm that signs nothing here is the finding, even in a header that lacks other members.
        let algorithm = algorithm.map(Algorithm::of_header).transpose()?;
        let (Some(algorithm), Some(key), Some(kind)) = (algorithm, key, kind) else {
            return Err(TokenRefusal::HeaderIncomplete);
        };
        if kind != TYPE.as_bytes() {
            return Err(TokenRefusal::Type);
        }
        Ok(Self { algorithm, key: KeyId::parse(key).map_err(|_| TokenRefusal::KeyIdForm)? })
    }
}

#[cfg(test)]
mod tests {
    use super::Header;
    use crate::{
        KeyId,
        token::{Algorithm, TokenRefusal},
    };

    #[test]
    fn reads_what_it_writes() {
        let header = Header { algorithm: Algorithm::Es256, key: KeyId::from_thumbprint([7; 32]) };
        assert_eq!(Header::parse(header.text().as_bytes()), Ok(header));
    }

    #[test]
    fn names_what_it_refuses() {
        for (text, refusal) in [
            (r#"{"alg":"EdDSA","kid":"AAAAAAAAAAAAAAAA"}"#, TokenRefusal::HeaderIncomplete),
            (r#"{"alg":"EdDSA","typ":"at+jwt"}"#, TokenRefusal::HeaderIncomplete),
            (r#"{"kid":"AAAAAAAAAAAAAAAA","typ":"at+jwt"}"#, TokenRefusal::HeaderIncomplete),
            (
                r#"{"alg":"EdDSA","alg":"HS256","kid":"AAAAAAAAAAAAAAAA","typ":"at+jwt"}"#,
                TokenRefusal::HeaderDuplicate,
            ),
            (r#"{"alg":"EdDSA","kid":"AAAAAAAAAAAAAAAA","typ":"JWT"}"#, TokenRefusal::Type),
            (r#"{"alg":"EdDSA","kid":"AAAAAAAAAAAAAAAA","typ":"AT+JWT"}"#, TokenRefusal::Type),
            (r#"{"alg":"EdDSA","kid":"../../dev/null","typ":"at+jwt"}"#, TokenRefusal::KeyIdForm),
            (r#"{"alg":"EdDSA","cty":"JWT"}"#, TokenRefusal::HeaderMember),
            (r#"{"alg":"EdDSA","b64":false}"#, TokenRefusal::HeaderMember),
            (r#"{"alg":"EdDSA","crit":["b64"]}"#, TokenRefusal::HeaderCritical),
            (r#"{"alg":"ES512","kid":"a","typ":"at+jwt"}"#, TokenRefusal::AlgorithmOther),
            (r#"{"alg":"eddsa","kid":"a","typ":"at+jwt"}"#, TokenRefusal::AlgorithmOther),
            (r#"{"alg":["EdDSA"]}"#, TokenRefusal::HeaderForm),
        ] {
            assert_eq!(Header::parse(text.as_bytes()), Err(refusal), "{text}");
        }
    }
}
