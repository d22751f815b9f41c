//! Who is in use, for whoever needs a connection.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use sqlx::{PgConnection, PgPool, postgres::PgPoolOptions};
use tokio::sync::watch;

use super::{
    PostgresAddress, PostgresHost, PostgresSettings,
    election::{Change, Election, Primary, Sighting},
    role::Role,
    suspicion::Suspicion,
};
use crate::sql::bounded_postgres;

/// A connection that rested longer is asked before it is used: its server may have restarted meanwhile.
const RESTED: Duration = Duration::from_secs(1);

/// How long one attempt waits; a caller goes on with the next one until its own deadline. Whoever the server lets in no more
/// (it has too many connections) finds one that others gave back meanwhile.
const ATTEMPT: Duration = Duration::from_millis(500);

/// A host while it is in use, and connections to it.
#[derive(Debug)]
pub(super) struct Term {
    pub(super) primary: Primary,
    pub(super) epoch: u64,
    pub(super) pool: PgPool,
}

/// What watchers write and callers read.
#[derive(Debug)]
pub(super) struct Board {
    pub(super) address: PostgresAddress,
    pub(super) settings: PostgresSettings,
    /// Held while a decision is made and put up, so that they are put up in their order.
    election: Mutex<Election>,
    standing: watch::Sender<Option<Arc<Term>>>,
    /// Counts the searches; a change wakes every watcher.
    searches: watch::Sender<u64>,
    /// Counts the sightings, and what failed.
    sightings: watch::Sender<u64>,
    epoch: AtomicU64,
    superseded: AtomicU64,
}

// === impl Board ===

impl Board {
    pub(super) fn new(address: PostgresAddress, settings: PostgresSettings) -> Self {
        Self {
            election: Mutex::new(Election::new(address.hosts().len())),
            address,
            settings,
            standing: watch::Sender::new(None),
            searches: watch::Sender::new(0),
            sightings: watch::Sender::new(0),
            epoch: AtomicU64::new(0),
            superseded: AtomicU64::new(0),
        }
    }

    pub(super) fn standing(&self) -> watch::Receiver<Option<Arc<Term>>> {
        self.standing.subscribe()
    }

    pub(super) fn searches(&self) -> watch::Receiver<u64> {
        self.searches.subscribe()
    }

