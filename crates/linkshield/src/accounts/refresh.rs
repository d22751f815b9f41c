//! The next access token of a session.

use std::sync::atomic::{AtomicU64, Ordering};

use shield_guard::{
    AccountId, SessionId,
    revocation::RevocationReason,
    session::{SessionState, SessionStore},
    token::{IssuedToken, RefreshAttempt, RefreshError, RefreshRefusal},
};
use shield_types::{Secret, Timestamp};
use thiserror::Error;

use super::{Accounts, failure::Failure};
use crate::{clock::now, keys::random_bytes, store::Account, telemetry::causes};

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

/// When this process last could not answer a refresh because of the database: clients repeat what they got no answer to, and
/// are no thieves for it.
#[derive(Debug, Default)]
pub(super) struct RefreshOutages(AtomicU64);

// === impl Accounts ===

impl Accounts {
    /// Exchanges a refresh token. One that was used before ends its session with everything that it gave (ASVS 5.0, 10.4.5).
    ///
    /// Whatever may fail comes before the exchange, so that a client that gets no answer still has a token that is good.
    ///
    /// # Errors
    /// When it is not good, or the fault is ours.
    pub async fn refresh(&self, token: &str) -> Result<Refreshed, RefreshFailure> {
        let refreshed = self.try_to_refresh(token).await;
        if let Err(RefreshFailure::Failed(Failure::Accounts(_) | Failure::Guard(_))) = refreshed {
            self.inner.refresh_outages.note(now());
        }
        refreshed
    }

    async fn try_to_refresh(&self, token: &str) -> Result<Refreshed, RefreshFailure> {
        let now = now();
        let presented =
            self.inner.refresh.read(token.as_bytes()).map_err(|_not_ours| RefreshFailure::Refused)?;
        let found = self.inner.store.session_of_id(presented.session).await.map_err(Failure::from)?;
        let (session, account) = found
            .filter(|(session, account)| session.state(now) == SessionState::Live && account.usable())
            .ok_or(RefreshFailure::Refused)?;
        let access = self.access_token(&account, session.id, now).await?;
        let attempt = RefreshAttempt { now, salt: random_bytes(), outage: self.inner.refresh_outages.last() };
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
        if let Err(error) = self.inner.sessions.touch(session.id, now).await {
            let cause = causes(&error).join(": ");
            tracing::warn!(error = %error, cause, "the use of a session was not written down");
        }
        let refresh = outcome.token.text().clone();
        Ok(Refreshed { account, session: session.id, access, refresh })
    }
}

// === impl RefreshOutages ===

impl RefreshOutages {
    fn note(&self, at: Timestamp) {
        self.0.fetch_max(at.0, Ordering::Relaxed);
    }

    fn last(&self) -> Option<Timestamp> {
        Some(Timestamp(self.0.load(Ordering::Relaxed))).filter(|at| at.0 > 0)
    }
}
