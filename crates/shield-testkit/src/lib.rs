//! What the tests of the workspace share: a backend that can lie, flap, hang and die, the ledger of what it applied,
//! certificates, ports, guarded processes, a private PostgreSQL, private Redis servers, waiting, and cases of documents with mistakes.
//!
//! Development only: no program of the workspace depends on it outside its tests and bars.

pub mod backend;
mod certificates;
mod ledger;
mod mistakes;
mod port;
mod postgres;
mod process;
pub mod quick;
mod redis;
pub mod stall;
mod test_backend;
mod wait;
pub mod work;

pub use certificates::{CertificateError, IssuedCertificate, TestAuthority};
pub use ledger::{Ledger, ReadLedgerError};
pub use mistakes::assert_told;
pub use port::free_port;
pub use postgres::{Postgres, PostgresError, PostgresPair};
pub use process::{ProcessError, ProcessGuard};
pub use redis::{Redis, RedisCluster, RedisError, RedisSentinel};
pub use test_backend::{BACKEND_PROGRAM_VARIABLE, SpawnBackendError, TestBackend, backend_program};
pub use wait::{WaitTimedOut, wait_for, wait_for_sync};
