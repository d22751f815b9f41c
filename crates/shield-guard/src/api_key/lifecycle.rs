//! How keys are made and replaced.

use std::time::Duration;

use shield_types::{Secret, Timestamp, format_duration};

use super::{API_KEY_REVOCATION_KEPT, ApiKeyFormat, ApiKeyRecord, ApiKeyState, Environment};
use crate::{
    AccountId, ApiKeyId,
    revocation::{Revocation, RevocationReason, Revoked},
    session::ClientText,
};

/// No key lives longer: 366 days.
pub const API_KEY_LIFE_MAX: Duration = Duration::from_secs(366 * 24 * 3_600);

/// How an application's keys look and how long they live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyPolicy {
    /// How they look.
    pub format: ApiKeyFormat,
    /// How long a key lives if its owner does not say; at most 366 days.
    pub life: Duration,
    /// How long a replaced key goes on working beside its successor, at most.
    pub grace: Duration,
}

/// A key that somebody wants.
#[derive(Clone, Copy, Debug)]
pub struct ApiKeyOrder<'a> {
    /// Whose it will be.
    pub account: AccountId,
    /// What they call it.
    pub name: &'a str,
    /// What it may be used for; the caller has checked that the account may do as much itself.
    pub scopes: u64,
    /// Which data it opens.
    pub environment: Environment,
    /// How long it lives; the policy's life if nothing is said.
    pub life: Option<Duration>,
}

/// Why a key is not made or replaced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyOrderError {
    /// It would never work, or for ever.
    #[error("make an API key that lives `{}`: expected more than zero and at most `{}`",
        format_duration(*life), format_duration(API_KEY_LIFE_MAX))]
    Life {
        /// As given.
        life: Duration,
    },
    /// It has a successor already; replace that one.
    #[error("replace the API key `{key}`, which has a successor")]
    AlreadyReplaced {
        /// Which.
        key: ApiKeyId,
    },
    /// It is over; a new one is made, not replaced.
    #[error("replace the API key `{key}`, which has expired")]
    Expired {
        /// Which.
        key: ApiKeyId,
    },
}

/// Random bytes of a cryptographic generator for one key.
#[derive(Clone, Copy)]
pub struct ApiKeyRandom {
    /// For the id.
    pub id: [u8; 10],
    /// For the key.
    pub key: [u8; 32],
}

/// A key that was made: the record for the store, the text for its owner.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    /// Shown once, kept nowhere.
    pub text: Secret<String>,
    /// Goes into the store.
    pub record: ApiKeyRecord,
}

/// A rotation: both records go into the store in one step.
#[derive(Clone, Debug)]
pub struct KeyRotation {
    /// The old key, with its successor and the end of its grace.
    pub replaced: ApiKeyRecord,
    /// The new one.
    pub successor: NewApiKey,
}

// === impl ApiKeyPolicy ===

impl ApiKeyPolicy {
    /// The original's times: 90 days, 30 days of grace for a key that was replaced.
    pub fn new(format: ApiKeyFormat) -> Self {
        let day = Duration::from_secs(24 * 3_600);
        Self { format, life: 90 * day, grace: 30 * day }
    }

    /// Makes a key.
    pub fn make(
        &self,
        order: &ApiKeyOrder<'_>,
        now: Timestamp,
        random: ApiKeyRandom,
    ) -> Result<NewApiKey, ApiKeyOrderError> {
        let life = order.life.unwrap_or(self.life);
        if life.is_zero() || life > API_KEY_LIFE_MAX {
            return Err(ApiKeyOrderError::Life { life });
        }
        let issued = self.format.issue(order.environment, random.key);
        let record = ApiKeyRecord {
            id: ApiKeyId::new(now, random.id),
            account: order.account,
            digest: issued.digest,
            name: ClientText::cut(order.name.as_bytes()),
            hint: issued.hint,
            scopes: order.scopes,
            environment: order.environment,
            created_at: now,
            expires_at: now.after(life),
            successor: None,
            last_used_at: None,
        };
        Ok(NewApiKey { text: issued.text, record })
    }

    /// Replaces a key by one with the same name, scopes and environment. Both work until the old one's grace is over, which never
    /// prolongs it.
    pub fn replace(
        &self,
        old: &ApiKeyRecord,
        now: Timestamp,
        random: ApiKeyRandom,
    ) -> Result<KeyRotation, ApiKeyOrderError> {
        match old.state(now) {
            ApiKeyState::Live => {}
            ApiKeyState::Replaced => return Err(ApiKeyOrderError::AlreadyReplaced { key: old.id }),
            ApiKeyState::Expired => return Err(ApiKeyOrderError::Expired { key: old.id }),
        }
        let order = ApiKeyOrder {
            account: old.account,
            name: old.name.as_str(),
            scopes: old.scopes,
            environment: old.environment,
            life: None,
        };
        let successor = self.make(&order, now, random)?;
        let replaced = ApiKeyRecord {
            successor: Some(successor.record.id),
            expires_at: old.expires_at.min(now.after(self.grace)),
            ..old.clone()
        };
        Ok(KeyRotation { replaced, successor })
    }
}

