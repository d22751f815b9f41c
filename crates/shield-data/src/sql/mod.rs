//! One way to speak to two databases.
//!
//! A statement is one text that SQLite and PostgreSQL both take (`$1`, `ON CONFLICT`, `RETURNING`; times BIGINT, ids and
//! digests bytes), so there is one copy of each store. The two differ in three places only: how a transaction begins, how
//! a name is locked ([`transaction::Transaction::lock`]), and the view that says which life of the log this is.
//!
//! - **Bounded.** A call has one deadline for everything: a connection, its statements, the commit. What is not finished by
//!   then, or is cancelled, or fails, loses its connection: the socket is closed at once, so that a frozen server holds up
//!   neither the caller nor the pool, and no half transaction is ever handed to the next one.
//! - **Isolation.** SQLite has one writer: `BEGIN IMMEDIATE` makes every transaction happen alone. On PostgreSQL they run at
//!   READ COMMITTED, where nothing has to be repeated, and each promise that more than one statement makes stands on a lock
//!   taken first: an advisory lock, or rows that are written before they are judged. Locks are taken in one order
//!   everywhere (name, rows by key, head of the log), so none waits in a ring.
//! - **Results, not errors.** A conflict that means something is written as `ON CONFLICT` or a condition and counted.

mod database;
mod error;
mod link;
mod row;
mod statement;
mod storage;
mod transaction;

pub use database::{Database, OpenError, SqlitePools, bounded_postgres};
pub use error::SqlError;
pub use row::Row;
pub use statement::{Statement, Value};
pub use storage::StorageFault;
pub use transaction::{LockSpace, Transaction};

pub(crate) use link::Deadline;
