//! A connection of either database, held for one call until its deadline.

use std::{future::Future, time::Duration};

use sqlx::{Sqlite, pool::PoolConnection, query};
use tokio::time::{Instant, timeout_at};

use super::{Row, SqlError, Statement, statement::Value, storage::StorageWatch};
use crate::postgres::Lease;

/// A connection out of a pool.
pub(super) enum Link {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(Lease),
}

/// When a call must be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    at: Instant,
    whole: Duration,
}

/// A connection that goes back into its pool only by [`Held::release`]. Dropped before, it is closed: after a failure, a
/// timeout or a cancellation nobody knows what is under way on it.
pub(super) struct Held {
    link: Option<Link>,
    deadline: Deadline,
    watch: StorageWatch,
}

macro_rules! bound {
    ($statement:expr) => {{
        let Statement { text, values } = $statement;
        values.into_iter().fold(query(text), |query, value| match value {
            Value::Number(number) => query.bind(number),
            Value::Text(text) => query.bind(text),
            Value::Bytes(bytes) => query.bind(bytes),
        })
    }};
}

// === impl Deadline ===

impl Deadline {
    pub(crate) fn after(whole: Duration) -> Self {
        Self { at: Instant::now() + whole, whole }
    }

    pub(crate) fn at(self) -> Instant {
        self.at
    }

    pub(crate) fn missed(self) -> SqlError {
        SqlError::Late { deadline: self.whole }
    }

    /// What comes later is no answer, even if it says that all is well: a server gives up by the same deadline, which began
    /// later there, and PostgreSQL then says that it committed what no standby has.
    pub(super) async fn bound<T, E: Into<SqlError>>(
        self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, SqlError> {
        match timeout_at(self.at, work).await {
            Ok(Ok(answer)) if Instant::now() < self.at => Ok(answer),
            Ok(Err(error)) => Err(error.into()),
            Ok(Ok(_)) | Err(_) => Err(self.missed()),
        }
    }
}

// === impl Link ===

impl Link {
    async fn execute(&mut self, statement: Statement) -> Result<u64, SqlError> {
        Ok(match self {
            Self::Sqlite(connection) => bound!(statement).execute(&mut **connection).await?.rows_affected(),
            Self::Postgres(lease) => {
                let statement = statement.for_postgres();
                bound!(statement).execute(lease.connection()?).await?.rows_affected()
            }
        })
    }

    async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let rows = bound!(statement).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::sqlite).collect()
            }
            Self::Postgres(lease) => {
                let statement = statement.for_postgres();
                let rows = bound!(statement).fetch_all(lease.connection()?).await?;
                rows.into_iter().map(Row::postgres).collect()
            }
        })
    }

    fn report(&self, error: &SqlError) {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(lease) => lease.report(error),
        }
    }
}

// === impl Held ===

impl Held {
    /// `watch` is told what the storage refuses.
    pub(super) fn new(link: Link, deadline: Deadline, watch: StorageWatch) -> Self {
        Self { link: Some(link), deadline, watch }
    }

    pub(super) async fn execute(&mut self, statement: Statement) -> Result<u64, SqlError> {
        let deadline = self.deadline;
        let outcome = deadline.bound(self.link().execute(statement)).await;
        outcome.inspect_err(|error| self.failed(error))
    }

    pub(super) async fn fetch(&mut self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        let deadline = self.deadline;
        let outcome = deadline.bound(self.link().fetch(statement)).await;
        outcome.inspect_err(|error| self.failed(error))
    }

    fn failed(&mut self, error: &SqlError) {
        self.watch.note(error);
        self.link().report(error);
    }

    pub(super) fn link(&mut self) -> &mut Link {
        self.link.as_mut().expect("only release takes it, and that consumes this")
    }

    /// Everything on it is finished.
    pub(super) fn release(mut self) {
        drop(self.link.take());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        match self.link.take() {
            // Out of the pool, which opens another one, and closed without a farewell that a frozen server would not take.
            Some(Link::Sqlite(connection)) => drop(connection.detach()),
            Some(Link::Postgres(lease)) => lease.cut(),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{future::ready, time::Duration};

    use super::*;

    #[tokio::test]
    async fn late_answer_is_no_answer() {
        let bound = |whole| Deadline::after(whole).bound(ready(Ok::<_, SqlError>("committed")));
        assert!(matches!(bound(Duration::ZERO).await, Err(SqlError::Late { .. })));
        assert!(matches!(bound(Duration::from_secs(600)).await, Ok("committed")));
    }
}
