//! Load from several processes or hosts: a coordinator, and workers that do shares of its plan.
//!
//! A worker does what the holder of its key says, and nobody else; see [`identity`] for what that rests on. Neither side
//! trusts what the other sends: every frame has a bound, every wait an end, and every count is looked at before it is added.

pub(crate) mod doorkeeper;
pub(crate) mod frames;
pub(crate) mod identity;
pub(crate) mod job;
pub(crate) mod member;
pub(crate) mod prepare;
pub(crate) mod run;
pub(crate) mod tls;
pub(crate) mod worker;
