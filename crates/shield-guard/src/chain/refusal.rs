//! Why a request goes no further.

use std::time::Duration;

use crate::{
    api_key::{ApiKeyRefusal, ParseApiKeyError},
    csrf::CsrfRefusal,
    revocation::GrantRefusal,
    session::CookieRefusal,
    token::TokenRefusal,
};

use super::CredentialKind;

/// Why a request is refused. For logs and events; what the client hears is [`Refusal::answer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// One too many.
    #[error("take a request beyond the limit `{limit}`")]
    Limited {
        /// Which limit.
        limit: &'static str,
        /// When the next will be taken: at least 1 s.
        retry_after_s: u64,
    },
    /// There is a credential, and it is not good.
    #[error("take the credential")]
    Credential(#[source] CredentialRefusal),
    /// There is none, and the route asks for one.
    #[error("answer somebody who does not say who they are")]
    Anonymous,
    /// This node does not know what was taken back lately.
    #[error("decide on a set of revocations that was last complete `{}` ms ago", age.as_millis())]
    Stale {
        /// How long ago; [`Duration::MAX`] when it never was.
        age: Duration,
    },
    /// A store that had to be asked did not answer.
    #[error("decide without the store that knows")]
    StoreAway,
    /// The credential is good, and not for this.
    #[error("do what the credential has no scope for")]
    Scope,
    /// Another site may have sent it.
    #[error("take a request that another site may have sent")]
    Csrf(#[source] CsrfRefusal),
}

/// Why a credential is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialRefusal {
    /// A header that carries one came twice.
    #[error("choose between two values of one header")]
    Repeated,
    /// `Authorization` and `X-API-Key` came both.
    #[error("choose between `authorization` and `x-api-key`")]
    Ambiguous,
    /// `Authorization` has another scheme than `Bearer`, or nothing behind it.
    #[error("read `authorization`: expected `Bearer` and a token")]
    Scheme,
    /// An access token.
    #[error("take the access token")]
    Token(#[source] TokenRefusal),
    /// Text that is no API key.
    #[error("read the API key")]
    ApiKeyText(#[source] ParseApiKeyError),
    /// An API key.
    #[error("take the API key")]
    ApiKey(#[source] ApiKeyRefusal),
    /// Cookies.
    #[error("read the session's cookie")]
    Cookie(#[source] CookieRefusal),
    /// No session is stored under the cookie's secret.
    #[error("find the session: none is stored under this secret")]
    SessionNotFound,
    /// The session was not used for as long as it may go unused.
    #[error("resume a session that was idle for too long")]
    SessionIdle,
    /// The session reached its absolute end.
    #[error("resume a session that reached its absolute end")]
    SessionExpired,
    /// It was good once.
    #[error("take a credential that was taken back")]
    Revoked {
        /// What it is.
        kind: CredentialKind,
        /// By which of its names it was taken back; never [`GrantRefusal::Stale`], which is [`Refusal::Stale`].
        #[source]
        refusal: GrantRefusal,
    },
    /// Its account may do nothing.
    #[error("take a credential of an account that is barred")]
    Barred {
        /// What it is.
        kind: CredentialKind,
    },
}

// === impl Refusal ===

impl From<CredentialRefusal> for Refusal {
    fn from(refusal: CredentialRefusal) -> Self {
        Self::Credential(refusal)
    }
}

impl From<CsrfRefusal> for Refusal {
    fn from(refusal: CsrfRefusal) -> Self {
        Self::Csrf(refusal)
    }
}
