//! One entry of the log.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shield_types::Timestamp;

use crate::{AccountId, ApiKeyId, KeyId, SessionId, TokenId};

/// The form of an entry that this code writes, and the only one it reads.
const VERSION: u32 = 1;
/// What was issued in the same millisecond goes too.
const MILLISECOND: Duration = Duration::from_millis(1);
/// Longer than any node believes in what it last heard of an account.
const STANDING_KEPT: Duration = Duration::from_mins(15);
/// Bytes of an entry's JSON; one of ours has about 250.
const BYTES_MAX: usize = 1_024;

/// What is taken back. None of it can be given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Revoked {
    /// One token, by its `jti`; by its bytes it could be spelled anew (a signature by ECDSA has a twin).
    Token {
        /// The claim `jti`.
        token: TokenId,
    },
    /// One session, and all tokens that were issued in it.
    Session {
        /// The claim `sid`.
        session: SessionId,
    },
    /// Sessions and tokens of an account, but not its API keys: "log out everywhere", a new password.
    Sessions {
        /// Whose.
        account: AccountId,
        /// What was issued at this moment or later stays good.
        issued_before: Timestamp,
    },
    /// Everything of an account, API keys too: it was suspended or taken over (ASVS 5.0, 7.4.2).
    Account {
        /// Whose.
        account: AccountId,
        /// What was issued at this moment or later stays good.
        issued_before: Timestamp,
    },
    /// A signing key, and every token that it ever signed or will sign.
    SigningKey {
        /// Its `kid`.
        key: KeyId,
    },
    /// One API key.
    ApiKey {
        /// Which.
        key: ApiKeyId,
    },
}

/// Why. For lists and events; no decision depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevocationReason {
    /// Its owner logged out.
    Logout,
    /// Its owner ended one or all sessions from the list.
    EndedByOwner,
    /// The password or another factor changed.
    FactorChange,
    /// More sessions than the account may have.
    SessionLimit,
    /// A refresh token came twice.
    RefreshReuse,
    /// Replaced by its successor.
    Rotation,
    /// An administrator took it back.
    Administrator,
    /// The account was suspended or deleted.
    AccountSuspension,
    /// It is in other hands.
    Compromise,
    /// Part of the answer to an incident.
    SecurityIncident,
}

/// When and why something ends: what a store writes into the entry that it makes for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevocationCause {
    /// Why.
    pub reason: RevocationReason,
    /// When.
    pub at: Timestamp,
}

/// An entry of the log: what is taken back, and until when that must be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// What.
    pub revoked: Revoked,
    /// Why.
    pub reason: RevocationReason,
    /// When.
    pub revoked_at: Timestamp,
    /// When the last credential that it concerns has expired by itself: a token's `exp`, a session's absolute end, for an
    /// account the longest life of what it holds. Too late costs memory, too early gives back what was taken.
    pub expires_at: Timestamp,
}

