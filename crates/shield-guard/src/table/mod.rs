//! Tables that every request reads and few requests write: sessions, API keys, what was taken back.
//!
//! Sharded [`std::sync::RwLock`]s over an open-addressing table. Reasons: a read costs two atomic operations and one
//! memory miss (the entry itself, found by a tag of one byte, and all tags of a million entries stay in the processor's
//! caches); a writer holds one shard, for one entry, so no reader waits longer than it takes to move a shard's entries when
//! it grows (a few thousand of them). A snapshot behind an atomic pointer would read as fast but copy a shard for each
//! write; a concurrent map of the shelf costs a pointer, a hash and an allocation per entry, and has no bound.
//!
//! **Invariant.** A table never holds more than its maximum; who adds to a full one is told so. Its slots never shrink.

mod approach;
mod dense;
mod key;
mod sharded;

pub(crate) use approach::approach;
pub(crate) use dense::{OwnLines, Table};
pub(crate) use key::{Key, hash_of_place};
pub(crate) use sharded::{Full, Shards, SharedTable};
