//! Changes of one file: whether they get along, and what comes out.
//!
//! Two changes get along if they replace different bytes; equal ones are one. Insertions at one place stand in the order of their
//! texts, before what is replaced from there on. What makes or removes a file gets along with nothing but its like. So the outcome depends on the set of changes alone, never on their order.

use std::collections::BTreeSet;

use shield_types::Sha256Digest;

use super::{Change, Remedy};

/// One replacement: where it begins, where it ends, what stands there then.
type Replacement<'r> = (usize, usize, &'r [u8]);

/// The changes of one file by several remedies.
#[derive(Clone, Debug, Default)]
pub(super) struct Edits<'r> {
    replacements: BTreeSet<Replacement<'r>>,
    whole: Option<Whole<'r>>,
}

/// A change of a whole file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whole<'r> {
    Created(&'r [u8]),
    Removed,
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It has these bytes.
    Is(Vec<u8>),
    /// There is none.
    Gone,
}

// === impl Fate ===

impl Fate {
    #[cfg(test)]
    pub(super) fn bytes(self) -> Vec<u8> {
        match self {
            Self::Is(bytes) => bytes,
            Self::Gone => panic!("there is no file"),
        }
    }

    /// The digest of the file's bytes; none if there is no file.
    pub(super) fn digest(&self) -> Option<Sha256Digest> {
        match self {
            Self::Is(bytes) => Some(Sha256Digest::of(bytes)),
            Self::Gone => None,
        }
    }
}

// === impl Edits ===

impl<'r> Edits<'r> {
    /// The changes that remedies make in a file.
    pub(super) fn of(file: &str, remedies: impl IntoIterator<Item = &'r Remedy>) -> Self {
        let mut edits = Self::default();
        let changes = remedies.into_iter().flat_map(|remedy| &remedy.changes);
        changes.filter(|change| change.file() == file).for_each(|change| edits.add(change));
        edits
    }

    /// Adds a change; whether it gets along with those that are there is another question.
    pub(super) fn add(&mut self, change: &'r Change) {
        match change {
            Change::Replace { range, text, .. } => {
                self.replacements.insert((range.start, range.end, text));
            }
            Change::Create { text, .. } => self.whole = Some(Whole::Created(text)),
            Change::Remove { .. } => self.whole = Some(Whole::Removed),
        }
    }

    /// Whether a change gets along with those that are there.
    pub(super) fn admits(&self, change: &Change) -> bool {
        match change {
            Change::Create { text, .. } => self.admits_whole(Whole::Created(text)),
            Change::Remove { .. } => self.admits_whole(Whole::Removed),
            Change::Replace { range, text, .. } => {
                let (start, end) = (range.start, range.end);
                if self.whole.is_some() {
                    return false;
                }
                if self.replacements.contains(&(start, end, text.as_slice())) {
                    return true;
                }
                // Those that are there do not overlap, so only the last one before matters, and all that begin inside. What is inserted
                // at the start stands before what is replaced.
                let before = self.replacements.range(..(start, 0, &[][..])).next_back();
                let mut inside = self.replacements.range((start, 0, &[][..])..(end, 0, &[][..]));
                before.is_none_or(|other| other.1 <= start)
                    && inside.all(|other| other.0 == start && other.1 == start)
            }
        }
    }

    fn admits_whole(&self, whole: Whole<'_>) -> bool {
        self.replacements.is_empty() && self.whole.is_none_or(|already| already == whole)
    }

