//! A start that waits: right after a failover, or beside others that start, the first answers of a database may be late.

use std::{error::Error, iter, time::Duration};

use shield_data::SqlError;
use tokio::time::{Instant, sleep};

use super::Store;

/// How long a start waits, also for a primary: longer than common supervisors take to promote one.
pub(super) const PATIENCE: Duration = Duration::from_secs(45);
/// Between two questions.
const PAUSE: Duration = Duration::from_millis(200);

// === impl Store ===

impl Store {
    /// What a start asks: again, as long as PostgreSQL may only be busy. What is asked must be fit to be done twice.
    ///
    /// # Errors
    /// The last one. A file's is told at once: nobody else has it.
    pub async fn patiently<T, E: Error + 'static>(
        &self,
        ask: impl AsyncFn() -> Result<T, E>,
    ) -> Result<T, E> {
        let patience = if self.postgres_state().is_some() { PATIENCE } else { Duration::ZERO };
        within(patience, ask).await
    }
}

async fn within<T, E: Error + 'static>(
    patience: Duration,
    ask: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    let give_up = Instant::now() + patience;
    loop {
        // Boxed: whoever opens everything in one future would have one that is too deep for the compiler.
        match Box::pin(ask()).await {
            Err(error) if may_pass(&error) && Instant::now() < give_up => {
                tracing::warn!(%error, "the database is busy: asked again");
                sleep(PAUSE).await;
            }
            done => return done,
        }
    }
}

/// Whether the cause of this is a database that was busy or did not answer: the same may go well a moment later.
#[must_use]
pub fn may_pass(error: &(dyn Error + 'static)) -> bool {
    let mut chain = iter::successors(Some(error), |error| (*error).source());
    chain
        .any(|error| error.downcast_ref::<SqlError>().is_some_and(|error| error.busy() || error.unanswered()))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::store::StoreError;

    async fn asked(patience: Duration, error: impl Fn() -> SqlError) -> (u32, bool) {
        let count = Cell::new(0);
        let ask = async || {
            count.set(count.get() + 1);
            if count.get() < 4 { Err(StoreError::during("ask")(error())) } else { Ok(()) }
        };
        let answered = within(patience, ask).await.is_ok();
        (count.get(), answered)
    }

    #[tokio::test]
    async fn only_what_may_pass_is_asked_again() {
        let late = || SqlError::Late { deadline: Duration::from_secs(2) };
        let damaged = || SqlError::Damaged { column: "id", expected: "a number" };
        assert_eq!(asked(PATIENCE, late).await, (4, true));
        assert_eq!(asked(PATIENCE, || SqlError::Superseded).await, (4, true));
        assert_eq!(asked(PATIENCE, damaged).await, (1, false));
        assert_eq!(asked(Duration::ZERO, late).await, (1, false));
    }
}
