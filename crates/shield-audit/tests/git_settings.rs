//! A repository whose settings name programs: no part of an audit runs one of them.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::{
    collections::HashSet,
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use shield_audit::{
    finding::{Place, Span},
    remedy::{Blame as _, GitBlame},
    secrets::{Scanner, scan_history},
    tree::{Origin, Settings, Tree},
};
use tempfile::TempDir;

/// Only this test knows it.
const PASSWORD: &str = "kV7mQ2xT9pLr4WzB";

/// Settings that name a program, by section.
const PROGRAMS: [(&str, &[&str]); 19] = [
    ("core", &["fsmonitor", "pager", "sshCommand", "editor", "askPass", "alternateRefsCommand", "gitProxy"]),
    ("diff", &["external"]),
    ("diff \"evil\"", &["textconv", "command"]),
    ("filter \"evil\"", &["clean", "smudge", "process"]),
    ("merge \"evil\"", &["driver"]),
    ("gpg", &["program"]),
    ("gpg \"ssh\"", &["program", "defaultKeyCommand"]),
    ("credential", &["helper"]),
    ("uploadpack", &["packObjectsHook"]),
    ("pager", &["blame", "log", "ls-files", "cat-file", "rev-list", "diff-tree"]),
    ("alias", &["blame", "log", "ls-files", "cat-file", "rev-list", "diff-tree", "rev-parse"]),
    ("interactive", &["diffFilter"]),
    ("sequence", &["editor"]),
    ("trailer \"evil\"", &["command", "cmd"]),
    ("difftool \"evil\"", &["cmd"]),
    ("submodule \"evil\"", &["update"]),
    ("remote \"origin\"", &["uploadpack", "receivepack", "vcs"]),
    ("browser \"evil\"", &["cmd"]),
    ("sendemail", &["sendmailCmd"]),
];

struct Hostile {
    /// Its repository is in `r`, what a program of it writes in `ran`.
    directory: TempDir,
}

impl Hostile {
    /// A repository with a file of two commits, a secret in the first, and installed code beside it; each file is given to filters.
    fn new() -> Self {
        let hostile = Self { directory: tempfile::tempdir().unwrap() };
        let root = hostile.root();
        fs::create_dir_all(root.join("venv/lib")).unwrap();
        fs::write(root.join("venv/pyvenv.cfg"), "").unwrap();
        fs::write(root.join("venv/lib/a.py"), "x = 1\n").unwrap();
        fs::write(root.join("a.py"), format!("password = \"{PASSWORD}\"\ny = 2\n")).unwrap();
        hostile.git(&["init", "--quiet"]);
        hostile.commit();
        fs::write(root.join("a.py"), "x = 1\ny = 2\n").unwrap();
        hostile.commit();
        hostile.sign();
        fs::write(root.join("a.py"), "new = 1\ny = 2\n").unwrap();
        hostile.arm();
        hostile
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("r")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=Ann", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"];
        let output = Command::new("git").arg("-C").arg(self.root()).args(identity).args(arguments).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self) {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--message", "a"]);
    }

    /// A signature, which `git` would hand to a program to check it.
    fn sign(&self) {
        let commit = self.git(&["cat-file", "commit", "HEAD"]);
        let (head, message) = commit.split_once("\n\n").unwrap();
        let signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n -----END PGP SIGNATURE-----";
        let file = self.directory.path().join("commit");
        fs::write(&file, format!("{head}\n{signature}\n\n{message}\n")).unwrap();
        let signed = self.git(&["hash-object", "-t", "commit", "-w", file.to_str().unwrap()]);
        self.git(&["update-ref", "HEAD", &signed]);
    }

    /// Names a program wherever one can be named.
    fn arm(&self) {
        let (root, program) = (self.root(), self.directory.path().join("program"));
        let ran = self.directory.path().join("ran");
        let script = format!("#!/bin/sh\necho \"$0 $@\" >> {}\ncat\n", ran.display());
        let executable = |path: &Path| {
            fs::write(path, &script).unwrap();
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        };
        executable(&program);
        let hooks = root.join("hooks");
        fs::create_dir(&hooks).unwrap();
        for hook in ["post-index-change", "reference-transaction", "fsmonitor-watchman", "post-checkout"] {
            executable(&hooks.join(hook));
        }
        let mut settings = String::new();
        for (section, names) in PROGRAMS {
            writeln!(settings, "[{section}]").unwrap();
            for name in names {
                writeln!(settings, "\t{name} = {}", program.display()).unwrap();
            }
        }
        write!(settings, "[core]\n\thooksPath = {}\n\trepositoryformatversion = 1\n", hooks.display())
            .unwrap();
        write!(settings, "[log]\n\tshowSignature = true\n[protocol \"ext\"]\n\tallow = always\n").unwrap();
        write!(settings, "[filter \"evil\"]\n\trequired = true\n[diff]\n\tsubmodule = diff\n").unwrap();
        // What is missing here would be fetched by a program.
        write!(settings, "[extensions]\n\tpartialClone = away\n[remote \"away\"]\n\tpromisor = true\n")
            .unwrap();
        writeln!(settings, "\turl = ext::{} %S", program.display()).unwrap();
        let included = self.directory.path().join("included");
        fs::write(&included, settings).unwrap();
        let config = root.join(".git/config");
        let mut text = fs::read_to_string(&config).unwrap();
        write!(text, "[includeIf \"gitdir:**\"]\n\tpath = {}\n", included.display()).unwrap();
        // An extension counts only in the file itself.
        write!(text, "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tpartialClone = away\n").unwrap();
        fs::write(config, text).unwrap();
        fs::create_dir_all(root.join(".git/info")).unwrap();
        for attributes in [root.join(".gitattributes"), root.join(".git/info/attributes")] {
            fs::write(attributes, "* filter=evil diff=evil merge=evil\n").unwrap();
        }
    }

    fn ran(&self) -> String {
        fs::read_to_string(self.directory.path().join("ran")).unwrap_or_default()
    }
}

