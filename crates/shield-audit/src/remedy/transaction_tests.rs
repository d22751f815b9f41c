//! Transactions from outside: what is in the files afterwards, also where the machine died at any step.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    slice,
    sync::{Arc, atomic::AtomicU32},
};

use shield_types::Sha256Digest;
use tempfile::TempDir;

use super::{
    journal::Journals,
    root::Root,
    transaction::apply_in,
    undo::{recover_in, revert_in},
    *,
};
use crate::{
    finding::Finding,
    imports::PythonVersion,
    python::{Audit, Parse},
};

/// Tests that fail as soon as one of these texts stands in a file.
struct Picky<'p> {
    root: &'p Path,
    refused: &'p [&'p str],
    runs: u32,
}

impl Tests for Picky<'_> {
    fn run(&mut self) -> Result<TestRun, TestError> {
        self.runs += 1;
        let texts: String =
            files(self.root).into_values().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        let case = |text: &&str| ((*text).to_owned(), !texts.contains(*text));
        let cases: BTreeMap<String, bool> = self.refused.iter().map(case).collect();
        Ok(TestRun { succeeded: cases.values().all(|passed| *passed), cases })
    }
}

struct Scene {
    root: TempDir,
    journals: TempDir,
    audit: Audit,
}

fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        found.insert(path.clone(), fs::read(&path).unwrap());
    }
    found
}

impl Scene {
    fn new(texts: &[(&str, &str)]) -> Self {
        let root = tempfile::tempdir().unwrap();
        texts.iter().for_each(|(name, text)| fs::write(root.path().join(name), text).unwrap());
        Self { root, journals: tempfile::tempdir().unwrap(), audit: Audit::default() }
    }

    fn remedies(&self) -> Vec<Remedy> {
        let project = Project { python_minimum: Some(PythonVersion(9)), ..Project::default() };
        let mut remedies = Vec::new();
        for (path, bytes) in files(self.root.path()) {
            let name = path.file_name().unwrap().to_str().unwrap();
            let findings = self.audit.bytes(name, &bytes, Parse::Always).findings;
            remedies.extend(for_python(name, &bytes, &findings, &project));
        }
        remedies
    }

    fn apply(&self, remedies: &[Remedy], refused: Option<&[&str]>) -> Applied {
        let mut tests = refused.map(|refused| Picky { root: self.root.path(), refused, runs: 0 });
        let mut work = Work {
            root: self.root.path(),
            journals: self.journals.path(),
            rescan: &PythonRescan(&self.audit),
            tests: tests.as_mut().map(|tests| tests as &mut dyn Tests),
            test_runs_max: 32,
        };
        apply(&mut work, remedies).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.root.path().join(name)).unwrap()
    }

    fn revert(&self) -> Option<Undone> {
        revert(self.root.path(), self.journals.path()).unwrap()
    }
}

const KEY: &str = "import hashlib\netag = hashlib.md5(x)\n";
const LOADER: &str = "import yaml, requests\nyaml.load(x)\nrequests.get(u)\n";

#[test]
fn meaning_preserved_needs_no_tests() {
    let scene = Scene::new(&[("a.py", KEY), ("b.py", LOADER)]);
    let before = files(scene.root.path());
    let applied = scene.apply(&scene.remedies(), None);
    assert!(scene.text("a.py").contains("usedforsecurity=False"));
    assert_eq!(scene.text("b.py"), LOADER);
    assert!(matches!(
        &applied.outcomes[..],
        [Outcome::Applied, Outcome::Refused { .. }, Outcome::Refused { .. }]
    ));
    let undone = scene.revert().unwrap();
    assert_eq!((undone.restored, undone.left), (vec!["a.py".to_owned()], vec![]));
    assert_eq!(files(scene.root.path()), before);
    assert_eq!(scene.revert(), None);
}

#[test]
fn tests_revert_the_culprit_alone() {
    let scene = Scene::new(&[("a.py", KEY), ("b.py", LOADER)]);
    let applied = scene.apply(&scene.remedies(), Some(&["safe_load"]));
    let reverted: Vec<_> = applied.outcomes.iter().filter(|outcome| **outcome != Outcome::Applied).collect();
    let [Outcome::Reverted { why }] = reverted[..] else { panic!("{reverted:?}") };
    assert!(why.contains("safe_load"), "{why}");
    assert_eq!(scene.text("b.py"), "import yaml, requests\nyaml.load(x)\nrequests.get(u, timeout=10)\n");
    assert!(scene.text("a.py").contains("usedforsecurity=False"));
    let tests = applied.tests.unwrap();
    assert!(tests.before.succeeded && tests.after.unwrap().succeeded);
}

