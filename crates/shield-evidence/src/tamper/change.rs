//! The changes: pure functions from the files of a log to changed ones.

use std::{fmt, iter, mem};

use serde::Serialize;
use shield_types::CanonicalJsonError;

use super::random::Random;
use crate::{
    checkpoint::Checkpoint,
    dsse::Envelope,
    entry::{ChainState, Entry},
    key::SigningKey,
    lines::{Line, LineEnd},
    names::{CHECKPOINTS_FILE, LOG_FILE, PUBLIC_KEY_FILE},
};

/// Most bytes removed or inserted at once.
const RUN_BYTES_MAX: usize = 64;

/// What is done to a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One byte gets another value.
    EditByte,
    /// A few bytes more.
    InsertBytes,
    /// A few bytes fewer.
    DeleteBytes,
    /// A line fewer.
    DeleteLine,
    /// Two lines change places.
    SwapLines,
    /// A line moves elsewhere.
    MoveLine,
    /// A line appears twice.
    RepeatLine,
    /// A file ends earlier, anywhere.
    CutFile,
    /// Both files end at an older signed checkpoint.
    CutToOlderCheckpoint,
    /// A file is gone, or all of them.
    RemoveFile,
    /// An entry is removed or two change places in both files, and the chain is computed anew; the signatures stay.
    ForgeChain,
    /// The whole log is written anew and signed with another key.
    ForgeWithOtherKey,
}

/// The files of a log that a verifier reads; `None` is a missing file.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) log: Option<Vec<u8>>,
    pub(super) checkpoints: Option<Vec<u8>>,
    pub(super) public_key: Option<Vec<u8>>,
}

// === impl Kind ===

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::EditByte,
        Self::InsertBytes,
        Self::DeleteBytes,
        Self::DeleteLine,
        Self::SwapLines,
        Self::MoveLine,
        Self::RepeatLine,
        Self::CutFile,
        Self::CutToOlderCheckpoint,
        Self::RemoveFile,
        Self::ForgeChain,
        Self::ForgeWithOtherKey,
    ];

    /// Changes `good`, which has at least two entries, and says how.
    pub(super) fn apply(
        self,
        good: &Snapshot,
        forger: &SigningKey,
        random: &mut Random,
    ) -> (Snapshot, String) {
        let mut changed = good.clone();
        let what = match self {
            Self::EditByte | Self::InsertBytes | Self::DeleteBytes | Self::CutFile => {
                change_bytes(self, &mut changed, random)
            }
            Self::DeleteLine | Self::SwapLines | Self::MoveLine | Self::RepeatLine => {
                change_lines(self, &mut changed, random)
            }
            Self::CutToOlderCheckpoint => cut_to_older_checkpoint(&mut changed, random),
            Self::RemoveFile => remove_file(&mut changed, random),
            Self::ForgeChain => forge_chain(&mut changed, random),
            Self::ForgeWithOtherKey => forge_with_other_key(&mut changed, forger),
        };
        (changed, what)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(formatter)
    }
}

fn change_bytes(kind: Kind, files: &mut Snapshot, random: &mut Random) -> String {
    let (name, file) = pick_file(files, random, 3);
    let position = random.below(file.len());
    let count = 1 + random.below(RUN_BYTES_MAX.min(file.len() - position));
    match kind {
        Kind::EditByte => {
            let old = file[position];
            file[position] = old.wrapping_add(1 + random.below(255) as u8);
            format!("byte {position} of {name} from {old:#04x} to {:#04x}", file[position])
        }
        Kind::InsertBytes => {
            // Not only noise: newlines, spaces and NUL are what a lenient reader would skip.
            let likely = *b"\n \0\r\t";
            let byte = if random.below(2) == 0 { likely[random.below(likely.len())] } else { random.byte() };
            let at = if random.below(8) == 0 { file.len() } else { position };
            file.splice(at..at, iter::repeat_n(byte, count));
            format!("{count} x {byte:#04x} inserted at {at} of {name}")
        }
        Kind::DeleteBytes => {
            file.drain(position..position + count);
            format!("bytes {position}..{} of {name} deleted", position + count)
        }
        _ => {
            file.truncate(position);
            format!("{name} cut to {position} bytes")
        }
    }
}

fn change_lines(kind: Kind, files: &mut Snapshot, random: &mut Random) -> String {
    let (name, file) = pick_file(files, random, 2);
    let mut lines = split_lines(file);
    let (first, second) = random.two_below(lines.len());
    let what = match kind {
        Kind::DeleteLine => {
            lines.remove(first);
            format!("line {} of {name} deleted", first + 1)
        }
        Kind::SwapLines => {
            lines.swap(first, second);
            format!("lines {} and {} of {name} swapped", first + 1, second + 1)
        }
        Kind::MoveLine => {
            let line = lines.remove(first);
            lines.insert(second, line);
            format!("line {} of {name} moved to {}", first + 1, second + 1)
        }
        _ => {
            let at = if random.below(2) == 0 { first + 1 } else { second };
            lines.insert(at, lines[first].clone());
            format!("line {} of {name} repeated as line {}", first + 1, at + 1)
        }
    };
    *file = lines.concat();
    what
}

