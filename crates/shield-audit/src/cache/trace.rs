//! What was asked of the disk, and what it answered: so that a result that rests on files nobody can list beforehand is taken
//! exactly if every answer is still the same.
//!
//! A file that was looked for and not there is an answer, as is the list of a folder: a new module beside the others changes the
//! result even if no known file did.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::{Mutex, PoisonError},
};

use rayon::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use shield_types::{DigestHasher, Sha256Digest};

use super::{Cache, Guard, Kind};
use crate::imports::{Entry, EntryKind, Facts, Files, Target, Undefined};

/// Digests of files by their absolute paths, as this audit has read them.
pub(crate) type Digests = HashMap<String, Sha256Digest>;

/// Files that remember what was asked of them, and know from a cache what their texts say.
pub(crate) struct Recorder<'a> {
    files: &'a dyn Files,
    cache: &'a Cache,
    /// The settings that decide what a text says.
    terms: Guard,
    answers: Mutex<Answers>,
}

#[derive(Default)]
struct Answers {
    all: BTreeMap<(Question, String), Answer>,
    /// Whether one question had two answers.
    torn: bool,
}

/// What was asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Question {
    Read,
    List,
}

/// The digest of an answer. No file whose bytes say so is taken for one that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Answer {
    Given([u8; 32]),
    Refused([u8; 32]),
}

/// Every question with its answer.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Trace(Vec<(Question, String, Answer)>);

// === impl Recorder ===

impl<'a> Recorder<'a> {
    /// Over these files. `terms` are the settings that decide what a text says.
    pub(crate) fn new(files: &'a dyn Files, cache: &'a Cache, terms: Guard) -> Self {
        Self { files, cache, terms, answers: Mutex::default() }
    }

    /// All questions and answers; none if the disk changed between two questions.
    pub(crate) fn into_trace(self) -> Option<Trace> {
        let answers = self.answers.into_inner().unwrap_or_else(PoisonError::into_inner);
        let all = answers.all.into_iter().map(|((question, path), answer)| (question, path, answer));
        (!answers.torn).then(|| Trace(all.collect()))
    }

    /// What is kept, or else is made now and kept.
    fn known<T: Serialize + DeserializeOwned>(
        &self,
        kind: Kind,
        path: &str,
        guard: Guard,
        make: impl FnOnce() -> T,
    ) -> T {
        if let Some(known) = self.cache.look(kind, path, guard) {
            self.cache.take(kind, path);
            return known;
        }
        let made = make();
        self.cache.put(kind, path, guard, &made);
        made
    }

    fn note(&self, question: Question, path: &str, answer: Answer) {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = answers.all.insert((question, path.to_owned()), answer);
        answers.torn |= before.is_some_and(|before| before != answer);
    }
}

impl Files for Recorder<'_> {
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let answer = self.files.read(path);
        self.note(Question::Read, path, of_read(&answer));
        answer
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let answer = self.files.list(path);
        self.note(Question::List, path, of_list(&answer));
        answer
    }

    fn facts(&self, path: &str, text: &str, target: &Target) -> Facts {
        let Target { version, platform } = target;
        let guard = Guard::of([self.terms.as_bytes(), text.as_bytes(), &[version.0], platform.as_bytes()]);
        self.known(Kind::Facts, path, guard, || self.files.facts(path, text, target))
    }

    fn undefined(&self, path: &str, text: &str) -> Vec<Undefined> {
        let guard = Guard::of([self.terms.as_bytes().as_slice(), text.as_bytes()]);
        self.known(Kind::Undefined, path, guard, || self.files.undefined(path, text))
    }
}

// === impl Trace ===

impl Trace {
    /// Whether every question has the same answer now. Of files in `known` the digest is taken for the answer.
    pub(crate) fn holds(&self, files: &dyn Files, known: &Digests) -> bool {
        let digest = |(question, path, _): &(Question, String, Answer)| {
            known.get(path).filter(|_| *question == Question::Read)
        };
        // What is known already costs nothing, and one difference is enough.
        let same =
            |one: &(Question, String, Answer)| digest(one).is_none_or(|digest| one.2 == given(*digest));
        self.0.iter().all(same)
            && self.0.par_iter().filter(|one| digest(one).is_none()).all(|(question, path, answer)| {
                let now = match question {
                    Question::Read => of_read(&files.read(path)),
                    Question::List => of_list(&files.list(path)),
                };
                now == *answer
            })
    }
}

