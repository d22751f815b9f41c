//! What the client of a refused request is told: the one place that knows statuses, kinds and texts.

use super::{CredentialKind, CredentialRefusal, Refusal};

/// Whether the session's cookie is worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieFate {
    /// Perhaps.
    Keep,
    /// Never again: the answer takes it away, so that the browser stops sending it.
    Clear,
}

/// The kinds of problem that a refused request can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// 401: there is no credential.
    AuthenticationRequired,
    /// 401: there is one, and it is not good.
    CredentialRefused,
    /// 403: it is good, and not for this.
    ScopeMissing,
    /// 403: another site may have sent the request.
    CsrfRefused,
    /// 429: one too many.
    RateLimited,
    /// 503: it cannot be decided now.
    TryLater,
}

/// An answer to a refused request, before it becomes a problem document (RFC 9457).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalAnswer {
    /// 401, 403, 429 or 503.
    pub status: u16,
    /// What becomes the problem's `type`.
    pub kind: RefusalKind,
    /// The kind in words.
    pub title: &'static str,
    /// What to do; says nothing about why a credential is not good.
    pub detail: &'static str,
    /// The value of `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// The value of `WWW-Authenticate` (RFC 6750, 3).
    pub challenge: Option<&'static str>,
    /// What becomes of the session's cookie.
    pub cookie: CookieFate,
}

/// How long to wait for a store or a node to come back.
const RETRY_AFTER_S: u64 = 1;

// === impl Refusal ===

impl Refusal {
    /// What the client is told.
    pub fn answer(&self) -> RefusalAnswer {
        match self {
            Self::Limited { retry_after_s, .. } => RefusalAnswer {
                retry_after_s: Some(*retry_after_s),
                ..RefusalAnswer::new(
                    429,
                    RefusalKind::RateLimited,
                    "Too many requests",
                    "the limit in `ratelimit-policy` is used up; `retry-after` says when there is more",
                )
            },
            Self::Anonymous => RefusalAnswer {
                challenge: Some("Bearer"),
                ..RefusalAnswer::new(
                    401,
                    RefusalKind::AuthenticationRequired,
                    "Authentication is required",
                    "send a bearer token, an API key or a session cookie",
                )
            },
            Self::Credential(refusal) => RefusalAnswer {
                challenge: Some("Bearer error=\"invalid_token\""),
                cookie: refusal.cookie_fate(),
                ..RefusalAnswer::new(
                    401,
                    RefusalKind::CredentialRefused,
                    "The credential is not valid",
                    "the token, key or session that was sent is not valid, or is not any more",
                )
            },
            Self::Scope => RefusalAnswer {
                challenge: Some("Bearer error=\"insufficient_scope\""),
                ..RefusalAnswer::new(
                    403,
                    RefusalKind::ScopeMissing,
                    "The credential does not allow this",
                    "the token, key or session that was sent is valid, but not for this",
                )
            },
            Self::Csrf(_) => RefusalAnswer::new(
                403,
                RefusalKind::CsrfRefused,
                "The request may come from another site",
                "send it from the service's own pages, with the token of `/api/csrf/token` in `x-csrf-token`",
            ),
            Self::Stale { .. } | Self::StoreAway => RefusalAnswer {
                retry_after_s: Some(RETRY_AFTER_S),
                ..RefusalAnswer::new(
                    503,
                    RefusalKind::TryLater,
                    "This cannot be decided now",
                    "what is needed to decide whether the request is allowed is not available at the moment",
                )
            },
        }
    }
}

// === impl CredentialRefusal ===

impl CredentialRefusal {
    /// Cleared is a cookie whose session is surely over; one that could not be read may be another program's doing, and its
    /// neighbour may be good.
    fn cookie_fate(&self) -> CookieFate {
        match self {
            Self::SessionNotFound
            | Self::SessionIdle
            | Self::SessionExpired
            | Self::Revoked { kind: CredentialKind::Session, .. } => CookieFate::Clear,
            Self::Repeated
            | Self::Ambiguous
            | Self::Scheme
            | Self::Token(_)
            | Self::ApiKeyText(_)
            | Self::ApiKey(_)
            | Self::Cookie(_)
            | Self::Revoked { kind: CredentialKind::Token | CredentialKind::ApiKey, .. }
            | Self::Barred { .. } => CookieFate::Keep,
        }
    }
}

// === impl RefusalAnswer ===

impl RefusalAnswer {
    const fn new(status: u16, kind: RefusalKind, title: &'static str, detail: &'static str) -> Self {
        let (retry_after_s, challenge, cookie) = (None, None, CookieFate::Keep);
        Self { status, kind, title, detail, retry_after_s, challenge, cookie }
    }
}