/// Bytes that are not an entry. Who reads the log must stop there: its set then grows stale, and refuses.
#[derive(Debug, thiserror::Error)]
pub enum ReadRevocationError {
    /// More bytes than any entry has.
    #[error("read a revocation of `{bytes}` bytes: expected at most {BYTES_MAX}")]
    TooLong {
        /// How many.
        bytes: usize,
    },
    /// Written by a newer program.
    #[error("read a revocation of version `{version}`: this program reads version {VERSION}")]
    Version {
        /// Which.
        version: u32,
    },
    /// Not the JSON of an entry.
    #[error("read a revocation")]
    Json(#[source] serde_json::Error),
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Versioned {
    version: u32,
    entry: Revocation,
}

// === impl Revocation ===

impl Revocation {
    /// Everything that an account was issued until now, API keys apart. What replaces it (the session after a change of
    /// password) is issued at [`Self::successors_from`]. `longest_life` is the longest absolute life of a session or
    /// token.
    pub fn of_sessions(
        account: AccountId,
        reason: RevocationReason,
        now: Timestamp,
        longest_life: Duration,
    ) -> Self {
        let revoked = Revoked::Sessions { account, issued_before: now.after(MILLISECOND) };
        Self { revoked, reason, revoked_at: now, expires_at: now.after(longest_life) }
    }

    /// Everything that an account was issued until now. `longest_life` is the longest life of an API key
    /// ([`crate::api_key::API_KEY_LIFE_MAX`]).
    pub fn of_account(
        account: AccountId,
        reason: RevocationReason,
        now: Timestamp,
        longest_life: Duration,
    ) -> Self {
        let revoked = Revoked::Account { account, issued_before: now.after(MILLISECOND) };
        Self { revoked, reason, revoked_at: now, expires_at: now.after(longest_life) }
    }

    /// What an account may do has changed: every node looks at it anew, sooner than it would by itself. That refuses nothing by
    /// its date, so that what the account holds is good again when a suspension is lifted; sessions are ended one by one.
    pub fn of_standing(account: AccountId, reason: RevocationReason, now: Timestamp) -> Self {
        let revoked = Revoked::Account { account, issued_before: Timestamp(0) };
        Self { revoked, reason, revoked_at: now, expires_at: now.after(STANDING_KEPT) }
    }

    /// The first moment at which something issued to the same account is not touched by this entry: the millisecond after
    /// it, because what was issued in the very millisecond must go too.
    pub fn successors_from(&self) -> Timestamp {
        match self.revoked {
            Revoked::Sessions { issued_before, .. } | Revoked::Account { issued_before, .. } => issued_before,
            Revoked::Token { .. }
            | Revoked::Session { .. }
            | Revoked::SigningKey { .. }
            | Revoked::ApiKey { .. } => self.revoked_at,
        }
    }

    /// As it is stored and sent.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(&Versioned { version: VERSION, entry: *self }).expect("ids and numbers are JSON")
    }

    /// Reads what was stored or sent.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ReadRevocationError> {
        if bytes.len() > BYTES_MAX {
            return Err(ReadRevocationError::TooLong { bytes: bytes.len() });
        }
        let VersionOnly { version } = serde_json::from_slice(bytes).map_err(ReadRevocationError::Json)?;
        if version != VERSION {
            return Err(ReadRevocationError::Version { version });
        }
        let versioned: Versioned = serde_json::from_slice(bytes).map_err(ReadRevocationError::Json)?;
        Ok(versioned.entry)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use shield_types::Timestamp;

    use super::{ReadRevocationError, Revocation, RevocationReason, Revoked};
    use crate::{AccountId, ApiKeyId, KeyId, SessionId, TokenId};

    fn entries() -> impl Strategy<Value = Revocation> {
        let moment = || (0_u64..1 << 50).prop_map(Timestamp);
        let revoked = (0..6, any::<[u8; 32]>(), moment()).prop_map(|(kind, random, issued_before)| {
            let (now, bytes) = (Timestamp(1 << 40), random[..10].try_into().unwrap());
            match kind {
                0 => Revoked::Token { token: TokenId::new(now, bytes) },
                1 => Revoked::Session { session: SessionId::new(now, bytes) },
                2 => Revoked::Sessions { account: AccountId::new(now, bytes), issued_before },
                3 => Revoked::Account { account: AccountId::new(now, bytes), issued_before },
                4 => Revoked::SigningKey { key: KeyId::from_thumbprint(random) },
                _ => Revoked::ApiKey { key: ApiKeyId::new(now, bytes) },
            }
        });
        (revoked, moment(), moment()).prop_map(|(revoked, revoked_at, expires_at)| Revocation {
            revoked,
            reason: RevocationReason::Compromise,
            revoked_at,
            expires_at,
        })
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(entry in entries()) {
            prop_assert_eq!(Revocation::from_json(&entry.to_json()).unwrap(), entry);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(Revocation::from_json(&bytes).is_err());
        }

        #[test]
        fn a_changed_entry_never_reads_as_the_same(entry in entries(), at in any::<prop::sample::Index>(), byte: u8) {
            let mut bytes = entry.to_json();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            if let Ok(other) = Revocation::from_json(&bytes) {
                prop_assert_ne!(other, entry);
            }
        }
    }

    fn example() -> String {
        let account = AccountId::new(Timestamp(1_700_000_000_000), [7; 10]);
        let entry = Revocation::of_account(
            account,
            RevocationReason::AccountSuspension,
            Timestamp(1_000),
            Duration::from_secs(5),
        );
        String::from_utf8(entry.to_json()).unwrap()
    }

    #[test]
    fn a_changed_standing_refuses_nothing_by_its_date() {
        let (account, now) = (AccountId::new(Timestamp(0), [7; 10]), Timestamp(1_700_000_000_000));
        let entry = Revocation::of_standing(account, RevocationReason::AccountSuspension, now);
        assert_eq!(entry.revoked, Revoked::Account { account, issued_before: Timestamp(0) });
        assert!(entry.expires_at > now.after(Duration::from_mins(10)), "longer than accounts are remembered");
    }

    #[test]
    fn the_stored_form_stays() {
        let text = r#"{"version":1,"entry":{"revoked":{"kind":"account","account":"018bcfe5-6800-7707-8707-070707070707","issued_before":1001},"reason":"account-suspension","revoked_at":1000,"expires_at":6000}}"#;
        assert_eq!(example(), text);
    }

    #[test]
    fn refuses_a_newer_version_and_new_fields() {
        let newer = example().replace("\"version\":1", "\"version\":2,\"more\":0");
        let error = Revocation::from_json(newer.as_bytes()).unwrap_err();
        assert!(matches!(error, ReadRevocationError::Version { version: 2 }), "{error}");
        for (place, field) in [
            ("\"entry\":{", "\"entry\":{\"a\":0,"),
            ("\"kind\"", "\"a\":0,\"kind\""),
            ("{\"v", "{\"a\":0,\"v"),
        ] {
            let text = example().replace(place, field);
            let error = Revocation::from_json(text.as_bytes()).unwrap_err();
            assert!(matches!(error, ReadRevocationError::Json(_)), "{text}: {error}");
        }
        assert!(matches!(
            Revocation::from_json(&[b' '; 1_025]).unwrap_err(),
            ReadRevocationError::TooLong { bytes: 1_025 }
        ));
    }
}