fn given(digest: Sha256Digest) -> Answer {
    Answer::Given(*digest.as_bytes())
}

fn refused(error: &io::Error) -> Answer {
    Answer::Refused(*Sha256Digest::of(error.to_string().as_bytes()).as_bytes())
}

fn of_read(answer: &io::Result<Vec<u8>>) -> Answer {
    match answer {
        Ok(bytes) => given(Sha256Digest::of(bytes)),
        Err(error) => refused(error),
    }
}

fn of_list(answer: &io::Result<Vec<Entry>>) -> Answer {
    let entries = match answer {
        Ok(entries) => entries,
        Err(error) => return refused(error),
    };
    let mut hasher = DigestHasher::new();
    for Entry { name, kind, link } in entries {
        hasher.update(name.as_bytes());
        // No name holds these.
        hasher.update(match kind {
            EntryKind::Folder => b"/\0",
            EntryKind::File => b"\0\0",
        });
        // No name begins so: another folder behind a link is another answer.
        if let Some(link) = link {
            hasher.update(b"/");
            hasher.update(link.as_bytes());
            hasher.update(b"\0");
        }
    }
    given(hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::imports::Memory;

    fn cache() -> Cache {
        Cache::open(Vec::new(), Sha256Digest::of(b""))
    }

    /// What asking for two files and a folder leaves.
    fn traced(files: &dyn Files) -> Option<Trace> {
        let cache = cache();
        let recorder = Recorder::new(files, &cache, Guard::of([]));
        for path in ["a/b.py", "a/absent.py"] {
            let _ = recorder.read(path);
        }
        let _ = recorder.list("a");
        recorder.into_trace()
    }

    #[test]
    fn every_answer_counts() {
        let files = Memory::new([("a/b.py", "x"), ("c/d.py", "y")]);
        let trace = traced(&files).unwrap();
        let holds = |files: &Memory| trace.holds(files, &Digests::new());
        assert!(holds(&files));
        for (path, text, same) in [
            ("c/d.py", "z", true),
            ("a/b.py", "z", false),
            ("a/new.txt", "", false),
            ("a/b.py/below", "", false),
        ] {
            let mut changed = files.clone();
            changed.write(path, text);
            assert_eq!(holds(&changed), same, "{path}");
        }
        let refusal = files.read("a/absent.py").unwrap_err().to_string();
        let mut disguised = files.clone();
        disguised.write("a/absent.py", refusal);
        let Trace(answers) = &trace;
        let without_list = answers.iter().filter(|(question, ..)| *question == Question::Read).cloned();
        assert!(!Trace(without_list.collect()).holds(&disguised, &Digests::new()), "it says it is not there");
    }

    #[test]
    fn digests_at_hand_are_taken() {
        let files = Memory::new([("a/b.py", "x")]);
        let trace = traced(&files).unwrap();
        let known = |text: &[u8]| Digests::from([("a/b.py".to_owned(), Sha256Digest::of(text))]);
        assert!(trace.holds(&files, &known(b"x")) && !trace.holds(&files, &known(b"y")));
    }

    /// Files of which one changes while it is read.
    #[derive(Default)]
    struct Restless(AtomicBool);

    impl Files for Restless {
        fn read(&self, _path: &str) -> io::Result<Vec<u8>> {
            Ok(if self.0.swap(true, Ordering::Relaxed) { b"new".to_vec() } else { b"old".to_vec() })
        }

        fn list(&self, _path: &str) -> io::Result<Vec<Entry>> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn two_answers_to_one_question_are_none() {
        let (cache, files) = (cache(), Restless::default());
        let recorder = Recorder::new(&files, &cache, Guard::of([]));
        assert!(recorder.read("a").unwrap() != recorder.read("a").unwrap());
        assert!(recorder.into_trace().is_none());
    }
}
