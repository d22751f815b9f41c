//! Results by what they are about, each with a digest of all that it was made of; read from bytes and written to bytes.
//!
//! The bytes are a mark, the digest of the program, the digest of what follows, a list of entries, and their results one behind
//! the other. That second digest finds damage, not malice.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::Range,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use serde::{Deserialize, Serialize};
use shield_types::{DigestHasher, Sha256Digest};

use super::rules::{Rules, StoredRule};

/// More is not kept: an audit has little memory.
pub const BYTES_MAX: usize = 64 << 20;

/// What every cache begins with. The last digit counts its forms.
const MARK: &[u8; 16] = b"shield audit 001";
const DIGEST_BYTES: usize = 32;
/// What the list says of a result beside its name, at most.
const ENTRY_BYTES: usize = DIGEST_BYTES + 16;
const HEAD_BYTES: usize = MARK.len() + 2 * DIGEST_BYTES;

/// What a result is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// What one file shows by itself; named by its path.
    File,
    /// Where data flows through the whole project.
    Flows,
    /// The import graph.
    Imports,
    /// What the text of one module says of imports; named by its absolute path, as the next.
    Facts,
    /// The names that the text of one module does not bind.
    Undefined,
}

/// All that a result was made of, as a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Guard(Sha256Digest);

/// Results of an audit before, and of this one. Any number of threads may ask it and add to it.
pub struct Cache {
    /// The program that made the results, and makes them.
    program: Sha256Digest,
    /// The bytes of the cache before; empty if there was none that counts.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Where in `entries` something is.
    index: HashMap<Kind, HashMap<String, usize>>,
    rules: Rules,
    made: Mutex<Made>,
}

/// A result of an audit before.
struct Entry {
    kind: Kind,
    name: String,
    guard: Guard,
    /// Where in the bytes.
    at: Range<usize>,
    /// Whether this audit took it.
    taken: AtomicBool,
}

/// Results of this audit.
#[derive(Default)]
struct Made {
    results: BTreeMap<(Kind, String), (Guard, Vec<u8>)>,
    /// How many there are of each kind.
    bytes: BTreeMap<Kind, usize>,
}

/// Everything that is to be kept.
type All<'a> = BTreeMap<(Kind, &'a str), (Guard, &'a [u8])>;

/// What the results follow.
#[derive(Serialize, Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    rules: Vec<StoredRule<'a>>,
    #[serde(borrow)]
    entries: Vec<ListEntry<'a>>,
}

#[derive(Serialize, Deserialize)]
struct ListEntry<'a> {
    kind: Kind,
    name: &'a str,
    guard: [u8; DIGEST_BYTES],
    bytes: usize,
}

// === impl Guard ===

impl Guard {
    /// Of parts, in this order; where one ends and the next begins is part of it.
    pub(crate) fn of<'p>(parts: impl IntoIterator<Item = &'p [u8]>) -> Self {
        let mut hasher = DigestHasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(hasher.finish())
    }

    /// Its bytes.
    pub(crate) fn as_bytes(&self) -> &[u8; DIGEST_BYTES] {
        self.0.as_bytes()
    }
}

// === impl Cache ===

impl Cache {
    /// What `bytes` hold of audits that this program made: nothing, if they are no cache, or damaged, or another program's.
    /// `program` is the digest of everything that decides what is found: the executable, and rules that are not in it.
    #[must_use]
    pub fn open(bytes: Vec<u8>, program: Sha256Digest) -> Self {
        let parsed = parse(&bytes, program);
        let (entries, rules, bytes) = match parsed {
            Some((entries, rules)) => (entries, rules, bytes),
            None => (Vec::new(), Rules::default(), Vec::new()),
        };
        let mut index: HashMap<Kind, HashMap<String, usize>> = HashMap::new();
        for (at, entry) in entries.iter().enumerate() {
            index.entry(entry.kind).or_default().insert(entry.name.clone(), at);
        }
        Self { program, bytes, entries, index, rules, made: Mutex::default() }
    }

    /// What to keep for the next audit: what this one took and made. None if that is what was there already.
    #[must_use]
    pub fn into_bytes(self) -> Option<Vec<u8>> {
        let made = self.made.into_inner().unwrap_or_else(PoisonError::into_inner);
        if made.results.is_empty() && self.entries.iter().all(|entry| entry.taken.load(Ordering::Relaxed)) {
            return None;
        }
        let mut all = All::new();
        let taken = self.entries.iter().filter(|entry| entry.taken.load(Ordering::Relaxed));
        all.extend(
            taken.map(|entry| {
                ((entry.kind, entry.name.as_str()), (entry.guard, &self.bytes[entry.at.clone()]))
            }),
        );
        all.extend(
            made.results
                .iter()
                .map(|((kind, name), (guard, result))| ((*kind, name.as_str()), (*guard, result.as_slice()))),
        );
        limit(&mut all, BYTES_MAX);
        Some(written(self.program, &self.rules, &all))
    }

    /// The rules that results name.
    pub(super) const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// A result that is there for exactly this guard, as it was made; [`Self::take`] keeps it.
    pub(super) fn look<'c, T: Deserialize<'c>>(&'c self, kind: Kind, name: &str, guard: Guard) -> Option<T> {
        let entry = self.entry(kind, name).filter(|entry| entry.guard == guard)?;
        postcard::from_bytes(&self.bytes[entry.at.clone()]).ok()
    }

    /// Keeps a result for the next audit.
    pub(super) fn take(&self, kind: Kind, name: &str) {
        if let Some(entry) = self.entry(kind, name) {
            entry.taken.store(true, Ordering::Relaxed);
        }
    }

