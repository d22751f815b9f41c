//! Waiting for a state, with a limit and a name.
//!
//! A test waits on a level (something that is true from some moment on), never on an edge and never for a fixed time.
//! When the limit passes, the error says what was waited for, so that a failing test explains itself.

use std::future::Future;
use std::time::{Duration, Instant};

use thiserror::Error;

/// Pause between two looks at the state: short against any limit a test would set, long against a look.
const LOOK_INTERVAL: Duration = Duration::from_millis(5);

/// The state did not come within the limit.
#[derive(Debug, Error)]
#[error("wait for `{what}`: not seen within {limit:?}")]
pub struct WaitTimedOut {
    /// What was waited for, in the caller's words.
    pub what: String,
    /// How long.
    pub limit: Duration,
}

/// Looks until `look` gives a value or `limit` has passed. Looks at least once, and once more at the end.
pub async fn wait_for<T, F, Fut>(what: &str, limit: Duration, mut look: F) -> Result<T, WaitTimedOut>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Option<T>>,
{
    let started = Instant::now();
    loop {
        let last_look = started.elapsed() >= limit;
        if let Some(value) = look().await {
            return Ok(value);
        }
        if last_look {
            return Err(WaitTimedOut { what: what.to_owned(), limit });
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// The same for code that has no async runtime; blocks the thread.
pub fn wait_for_sync<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> Result<T, WaitTimedOut> {
    let started = Instant::now();
    loop {
        let last_look = started.elapsed() >= limit;
        if let Some(value) = look() {
            return Ok(value);
        }
        if last_look {
            return Err(WaitTimedOut { what: what.to_owned(), limit });
        }
        std::thread::sleep(LOOK_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{wait_for, wait_for_sync};

    #[tokio::test]
    async fn returns_value_once_seen() {
        let mut looks = 0;
        let seen = wait_for("the third look", Duration::from_secs(60), || {
            looks += 1;
            let value = (looks == 3).then_some(looks);
            async move { value }
        });
        assert_eq!(seen.await.ok(), Some(3));
    }

    #[test]
    fn says_what_it_waited_for() {
        let error = wait_for_sync("a miracle", Duration::ZERO, || None::<()>).err();
        assert!(error.is_some_and(|error| error.to_string().contains("`a miracle`")));
    }
}
