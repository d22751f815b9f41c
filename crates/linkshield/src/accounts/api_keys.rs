//! API keys: made, listed, replaced, taken back, and recognised.
//!
//! All keys are known in memory by their digests, so that no key costs a question to the database; the gate recognises them.
//! One that another process took back is refused as soon as this one reads the log of revocations. What other processes
//! made or replaced is followed, each second, from the last change that was read ([`KeyWatch`]).

use std::{sync::Arc, time::Duration};

use shield_data::SqlApiKeys;
use shield_guard::{
    AccountId, ApiKeyId,
    api_key::{
        ApiKeyFollower, ApiKeyFormat, ApiKeyIndex, ApiKeyOrder, ApiKeyOrderError, ApiKeyPolicy,
        ApiKeyProgress, ApiKeyRandom, ApiKeyRecord, ApiKeyStore, Environment, IndexFull, KeyLimit, NewApiKey,
        StoredApiKey, StoredRotation,
    },
    limit::Tier,
    revocation::{RevocationCause, RevocationReason},
};
use shield_types::{Secret, Timestamp};
use thiserror::Error;
use tokio::sync::Mutex;

use super::{Accounts, errands::address_of, failure::Failure, permissions::Permissions, service::SERVICE};
use crate::{background::Background, clock::now, keys::random_bytes, mail::Letter, telemetry::causes};

/// Keys that one process knows; 100 bytes each.
const KEYS_MAX: usize = 1_000_000;
/// Keys that are read at once.
const PAGE_KEYS: usize = 1_000;
/// Pages that are read before others get a turn: more than the keys fill that a process knows.
const PAGES_MAX: usize = 10_000;
/// How often changes of other processes are looked for.
const WATCH_PERIOD: Duration = Duration::from_secs(1);

/// Keys of all accounts.
#[derive(Debug)]
pub(super) struct ApiKeys {
    pub(super) store: SqlApiKeys,
    pub(super) policy: ApiKeyPolicy,
    pub(super) index: Arc<ApiKeyIndex>,
    /// Held while changes are read.
    follower: Mutex<ApiKeyFollower>,
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
    /// The account has as many as its plan allows.
    #[error("make more keys than the `{keys_max}` of the plan")]
    Limit {
        /// How many it allows.
        keys_max: u16,
    },
    /// As many of the account's replaced keys live out their grace as its plan allows keys.
    #[error("have more replaced keys than the `{keys_max}` of the plan")]
    ReplacedLimit {
        /// How many it allows.
        keys_max: u16,
    },
    /// All accounts together have as many as this process may know.
    #[error("make a key")]
    Full(#[source] IndexFull),
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

/// The place of a key that is not in the database yet; given back unless it gets there.
struct Place<'a> {
    index: &'a ApiKeyIndex,
    record: &'a ApiKeyRecord,
    kept: bool,
}

/// A running task that follows what other processes do to keys.
#[derive(Debug)]
pub struct KeyWatch(Background);

// === impl ApiKeys ===

impl ApiKeys {
    /// With every key that lives, as far as there is room: one too many must not keep all the others from working.
    pub(super) async fn open(store: SqlApiKeys) -> Result<Self, Failure> {
        Self::with_room(store, KEYS_MAX).await
    }

    async fn with_room(store: SqlApiKeys, keys_max: usize) -> Result<Self, Failure> {
        let format = ApiKeyFormat::new("ls").expect("two lower-case letters");
        let (policy, index) = (ApiKeyPolicy::new(format), Arc::new(ApiKeyIndex::new(keys_max)));
        let keys = Self { store, policy, index, follower: Mutex::new(ApiKeyFollower::new(now())) };
        keys.follow().await?;
        Ok(keys)
    }

    /// Keeps a place before the database is asked to keep the key: a key that nobody could use is not made. Nobody has its text
    /// until it is.
    fn place<'a>(&'a self, record: &'a ApiKeyRecord) -> Result<Place<'a>, ApiKeyError> {
        self.index.insert(record).map_err(ApiKeyError::Full)?;
        Ok(Place { index: &self.index, record, kept: false })
    }

    /// Takes up every change until now.
    async fn follow(&self) -> Result<(), Failure> {
        let mut follower = self.follower.lock().await;
        let left_out = follower.left_out();
        let outcome = self.read_changes(&mut follower).await;
        if outcome.is_err() && follower.unanswered(&self.index, now()) {
            tracing::error!("API keys are refused: what became of them could not be read for too long");
        }
        if follower.left_out() && !left_out {
            let known = self.index.len();
            tracing::error!(
                known,
                "there are more API keys than this process may know: the others are refused"
            );
        }
        outcome
    }

