//! Doing it: remedies applied all together or not, one by one, and taken back.
//!
//! Everything that can be judged without touching a file is judged first: what overlaps, what no longer parses, what would be found anew.
//! Then the record is written and synced, and only then are files replaced, each at once. Where behaviour may change, the tests run before
//! and after, and whoever makes them less green goes back alone. Until the record says that all is done, whoever finds it takes everything
//! back: at any moment each file has its old bytes or its new ones.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    io,
    path::{Path, PathBuf},
};

use serde::Serialize;
use shield_types::{Sha256Digest, chain};

use super::{
    Change, Class, Remedy,
    edit::Edits,
    journal::{Journal, JournalError, Journals, Noted, Saved, State},
    rescan::{self, Rescan, Scan},
    root::{FileError, Held, Root},
    settle::settle,
    suite::{TestRun, Tests},
};

/// What a transaction works with.
pub struct Work<'a> {
    /// The directory that remedies are about.
    pub root: &'a Path,
    /// The directory of records; it is made if it is not there. Not one that tests or scans look into.
    pub journals: &'a Path,
    /// Looks at changed files.
    pub rescan: &'a dyn Rescan,
    /// Runs the tests; without them nothing is applied that may change behaviour.
    pub tests: Option<&'a mut dyn Tests>,
    /// How often the tests may run after a change: what is not judged by then is taken back. Finding one bad remedy among n takes
    /// about twice log2 n runs.
    pub test_runs_max: u32,
}

/// What became of a remedy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    /// It is in the files.
    Applied,
    /// It is a proposal: a person decides.
    Proposed,
    /// It was not tried.
    Refused {
        /// Why.
        why: String,
    },
    /// It was tried, and is not in the files.
    Reverted {
        /// Why.
        why: String,
    },
}

/// What became of remedies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The number of the record; none if no file was changed.
    pub record: Option<u32>,
    /// What became of each, in the order in which they were given.
    pub outcomes: Vec<Outcome>,
    /// What the tests said, if they ran.
    pub tests: Option<Tested>,
}

/// What tests said about a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Tested {
    /// With the files as they were.
    pub before: TestRun,
    /// With the files as they are, if something was kept.
    pub after: Option<TestRun>,
    /// How often they ran after a change.
    pub runs: u32,
}

/// Why no transaction took place, or it did not end.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// An earlier one did not end.
    #[error("apply remedies: number {record} was interrupted and must be recovered first")]
    Interrupted {
        /// Its record.
        record: u32,
    },
    /// The directory is not there.
    #[error("open `{}`", path.display())]
    Root {
        /// Which.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The record cannot be kept: without it nothing is changed; what was changed is taken back by [`super::recover`].
    #[error("apply remedies")]
    Journal(#[from] JournalError),
}

/// One transaction.
struct Transaction<'r> {
    remedies: &'r [Remedy],
    outcomes: Vec<Outcome>,
    root: Root,
    /// Every file that an applicable remedy changes, as it was read.
    files: BTreeMap<&'r str, Option<Held>>,
    /// The admitted remedies of each file.
    touching: BTreeMap<&'r str, Vec<usize>>,
    /// What each file that was written is now.
    now: BTreeMap<&'r str, Option<Sha256Digest>>,
}

/// Applies remedies to the files below a directory. Proposals are left alone.
///
/// # Errors
/// Where no record can be kept, or an earlier transaction was interrupted. What cannot be done to single files is an outcome.
pub fn apply(work: &mut Work<'_>, remedies: &[Remedy]) -> Result<Applied, ApplyError> {
    let journals = Journals::open(work.journals)?;
    let root =
        Root::open(work.root).map_err(|source| ApplyError::Root { path: work.root.to_owned(), source })?;
    apply_in(work, &journals, root, remedies)
}

