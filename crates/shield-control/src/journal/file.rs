//! The journal file: open and replay, append, compact.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{FallocateFlags, fallocate},
    io::Errno,
};
use serde::{Deserialize, Serialize};
use shield_release::{Environment, Event};
use shield_types::Timestamp;

use super::frame::{self, HEADER, PAYLOAD_BYTES_MAX, Read};
use crate::{
    durable::{StateFileError, failed, sync_directory},
    failpoint,
};

/// Beyond this size the journal is rewritten as one snapshot, once no release is under way.
const COMPACT_AT_BYTES: u64 = 1 << 20;

/// Space set aside before a release begins: its longest undo, and the events of a crashing instance for some minutes.
const RESERVE_BYTES: u64 = 256 << 10;

/// The append-only record of one environment.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    /// End of the last whole frame.
    length: u64,
    /// Set when a write or fsync failed: this file takes no more frames.
    broken: bool,
}

/// What [`Journal::open`] found.
#[derive(Debug)]
pub(crate) enum Opened {
    /// The journal and the state it replays to.
    Replayed(Journal, Box<Environment>),
    /// There is none.
    Missing,
    /// It was set aside.
    Damaged(JournalDamage),
}

/// A journal that could not be trusted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("replay journal `{}`: {problem}; it was set aside as `{}`", path.display(), quarantine.display())]
pub struct JournalDamage {
    /// The journal.
    pub path: PathBuf,
    /// What is wrong with it.
    pub problem: String,
    /// Where it lies now.
    pub quarantine: PathBuf,
}

/// The journal could not be read, or set aside.
#[derive(Debug, thiserror::Error)]
#[error("open the journal")]
pub struct OpenJournalError {
    /// Which file, and why.
    #[source]
    pub source: StateFileError,
}

/// An event could not be made durable; it did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum AppendJournalError {
    /// The file could not be written; often the disk is full.
    #[error("record an event in the journal")]
    Write {
        /// Which file, and why.
        #[source]
        source: StateFileError,
    },
    /// An earlier write failed; the file takes no more frames.
    #[error("record an event in journal `{}`: an earlier write to it failed", path.display())]
    Broken {
        /// The journal.
        path: PathBuf,
    },
    /// Somebody removed or replaced the file while it was in use.
    #[error("record an event in journal `{}`: the file was removed, replaced or cut while in use", path.display())]
    Vanished {
        /// The journal.
        path: PathBuf,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case", deny_unknown_fields)]
enum Record {
    Snapshot { environment: Box<Environment> },
    Event { at: Timestamp, event: Event },
}

// === impl Journal ===

impl Journal {
    /// Opens and replays the journal at `path`. A torn last frame is dropped; a damaged file is set aside.
    pub(crate) fn open(path: &Path) -> Result<Opened, OpenJournalError> {
        let open = |source| OpenJournalError { source };
        let mut bytes = Vec::new();
        let mut file = match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Opened::Missing),
            Err(error) => return Err(open(failed("open", path)(error))),
        };
        file.read_to_end(&mut bytes).map_err(failed("read", path)).map_err(open)?;
        match replay(&bytes) {
            Ok((environment, length)) => {
                if length < bytes.len() {
                    tracing::warn!(path = %path.display(), "dropped a torn last record of {} bytes", bytes.len() - length);
                    file.set_len(length as u64).map_err(failed("cut", path)).map_err(open)?;
                    file.sync_all().map_err(failed("sync", path)).map_err(open)?;
                }
                let journal = Self { path: path.to_owned(), file, length: length as u64, broken: false };
                Ok(Opened::Replayed(journal, Box::new(environment)))
            }
            Err(problem) => quarantine(path, problem).map(Opened::Damaged).map_err(open),
        }
    }

    /// Puts away a journal that turned out to be no longer true.
    pub(crate) fn set_aside(self, problem: String) -> Result<JournalDamage, OpenJournalError> {
        quarantine(&self.path, problem).map_err(|source| OpenJournalError { source })
    }

    /// Begins a journal that holds `environment`, replacing the one at `path` in one step. Of a history that is too large for
    /// one record the oldest part stays out.
    pub(crate) fn begin(path: &Path, environment: &Environment) -> Result<Self, AppendJournalError> {
        let begin = || {
            let temporary = path.with_extension("new");
            let content = [HEADER, &frame::encode(&snapshot(environment.clone())?)].concat();
            let mut file =
                OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(&content)?;
            file.sync_all()?;
            let file = OpenOptions::new().read(true).append(true).open(&temporary)?;
            fs::rename(&temporary, path)?;
            sync_directory(path.parent().unwrap_or(Path::new(".")))?;
            Ok((file, content.len() as u64))
        };
        let (file, length) = begin().map_err(|source| write_error(path, source))?;
        Ok(Self { path: path.to_owned(), file, length, broken: false })
    }

    /// Makes one event durable. On an error nothing was recorded, and the file takes no more.
    pub(crate) fn append(&mut self, at: Timestamp, event: &Event) -> Result<(), AppendJournalError> {
        if self.broken {
            return Err(AppendJournalError::Broken { path: self.path.clone() });
        }
        self.check_in_place()?;
        failpoint::reach("before the journal record");
        let written = self.write(&Record::Event { at, event: event.clone() });
        failpoint::reach("after the journal record");
        written.map_err(|source| {
            self.broken = true;
            write_error(&self.path, source)
        })
    }

    fn write(&mut self, record: &Record) -> io::Result<()> {
        let frame = frame::encode(&payload(record)?);
        let written = self.file.write_all(&frame).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What was refused must not be found by the next control plane. If this fails too, the journal is renewed.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += frame.len() as u64;
        Ok(())
    }

    /// The file at the path is still the one that is open, and as long as what was written.
    fn check_in_place(&mut self) -> Result<(), AppendJournalError> {
        let here = self.file.metadata().map(|metadata| (metadata.ino(), metadata.len()));
        let there = fs::metadata(&self.path).map(|metadata| (metadata.ino(), metadata.len()));
        match (here, there) {
            (Ok(here), Ok(there)) if here == there && here.1 == self.length => Ok(()),
            _ => {
                self.broken = true;
                Err(AppendJournalError::Vanished { path: self.path.clone() })
            }
        }
    }

    /// Sets disk space aside for a release and its undo, so that a full disk stops it before it begins.
    pub(crate) fn reserve(&self) -> Result<(), AppendJournalError> {
        match fallocate(&self.file, FallocateFlags::KEEP_SIZE, self.length, RESERVE_BYTES) {
            Err(Errno::OPNOTSUPP) => {
                tracing::warn!("this file system cannot set space aside; a full disk may lengthen an undo");
                Ok(())
            }
            reserved => reserved.map_err(|error| write_error(&self.path, error.into())),
        }
    }

    /// Whether the file takes no more frames.
    pub(crate) fn broken(&self) -> bool {
        self.broken
    }

    /// Whether it is time to begin a new one.
    pub(crate) fn wants_compaction(&self) -> bool {
        self.length > COMPACT_AT_BYTES
    }
}

