//! Why a history could not be read at all.

use std::{io, path::PathBuf};

/// What kept a history from being read.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// There is no `git` to read it with.
    #[error("run `git`: it is not installed")]
    NoGit,
    /// `git` could not be run.
    #[error("run `git {command}`")]
    Run {
        /// Its first argument.
        command: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// `git` refuses the directory: it belongs to no repository, or to one that is damaged.
    #[error("read the history of `{}`: {message}", directory.display())]
    Refused {
        /// As given.
        directory: PathBuf,
        /// Which of the two; not in the words of `git`, which may quote any file.
        message: String,
    },
    /// A `git` that was running broke off, or answered what it never does.
    #[error("read what `git {command}` answers")]
    Answer {
        /// Its first argument.
        command: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
}
