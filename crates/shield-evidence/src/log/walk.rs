//! Reads entries and their checkpoints side by side, from a known position to the end.
//!
//! An append writes the entry, syncs, writes its checkpoint, syncs. So an interrupted one leaves exactly one of three
//! ends ([`Tail`]): nothing, the start of an entry, or an entry without (or with the start of) its checkpoint.
//! Guarantees: every byte before the end was checked, signatures included. Refuses everything else, whatever it is.

use std::io;

use super::DamagedLog;
use crate::{
    checkpoint::Checkpoint,
    defect::Defect,
    disk::AppendFile,
    entry::{ChainState, Entry},
    key::PublicKey,
    lines::{FileReader, Line, Lines},
    names::{CHECKPOINTS_FILE, LOG_FILE},
    statement::Statement,
};

/// Both files of a log.
#[derive(Clone, Copy)]
pub(crate) struct LogFiles<'a> {
    pub(crate) log: &'a dyn AppendFile,
    pub(crate) checkpoints: &'a dyn AppendFile,
}

/// The end of the part of a log that is complete and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) chain: ChainState,
    pub(crate) log_bytes: u64,
    pub(crate) checkpoint_bytes: u64,
}

/// What lies behind a [`Position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tail {
    Clean,
    /// The start of an entry.
    UnfinishedEntry {
        bytes: u64,
    },
    /// A valid entry whose checkpoint is missing or unfinished.
    EntryWithoutCheckpoint {
        chain: ChainState,
        log_bytes: u64,
    },
}

/// Why a walk ended early.
#[derive(Debug)]
pub(crate) enum WalkError {
    Read { file: &'static str, source: io::Error },
    Damaged { source: DamagedLog },
}

struct Walker<'a> {
    log: Lines<FileReader<'a>>,
    checkpoints: Lines<FileReader<'a>>,
    key: &'a PublicKey,
}

/// Calls `visit` for each entry behind `from` that has its checkpoint, and tells where they end and what follows.
pub(crate) fn walk(
    files: LogFiles<'_>,
    from: Position,
    key: &PublicKey,
    visit: &mut dyn FnMut(Entry, Statement),
) -> Result<(Position, Tail), WalkError> {
    require_length(files.log, LOG_FILE, from.log_bytes)?;
    require_length(files.checkpoints, CHECKPOINTS_FILE, from.checkpoint_bytes)?;
    let mut walker = Walker {
        log: Lines::new(FileReader::new(files.log, from.log_bytes), from.chain.size + 1),
        checkpoints: Lines::new(
            FileReader::new(files.checkpoints, from.checkpoint_bytes),
            from.chain.size + 1,
        ),
        key,
    };
    let mut at = from;
    loop {
        match walker.next_checkpoint()? {
            CheckpointLine::Whole(line) => at = walker.step(&at, &line, visit)?,
            CheckpointLine::Missing => return Ok((at, walker.tail(&at)?.unwrap_or(Tail::Clean))),
            CheckpointLine::Unfinished => {
                return walker.tail_of_unfinished_checkpoint(&at).map(|tail| (at, tail));
            }
        }
    }
}

enum CheckpointLine {
    Whole(Line),
    Unfinished,
    Missing,
}

// === impl Position ===

impl Position {
    pub(crate) fn start() -> Self {
        Self { chain: ChainState::of_nothing(), log_bytes: 0, checkpoint_bytes: 0 }
    }
}

// === impl Walker ===

