//! Refusals as security events: one word for each reason, chosen here.

use crate::{
    ApiKeyId,
    api_key::{ApiKeyRefusal, ParseApiKeyError},
    csrf::{CsrfRefusal, OriginRefusal, TokenRefusal as CsrfTokenRefusal},
    event::SecurityEvent,
    revocation::GrantRefusal,
    session::CookieRefusal,
    token::TokenRefusal,
};

use super::{CredentialKind, CredentialRefusal, Refusal};

// === impl Refusal ===

impl Refusal {
    /// The event that this is. None for a request without a credential, which is everyday, and for stores that are away:
    /// whoever follows them says so once, not per request.
    pub fn event(&self) -> Option<SecurityEvent> {
        match *self {
            Self::Limited { limit, retry_after_s } => {
                Some(SecurityEvent::RateLimited { scope: limit, retry_after_s })
            }
            Self::Credential(refusal) => Some(refusal.event()),
            Self::Scope => Some(SecurityEvent::AccessDenied { reason: "scope" }),
            Self::Csrf(refusal) => Some(csrf_event(refusal)),
            Self::Anonymous | Self::Stale { .. } | Self::StoreAway => None,
        }
    }
}

/// The event of a request that is, or in log-only mode would be, refused as another site's.
pub(super) fn csrf_event(refusal: CsrfRefusal) -> SecurityEvent {
    let reason = match refusal {
        CsrfRefusal::Origin(OriginRefusal::CrossSite) => "cross-site",
        CsrfRefusal::Origin(OriginRefusal::SameSite) => "same-site",
        CsrfRefusal::Origin(OriginRefusal::FetchSite) => "fetch-site",
        CsrfRefusal::Origin(OriginRefusal::Origin) => "origin",
        CsrfRefusal::Token(CsrfTokenRefusal::Missing) => "token-missing",
        CsrfRefusal::Token(CsrfTokenRefusal::Repeated) => "token-repeated",
        CsrfRefusal::Token(CsrfTokenRefusal::Malformed) => "token-malformed",
        CsrfRefusal::Token(CsrfTokenRefusal::Mismatch) => "token-mismatch",
    };
    SecurityEvent::CsrfRefused { reason }
}

// === impl CredentialRefusal ===

impl CredentialRefusal {
    fn event(self) -> SecurityEvent {
        match self {
            Self::Repeated => SecurityEvent::InputRefused { reason: "credential-repeated" },
            Self::Ambiguous => SecurityEvent::InputRefused { reason: "credential-ambiguous" },
            Self::Scheme => SecurityEvent::TokenRefused { reason: "scheme" },
            Self::Token(refusal) => SecurityEvent::TokenRefused { reason: token_reason(refusal) },
            Self::ApiKeyText(ParseApiKeyError::Prefix) => api_key("prefix", None),
            Self::ApiKeyText(ParseApiKeyError::Letters) => api_key("malformed", None),
            Self::ApiKeyText(ParseApiKeyError::Checksum) => api_key("checksum", None),
            Self::ApiKey(ApiKeyRefusal::NotFound) => api_key("not-found", None),
            Self::ApiKey(ApiKeyRefusal::Expired { key }) => api_key("expired", Some(key)),
            Self::Cookie(CookieRefusal::TooLong) => session("cookies-too-long"),
            Self::Cookie(CookieRefusal::Repeated) => session("cookie-repeated"),
            Self::Cookie(CookieRefusal::Malformed) => session("cookie-malformed"),
            Self::SessionNotFound => session("not-found"),
            Self::SessionIdle => session("idle"),
            Self::SessionExpired => session("absolute"),
            Self::Revoked { kind, refusal } => of_kind(kind, revoked_reason(refusal)),
            Self::Barred { kind } => of_kind(kind, "account-barred"),
        }
    }
}

fn of_kind(kind: CredentialKind, reason: &'static str) -> SecurityEvent {
    match kind {
        CredentialKind::Token => SecurityEvent::TokenRefused { reason },
        CredentialKind::Session => session(reason),
        CredentialKind::ApiKey => api_key(reason, None),
    }
}

fn session(reason: &'static str) -> SecurityEvent {
    SecurityEvent::SessionRefused { reason }
}

fn api_key(reason: &'static str, key: Option<ApiKeyId>) -> SecurityEvent {
    SecurityEvent::ApiKeyRefused { reason, key }
}

fn revoked_reason(refusal: GrantRefusal) -> &'static str {
    match refusal {
        GrantRefusal::Token => "revoked-token",
        GrantRefusal::Session => "revoked-session",
        GrantRefusal::Account => "revoked-account",
        GrantRefusal::SigningKey => "revoked-signing-key",
        GrantRefusal::ApiKey => "revoked-api-key",
        GrantRefusal::SetFull => "revocations-full",
        GrantRefusal::Stale { .. } => "revocations-stale",
    }
}

fn token_reason(refusal: TokenRefusal) -> &'static str {
    match refusal {
        TokenRefusal::TooLong => "too-long",
        TokenRefusal::NotCompact | TokenRefusal::Encoding => "malformed",
        TokenRefusal::HeaderForm
        | TokenRefusal::HeaderDuplicate
        | TokenRefusal::HeaderIncomplete
        | TokenRefusal::HeaderMember => "header",
        TokenRefusal::HeaderKeySource => "key-source",
        TokenRefusal::HeaderCritical => "critical",
        TokenRefusal::Type => "type",
        TokenRefusal::AlgorithmNone => "algorithm-none",
        TokenRefusal::AlgorithmRsa => "algorithm-rsa",
        TokenRefusal::AlgorithmOther => "algorithm",
        TokenRefusal::AlgorithmMismatch { .. } => "algorithm-mismatch",
        TokenRefusal::KeyIdForm | TokenRefusal::KeyNotInRing { .. } => "key-not-in-ring",
        TokenRefusal::KeyKilled { .. } => "key-killed",
        TokenRefusal::KeyGone { .. } => "key-gone",
        TokenRefusal::Signature => "signature",
        TokenRefusal::ClaimsForm
        | TokenRefusal::ClaimDuplicate
        | TokenRefusal::ClaimMember
        | TokenRefusal::ClaimsIncomplete
        | TokenRefusal::ClaimValue
        | TokenRefusal::Times => "claims",
        TokenRefusal::Issuer => "issuer",
        TokenRefusal::Audience => "audience",
        TokenRefusal::NotYetValid => "not-yet-valid",
        TokenRefusal::Expired => "expired",
    }
}
