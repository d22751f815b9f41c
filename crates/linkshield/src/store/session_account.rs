//! A session with its account, in one question: whoever comes with a session that this process does not know needs both.

use shield_data::{Row, SqlError, SqlSessions, Statement};
use shield_guard::{
    SessionId,
    session::{SessionDigest, SessionRecord},
};

use super::{
    account_model::Account, account_rows::account, accounts::columns, error::StoreError, open::Store,
};

/// The columns of a session under the names that [`SqlSessions::read`] knows; none of them is a column of accounts.
macro_rules! session_where {
    ($condition:literal) => {
        concat!(
            "SELECT session.*, ",
            columns!(),
            " FROM (SELECT id AS session_id, account AS session_account, created_at AS session_created_at, digest, \
             authenticated_at, last_seen_at, expires_at, idle_ms, address, user_agent, device \
             FROM guard_sessions WHERE ",
            $condition,
            ") AS session JOIN accounts ON accounts.id = session.session_account"
        )
    };
}

const BY_DIGEST: &str = session_where!("digest = $1");
const BY_ID: &str = session_where!("id = $1");

// === impl Store ===

impl Store {
    /// The session under a digest, expired or not, with its account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_of_secret(
        &self,
        digest: SessionDigest,
    ) -> Result<Option<(SessionRecord, Account)>, StoreError> {
        self.session(Statement::new(BY_DIGEST).with(digest.as_bytes())).await
    }

    /// The session with this id, expired or not, with its account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn session_of_id(&self, id: SessionId) -> Result<Option<(SessionRecord, Account)>, StoreError> {
        self.session(Statement::new(BY_ID).with(id)).await
    }

    async fn session(&self, statement: Statement) -> Result<Option<(SessionRecord, Account)>, StoreError> {
        let read = async {
            let row: Option<Row> = self.guard_database().read_one(statement).await?;
            let session = row.as_ref().map(SqlSessions::read).transpose()?;
            Ok::<_, SqlError>(session.zip(row))
        };
        let found = read.await.map_err(StoreError::during("find session"))?;
        found.map(|(session, row)| Ok((session, account(row)?))).transpose()
    }
}
