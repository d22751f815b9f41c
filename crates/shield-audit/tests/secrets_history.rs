//! Histories of real repositories: what was committed is found however the objects lie, and what is missing is named.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use shield_audit::secrets::{
    History, HistoryError, HistoryProgress, Identity, Origin, Scanner, UnreadReason, scan_history,
};
use tempfile::TempDir;

/// Passwords that only these tests know: each in a file of its own.
const FIRST: &str = "kV7mQ2xT9pLr4WzB";
const SECOND: &str = "hN3cY8sJ5dGf6RuE";

struct Repository {
    directory: TempDir,
}

impl Repository {
    fn new() -> Self {
        let repository = Self { directory: tempfile::tempdir().unwrap() };
        repository.git(&["init", "--quiet", "--initial-branch=main"]);
        repository
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn git(&self, arguments: &[&str]) -> String {
        git(self.path(), arguments)
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.path().join(file), text).unwrap();
    }

    fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Commits a password and takes it out again; gives the commit that brought it.
    fn commit_and_remove(&self, file: &str, password: &str) -> String {
        self.write(file, &format!("x = 1\npassword = \"{password}\"\n"));
        let commit = self.commit("add");
        self.write(file, "x = 1\n");
        self.commit("remove");
        commit
    }
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    for (name, value) in [("NAME", "Someone"), ("EMAIL", "someone@localhost")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env_remove("GIT_DIR");
    let output = command.arg("-C").arg(directory).args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn scan(directory: &Path) -> History {
    scan_history(directory, &Scanner::new(), &HashSet::new(), &mut |_| {}).unwrap()
}

fn origins(history: &History) -> Vec<Origin> {
    history.secrets.iter().map(|secret| secret.origin.clone()).collect()
}

fn brought(commit: &str, path: &str) -> Origin {
    Origin::Commit { commit: commit.to_owned(), path: path.to_owned() }
}

#[test]
fn removed_secret_names_its_commit() {
    let repository = Repository::new();
    let commit = repository.commit_and_remove("settings.py", FIRST);
    let history = scan(repository.path());
    assert_eq!(origins(&history), [brought(&commit, "settings.py")]);
    assert_eq!((history.read.commits, history.read.blobs), (2, 2));
    assert!(history.unread.is_empty(), "{:?}", history.unread);
    let [finding] = &history.findings()[..] else { panic!("{history:?}") };
    assert_eq!((finding.place.file.as_str(), finding.place.span), ("settings.py", None));
    for part in ["only in the history", "line 2", &commit[..12], "must be revoked"] {
        assert!(finding.message.contains(part), "{}", finding.message);
    }
    assert!(!format!("{history:?} {finding:?}").contains(FIRST));
}

#[test]
fn present_secret_is_not_repeated() {
    let repository = Repository::new();
    repository.commit_and_remove("a.py", FIRST);
    repository.commit_and_remove("b.py", FIRST);
    repository.commit_and_remove("c.py", SECOND);
    let present = HashSet::from([Identity::of(FIRST.as_bytes())]);
    let history = scan_history(repository.path(), &Scanner::new(), &present, &mut |_| {}).unwrap();
    assert_eq!(history.secrets.len(), 1);
    assert_eq!(history.secrets[0].secret.identity, Identity::of(SECOND.as_bytes()));
    assert_eq!(scan(repository.path()).secrets.len(), 2, "a secret in two files is one");
}

#[test]
fn merges_and_other_branches_are_seen() {
    let repository = Repository::new();
    repository.write("a.py", "x = 1\n");
    repository.commit("base");
    repository.git(&["checkout", "--quiet", "-b", "side"]);
    repository.commit_and_remove("side.py", FIRST);
    repository.git(&["checkout", "--quiet", "main"]);
    repository.write("c.py", "y = 1\n");
    repository.commit("other");
    repository.git(&["merge", "--quiet", "--no-commit", "side"]);
    // Only the merge itself has it: neither parent does.
    repository.write("a.py", &format!("secret_key = '{SECOND}'\n"));
    let merge = repository.commit("merge");
    repository.git(&["rm", "--quiet", "a.py"]);
    repository.commit("gone");
    let found = origins(&scan(repository.path()));
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found.contains(&brought(&merge, "a.py")), "{found:?}");
}

#[test]
fn packed_bare_and_odd_names_are_read() {
    let repository = Repository::new();
    let commit = repository.commit_and_remove("with space\nand \"quote\" é.py", FIRST);
    repository.git(&["gc", "--quiet"]);
    let expected = [brought(&commit, "with space\nand \"quote\" é.py")];
    assert_eq!(origins(&scan(repository.path())), expected);
    let bare = tempfile::tempdir().unwrap();
    git(bare.path(), &["clone", "--quiet", "--bare", repository.path().to_str().unwrap(), "copy.git"]);
    assert_eq!(origins(&scan(&bare.path().join("copy.git"))), expected);
}

#[test]
fn shallow_clones_say_so() {
    let repository = Repository::new();
    repository.commit_and_remove("old.py", FIRST);
    let commit = repository.commit_and_remove("new.py", SECOND);
    let clone = tempfile::tempdir().unwrap();
    let source = format!("file://{}", repository.path().display());
    git(clone.path(), &["clone", "--quiet", "--depth=2", &source, "copy"]);
    let history = scan(&clone.path().join("copy"));
    assert_eq!(origins(&history), [brought(&commit, "new.py")]);
    assert_eq!(history.unread.len(), 1);
    assert_eq!(history.unread[0].reason, UnreadReason::Shallow);
}

#[test]
fn amended_commits_are_still_there() {
    let repository = Repository::new();
    repository.write("a.py", &format!("token = '{FIRST}'\n"));
    repository.commit("first");
    let blob = repository.git(&["rev-parse", "HEAD:a.py"]);
    repository.write("a.py", "token = load()\n");
    repository.git(&["add", "--all"]);
    repository.git(&["commit", "--quiet", "--amend", "--message", "second"]);
    repository.git(&["reflog", "expire", "--expire=now", "--all"]);
    let history = scan(repository.path());
    assert_eq!(origins(&history), [Origin::Unreachable { blob: blob.clone() }]);
    assert!(history.findings()[0].message.contains(&blob[..12]));
}

#[test]
fn missing_objects_are_named() {
    let repository = Repository::new();
    repository.commit_and_remove("a.py", FIRST);
    repository.commit_and_remove("b.py", SECOND);
    let blob = repository.git(&["rev-parse", "HEAD~3:a.py"]);
    let object: PathBuf = [".git", "objects", &blob[..2], &blob[2..]].iter().collect();
    fs::remove_file(repository.path().join(object)).unwrap();
    let history = scan(repository.path());
    assert_eq!(history.secrets.len(), 1);
    assert_eq!(history.unread.len(), 1, "{:?}", history.unread);
    assert_eq!(
        (history.unread[0].what.as_str(), &history.unread[0].reason),
        (&*format!("{blob} a.py"), &UnreadReason::Missing)
    );
}

#[test]
fn partial_clones_ask_no_network() {
    let repository = Repository::new();
    repository.commit_and_remove("a.py", FIRST);
    repository.git(&["config", "uploadpack.allowFilter", "true"]);
    repository.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let clone = tempfile::tempdir().unwrap();
    let source = format!("file://{}", repository.path().display());
    git(clone.path(), &["clone", "--quiet", "--bare", "--filter=blob:none", &source, "copy.git"]);
    let history = scan(&clone.path().join("copy.git"));
    assert_eq!((history.secrets.len(), history.read.blobs), (0, 0));
    let reasons: Vec<_> = history.unread.iter().map(|unread| &unread.reason).collect();
    assert_eq!(reasons, [&UnreadReason::Missing, &UnreadReason::Missing]);
}

#[test]
fn broken_commits_do_not_hide_blobs() {
    let repository = Repository::new();
    let commit = repository.commit_and_remove("a.py", FIRST);
    let object: PathBuf = [".git", "objects", &commit[..2], &commit[2..]].iter().collect();
    fs::remove_file(repository.path().join(object)).unwrap();
    let history = scan(repository.path());
    assert_eq!(history.secrets.len(), 1, "{history:?}");
    assert!(
        history.unread.iter().any(|unread| matches!(unread.reason, UnreadReason::BrokeOff(_))),
        "{history:?}"
    );
}

#[test]
fn no_repository_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let result = scan_history(directory.path(), &Scanner::new(), &HashSet::new(), &mut |_| {});
    assert!(matches!(result, Err(HistoryError::Refused { .. })), "{result:?}");
    let empty = Repository::new();
    assert_eq!(scan(empty.path()), History::default());
}

#[test]
fn progress_only_grows() {
    let repository = Repository::new();
    repository.commit_and_remove("a.py", FIRST);
    let mut told = vec![HistoryProgress::default()];
    scan_history(repository.path(), &Scanner::new(), &HashSet::new(), &mut |progress| told.push(progress))
        .unwrap();
    assert!(
        told.len() > 4
            && told.is_sorted_by_key(|progress| (progress.commits, progress.blobs, progress.bytes)),
        "{told:?}"
    );
}
