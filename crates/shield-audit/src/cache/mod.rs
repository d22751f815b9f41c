//! What one audit keeps for the next one, so that a tree that has not changed is not looked at again.
//!
//! **A result is taken only if everything it was made of is byte for byte the same.** A file is known by the SHA-256 of all its
//! bytes, never by its times, size or inode: those are cheaper, but an archive that is unpacked, a clock that is set back, or
//! whoever can call `utimensat` can leave them as they were over other bytes, and the finding would be hidden. So every file is read
//! and hashed in every audit; that is a few hundredths of what looking at it costs. SHA-256, since a file can be
//! written by somebody who wants it to be taken for another one. Beside its bytes a result names its path and whose code it is.
//!
//! Results that rest on many files name all that they rest on: data followed through a project the names of its files of
//! Python, which of them let strangers' data in, and the digests of those and of what they import; the import graph every question
//! that it asked of the disk with the answer, so that a file that was not there counts too. When one of these changes, the flows are
//! followed anew; the graph is made anew from what single modules say, of which only the changed ones are parsed.
//!
//! The whole is bound to one program, by the id of its build: other rules, another parser, another compiler, another cache.
//! Advisories, the baseline and the day are never part of it: they are held against what was found anew each time.
//!
//! What is damaged, cut short or of another program is not used, whatever its bytes are; the audit is made as if nothing were
//! there. Nothing of a secret is kept that no report says. What no audit asks for any more is dropped when the next one
//! is kept, so that the cache is never larger than what one audit of the tree makes, and never above [`BYTES_MAX`].
//!
//! **Caveat.** Who can write the cache can hide findings. The file is its owner's alone, and one that others could have written
//! is not opened; what a build server restores from a shared place is no better than that place.

mod rules;
mod shape;
mod store;
mod trace;

pub(crate) use shape::Results;
pub use store::{BYTES_MAX, Cache};
pub(crate) use store::{Guard, Kind};
pub(crate) use trace::{Digests, Recorder, Trace};
