//! Reading of files, each once.

use std::{cell::Cell, fs::File, io, io::Read};

use rayon::{ThreadPoolBuilder, prelude::*};
use rustix::{buffer::spare_capacity, io::retry_on_intr};

use super::{Entry, Reason, Settings, Skipped, Tree};

/// Stack of a reading thread, in bytes. Only what is used is ever taken from the system; a syntax tree is as deep as its source
/// is nested.
const STACK_BYTES: usize = 64 << 20;
/// Room for a piece of a file that has more than it said.
const SPARE_BYTES: usize = 8_192;
/// So much of a large file shows whether it is text, as `git` looks at it.
const SNIFFED_BYTES: u64 = 8_000;

thread_local! {
    /// What the last file of a thread was read into: files are small and many, and memory that was just used is quick.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// What came of a visit.
#[derive(Debug, PartialEq, Eq)]
pub struct Visited<T> {
    /// What was made of each wanted file that could be read, in the order of their paths.
    pub results: Vec<T>,
    /// What was not read: of the walk and of this visit, in the order of their paths.
    pub skipped: Vec<Skipped>,
}

// === impl Tree ===

impl Tree {
    /// Reads every wanted file once and hands it over, on as many threads as the settings say; the answer is the same for any
    /// number. Only one file per thread is in memory at a time.
    ///
    /// # Panics
    /// If `look` does, or if the system has no threads left.
    pub fn visit<T: Send>(
        &self,
        settings: &Settings,
        wanted: impl Fn(&Entry) -> bool + Sync,
        look: impl Fn(&Entry, &[u8]) -> T + Sync,
    ) -> Visited<T> {
        let read = |entry: &Entry| {
            let mut bytes = BUFFER.take();
            bytes.clear();
            let outcome = match read_into(&mut bytes, entry, settings.file_bytes_max) {
                Ok(()) => Ok(look(entry, &bytes)),
                Err(reason) => Err(Skipped { path: entry.path.clone(), reason }),
            };
            BUFFER.set(bytes);
            outcome
        };
        let threads =
            ThreadPoolBuilder::new().num_threads(settings.threads.get()).stack_size(STACK_BYTES).build();
        let threads = threads.expect("a thread can be started");
        let outcomes: Vec<_> = threads.install(|| {
            // Big files may follow each other: small pieces keep every thread busy to the end.
            self.entries.par_iter().with_max_len(8).filter(|entry| wanted(entry)).map(read).collect()
        });
        let mut visited =
            Visited { results: Vec::with_capacity(outcomes.len()), skipped: self.skipped.clone() };
        for outcome in outcomes {
            match outcome {
                Ok(result) => visited.results.push(result),
                Err(skipped) => visited.skipped.push(skipped),
            }
        }
        let aside = self.aside.iter().filter(|(entry, _)| wanted(entry));
        visited.skipped.extend(
            aside.map(|(entry, reason)| Skipped { path: entry.path.clone(), reason: reason.clone() }),
        );
        visited.skipped.sort_unstable();
        visited
    }
}

/// Reads a file, unless it has too many bytes.
fn read_into(bytes: &mut Vec<u8>, entry: &Entry, limit_bytes: u64) -> Result<(), Reason> {
    let unreadable = |error: io::Error| Reason::unreadable(&error);
    let file = File::open(&entry.location).map_err(unreadable)?;
    let expected = file.metadata().map_err(unreadable)?.len();
    if expected > limit_bytes {
        return Err(too_large(&file, limit_bytes));
    }
    bytes.reserve(usize::try_from(expected).unwrap_or_default().max(SPARE_BYTES));
    loop {
        let read = retry_on_intr(|| rustix::io::read(&file, spare_capacity(bytes)));
        let ended = read.map_err(|error| unreadable(error.into()))? == 0;
        // Some file systems say that there is nothing and have it; all else has what was said, without asking for more.
        let whole = expected > 0 && bytes.len() as u64 >= expected;
        if ended || whole || bytes.len() as u64 > limit_bytes {
            break;
        }
        bytes.reserve(SPARE_BYTES);
    }
    if bytes.len() as u64 > limit_bytes {
        return Err(Reason::TooLarge { limit_bytes });
    }
    Ok(())
}

/// A large file is a gap only if it may be text: nobody reads an image or a database line by line.
fn too_large(file: &File, limit_bytes: u64) -> Reason {
    let mut beginning = Vec::new();
    let read = file.take(SNIFFED_BYTES).read_to_end(&mut beginning);
    match read {
        Ok(_) if memchr::memchr(0, &beginning).is_some() => Reason::LargeBinary { limit_bytes },
        _ => Reason::TooLarge { limit_bytes },
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, num::NonZeroUsize};

    use super::*;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
        let root = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(root.path().join(name), text).unwrap();
        }
        let tree = Tree::walk(root.path(), &Settings::default()).unwrap();
        (root, tree)
    }

    fn visit(tree: &Tree, threads: usize, file_bytes_max: u64) -> Visited<String> {
        let threads = NonZeroUsize::new(threads).unwrap();
        let settings = Settings { threads, file_bytes_max, ..Settings::default() };
        tree.visit(
            &settings,
            |entry| entry.path.ends_with(".py"),
            |entry, bytes| format!("{}={}", entry.path, String::from_utf8_lossy(bytes)),
        )
    }

    #[test]
    fn order_is_of_paths_for_any_threads() {
        let names: Vec<_> = (0..200).map(|number| format!("{number:03}.py")).collect();
        let files: Vec<_> = names.iter().map(|name| (name.as_str(), name.as_str())).collect();
        let (_root, tree) = tree(&files);
        let one = visit(&tree, 1, 100);
        assert_eq!(one, visit(&tree, 7, 100));
        assert!(one.results.is_sorted() && one.results.len() == 200);
    }

    #[test]
    fn too_large_and_vanished_are_named() {
        let (root, tree) = tree(&[
            ("a.py", "1234"),
            ("b.py", "12345"),
            ("c.py", ""),
            ("d.py", "123\x005"),
            ("large.txt", "12345678"),
        ]);
        fs::remove_file(root.path().join("c.py")).unwrap();
        let visited = visit(&tree, 2, 4);
        assert_eq!(visited.results, ["a.py=1234"]);
        let skipped: Vec<_> = visited.skipped.iter().map(Skipped::to_string).collect();
        assert_eq!(
            skipped,
            [
                "b.py: larger than 4 bytes",
                "c.py: not readable: entity not found",
                "d.py: no text, and larger than 4 bytes"
            ]
        );
    }
}
