//! The task that keeps this process's set of revocations complete, by reading the log: ten times a second, and at once when
//! another process says that it has grown. When the log says that a signing key was killed it has the next one looked for, which
//! signs already.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use shield_guard::{
    StoreError,
    chain::Chain,
    event::SecurityEvent,
    revocation::{Freshness, Revocation, RevocationLog, Revoked, SetProgress},
};
use tokio::time::{MissedTickBehavior, interval};

use super::{EventSink, Fanout, GateStore, strange::outdated};
use crate::{
    background::{Background, StopSignal},
    clock::now,
    telemetry::causes,
};

/// How often the log is read: what another process wrote is refused here within about this time, if nobody says so.
const PERIOD: Duration = Duration::from_millis(100);
/// Entries read at once.
const PAGE_ENTRIES: usize = 1_000;
/// Pages read before others get a turn.
const PAGES_MAX: usize = 1_000;
/// How often what expired is forgotten, in periods: once a minute.
const PRUNE_PERIODS: u32 = 600;
/// How long ordinary routes go on with what was last known of an account, while the store is away.
const ACCOUNTS_KEPT: Duration = Duration::from_secs(600);
/// What the log is called in events.
const STORE: &str = "revocations";

/// A running task.
#[derive(Debug)]
pub struct RevocationFollower(Background);

/// What was last told about the log.
#[derive(Default)]
struct Told {
    away_since: Option<Instant>,
    stale: bool,
}

/// Reads the log to its end. To be called before the first request, which would be refused else.
///
/// # Errors
/// When the database does not answer.
pub async fn catch_up(log: &impl RevocationLog, chain: &Chain) -> Result<(), StoreError> {
    for _ in 0..PAGES_MAX {
        let asked_at = now();
        let page = log.read_after(chain.revocations.cursor(), PAGE_ENTRIES).await?;
        let progress = chain.revocations.take_page(&page, asked_at);
        page.entries.iter().for_each(|(_, entry)| forget(chain, entry));
        if progress == SetProgress::UpToDate {
            break;
        }
    }
    Ok(())
}

/// The set refuses already; the near caches give their places back.
fn forget(chain: &Chain, entry: &Revocation) {
    match entry.revoked {
        Revoked::Session { session } => chain.sessions.forget(session),
        Revoked::Account { account, .. } | Revoked::Sessions { account, .. } => {
            chain.accounts.forget(account, now());
        }
        Revoked::Token { .. } | Revoked::SigningKey { .. } | Revoked::ApiKey { .. } => {}
    }
}

// === impl RevocationFollower ===

impl RevocationFollower {
    /// Starts the task.
    pub fn start(store: Arc<impl GateStore>, chain: Arc<Chain>, events: EventSink, fanout: Fanout) -> Self {
        Self(Background::start("follower of revocations", |stop| run(store, chain, (events, fanout), stop)))
    }

    /// Ends the task.
    pub async fn stop(self) {
        self.0.end().await;
    }
}

async fn run(
    store: Arc<impl GateStore>,
    chain: Arc<Chain>,
    (events, mut fanout): (EventSink, Fanout),
    mut stop: StopSignal,
) {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut told = Told::default();
    for period in 0_u32.. {
        tokio::select! {
            () = stop.told() => return,
            _ = ticks.tick() => {}
            () = fanout.woken() => {}
        }
        let read = tokio::select! {
            () = stop.told() => return,
            read = store.settle(&chain) => read,
        };
        if read.is_ok() {
            fanout.tell(chain.revocations.cursor()).await;
        }
        // Each turn until it is not: whoever reads the log for another reason may have read the entry.
        if outdated(&store.ring(), &chain.revocations) {
            store.look_for_keys().await;
        }
        told.tell(read, &chain, &events);
        if period % PRUNE_PERIODS == 0 {
            prune(&chain);
        }
    }
}

fn prune(chain: &Chain) {
    let now = now();
    chain.revocations.prune(now);
    chain.accounts.prune(now, ACCOUNTS_KEPT);
    chain.api_keys.prune(now);
}

// === impl Told ===

