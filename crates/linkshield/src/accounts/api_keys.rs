//! API keys: made, listed, replaced, taken back, and recognised.
//!
//! All keys are known in memory by their digests, so that no key costs a question to the database; the gate recognises them.
//! One that another process took back is refused as soon as this one reads the log of revocations. Keys that other processes
//! made are found within a second ([`KeyWatch`]).

use std::{sync::Arc, time::Duration};

use shield_data::SqlApiKeys;
use shield_guard::{
    AccountId, ApiKeyId,
    api_key::{
        ApiKeyFormat, ApiKeyIndex, ApiKeyOrder, ApiKeyOrderError, ApiKeyPolicy, ApiKeyRandom, ApiKeyRecord,
        ApiKeyStore, Environment, IndexFull, KeyLimit, NewApiKey, StoredApiKey,
    },
    limit::Tier,
    revocation::{RevocationCause, RevocationReason},
};
use shield_types::{Secret, Timestamp};
use thiserror::Error;
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use super::{Accounts, failure::Failure, permissions::Permissions};
use crate::{clock::now, keys::random_bytes, store::Role, telemetry::causes};

/// Keys that one process knows; 100 bytes each.
const KEYS_MAX: usize = 1_000_000;
/// Keys that are read at once.
const PAGE_KEYS: usize = 1_000;
/// How often keys of other processes are looked for.
const WATCH_PERIOD: Duration = Duration::from_secs(1);
/// How far back: longer than a transaction takes, and than clocks of one machine differ.
const WATCH_BACK: Duration = Duration::from_secs(30);

/// Keys of all accounts.
#[derive(Debug)]
pub(super) struct ApiKeys {
    pub(super) store: SqlApiKeys,
    pub(super) policy: ApiKeyPolicy,
    pub(super) index: Arc<ApiKeyIndex>,
}

/// Somebody wants a key.
#[derive(Debug, Clone)]
pub struct KeyOrder {
    /// What they call it.
    pub name: String,
    /// What it may do.
    pub permissions: Permissions,
    /// When it ends; 90 days from now if nothing is said.
    pub expires_at: Option<Timestamp>,
}

/// A key that was made.
#[derive(Debug, Clone)]
pub struct MadeKey {
    /// Shown once.
    pub text: Secret<String>,
    /// What lists show.
    pub record: ApiKeyRecord,
}