    async fn read_changes(&self, follower: &mut ApiKeyFollower) -> Result<(), Failure> {
        for _ in 0..PAGES_MAX {
            let page = self.store.changes(follower.question(&self.index), now(), PAGE_KEYS).await?;
            if follower.take(&page, &self.index, now()) == ApiKeyProgress::UpToDate {
                break;
            }
        }
        Ok(())
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

    /// Makes a key, and tells its owner by mail.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn make_api_key(&self, account: AccountId, order: KeyOrder) -> Result<MadeKey, ApiKeyError> {
        let now = now();
        let account = self.account(account).await?;
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
        let mailbox = address_of(&account)?.mailbox();
        let keys_max = keys_max(account.plan);
        let place = keys.place(&record)?;
        match keys.store.create(&record, KeyLimit(keys_max)).await.map_err(Failure::from)? {
            StoredApiKey::Kept => place.keep(),
            StoredApiKey::LimitReached => return Err(ApiKeyError::Limit { keys_max }),
        }
        self.inner.mailer.send(mailbox, Letter::api_key_made(&record.hint, SERVICE));
        Ok(MadeKey { text, record })
    }

    /// Replaces a key; both work until the old one's grace is over. The one that the old one replaced ends now.
    ///
    /// # Errors
    /// See [`ApiKeyError`].
    pub async fn replace_api_key(&self, account: AccountId, key: ApiKeyId) -> Result<MadeKey, ApiKeyError> {
        let now = now();
        let account = self.account(account).await?;
        let keys = &self.inner.api_keys;
        let listed = keys.store.list(account.id, now).await.map_err(Failure::from)?;
        let old = listed.into_iter().find(|record| record.id == key).ok_or(ApiKeyError::NotFound)?;
        let rotation = keys.policy.replace(&old, now, random()).map_err(ApiKeyError::Over)?;
        let mailbox = address_of(&account)?.mailbox();
        let keys_max = keys_max(account.plan);
        let place = keys.place(&rotation.successor.record)?;
        let ended = match keys.store.rotate(&rotation, KeyLimit(keys_max)).await.map_err(Failure::from)? {
            StoredRotation::Kept { ended } => ended,
            StoredRotation::Over => {
                return Err(ApiKeyError::Over(ApiKeyOrderError::AlreadyReplaced { key }));
            }
            StoredRotation::LimitReached => return Err(ApiKeyError::ReplacedLimit { keys_max }),
        };
        place.keep();
        // What is in the index is replaced there; what found no room in it works here no sooner for this.
        let _full = keys.index.insert(&rotation.replaced);
        if let Some(ended) = ended {
            keys.index.remove(&ended);
        }
        let NewApiKey { text, record } = rotation.successor;
        self.inner.mailer.send(mailbox, Letter::api_key_made(&record.hint, SERVICE));
        Ok(MadeKey { text, record })
    }

    /// Takes a key back, at once; false when the account has none of this id.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn revoke_api_key(&self, account: AccountId, key: ApiKeyId) -> Result<bool, Failure> {
        self.end_api_key(account, key, RevocationReason::EndedByOwner).await
    }

    /// The same, for this reason.
    pub(super) async fn end_api_key(
        &self,
        account: AccountId,
        key: ApiKeyId,
        reason: RevocationReason,
    ) -> Result<bool, Failure> {
        let cause = RevocationCause { reason, at: now() };
        let ended = self.inner.api_keys.store.revoke(account, key, cause).await?;
        self.forget_api_keys(ended.as_slice());
        Ok(ended.is_some())
    }

    /// Takes every key of an account back, at once; answers which.
    pub(super) async fn end_api_keys(
        &self,
        account: AccountId,
        reason: RevocationReason,
    ) -> Result<Vec<ApiKeyId>, Failure> {
        let cause = RevocationCause { reason, at: now() };
        let ended = self.inner.api_keys.store.revoke_all(account, cause).await?;
        Ok(self.forget_api_keys(&ended))
    }

    /// These were taken back in the database: by [`SqlApiKeys::revoke_all_within`], for one.
    pub(super) fn forget_api_keys(&self, ended: &[ApiKeyRecord]) -> Vec<ApiKeyId> {
        for record in ended {
            self.inner.api_keys.index.remove(record);
        }
        ended.iter().map(|record| record.id).collect()
    }
}