fn line(line: u32) -> Place {
    let span = Some(Span { line, column: 1, end_line: line, end_column: 2 });
    Place { file: "a.py".to_owned(), span }
}

#[test]
fn settings_run_no_program() {
    let hostile = Hostile::new();
    let tree = Tree::walk(&hostile.root(), &Settings::default()).unwrap();
    let installed = tree.entries().iter().find(|entry| entry.path == "venv/lib/a.py").unwrap();
    assert_eq!((hostile.ran().as_str(), installed.origin), ("", Origin::Project), "it is committed");

    let history = scan_history(&hostile.root(), &Scanner::new(), &HashSet::new(), &mut |_| {}).unwrap();
    assert_eq!((hostile.ran().as_str(), history.secrets.len()), ("", 1));
    assert_eq!(history.unread, []);

    let blame = GitBlame { root: hostile.root() };
    let file = Place { file: "a.py".to_owned(), span: None };
    let authors = [blame.author(&line(2)), blame.author(&file), blame.author(&line(1))];
    let ann = || Ok("Ann".to_owned());
    assert_eq!(hostile.ran(), "");
    assert_eq!(authors, [ann(), ann(), Err("the line is not committed".to_owned())]);
}

#[test]
fn missing_objects_run_no_program() {
    let hostile = Hostile::new();
    let blob = Command::new("git")
        .arg("-C")
        .arg(hostile.root())
        .args(["-c", "core.fsmonitor=false", "rev-parse", "HEAD~:a.py"])
        .output();
    let blob = String::from_utf8(blob.unwrap().stdout).unwrap();
    let (folder, object) = blob.trim().split_at(2);
    fs::remove_file(hostile.root().join(".git/objects").join(folder).join(object)).unwrap();
    fs::remove_file(hostile.directory.path().join("ran")).ok();
    let history = scan_history(&hostile.root(), &Scanner::new(), &HashSet::new(), &mut |_| {}).unwrap();
    assert_eq!((hostile.ran().as_str(), history.unread.len()), ("", 1), "{history:?}");
    GitBlame { root: hostile.root() }.author(&line(2)).unwrap_err();
    assert_eq!(hostile.ran(), "");
}

/// A file below `.git` may be a link to anywhere, and `git` quotes lines that it does not understand.
#[test]
fn complaints_are_not_passed_on() {
    let hostile = Hostile::new();
    let outside = hostile.directory.path().join("outside");
    fs::write(&outside, "DB_PASSWORD=hunter2\n").unwrap();
    for name in ["packed-refs", "shallow", "info/grafts", "HEAD"] {
        let place = hostile.root().join(".git").join(name);
        let kept = fs::read(&place).ok();
        fs::remove_file(&place).ok();
        std::os::unix::fs::symlink(&outside, &place).unwrap();
        let told = match scan_history(&hostile.root(), &Scanner::new(), &HashSet::new(), &mut |_| {}) {
            Ok(history) => format!("{:?}", history.unread),
            Err(error) => error.to_string(),
        };
        assert!(!told.contains("hunter2"), "{name}: {told}");
        fs::remove_file(&place).unwrap();
        if let Some(kept) = kept {
            fs::write(&place, kept).unwrap();
        }
    }
}
