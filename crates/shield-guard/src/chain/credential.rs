//! Which credential a request brings.

use crate::{
    api_key::ApiKeyFormat,
    csrf::Field,
    session::{SessionCookie, SessionSecret},
};

use super::{CredentialRefusal, RequestHeaders};

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A bearer token.
    Token,
    /// A session's cookie.
    Session,
    /// An API key.
    ApiKey,
}

/// What came, and is not believed yet.
pub(super) enum Presented<'a> {
    Nothing,
    Token(&'a [u8]),
    ApiKey(&'a [u8]),
    Session(SessionSecret),
}

// === impl Presented ===

impl<'a> Presented<'a> {
    /// Finds the one credential that counts. The cookie is read only if nothing else is there.
    pub(super) fn of(
        headers: &'a impl RequestHeaders,
        format: &ApiKeyFormat,
        cookie: &SessionCookie,
    ) -> Result<Self, CredentialRefusal> {
        match (headers.field("authorization"), headers.field("x-api-key")) {
            (Field::Repeated, _) | (_, Field::Repeated) => Err(CredentialRefusal::Repeated),
            (Field::One(_), Field::One(_)) => Err(CredentialRefusal::Ambiguous),
            (Field::Absent, Field::One(key)) => Ok(Self::ApiKey(key)),
            (Field::One(authorization), Field::Absent) => {
                let text = bearer(authorization).ok_or(CredentialRefusal::Scheme)?;
                Ok(if format.begins(text) { Self::ApiKey(text) } else { Self::Token(text) })
            }
            (Field::Absent, Field::Absent) => match cookie.read(headers.lines("cookie")) {
                Ok(secret) => Ok(secret.map_or(Self::Nothing, Self::Session)),
                Err(refusal) => Err(CredentialRefusal::Cookie(refusal)),
            },
        }
    }
}

/// What stands behind `Bearer` (RFC 6750, 2.1); names of schemes have no case (RFC 9110, 11.1).
fn bearer(authorization: &[u8]) -> Option<&[u8]> {
    let end = authorization.iter().position(|byte| *byte == b' ')?;
    let (scheme, text) = authorization.split_at(end);
    scheme.eq_ignore_ascii_case(b"bearer").then(|| text.trim_ascii())
}
