//! The `process` runtime: instances as child processes that outlive the control plane.
//!
//! An instance leads a session of its own and writes to a log file, so nothing ties it to the process that started it: the
//! control plane may be killed and the instance serves on. The next control plane finds it by identity ([`adopt`]) or,
//! if the start was never recorded, by its environment ([`find`]). Linux only: it rests on pidfds and `/proc`.
#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a panic is a test's failure"))]

mod environment;
mod exit;
mod find;
mod identity;
mod launch;
mod listening;
mod log;
mod pidfd;
mod ports;
mod probe;
mod process;
mod procfs;
mod program;
mod session;
mod spawn;
mod start;
mod stop;

pub use environment::{ADDRESS_VARIABLE, INSTANCE_VARIABLE, marker};
pub use exit::ExitReport;
pub use find::{Found, find};
pub use identity::Identity;
pub use launch::{LaunchError, LaunchOrder, launch};
pub use log::{rotate_if_larger, tail};
pub use ports::{NoFreePort, PORT_MAX, PORT_MIN, Ports};
pub use probe::{ProbeFailure, ProbeTarget, probe};
pub use process::{Process, adopt};
pub use start::{StartFailure, StartWatch, await_healthy};
pub use stop::{SessionReport, StopOutcome, StopReport, reap_session};
