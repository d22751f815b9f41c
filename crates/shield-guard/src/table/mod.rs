//! Tables that every request reads and few requests write: sessions, API keys, what was taken back.
//!
//! Sharded [`std::sync::RwLock`]s over a dense open-addressing table. Reasons: a read costs two atomic operations and two
//! memory misses (a slot of four bytes, then the entry itself); a writer holds one shard, for one entry, so no reader
//! waits longer than it takes to point at a shard's entries afresh when it grows (a few thousand of them); entries lie
//! one after the other in chunks, so a million API keys cost their own size and about ten bytes each. A snapshot behind
//! an atomic pointer would read as fast but copy a shard for each write; a concurrent map of the shelf costs a pointer, a
//! hash and an allocation per entry, and has no bound.
//!
//! **Invariant.** A table never holds more than its maximum; who adds to a full one is told so. Its slots never shrink.

mod dense;
mod sharded;

pub(crate) use dense::{Full, Table};
pub(crate) use sharded::{Shards, SharedTable};
