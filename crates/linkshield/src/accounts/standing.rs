//! What the gate asks about accounts and their credentials.

use std::sync::Arc;

use shield_data::{SqlLeases, SqlRevocations};
use shield_guard::{
    ScopeSet, StoreError,
    api_key::{ApiKeyFormat, ApiKeyIndex, ApiKeyStore},
    chain::{AccountFacts, AccountStanding, Answer, Chain, Question, Use},
    session::SessionStore,
    token::KeyRing,
};
use shield_types::Timestamp;

use super::{Accounts, failure::Failure, permissions::Permissions, scopes};
use crate::{
    api::Problem,
    gate::{GateStore, catch_up},
    store::Account,
};

// === impl Accounts ===

impl Accounts {
    /// The log of what was taken back.
    pub(crate) fn revocation_log(&self) -> &SqlRevocations {
        &self.inner.revocations
    }

    /// Counts what must be exact over all processes.
    pub(crate) fn exact_limits(&self) -> SqlLeases {
        SqlLeases::new(self.inner.database.clone())
    }

    /// Every API key.
    pub(crate) fn api_key_index(&self) -> &Arc<ApiKeyIndex> {
        &self.inner.api_keys.index
    }

    /// How API keys look.
    pub(crate) fn api_key_format(&self) -> &ApiKeyFormat {
        &self.inner.api_keys.policy.format
    }

    /// What the bits of API keys allow, from bit 0 on.
    pub(crate) fn api_key_scopes(&self) -> [ScopeSet; 4] {
        Permissions::ALL.map(|permission| permission.scopes(self.keys().scopes()))
    }

    fn standing(&self, account: Option<Account>) -> AccountStanding {
        match account.filter(Account::usable) {
            Some(account) => AccountStanding::Acting(AccountFacts {
                tier: account.plan,
                scopes: scopes::of_role(self.keys().scopes(), account.role),
            }),
            None => AccountStanding::Barred,
        }
    }
}

impl GateStore for Accounts {
    async fn answer(&self, question: Question) -> Result<Answer, StoreError> {
        let store = &self.inner.store;
        let away = |error| StoreError::away("accounts", error);
        Ok(match question {
            Question::Account(account) => {
                Answer::Account(self.standing(store.find_account(account).await.map_err(away)?))
            }
            Question::Session(digest) => {
                let found = store.session_of_secret(digest).await.map_err(away)?;
                Answer::Session(found.map(|(session, account)| (session, self.standing(Some(account)))))
            }
        })
    }

    async fn settle(&self, chain: &Chain) -> Result<(), StoreError> {
        catch_up(self.revocation_log(), chain).await
    }

    fn check_room(&self) -> Result<(), Problem> {
        Ok(self.inner.hashing.check_room().map_err(Failure::from)?)
    }

    async fn touch(&self, used: Use, at: Timestamp) -> Result<(), StoreError> {
        match used {
            Use::Session(session) => self.inner.sessions.touch(session, at).await,
            Use::ApiKey(key) => self.inner.api_keys.store.touch(key, at).await,
        }
    }

    fn ring(&self) -> Arc<KeyRing> {
        self.keys().ring()
    }

    async fn look_for_keys(&self) {
        self.keys().look().await;
    }
}
