//! The sessions of an account.

use super::{Accounts, failure::Failure};
use crate::clock::now;
use shield_guard::{
    AccountId, SessionId,
    revocation::{RevocationCause, RevocationReason},
    session::{SessionRecord, SessionStore},
};

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

    /// Ends every session of this account but `spared`, with their tokens; answers which. A log-in under way begins none.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_sessions(
        &self,
        account: AccountId,
        spared: Option<SessionId>,
        reason: RevocationReason,
    ) -> Result<Vec<SessionId>, Failure> {
        let mut change = self.inner.store.change_account(account).await?;
        change.void_log_ins().await?;
        let ended = change.end_sessions(spared, RevocationCause { reason, at: now() }).await?;
        change.commit().await?;
        Ok(ended)
    }
}
