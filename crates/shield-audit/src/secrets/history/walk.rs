//! The blobs that commits bring, parents before children.

use std::{
    io::{self, BufRead, BufReader},
    process::{ChildStdout, Stdio},
};

use super::{
    HistoryError,
    git::{Git, Running},
    objects::ObjectName,
};

/// One thing that the walk comes upon.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The changes of another commit begin. A merge begins once for each of its parents.
    Commit(String),
    /// The commit has a blob at a path where its parent has another or none.
    Blob { name: ObjectName, path: String },
}

/// The walk over all commits that a reference or a log of one leads to.
#[derive(Debug)]
pub(super) struct Walk {
    commits: Running,
    changes: Running,
    entries: Entries<BufReader<ChildStdout>>,
}

/// The entries of `git diff-tree -z --stdin`.
#[derive(Debug)]
struct Entries<R> {
    from: R,
}

// === impl Walk ===

impl Walk {
    pub(super) fn start(git: &Git) -> Result<Self, HistoryError> {
        let (commits, listed) =
            git.start("rev-list", &["--all", "--reflog", "--topo-order", "--reverse"], Stdio::null())?;
        // Both parents of a merge are compared, so that what was changed while merging is seen.
        let options = [
            "--stdin",
            "--root",
            "-r",
            "-m",
            "-z",
            "--raw",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            "--diff-filter=AMT",
        ];
        let (changes, entries) = git.start("diff-tree", &options, Stdio::from(listed))?;
        Ok(Self { commits, changes, entries: Entries { from: BufReader::new(entries) } })
    }

    /// The next step; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Step>, HistoryError> {
        self.entries.next().map_err(|source| HistoryError::Answer { command: "diff-tree", source })
    }

    /// Whether the walk saw all commits.
    pub(super) fn end(self) -> Result<(), String> {
        drop(self.entries);
        let (changes, commits) = (self.changes.end(), self.commits.end());
        // Who lists the commits knows best what is wrong; who reads them only saw an early end.
        commits.and(changes)
    }
}

// === impl Entries ===

impl<R: BufRead> Entries<R> {
    fn next(&mut self) -> io::Result<Option<Step>> {
        while let Some(entry) = self.field()? {
            let Some(raw) = entry.strip_prefix(b":") else {
                return Ok(Some(Step::Commit(String::from_utf8_lossy(entry.trim_ascii()).into_owned())));
            };
            let path = self.field()?.ok_or(io::ErrorKind::UnexpectedEof)?;
            let raw = String::from_utf8_lossy(raw);
            let mut fields = raw.split(' ').skip(1);
            let (mode, name) = (fields.next().unwrap_or_default(), fields.nth(1).unwrap_or_default());
            let name = ObjectName::parse(name).ok_or(io::ErrorKind::InvalidData)?;
            // Not the commits of submodules, which are in other repositories.
            if mode != "160000" {
                return Ok(Some(Step::Blob { name, path: String::from_utf8_lossy(&path).into_owned() }));
            }
        }
        Ok(None)
    }

    /// What comes up to the next zero; none at the end.
    fn field(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut field = Vec::new();
        self.from.read_until(0, &mut field)?;
        match field.pop() {
            None => Ok(None),
            Some(0) => Ok(Some(field)),
            Some(_) => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(text: &str) -> io::Result<Vec<Step>> {
        let mut entries = Entries { from: text.as_bytes() };
        std::iter::from_fn(|| entries.next().transpose()).collect()
    }

    #[test]
    fn entries_are_read() {
        let (old, new) = ("0".repeat(40), "a".repeat(40));
        let text =
            format!("c1\0:000000 100644 {old} {new} A\0a b\n:x\0:000000 160000 {old} {new} A\0sub\0c2\0");
        let blob = Step::Blob { name: ObjectName::parse(&new).unwrap(), path: "a b\n:x".to_owned() };
        let expected = [Step::Commit("c1".to_owned()), blob, Step::Commit("c2".to_owned())];
        assert_eq!(steps(&text).unwrap(), expected);
    }

    #[test]
    fn torn_entries_are_errors() {
        for text in [":000000 100644 00 aa A\0", ":000000 100644 00 zz A\0x\0", "c1"] {
            assert!(steps(text).is_err(), "{text:?}");
        }
    }
}
