//! Several statements that happen together or not at all.

use shield_types::DigestHasher;

use super::{
    Row, SqlError, Statement,
    link::{Held, Link},
};

/// A transaction that writes. Dropped without [`Transaction::commit`], nothing of it happened.
pub(crate) struct Transaction(Held);

/// Whose names are locked.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LockSpace {
    /// What an account has: sessions, keys, codes.
    Account,
    /// What is known about a name at log-in.
    LoginName,
}

// === impl Transaction ===

impl Transaction {
    /// Begins on a connection that may write.
    pub(super) async fn begin(mut held: Held) -> Result<Self, SqlError> {
        let begin = match held.link() {
            // Takes the one write lock now, not at the first write, where waiting for it could not be repeated.
            Link::Sqlite(_) => "BEGIN IMMEDIATE",
            // A standby refuses here, before anything is judged by what it has.
            Link::Postgres(_) => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        held.execute(Statement::new(begin)).await?;
        Ok(Self(held))
    }

    /// From here to the end of the transaction no other one holds this name. Taken before anything is read that the
    /// transaction decides by: at READ COMMITTED what is read after it includes all that its last holder wrote.
    pub(crate) async fn lock(&mut self, space: LockSpace, name: &[u8]) -> Result<(), SqlError> {
        match self.0.link() {
            // Alone since it began.
            Link::Sqlite(_) => Ok(()),
            Link::Postgres(_) => {
                let lock = Statement::new("SELECT pg_advisory_xact_lock($1)").with(space.number(name));
                self.0.execute(lock).await.map(drop)
            }
        }
    }

    /// Answers how many rows were written.
    pub(crate) async fn execute(&mut self, statement: Statement) -> Result<u64, SqlError> {
        self.0.execute(statement).await
    }

    /// All rows; the statement itself bounds their number.
    pub(crate) async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.0.fetch(statement).await
    }

    /// The first row.
    pub(crate) async fn row(&mut self, statement: Statement) -> Result<Option<Row>, SqlError> {
        Ok(self.0.fetch(statement).await?.into_iter().next())
    }

    /// Makes it durable. After an error nobody knows whether it happened.
    pub(crate) async fn commit(mut self) -> Result<(), SqlError> {
        self.0.execute(Statement::new("COMMIT")).await?;
        self.0.release();
        Ok(())
    }

    /// Undoes it, and keeps the connection: for what was decided not to happen.
    pub(crate) async fn abandon(mut self) -> Result<(), SqlError> {
        self.0.execute(Statement::new("ROLLBACK")).await?;
        self.0.release();
        Ok(())
    }
}

// === impl LockSpace ===

impl LockSpace {
    /// PostgreSQL locks numbers. Two names with the same one wait for each other, nothing worse.
    fn number(self, name: &[u8]) -> i64 {
        let mut hasher = DigestHasher::new();
        hasher.update(match self {
            Self::Account => b"shield account lock\0",
            Self::LoginName => b"shield log-in lock.\0",
        });
        hasher.update(name);
        let digest = hasher.finish();
        i64::from_be_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
    }
}
