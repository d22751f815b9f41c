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
mod tests {
    use std::{
        convert::Infallible,
        sync::atomic::{AtomicUsize, Ordering},
        time::Duration,
    };

    use futures_util::future::join_all;
    use tokio::time::{Instant, sleep};

    use super::{DEADLINE, Looks, PAUSE};

    #[tokio::test(start_paused = true)]
    async fn many_share_one_look() {
        let (looks, count) = (Looks::default(), AtomicUsize::new(0));
        let look = async || {
            count.fetch_add(1, Ordering::Relaxed);
            sleep(Duration::from_millis(1)).await;
            Ok::<_, Infallible>(())
        };
        let many = async || join_all((0..1_000).map(|_| looks.share(look()))).await;
        let began = Instant::now();
        many().await;
        assert_eq!(count.load(Ordering::Relaxed), 1);
        many().await;
        assert_eq!(count.load(Ordering::Relaxed), 2, "asked after the first began");
        assert!(began.elapsed() >= PAUSE);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_ever() {
        let looks = Looks::default();
        let began = Instant::now();
        let never = || std::future::pending::<Result<(), Infallible>>();
        join_all((0..100).map(|_| looks.share(never()))).await;
        assert_eq!(began.elapsed(), DEADLINE);
        // Who asks while a look hangs waits for its end, and for their own.
        tokio::join!(looks.share(never()), async {
            sleep(PAUSE).await;
            looks.share(never()).await;
        });
        assert_eq!(began.elapsed(), 3 * DEADLINE);
    }
}
