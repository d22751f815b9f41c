//! Faults on the clock of the load: what breaks when, and that it is always undone.

pub(crate) mod guard;
pub(crate) mod plan;
pub(crate) mod process;
pub(crate) mod proxy;
pub(crate) mod runner;

pub(crate) use shield_types::chain;
