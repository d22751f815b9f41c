//! A connection, as long as its primary is the primary.

use std::sync::Arc;

use sqlx::{PgConnection, Postgres, pool::PoolConnection};

use super::{
    suspicion::Suspicion,
    term::{Board, Term},
};
use crate::sql::SqlError;

/// A connection to the primary of one epoch.
pub(crate) struct Lease {
    connection: PoolConnection<Postgres>,
    term: Arc<Term>,
    board: Arc<Board>,
}

// === impl Lease ===

impl Lease {
    pub(super) fn new(connection: PoolConnection<Postgres>, term: Arc<Term>, board: Arc<Board>) -> Self {
        Self { connection, term, board }
    }

    /// To be used now.
    ///
    /// # Errors
    /// When its primary ceased to be it: nothing must be sent any more.
    pub(crate) fn connection(&mut self) -> Result<&mut PgConnection, SqlError> {
        match self.board.confirms(self.term.epoch) {
            true => Ok(&mut self.connection),
            false => Err(SqlError::Superseded),
        }
    }

    /// Tells what failed on it.
    pub(crate) fn report(&self, error: &SqlError) {
        let suspicion = match error {
            SqlError::Late { .. } => Suspicion::Slow,
            SqlError::Refused(error) => Suspicion::of(error),
            _ => Suspicion::None,
        };
        self.board.suspect(&self.term, suspicion);
    }

    /// Closes it, without a farewell that a frozen server would not take; the pool opens another one.
    pub(crate) fn cut(self) {
        drop(self.connection.detach());
    }
}
