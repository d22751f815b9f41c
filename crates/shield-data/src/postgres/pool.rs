//! Connections to whoever is the primary.

use std::{fmt, sync::Arc, time::Duration};

use sqlx::{
    Connection, PgConnection,
    migrate::{MigrateError, Migrator},
};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout, timeout_at},
};

use super::{
    Lease, PostgresAddress, PostgresHost,
    role::Role,
    suspicion::Suspicion,
    term::{Board, Term},
    watcher::watch,
};
use crate::sql::{Deadline, OpenError, SqlError};

/// How long a node may wait for others that migrate, and migrate itself.
const MIGRATION_PATIENCE: Duration = Duration::from_secs(120);
/// Between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(20);
/// How long closing says farewell to a server.
const FAREWELL: Duration = Duration::from_secs(1);

/// How a pool is used.
#[derive(Clone, Copy, Debug)]
pub struct PostgresSettings {
    /// Connections that may be open at a time, beside one per host that asks what it is.
    pub connections_max: u32,
    /// No call takes longer.
    pub deadline: Duration,
    /// How long opening waits for a primary: longer than a failover takes.
    pub patience: Duration,
}

/// Connections to the primary among the hosts of a cluster, whichever it is. Cheap to clone; the last clone ends its tasks.
#[derive(Clone)]
pub struct PostgresPool(Arc<Inner>);

/// What is known about a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresState {
    /// The host in use; none during a search.
    pub primary: Option<PostgresHost>,
    /// Its timeline, from 1.
    pub timeline: Option<i64>,
    /// Counts the primaries that were found, and those that ceased to be.
    pub epoch: u64,
    /// How often all hosts were asked because something failed.
    pub searches: u64,
    /// Connections that were closed because their epoch was over.
    pub superseded: u64,
    /// What each host was last seen as.
    pub hosts: Vec<(PostgresHost, String)>,
}

