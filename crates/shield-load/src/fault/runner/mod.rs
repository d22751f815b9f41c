//! From a plan to what happened.

mod drive;
pub(crate) mod event;
pub(crate) mod start;
