//! Every operation of an append fails once, and every operation is the last one before a power cut.

use std::cell::{Cell, RefCell};

use super::*;
use crate::{
    key::PublicKey,
    log::Position,
    test_support::{NOW, statement},
};

/// Counts down over both files; the operation it ends at fails.
struct Fault {
    operations_left: Cell<Option<u32>>,
    /// After the fault: `true` makes everything fail, as if the process had died.
    dies: bool,
    dead: Cell<bool>,
}

struct MemoryFile<'a> {
    content: RefCell<Vec<u8>>,
    fault: &'a Fault,
}

impl Fault {
    fn none() -> Self {
        Self { operations_left: Cell::new(None), dies: false, dead: Cell::new(false) }
    }

    fn hits(&self) -> io::Result<()> {
        let failure = || Err(io::ErrorKind::StorageFull.into());
        if self.dead.get() {
            return failure();
        }
        match self.operations_left.get() {
            Some(0) => {
                self.operations_left.set(None);
                self.dead.set(self.dies);
                failure()
            }
            left => {
                self.operations_left.set(left.map(|left| left - 1));
                Ok(())
            }
        }
    }
}

impl AppendFile for MemoryFile<'_> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.content.borrow().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let content = self.content.borrow();
        let rest = content.get(offset as usize..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let done = self.fault.hits();
        // A failing write leaves half of its bytes.
        let count = if done.is_ok() { bytes.len() } else { bytes.len() / 2 };
        let mut content = self.content.borrow_mut();
        content.truncate(offset as usize);
        content.extend(&bytes[..count]);
        done
    }

    fn truncate(&self, length: u64) -> io::Result<()> {
        self.fault.hits()?;
        self.content.borrow_mut().truncate(length as usize);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.fault.hits()
    }
}

fn append(
    journal: &mut Journal,
    files: LogFiles<'_>,
    key: &SigningKey,
    number: u64,
) -> Result<Checkpoint, AppendError> {
    journal.catch_up(files, key)?;
    let envelope = Envelope::sign(&statement(number).to_payload().unwrap(), key);
    journal.append(files, key, envelope, NOW)
}

fn entries(files: LogFiles<'_>, key: &PublicKey) -> u64 {
    let (position, tail) = walk(files, Position::start(), key, &mut |_, _| {}).unwrap();
    assert_eq!(tail, Tail::Clean);
    position.chain.size
}

/// Runs one append with the fault at operation `at`; returns its result, whether the fault was reached, and what the
/// next writer finds after one more append.
fn append_with_fault(at: u32, dies: bool, key: &SigningKey) -> (Result<(), AppendError>, bool, u64) {
    let fault = Fault { dies, ..Fault::none() };
    let (log, checkpoints) = (
        MemoryFile { content: RefCell::default(), fault: &fault },
        MemoryFile { content: RefCell::default(), fault: &fault },
    );
    let files = LogFiles { log: &log, checkpoints: &checkpoints };
    let mut journal = Journal::new();
    append(&mut journal, files, key, 0).unwrap();
    fault.operations_left.set(Some(at));
    let result = append(&mut journal, files, key, 1).map(|_| ());
    let reached = fault.operations_left.replace(None).is_none();
    fault.dead.set(false);
    // A poisoned or dead handle is replaced by a new one; another one goes on.
    let mut next = match &result {
        Err(error) if error.poisons() || dies => Journal::new(),
        _ => journal,
    };
    append(&mut next, files, key, 2).unwrap();
    (result, reached, entries(files, key.public()))
}

#[test]
fn failed_operation_leaves_nothing() {
    let key = SigningKey::generate().unwrap();
    let mut faults = 0;
    for at in 0.. {
        let (result, reached, entries) = append_with_fault(at, false, &key);
        if !reached {
            assert!(result.is_ok());
            break;
        }
        faults += 1;
        assert!(result.is_err(), "operation {at}");
        assert_eq!(entries, 2, "operation {at}: the failed entry appeared or another is gone");
    }
    assert_eq!(faults, 4, "write, sync, write, sync");
}

#[test]
fn death_at_any_operation_is_repaired() {
    let key = SigningKey::generate().unwrap();
    for at in 0..4 {
        let (result, reached, entries) = append_with_fault(at, true, &key);
        assert!(reached && result.is_err());
        // The entry was complete, or it was not: both are a log, and nothing else is.
        assert!(entries == 2 || entries == 3, "operation {at}: {entries} entries");
    }
}

#[test]
fn failed_sync_poisons_and_write_does_not() {
    let key = SigningKey::generate().unwrap();
    let poisons = |at| append_with_fault(at, false, &key).0.unwrap_err().poisons();
    assert_eq!([0, 1, 2, 3].map(poisons), [false, true, false, true]);
}

#[test]
fn repair_survives_faults_too() {
    let key = SigningKey::generate().unwrap();
    let fault = Fault::none();
    let (log, checkpoints) = (
        MemoryFile { content: RefCell::default(), fault: &fault },
        MemoryFile { content: RefCell::default(), fault: &fault },
    );
    let files = LogFiles { log: &log, checkpoints: &checkpoints };
    append(&mut Journal::new(), files, &key, 0).unwrap();
    append(&mut Journal::new(), files, &key, 1).unwrap();
    let whole = (log.content.borrow().clone(), checkpoints.content.borrow().clone());
    let one_checkpoint = whole.1.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    let one_entry = whole.0.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for (log_length, checkpoint_length, entries_after) in [
        (one_entry + 9, one_checkpoint, 2),
        (whole.0.len(), one_checkpoint, 3),
        (whole.0.len(), one_checkpoint + 9, 3),
    ] {
        for at in 0..12 {
            *log.content.borrow_mut() = whole.0[..log_length].to_vec();
            *checkpoints.content.borrow_mut() = whole.1[..checkpoint_length].to_vec();
            fault.operations_left.set(Some(at));
            let first = append(&mut Journal::new(), files, &key, 2);
            fault.operations_left.set(None);
            if first.is_err() {
                append(&mut Journal::new(), files, &key, 2).unwrap();
            }
            assert_eq!(entries(files, key.public()), entries_after, "fault at {at}");
        }
    }
}
