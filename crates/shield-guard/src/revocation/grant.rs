//! What a request presents, as far as it can be taken back.

use std::time::Duration;

use shield_types::Timestamp;

use crate::{AccountId, ApiKeyId, KeyId, SessionId, TokenId};

/// What a verified credential consists of: everything by which it may have been taken back, asked about in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who it speaks for.
    pub account: AccountId,
    /// When it was issued, to the millisecond. Of a JWT take the time inside its `jti` (a UUID of version 7), not the whole
    /// seconds of `iat`: those would refuse whoever logs in within the second of a password change.
    pub issued_at: Timestamp,
    /// The token, of a JWT.
    pub token: Option<TokenId>,
    /// The session, of a session cookie or of a JWT that was issued in one.
    pub session: Option<SessionId>,
    /// The key that signed it, of a JWT.
    pub signing_key: Option<KeyId>,
    /// The API key.
    pub api_key: Option<ApiKeyId>,
}

/// Why a grant is not taken. The client hears 401 and one text for all but [`Self::Stale`], which is 503.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantRefusal {
    /// The token was taken back.
    #[error("take a revoked token")]
    Token,
    /// The session was ended.
    #[error("take a token or cookie of an ended session")]
    Session,
    /// The account's grants of that time were taken back.
    #[error("take a grant that the account's not-before has overtaken")]
    Account,
    /// The key that signed it is no longer trusted.
    #[error("take a token signed by a revoked key")]
    SigningKey,
    /// The API key was taken back.
    #[error("take a revoked API key")]
    ApiKey,
    /// The set was full once; everything older than that moment is refused, because something in it was revoked.
    #[error("take a grant older than the moment at which the set of revocations was full")]
    SetFull,
    /// This node does not know whether it was taken back.
    #[error("take a grant on a set of revocations that was last complete `{}` ms ago", age.as_millis())]
    Stale {
        /// How long ago the set was complete; [`Duration::MAX`] when it never was.
        age: Duration,
    },
}
