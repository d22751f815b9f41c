//! PostgreSQL for tests: a private server, or a primary with a synchronous standby.

mod pair;
mod programs;
mod server;

pub use pair::PostgresPair;
pub use server::{Postgres, PostgresError};