/// Why a key is neither made nor replaced.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ApiKeyError {
    /// It would have ended before it began, or lives too long.
    #[error("make a key with this life")]
    Life(#[source] ApiKeyOrderError),
    /// Its account may not do as much itself.
    #[error("give a key the permission `admin`, which its account does not have")]
    Permission,
    /// The account has as many as its plan allows.
    #[error("make more keys than the `{keys_max}` of the plan")]
    Limit {
        /// How many it allows.
        keys_max: u16,
    },
    /// The account has none of this id.
    #[error("find the key")]
    NotFound,
    /// It has a successor, or has expired.
    #[error("replace a key that is over")]
    Over(#[source] ApiKeyOrderError),
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// A running task that finds the keys of other processes.
#[derive(Debug)]
pub struct KeyWatch {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

// === impl ApiKeys ===

impl ApiKeys {
    /// With every key that lives.
    pub(super) async fn open(store: SqlApiKeys) -> Result<Self, Failure> {
        let format = ApiKeyFormat::new("ls").expect("two lower-case letters");
        let keys =
            Self { store, policy: ApiKeyPolicy::new(format), index: Arc::new(ApiKeyIndex::new(KEYS_MAX)) };
        keys.read_from(None).await?;
        Ok(keys)
    }

    async fn read_from(&self, mut after: Option<ApiKeyId>) -> Result<(), Failure> {
        let now = now();
        loop {
            let page = self.store.page(after, now, PAGE_KEYS).await?;
            for record in &page {
                self.index.insert(record).map_err(full)?;
            }
            match page.last() {
                Some(last) if page.len() >= PAGE_KEYS => after = Some(last.id),
                _ => return Ok(()),
            }
        }
    }
}

// === impl Accounts ===

impl Accounts {
    /// An account's keys that have not expired, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn api_keys(&self, account: AccountId) -> Result<Vec<ApiKeyRecord>, Failure> {
        Ok(self.inner.api_keys.store.list(account, now()).await?)
    }

    /// Makes a key.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn make_api_key(&self, account: AccountId, order: KeyOrder) -> Result<MadeKey, ApiKeyError> {
        let now = now();
        let account = self.account(account).await?;
        if order.permissions.contains(Permissions::ADMIN) && account.role < Role::Admin {
            return Err(ApiKeyError::Permission);
        }
        let ordered = ApiKeyOrder {
            account: account.id,
            name: &order.name,
            scopes: order.permissions.bits(),
            environment: Environment::Live,
            life: order.expires_at.map(|end| end.since(now)),
        };
        let keys = &self.inner.api_keys;
        let NewApiKey { text, record } =
            keys.policy.make(&ordered, now, random()).map_err(ApiKeyError::Life)?;
        let keys_max = keys_max(account.plan);
        match keys.store.create(&record, KeyLimit(keys_max)).await.map_err(Failure::from)? {
            StoredApiKey::Kept => {}
            StoredApiKey::LimitReached => return Err(ApiKeyError::Limit { keys_max }),
        }
        keys.index.insert(&record).map_err(full)?;
        Ok(MadeKey { text, record })
    }

    /// Replaces a key; both work until the old one's grace is over.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn replace_api_key(&self, account: AccountId, key: ApiKeyId) -> Result<MadeKey, ApiKeyError> {
        let now = now();
        let keys = &self.inner.api_keys;
        let listed = keys.store.list(account, now).await.map_err(Failure::from)?;
        let old = listed.into_iter().find(|record| record.id == key).ok_or(ApiKeyError::NotFound)?;
        let rotation = keys.policy.replace(&old, now, random()).map_err(ApiKeyError::Over)?;
        if !keys.store.rotate(&rotation).await.map_err(Failure::from)? {
            return Err(ApiKeyError::Over(ApiKeyOrderError::AlreadyReplaced { key }));
        }
        keys.index.insert(&rotation.replaced).map_err(full)?;
        let NewApiKey { text, record } = rotation.successor;
        keys.index.insert(&record).map_err(full)?;
        Ok(MadeKey { text, record })
    }

    /// Takes a key back, at once; false when the account has none of this id.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn revoke_api_key(&self, account: AccountId, key: ApiKeyId) -> Result<bool, Failure> {
        let keys = &self.inner.api_keys;
        let cause = RevocationCause { reason: RevocationReason::EndedByOwner, at: now() };
        let revoked = keys.store.revoke(account, key, cause).await?;
        if let Some(record) = &revoked {
            keys.index.remove(record);
        }
        Ok(revoked.is_some())
    }
}

// === impl KeyWatch ===

impl KeyWatch {
    /// Starts the task.
    pub fn start(accounts: Accounts) -> Self {
        let stop = watch::Sender::new(false);
        let task = tokio::spawn(run(accounts, stop.subscribe()));
        Self { stop, task }
    }

    /// Ends the task.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.task.await {
            tracing::error!(error = %error, "the watch over API keys failed");
        }
    }
}

async fn run(accounts: Accounts, mut stop: watch::Receiver<bool>) {
    let keys = &accounts.inner.api_keys;
    let mut ticks = interval(WATCH_PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = stop.wait_for(|stopped| *stopped) => return,
            _ = ticks.tick() => {}
        }
        let since =
            Timestamp(now().0.saturating_sub(u64::try_from(WATCH_BACK.as_millis()).unwrap_or(u64::MAX)));
        if let Err(error) = keys.read_from(Some(ApiKeyId::new(since, [0; 10]))).await {
            let cause = causes(&error).join(": ");
            tracing::warn!(error = %error, cause, "API keys of other processes could not be read");
        }
    }
}

/// How many keys an account may have at once: the original's 3 and 10, and one step between them.
const fn keys_max(plan: Tier) -> u16 {
    match plan {
        Tier::Free => 3,
        Tier::Starter => 5,
        Tier::Creator | Tier::Professional | Tier::Business | Tier::Enterprise => 10,
    }
}

fn random() -> ApiKeyRandom {
    ApiKeyRandom { id: random_bytes(), key: random_bytes() }
}

fn full(_full: IndexFull) -> Failure {
    Failure::Damaged { what: "there are more API keys than this process may know" }
}