pub(super) fn apply_in(
    work: &mut Work<'_>,
    journals: &Journals,
    root: Root,
    remedies: &[Remedy],
) -> Result<Applied, ApplyError> {
    let numbers = journals.numbers()?;
    for number in &numbers {
        if matches!(journals.read(*number)?.state, State::Applying | State::Reverting) {
            return Err(ApplyError::Interrupted { record: *number });
        }
    }
    let mut transaction = Transaction::new(root, remedies);
    let mut wanted = transaction.admit(work.tests.is_some());
    wanted = transaction.rescanned(work.rescan, wanted);
    let baseline = transaction.baseline(work, &mut wanted);
    if wanted.is_empty() {
        let tests = baseline.map(|before| Tested { before, after: None, runs: 0 });
        return Ok(Applied { record: None, outcomes: transaction.outcomes, tests });
    }
    let number = numbers.last().map_or(1, |last| last + 1);
    let mut journal = transaction.journal(&wanted);
    journals.write(number, &journal)?;
    let (kept, tests) = match baseline {
        None => (transaction.place(&wanted, &mut journal, (journals, number))?, None),
        Some(before) => {
            let (kept, tested) =
                transaction.tested(work, &wanted, before, &mut journal, (journals, number))?;
            (kept, Some(tested))
        }
    };
    for index in &kept {
        transaction.outcomes[*index] = Outcome::Applied;
    }
    let record = transaction.close(&kept, journal, (journals, number))?;
    Ok(Applied { record, outcomes: transaction.outcomes, tests })
}

// === impl Transaction ===

impl<'r> Transaction<'r> {
    fn new(root: Root, remedies: &'r [Remedy]) -> Self {
        let outcomes = vec![Outcome::Proposed; remedies.len()];
        Self {
            remedies,
            outcomes,
            root,
            files: BTreeMap::new(),
            touching: BTreeMap::new(),
            now: BTreeMap::new(),
        }
    }

    fn refuse(&mut self, index: usize, why: impl Into<String>) {
        self.outcomes[index] = Outcome::Refused { why: why.into() };
    }

