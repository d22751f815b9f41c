//! What all operations on accounts share.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;
use shield_data::{
    Database, MasterKey as SealingKey, MasterKeys, SqlApiKeys, SqlFailures, SqlOneTimeTokens, SqlQuotas,
    SqlRecoveryCodes, SqlRefreshFamilies, SqlRevocations, SqlSessions, SqlTotpSteps,
};
use shield_guard::{
    AccountId,
    limit::LoginPolicy,
    password::{BreachFilter, HashingCost, PASSWORD_CHARACTERS_MIN, PasswordHasher, PasswordPolicy},
    token::{RefreshSecrets, RefreshTokens, RotationSchedule},
};
use thiserror::Error;
use tokio::sync::mpsc;

use super::{
    api_keys::ApiKeys,
    errands::{Desk, Errand, Messenger},
    failure::Failure,
    hashing::HashingPool,
    in_flight::InFlight,
    refresh::RefreshOutages,
    scopes,
};
use crate::{
    clock::now,
    keys::{IssuerSettings, KeyPurpose, MasterKey, OpenKeysError, SigningKeys},
    mail::Mailer,
    store::{Account, ProfileChange, Store},
};

/// How the service calls itself in letters.
pub(super) const SERVICE: &str = "LinkShield";

/// Accounts and what belongs to them; cheap to clone.
#[derive(Clone, Debug)]
pub struct Accounts {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) database: Database,
    pub(super) sessions: SqlSessions,
    pub(super) families: SqlRefreshFamilies,
    pub(super) one_time: SqlOneTimeTokens,
    pub(super) api_keys: ApiKeys,
    pub(super) failures: SqlFailures,
    pub(super) in_flight: InFlight,
    pub(super) quotas: SqlQuotas,
    pub(super) revocations: SqlRevocations,
    pub(super) recovery: SqlRecoveryCodes,
    pub(super) steps: SqlTotpSteps,
    pub(super) sealing: MasterKeys,
    pub(super) login_policy: LoginPolicy,
    pub(super) keys: Arc<SigningKeys>,
    pub(super) refresh: RefreshTokens,
    pub(super) refresh_outages: RefreshOutages,
    pub(super) hashing: HashingPool,
    pub(super) policy: PasswordPolicy,
    pub(super) mailer: Mailer,
    pub(super) desk: Desk,
    pub(super) errands: mpsc::Sender<Errand>,
}

/// What accounts are made of.
pub struct AccountsParts<'a> {
    /// The database, open.
    pub store: Store,
    /// What everything is derived from.
    pub master_key: &'a MasterKey,
    /// The claim `iss`.
    pub issuer: String,
    /// How often signing keys change.
    pub schedule: RotationSchedule,
    /// Takes letters.
    pub mailer: Mailer,
    /// What no password may be; none where the operator has no list.
    pub breached: Option<BreachFilter>,
}

/// Why there are no accounts.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenAccountsError {
    /// The keys of accounts cannot be read.
    #[error("read the API keys of accounts")]
    ApiKeys(#[source] Failure),
    /// No tokens can be signed.
    #[error("sign tokens for accounts")]
    Keys(#[source] OpenKeysError),
}

// === impl Accounts ===

impl Accounts {
    /// Accounts over an open database, and the task that sends what nobody waits for. The task ends when the last clone of the
    /// accounts is gone.
    ///
    /// # Errors
    /// When the API keys cannot be read, or the signing keys can be neither loaded nor made.
    pub async fn open(parts: AccountsParts<'_>) -> Result<(Self, Messenger), OpenAccountsError> {
        let AccountsParts { store, master_key, issuer, schedule, mailer, breached } = parts;
        let (database, counts) = (store.guard_database().clone(), store.counts_database().clone());
        let sealing = MasterKeys::new(SealingKey::new(&master_key.derive(KeyPurpose::Sealing)));
        let settings = IssuerSettings { issuer, scopes: scopes::table(), schedule };
        let open =
            async || SigningKeys::open(database.clone(), sealing.clone(), settings.clone(), now()).await;
        let keys = store.patiently(open).await.map_err(OpenAccountsError::Keys)?;
        let open = async || ApiKeys::open(SqlApiKeys::new(database.clone())).await;
        let api_keys = store.patiently(open).await.map_err(OpenAccountsError::ApiKeys)?;
        let secrets = RefreshSecrets::new(&master_key.derive(KeyPurpose::RefreshTokens), &[]);
        let policy = PasswordPolicy::new(PASSWORD_CHARACTERS_MIN, &[SERVICE], breached);
        let one_time = SqlOneTimeTokens::new(database.clone());
        let desk = Desk { store: store.clone(), one_time: one_time.clone(), mailer: mailer.clone() };
        let (errands, messenger) = Messenger::start(desk.clone());
        let inner = Inner {
            store,
            database: database.clone(),
            sessions: SqlSessions::new(database.clone()),
            families: SqlRefreshFamilies::new(database.clone()),
            one_time,
            api_keys,
            revocations: SqlRevocations::new(database.clone()),
            recovery: SqlRecoveryCodes::new(database.clone()),
            steps: SqlTotpSteps::new(database.clone()),
            sealing,
            quotas: SqlQuotas::new(counts.clone()),
            failures: SqlFailures::new(counts),
            in_flight: InFlight::default(),
            login_policy: LoginPolicy::default(),
            keys: Arc::new(keys),
            refresh: RefreshTokens::new(secrets.expect("one secret is not too many")),
            refresh_outages: RefreshOutages::default(),
            hashing: HashingPool::new(PasswordHasher::new(HashingCost::MINIMUM)),
            policy: policy.expect("the smallest minimum that is allowed, and one word"),
            mailer,
            desk,
            errands,
        };
        Ok((Self { inner: Arc::new(inner) }, messenger))
    }

    /// An account that somebody proved to be.
    ///
    /// # Errors
    /// When the database does not answer, or the account is gone, as only those are that nobody ever logged in to.
    pub async fn account(&self, id: AccountId) -> Result<Account, Failure> {
        let found = self.inner.store.find_account(id).await?;
        found.ok_or(Failure::Damaged { what: "an account is gone" })
    }

    /// Changes what an account's holder says about themselves.
    ///
    /// # Errors
    /// As for [`Self::account`].
    pub async fn change_profile(&self, id: AccountId, change: ProfileChange) -> Result<Account, Failure> {
        let changed = self.inner.store.change_profile(id, change, now()).await?;
        changed.ok_or(Failure::Damaged { what: "an account is gone" })
    }

    /// Deletes what was over a while ago: sessions, tokens, counts of failures and their like, and accounts whose address nobody
    /// verified for a week; answers how many rows went.
    ///
    /// # Errors
    /// When the database does not take a deletion; what was deleted before stays deleted.
    pub async fn prune(&self) -> Result<u64, Failure> {
        let mut total = 0;
        loop {
            let now = now();
            let unverified = self.inner.store.prune_unverified(now).await?;
            match self.inner.database.prune_batch(now).await? + unverified {
                0 => return Ok(total),
                deleted => total += deleted,
            }
        }
    }

    /// How many letters were dropped; it counts on.
    pub fn letters_dropped(&self) -> Counter {
        self.inner.mailer.dropped()
    }

    /// The database.
    pub(crate) fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The keys that sign access tokens.
    pub fn keys(&self) -> &Arc<SigningKeys> {
        &self.inner.keys
    }
}