/// Why a schema was not brought up to date.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigratePostgresError {
    /// Nobody to bring it up to date with.
    #[error("find the primary for the migration")]
    Find(#[source] SqlError),
    /// The primary did not take the connection, or ceased to be it.
    #[error("connect to `{host}` for the migration")]
    Connect {
        /// The primary.
        host: PostgresHost,
        /// Why.
        #[source]
        source: sqlx::Error,
    },
    /// A step failed; it is undone.
    #[error("migrate the database")]
    Migrate(#[source] MigrateError),
    /// Another node migrates, or the server takes too long.
    #[error("migrate the database: not done within {} seconds", MIGRATION_PATIENCE.as_secs())]
    Late,
}

struct Inner {
    board: Arc<Board>,
    /// One task per host; ended when this is dropped.
    _watchers: JoinSet<()>,
}

// === impl PostgresPool ===

impl PostgresPool {
    /// Finds the primary, and watches the hosts from then on.
    ///
    /// # Errors
    /// When there is none for `patience`, with what each host said; at once when all refuse the log-in, or when it would lose what
    /// it acknowledges.
    pub async fn open(address: PostgresAddress, settings: PostgresSettings) -> Result<Self, OpenError> {
        let board = Arc::new(Board::new(address, settings));
        let mut sightings = board.sightings();
        let mut watchers = JoinSet::new();
        for host in 0..board.address.hosts().len() {
            watchers.spawn(watch(Arc::clone(&board), host));
        }
        let give_up = Instant::now() + settings.patience;
        loop {
            if board.standing().borrow().is_some() {
                return Ok(Self(Arc::new(Inner { board, _watchers: watchers })));
            }
            if let Some(found) = board.forgetful() {
                let expected = "`remote_write`, or more";
                return Err(OpenError::NotDurable { setting: "synchronous_commit", found, expected });
            }
            if board.refused() || timeout_at(give_up, sightings.changed()).await.is_err() {
                return Err(OpenError::Ask(no_primary(&board)));
            }
        }
    }

    /// Who is in use, and what is known about the others.
    pub fn state(&self) -> PostgresState {
        let board = &self.0.board;
        let term = board.standing().borrow().clone();
        PostgresState {
            primary: term.as_ref().map(|term| board.address.hosts()[term.primary.host].clone()),
            timeline: term.as_ref().map(|term| term.primary.timeline),
            epoch: board.epoch(),
            searches: *board.searches().borrow(),
            superseded: board.superseded(),
            hosts: board.seen(),
        }
    }

    /// Waits until another primary is in use than `known` says, or none, or one again; answers what is known then.
    pub async fn changed(&self, known: &PostgresState) -> PostgresState {
        let mut sightings = self.0.board.sightings();
        loop {
            let state = self.state();
            if (&state.primary, state.epoch) != (&known.primary, known.epoch) {
                return state;
            }
            sightings.changed().await.expect("the board is held here, and with it the sender");
        }
    }

    /// Whether there is a primary, which was asked a moment ago, on a connection that nobody else uses.
    ///
    /// # Errors
    /// When there is none, with what each host said.
    pub fn confirm(&self) -> Result<(), SqlError> {
        match self.0.board.standing().borrow().is_some() {
            true => Ok(()),
            false => Err(no_primary(&self.0.board)),
        }
    }

    /// Brings the schema up to date. Any number of nodes may do so at once: they wait for each other.
    ///
    /// # Errors
    /// Says whether the primary, the connection or a step stood in the way.
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), MigratePostgresError> {
        let board = &self.0.board;
        let deadline = Deadline::after(board.settings.patience);
        loop {
            let term = self.term(deadline).await.map_err(MigratePostgresError::Find)?;
            let steps = timeout(MIGRATION_PATIENCE, self.migrate_on(&term, migrator)).await;
            match steps.map_err(|_| MigratePostgresError::Late)? {
                // Another may be the primary by now: the watchers find out.
                Err(MigratePostgresError::Connect { .. }) if Instant::now() < deadline.at() => {
                    board.search();
                    sleep(RETRY_PAUSE).await;
                }
                done => return done,
            }
        }
    }

    async fn migrate_on(&self, term: &Term, migrator: &Migrator) -> Result<(), MigratePostgresError> {
        let board = &self.0.board;
        let host = &board.address.hosts()[term.primary.host];
        let failed = |source| MigratePostgresError::Connect { host: host.clone(), source };
        // Without the bounds of other connections: to wait for another node is no failure.
        let mut connection =
            PgConnection::connect_with(&board.address.options(host)).await.map_err(failed)?;
        let role = Role::of(&mut connection).await.map_err(failed)?;
        if !role.writable || role.timeline != term.primary.timeline {
            return Err(failed(sqlx::Error::Protocol("it is not the primary any more".to_owned())));
        }
        // What `run` calls; its own signature makes no future that can be sent to another thread.
        migrator.run_direct(None, &mut connection, false).await.map_err(MigratePostgresError::Migrate)
    }

    /// Closes the connections that nobody uses, with a farewell, and those that are used when they come back.
    pub async fn close(&self) {
        let term = self.0.board.standing().borrow().clone();
        if let Some(term) = term {
            // What a server does not hear, it notices.
            let _farewell = timeout(FAREWELL, term.pool.close()).await;
        }
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.0.board.settings.deadline
    }

    /// A connection to the present primary. Whatever prevents it is tried again until the deadline.
    pub(crate) async fn acquire(&self, deadline: Deadline) -> Result<Lease, SqlError> {
        let board = &self.0.board;
        let mut last = None;
        loop {
            let term = self.term(deadline).await;
            let term = term.map_err(|none| last.take().map_or(none, |error| unconnected(board, &error)))?;
            match timeout_at(deadline.at(), term.pool.acquire()).await {
                Ok(Ok(connection)) if board.confirms(term.epoch) => {
                    return Ok(Lease::new(connection, term, Arc::clone(board)));
                }
                Ok(Ok(connection)) => drop(connection.detach()),
                // Another term has begun, or a search.
                Ok(Err(sqlx::Error::PoolClosed)) if !self.closed(&term) => {}
                Ok(Err(error @ sqlx::Error::PoolClosed)) => return Err(error.into()),
                Ok(Err(error)) => {
                    board.suspect(&term, unreachable(&error));
                    last = Some(error);
                    sleep(RETRY_PAUSE).await;
                }
                Err(_) => {
                    board.search();
                    return Err(deadline.missed());
                }
            }
        }
    }

    async fn term(&self, deadline: Deadline) -> Result<Arc<Term>, SqlError> {
        let board = &self.0.board;
        let mut standing = board.standing();
        let found = timeout_at(deadline.at(), standing.wait_for(Option::is_some)).await;
        let term = found.ok().and_then(Result::ok).and_then(|term| term.clone());
        term.ok_or_else(|| no_primary(board))
    }

    /// Whether the pool was closed for good.
    fn closed(&self, term: &Arc<Term>) -> bool {
        self.0.board.standing().borrow().as_ref().is_some_and(|standing| Arc::ptr_eq(standing, term))
    }
}

impl fmt::Debug for PostgresPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PostgresPool").field("state", &self.state()).finish_non_exhaustive()
    }
}

/// What it says about a host that it takes no new connection. One that has too many already is well: the others go on.
fn unreachable(error: &sqlx::Error) -> Suspicion {
    match Suspicion::of(error) {
        Suspicion::Slow => Suspicion::Slow,
        Suspicion::None | Suspicion::Gone | Suspicion::ReadOnly => Suspicion::Gone,
    }
}

fn no_primary(board: &Board) -> SqlError {
    SqlError::NoPrimary { hosts: told(board) }
}

fn told(board: &Board) -> String {
    let hosts = board.seen().into_iter().map(|(host, seen)| format!("`{host}`: {seen}"));
    hosts.collect::<Vec<_>>().join("; ")
}

/// Nothing was asked of anybody: no connection was to be had to ask on.
fn unconnected(board: &Board, error: &sqlx::Error) -> SqlError {
    SqlError::NoPrimary { hosts: format!("{}; the last connection failed: {error}", told(board)) }
}
