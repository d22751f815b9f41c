//! LinkShield from outside: over real TCP in this process, and as a process of its own.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod accounts;
mod administrators;
mod api;
mod api_keys;
mod authenticator;
mod backend;
mod browser;
mod client;
mod defects;
mod disk;
mod events;
#[cfg(feature = "postgres-tests")]
mod nodes;
mod opened;
mod people;
mod plans;
#[cfg(feature = "postgres-tests")]
mod postgres;
mod process;
mod redis;
mod reports;
mod scratch;
