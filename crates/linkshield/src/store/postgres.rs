//! Opening PostgreSQL: the primary among its hosts, and the schema.

use std::borrow::Cow;

use shield_data::{Database, Dialect, PostgresAddress, PostgresPool, PostgresSettings, guard_migrations};
use sqlx::{
    SqlStr,
    migrate::{Migration, MigrationType, Migrator},
};

use super::{error::OpenError, patience::PATIENCE};

/// Per node; ten nodes stay below PostgreSQL's default of a hundred connections only with fewer each.
const CONNECTIONS_MAX: u32 = 16;

/// The schema, step by step; a new file in `migrations/postgres/` gets a line here.
fn migrator() -> Migrator {
    let checks = SqlStr::from_static(include_str!("../../migrations/postgres/0001_checks.sql"));
    let accounts = SqlStr::from_static(include_str!("../../migrations/postgres/0002_accounts.sql"));
    let generation =
        SqlStr::from_static(include_str!("../../migrations/postgres/0010_sessions_generation.sql"));
    let proof = SqlStr::from_static(include_str!("../../migrations/postgres/0011_write_proof.sql"));
    let mut steps = vec![
        Migration::new(1, Cow::Borrowed("checks"), MigrationType::Simple, checks, false),
        Migration::new(2, Cow::Borrowed("accounts"), MigrationType::Simple, accounts, false),
        Migration::new(10, Cow::Borrowed("sessions generation"), MigrationType::Simple, generation, false),
        Migration::new(11, Cow::Borrowed("write proof"), MigrationType::Simple, proof, false),
    ];
    steps.extend(guard_migrations(Dialect::Postgres));
    let mut migrator = Migrator::with_migrations(steps);
    // The older of two releases finds migrations it does not know, and may work with them.
    migrator.set_ignore_missing(true);
    migrator
}

pub(super) async fn open(address: &PostgresAddress) -> Result<PostgresPool, OpenError> {
    let settings = PostgresSettings {
        connections_max: CONNECTIONS_MAX,
        deadline: Database::DEADLINE,
        patience: PATIENCE,
    };
    let pool = PostgresPool::open(address.clone(), settings).await;
    let pool = pool.map_err(|source| OpenError::Unfit { place: address.to_string(), source })?;
    let failed = |source| OpenError::MigrationOfPostgres { address: address.to_string(), source };
    pool.migrate(&migrator()).await.map_err(failed)?;
    Ok(pool)
}

/// Tells the log who is in use, as long as it is not aborted.
pub(super) async fn announce(pool: PostgresPool) {
    let mut known = pool.state();
    loop {
        match &known.primary {
            Some(host) => {
                let timeline = known.timeline.unwrap_or_default();
                tracing::info!(%host, timeline, epoch = known.epoch, "this is the primary of the database");
            }
            None => {
                let hosts = known.hosts.iter().map(|(host, seen)| format!("{host}: {seen}"));
                let hosts = hosts.collect::<Vec<_>>().join("; ");
                tracing::warn!(hosts, epoch = known.epoch, "no host is the primary of the database");
            }
        }
        known = pool.changed(&known).await;
    }
}
