//! Who a request turned out to come from.

use crate::{
    AccountId, ApiKeyId, ScopeSet, SessionId, api_key::ApiKeyGrant, limit::Tier, revocation::Grant,
    session::ActiveSession, token::VerifiedToken,
};

use super::CredentialKind;

/// Bits that an API key has for its scopes.
const KEY_BITS: usize = 64;

/// What somebody proved to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// By an access token.
    Token(VerifiedToken),
    /// By a session's cookie.
    Session(ActiveSession),
    /// By an API key.
    ApiKey(ApiKeyGrant),
}

/// Somebody known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Who they are, and how they proved it.
    pub identity: Identity,
    /// What they may do now: what the credential and the account both allow.
    pub scopes: ScopeSet,
    /// What their account pays for.
    pub tier: Tier,
}

/// What the bits of API keys' scopes stand for: bit 0 for the first set, and so on. The order is stored with every key, so
/// it is only ever added to. A bit without a set allows nothing.
#[derive(Clone, Debug, Default)]
pub struct ApiKeyScopes(Box<[ScopeSet]>);

/// More sets than there are bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give API keys `{scopes}` scopes: expected at most {KEY_BITS}")]
pub struct TooManyScopes {
    /// What was asked for.
    pub scopes: usize,
}

// === impl Identity ===

impl Identity {
    /// Whose.
    pub fn account(&self) -> AccountId {
        match self {
            Self::Token(token) => token.account,
            Self::Session(session) => session.account,
            Self::ApiKey(key) => key.account,
        }
    }

    /// The session that it belongs to, of a token or a cookie.
    pub fn session(&self) -> Option<SessionId> {
        match self {
            Self::Token(token) => Some(token.session),
            Self::Session(session) => Some(session.id),
            Self::ApiKey(_) => None,
        }
    }

    /// The API key, of one.
    pub fn api_key(&self) -> Option<ApiKeyId> {
        match self {
            Self::ApiKey(key) => Some(key.id),
            Self::Token(_) | Self::Session(_) => None,
        }
    }

    /// What kind of credential proved it.
    pub fn kind(&self) -> CredentialKind {
        match self {
            Self::Token(_) => CredentialKind::Token,
            Self::Session(_) => CredentialKind::Session,
            Self::ApiKey(_) => CredentialKind::ApiKey,
        }
    }

    pub(super) fn grant(&self) -> Grant {
        match self {
            Self::Token(token) => token.grant(),
            Self::Session(session) => session.grant(),
            Self::ApiKey(key) => key.grant(),
        }
    }
}

// === impl ApiKeyScopes ===

impl ApiKeyScopes {
    /// One set for each bit that keys use.
    pub fn new(bits: &[ScopeSet]) -> Result<Self, TooManyScopes> {
        match bits.len() {
            ..=KEY_BITS => Ok(Self(bits.into())),
            scopes => Err(TooManyScopes { scopes }),
        }
    }

    /// What a key with these bits allows.
    pub fn of(&self, bits: u64) -> ScopeSet {
        let set = |place: &(usize, &ScopeSet)| bits & (1 << place.0) != 0;
        self.0.iter().enumerate().filter(set).fold(ScopeSet::EMPTY, |all, (_, scopes)| all | *scopes)
    }
}
