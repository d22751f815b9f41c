//! The claims of an access token, and how they are written and read.

use shield_types::Timestamp;

use crate::{
    AccountId, KeyId, ScopeSet, SessionId, TokenId,
    revocation::Grant,
    token::{
        TokenPolicy, TokenRefusal,
        members::{Members, NotPlain},
        policy::{CLOCK_LEEWAY_MS, LIFETIME_SECONDS_MAX},
    },
};

/// Latest second that a claim can have: ten digits.
const SECONDS_MAX: u64 = 9_999_999_999;

/// What a new token says about its holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessClaims {
    /// Whom it speaks for: `sub`.
    pub account: AccountId,
    /// The session that it belongs to: `sid`.
    pub session: SessionId,
    /// Its own name: `jti`. Fresh for each token.
    pub token: TokenId,
    /// What it is good for: `scope`.
    pub scopes: ScopeSet,
}

/// What a token says whose signature, issuer, audience, type and times were checked. Whether it was revoked is still
/// to be asked, with what is in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedToken {
    /// Whom it speaks for: `sub`.
    pub account: AccountId,
    /// The session that it belongs to: `sid`.
    pub session: SessionId,
    /// Its own name: `jti`. Two spellings of one token have the same.
    pub token: TokenId,
    /// Which key signed it.
    pub key_id: KeyId,
    /// When it was issued: `iat`, whole seconds.
    pub issued_at: Timestamp,
    /// From when on it is valid: `nbf`.
    pub not_before: Timestamp,
    /// From when on it is not valid any more: `exp`.
    pub expires_at: Timestamp,
    /// What it is good for: `scope`.
    pub scopes: ScopeSet,
}

/// The claims of a token, with its times in seconds.
pub(super) struct Claims {
    pub(super) access: AccessClaims,
    pub(super) issued_at: u64,
    pub(super) not_before: u64,
    pub(super) expires_at: u64,
}

/// Claims as they stand in a token; each at most once.
#[derive(Default)]
struct Read<'a> {
    issuer: Option<&'a [u8]>,
    audience: Option<&'a [u8]>,
    account: Option<&'a [u8]>,
    session: Option<&'a [u8]>,
    token: Option<&'a [u8]>,
    scope: Option<&'a [u8]>,
    issued_at: Option<u64>,
    not_before: Option<u64>,
    expires_at: Option<u64>,
}

// === impl VerifiedToken ===

impl VerifiedToken {
    /// Whether the token's times include `now`.
    pub(super) fn check_times(&self, now: Timestamp) -> Result<(), TokenRefusal> {
        let latest_start = now.0.saturating_add(CLOCK_LEEWAY_MS);
        if self.issued_at.0 > latest_start || self.not_before.0 > latest_start {
            return Err(TokenRefusal::NotYetValid);
        }
        if now >= self.expires_at { Err(TokenRefusal::Expired) } else { Ok(()) }
    }

    /// What revocations are asked about. The time of issue is the one in `jti`, to the millisecond; a `jti` without one
    /// leaves the whole seconds of `iat`, which are never later.
    pub fn grant(&self) -> Grant {
        let exact = self.token.uuid().get_timestamp().map(|moment| {
            let (seconds, nanoseconds) = moment.to_unix();
            Timestamp(seconds.saturating_mul(1_000).saturating_add(u64::from(nanoseconds / 1_000_000)))
        });
        Grant {
            account: self.account,
            issued_at: exact.unwrap_or(self.issued_at),
            token: Some(self.token),
            session: Some(self.session),
            signing_key: Some(self.key_id),
            api_key: None,
        }
    }
}

/// The text of `claims`, in the order of DESIGN section 9.
pub(super) fn text(policy: &TokenPolicy, claims: &Claims) -> String {
    let AccessClaims { account, session, token, scopes } = claims.access;
    format!(
        r#"{{"iss":"{}","aud":"{}","sub":"{account}","sid":"{session}","jti":"{token}","iat":{},"nbf":{},"exp":{},"scope":"{}"}}"#,
        policy.issuer,
        policy.audience,
        claims.issued_at,
        claims.not_before,
        claims.expires_at,
        policy.scopes.text(scopes),
    )
}

