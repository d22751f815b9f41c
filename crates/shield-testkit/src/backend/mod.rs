//! A small HTTP/1.1 backend that can lie, flap, hang and die, and keeps an exactly-once ledger.
//!
//! It runs as its own process (`testkit-backend`) or inside a test ([`RunningBackend`]); both go through
//! [`serve_backend`]. What it guarantees: an id is in the ledger before its request is answered, and every behaviour
//! is decided by counting requests or by the clock, never by chance. It is no example of a well-behaved server: told to
//! stop, the program ends at once, in the middle of whatever it does, unless `--graceful` is given.
//!
//! | request | answer |
//! |---|---|
//! | `GET /ready` | readiness; never delayed, never in the ledger, the only path that counts as a probe |
//! | `GET /` | `{"version": …, "pid": …}` |
//! | `POST /apply/{id}` | 200 with the id, once the id is in the ledger; the delay comes after the append, so that a retry shows as a duplicate |
//! | `GET /slow?ms=N` | 200 after N ms |
//! | `GET /stream?ms=N` | ten chunks spread over N ms |
//! | `GET /upgrade` with `Upgrade: echo` | 101, then echoes bytes until the client closes its side |
//! | `GET /echo-headers` | `{"line": …, "headers": [[name, value], …]}` as received |

mod behaviour;
mod connection;
mod options;
mod routes;
mod running;
mod serve;
mod state;

pub use behaviour::Behaviour;
pub use options::BackendOptions;
pub use running::{RunningBackend, StartBackendError};
pub use serve::{BackendEnd, ServeBackendError, serve_backend};
