//! How near a project comes to the vulnerabilities of its packages from npm, Go and crates.io. Python has its own graph
//! ([`crate::imports`]).
//!
//! Over-approximated on purpose: a vulnerability is only called out of reach where every way to it is known and none leads there. What
//! cannot be read, resolved or understood leads everywhere, a name that only the running program knows leads to everything that is
//! installed for it, and any text that could name a package counts as an import of it. The beginning is what the project runs: its own
//! files, tests apart. Nothing is run or fetched: it is the lock files and sources of the tree that say what leads where.
//!
//! A package whose installation runs its code is reached by that alone, and one that is malicious is never out of reach.

mod cargo;
mod go;
mod npm;
mod search;
mod sources;
#[cfg(test)]
mod tests;

pub use search::{Reachability, Search, Tier, reachability};
pub use sources::Sources;
pub(crate) use sources::quoted;