    pub(super) fn sightings(&self) -> watch::Receiver<u64> {
        self.sightings.subscribe()
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Connections that were found to be of an older epoch.
    pub(super) fn superseded(&self) -> u64 {
        self.superseded.load(Ordering::Relaxed)
    }

    /// Whether connections of this epoch may still be used.
    pub(super) fn confirms(&self, epoch: u64) -> bool {
        let current = self.epoch() == epoch;
        if !current {
            self.superseded.fetch_add(1, Ordering::Relaxed);
        }
        current
    }

    /// Has every host asked now.
    pub(super) fn search(&self) {
        self.searches.send_modify(|searches| *searches += 1);
    }

    pub(super) fn observe(&self, host: usize, sighting: Sighting) {
        let mut election = self.election();
        let change = election.observe(host, sighting);
        self.put_up(&election, change);
    }

    /// Something failed on a connection of this term.
    pub(super) fn suspect(&self, term: &Arc<Term>, suspicion: Suspicion) {
        let gone = || Sighting::Silent("a connection to it broke".to_owned());
        let host = term.primary.host;
        match suspicion {
            Suspicion::None => {}
            Suspicion::Slow => self.search(),
            Suspicion::Gone => self.judge(term, |election| election.observe(host, gone())),
            Suspicion::ReadOnly => self.judge(term, |election| election.deny(host)),
        }
    }

    /// What each host was last seen as.
    pub(super) fn seen(&self) -> Vec<(PostgresHost, String)> {
        let election = self.election();
        let hosts = self.address.hosts().iter().cloned();
        hosts.zip(election.sightings().iter().map(|seen| told(seen.as_ref()))).collect()
    }

    /// What `synchronous_commit` says on a host that might be the primary if it said something else; none before all were seen.
    pub(super) fn forgetful(&self) -> Option<String> {
        let election = self.election();
        let all = election.sightings().iter().map(Option::as_ref).collect::<Option<Vec<_>>>()?;
        all.into_iter().find_map(|seen| match seen {
            Sighting::Seen(role) if role.writable && !role.durable() => Some(role.synchronous_commit.clone()),
            Sighting::Seen(_) | Sighting::Silent(_) | Sighting::Refused(_) => None,
        })
    }

    /// Whether every host says that it will never let us in.
    pub(super) fn refused(&self) -> bool {
        self.election().sightings().iter().all(|seen| matches!(seen, Some(Sighting::Refused(_))))
    }

    /// What failed on an older term says nothing about the present one.
    fn judge(&self, term: &Arc<Term>, change: impl FnOnce(&mut Election) -> Change) {
        let mut election = self.election();
        let in_use = self.standing.borrow().as_ref().is_some_and(|standing| Arc::ptr_eq(standing, term));
        if in_use {
            let change = change(&mut election);
            self.put_up(&election, change);
        }
    }

    fn put_up(&self, election: &Election, change: Change) {
        self.epoch.store(election.epoch(), Ordering::Release);
        match change {
            Change::None => {}
            Change::Search => self.replace(None),
            Change::Serve(primary) => {
                let pool = self.pool(primary);
                self.replace(Some(Arc::new(Term { primary, epoch: election.epoch(), pool })));
            }
        }
        self.sightings.send_modify(|sightings| *sightings += 1);
    }

    fn replace(&self, term: Option<Arc<Term>>) {
        let lost = term.is_none();
        if let Some(before) = self.standing.send_replace(term) {
            // Closed at once for whoever waits on it; there is no farewell that a frozen server would have to take.
            drop(before.pool.close());
        }
        if lost {
            self.search();
        }
    }

    /// Connections to a primary, each of which is asked whether it is that one.
    fn pool(&self, primary: Primary) -> PgPool {
        let PostgresSettings { connections_max, deadline, .. } = self.settings;
        let options = self.address.options(&self.address.hosts()[primary.host]);
        let (searches, searches_again) = (self.searches.clone(), self.searches.clone());
        PgPoolOptions::new()
            .max_connections(connections_max)
            .acquire_timeout(ATTEMPT)
            .test_before_acquire(false)
            .after_connect(move |connection, _| Box::pin(confirm(connection, primary, searches.clone())))
            .before_acquire(move |connection, metadata| {
                let searches = searches_again.clone();
                Box::pin(async move {
                    let rested = metadata.idle_for > RESTED;
                    Ok(!rested || confirm(connection, primary, searches).await.is_ok())
                })
            })
            .connect_lazy_with(bounded_postgres(options, deadline))
    }

    fn election(&self) -> MutexGuard<'_, Election> {
        self.election.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn confirm(
    connection: &mut PgConnection,
    primary: Primary,
    searches: watch::Sender<u64>,
) -> Result<(), sqlx::Error> {
    let role = Role::of(connection).await?;
    let same = role.timeline == primary.timeline && role.cluster == primary.cluster;
    if role.writable && role.durable() && same {
        return Ok(());
    }
    searches.send_modify(|searches| *searches += 1);
    Err(sqlx::Error::Protocol("the host is not the primary that it was".to_owned()))
}

fn told(sighting: Option<&Sighting>) -> String {
    match sighting {
        None => "was not asked yet".to_owned(),
        Some(Sighting::Silent(why) | Sighting::Refused(why)) => why.clone(),
        Some(Sighting::Seen(role)) if role.writable && !role.durable() => {
            format!("forgets what it acknowledges (`synchronous_commit = {}`)", role.synchronous_commit)
        }
        Some(Sighting::Seen(role)) => {
            let takes = if role.writable { "takes writes" } else { "takes no writes" };
            format!("{takes} on timeline {} of cluster {}", role.timeline, role.cluster)
        }
    }
}
