//! Puts LinkShield's chain together from its settings.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use shield_guard::{
    ScopeSet,
    address::{HopField, Network, TooManyNetworks, TrustedHops},
    api_key::{ApiKeyFormat, ApiKeyIndex},
    chain::{AccountTable, ApiKeyScopes, Chain, TooManyScopes},
    csrf::{Csrf, CsrfKeys, CsrfMode, Origins, TokenRule},
    limit::{Algorithm, Limit, LimitError, LimitSettings, Rate, RateError, TierScaling},
    revocation::{RevocationLimits, RevocationSet},
    session::{SESSION_COOKIE, SameSite, SessionCache, SessionCookie, SessionPolicy},
    token::{CacheSizeError, TokenPolicy, TokenVerifier, VerifiedTokenCache},
};
use shield_types::Secret;
use thiserror::Error;

/// Behind the prefix `__Host-`.
const DEVICE_COOKIE: &str = "device";
/// The period of the coarse limit.
const COARSE_PERIOD: Duration = Duration::from_mins(1);
/// Addresses that it is made for: 3.2 MB.
const COARSE_KEYS: NonZeroU32 = NonZeroU32::new(100_000).expect("it is not zero");
/// Verified tokens that are remembered; 130 bytes each.
const CACHED_TOKENS: usize = 16_384;
/// Sessions that are remembered; 200 bytes each.
const CACHED_SESSIONS: usize = 100_000;
/// Accounts that are remembered; 64 bytes each.
const CACHED_ACCOUNTS: usize = 100_000;
/// How long what an account may do is believed: a role or plan that another process changed counts here after this time.
const ACCOUNT_AGE_MAX: Duration = Duration::from_secs(5);
/// What was taken back and has not expired, of each kind; 40 bytes each when it is there.
const REVOCATIONS: RevocationLimits =
    RevocationLimits { entries_max: 1_000_000, age_max: Duration::from_secs(5) };

/// What the chain is made of.
#[derive(Debug)]
pub struct ChainSettings<'a> {
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: &'a [Network],
    /// Whose pages may send unsafe requests.
    pub origins: Origins,
    /// What one address may ask per minute in all.
    pub coarse_per_minute: u32,
    /// Reads access tokens.
    pub tokens: TokenPolicy,
    /// How API keys look.
    pub api_key_format: ApiKeyFormat,
    /// All API keys.
    pub api_keys: Arc<ApiKeyIndex>,
    /// What the bits of API keys stand for.
    pub api_key_scopes: &'a [ScopeSet],
    /// How long sessions live.
    pub sessions: SessionPolicy,
    /// Makes CSRF tokens.
    pub csrf_key: &'a Secret<[u8; 32]>,
    /// Random bytes that place addresses in the table of the coarse limit.
    pub seed: [u8; 16],
}

/// Why there is no chain.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BuildChainError {
    /// Too many proxies.
    #[error("trust proxies")]
    Proxies(#[from] TooManyNetworks),
    /// No such rate.
    #[error("limit what one address may ask")]
    Rate(#[from] RateError),
    /// No such limit.
    #[error("limit what one address may ask")]
    Limit(#[from] LimitError),
    /// No such cache.
    #[error("remember verified tokens")]
    Cache(#[from] CacheSizeError),
    /// Too many scopes.
    #[error("give API keys their scopes")]
    Scopes(#[from] TooManyScopes),
}

/// A chain that knows nobody yet and, until [`super::catch_up`], takes no credential.
///
/// # Errors
/// When a setting is out of range.
pub fn build_chain(settings: ChainSettings<'_>) -> Result<Chain, BuildChainError> {
    let coarse = LimitSettings {
        name: "address",
        algorithm: Algorithm::Gcra,
        rate: Rate::new(settings.coarse_per_minute, COARSE_PERIOD)?,
        scaling: TierScaling::Same,
        keys: COARSE_KEYS,
    };
    Ok(Chain {
        hops: TrustedHops::new(settings.trusted_proxies, HopField::XForwardedFor)?,
        coarse: Limit::new(coarse, settings.seed)?,
        tokens: TokenVerifier::new(settings.tokens, VerifiedTokenCache::new(CACHED_TOKENS)?),
        cookie: session_cookie(),
        sessions: SessionCache::new(CACHED_SESSIONS, &settings.sessions),
        api_key_format: settings.api_key_format,
        api_keys: settings.api_keys,
        api_key_scopes: ApiKeyScopes::new(settings.api_key_scopes)?,
        revocations: RevocationSet::new(REVOCATIONS),
        accounts: AccountTable::new(CACHED_ACCOUNTS, ACCOUNT_AGE_MAX),
        csrf: Csrf {
            origins: settings.origins,
            keys: CsrfKeys::new(settings.csrf_key, None),
            rule: TokenRule::Always,
            mode: CsrfMode::Enforce,
        },
    })
}

/// The cookie that a device is known by at log-in. It opens nothing.
pub fn device_cookie() -> SessionCookie {
    SessionCookie::new(DEVICE_COOKIE, SameSite::Strict).expect("lower-case letters are a name")
}

/// The cookie of sessions.
pub fn session_cookie() -> SessionCookie {
    SessionCookie::new(SESSION_COOKIE, SameSite::Strict).expect("guard's own name is a name")
}
