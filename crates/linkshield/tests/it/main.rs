//! LinkShield from outside: over real TCP in this process, and as a process of its own.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod accounts;
mod api;
mod backend;
mod client;
#[cfg(feature = "postgres-tests")]
mod nodes;
#[cfg(feature = "postgres-tests")]
mod postgres;
mod process;
mod redis;
mod scratch;