fn write_error(path: &Path, source: io::Error) -> AppendJournalError {
    AppendJournalError::Write { source: failed("write", path)(source) }
}

fn payload(record: &Record) -> io::Result<Vec<u8>> {
    let payload = serde_json::to_vec(record)?;
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(io::Error::other(format!("a record of {} bytes is over the limit", payload.len())));
    }
    Ok(payload)
}

fn snapshot(mut environment: Environment) -> io::Result<Vec<u8>> {
    loop {
        let record = Record::Snapshot { environment: Box::new(environment.clone()) };
        match payload(&record) {
            Err(_) if environment.forget_oldest_release() => {}
            result => return result,
        }
    }
}

/// The state, and the end of the last whole frame; or what is damaged.
fn replay(bytes: &[u8]) -> Result<(Environment, usize), String> {
    let Some(_) = bytes.strip_prefix(HEADER) else {
        return Err(match bytes.is_empty() {
            true => "the file is empty".to_owned(),
            false => "it does not begin with `shield-journal 1`".to_owned(),
        });
    };
    let mut environment = None;
    let mut offset = HEADER.len();
    loop {
        let (payload, next) = match frame::read(bytes, offset) {
            Read::Frame { payload, next } => (payload, next),
            Read::Damaged { problem } => return Err(problem),
            Read::End | Read::Torn => break,
        };
        let record =
            serde_json::from_slice(payload).map_err(|error| format!("record at offset {offset}: {error}"))?;
        match (record, &mut environment) {
            (Record::Snapshot { environment: snapshot }, None) => environment = Some(*snapshot),
            (Record::Event { at, event }, Some(environment)) => drop(environment.step(at, event)),
            _ => return Err(format!("record at offset {offset} is out of place")),
        }
        offset = next;
    }
    environment.map(|environment| (environment, offset)).ok_or_else(|| "it holds no whole record".to_owned())
}