#[test]
fn red_tests_must_stay_as_green() {
    let scene = Scene::new(&[("b.py", LOADER)]);
    // The first fails already, the second would.
    let applied = scene.apply(&scene.remedies(), Some(&["yaml", "timeout"]));
    assert!(applied.outcomes.contains(&Outcome::Applied), "{applied:?}");
    assert_eq!(scene.text("b.py"), "import yaml, requests\nyaml.safe_load(x)\nrequests.get(u)\n");
}

#[test]
fn changed_files_are_refused() {
    let scene = Scene::new(&[("a.py", KEY)]);
    let remedies = scene.remedies();
    fs::write(scene.root.path().join("a.py"), format!("{KEY}# more\n")).unwrap();
    let applied = scene.apply(&remedies, None);
    let [Outcome::Refused { why }] = &applied.outcomes[..] else { panic!("{applied:?}") };
    assert_eq!(why, "`a.py` changed since it was read");
    assert_eq!(applied.record, None);
}

#[test]
fn worse_fix_is_reverted_alone() {
    let scene =
        Scene::new(&[("a.py", "import hashlib\netag = hashlib.md5(x)\nkey = hashlib.md5(cache_key)\n")]);
    let mut remedies = scene.remedies();
    for (remedy, text) in remedies.iter_mut().zip([", usedforsecurity=", "; eval(x)"]) {
        let Change::Replace { text: inserted, .. } = &mut remedy.changes[0] else { panic!("an insertion") };
        *inserted = text.as_bytes().to_vec();
    }
    let good = scene.remedies().remove(1);
    let applied = scene.apply(&[remedies.remove(0), good], None);
    let [Outcome::Reverted { why }, Outcome::Applied] = &applied.outcomes[..] else { panic!("{applied:?}") };
    assert!(why.contains("no longer parse"), "{why}");
}

#[test]
fn records_are_their_owners_and_few() {
    let scene = Scene::new(&[("a.py", KEY)]);
    let names = || files(scene.journals.path()).into_keys().collect::<Vec<_>>();
    for _ in 0..3 {
        scene.apply(&scene.remedies(), None);
        scene.revert().unwrap();
    }
    let records: Vec<_> = names().into_iter().filter(|path| path.extension().is_some()).collect();
    assert_eq!(records.len(), 2, "what is taken back goes with the next: {records:?}");
    assert!(names().iter().all(|path| fs::metadata(path).unwrap().permissions().mode() & 0o077 == 0));
}

#[test]
fn file_changed_after_a_fix_is_left() {
    let scene = Scene::new(&[("a.py", KEY)]);
    scene.apply(&scene.remedies(), None);
    let fixed = scene.text("a.py");
    fs::write(scene.root.path().join("a.py"), "theirs").unwrap();
    let undone = scene.revert().unwrap();
    assert_eq!((undone.restored.len(), undone.left.len()), (0, 1));
    assert_eq!(scene.text("a.py"), "theirs");
    assert!(undone.remedies.is_empty(), "nothing was taken back: {undone:?}");
    assert_eq!(scene.revert().unwrap().left.len(), 1, "it is not forgotten");
    fs::write(scene.root.path().join("a.py"), fixed).unwrap();
    assert_eq!(scene.revert().unwrap().restored, ["a.py"]);
    assert_eq!(scene.text("a.py"), KEY);
    assert_eq!(scene.revert(), None);
}

#[test]
fn permissions_changed_after_a_fix_are_left() {
    let scene = Scene::new(&[("a.py", KEY)]);
    scene.apply(&scene.remedies(), None);
    let (path, fixed) = (scene.root.path().join("a.py"), scene.text("a.py"));
    let before = fs::metadata(&path).unwrap().permissions();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let undone = scene.revert().unwrap();
    assert_eq!(
        undone.left,
        [("a.py".to_owned(), "the permissions of `a.py` changed since it was mended".to_owned())]
    );
    assert_eq!(scene.text("a.py"), fixed);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::set_permissions(&path, before).unwrap();
    assert_eq!(scene.revert().unwrap().restored, ["a.py"]);
}

#[test]
fn hard_links_stay_one_file() {
    let scene = Scene::new(&[("a.py", KEY)]);
    fs::hard_link(scene.root.path().join("a.py"), scene.root.path().join("b.py")).unwrap();
    let applied = scene.apply(&scene.remedies(), None);
    assert!(
        applied
            .outcomes
            .iter()
            .all(|outcome| { matches!(outcome, Outcome::Refused { why } if why.contains("has hard links")) })
    );
    assert_eq!([scene.text("a.py"), scene.text("b.py")], [KEY, KEY]);
}

