//! The database of an application, as the stores use it.

use std::time::Duration;

use sqlx::{SqlitePool, postgres::PgConnectOptions, query_scalar};

use super::{
    Row, SqlError, Statement, StorageFault, Transaction,
    link::{Deadline, Held, Link},
    storage::StorageWatch,
};
use crate::{Dialect, PostgresPool};

/// SQLite's number of `synchronous = FULL`; 3 is EXTRA.
const SYNCHRONOUS_FULL: i64 = 2;

/// Pools on one SQLite file, open, migrated.
#[derive(Clone, Debug)]
pub struct SqlitePools {
    /// For reading; any number of connections.
    pub reader: SqlitePool,
    /// For writing: one connection, so that writers queue in order instead of polling the lock, with
    /// `synchronous = FULL`: a revocation that was acknowledged outlives a power cut.
    pub writer: SqlitePool,
}

/// Where the stores keep what they keep. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    pools: Pools,
    deadline: Duration,
    watch: StorageWatch,
}

/// Connections on whose server nothing goes on for long after this side is gone: a node that vanishes in the middle of a
/// transaction would otherwise hold its locks until TCP gives it up, and all nodes' revocations with them. What waits or
/// idles in a transaction for longer than `deadline` is ended by the server. Every [`PostgresPool`] makes its connections so.
///
/// Nothing is compiled for them: of tables with one row, which PostgreSQL never analyses, it expects thousands, and took a third of a
/// second of a core to compile a query of half a millisecond, ten times a second for each node.
#[must_use]
pub fn bounded_postgres(options: PgConnectOptions, deadline: Duration) -> PgConnectOptions {
    let milliseconds = deadline.as_millis().max(1).to_string();
    let bounds = ["statement_timeout", "idle_in_transaction_session_timeout"];
    options.options(bounds.map(|bound| (bound, milliseconds.clone()))).options([("jit", "off")])
}

/// Why a database does not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// It does not answer.
    #[error("ask the database how it is set up")]
    Ask(#[source] SqlError),
    /// What it acknowledges could be lost.
    #[error("keep security state in a database with `{setting} = {found}`: expected {expected}")]
    NotDurable {
        /// Which of its settings.
        setting: &'static str,
        /// What it says.
        found: String,
        /// What it should say.
        expected: &'static str,
    },
}

#[derive(Clone, Debug)]
enum Pools {
    Sqlite(SqlitePools),
    Postgres(PostgresPool),
}

/// What a connection is for.
enum Purpose {
    Read,
    Write,
}

// === impl Database ===

impl Database {
    /// For most uses: shorter than any client's patience, longer than a commit on a slow disk.
    pub const DEADLINE: Duration = Duration::from_secs(2);

    /// SQLite. No call takes longer than `deadline`.
    ///
    /// # Errors
    /// When the writer's settings would lose what it acknowledged.
    pub async fn sqlite(pools: SqlitePools, deadline: Duration) -> Result<Self, OpenError> {
        let ask = query_scalar("PRAGMA synchronous").fetch_one(&pools.writer);
        let found: i64 = Deadline::after(deadline).bound(ask).await.map_err(OpenError::Ask)?;
        if found < SYNCHRONOUS_FULL {
            let expected = "2 (FULL) or 3 (EXTRA)";
            return Err(OpenError::NotDurable { setting: "synchronous", found: found.to_string(), expected });
        }
        Ok(Self::forgetful_sqlite(pools, deadline))
    }

    /// SQLite for what may be lost by a power cut, and only by that: never for what security rests on. No call takes
    /// longer than `deadline`.
    pub fn forgetful_sqlite(pools: SqlitePools, deadline: Duration) -> Self {
        Self { pools: Pools::Sqlite(pools), deadline, watch: StorageWatch::default() }
    }

    /// PostgreSQL. No call takes longer than the pool's deadline.
    ///
    /// **Deployment.** What is acknowledged outlives the loss of a machine only as far as the server's
    /// `synchronous_standby_names` say. A host that acknowledges before it wrote is never used.
    pub fn postgres(pool: PostgresPool) -> Self {
        Self { deadline: pool.deadline(), pools: Pools::Postgres(pool), watch: StorageWatch::default() }
    }

    /// Which one it is.
    pub fn dialect(&self) -> Dialect {
        match self.pools {
            Pools::Sqlite(_) => Dialect::Sqlite,
            Pools::Postgres(_) => Dialect::Postgres,
        }
    }

    /// The last fault of the storage that a call on this database, or on a clone of it, met within `period`. Costs nothing.
    pub fn storage_fault(&self, period: Duration) -> Option<StorageFault> {
        self.watch.within(period)
    }

    /// Begins a transaction that writes.
    ///
    /// # Errors
    /// When the database does not let it write.
    pub async fn begin(&self) -> Result<Transaction, SqlError> {
        Transaction::begin(self.hold(Purpose::Write).await?).await
    }

    /// Begins a transaction that reads as of one moment, to be abandoned.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin_reading(&self) -> Result<Transaction, SqlError> {
        Transaction::begin_reading(self.hold(Purpose::Read).await?).await
    }

    /// Reads; one statement, so one moment. The statement itself bounds the number of rows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.fetch(Purpose::Read, statement).await
    }

    /// Reads the first row.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn read_one(&self, statement: Statement) -> Result<Option<Row>, SqlError> {
        Ok(self.read(statement).await?.into_iter().next())
    }

    /// Writes with one statement, which is atomic by itself, and answers how many rows.
    ///
    /// # Errors
    /// When the database does not say that it did.
    pub async fn write(&self, statement: Statement) -> Result<u64, SqlError> {
        let mut held = self.hold(Purpose::Write).await?;
        let rows = held.execute(statement).await?;
        held.release();
        Ok(rows)
    }

    /// Writes with one statement that returns a row or none.
    ///
    /// # Errors
    /// When the database does not say that it did.
    pub async fn write_returning(&self, statement: Statement) -> Result<Option<Row>, SqlError> {
        Ok(self.fetch(Purpose::Write, statement).await?.into_iter().next())
    }

    async fn fetch(&self, purpose: Purpose, statement: Statement) -> Result<Vec<Row>, SqlError> {
        let mut held = self.hold(purpose).await?;
        let rows = held.fetch(statement).await?;
        held.release();
        Ok(rows)
    }

    async fn hold(&self, purpose: Purpose) -> Result<Held, SqlError> {
        let deadline = Deadline::after(self.deadline);
        let link = self.acquire(purpose, deadline).await.inspect_err(|error| self.watch.note(error))?;
        Ok(Held::new(link, deadline, self.watch.clone()))
    }

    async fn acquire(&self, purpose: Purpose, deadline: Deadline) -> Result<Link, SqlError> {
        Ok(match (&self.pools, purpose) {
            (Pools::Sqlite(pools), Purpose::Read) => {
                Link::Sqlite(deadline.bound(pools.reader.acquire()).await?)
            }
            (Pools::Sqlite(pools), Purpose::Write) => {
                Link::Sqlite(deadline.bound(pools.writer.acquire()).await?)
            }
            (Pools::Postgres(pool), Purpose::Read | Purpose::Write) => {
                Link::Postgres(pool.acquire(deadline).await?)
            }
        })
    }
}
