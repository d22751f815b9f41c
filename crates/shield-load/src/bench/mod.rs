//! What each security component of a service costs, held against what it may cost.
//!
//! Inside of the service by its own histograms, read before and after; from outside by two requests that differ in the component
//! and take turns; then both under load, at a share of what the service can do. Works for any service: the first half needs its
//! metrics, the second only requests.

pub(crate) mod added;
pub(crate) mod cpu;
pub(crate) mod error;
pub(crate) mod exposed;
pub(crate) mod judge;
pub(crate) mod order;
pub(crate) mod phases;
pub(crate) mod primitive;
pub(crate) mod results;
pub(crate) mod run;

#[cfg(test)]
pub(crate) mod sample;