// === impl Place ===

impl Place<'_> {
    fn keep(mut self) {
        self.kept = true;
        // Again: a reading of all keys that ended meanwhile did not see it in the database, and took it for one that is gone.
        let _full = self.index.insert(self.record);
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.index.remove(self.record);
        }
    }
}

// === impl KeyWatch ===

impl KeyWatch {
    /// Starts the task.
    pub fn start(accounts: Accounts) -> Self {
        Self(Background::every("watch over API keys", WATCH_PERIOD, move || look(accounts.clone())))
    }

    /// Ends the task.
    pub async fn stop(self) {
        self.0.end().await;
    }
}

async fn look(accounts: Accounts) {
    if let Err(error) = accounts.inner.api_keys.follow().await {
        let cause = causes(&error).join(": ");
        tracing::warn!(error = %error, cause, "changes of API keys could not be read");
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

#[cfg(test)]
mod tests {
    use shield_data::SqlApiKeys;
    use shield_guard::{
        AccountId, ApiKeyId,
        api_key::{ApiKeyFormat, ApiKeyOrder, ApiKeyPolicy, ApiKeyStore, Environment, KeyLimit},
    };
    use shield_types::Timestamp;

    use super::{ApiKeyError, ApiKeyRecord, ApiKeys, random};
    use crate::{clock::now, scratch::ScratchDirectory, store::Store};

    fn record() -> ApiKeyRecord {
        let account = AccountId::new(now(), [1; 10]);
        let order = ApiKeyOrder { account, name: "a", scopes: 1, environment: Environment::Live, life: None };
        ApiKeyPolicy::new(ApiKeyFormat::new("ls").unwrap()).make(&order, now(), random()).unwrap().record
    }

    #[tokio::test]
    async fn starts_with_more_keys_than_it_may_know() {
        let directory = ScratchDirectory::new();
        let store = Store::open(directory.path()).await.unwrap();
        let store = SqlApiKeys::new(store.guard_database().clone());
        for _ in 0..5 {
            store.create(&record(), KeyLimit(100)).await.unwrap();
        }
        let keys = ApiKeys::with_room(store, 3).await.unwrap();
        assert_eq!(keys.index.len(), 3);
        assert!(
            matches!(keys.place(&record()), Err(ApiKeyError::Full(_))),
            "no key is made that cannot be used"
        );
    }

    #[tokio::test]
    async fn what_happened_during_an_outage_is_taken_up() {
        let directory = ScratchDirectory::new();
        let store = Store::open(directory.path()).await.unwrap();
        let store = SqlApiKeys::new(store.guard_database().clone());
        // Made an hour ago, and replaced now: neither its id nor the log says so.
        let old = record();
        store.create(&old, KeyLimit(9)).await.unwrap();
        let keys = ApiKeys::with_room(store.clone(), 10).await.unwrap();
        let past = Timestamp(now().0 - 3_600_000);
        let meanwhile = ApiKeyRecord { id: ApiKeyId::new(past, [2; 10]), created_at: past, ..record() };
        store.create(&meanwhile, KeyLimit(9)).await.unwrap();
        store.rotate(&keys.policy.replace(&old, now(), random()).unwrap(), KeyLimit(9)).await.unwrap();
        let last = keys.policy.replace(&meanwhile, now(), random()).unwrap();
        store.rotate(&last, KeyLimit(9)).await.unwrap();
        assert_eq!(keys.index.len(), 1);
        keys.follow().await.unwrap();
        assert_eq!(keys.index.len(), 4);
        let successor = last.successor.record;
        store.rotate(&keys.policy.replace(&successor, now(), random()).unwrap(), KeyLimit(9)).await.unwrap();
        keys.follow().await.unwrap();
        assert_eq!(keys.index.len(), 4, "one more is made, and the first of its line ended");
    }

    #[tokio::test]
    async fn a_key_that_was_not_kept_gives_its_place_back() {
        let directory = ScratchDirectory::new();
        let store = Store::open(directory.path()).await.unwrap();
        let keys = ApiKeys::with_room(SqlApiKeys::new(store.guard_database().clone()), 1).await.unwrap();
        let record = record();
        drop(keys.place(&record).unwrap());
        keys.place(&record).unwrap().keep();
        assert_eq!(keys.index.len(), 1);
    }
}
