//! Stages that fail: code 3, the reason, and production as before.

use crate::support::{Project, same};

#[test]
fn failed_build_shows_output() {
    let project = Project::new();
    project.edit("cp source app", "echo compiling; echo main.rs: no such luck; exit 7");
    same(
        &project.shield(&["ship"]).shown(),
        r#"
code 3
-- stdout
-- stderr
control plane started (process [PID]), edge on https://[HTTPS] and http://[HTTP]
build    echo compiling; echo main.rs: no such luck; exit 7
build    failed: `echo compiling; echo main.rs: no such luck; exit 7` exited with code 7
         | compiling
         | main.rs: no such luck
  hint: the whole output: `shield logs build`
"#,
    );
    project.edit("such luck;", "such luck >&2;");
    project.shield(&["ship"]).expect(3).says("         | main.rs: no such luck");
}

#[test]
fn missing_artifact_fails_build() {
    let project = Project::new();
    project.edit("cp source app", "true");
    project.shield(&["ship"]).expect(3).says("`stage.build.artifact` in shield.toml names it");
}

#[test]
fn failed_test_is_stated() {
    let project = Project::shipped();
    project.edit("\"true\"", "\"echo 1 of 2 failed; exit 1\"");
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(3).says("         | 1 of 2 failed");
    let list = project.shield(&["evidence", "list"]).expect(0);
    let last = list.stdout.lines().last().unwrap();
    assert!(last.contains("  test  ") && last.contains("failed: "), "{last}");
    assert_eq!(project.served(), "v1");
}

#[test]
fn failed_smoke_shows_the_answer() {
    let project = Project::shipped();
    project.edit("path = \"/ready\"\n\n[release]", "path = \"/nothing\"\n\n[release]");
    project.source("v2", "honest");
    let run = project.shield(&["ship"]).expect(3);
    same(
        &from_smoke(&run.shown()),
        r#"
smoke    1 request to the staging instance
smoke    answers: answered 404, expected 200-299: no such path
smoke    failed: request `answers`: answered 404, expected 200-299: no such path
  hint: `stage.smoke.request` in shield.toml says what is sent and expected; `shield logs staging` shows what it printed
"#,
    );
    assert_eq!(project.served(), "v1");
}

fn from_smoke(shown: &str) -> String {
    shown[shown.find("smoke ").unwrap()..].to_owned()
}

#[test]
fn exit_at_start_shows_log() {
    let project = Project::shipped();
    project.script("echo no database at db.internal\nexit 9");
    let run = project.shield(&["ship"]).expect(3).says("         | no database at db.internal");
    assert!(run.stderr.contains("staging  failed: "), "{}", run.stderr);
    let list = project.shield(&["evidence", "list"]).expect(0);
    assert!(list.stdout.lines().last().unwrap().contains("staging"), "{}", list.stdout);
    assert_eq!((project.served().as_str(), project.instance_pids().len()), ("v1", 1));
}

#[test]
fn silent_start_ends_at_deadline() {
    let project = Project::new();
    project.edit("start_deadline = \"20s\"", "start_deadline = \"2s\"");
    project.source("v1", "never-binds");
    project.shield(&["ship"]).expect(3).says("         | starting v1");
    project.shield(&["down"]).expect(0);
    assert_eq!(project.processes(), []);
}

#[test]
fn stage_without_configuration_is_skipped() {
    let project = Project::new();
    project.edit("[stage.test]\ncommand = \"true\"\n", "");
    project.edit("[[stage.smoke.request]]\nname = \"answers\"\npath = \"/ready\"\n", "");
    let run = project.shield(&["ship"]).expect(0);
    let run = run.says("  test     skipped: no `stage.test.command` in shield.toml");
    assert!(!run.stderr.contains("test     passed"), "{}", run.stderr);
    let list = project.shield(&["evidence", "list"]).expect(0);
    let skipped: Vec<_> = list.stdout.lines().filter(|line| line.contains("skipped")).collect();
    assert_eq!(skipped.len(), 6, "{}", list.stdout);
    assert!(skipped[0].contains("  test ") && skipped[3].contains("  smoke "), "{skipped:?}");
}
