//! The log of revocations.
//!
//! An entry's number comes from the one row of `guard_revocation_head`, which its writer holds until the commit. So numbers
//! have no holes (a transaction that is undone gives its number back), and who sees entry n sees all before it, because its
//! writer began to count only when theirs was visible. That makes appending one at a time; revocations are rare. The row
//! is the last thing that any transaction locks.

use shield_guard::{
    StoreError,
    revocation::{LogEpoch, LogPage, Revocation, RevocationLog, Sequence},
};
use shield_types::Timestamp;

use crate::{
    Database, SqlError,
    failure::of,
    sql::{Row, Statement, Transaction},
};

const STORE: &str = "revocations";
const NEXT: &str = "UPDATE guard_revocation_head SET last = last + 1 WHERE one = 1 RETURNING last";
const INSERT: &str = "INSERT INTO guard_revocations (sequence, entry, expires_at) VALUES ($1, $2, $3)";
/// One statement, so one moment: head and entries belong together. Without entries there is one row, of the head.
const READ: &str = "SELECT state.epoch, state.last, page.sequence, page.entry
    FROM guard_revocation_state AS state LEFT JOIN
    (SELECT sequence, entry FROM guard_revocations WHERE sequence > $1 ORDER BY sequence LIMIT $2) AS page
    ON page.sequence <= state.last
    ORDER BY page.sequence";
const NEW_EPOCH: &str = "UPDATE guard_revocation_head
    SET epoch = CASE WHEN epoch < $1 THEN $1 ELSE epoch + 1 END WHERE one = 1";

/// The log of revocations, in a database.
#[derive(Clone, Debug)]
pub struct SqlRevocations(Database);

// === impl SqlRevocations ===

impl SqlRevocations {
    /// Kept in this database.
    pub fn new(database: Database) -> Self {
        Self(database)
    }

    /// Begins another life of the log: every node reads it from the start. To be called after a backup was restored, before
    /// anything is served. PostgreSQL's own promotions and restores to a point in time are noticed without it (they begin
    /// a timeline); a copied SQLite file or a restored dump is not.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn begin_epoch(&self, now: Timestamp) -> Result<(), StoreError> {
        let begin = Statement::new(NEW_EPOCH).with(now.0 / 1_000);
        self.0.write(begin).await.map(drop).map_err(of(STORE))
    }

    /// [`RevocationLog::append`] within a transaction, as the last thing in it.
    ///
    /// # Errors
    /// When the database does not take it.
    pub async fn append_within(
        transaction: &mut Transaction,
        entry: &Revocation,
    ) -> Result<Sequence, SqlError> {
        append(transaction, entry).await
    }

    async fn add(&self, entry: &Revocation) -> Result<Sequence, SqlError> {
        let mut transaction = self.0.begin().await?;
        let sequence = append(&mut transaction, entry).await?;
        transaction.commit().await?;
        Ok(sequence)
    }

    async fn page(&self, after: Sequence, limit: usize) -> Result<LogPage, SqlError> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let rows = self.0.read(Statement::new(READ).with(after.0).with(limit)).await?;
        let first =
            rows.first().ok_or(SqlError::Damaged { column: "last", expected: "the head's one row" })?;
        let (epoch, head) = (LogEpoch(first.count("epoch")?), Sequence(first.count("last")?));
        let entries: Vec<_> =
            rows.iter().map(entry).filter_map(Result::transpose).collect::<Result<_, _>>()?;
        let full = u64::try_from(entries.len()).is_ok_and(|count| count >= limit);
        let through = match entries.last() {
            Some((last, _)) if full => *last,
            _ if full => after,
            _ => head,
        };
        Ok(LogPage { epoch, after, through, head, entries })
    }
}

impl RevocationLog for SqlRevocations {
    async fn append(&self, entry: &Revocation) -> Result<Sequence, StoreError> {
        self.add(entry).await.map_err(of(STORE))
    }

    async fn read_after(&self, after: Sequence, limit: usize) -> Result<LogPage, StoreError> {
        self.page(after, limit).await.map_err(of(STORE))
    }
}

/// Adds an entry within a transaction; the last thing that it locks.
pub(crate) async fn append(transaction: &mut Transaction, entry: &Revocation) -> Result<Sequence, SqlError> {
    let row = transaction.row(Statement::new(NEXT)).await?;
    let row = row.ok_or(SqlError::Damaged { column: "last", expected: "the head's one row" })?;
    let sequence = row.count("last")?;
    let insert = Statement::new(INSERT).with(sequence).with(entry.to_json()).with(entry.expires_at);
    transaction.execute(insert).await?;
    Ok(Sequence(sequence))
}

/// The entry of a row; none where there is only the head.
fn entry(row: &Row) -> Result<Option<(Sequence, Revocation)>, SqlError> {
    let Some(sequence) = row.optional_count("sequence")? else { return Ok(None) };
    let bytes: Vec<u8> = row.get("entry")?;
    let entry = Revocation::from_json(&bytes)
        .map_err(|source| SqlError::Document { column: "entry", source: source.into() })?;
    Ok(Some((Sequence(sequence), entry)))
}
