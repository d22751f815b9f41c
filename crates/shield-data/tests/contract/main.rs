//! The promises of the stores, each kept on SQLite and on a real PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

/// Makes each named function two tests, one per database. A function takes a fresh, migrated database.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn sqlite() {
                let fixture = crate::fixture::Fixture::sqlite().await;
                super::$name(fixture.database.clone()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn postgres() {
                let fixture = crate::fixture::Fixture::postgres().await;
                super::$name(fixture.database.clone()).await;
            }
        })+
    };
}

mod api_keys;
mod bounds;
mod failover;
mod failures;
mod fixture;
mod keys;
mod leases;
mod once;
mod pruning;
mod quotas;
mod redis;
mod refresh;
mod refusals;
mod revocations;
mod sessions;
