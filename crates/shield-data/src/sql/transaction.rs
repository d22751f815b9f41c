//! Several statements that happen together or not at all.

use std::fmt;

use shield_types::DigestHasher;

use super::{
    Row, SqlError, Statement,
    link::{Held, Link},
};

/// A transaction. Dropped without [`Transaction::commit`], nothing of it happened, and its connection is closed.
pub struct Transaction(Held);

/// Whose names are locked.
#[derive(Clone, Copy, Debug)]
pub enum LockSpace {
    /// What an account has: sessions, keys, codes.
    Account,
    /// What is known about a name at log-in.
    LoginName,
    /// Names of the application's own, of the kind that this says.
    Other(&'static str),
}

impl fmt::Debug for Transaction {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Transaction")
    }
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
        match held.execute(Statement::new(begin)).await {
            Ok(_) => Ok(Self(held)),
            Err(error) if error.busy() && matches!(held.link(), Link::Sqlite(_)) => {
                // It waited for its turn in vain; nothing is under way on this connection.
                held.release();
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Begins one in which everything is read as of one moment.
    pub(super) async fn begin_reading(mut held: Held) -> Result<Self, SqlError> {
        let begin = match held.link() {
            Link::Sqlite(_) => "BEGIN",
            Link::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        held.execute(Statement::new(begin)).await?;
        Ok(Self(held))
    }

    /// From here to the end of the transaction no other one holds this name. Taken before anything is read that the
    /// transaction decides by: at READ COMMITTED what is read after it includes all that its last holder wrote. Who needs
    /// several takes them in the order of their names.
    ///
    /// # Errors
    /// When the holder keeps it beyond the deadline.
    pub async fn lock(&mut self, space: LockSpace, name: &[u8]) -> Result<(), SqlError> {
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
    ///
    /// # Errors
    /// When the database does not take it; then the transaction is over.
    pub async fn execute(&mut self, statement: Statement) -> Result<u64, SqlError> {
        self.0.execute(statement).await
    }

    /// All rows; the statement itself bounds their number.
    ///
    /// # Errors
    /// When the database does not answer; then the transaction is over.
    pub async fn rows(&mut self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.0.fetch(statement).await
    }

    /// The first row.
    ///
    /// # Errors
    /// When the database does not answer; then the transaction is over.
    pub async fn row(&mut self, statement: Statement) -> Result<Option<Row>, SqlError> {
        Ok(self.0.fetch(statement).await?.into_iter().next())
    }

    /// Makes it durable. After an error nobody knows whether it happened.
    ///
    /// # Errors
    /// When the database does not say that it did.
    pub async fn commit(mut self) -> Result<(), SqlError> {
        self.0.execute(Statement::new("COMMIT")).await?;
        self.0.release();
        Ok(())
    }

    /// Undoes it, and keeps the connection: for what was decided not to happen.
    ///
    /// # Errors
    /// When the database does not answer; it is undone all the same.
    pub async fn abandon(mut self) -> Result<(), SqlError> {
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
        match self {
            Self::Account => hasher.update(b"shield account lock\0"),
            Self::LoginName => hasher.update(b"shield log-in lock.\0"),
            Self::Other(kind) => {
                hasher.update(b"application's lock.\0");
                hasher.update(kind.as_bytes());
                hasher.update(b"\0");
            }
        }
        hasher.update(name);
        let digest = hasher.finish();
        i64::from_be_bytes(digest.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
    }
}
