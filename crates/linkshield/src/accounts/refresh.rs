//! The next access token of a session.

use shield_guard::{
    AccountId, SessionId,
    revocation::RevocationReason,
    session::SessionStore,
    token::{IssuedToken, RefreshAttempt, RefreshError, RefreshRefusal},
};
use shield_types::Secret;
use thiserror::Error;

use super::{Accounts, failure::Failure};
use crate::{clock::now, keys::random_bytes, store::Account};

/// What a refresh gives.
#[derive(Debug)]
pub struct Refreshed {
    /// Whose session.
    pub account: Account,
    /// The session that goes on.
    pub session: SessionId,
    /// For `Authorization: Bearer`.
    pub access: IssuedToken,
    /// For the next one.
    pub refresh: Secret<String>,
}

/// Why there is no next access token.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RefreshFailure {
    /// The token is not good, or its session or account is not any more.
    #[error("take the refresh token")]
    Refused,
    /// The token was used before: it was stolen, or its successor was. Its session is over.
    #[error("take a refresh token twice")]
    Reused {
        /// Whose.
        account: AccountId,
        /// Which session ended.
        session: SessionId,
    },
    /// A fault of ours.
    #[error(transparent)]
    Failed(#[from] Failure),
}

// === impl Accounts ===

impl Accounts {
    /// Exchanges a refresh token. One that was used before ends its session with everything that it gave (ASVS 5.0, 10.4.5).
    ///
    /// # Errors
    /// When it is not good, or the fault is ours.
    pub async fn refresh(&self, token: &str) -> Result<Refreshed, RefreshFailure> {
        let now = now();
        let attempt = RefreshAttempt { now, salt: random_bytes() };
        let exchanged = self.inner.refresh.refresh(&self.inner.families, token.as_bytes(), &attempt).await;
        let outcome = match exchanged {
            Ok(outcome) => outcome,
            Err(RefreshError::Refused { refusal: RefreshRefusal::Reused { session, account } }) => {
                self.end_session(account, session, RevocationReason::RefreshReuse).await?;
                return Err(RefreshFailure::Reused { account, session });
            }
            Err(RefreshError::Refused { .. }) => return Err(RefreshFailure::Refused),
            Err(RefreshError::Store { source }) => return Err(Failure::from(source).into()),
            Err(RefreshError::Contended) => return Err(Failure::Contended.into()),
        };
        let account = self.account_of_session(outcome.account, outcome.session, now).await?;
        let account = account.ok_or(RefreshFailure::Refused)?;
        self.inner.sessions.touch(outcome.session, now).await.map_err(Failure::from)?;
        let access = self.access_token(&account, outcome.session, now).await?;
        let refresh = outcome.token.text().clone();
        Ok(Refreshed { account, session: outcome.session, access, refresh })
    }
}