/// Tests that are ended when they run for the `last` time.
struct Stopped {
    runs: u32,
    last: u32,
}

impl Tests for Stopped {
    fn run(&mut self) -> Result<TestRun, TestError> {
        self.runs += 1;
        match self.runs == self.last {
            true => Err(TestError::Stopped { program: "sh".to_owned() }),
            false => Ok(TestRun { succeeded: true, cases: BTreeMap::new() }),
        }
    }
}

#[test]
fn stopped_tests_leave_nothing_unjudged() {
    for last in [1, 2] {
        let scene = Scene::new(&[("a.py", KEY), ("b.py", LOADER)]);
        let before = files(scene.root.path());
        let mut work = Work {
            root: scene.root.path(),
            journals: scene.journals.path(),
            rescan: &PythonRescan(&scene.audit),
            tests: Some(&mut Stopped { runs: 0, last }),
            test_runs_max: 32,
        };
        assert!(matches!(apply(&mut work, &scene.remedies()), Err(ApplyError::Stopped)));
        let open = open_record(scene.journals.path()).unwrap();
        assert_eq!(open.is_some(), last == 2, "what is in the files is said");
        let undone = recover(scene.root.path(), scene.journals.path()).unwrap();
        assert_eq!(undone.len(), usize::from(last == 2));
        assert_eq!(files(scene.root.path()), before);
        assert_eq!(open_record(scene.journals.path()).unwrap(), None);
    }
}

#[test]
fn who_is_second_is_told_to_wait() {
    let scene = Scene::new(&[("a.py", KEY)]);
    let _first = Journals::open(scene.journals.path()).unwrap();
    let error = revert(scene.root.path(), scene.journals.path()).unwrap_err();
    assert!(matches!(error, ApplyError::Journal(JournalError::Busy { .. })));
    assert!(
        error.to_string().starts_with("change files: another `--fix` or `--revert` is at work"),
        "{error}"
    );
}

/// What a hostile repository brings: a record whose old bytes are whatever it likes.
#[test]
fn records_from_elsewhere_are_not_believed() {
    let scene = Scene::new(&[("a.py", KEY)]);
    scene.apply(&scene.remedies(), None);
    let fixed = scene.text("a.py");
    let planted = tempfile::tempdir().unwrap();
    for (path, bytes) in files(scene.journals.path()) {
        let copy = planted.path().join(path.file_name().unwrap());
        fs::write(&copy, bytes).unwrap();
        fs::set_permissions(copy, fs::Permissions::from_mode(0o600)).unwrap();
    }
    let open = || fs::set_permissions(scene.journals.path(), fs::Permissions::from_mode(0o777)).unwrap();
    for (journals, prepare) in [(planted.path(), &(|| ()) as &dyn Fn()), (scene.journals.path(), &open)] {
        prepare();
        let error = revert(scene.root.path(), journals).unwrap_err();
        assert!(matches!(error, ApplyError::Journal(JournalError::Foreign { .. })), "{error}");
        assert!(matches!(open_record(journals), Err(JournalError::Foreign { .. })));
        assert_eq!(scene.text("a.py"), fixed);
    }
}

#[test]
fn pipe_in_place_of_the_lock_holds_nobody_up() {
    let scene = Scene::new(&[("a.py", KEY)]);
    let (mode, kind) = (rustix::fs::Mode::from_raw_mode(0o600), rustix::fs::FileType::Fifo);
    rustix::fs::mknodat(rustix::fs::CWD, scene.journals.path().join("lock"), kind, mode, 0).unwrap();
    let error = revert(scene.root.path(), scene.journals.path()).unwrap_err();
    assert!(matches!(error, ApplyError::Journal(JournalError::Refused { .. })), "{error}");
}

#[test]
fn new_files_go_again() {
    let scene = Scene::new(&[("a.py", KEY)]);
    let mut remedy = scene.remedies().remove(0);
    remedy.changes = vec![Change::Create { file: "b.py".to_owned(), text: b"x = 1\n".to_vec() }];
    remedy.finding =
        Finding { place: crate::finding::Place { file: "b.py".to_owned(), span: None }, ..remedy.finding };
    assert_eq!(scene.apply(&[remedy.clone()], None).outcomes, [Outcome::Applied]);
    assert_eq!(scene.text("b.py"), "x = 1\n");
    assert!(matches!(&scene.apply(&[remedy], None).outcomes[..], [Outcome::Refused { .. }]));
    scene.revert().unwrap();
    assert_eq!(files(scene.root.path()).len(), 1);
}

