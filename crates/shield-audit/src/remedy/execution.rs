//! What was selected, brought into the files: recorded first, tested after, and taken back where the tests are less green.

use std::collections::BTreeSet;

use shield_types::chain;

use super::{
    ApplyError, Class, Outcome, Remedy, TestError, Tested, Work,
    edit::Fate,
    journal::{Journal, JournalError, Journals, Noted, Saved, State},
    selection::{MISFIT, Transaction},
    settle::settle,
    suite::TestRun,
};

// === impl Transaction ===

impl<'r> Transaction<'r> {
    /// What the tests say as the files are, if anything needs to be judged by them; without an answer nothing that does stays.
    pub(super) fn baseline(
        &mut self,
        work: &mut Work<'_>,
        wanted: &mut Vec<usize>,
    ) -> Result<Option<TestRun>, ApplyError> {
        let changing = |index: &usize| self.remedies[*index].class == Class::B;
        if !wanted.iter().any(changing) {
            return Ok(None);
        }
        let Some(tests) = work.tests.as_mut() else { return Ok(None) };
        let why = match tests.run() {
            // A run compared with itself tells whether anything can be told.
            Ok(run) => match run.as_green_as(&run) {
                Ok(()) => return Ok(Some(run)),
                Err(why) => why,
            },
            Err(TestError::Stopped { .. }) => return Err(ApplyError::Stopped),
            Err(error) => chain(&error),
        };
        for index in wanted.iter().copied().filter(changing).collect::<Vec<_>>() {
            self.refuse(index, format!("behaviour may change, and the tests cannot judge it: {why}"));
        }
        wanted.retain(|index| self.remedies[*index].class != Class::B);
        Ok(None)
    }

    pub(super) fn journal(&self, wanted: &[usize]) -> Journal {
        let files: BTreeSet<&str> = wanted.iter().flat_map(|index| self.files_of(*index)).collect();
        let chosen = wanted.iter().copied().collect();
        let saved = files.into_iter().map(|file| {
            let mut saved = Saved::of(file, self.files[file].as_ref());
            if let Some(fate) = self.content(file, &chosen) {
                saved.expect(fate.digest());
            }
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
    pub(super) fn place(
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
                let fate = self.content(&saved.file, &chosen);
                grown |= fate.is_some_and(|fate| saved.expect(fate.digest()));
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
            let wanted = self.content(file, set).ok_or_else(|| (file, MISFIT.to_owned()))?;
            let digest = wanted.digest();
            if digest == now {
                continue;
            }
            let written = match (&wanted, now) {
                (Fate::Is(bytes), _) => self.root.write(file, bytes, now, held.map(|held| held.access)),
                (Fate::Gone, Some(now)) => self.root.remove(file, now),
                (Fate::Gone, None) => Ok(()),
            };
            written.map_err(|error| (file, chain(&error)))?;
            self.now.insert(file, digest);
        }
        Ok(())
    }

    /// Those with which the tests are as green as before; the files are what they are with them.
    pub(super) fn tested(
        &mut self,
        work: &mut Work<'_>,
        wanted: &[usize],
        before: TestRun,
        journal: &mut Journal,
        at: (&Journals, u32),
    ) -> Result<(Vec<usize>, Tested), ApplyError> {
        let (mut runs, mut broken, mut lost) = (0, None::<ApplyError>, BTreeSet::new());
        let mut after = None;
        let (kept, rejected) = settle(wanted, &mut |set| {
            if broken.is_some() || runs >= work.test_runs_max {
                return Err("the tests may not run again to judge it".to_owned());
            }
            let set: Vec<usize> = set.iter().copied().filter(|index| !lost.contains(index)).collect();
            match self.place(&set, journal, at) {
                Ok(placed) => lost.extend(set.into_iter().filter(|index| !placed.contains(index))),
                Err(error) => {
                    broken = Some(error.into());
                    return Err(String::new());
                }
            }
            runs += 1;
            let run = work.tests.as_mut().map(|tests| tests.run());
            match run {
                None => Err("there are no tests".to_owned()),
                Some(Err(TestError::Stopped { .. })) => {
                    broken = Some(ApplyError::Stopped);
                    Err(String::new())
                }
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
    pub(super) fn close(
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
