//! Which remedies can be in the files together, judged before any file is touched.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use shield_types::{Sha256Digest, chain};

use super::{
    Change, Class, Outcome, Remedy,
    edit::{Edits, Fate},
    rescan::{self, Rescan, Scan},
    root::{FileError, Held, Root},
    settle::settle,
};

/// Why changes of a file are not made.
pub(super) const MISFIT: &str = "its changes do not fit";

/// One transaction.
pub(super) struct Transaction<'r> {
    pub(super) remedies: &'r [Remedy],
    pub(super) outcomes: Vec<Outcome>,
    pub(super) root: Root,
    /// Every file that an applicable remedy changes, as it was read.
    pub(super) files: BTreeMap<&'r str, Option<Held>>,
    /// The admitted remedies of each file.
    pub(super) touching: BTreeMap<&'r str, Vec<usize>>,
    /// What each file that was written is now.
    pub(super) now: BTreeMap<&'r str, Option<Sha256Digest>>,
}

// === impl Transaction ===

impl<'r> Transaction<'r> {
    pub(super) fn new(root: Root, remedies: &'r [Remedy]) -> Self {
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

    pub(super) fn refuse(&mut self, index: usize, why: impl Into<String>) {
        self.outcomes[index] = Outcome::Refused { why: why.into() };
    }

    /// The files of a remedy, each once.
    pub(super) fn files_of(&self, index: usize) -> BTreeSet<&'r str> {
        self.remedies[index].changes.iter().map(Change::file).collect()
    }

    /// Those that can be applied, and get along: the surest and worst findings first.
    pub(super) fn admit(&mut self, tested: bool) -> Vec<usize> {
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
            if held.is_some_and(|held| held.linked) {
                return Err(FileError::Linked { file: file.to_owned() }.to_string());
            }
            let fits = match change {
                Change::Create { .. } => held.is_none(),
                Change::Remove { of, .. } => held.is_some_and(|held| held.digest == *of),
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

    /// What a file is with some of the remedies; `None` if their changes do not fit it.
    pub(super) fn content(&self, file: &str, set: &BTreeSet<usize>) -> Option<Fate> {
        let before = self.files[file].as_ref().map(|held| held.bytes.as_slice());
        let touching = self.touching.get(file).map_or(&[][..], Vec::as_slice);
        let chosen = touching.iter().filter(|index| set.contains(index)).map(|index| &self.remedies[*index]);
        Edits::of(file, chosen).apply(before)
    }

    /// Those after which every file parses and has nothing new. The others are said to be reverted: no file was written with them.
    pub(super) fn rescanned(&mut self, rescan: &dyn Rescan, wanted: Vec<usize>) -> Vec<usize> {
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
                let after = match self.content(file, &chosen) {
                    Some(Fate::Is(bytes)) => rescan.scan(file, &bytes),
                    // In no file there is nothing to find.
                    Some(Fate::Gone) => Scan::default(),
                    None => return Err(MISFIT.to_owned()),
                };
                let mended: Vec<_> = set
                    .iter()
                    .map(|index| &self.remedies[*index].finding)
                    .filter(|finding| finding.place.file == file)
                    .collect();
                rescan::judge(&before, &after, &mended)
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
}
