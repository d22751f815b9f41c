//! The order of writes of an append, and what is done when one of them fails.
//!
//! Entry, sync, checkpoint, sync. A failed write is taken back (both files cut to where they were, checkpoint first,
//! so that every moment in between is one that [`walk`] knows). A failed sync is not tried again: the kernel may have
//! dropped the data and would report success; the unconfirmed lines are cut without asking for a sync, and the caller
//! throws the handle away.

use std::io;

use shield_types::Timestamp;

use super::{
    AppendError, Repair,
    walk::{LogFiles, Position, Tail, walk},
};
use crate::{
    checkpoint::Checkpoint,
    disk::AppendFile,
    dsse::Envelope,
    entry::{ChainState, Entry},
    key::SigningKey,
    names::{CHECKPOINTS_FILE, LINE_BYTES_MAX, LOG_FILE},
};

/// How far one writer has read.
pub(super) struct Journal {
    position: Position,
}

// === impl Journal ===

impl Journal {
    pub(super) fn new() -> Self {
        Self { position: Position::start() }
    }

    /// Reads what others appended and repairs what an interrupted append left.
    pub(super) fn catch_up(
        &mut self,
        files: LogFiles<'_>,
        key: &SigningKey,
    ) -> Result<Option<Repair>, AppendError> {
        let (position, tail) = walk(files, self.position, key.public(), &mut |_, _| {})?;
        if position != self.position || tail != Tail::Clean {
            // Its writer may have died before its sync, and what follows must not reach the disk first.
            sync(files.log, LOG_FILE)?;
            sync(files.checkpoints, CHECKPOINTS_FILE)?;
        }
        self.position = position;
        match tail {
            Tail::Clean => Ok(None),
            Tail::UnfinishedEntry { bytes } => {
                self.cut(files)?;
                Ok(Some(Repair::DroppedUnfinishedEntry { index: position.chain.size, bytes }))
            }
            Tail::EntryWithoutCheckpoint { chain, log_bytes } => {
                let checkpoint_length = position.checkpoint_bytes;
                cut(files.checkpoints, CHECKPOINTS_FILE, checkpoint_length)?;
                let (_, line) = checkpoint_line(&chain, key)?;
                if let Err(source) = files.checkpoints.write_at(&line, checkpoint_length) {
                    cut(files.checkpoints, CHECKPOINTS_FILE, checkpoint_length)?;
                    return Err(AppendError::Write { file: CHECKPOINTS_FILE, source });
                }
                sync(files.checkpoints, CHECKPOINTS_FILE)?;
                self.advance(chain, log_bytes, line.len());
                Ok(Some(Repair::CompletedCheckpoint { size: chain.size }))
            }
        }
    }

    /// Writes the next entry and its checkpoint. The caller has caught up under the same lock.
    pub(super) fn append(
        &mut self,
        files: LogFiles<'_>,
        key: &SigningKey,
        envelope: Envelope,
        now: Timestamp,
    ) -> Result<Checkpoint, AppendError> {
        let entry = Entry::following(&self.position.chain, now, envelope);
        let mut line = entry.to_line().map_err(|source| AppendError::Json { source })?;
        let chain = self.position.chain.after(&line, &entry);
        line.push(b'\n');
        if line.len() > LINE_BYTES_MAX {
            return Err(AppendError::LineTooLong { bytes: line.len() });
        }
        let (checkpoint, checkpoint_line) = checkpoint_line(&chain, key)?;
        let Position { log_bytes, checkpoint_bytes, .. } = self.position;
        self.write(files, LOG_FILE, files.log.write_at(&line, log_bytes))?;
        self.confirm(files, LOG_FILE, files.log.sync())?;
        self.write(files, CHECKPOINTS_FILE, files.checkpoints.write_at(&checkpoint_line, checkpoint_bytes))?;
        self.confirm(files, CHECKPOINTS_FILE, files.checkpoints.sync())?;
        self.advance(chain, log_bytes + line.len() as u64, checkpoint_line.len());
        Ok(checkpoint)
    }

    fn write(
        &self,
        files: LogFiles<'_>,
        file: &'static str,
        done: io::Result<()>,
    ) -> Result<(), AppendError> {
        let Err(source) = done else { return Ok(()) };
        self.cut(files)?;
        Err(AppendError::Write { file, source })
    }

    fn confirm(
        &self,
        files: LogFiles<'_>,
        file: &'static str,
        done: io::Result<()>,
    ) -> Result<(), AppendError> {
        let Err(source) = done else { return Ok(()) };
        // Nobody was told that the entry is recorded, so the next writer should not find it. If this fails too, the
        // next writer completes it, which the error's documentation allows.
        let _ = files.checkpoints.truncate(self.position.checkpoint_bytes);
        let _ = files.log.truncate(self.position.log_bytes);
        Err(AppendError::Sync { file, source })
    }

    fn cut(&self, files: LogFiles<'_>) -> Result<(), AppendError> {
        cut(files.checkpoints, CHECKPOINTS_FILE, self.position.checkpoint_bytes)?;
        cut(files.log, LOG_FILE, self.position.log_bytes)
    }

    fn advance(&mut self, chain: ChainState, log_bytes: u64, checkpoint_line_bytes: usize) {
        let checkpoint_bytes = self.position.checkpoint_bytes + checkpoint_line_bytes as u64;
        self.position = Position { chain, log_bytes, checkpoint_bytes };
    }
}

fn checkpoint_line(chain: &ChainState, key: &SigningKey) -> Result<(Checkpoint, Vec<u8>), AppendError> {
    let checkpoint = Checkpoint::sign(chain.size, chain.root, key);
    let mut line = checkpoint.to_line().map_err(|source| AppendError::Json { source })?;
    line.push(b'\n');
    Ok((checkpoint, line))
}

fn sync(file: &dyn AppendFile, name: &'static str) -> Result<(), AppendError> {
    file.sync().map_err(|source| AppendError::Sync { file: name, source })
}

fn cut(file: &dyn AppendFile, name: &'static str, length: u64) -> Result<(), AppendError> {
    file.truncate(length)
        .and_then(|()| file.sync())
        .map_err(|source| AppendError::Undo { file: name, source })
}

#[cfg(test)]
mod tests;