/// The claims whose text is longest.
pub(super) fn longest(policy: &TokenPolicy) -> Claims {
    let (origin, random) = (Timestamp(0), [0; 10]);
    Claims {
        access: AccessClaims {
            account: AccountId::new(origin, random),
            session: SessionId::new(origin, random),
            token: TokenId::new(origin, random),
            scopes: policy.scopes.all(),
        },
        issued_at: SECONDS_MAX,
        not_before: SECONDS_MAX,
        expires_at: SECONDS_MAX,
    }
}

/// Reads the claims of a token that `key` signed, and holds them against `policy`. Only the question of now is left.
pub(super) fn read(text: &[u8], policy: &TokenPolicy, key: KeyId) -> Result<VerifiedToken, TokenRefusal> {
    let read = Read::parse(text)?;
    let missing = TokenRefusal::ClaimsIncomplete;
    if read.issuer.ok_or(missing)? != policy.issuer.as_bytes() {
        return Err(TokenRefusal::Issuer);
    }
    if read.audience.ok_or(missing)? != policy.audience.as_bytes() {
        return Err(TokenRefusal::Audience);
    }
    let issued_at = read.issued_at.ok_or(missing)?;
    let not_before = read.not_before.ok_or(missing)?;
    let expires_at = read.expires_at.ok_or(missing)?;
    let lifetime = expires_at.checked_sub(issued_at).ok_or(TokenRefusal::Times)?;
    if lifetime == 0 || lifetime > LIFETIME_SECONDS_MAX || not_before >= expires_at {
        return Err(TokenRefusal::Times);
    }
    let value = TokenRefusal::ClaimValue;
    Ok(VerifiedToken {
        account: AccountId::parse(ascii(read.account.ok_or(missing)?)).map_err(|_| value)?,
        session: SessionId::parse(ascii(read.session.ok_or(missing)?)).map_err(|_| value)?,
        token: TokenId::parse(ascii(read.token.ok_or(missing)?)).map_err(|_| value)?,
        key_id: key,
        issued_at: Timestamp(issued_at * 1_000),
        not_before: Timestamp(not_before * 1_000),
        expires_at: Timestamp(expires_at * 1_000),
        scopes: policy.scopes.granted(read.scope.ok_or(missing)?).map_err(|_| value)?,
    })
}

fn ascii(text: &[u8]) -> &str {
    str::from_utf8(text).expect("members hold visible ASCII only")
}

// === impl Read ===

impl<'a> Read<'a> {
    fn parse(text: &'a [u8]) -> Result<Self, TokenRefusal> {
        let mut members = Members::of(text).map_err(|_| TokenRefusal::ClaimsForm)?;
        let mut read = Self::default();
        while let Some(name) = members.name().map_err(|_| TokenRefusal::ClaimsForm)? {
            match name {
                b"iss" => set(&mut read.issuer, members.text()),
                b"aud" => set(&mut read.audience, members.text()),
                b"sub" => set(&mut read.account, members.text()),
                b"sid" => set(&mut read.session, members.text()),
                b"jti" => set(&mut read.token, members.text()),
                b"scope" => set(&mut read.scope, members.text()),
                b"iat" => set(&mut read.issued_at, members.seconds()),
                b"nbf" => set(&mut read.not_before, members.seconds()),
                b"exp" => set(&mut read.expires_at, members.seconds()),
                // A new claim must first be read by one release, then be written by the next.
                _ => Err(TokenRefusal::ClaimMember),
            }?;
        }
        Ok(read)
    }
}

fn set<T>(claim: &mut Option<T>, value: Result<T, NotPlain>) -> Result<(), TokenRefusal> {
    match claim.replace(value.map_err(|_| TokenRefusal::ClaimsForm)?) {
        None => Ok(()),
        Some(_) => Err(TokenRefusal::ClaimDuplicate),
    }
}