    /// Keeps all results of a kind: another one made of them was taken.
    pub(crate) fn take_all(&self, kind: Kind) {
        let all = self.entries.iter().filter(|entry| entry.kind == kind);
        all.for_each(|entry| entry.taken.store(true, Ordering::Relaxed));
    }

    /// Keeps a new result, in place of one that was there. One too many is left out: the next audit makes it again.
    pub(super) fn put(&self, kind: Kind, name: &str, guard: Guard, result: &impl Serialize) {
        let Ok(result) = postcard::to_allocvec(result) else { return };
        let mut made = self.made();
        let made = &mut *made;
        let bytes = made.bytes.entry(kind).or_default();
        *bytes += name.len() + result.len() + ENTRY_BYTES;
        if *bytes <= BYTES_MAX {
            made.results.insert((kind, name.to_owned()), (guard, result));
        }
    }

    fn entry(&self, kind: Kind, name: &str) -> Option<&Entry> {
        self.index.get(&kind)?.get(name).map(|at| &self.entries[*at])
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cache")
            .field("program", &self.program)
            .field("entries", &self.entries.len())
            .finish()
    }
}

/// The entries and rules of a cache of this program that is whole.
fn parse(bytes: &[u8], program: Sha256Digest) -> Option<(Vec<Entry>, Rules)> {
    let rest = bytes.strip_prefix(MARK)?.strip_prefix(program.as_bytes())?;
    let (digest, rest) = rest.split_at_checked(DIGEST_BYTES)?;
    if Sha256Digest::of(rest).as_bytes() != digest {
        return None;
    }
    let (list, results) = postcard::take_from_bytes::<List<'_>>(rest).ok()?;
    let mut at = bytes.len() - results.len();
    let mut entries = Vec::new();
    for ListEntry { kind, name, guard, bytes: length } in list.entries {
        let end = at.checked_add(length).filter(|end| *end <= bytes.len())?;
        entries.push(Entry {
            kind,
            name: name.to_owned(),
            guard: Guard(Sha256Digest::from_bytes(guard)),
            at: at..end,
            taken: AtomicBool::new(false),
        });
        at = end;
    }
    (at == bytes.len()).then(|| (entries, Rules::of(&list.rules)))
}

/// Leaves out what is too much, from the last.
fn limit(all: &mut All<'_>, bytes_max: usize) {
    let mut left = bytes_max;
    all.retain(|(_, name), (_, result)| {
        let kept = left.checked_sub(name.len() + result.len() + ENTRY_BYTES);
        left = kept.unwrap_or(left);
        kept.is_some()
    });
}

fn written(program: Sha256Digest, rules: &Rules, all: &All<'_>) -> Vec<u8> {
    let entries = all.iter().map(|((kind, name), (guard, result))| ListEntry {
        kind: *kind,
        name,
        guard: *guard.as_bytes(),
        bytes: result.len(),
    });
    let list = List { rules: rules.stored(), entries: entries.collect() };
    let mut bytes = [MARK.as_slice(), program.as_bytes(), &[0; DIGEST_BYTES]].concat();
    bytes = postcard::to_extend(&list, bytes).expect("memory takes any number of bytes");
    all.values().for_each(|(_, result)| bytes.extend_from_slice(result));
    let digest = Sha256Digest::of(&bytes[HEAD_BYTES..]);
    bytes[HEAD_BYTES - DIGEST_BYTES..HEAD_BYTES].copy_from_slice(digest.as_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Sha256Digest {
        Sha256Digest::of(b"program")
    }

    fn guard(text: &str) -> Guard {
        Guard::of([text.as_bytes()])
    }

    #[test]
    fn results_come_back_under_their_guard_only() {
        let cache = Cache::open(Vec::new(), program());
        cache.put(Kind::File, "a", guard("1"), &"one");
        cache.put(Kind::Facts, "a", guard("1"), &"two");
        let bytes = cache.into_bytes().unwrap();
        let cache = Cache::open(bytes, program());
        let look = |kind, name, text| cache.look::<&str>(kind, name, guard(text));
        assert_eq!(look(Kind::File, "a", "1"), Some("one"));
        assert_eq!(look(Kind::Facts, "a", "1"), Some("two"));
        for (kind, name, text) in [(Kind::File, "a", "2"), (Kind::File, "b", "1"), (Kind::Flows, "a", "1")] {
            assert_eq!(look(kind, name, text), None);
        }
        cache.take(Kind::File, "a");
        let bytes = cache.into_bytes().unwrap();
        let cache = Cache::open(bytes, program());
        assert_eq!(cache.look::<&str>(Kind::Facts, "a", guard("1")), None, "nobody took it");
        assert_eq!(cache.look::<&str>(Kind::File, "a", guard("1")), Some("one"));
    }

    #[test]
    fn parts_of_a_guard_do_not_run_together() {
        let of = |parts: &[&str]| Guard::of(parts.iter().map(|part| part.as_bytes()));
        assert_ne!(of(&["ab", "c"]), of(&["a", "bc"]));
        assert_ne!(of(&["ab"]), of(&["ab", ""]));
    }

    #[test]
    fn too_much_is_left_out_from_the_last() {
        let results = [(Kind::File, "a"), (Kind::Imports, ""), (Kind::Facts, "a"), (Kind::Facts, "b")];
        let all = || -> All<'_> { results.map(|key| (key, (guard(""), [0; 100].as_slice()))).into() };
        let left = |bytes_max| {
            let mut all = all();
            limit(&mut all, bytes_max);
            all.into_keys().collect::<Vec<_>>()
        };
        assert_eq!(left(1_000), results);
        assert_eq!(left(500), results[..3]);
        assert_eq!(left(0), []);
    }
}