impl Walker<'_> {
    fn next_checkpoint(&mut self) -> Result<CheckpointLine, WalkError> {
        let Some(line) = next_line(&mut self.checkpoints, CHECKPOINTS_FILE)? else {
            return Ok(CheckpointLine::Missing);
        };
        if line.torn() && next_line(&mut self.checkpoints, CHECKPOINTS_FILE)?.is_none() {
            return Ok(CheckpointLine::Unfinished);
        }
        Ok(CheckpointLine::Whole(line))
    }

    /// Accepts one entry with its checkpoint.
    fn step(
        &mut self,
        at: &Position,
        checkpoint_line: &Line,
        visit: &mut dyn FnMut(Entry, Statement),
    ) -> Result<Position, WalkError> {
        let refuse = |defect| damaged(CHECKPOINTS_FILE, Some(checkpoint_line.number), defect);
        let checkpoint = Checkpoint::parse(checkpoint_line).map_err(refuse)?;
        let Some(line) = next_line(&mut self.log, LOG_FILE)? else {
            return Err(refuse(Defect::CheckpointBeyondLog {
                size: checkpoint.size(),
                entries: at.chain.size,
            }));
        };
        let (chain, entry, statement) = self.accept(&at.chain, &line)?;
        let defects = checkpoint.check(chain.size, Some(chain.root), chain.size, self.key);
        if let Some(defect) = defects.into_iter().next() {
            return Err(refuse(defect));
        }
        visit(entry, statement);
        Ok(Position {
            chain,
            log_bytes: at.log_bytes + line.file_bytes,
            checkpoint_bytes: at.checkpoint_bytes + checkpoint_line.file_bytes,
        })
    }

    fn accept(&self, state: &ChainState, line: &Line) -> Result<(ChainState, Entry, Statement), WalkError> {
        let refuse = |defect| damaged(LOG_FILE, Some(line.number), defect);
        let entry = Entry::parse(line).map_err(refuse)?;
        let (defects, statement) = entry.check(state, self.key);
        match (defects.into_iter().next(), statement) {
            (None, Some(statement)) => Ok((state.after(&line.bytes, &entry), entry, statement)),
            (defect, _) => Err(refuse(defect.expect("an envelope that does not open is a defect"))),
        }
    }

    /// What follows the last entry with a checkpoint; `None` when nothing does.
    fn tail(&mut self, at: &Position) -> Result<Option<Tail>, WalkError> {
        let Some(line) = next_line(&mut self.log, LOG_FILE)? else {
            return Ok(None);
        };
        let further = next_line(&mut self.log, LOG_FILE)?;
        if line.torn() && further.is_none() {
            return Ok(Some(Tail::UnfinishedEntry { bytes: line.file_bytes }));
        }
        let (chain, _, _) = self.accept(&at.chain, &line)?;
        match further {
            Some(further) => Err(damaged(LOG_FILE, Some(further.number), Defect::BeyondAppend)),
            None => {
                let log_bytes = at.log_bytes + line.file_bytes;
                Ok(Some(Tail::EntryWithoutCheckpoint { chain, log_bytes }))
            }
        }
    }

    /// A checkpoint is only begun when its entry is complete.
    fn tail_of_unfinished_checkpoint(&mut self, at: &Position) -> Result<Tail, WalkError> {
        match self.tail(at)? {
            Some(tail @ Tail::EntryWithoutCheckpoint { .. }) => Ok(tail),
            _ => {
                let size = at.chain.size + 1;
                let defect = Defect::CheckpointBeyondLog { size, entries: at.chain.size };
                Err(damaged(CHECKPOINTS_FILE, Some(size), defect))
            }
        }
    }
}

fn next_line(lines: &mut Lines<FileReader<'_>>, file: &'static str) -> Result<Option<Line>, WalkError> {
    lines.next().map_err(|source| WalkError::Read { file, source })
}

fn require_length(file: &dyn AppendFile, name: &'static str, expected: u64) -> Result<(), WalkError> {
    let found = file.length().map_err(|source| WalkError::Read { file: name, source })?;
    if found < expected { Err(damaged(name, None, Defect::Shrunk { found, expected })) } else { Ok(()) }
}

fn damaged(file: &'static str, line: Option<u64>, defect: Defect) -> WalkError {
    WalkError::Damaged { source: DamagedLog { file, line, defect: Box::new(defect) } }
}
