//! The sessions of an account.

use shield_guard::{
    AccountId, SessionId,
    revocation::{RevocationCause, RevocationReason},
    session::{SessionRecord, SessionStore},
};
use shield_types::Timestamp;

use super::{Accounts, failure::Failure};
use crate::{clock::now, store::Account};

// === impl Accounts ===

impl Accounts {
    /// An account's sessions that live.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, account: AccountId) -> Result<Vec<SessionRecord>, Failure> {
        Ok(self.inner.sessions.list(account, now()).await?)
    }

    /// Ends a session of this account, with its tokens; false when the account has none of this id.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_session(
        &self,
        account: AccountId,
        session: SessionId,
        reason: RevocationReason,
    ) -> Result<bool, Failure> {
        Ok(self.inner.sessions.end(account, session, RevocationCause { reason, at: now() }).await?)
    }

    /// Ends every session of this account but `spared`, with their tokens; answers which.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_sessions(
        &self,
        account: AccountId,
        spared: Option<SessionId>,
        reason: RevocationReason,
    ) -> Result<Vec<SessionId>, Failure> {
        let cause = RevocationCause { reason, at: now() };
        Ok(self.inner.sessions.end_all(account, spared, cause).await?)
    }

    /// The account of a session that lives, if it may be used.
    pub(super) async fn account_of_session(
        &self,
        account: AccountId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<Account>, Failure> {
        let live = self.inner.sessions.list(account, now).await?;
        if !live.iter().any(|known| known.id == session) {
            return Ok(None);
        }
        let account = self.inner.store.find_account(account).await?;
        Ok(account.filter(Account::usable))
    }
}