fn quarantine(path: &Path, problem: String) -> Result<JournalDamage, StateFileError> {
    let mut number = 1;
    let quarantine = loop {
        let candidate = path.with_extension(format!("damaged-{number}"));
        if !candidate.exists() {
            break candidate;
        }
        number += 1;
    };
    fs::rename(path, &quarantine).map_err(failed("set aside", path))?;
    Ok(JournalDamage { path: path.to_owned(), problem, quarantine })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shield_release::{ReleaseSpec, Timings, plan};
    use shield_types::{ArtifactDigest, InstanceId, ReleaseDigest, ReleaseId, Sha256Digest};

    use super::*;

    fn journal_with_events(count: u64) -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let mut journal = Journal::begin(&path, &Environment::default()).unwrap();
        for at in 0..count {
            journal.append(Timestamp(at), &Event::DownRequested).unwrap();
        }
        (directory, path)
    }

    /// An environment in which `count` releases failed to start, each with launch settings of `bytes`.
    fn environment_with_history(count: u64, bytes: usize) -> Environment {
        let digest = Sha256Digest::of(b"artifact");
        let timings = Timings {
            start_deadline: Duration::ZERO,
            promote_deadline: Duration::ZERO,
            watch: Duration::ZERO,
            drain: Duration::ZERO,
            stop_grace: Duration::ZERO,
        };
        let mut environment = Environment::default();
        for number in 1..=count {
            let id = ReleaseId::new(number, ArtifactDigest(digest));
            let spec = ReleaseSpec {
                id: id.clone(),
                number,
                artifact: ArtifactDigest(digest),
                digest: ReleaseDigest(digest),
                instances: 1,
                timings,
                error_ratio_max: 0.001,
                launch: "x".repeat(bytes).into(),
                restores: None,
                requested_by: "ada".to_owned(),
            };
            let plan = Box::new(plan(&environment, spec).unwrap());
            let reason = String::new();
            let instance = InstanceId::new(id.clone(), 0, 0);
            environment.step(Timestamp(number), Event::Requested { plan });
            environment.step(Timestamp(number), Event::StartFailed { instance, reason });
            environment.step(Timestamp(number), Event::Drained { release: id });
        }
        environment
    }

    fn expected(events: u64) -> Environment {
        let mut environment = Environment::default();
        for at in 0..events {
            environment.step(Timestamp(at), Event::DownRequested);
        }
        environment
    }

    #[test]
    fn replays_to_the_same_state() {
        let (_directory, path) = journal_with_events(3);
        let Opened::Replayed(_, environment) = Journal::open(&path).unwrap() else { panic!("not replayed") };
        assert_eq!(*environment, expected(3));
    }

    #[test]
    fn drops_only_the_torn_record() {
        let (_directory, path) = journal_with_events(2);
        let whole = fs::read(&path).unwrap();
        let last = {
            let (_d, shorter) = journal_with_events(1);
            fs::read(shorter).unwrap().len()
        };
        for end in last..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            let Opened::Replayed(mut journal, environment) = Journal::open(&path).unwrap() else {
                panic!("cut at {end}")
            };
            assert_eq!(*environment, expected(1));
            journal.append(Timestamp(1), &Event::DownRequested).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn sets_damage_aside() {
        let (_directory, path) = journal_with_events(3);
        let whole = fs::read(&path).unwrap();
        for content in [Vec::new(), b"garbage".to_vec(), whole[..10].to_vec(), {
            let mut b = whole.clone();
            b[40] ^= 1;
            b
        }] {
            fs::write(&path, &content).unwrap();
            let Opened::Damaged(damage) = Journal::open(&path).unwrap() else {
                panic!("{} bytes passed", content.len())
            };
            assert_eq!(fs::read(&damage.quarantine).unwrap(), content);
            assert!(!path.exists());
        }
    }

    #[test]
    fn large_history_loses_its_oldest() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("journal");
        let environment = environment_with_history(9, PAYLOAD_BYTES_MAX / 5);
        Journal::begin(&path, &environment).unwrap();
        let Opened::Replayed(_, replayed) = Journal::open(&path).unwrap() else { panic!("not replayed") };
        let numbers: Vec<_> = replayed.history().map(|finished| finished.spec.number).collect();
        assert_eq!(numbers, [6, 7, 8, 9]);
        assert_eq!(replayed.newest_number(), 9);
    }

    #[test]
    fn notices_removal_while_open() {
        let (_directory, path) = journal_with_events(1);
        let Opened::Replayed(mut journal, environment) = Journal::open(&path).unwrap() else {
            panic!("not replayed")
        };
        fs::remove_file(&path).unwrap();
        let error = journal.append(Timestamp(1), &Event::Tick).unwrap_err();
        assert!(matches!(error, AppendJournalError::Vanished { .. }));
        assert!(journal.broken());
        let mut journal = Journal::begin(&path, &environment).unwrap();
        journal.append(Timestamp(1), &Event::Tick).unwrap();
    }
}
