//! Why an access token is refused.

use crate::KeyId;

/// Why an access token is refused. Logs and events tell the variants apart; the client gets
/// [`TokenRefusal::CLIENT_TEXT`] for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenRefusal {
    /// Longer than [`crate::token::TOKEN_BYTES_MAX`].
    #[error("read the token: it is longer than `{}` bytes", crate::token::TOKEN_BYTES_MAX)]
    TooLong,
    /// Not three parts with points between them (RFC 7515, 7.1).
    #[error("read the token: it does not have three parts")]
    NotCompact,
    /// A part is not base64url in its one canonical form.
    #[error("read the token: a part is not canonical base64url")]
    Encoding,
    /// The header is not a flat JSON object of plain strings without white space, or not in the one spelling that is
    /// issued.
    #[error("read the token's header: it is not the plain JSON object that is issued")]
    HeaderForm,
    /// A member of the header occurs twice (RFC 7515, 4).
    #[error("read the token's header: a member occurs twice")]
    HeaderDuplicate,
    /// `alg`, `kid` or `typ` is missing.
    #[error("read the token's header: `alg`, `kid` or `typ` is missing")]
    HeaderIncomplete,
    /// The header brings a key or says where to get one (`jwk`, `jku`, `x5c`, `x5u`, `x5t`, `x5t#S256`; ASVS 5.0,
    /// 9.1.3).
    #[error("read the token's header: it names a source of keys")]
    HeaderKeySource,
    /// The header asks for an extension (`crit`; RFC 7515, 4.1.11).
    #[error("read the token's header: it asks for an extension with `crit`")]
    HeaderCritical,
    /// The header has another member.
    #[error("read the token's header: it has a member other than `alg`, `kid` and `typ`")]
    HeaderMember,
    /// `typ` is not `at+jwt` (ASVS 5.0, 9.2.2).
    #[error("accept the token: its type is not `at+jwt`")]
    Type,
    /// `alg` is `none`, in any case of letters.
    #[error("accept the token: it is not signed")]
    AlgorithmNone,
    /// `alg` is one of RSA (ASVS 5.0, 11.2.3).
    #[error("accept the token: RSA signs nothing here")]
    AlgorithmRsa,
    /// `alg` is something else.
    #[error("accept the token: its algorithm is not EdDSA, ES256 or HS256")]
    AlgorithmOther,
    /// `alg` is not the algorithm of the key that `kid` names (ASVS 5.0, 9.1.2).
    #[error("accept the token: key `{key}` signs with another algorithm")]
    AlgorithmMismatch {
        /// The key.
        key: KeyId,
    },
    /// `kid` is not the form of a key id.
    #[error("accept the token: its `kid` is not a key id")]
    KeyIdForm,
    /// No such key.
    #[error("accept the token: key `{key}` is not in the ring")]
    KeyNotInRing {
        /// The key.
        key: KeyId,
    },
    /// The key was killed.
    #[error("accept the token: key `{key}` was killed")]
    KeyKilled {
        /// The key.
        key: KeyId,
    },
    /// The key's last token has expired, so this is none of its tokens.
    #[error("accept the token: key `{key}` has retired for good")]
    KeyGone {
        /// The key.
        key: KeyId,
    },
    /// The signature does not hold.
    #[error("accept the token: its signature does not hold")]
    Signature,
    /// The claims are not a flat JSON object of plain strings and whole numbers without white space.
    #[error("read the token's claims: they are not a plain JSON object")]
    ClaimsForm,
    /// A claim occurs twice (RFC 7519, 4).
    #[error("read the token's claims: a claim occurs twice")]
    ClaimDuplicate,
    /// A claim that this version does not issue.
    #[error("read the token's claims: there is one that is not issued here")]
    ClaimMember,
    /// A claim is missing.
    #[error("read the token's claims: one is missing")]
    ClaimsIncomplete,
    /// `sub`, `sid` or `jti` is not an id, or `scope` not a list of scopes.
    #[error("read the token's claims: an id or the scope is not well formed")]
    ClaimValue,
    /// `iss` is somebody else.
    #[error("accept the token: it was issued by somebody else")]
    Issuer,
    /// `aud` is somebody else (ASVS 5.0, 9.2.3).
    #[error("accept the token: it is meant for somebody else")]
    Audience,
    /// `exp` is not after `iat`, or further from it than [`crate::token::ACCESS_TOKEN_LIFETIME_MAX`], or `nbf` is not
    /// before `exp`.
    #[error("accept the token: its times contradict each other")]
    Times,
    /// `iat` or `nbf` is later than now, beyond [`crate::token::CLOCK_LEEWAY`].
    #[error("accept the token: it is not valid yet")]
    NotYetValid,
    /// `exp` has come.
    #[error("accept the token: it has expired")]
    Expired,
}

// === impl TokenRefusal ===

impl TokenRefusal {
    /// What the client is told, whatever the reason was: RFC 6750's `invalid_token` in words.
    pub const CLIENT_TEXT: &'static str = "the access token is not valid";
}
