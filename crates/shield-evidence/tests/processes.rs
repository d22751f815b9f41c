//! What only real processes show: races between them, `kill -9`, and a limit on file sizes set by the kernel.
//!
//! The program starts itself again in the role its arguments name. Without such arguments it is the test runner; a
//! plain argument selects tests by name, as cargo's own runner does.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use shield_evidence::{
    AppendError, ArtifactSubject, CHECKPOINTS_FILE, EvidenceLog, LOG_FILE, Outcome, PUBLIC_KEY_FILE,
    PublicKey, SigningKey, Statement, TrustedCheckpoint, verify,
};
use shield_types::{ArtifactDigest, Sha256Digest, Timestamp};
use tempfile::TempDir;

type Test = (&'static str, fn());

const TESTS: [Test; 4] = [
    ("processes_append_side_by_side", processes_append_side_by_side),
    ("racing_first_use_makes_one_key", racing_first_use_makes_one_key),
    ("killed_writer_loses_nothing_confirmed", killed_writer_loses_nothing_confirmed),
    ("full_disk_stops_one_append_only", full_disk_stops_one_append_only),
];

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["role", "append", directory, count] => role_append(Path::new(directory), count.parse().unwrap()),
        ["role", "key", directory] => role_key(Path::new(directory)),
        ["role", "full-disk", directory] => role_full_disk(Path::new(directory)),
        _ => run_tests(&arguments),
    }
}

fn run_tests(arguments: &[String]) {
    let list = arguments.iter().any(|argument| argument == "--list");
    let wanted: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let selected = TESTS
        .iter()
        .filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())));
    for (name, test) in selected {
        if list {
            println!("{name}: test");
        } else {
            test();
            println!("test {name} ... ok");
        }
    }
}

// === tests ===

fn processes_append_side_by_side() {
    let directory = TempDir::new().unwrap();
    let children: Vec<_> = (0..4).map(|_| start(&["append", &text(directory.path()), "125"])).collect();
    for child in children {
        finish(child);
    }
    let newest = EvidenceLog::open(directory.path()).unwrap().append(&statement(0), Timestamp(1)).unwrap();
    assert_eq!(newest.size(), 501);
    assert_good(directory.path(), newest.trusted());
}

fn racing_first_use_makes_one_key() {
    for _ in 0..5 {
        let directory = TempDir::new().unwrap();
        let children: Vec<_> = (0..8).map(|_| start(&["key", &text(directory.path())])).collect();
        let keys: Vec<String> = children.into_iter().map(finish).collect();
        let expected = public_key(directory.path()).to_string();
        assert!(keys.iter().all(|key| key.trim() == expected), "{keys:?}");
    }
}

fn killed_writer_loses_nothing_confirmed() {
    let directory = TempDir::new().unwrap();
    let mut confirmed: Vec<TrustedCheckpoint> = Vec::new();
    for confirmations in 1..=20 {
        let mut child = start(&["append", &text(directory.path()), "1000000"]);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let seen = lines.by_ref().take(confirmations).last().unwrap().parse().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        // The newest confirmation covers those before it; a line that the kill cut short is none.
        let newest = lines.filter_map(|line| line.parse().ok()).last();
        confirmed.push(newest.unwrap_or(seen));
    }
    let newest = EvidenceLog::open(directory.path()).unwrap().append(&statement(0), Timestamp(1)).unwrap();
    assert_good(directory.path(), newest.trusted());
    for trusted in confirmed {
        assert_good(directory.path(), trusted);
    }
}

fn full_disk_stops_one_append_only() {
    let directory = TempDir::new().unwrap();
    // Beyond the limit the kernel sends SIGXFSZ, which would kill; ignored, the write fails like one to a full disk.
    let child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#])
        .arg(env::current_exe().unwrap())
        .args(["role", "full-disk", &text(directory.path())])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let failures: u64 = finish(child).trim().parse().unwrap();
    assert!(failures > 50, "{failures} appends met the limit");
    let newest = EvidenceLog::open(directory.path()).unwrap().append(&statement(0), Timestamp(1)).unwrap();
    assert_good(directory.path(), newest.trusted());
}

// === roles ===

/// Appends, and prints each checkpoint once it is confirmed.
fn role_append(directory: &Path, count: u64) {
    let mut log = EvidenceLog::open(directory).unwrap();
    for number in 0..count {
        println!("{}", log.append(&statement(number), Timestamp(number)).unwrap().trusted());
    }
}

fn role_key(directory: &Path) {
    println!("{}", SigningKey::open_or_create(directory).unwrap().public());
}

/// Appends with room for the first n bytes of the line only, for many n; prints how many appends failed.
fn role_full_disk(directory: &Path) {
    let mut log = EvidenceLog::open(directory).unwrap();
    for number in 0..3 {
        log.append(&statement(number), Timestamp(number)).unwrap();
    }
    let sizes = || [LOG_FILE, CHECKPOINTS_FILE].map(|name| fs::metadata(directory.join(name)).unwrap().len());
    let unlimited = getrlimit(Resource::Fsize);
    let mut failures = 0;
    for room in (0..).step_by(13) {
        let before = sizes();
        let limit = Rlimit { current: Some(before[0] + room), ..unlimited };
        setrlimit(Resource::Fsize, limit).unwrap();
        let result = log.append(&statement(9), Timestamp(9));
        setrlimit(Resource::Fsize, unlimited).unwrap();
        match result {
            Ok(_) => break,
            Err(error) => assert!(matches!(error, AppendError::Write { file: LOG_FILE, .. }), "{error:?}"),
        }
        assert_eq!(sizes(), before, "nothing half-written stays");
        failures += 1;
    }
    let newest = log.append(&statement(10), Timestamp(10)).unwrap();
    assert_eq!((newest.size(), log.take_repair()), (5, None));
    println!("{failures}");
}

// === helpers ===

fn start(role: &[&str]) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.arg("role").args(role).stdout(Stdio::piped()).spawn().unwrap()
}

fn finish(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn public_key(directory: &Path) -> PublicKey {
    PublicKey::read(&directory.join(PUBLIC_KEY_FILE)).unwrap()
}

fn assert_good(directory: &Path, trusted: TrustedCheckpoint) {
    let verification = verify(directory, &public_key(directory), Some(trusted)).unwrap();
    assert!(verification.findings.is_empty(), "{:?}", verification.findings);
}

fn statement(number: u64) -> Statement {
    Statement {
        artifact: ArtifactSubject {
            name: "linkshield".to_owned(),
            digest: ArtifactDigest(Sha256Digest::of(&number.to_le_bytes())),
        },
        release: None,
        stage: "build".parse().unwrap(),
        outcome: Outcome::Passed,
        started_at: Timestamp(number),
        finished_at: Timestamp(number + 1),
        service: "linkshield".parse().unwrap(),
        environment: None,
        checks: Vec::new(),
        details: serde_json::Map::new(),
    }
}
