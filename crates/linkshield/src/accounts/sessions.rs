//! Who a credential speaks for, and the sessions of an account.

use std::time::Duration;

use shield_guard::{
    AccountId, SessionId,
    revocation::{RevocationCause, RevocationReason},
    session::{SessionRecord, SessionSecret, SessionState, SessionStore},
};
use shield_types::Timestamp;

use super::{Accounts, failure::Failure};
use crate::{clock::now, store::Account};

/// How often it is written down that a session is in use.
const WRITE_BACK: Duration = Duration::from_secs(60);

/// A session that lives, of an account that may be used.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Whose session.
    pub account: Account,
    /// The session.
    pub session: SessionRecord,
}

// === impl Accounts ===

impl Accounts {
    /// Who an access token speaks for; None when it is not good, or its session or account not any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn who_has_token(&self, token: &[u8]) -> Result<Option<Identity>, Failure> {
        let now = now();
        match self.inner.keys.verify(token, now) {
            Ok(token) => self.identity(token.account, token.session, now).await,
            Err(refusal) => {
                tracing::debug!(%refusal, "access token refused");
                Ok(None)
            }
        }
    }

    /// Who an access token speaks for, and until when; None as for [`Self::who_has_token`].
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn inspect_token(&self, token: &[u8]) -> Result<Option<(Identity, Timestamp)>, Failure> {
        let Ok(verified) = self.inner.keys.verify(token, now()) else { return Ok(None) };
        let identity = self.identity(verified.account, verified.session, now()).await?;
        Ok(identity.map(|identity| (identity, verified.expires_at)))
    }

    /// Who a session's secret speaks for; None when nobody has it, or the session or account is over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn who_has_session(&self, secret: &SessionSecret) -> Result<Option<Identity>, Failure> {
        let now = now();
        let Some(session) = self.inner.sessions.find(secret.digest()).await? else { return Ok(None) };
        match session.state(now) {
            SessionState::Live => self.checked(session, now).await,
            SessionState::Idle | SessionState::Expired => Ok(None),
        }
    }

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

    /// Ends every session of this account but `spared`, with their tokens; answers how many.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_sessions(
        &self,
        account: AccountId,
        spared: Option<SessionId>,
        reason: RevocationReason,
    ) -> Result<usize, Failure> {
        let cause = RevocationCause { reason, at: now() };
        Ok(self.inner.sessions.end_all(account, spared, cause).await?.len())
    }

    pub(super) async fn identity(
        &self,
        account: AccountId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<Identity>, Failure> {
        let live = self.inner.sessions.list(account, now).await?;
        match live.into_iter().find(|known| known.id == session) {
            Some(session) => self.checked(session, now).await,
            None => Ok(None),
        }
    }

    async fn checked(&self, session: SessionRecord, now: Timestamp) -> Result<Option<Identity>, Failure> {
        let account = self.inner.store.find_account(session.account).await?;
        let Some(account) = account.filter(Account::usable) else { return Ok(None) };
        if now.since(session.last_seen_at) >= WRITE_BACK {
            self.inner.sessions.touch(session.id, now).await?;
        }
        Ok(Some(Identity { account, session }))
    }
}
