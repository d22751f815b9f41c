//! What can go wrong with a log, and what was put right without being asked.

use std::{fmt, io};

use shield_types::CanonicalJsonError;

use super::walk::WalkError;
use crate::{
    defect::Defect, disk::FileError, key::OpenKeyError, names::LINE_BYTES_MAX, statement::WriteStatementError,
};

/// A log that does not verify, in a way that no interrupted append explains. It is left as it is.
#[derive(Debug, thiserror::Error)]
#[error(
    "accept {}: {defect}; nothing was changed: find out what happened with `shield evidence verify`, then restore \
     the evidence directory from a backup or move it away to start a new log",
    place(file, *line)
)]
pub struct DamagedLog {
    /// Name of the file.
    pub file: &'static str,
    /// The line, from 1, when it concerns one.
    pub line: Option<u64>,
    /// What is wrong.
    pub defect: Box<Defect>,
}

/// Why a log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenLogError {
    /// A file could not be used.
    #[error("use the directory of the evidence log")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// The signing key could not be used.
    #[error("open the signing key of the evidence log")]
    Key {
        /// Why.
        #[source]
        source: OpenKeyError,
    },
    /// A file that was there is gone.
    #[error(
        "open the evidence log: `{file}` is missing although the log was begun; restore it from a backup, or move \
         the evidence directory away to start a new log"
    )]
    FileMissing {
        /// The missing file.
        file: &'static str,
    },
    /// Entries without the key that signed them.
    #[error(
        "open the evidence log: it holds entries but its signing key `{file}` is missing; restore the key from a \
         backup, or move the evidence directory away to start a new log"
    )]
    KeyMissing {
        /// The key file.
        file: &'static str,
    },
}

/// Why an entry was not appended. The entry is then not in the log, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// An earlier append of this handle could not tell what is on the disk.
    #[error(
        "append to the evidence log: an earlier append could not make sure what is on the disk; check the disk, \
         then open the log again"
    )]
    Poisoned,
    /// The statement cannot be signed.
    #[error("sign the statement")]
    Statement {
        /// Why.
        #[source]
        source: WriteStatementError,
    },
    /// The line cannot be written.
    #[error("write a line of the evidence log")]
    Json {
        /// Why.
        #[source]
        source: CanonicalJsonError,
    },
    /// The line would be beyond the bound.
    #[error(
        "append a line of {bytes} bytes to the evidence log: at most {LINE_BYTES_MAX} are accepted; shorten the \
         statement's details"
    )]
    LineTooLong {
        /// Its length.
        bytes: usize,
    },
    /// The directory or a file could not be used.
    #[error("use the evidence log")]
    File {
        /// Which, and why.
        #[source]
        source: FileError,
    },
    /// What is there does not verify.
    #[error("append to the evidence log")]
    Damaged {
        /// Where, why, and what to do.
        #[source]
        source: DamagedLog,
    },
    /// A file could not be read.
    #[error("read `{file}` of the evidence log")]
    Read {
        /// Name of the file.
        file: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// A file could not be written; what was half written is gone again.
    #[error("write `{file}` of the evidence log; nothing was recorded, try again when the cause is gone")]
    Write {
        /// Name of the file.
        file: &'static str,
        /// What the operating system said: disk full, for one.
        #[source]
        source: io::Error,
    },
    /// A failed write could not be taken back. The handle is of no more use; opening the log again repairs what is
    /// left, and the entry may then turn out to be recorded.
    #[error(
        "take back an unfinished write to `{file}` of the evidence log; check the disk, then open the log again"
    )]
    Undo {
        /// Name of the file.
        file: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The disk did not confirm. Trying again would report success for data that is lost, so nothing is tried again
    /// and the handle is of no more use. The entry may or may not be recorded.
    #[error(
        "make `{file}` of the evidence log durable; a failed sync is not tried again: check the disk, then open \
         the log again"
    )]
    Sync {
        /// Name of the file.
        file: &'static str,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
}

/// What an interrupted append had left, and the next one put right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// The start of an entry that was never confirmed to anybody.
    DroppedUnfinishedEntry {
        /// The index it would have had.
        index: u64,
        /// How much of it was there.
        bytes: u64,
    },
    /// A complete entry whose checkpoint was missing or unfinished.
    CompletedCheckpoint {
        /// The size of the checkpoint.
        size: u64,
    },
}

fn place(file: &str, line: Option<u64>) -> String {
    match line {
        Some(line) => format!("line {line} of `{file}`"),
        None => format!("`{file}`"),
    }
}

// === impl AppendError ===

impl AppendError {
    /// Whether the handle cannot tell any more what is on the disk.
    pub(super) fn poisons(&self) -> bool {
        matches!(self, Self::Sync { .. } | Self::Undo { .. })
    }
}

impl From<WalkError> for AppendError {
    fn from(error: WalkError) -> Self {
        match error {
            WalkError::Read { file, source } => Self::Read { file, source },
            WalkError::Damaged { source } => Self::Damaged { source },
        }
    }
}

// === impl Repair ===

impl fmt::Display for Repair {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DroppedUnfinishedEntry { index, bytes } => write!(
                formatter,
                "dropped {bytes} bytes of entry {index}, whose append was interrupted before it was confirmed"
            ),
            Self::CompletedCheckpoint { size } => {
                write!(
                    formatter,
                    "signed the checkpoint of size {size}, which an interrupted append had not written"
                )
            }
        }
    }
}