fn cut_to_older_checkpoint(files: &mut Snapshot, random: &mut Random) -> String {
    let mut size = 0;
    for file in [&mut files.log, &mut files.checkpoints].into_iter().flatten() {
        let lines = split_lines(file);
        if size == 0 {
            size = random.below(lines.len());
        }
        *file = lines[..size].concat();
    }
    format!("both files cut back to the checkpoint of size {size}")
}

fn remove_file(files: &mut Snapshot, random: &mut Random) -> String {
    let choice = random.below(7) + 1;
    let mut removed = Vec::new();
    let all = [
        (LOG_FILE, &mut files.log),
        (CHECKPOINTS_FILE, &mut files.checkpoints),
        (PUBLIC_KEY_FILE, &mut files.public_key),
    ];
    for (position, (name, file)) in all.into_iter().enumerate() {
        if choice & (1 << position) != 0 {
            *file = None;
            removed.push(name);
        }
    }
    format!("{} removed", removed.join(", "))
}

/// Somebody without any key who knows the format: indices, roots and forms are right, signatures are old.
fn forge_chain(files: &mut Snapshot, random: &mut Random) -> String {
    let (mut entries, mut checkpoints) = parse(files);
    let (first, second) = random.two_below(entries.len());
    let what = if random.below(2) == 0 {
        entries.remove(first);
        checkpoints.remove(first);
        format!("entry {first} removed")
    } else {
        let envelope = entries[first].envelope.clone();
        entries[first].envelope = mem::replace(&mut entries[second].envelope, envelope);
        format!("statements of entries {first} and {second} exchanged")
    };
    let mut state = ChainState::of_nothing();
    let mut lines = [Vec::new(), Vec::new()];
    for (entry, checkpoint) in entries.into_iter().zip(checkpoints) {
        let entry = Entry::following(&state, entry.recorded_at, entry.envelope);
        state = push_entry(&mut lines[0], &state, &entry);
        push_line(&mut lines[1], checkpoint.with_place(state.size, state.root).to_line());
    }
    let [log, checkpoints] = lines;
    (files.log, files.checkpoints) = (Some(log), Some(checkpoints));
    format!("{what}, chain computed anew")
}

/// Somebody with a key of their own: the log is flawless, only its signer is another.
fn forge_with_other_key(files: &mut Snapshot, forger: &SigningKey) -> String {
    let (entries, _) = parse(files);
    let mut state = ChainState::of_nothing();
    let mut lines = [Vec::new(), Vec::new()];
    for entry in entries {
        let payload = entry.envelope.payload_unverified().expect("a good log has well-formed envelopes");
        let entry = Entry::following(&state, entry.recorded_at, Envelope::sign(&payload, forger));
        state = push_entry(&mut lines[0], &state, &entry);
        push_line(&mut lines[1], Checkpoint::sign(state.size, state.root, forger).to_line());
    }
    let [log, checkpoints] = lines;
    *files = Snapshot {
        log: Some(log),
        checkpoints: Some(checkpoints),
        public_key: Some(forger.public().file_content().into_bytes()),
    };
    "whole log signed anew with another key".to_owned()
}

fn pick_file<'a>(
    files: &'a mut Snapshot,
    random: &mut Random,
    choices: usize,
) -> (&'static str, &'a mut Vec<u8>) {
    let (name, file) = match random.below(choices) {
        0 => (LOG_FILE, &mut files.log),
        1 => (CHECKPOINTS_FILE, &mut files.checkpoints),
        _ => (PUBLIC_KEY_FILE, &mut files.public_key),
    };
    (name, file.as_mut().expect("a good log has all its files"))
}

fn split_lines(file: &[u8]) -> Vec<Vec<u8>> {
    file.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn parse(files: &Snapshot) -> (Vec<Entry>, Vec<Checkpoint>) {
    let whole = "a good log has well-formed lines";
    let entries =
        complete_lines(files.log.as_deref()).map(|line| Entry::parse(&line).expect(whole)).collect();
    let checkpoints = complete_lines(files.checkpoints.as_deref());
    (entries, checkpoints.map(|line| Checkpoint::parse(&line).expect(whole)).collect())
}

fn complete_lines(file: Option<&[u8]>) -> impl Iterator<Item = Line> {
    let lines = split_lines(file.unwrap_or_default());
    lines.into_iter().zip(1..).map(|(mut bytes, number)| {
        let file_bytes = bytes.len() as u64;
        bytes.pop();
        Line { number, bytes, end: LineEnd::Newline, file_bytes }
    })
}

fn push_entry(file: &mut Vec<u8>, state: &ChainState, entry: &Entry) -> ChainState {
    let line = entry.to_line().expect("an entry that was read has JSON");
    let next = state.after(&line, entry);
    push_line(file, Ok(line));
    next
}

fn push_line(file: &mut Vec<u8>, line: Result<Vec<u8>, CanonicalJsonError>) {
    file.extend(line.expect("a line that was read has JSON"));
    file.push(b'\n');
}
