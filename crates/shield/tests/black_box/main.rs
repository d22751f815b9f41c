//! The program as its users see it: exit code, stdout and stderr of the real binary, on real ports, with real processes.
//!
//! Every test has a directory, a state and ports of its own, and leaves no process behind.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

mod audit_caches;
mod audit_reach;
mod audit_replays;
mod audit_rules;
mod audit_scanners;
mod audit_updates;
mod audits;
mod busy;
mod command_line;
mod drills;
mod evidence;
mod inits;
mod lifecycle;
mod load_faults;
mod loads;
mod manifests;
mod pipelines;
mod recovery;
mod releases;
mod safety;
mod ships;
mod stages;
mod support;
mod vex;
mod workers;
