//! What an application issues and accepts: one issuer, one audience, one lifetime, one table of scopes.

use std::time::Duration;

use crate::{
    ScopeTable,
    token::{claims, header::Header},
};

/// Longest token that is read, and that a [`TokenPolicy`] can make.
pub const TOKEN_BYTES_MAX: usize = 2_048;
/// Longest life of an access token. A constant, so that a retired key is kept long enough for every token that it may
/// have signed, whatever the setting was then; and so that a revocation can be forgotten after it.
pub const ACCESS_TOKEN_LIFETIME_MAX: Duration = Duration::from_hours(1);
/// How far in the future `iat` and `nbf` may lie: the difference that clocks of well-kept nodes have. For `exp` there
/// is no leeway (RFC 7519 allows some): a client can refresh early, and no token lives longer than it says.
pub const CLOCK_LEEWAY: Duration = Duration::from_secs(5);
/// Longest issuer or audience.
const NAME_BYTES_MAX: usize = 128;
/// The same in milliseconds and whole seconds, for comparisons.
pub(super) const CLOCK_LEEWAY_MS: u64 = CLOCK_LEEWAY.as_millis() as u64;
pub(super) const LIFETIME_SECONDS_MAX: u64 = ACCESS_TOKEN_LIFETIME_MAX.as_secs();

/// What the operator sets.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// The claim `iss`: usually the address of the service. 1 to 128 visible ASCII characters, neither `"` nor `\`.
    pub issuer: String,
    /// The claim `aud`: which service the tokens are for (ASVS 5.0, 9.2.4). The same form.
    pub audience: String,
    /// How long an access token lives: whole seconds, 1 s to [`ACCESS_TOKEN_LIFETIME_MAX`]. LinkShield's is 15 minutes.
    pub lifetime: Duration,
}

/// Issues and reads access tokens of one issuer for one audience.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) lifetime_seconds: u64,
    pub(super) scopes: ScopeTable,
}

/// Why settings make no policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenPolicyError {
    /// Issuer or audience cannot stand in a token.
    #[error(
        "use `{value}` as {what} of tokens: expected 1 to {NAME_BYTES_MAX} visible ASCII characters, neither `\"` nor `\\`"
    )]
    Name {
        /// `issuer` or `audience`.
        what: &'static str,
        /// What was set, cut at 160 characters.
        value: String,
    },
    /// The lifetime is out of range.
    #[error("let access tokens live `{} ms`: expected whole seconds from 1 s to 1 h", .lifetime.as_millis())]
    Lifetime {
        /// What was set.
        lifetime: Duration,
    },
    /// A token with every scope would be refused.
    #[error(
        "list scopes: a token with all of them has `{bytes}` bytes, `{TOKEN_BYTES_MAX}` are possible; use shorter names"
    )]
    Scopes {
        /// Bytes of such a token.
        bytes: usize,
    },
}

// === impl TokenPolicy ===

impl TokenPolicy {
    /// A policy, if every token that it can issue would be read again.
    pub fn new(settings: TokenSettings, scopes: ScopeTable) -> Result<Self, TokenPolicyError> {
        let TokenSettings { issuer, audience, lifetime } = settings;
        check_name("issuer", &issuer)?;
        check_name("audience", &audience)?;
        let whole = lifetime.subsec_nanos() == 0 && !lifetime.is_zero();
        if !whole || lifetime > ACCESS_TOKEN_LIFETIME_MAX {
            return Err(TokenPolicyError::Lifetime { lifetime });
        }
        let policy = Self { issuer, audience, lifetime_seconds: lifetime.as_secs(), scopes };
        let bytes = policy.token_bytes_max();
        if bytes > TOKEN_BYTES_MAX { Err(TokenPolicyError::Scopes { bytes }) } else { Ok(policy) }
    }

    /// How long a new access token lives.
    pub fn lifetime(&self) -> Duration {
        Duration::from_secs(self.lifetime_seconds)
    }

    /// The scopes that tokens can have.
    pub fn scopes(&self) -> &ScopeTable {
        &self.scopes
    }

    /// Bytes of the longest token of this policy.
    fn token_bytes_max(&self) -> usize {
        let letters = |bytes: usize| (bytes * 8).div_ceil(6);
        let claims = claims::text(self, &claims::longest(self)).len();
        letters(Header::BYTES) + letters(claims) + letters(64) + 2
    }
}

fn check_name(what: &'static str, value: &str) -> Result<(), TokenPolicyError> {
    let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    if (1..=NAME_BYTES_MAX).contains(&value.len()) && value.bytes().all(plain) {
        Ok(())
    } else {
        Err(TokenPolicyError::Name { what, value: value.chars().take(160).collect() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{TokenPolicy, TokenPolicyError, TokenSettings};
    use crate::ScopeTable;

    fn settings() -> TokenSettings {
        TokenSettings {
            issuer: "https://link.example".to_owned(),
            audience: "linkshield".to_owned(),
            lifetime: Duration::from_mins(15),
        }
    }

    fn policy(settings: TokenSettings) -> Result<TokenPolicy, TokenPolicyError> {
        TokenPolicy::new(settings, ScopeTable::new(&["account"]).unwrap())
    }

    #[test]
    fn lifetimes_out_of_range_are_refused() {
        for ms in [0, 999, 1_500, 3_600_001] {
            let lifetime = Duration::from_millis(ms);
            let refusal = policy(TokenSettings { lifetime, ..settings() }).err();
            assert_eq!(refusal, Some(TokenPolicyError::Lifetime { lifetime }));
        }
        assert!(policy(TokenSettings { lifetime: Duration::from_hours(1), ..settings() }).is_ok());
    }

    #[test]
    fn names_that_need_escapes_are_refused() {
        for value in ["", "a\"b", "a\\b", "a b", "ü", "a\n"] {
            let error = TokenPolicyError::Name { what: "issuer", value: value.to_owned() };
            assert_eq!(policy(TokenSettings { issuer: value.to_owned(), ..settings() }).err(), Some(error));
        }
        assert!(policy(TokenSettings { audience: "a".repeat(129), ..settings() }).is_err());
    }

    #[test]
    fn scopes_must_fit_a_token() {
        let names: Vec<String> =
            (0..64).map(|number| format!("a-long-name-of-a-scope-number-{number:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let refusal = TokenPolicy::new(settings(), ScopeTable::new(&names).unwrap()).err();
        assert!(matches!(refusal, Some(TokenPolicyError::Scopes { bytes: 2_049.. })), "{refusal:?}");
    }
}
