//! A whole run, from a load file to results: load, faults, the target's own figures and the verdict, on one clock.

pub(crate) mod counter;
pub(crate) mod exam;
pub(crate) mod fetch;
pub(crate) mod generator;
pub(crate) mod ledger;
pub(crate) mod outcome;
pub(crate) mod run;
pub(crate) mod still;
pub(crate) mod windows;
