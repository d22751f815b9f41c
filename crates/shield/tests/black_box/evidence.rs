//! Signed statements, and what `verify` finds.

use std::{fs, path::PathBuf};

use shield_testkit::{ProcessGuard, wait_for_sync};

use crate::support::{LIMIT, Project, same};

fn log_file(project: &Project) -> PathBuf {
    project.state().join("evidence/log.jsonl")
}

#[test]
fn verifies_against_kept_checkpoint() {
    let project = Project::new();
    let ship = project.shield(&["ship"]).expect(0);
    let expect = ship.stdout.split("--expect ").nth(1).unwrap().lines().next().unwrap();
    same(
        &project.shield(&["evidence", "verify", "--expect", expect]).shown(),
        r#"
code 0
-- stdout
signed by key [KEY]; all 10 entries are exactly those of the trusted checkpoint
checkpoint [CHECKPOINT]
-- stderr
"#,
    );
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    project.shield(&["evidence", "verify", "--expect", expect]).expect(0);
}

#[test]
fn edited_log_does_not_verify() {
    let project = Project::shipped();
    project.shield(&["evidence", "verify"]).expect(0);
    let path = log_file(&project);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] = if bytes[middle] == b'A' { b'B' } else { b'A' };
    fs::write(&path, bytes).unwrap();
    let run = project.shield(&["evidence", "verify"]).expect(7);
    assert!(run.stdout.contains(path.file_name().unwrap().to_str().unwrap()), "{}", run.stdout);
}

#[test]
fn cut_log_is_found_by_expectation() {
    let project = Project::new();
    let ship = project.shield(&["ship", "--output-format", "json"]).expect(0);
    let last = ship.events().pop().unwrap();
    let expect = last["checkpoint"].as_str().unwrap();
    let path = log_file(&project);
    let text = fs::read_to_string(&path).unwrap();
    let shorter: Vec<_> = text.lines().collect();
    fs::write(&path, shorter[..shorter.len() - 1].join("\n") + "\n").unwrap();
    project.shield(&["evidence", "verify", "--expect", expect]).expect(7);
}

#[test]
fn show_prints_one_statement() {
    let project = Project::shipped();
    let run = project.shield(&["evidence", "show", "0"]).expect(0);
    let record: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(record.to_string().contains("sha256"), "{record}");
    same(
        &project.shield(&["evidence", "show", "99"]).shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to find statement 99
  hint: `shield evidence list` shows those there are
"#,
    );
}

#[test]
fn release_stops_at_broken_log() {
    let project = Project::shipped();
    let path = log_file(&project);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen('{', "[", 1)).unwrap();
    project.source("v2", "honest");
    project.shield(&["release", "--artifact", "source"]).expect(8);
    assert_eq!(project.served(), "v1");
}

#[test]
fn removed_log_is_told() {
    let project = Project::shipped();
    fs::remove_dir_all(project.state().join("evidence")).unwrap();
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    project.source("v3", "honest");
    project.shield(&["ship"]).expect(0).says("what was proved before is gone");
    let warnings = project.status()["warnings"].to_string();
    assert!(warnings.contains("is not the one that was begun here"), "{warnings}");
}

#[test]
fn busy_log_holds_nothing_up() {
    let project = Project::shipped();
    let lock = fs::File::open(project.state().join("evidence")).unwrap();
    lock.lock().unwrap();
    // The release waits for the log; the control plane does not.
    let release = project.start(&["release", "--artifact", "source"]);
    release.wait_until_said("blue-green release to production");
    project.shield(&["status"]).expect(0);
    let instance = u32::try_from(project.instance_pids()[0]).unwrap();
    ProcessGuard::of_pid(instance).unwrap().kill().unwrap();
    wait_for_sync("another instance", LIMIT, || {
        let pid = project.status()["instances"][0]["pid"].as_u64();
        pid.is_some_and(|pid| pid != u64::from(instance)).then_some(())
    })
    .unwrap();
    lock.unlock().unwrap();
    release.finish().expect(0);
}

#[test]
fn unrecorded_release_is_no_success() {
    let project = Project::shipped();
    project.edit("watch = \"300ms\"", "watch = \"3s\"");
    project.source("v2", "honest");
    let ship = project.start(&["ship"]);
    ship.wait_until_said("has all traffic");
    fs::remove_file(project.state().join("evidence/log.jsonl")).unwrap();
    ship.finish().expect(8).says("failed to record release r2-");
    assert_eq!(project.served(), "v2");
}