    /// The files of a remedy, each once.
    fn files_of(&self, index: usize) -> BTreeSet<&'r str> {
        self.remedies[index].changes.iter().map(Change::file).collect()
    }

    /// Those that can be applied, and get along: the surest and worst findings first.
    fn admit(&mut self, tested: bool) -> Vec<usize> {
        let remedies = self.remedies;
        let mut order: Vec<usize> =
            (0..remedies.len()).filter(|index| remedies[*index].is_applicable()).collect();
        order.sort_by_key(|index| {
            let Remedy { finding, class, .. } = &remedies[*index];
            (*class, Reverse(finding.severity), &finding.place, finding.rule.id, *index)
        });
        let mut edits: BTreeMap<&str, Edits<'r>> = BTreeMap::new();
        let mut admitted = Vec::new();
        for index in order {
            if remedies[index].class == Class::B && !tested {
                self.refuse(index, "behaviour may change, and no command to run the tests was given");
            } else if let Err(why) = self.read(index) {
                self.refuse(index, why);
            } else if remedies[index]
                .changes
                .iter()
                .all(|change| edits.entry(change.file()).or_default().admits(change))
            {
                // Two changes of one remedy must get along as well; its fixer sees to that.
                for change in &remedies[index].changes {
                    edits.entry(change.file()).or_default().add(change);
                }
                for file in self.files_of(index) {
                    self.touching.entry(file).or_default().push(index);
                }
                admitted.push(index);
            } else {
                self.refuse(index, "another remedy changes the same bytes: apply again after it");
            }
        }
        admitted
    }

    /// Reads the files of a remedy, and compares them with what it was made for.
    fn read(&mut self, index: usize) -> Result<(), String> {
        for change in &self.remedies[index].changes {
            let file = change.file();
            if !self.files.contains_key(file) {
                let held = self.root.read(file).map_err(|error| chain(&error))?;
                self.files.insert(file, held);
            }
            let held = self.files[file].as_ref();
            let fits = match change {
                Change::Create { .. } => held.is_none(),
                Change::Replace { of, range, replaced, .. } => held.is_some_and(|held| {
                    held.digest == *of && held.bytes.get(range.clone()) == Some(replaced.as_slice())
                }),
            };
            if !fits {
                return Err(FileError::Changed { file: file.to_owned() }.to_string());
            }
        }
        Ok(())
    }

    /// What a file is with some of the remedies.
    fn content(&self, file: &str, set: &BTreeSet<usize>) -> Option<Vec<u8>> {
        let before = self.files[file].as_ref().map(|held| held.bytes.as_slice());
        let touching = self.touching.get(file).map_or(&[][..], Vec::as_slice);
        let chosen = touching.iter().filter(|index| set.contains(index)).map(|index| &self.remedies[*index]);
        Edits::of(file, chosen).apply(before)
    }

    /// Those after which every file parses and has nothing new. The others are said to be reverted: no file was written with them.
    fn rescanned(&mut self, rescan: &dyn Rescan, wanted: Vec<usize>) -> Vec<usize> {
        let mut kept: BTreeSet<usize> = wanted.iter().copied().collect();
        let mut unsettled: BTreeSet<&str> = self.touching.keys().copied().collect();
        while let Some(file) = unsettled.pop_first() {
            let touching: Vec<usize> =
                self.touching[file].iter().copied().filter(|index| kept.contains(index)).collect();
            if touching.is_empty() {
                continue;
            }
            let before = match &self.files[file] {
                Some(held) => rescan.scan(file, &held.bytes),
                None => Scan::default(),
            };
            let (_, rejected) = settle(&touching, &mut |set| {
                let chosen = set.iter().copied().collect();
                let after = self.content(file, &chosen).ok_or_else(|| "its changes do not fit".to_owned())?;
                let mended: Vec<_> = set
                    .iter()
                    .map(|index| &self.remedies[*index].finding)
                    .filter(|finding| finding.place.file == file)
                    .collect();
                rescan::judge(&before, &rescan.scan(file, &after), &mended)
            });
            for (index, why) in rejected {
                kept.remove(&index);
                // What stood with it in other files stands there in other company now.
                unsettled.extend(self.files_of(index).into_iter().filter(|other| *other != file));
                self.outcomes[index] = Outcome::Reverted { why };
            }
        }
        wanted.into_iter().filter(|index| kept.contains(index)).collect()
    }

    /// What the tests say as the files are, if anything needs to be judged by them; without an answer nothing that does stays.
    fn baseline(&mut self, work: &mut Work<'_>, wanted: &mut Vec<usize>) -> Option<TestRun> {
        let changing = |index: &usize| self.remedies[*index].class == Class::B;
        if !wanted.iter().any(changing) {
            return None;
        }
        let run = work.tests.as_mut()?.run().map_err(|error| chain(&error));
        let why = match run {
            // A run compared with itself tells whether anything can be told.
            Ok(run) => match run.as_green_as(&run) {
                Ok(()) => return Some(run),
                Err(why) => why,
            },
            Err(why) => why,
        };
        for index in wanted.iter().copied().filter(changing).collect::<Vec<_>>() {
            self.refuse(index, format!("behaviour may change, and the tests cannot judge it: {why}"));
        }
        wanted.retain(|index| self.remedies[*index].class != Class::B);
        None
    }

    fn journal(&self, wanted: &[usize]) -> Journal {
        let files: BTreeSet<&str> = wanted.iter().flat_map(|index| self.files_of(*index)).collect();
        let chosen = wanted.iter().copied().collect();
        let saved = files.into_iter().map(|file| {
            let mut saved = Saved::of(file, self.files[file].as_ref());
            saved.written.extend(self.content(file, &chosen).map(|bytes| Sha256Digest::of(&bytes)));
            saved
        });
        Journal { state: State::Applying, files: saved.collect(), remedies: self.noted(wanted) }
    }

    fn noted(&self, set: &[usize]) -> Vec<Noted> {
        let note = |index: &usize| {
            let Remedy { finding, what, .. } = &self.remedies[*index];
            Noted {
                rule: finding.rule.id.to_owned(),
                file: finding.place.file.clone(),
                line: finding.place.span.map(|span| span.line),
                fingerprint: finding.fingerprint.to_string(),
                what: what.clone(),
            }
        };
        set.iter().map(note).collect()
    }

    /// Brings the files to what they are with a set of remedies. A file that cannot be written loses its remedies, and they are said to be
    /// refused; returned are those that are in the files.
    fn place(
        &mut self,
        set: &[usize],
        journal: &mut Journal,
        (journals, number): (&Journals, u32),
    ) -> Result<Vec<usize>, JournalError> {
        let mut set = set.to_vec();
        loop {
            let mut grown = false;
            let chosen: BTreeSet<usize> = set.iter().copied().collect();
            for saved in &mut journal.files {
                let digest = self.content(&saved.file, &chosen).map(|bytes| Sha256Digest::of(&bytes));
                if let Some(digest) = digest.filter(|digest| !saved.written.contains(digest)) {
                    saved.written.push(digest);
                    grown = true;
                }
            }
            if grown {
                // A crash must not find bytes that nobody recorded.
                journals.write(number, journal)?;
            }
            let Err((file, why)) = self.write(&chosen) else { return Ok(set) };
            let lost: Vec<usize> =
                self.touching[file].iter().copied().filter(|index| chosen.contains(index)).collect();
            if lost.is_empty() {
                // It holds what is not wanted and cannot be written back: the record stays open, and recovery says so.
                return Err(JournalError::Stuck { file: file.to_owned(), why });
            }
            set.retain(|index| !lost.contains(index));
            lost.into_iter().for_each(|index| self.refuse(index, why.clone()));
        }
    }

    /// Writes every file that is not what it is with a set of remedies.
    fn write(&mut self, set: &BTreeSet<usize>) -> Result<(), (&'r str, String)> {
        let files: Vec<&'r str> = self.touching.keys().copied().collect();
        for file in files {
            let held = self.files[file].as_ref();
            let now = self.now.get(file).copied().unwrap_or_else(|| held.map(|held| held.digest));
            let wanted = self.content(file, set);
            let digest = wanted.as_deref().map(Sha256Digest::of);
            if digest == now {
                continue;
            }
            let written = match (&wanted, now) {
                (Some(bytes), _) => self.root.write(file, bytes, now, held.map(|held| held.access)),
                (None, Some(now)) => self.root.remove(file, now),
                (None, None) => Ok(()),
            };
            written.map_err(|error| (file, chain(&error)))?;
            self.now.insert(file, digest);
        }
        Ok(())
    }

    /// Those with which the tests are as green as before; the files are what they are with them.
    fn tested(
        &mut self,
        work: &mut Work<'_>,
        wanted: &[usize],
        before: TestRun,
        journal: &mut Journal,
        at: (&Journals, u32),
    ) -> Result<(Vec<usize>, Tested), JournalError> {
        let (mut runs, mut broken, mut lost) = (0, None, BTreeSet::new());
        let mut after = None;
        let (kept, rejected) = settle(wanted, &mut |set| {
            if broken.is_some() || runs >= work.test_runs_max {
                return Err("the tests may not run again to judge it".to_owned());
            }
            let set: Vec<usize> = set.iter().copied().filter(|index| !lost.contains(index)).collect();
            match self.place(&set, journal, at) {
                Ok(placed) => lost.extend(set.into_iter().filter(|index| !placed.contains(index))),
                Err(error) => {
                    broken = Some(error);
                    return Err(String::new());
                }
            }
            runs += 1;
            let run = work.tests.as_mut().map(|tests| tests.run());
            match run {
                None => Err("there are no tests".to_owned()),
                Some(Err(error)) => Err(chain(&error)),
                Some(Ok(run)) => {
                    run.as_green_as(&before)?;
                    after = Some(run);
                    Ok(())
                }
            }
        });
        if let Some(error) = broken {
            return Err(error);
        }
        for (index, why) in rejected {
            // What could not be written has its reason already.
            if !lost.contains(&index) {
                self.outcomes[index] = Outcome::Reverted { why };
            }
        }
        let kept: Vec<usize> = kept.into_iter().filter(|index| !lost.contains(index)).collect();
        let kept = self.place(&kept, journal, at)?;
        Ok((kept, Tested { before, after, runs }))
    }

    /// Ends the record: what it keeps is what changed.
    fn close(
        &self,
        kept: &[usize],
        mut journal: Journal,
        (journals, number): (&Journals, u32),
    ) -> Result<Option<u32>, JournalError> {
        let changed: BTreeSet<&str> = kept.iter().flat_map(|index| self.files_of(*index)).collect();
        journal.files.retain(|saved| changed.contains(saved.file.as_str()));
        journal.remedies = self.noted(kept);
        journal.state = if changed.is_empty() { State::Reverted } else { State::Applied };
        journals.write(number, &journal)?;
        Ok((!changed.is_empty()).then_some(number))
    }
}