    /// What becomes of the file; `None` if a change does not fit it.
    pub(super) fn apply(&self, before: Option<&[u8]>) -> Option<Fate> {
        let before = match (before, self.whole) {
            (Some(_), Some(Whole::Removed)) | (None, None) => return Some(Fate::Gone),
            (None, Some(Whole::Created(text))) => return Some(Fate::Is(text.to_vec())),
            (None, Some(Whole::Removed)) => return None,
            (Some(before), _) => before,
        };
        let added: usize = self.replacements.iter().map(|(_, _, text)| text.len()).sum();
        let mut after = Vec::with_capacity(before.len() + added);
        let mut at = 0;
        for &(start, end, text) in &self.replacements {
            after.extend_from_slice(before.get(at..start)?);
            after.extend_from_slice(text);
            at = end;
        }
        after.extend_from_slice(before.get(at..)?);
        Some(Fate::Is(after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &[u8] = b"0123456789";

    fn change(start: usize, end: usize, text: &str) -> Change {
        Change::replace("a", (FILE, Sha256Digest::of(FILE)), start..end, text.as_bytes().to_vec()).unwrap()
    }

    fn admitted(changes: &[Change]) -> (Vec<usize>, String) {
        let mut edits = Edits::default();
        let mut taken = Vec::new();
        for (number, change) in changes.iter().enumerate() {
            if edits.admits(change) {
                edits.add(change);
                taken.push(number);
            }
        }
        (taken, text(&edits))
    }

    fn text(edits: &Edits<'_>) -> String {
        match edits.apply(Some(FILE)).unwrap() {
            Fate::Is(bytes) => String::from_utf8(bytes).unwrap(),
            Fate::Gone => "gone".to_owned(),
        }
    }

    #[test]
    fn overlapping_changes_are_refused() {
        let (taken, text) =
            admitted(&[change(2, 5, "x"), change(4, 6, "y"), change(5, 7, "z"), change(0, 3, "")]);
        assert_eq!((taken, text.as_str()), (vec![0, 2], "01xz789"));
        assert_eq!(admitted(&[change(2, 5, "x"), change(2, 6, "y")]).0, [0]);
        assert_eq!(admitted(&[change(2, 6, "x"), change(2, 5, "y")]).0, [0]);
        assert_eq!(admitted(&[change(3, 4, "x"), change(2, 6, "y")]).0, [0]);
        assert_eq!(admitted(&[change(2, 6, "x"), change(3, 3, "y")]).0, [0]);
        assert_eq!(admitted(&[change(3, 3, "x"), change(2, 6, "y")]).0, [0]);
    }

    #[test]
    fn insertions_beside_are_admitted() {
        let (taken, text) =
            admitted(&[change(5, 5, "b"), change(2, 5, "x"), change(2, 2, "i"), change(5, 5, "a")]);
        assert_eq!((taken.len(), text.as_str()), (4, "01ixab56789"));
        assert_eq!(admitted(&[change(2, 2, "i"), change(2, 5, "x"), change(2, 2, "i")]).1, "01ix56789");
    }

    #[test]
    fn removal_stands_alone() {
        let remove = || Change::Remove { file: "a".to_owned(), of: Sha256Digest::of(FILE) };
        assert_eq!(admitted(&[remove(), change(2, 5, "x"), remove()]), (vec![0, 2], "gone".to_owned()));
        assert_eq!(admitted(&[change(2, 5, "x"), remove()]).0, [0]);
        let made = Change::Create { file: "a".to_owned(), text: b"x".to_vec() };
        assert_eq!(admitted(&[remove(), made]).0, [0]);
    }

    proptest! {
        #[test]
        fn admitted_never_overlap(parts in prop::collection::vec((0_usize..10, 0_usize..4, "[ab]{0,2}"), 0..8)) {
            let changes: Vec<Change> =
                parts.iter().map(|(start, length, text)| change(*start, (start + length).min(10), text)).collect();
            let (taken, text) = admitted(&changes);
            let mut kept: Vec<_> = taken.iter().map(|number| &changes[*number]).collect();
            kept.sort_by_key(|change| match change {
                Change::Replace { range, text, .. } => (range.start, range.end, text.clone()),
                Change::Create { .. } | Change::Remove { .. } => unreachable!(),
            });
            kept.dedup();
            let (mut end, mut length) = (0, FILE.len());
            for change in kept {
                let Change::Replace { range, text, .. } = change else { unreachable!() };
                prop_assert!(range.start >= end);
                end = range.end;
                length = length - range.len() + text.len();
            }
            prop_assert_eq!(text.len(), length);
        }
    }
}
