//! How far an audit is.

/// A step of an audit, told while it runs. Steps of [`Progress::Files`] may come from any thread, and not in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many files are there.
    Walked {
        /// How many.
        files: usize,
    },
    /// Files are read.
    Files {
        /// So many were.
        done: usize,
        /// Of so many.
        all: usize,
    },
    /// The history is read.
    History {
        /// Different files of it so far.
        blobs: u64,
    },
    /// Data of strangers is followed through the project's functions.
    Flows,
    /// The import graph is made.
    Imports,
    /// Packages are looked up.
    Packages,
    /// Another scanner is run.
    Scanner {
        /// Which.
        name: &'static str,
        /// It is the so-manyth, from 1.
        number: usize,
        /// Of so many.
        all: usize,
    },
}
