//! Looking for what another process may have changed, when many want to know at once.
//!
//! Whoever asks gets an answer that was looked for after they asked, and shares it with everybody who asked before it began. One
//! look at a time, with a pause between two: whoever has many questions asked, costs as much as one who asks ten a second.

use std::{error::Error, future::Future, time::Duration};

use tokio::{
    sync::Mutex,
    time::{Instant, sleep_until, timeout},
};

use crate::telemetry::causes;

/// From the beginning of one look to that of the next.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a look may take.
const DEADLINE: Duration = Duration::from_millis(250);

/// When the last look began; held while one is under way.
#[derive(Debug, Default)]
pub(super) struct Looks(Mutex<Option<Instant>>);

// === impl Looks ===

impl Looks {
    /// Looks, or waits for somebody else's look that began later than this call: two looks at most, with the pause. One that
    /// fails or takes too long is told in the log, and is over.
    pub(super) async fn share<E: Error + 'static>(&self, look: impl Future<Output = Result<(), E>>) {
        let asked_at = Instant::now();
        let mut began_at = self.0.lock().await;
        match *began_at {
            Some(last) if last >= asked_at => return,
            Some(last) => sleep_until(last + PAUSE).await,
            None => {}
        }
        *began_at = Some(Instant::now());
        match timeout(DEADLINE, look).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let cause = causes(&error).join(": ");
                tracing::warn!(error = %error, cause, "newer signing keys could not be looked for");
            }
            Err(_) => tracing::warn!("newer signing keys could not be looked for in time"),
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a panic is a test's failure")]
mod tests {
    use std::{
        convert::Infallible,
        future::pending,
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::future::join_all;
    use tokio::{task::yield_now, time::timeout};

    use super::Looks;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn many_share_few_looks() {
        let (looks, count) = (Looks::default(), AtomicUsize::new(0));
        let look = async || {
            count.fetch_add(1, Ordering::Relaxed);
            yield_now().await;
            Ok::<_, Infallible>(())
        };
        join_all((0..1_000).map(|_| looks.share(look()))).await;
        let first = count.load(Ordering::Relaxed);
        assert!((1..=2).contains(&first), "{first}: one that began, and one for those who asked since");
        join_all((0..1_000).map(|_| looks.share(look()))).await;
        assert_eq!(count.load(Ordering::Relaxed), first + 1, "what was found before they asked is too old");
    }

    #[tokio::test]
    async fn a_look_that_hangs_holds_nobody() {
        let looks = Looks::default();
        let never = || pending::<Result<(), Infallible>>();
        timeout(PATIENCE, join_all((0..1_000).map(|_| looks.share(never())))).await.unwrap();
    }
}
