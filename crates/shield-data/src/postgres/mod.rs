//! PostgreSQL on several hosts, of which one is the primary.
//!
//! sqlx knows one host, takes `target_session_attrs` without obeying it, and hands a connection to a demoted primary out
//! again for ever. So the primary is found here, and a connection is handed out only while it is one of the present primary.
//!
//! - **Who is the primary.** Each host is asked by a task of its own, on a connection of its own, bounded from TCP to answer: a
//!   frozen host holds up nobody. A host is the primary when it takes writes on the highest timeline that any host was ever
//!   seen on, of the cluster that was found first. So an old primary that comes back, writable, is not taken for the new one.
//! - **Epoch.** Each new primary begins one. A connection is of an epoch; when that is over, nothing more is sent on it,
//!   a `COMMIT` included.
//! - **Failures.** What fails with 25006 ends the epoch; what fails with 57P01, 57P02, 57P03, 08xxx or without an answer is dropped,
//!   and a search starts at once. Looking for a connection is tried again until the caller's deadline; a statement never is:
//!   nobody here knows whether it happened, nor whether it may happen twice.
//! - **Durability.** A host on which `synchronous_commit` is off or local is no primary for us. What is acknowledged outlives
//!   the loss of the primary only where `synchronous_standby_names` name a standby, and that standby is the one promoted.
//!
//! **Deployment.** All hosts must be in the list. A process that starts while the new primary is away, and an old one
//! is there and writable, cannot know better than to take the old one; with synchronous standbys it acknowledges nothing there.

mod address;
mod address_reader;
mod election;
mod lease;
mod pool;
mod role;
mod suspicion;
mod term;
mod watcher;

pub use address::{PostgresAddress, PostgresAddressError, PostgresAddressMistake, PostgresHost};
pub use pool::{MigratePostgresError, PostgresPool, PostgresSettings, PostgresState};

pub(crate) use lease::Lease;
pub(crate) use suspicion::Suspicion;
