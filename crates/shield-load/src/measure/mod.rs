//! What is counted, and what follows from the counts.

pub(crate) mod audit;
pub(crate) mod counters;
pub(crate) mod failure;
pub(crate) mod histogram;
pub(crate) mod ids;
pub(crate) mod reconcile;
pub(crate) mod reconcile_counter;
pub(crate) mod report;
pub(crate) mod series;
pub(crate) mod watch;