/// What removes a file, for a finding in another one.
fn removal(scene: &Scene, file: &str, of: &str) -> Remedy {
    let mut remedy = scene.remedies().remove(0);
    remedy.changes = vec![Change::Remove { file: file.to_owned(), of: Sha256Digest::of(of.as_bytes()) }];
    remedy
}

#[test]
fn removed_files_come_back() {
    let scene = Scene::new(&[("a.py", KEY), ("c.py", "x = 1\n")]);
    fs::set_permissions(scene.root.path().join("c.py"), fs::Permissions::from_mode(0o640)).unwrap();
    let stale = removal(&scene, "c.py", "x = 2\n");
    assert!(matches!(&scene.apply(&[stale], None).outcomes[..], [Outcome::Refused { .. }]));
    let remedy = removal(&scene, "c.py", "x = 1\n");
    assert_eq!(scene.apply(slice::from_ref(&remedy), None).outcomes, [Outcome::Applied]);
    assert!(!scene.root.path().join("c.py").exists());
    assert!(matches!(&scene.apply(&[remedy], None).outcomes[..], [Outcome::Refused { .. }]));
    let undone = scene.revert().unwrap();
    assert_eq!((undone.restored, undone.left), (vec!["c.py".to_owned()], vec![]));
    let mode = fs::metadata(scene.root.path().join("c.py")).unwrap().permissions().mode();
    assert_eq!((scene.text("c.py").as_str(), mode & 0o777), ("x = 1\n", 0o640));
}

#[test]
fn file_made_anew_after_removal_is_left() {
    let scene = Scene::new(&[("a.py", KEY), ("c.py", "x = 1\n")]);
    scene.apply(&[removal(&scene, "c.py", "x = 1\n")], None);
    fs::write(scene.root.path().join("c.py"), "theirs").unwrap();
    let undone = scene.revert().unwrap();
    assert_eq!((undone.restored.len(), undone.left.len()), (0, 1));
    assert_eq!(scene.text("c.py"), "theirs");
}

/// Runs a transaction, and its way back, on a machine that dies after so many steps; whether it came to the end.
fn dies_after(scene: &Scene, steps: u32, remedies: &[Remedy]) -> bool {
    let mut root = Root::open(scene.root.path()).unwrap();
    let mut journals = Journals::open(scene.journals.path()).unwrap();
    let left = Arc::new(AtomicU32::new(steps));
    root.steps = Some(Arc::clone(&left));
    journals.root.steps = Some(Arc::clone(&left));
    let mut tests = Picky { root: scene.root.path(), refused: &["safe_load"], runs: 0 };
    let mut work = Work {
        root: scene.root.path(),
        journals: scene.journals.path(),
        rescan: &PythonRescan(&scene.audit),
        tests: Some(&mut tests),
        test_runs_max: 32,
    };
    let applied = apply_in(&mut work, &journals, root, remedies);
    let mut root = Root::open(scene.root.path()).unwrap();
    root.steps = Some(left);
    applied.is_ok()
        && revert_in(&root, &journals).is_ok_and(|undone| undone.is_some_and(|undone| undone.left.is_empty()))
}

#[test]
fn death_at_any_step_is_recovered() {
    let texts = [("a.py", KEY), ("b.py", LOADER)];
    let doomed = ("c.py", "x = 1\n");
    let mut steps = 0;
    loop {
        let scene = Scene::new(&[texts[0], texts[1], doomed]);
        let before = files(scene.root.path());
        let mut remedies = scene.remedies();
        remedies.push(removal(&scene, doomed.0, doomed.1));
        let ended = dies_after(&scene, steps, &remedies);
        let left = fs::read_to_string(scene.root.path().join(doomed.0)).unwrap_or(doomed.1.to_owned());
        assert_eq!(left, doomed.1, "after {steps} steps");
        for (name, old) in &texts {
            let text = scene.text(name);
            let whole = text == *old
                || text.contains("False)\n")
                || text.ends_with("requests.get(u)\n")
                || text.ends_with("timeout=10)\n");
            assert!(whole, "after {steps} steps {name} is {text:?}");
        }
        let root = Root::open(scene.root.path()).unwrap();
        let journals = Journals::open(scene.journals.path()).unwrap();
        let undone = recover_in(&root, &journals).unwrap();
        assert!(undone.iter().all(|undone| undone.left.is_empty()), "{undone:?}");
        // What was done and not yet taken back stays done.
        if revert_in(&root, &journals).unwrap().is_none() || ended {
            assert_eq!(recover_in(&root, &journals).unwrap(), []);
        }
        assert_eq!(files(scene.root.path()), before, "after {steps} steps");
        if ended {
            break;
        }
        steps += 1;
    }
    assert!(steps > 30, "{steps}");
}
