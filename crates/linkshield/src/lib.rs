//! A link-safety backend: URL in; verdict, risk score and evidence out.
//!
//! [`analysis`] is pure and judges; [`store`] remembers; [`service`] joins the two; [`accounts`] knows who may do what, with
//! [`keys`] to sign, [`mail`] to tell and [`breached`] to know what no password may be; [`api`] speaks HTTP; [`server`] accepts, serves and drains; [`settings`] says what
//! can be set. The binary only puts them together.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

pub mod accounts;
pub mod analysis;
pub mod api;
mod background;
pub mod breached;
pub mod clock;
pub mod gate;
pub mod keys;
pub mod mail;
pub mod server;
pub mod service;
pub mod settings;
pub mod store;
pub mod telemetry;

// The test support that is shared with the tests from outside names this crate as they do.
#[cfg(test)]
extern crate self as linkshield;

#[cfg(test)]
#[path = "../tests/it/authenticator.rs"]
mod authenticator;
#[cfg(test)]
#[path = "../tests/it/opened.rs"]
mod opened;
#[cfg(test)]
#[path = "../tests/it/scratch.rs"]
mod scratch;

#[cfg(all(test, feature = "postgres-tests"))]
#[path = "../tests/it/postgres.rs"]
mod postgres;