impl Told {
    /// Each change once, not each reading.
    fn tell(&mut self, read: Result<(), StoreError>, chain: &Chain, events: &EventSink) {
        match (read, self.away_since) {
            (Err(error), None) => {
                tracing::warn!(error = %error, cause = causes(&error).join(": "), "revocations cannot be read");
                self.away_since = Some(Instant::now());
                events.tell(&SecurityEvent::StoreAway { store: STORE }, |context| context);
            }
            (Ok(()), Some(since)) => {
                let away_ms = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                tracing::info!(away_ms, "revocations can be read again");
                self.away_since = None;
                events.tell(&SecurityEvent::StoreBack { store: STORE, away_ms }, |context| context);
            }
            (Err(_), Some(_)) | (Ok(()), None) => {}
        }
        let freshness = chain.revocations.freshness(now());
        if let (Freshness::Stale { age }, false) = (freshness, self.stale) {
            let age_ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
            events.tell(&SecurityEvent::StoreStale { store: STORE, age_ms }, |context| context);
        }
        self.stale = freshness != Freshness::Fresh;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::Ordering};

    use shield_guard::revocation::{Freshness, Revoked};

    use super::{RevocationFollower, catch_up};
    use crate::{
        clock::now,
        gate::{
            EventFile, EventWriter, Fanout, GateStore,
            testing::{MemoryLog, MemoryStore, chain, until},
        },
        scratch::ScratchDirectory,
    };

    #[tokio::test]
    async fn a_long_log_is_read_to_its_end() {
        let (log, chain) = (MemoryLog::default(), chain());
        assert_ne!(chain.revocations.freshness(now()), Freshness::Fresh);
        for number in 0..2_500_u32 {
            log.revoke(number);
        }
        catch_up(&log, &chain).await.unwrap();
        assert_eq!(chain.revocations.freshness(now()), Freshness::Fresh);
        assert_eq!((chain.revocations.len(), chain.revocations.cursor().0), (2_500, 2_500));
    }

    #[tokio::test]
    async fn follows_what_others_write_and_tells_of_outages() {
        let directory = ScratchDirectory::new();
        let path = directory.path().join("events.jsonl");
        let (sink, writer) = EventWriter::start(EventFile::at(path.clone()), "one").await.unwrap();
        let (store, chain) = (Arc::new(MemoryStore::new()), Arc::new(chain()));
        let log = &store.log;
        let follower =
            RevocationFollower::start(Arc::clone(&store), Arc::clone(&chain), sink, Fanout::through(None));
        let Revoked::Token { token } = log.revoke(1) else { panic!("it revokes tokens") };
        until(|| chain.revocations.len() == 1).await;
        assert_eq!(token, MemoryLog::token(1));
        log.away(true);
        until(|| log.refusals() >= 2).await;
        log.away(false);
        log.revoke(2);
        until(|| chain.revocations.len() == 2).await;
        follower.stop().await;
        writer.finish().await;
        let text = std::fs::read_to_string(&path).unwrap();
        let count = |name: &str| text.lines().filter(|line| line.contains(name)).count();
        assert_eq!((count("store.away"), count("store.back"), count("store.stale")), (1, 1, 0), "{text}");
    }

    #[tokio::test]
    async fn a_killed_key_has_its_successor_looked_for() {
        let directory = ScratchDirectory::new();
        let place = EventFile::at(directory.path().join("events.jsonl"));
        let (sink, writer) = EventWriter::start(place, "one").await.unwrap();
        let (store, chain) = (Arc::new(MemoryStore::new()), Arc::new(chain()));
        let follower =
            RevocationFollower::start(Arc::clone(&store), Arc::clone(&chain), sink, Fanout::through(None));
        store.log.revoke(1);
        until(|| chain.revocations.len() == 1).await;
        let key = store.kill_elsewhere();
        store.log.add(Revoked::SigningKey { key });
        // Whoever reads the entry first, the ring follows.
        store.settle(&chain).await.unwrap();
        until(|| store.ring().signing_key(now()).is_ok_and(|next| next.id() != key)).await;
        let looks = store.looks.load(Ordering::SeqCst);
        let settled = store.settled.load(Ordering::SeqCst);
        until(|| store.settled.load(Ordering::SeqCst) > settled + 1).await;
        assert_eq!(store.looks.load(Ordering::SeqCst), looks, "no more, once it is known");
        follower.stop().await;
        writer.finish().await;
    }
}
