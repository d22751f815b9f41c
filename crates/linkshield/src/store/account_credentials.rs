//! What becomes of an account's credentials within a change of it: the calls of `shield-data`, in its transaction.
//!
//! **Order.** What appends to the log of revocations comes last: the log's one row is the last thing that any transaction locks.

use shield_data::{
    BegunSession, SqlApiKeys, SqlError, SqlFailures, SqlOneTimeTokens, SqlRecoveryCodes, SqlRefreshFamilies,
    SqlRevocations, SqlSessions,
};
use shield_guard::{
    SessionId,
    api_key::ApiKeyRecord,
    limit::{FAILURE_KEYS_MAX, FailureKey, LoginAttempt, LoginName},
    one_time::{OneTimeDigest, OneTimeRecord},
    revocation::{Revocation, RevocationCause},
    session::{SessionDigest, SessionLimit, SessionRecord},
    token::{Exchange, RefreshFamily},
    totp::{RECOVERY_CODES, RecoveryCodeDigest},
};
use shield_types::Timestamp;

use super::{account_change::AccountChange, error::StoreError};

// === impl AccountChange ===

impl AccountChange {
    /// When the account's last log-ins after `since` were, the newest first, at most `count`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_ins(&mut self, since: Timestamp, count: usize) -> Result<Vec<Timestamp>, StoreError> {
        let account = self.id;
        told(SqlRefreshFamilies::begun_within(&mut self.transaction, account, since, count).await)
    }

    /// An attempt at its password was a right one.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn forgive(
        &mut self,
        attempt: &LoginAttempt,
        keys: &[Option<FailureKey>; FAILURE_KEYS_MAX],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        told(SqlFailures::forgive_within(&mut self.transaction, attempt, keys, now).await)
    }

    /// Devices and addresses that logged in under this name before are strangers again.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn forget_known(&mut self, login_name: LoginName) -> Result<(), StoreError> {
        told(SqlFailures::forget_known_within(&mut self.transaction, login_name).await)
    }

    /// Takes a token out; None when it is not open at `now`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_token(
        &mut self,
        digest: OneTimeDigest,
        now: Timestamp,
    ) -> Result<Option<OneTimeRecord>, StoreError> {
        told(SqlOneTimeTokens::consume_within(&mut self.transaction, digest, now).await)
    }

    /// Keeps a new set of recovery codes in the place of any other.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn replace_recovery_codes(
        &mut self,
        digests: &[RecoveryCodeDigest; RECOVERY_CODES],
    ) -> Result<(), StoreError> {
        let account = self.id;
        told(SqlRecoveryCodes::replace_within(&mut self.transaction, account, digests).await)
    }

    /// Keeps the refresh tokens of a session.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn keep_family(&mut self, family: &RefreshFamily) -> Result<Exchange, StoreError> {
        told(SqlRefreshFamilies::insert_within(&mut self.transaction, family).await)
    }

    /// Keeps a session, in the place of the live one under `replaced`, if the account has that; one too many ends the one seen
    /// least recently.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn begin_session(
        &mut self,
        record: &SessionRecord,
        limit: SessionLimit,
        replaced: Option<SessionDigest>,
    ) -> Result<BegunSession, StoreError> {
        told(SqlSessions::create_within(&mut self.transaction, record, limit, replaced).await)
    }

    /// Ends every session but `spared`, with its tokens; answers which.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_sessions(
        &mut self,
        spared: Option<SessionId>,
        cause: RevocationCause,
    ) -> Result<Vec<SessionId>, StoreError> {
        let account = self.id;
        told(SqlSessions::end_all_within(&mut self.transaction, account, spared, cause).await)
    }

    /// Takes every API key back; answers which. What this process knows of them is the caller's to forget.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn end_api_keys(&mut self, cause: RevocationCause) -> Result<Vec<ApiKeyRecord>, StoreError> {
        let account = self.id;
        told(SqlApiKeys::revoke_all_within(&mut self.transaction, account, cause).await)
    }

    /// Tells every node.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn announce(&mut self, entry: &Revocation) -> Result<(), StoreError> {
        told(SqlRevocations::append_within(&mut self.transaction, entry).await).map(drop)
    }
}

fn told<T>(outcome: Result<T, SqlError>) -> Result<T, StoreError> {
    outcome.map_err(StoreError::during("change an account's credentials"))
}
