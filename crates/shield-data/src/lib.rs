//! Where `shield-guard` keeps what it must remember: its stores, in SQLite or PostgreSQL; and, for what may be lost, [`Redis`].
//!
//! The application opens the pools and runs [`guard_migrations`] with its own; a [`Database`] made of them is what every store
//! is made of, and what the application may keep its own in. [`PostgresPool`] finds the primary among several hosts, and finds the
//! next one when that fails. Each store keeps the promise of its trait on both databases with one copy of its code, and the same contract
//! tests run over both.
//!
//! **Invariant.** Nothing fails open: what a database does not answer within its deadline is an error, never an answer.

mod credentials;
mod failure;
mod limits;
mod migrations;
mod postgres;
mod prune;
mod redis;
mod seal;
mod secrets;
mod sql;
mod tokens;

pub use self::redis::{
    ParseRedisSettingsError, REDIS_ACCEPTED, Redis, RedisCallError, RedisKeeper, RedisLeases, RedisSettings,
    RedisStatus, RedisTopology, ServerAddress,
};
pub use credentials::{BegunSession, SqlApiKeys, SqlRevocations, SqlSessions};
pub use limits::{SqlFailures, SqlLeases, SqlQuotas};
pub use migrations::{Dialect, guard_migrations};
pub use postgres::{
    MigratePostgresError, PostgresAddress, PostgresAddressError, PostgresAddressMistake, PostgresHost,
    PostgresPool, PostgresSettings, PostgresState,
};
pub use seal::{MasterKey, MasterKeys, SealError, UnsealError};
pub use secrets::{SqlOneTimeTokens, SqlRecoveryCodes, SqlTotpSteps};
pub use sql::{
    Database, LockSpace, OpenError, Row, SqlError, SqlitePools, Statement, StorageFault, Transaction, Value,
    bounded_postgres,
};
pub use tokens::{SqlKeys, SqlRefreshFamilies};
