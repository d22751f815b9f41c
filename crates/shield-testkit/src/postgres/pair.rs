//! A primary and a standby that has whatever the primary acknowledges. Nobody promotes but the test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::{Postgres, PostgresError};
use crate::wait_for_sync;

/// A copy of an empty server takes a second; a busy machine may need many.
const FOLLOW_LIMIT: Duration = Duration::from_secs(60);
const SYNCHRONOUS: &str = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";

static DATABASES: AtomicU32 = AtomicU32::new(0);

/// Two servers, the second of which follows the first.
#[derive(Debug)]
pub struct PostgresPair {
    /// The primary.
    pub first: Postgres,
    /// Its standby, until it is promoted.
    pub second: Postgres,
}

// === impl PostgresPair ===

impl PostgresPair {
    /// Both, with every commit of the first on the second before it is acknowledged.
    pub fn start() -> Result<Self, PostgresError> {
        let first = Postgres::start()?;
        let second = first.start_standby()?;
        // After the copy, so that the second one waits for nobody once it is promoted.
        first.ask("ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        first.ask("SELECT pg_reload_conf()")?;
        let follows = || first.ask(SYNCHRONOUS).is_ok_and(|count| count == "1").then_some(());
        wait_for_sync("a synchronous standby", FOLLOW_LIMIT, follows).map_err(PostgresError::Follow)?;
        Ok(Self { first, second })
    }

    /// A fresh, empty database on both, as `postgres://…` with both hosts.
    pub fn create_database(&self) -> Result<String, PostgresError> {
        let name = format!("pair_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        self.first.ask(&format!("CREATE DATABASE {name}"))?;
        let (first, second) = (self.first.port(), self.second.port());
        Ok(format!("postgres://postgres@127.0.0.1:{first},127.0.0.1:{second}/{name}?sslmode=disable"))
    }
}
