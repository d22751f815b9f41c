//! One call, within its deadline.

use std::{future::Future, time::Duration};

use redis::{ErrorKind, RedisResult, ServerErrorKind, aio::MultiplexedConnection};
use shield_types::format_duration;
use tokio::time::timeout;

use super::{
    info::Life,
    store::{Redis, Shared},
};

/// How long a call may take.
pub(super) const CALL_DEADLINE: Duration = Duration::from_millis(15);

/// Why Redis gave no answer. What was asked may have been done, except when it is away.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisCallError {
    /// It does not answer, or nobody knows who the master is; it was not asked.
    #[error("ask Redis: it is away")]
    Away,
    /// Not within the deadline.
    #[error("ask Redis: no answer within `{}`", format_duration(CALL_DEADLINE))]
    Late,
    /// It, or the way to it, refused.
    #[error("ask Redis")]
    Refused(#[source] redis::RedisError),
}

// === impl Redis ===

impl Redis {
    /// Does `work` with the server of a slot.
    pub(super) async fn call<T, F>(
        &self,
        slot: u16,
        work: impl FnOnce(MultiplexedConnection, Life) -> F,
    ) -> Result<T, RedisCallError>
    where
        F: Future<Output = RedisResult<T>>,
    {
        let link = self.shared.link(slot).ok_or(RedisCallError::Away)?;
        let lane = link.lane().ok_or(RedisCallError::Away)?;
        let error = match timeout(CALL_DEADLINE, work(lane.connection.clone(), lane.who.life.clone())).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) if elsewhere(&error) => {
                self.shared.look.notify_one();
                return Err(RedisCallError::Refused(error));
            }
            Ok(Err(error)) => RedisCallError::Refused(error),
            Err(_) => RedisCallError::Late,
        };
        link.break_off(lane.number);
        self.shared.refresh(Some(Shared::told(&error)));
        Err(error)
    }
}

/// Whether another server is meant: this one is well.
fn elsewhere(error: &redis::RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(
            ServerErrorKind::Moved
                | ServerErrorKind::Ask
                | ServerErrorKind::TryAgain
                | ServerErrorKind::ClusterDown
        )
    )
}
