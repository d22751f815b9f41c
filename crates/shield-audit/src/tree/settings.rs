//! What of a tree is looked at.

use std::{num::NonZeroUsize, thread};

/// Files that hold nothing a person wrote here: the object stores of version control, and our own state. Listed in the coverage statement.
const EXCLUDED: [&str; 6] = [".git", ".hg", ".svn", ".bzr", ".jj", ".shield"];

/// What becomes of files that `.gitignore` and its kind name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// They are read like any other: what is not committed still runs.
    Read,
    /// They are left out.
    LeftOut,
}

/// What of a tree is looked at, and with how many hands.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Names of directories that are not entered, wherever they are. Tagged caches (`CACHEDIR.TAG`) that `.gitignore` names never are.
    pub excluded: Vec<String>,
    /// What becomes of ignored files.
    pub ignored: Ignored,
    /// The size above which a file is not read, in bytes. A syntax tree takes some thirty times as much.
    pub file_bytes_max: u64,
    /// How many threads read.
    pub threads: NonZeroUsize,
}

// === impl Settings ===

impl Default for Settings {
    fn default() -> Self {
        Self {
            excluded: EXCLUDED.map(str::to_owned).to_vec(),
            ignored: Ignored::Read,
            file_bytes_max: 4 << 20,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }
}