// === impl ApiKeyRecord ===

impl ApiKeyRecord {
    /// The entry of the log that takes the key back at once, whatever its state: remembered until no node knows the key any more,
    /// because each read its change by then or forgot all keys ([`super::ApiKeyFollower`]). A year's entries of keys that are made and
    /// taken back again would fill every node's set.
    pub fn revocation(&self, reason: RevocationReason, now: Timestamp) -> Revocation {
        let expires_at = now.after(API_KEY_REVOCATION_KEPT);
        Revocation { revoked: Revoked::ApiKey { key: self.id }, reason, revoked_at: now, expires_at }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shield_types::Timestamp;

    use super::{ApiKeyOrder, ApiKeyOrderError, ApiKeyPolicy, ApiKeyRandom, NewApiKey};
    use crate::{
        AccountId,
        api_key::{API_KEYS_BELIEVED, ApiKeyFormat, ApiKeyState, Environment},
        revocation::{RevocationReason, Revoked},
    };

    const NOW: Timestamp = Timestamp(1_700_000_000_000);
    const DAY_MS: u64 = 24 * 3_600_000;

    fn policy() -> ApiKeyPolicy {
        ApiKeyPolicy::new(ApiKeyFormat::new("ls").unwrap())
    }

    fn random(byte: u8) -> ApiKeyRandom {
        ApiKeyRandom { id: [byte; 10], key: [byte; 32] }
    }

    fn order() -> ApiKeyOrder<'static> {
        let account = AccountId::new(NOW, [1; 10]);
        ApiKeyOrder { account, name: "build server", scopes: 5, environment: Environment::Live, life: None }
    }

    fn make(order: &ApiKeyOrder<'_>) -> Result<NewApiKey, ApiKeyOrderError> {
        policy().make(order, NOW, random(1))
    }

    #[test]
    fn asvs_v13_3_4_every_key_expires() {
        let key = make(&order()).unwrap().record;
        assert_eq!(key.state(Timestamp(NOW.0 + 90 * DAY_MS - 1)), ApiKeyState::Live);
        assert_eq!(key.state(Timestamp(NOW.0 + 90 * DAY_MS)), ApiKeyState::Expired);
        for life in [Duration::ZERO, Duration::from_secs(366 * 24 * 3_600 + 1)] {
            let error = make(&ApiKeyOrder { life: Some(life), ..order() }).unwrap_err();
            assert_eq!(error, ApiKeyOrderError::Life { life });
        }
    }

    #[test]
    fn asvs_v13_3_4_rotation_leaves_two_keys_until_the_grace_ends() {
        let old = make(&order()).unwrap().record;
        let later = Timestamp(NOW.0 + 10 * DAY_MS);
        let rotation = policy().replace(&old, later, random(2)).unwrap();
        let (replaced, successor) = (&rotation.replaced, &rotation.successor.record);
        assert_eq!(replaced.successor, Some(successor.id));
        assert_eq!((&successor.name, successor.scopes), (&old.name, old.scopes));
        assert_ne!(successor.digest, old.digest);
        assert_eq!(replaced.state(Timestamp(later.0 + 30 * DAY_MS - 1)), ApiKeyState::Replaced);
        assert_eq!(replaced.state(Timestamp(later.0 + 30 * DAY_MS)), ApiKeyState::Expired);
        let third = policy().replace(replaced, later, random(3)).unwrap_err();
        assert_eq!(third, ApiKeyOrderError::AlreadyReplaced { key: old.id });
    }

    #[test]
    fn grace_never_prolongs_a_key() {
        let old = make(&order()).unwrap().record;
        let late = Timestamp(NOW.0 + 80 * DAY_MS);
        let rotation = policy().replace(&old, late, random(2)).unwrap();
        assert_eq!(rotation.replaced.expires_at, old.expires_at);
        let over = policy().replace(&old, old.expires_at, random(2)).unwrap_err();
        assert_eq!(over, ApiKeyOrderError::Expired { key: old.id });
    }

    #[test]
    fn a_revocation_outlives_every_belief_in_the_key() {
        let old = make(&order()).unwrap().record;
        let replaced = policy().replace(&old, NOW, random(2)).unwrap().replaced;
        let entry = replaced.revocation(RevocationReason::Compromise, NOW);
        assert_eq!(entry.revoked, Revoked::ApiKey { key: old.id });
        assert!(entry.expires_at > NOW.after(API_KEYS_BELIEVED), "longer than a node believes without news");
    }
}
