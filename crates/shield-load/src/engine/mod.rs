//! From a plan to a report: who sends when, and what is counted.

pub(crate) mod arrivals;
pub(crate) mod crew;
pub(crate) mod gate;
pub(crate) mod handle;
pub(crate) mod lane;
pub(crate) mod maker;
pub(crate) mod pacer;
pub(crate) mod queue;
pub(crate) mod run;
pub(crate) mod stop;
