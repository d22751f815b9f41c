//! The schema of the stores, as steps for the application's own migrator.
//!
//! Versions start at 1000, so that the application's own (from 1) come first and never meet them; every table is called
//! `guard_…`. An application gives both lists to one [`sqlx::migrate::Migrator`], under its own lock.

use std::borrow::Cow;

use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType},
};

/// Which database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite, 3.37 or later (STRICT tables).
    Sqlite,
    /// PostgreSQL, 13 or later; tested with 15.
    Postgres,
}

/// The steps, oldest first. They only ever expand.
pub fn guard_migrations(dialect: Dialect) -> Vec<Migration> {
    let guard = match dialect {
        Dialect::Sqlite => include_str!("../migrations/sqlite/1000_guard.sql"),
        Dialect::Postgres => include_str!("../migrations/postgres/1000_guard.sql"),
    };
    let leases = match dialect {
        Dialect::Sqlite => include_str!("../migrations/sqlite/1001_leases.sql"),
        Dialect::Postgres => include_str!("../migrations/postgres/1001_leases.sql"),
    };
    let api_key_changes = match dialect {
        Dialect::Sqlite => include_str!("../migrations/sqlite/1002_api_key_changes.sql"),
        Dialect::Postgres => include_str!("../migrations/postgres/1002_api_key_changes.sql"),
    };
    let log_ins = match dialect {
        Dialect::Sqlite => include_str!("../migrations/sqlite/1010_sessions_log_ins.sql"),
        Dialect::Postgres => include_str!("../migrations/postgres/1010_sessions_log_ins.sql"),
    };
    vec![
        step(1_000, "guard", guard),
        step(1_001, "leases", leases),
        step(1_002, "api key changes", api_key_changes),
        step(1_010, "sessions log-ins", log_ins),
    ]
}

fn step(version: i64, description: &'static str, text: &'static str) -> Migration {
    Migration::new(
        version,
        Cow::Borrowed(description),
        MigrationType::Simple,
        SqlStr::from_static(text),
        false,
    )
}
