//! State that was removed, copied or cut, and processes that an instance started: what the next control plane makes of it.

use std::{fs, os::unix::fs::symlink, path::Path, process::Command};

use shield_testkit::{ProcessGuard, wait_for_sync};

use crate::support::{LIMIT, Project};

/// An instance that first starts a helper with a session of its own.
fn with_helper(project: &Project, version: &str) {
    project.source(version, "honest");
    let source = fs::read_to_string(project.path().join("source")).unwrap();
    project.script(&source.replace("#!/bin/sh\n", "setsid sleep 1000 &\n"));
}

/// Pids of the helpers of this project.
fn helpers(project: &Project) -> Vec<u32> {
    let is_helper = |pid: &u32| {
        let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.starts_with(b"sleep\x001000")
    };
    project.processes().into_iter().map(|(pid, _)| pid).filter(is_helper).collect()
}

fn kill(pid: u32) {
    let mut process = ProcessGuard::of_pid(pid).unwrap();
    process.kill().unwrap();
    process.wait(LIMIT).unwrap();
}

fn control(project: &Project) -> u32 {
    u32::try_from(project.status()["pid"].as_u64().unwrap()).unwrap()
}

#[test]
fn helpers_of_a_live_instance_are_left_alone() {
    let project = Project::new();
    with_helper(&project, "v1");
    project.shield(&["ship"]).expect(0);
    let before = (helpers(&project), project.instance_pids());
    assert_eq!(before.0.len(), 1);
    kill(control(&project));
    project.shield(&["up"]).expect(0);
    // A release looks for what is left over, too.
    project.shield(&["release", "--artifact", "source"]).expect(0);
    kill(control(&project));
    project.shield(&["up"]).expect(0);
    assert_eq!(helpers(&project).len(), 1);
    project.shield(&["down"]).expect(0);
    assert_eq!(project.processes(), []);
}

#[test]
fn helpers_of_a_dead_instance_end() {
    let project = Project::new();
    with_helper(&project, "v1");
    project.shield(&["ship"]).expect(0);
    let (first, instance) = (helpers(&project), u32::try_from(project.instance_pids()[0]).unwrap());
    kill(instance);
    let others = || (helpers(&project).len() == 1 && helpers(&project) != first).then(|| helpers(&project));
    let second = wait_for_sync("another helper", LIMIT, others).unwrap();
    project.wait_until_served("v1");
    // The same while no control plane looks.
    let instance = u32::try_from(project.instance_pids()[0]).unwrap();
    kill(control(&project));
    kill(instance);
    project.shield(&["up"]).expect(0);
    project.wait_until_served("v1");
    assert!(helpers(&project).len() == 1 && helpers(&project) != second);
}

/// Also when the instance carries no name in its environment.
#[test]
fn copied_state_leaves_the_original_alone() {
    let project = Project::new();
    let source = fs::read_to_string(project.path().join("source")).unwrap();
    project.write("source", &source.replace("exec ", "exec env -i "));
    project.shield(&["ship"]).expect(0);
    let copy = Project::of_files(&[]);
    let manifest = fs::read_to_string(project.path().join("shield.toml")).unwrap();
    fs::remove_dir(copy.path()).unwrap();
    let copied = Command::new("cp").arg("-a").args([project.path(), copy.path()]).status().unwrap();
    assert!(copied.success());
    let ports = [(project.https, copy.https), (project.http, copy.http)];
    let manifest =
        ports.iter().fold(manifest, |text, (old, new)| text.replace(&format!(":{old}"), &format!(":{new}")));
    copy.write("shield.toml", &manifest);
    let before = project.instance_pids();
    copy.shield(&["up"]).expect(0);
    assert_eq!(copy.served(), "v1");
    assert_ne!(copy.instance_pids(), before);
    copy.shield(&["down"]).expect(0);
    assert_eq!((project.instance_pids(), project.served().as_str()), (before, "v1"));
}

#[test]
fn cut_journal_is_told() {
    let project = Project::shipped();
    let journal = project.state().join("production/journal");
    let shorter = fs::read(&journal).unwrap();
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    project.shield(&["down"]).expect(0);
    fs::write(&journal, shorter).unwrap();
    project.shield(&["up"]).expect(9).says("the state that was saved at the end of the last release");
    project.shield(&["up"]).expect(0);
    assert_eq!(project.served(), "v2");
    project.source("v3", "honest");
    project.shield(&["ship"]).expect(0).says("shop r3-");
}

#[test]
fn numbers_are_not_used_twice() {
    let project = Project::shipped();
    project.shield(&["down"]).expect(0);
    fs::remove_dir_all(project.state().join("production")).unwrap();
    let ship = project.shield(&["ship"]).expect(0).says("shop r2-");
    let expect = ship.stdout.split("--expect ").nth(1).unwrap().lines().next().unwrap();
    project.shield(&["evidence", "verify", "--expect", expect]).expect(0);
}

#[test]
fn lost_journal_record_is_in_the_next_journal() {
    let project = Project::shipped();
    project.source("v2", "honest");
    let ship = project.start(&["ship"]);
    ship.wait_until_said("release  starting");
    fs::remove_file(project.state().join("production/journal")).unwrap();
    ship.finish().expect(0);
    let instances = project.instance_pids();
    let history = project.shield(&["history", "--output-format", "json"]).expect(0).stdout;
    kill(control(&project));
    project.shield(&["up"]).expect(0);
    assert_eq!(project.instance_pids(), instances);
    assert_eq!(project.shield(&["history", "--output-format", "json"]).expect(0).stdout, history);
}

#[test]
fn removed_directories_are_made_again() {
    let project = Project::shipped();
    let status = project.status();
    for directory in ["bin", "logs"] {
        fs::remove_dir_all(project.state().join(directory)).unwrap();
    }
    kill(u32::try_from(project.instance_pids()[0]).unwrap());
    kill(u32::try_from(status["edge"]["pid"].as_u64().unwrap()).unwrap());
    project.wait_until_served("v1");
}

#[test]
fn removed_socket_is_made_again() {
    let project = Project::shipped();
    fs::remove_dir_all(project.runtime_directory().join("shield")).unwrap();
    let answers = || (project.shield(&["status"]).code == 0).then_some(());
    wait_for_sync("an admin socket", LIMIT, answers).unwrap();
    assert_eq!(project.served(), "v1");
}

#[test]
fn damaged_authority_does_not_end_service() {
    let project = Project::shipped();
    fs::write(project.state().join("ca/ca.key"), "").unwrap();
    kill(control(&project));
    project.shield(&["up"]).expect(0).says("clients must trust");
    assert_eq!(project.served(), "v1");
}

#[test]
fn down_ends_staging() {
    let project = Project::shipped();
    project.source("v2", "honest");
    project
        .edit("path = \"/ready\"\n\n[release]", "path = \"/slow?ms=60000\"\ntimeout = \"60s\"\n\n[release]");
    let ship = project.start(&["ship"]);
    ship.wait_until_said("smoke    1 request");
    project.shield(&["down"]).expect(0);
    assert_eq!(project.processes(), []);
    assert!(Path::new(&project.state().join("production/journal")).exists());
}

/// Logs are for people: a process that cannot write its own goes on.
#[test]
fn unwritable_logs_end_nobody() {
    let project = Project::shipped();
    project.shield(&["down"]).expect(0);
    for name in ["control.log", "edge.log"] {
        let log = project.state().join("logs").join(name);
        fs::remove_file(&log).unwrap();
        symlink("/dev/full", log).unwrap();
    }
    project.shield(&["up"]).expect(0);
    let (control, edge) = (control(&project), project.status()["edge"]["pid"].clone());
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    assert_eq!((project.served().as_str(), self::control(&project)), ("v2", control));
    assert_eq!(project.status()["edge"]["pid"], edge);
}

/// The way back is told although the log of an earlier release is broken.
#[test]
fn rollback_ends_with_a_broken_log() {
    let project = Project::shipped();
    project.edit("watch = \"300ms\"", "watch = \"60s\"");
    project.source("v2", "honest");
    let ship = project.start(&["ship"]);
    ship.wait_until_said("has all traffic");
    kill(control(&project));
    ship.finish();
    fs::remove_file(project.state().join("evidence/log.jsonl")).unwrap();
    project.shield(&["up"]).expect(0);
    project.shield(&["rollback"]).expect(0).says("was taken back");
    let warnings = project.status()["warnings"].to_string();
    assert!(
        warnings.contains("release r2-") && warnings.contains("not in the evidence log yet"),
        "{warnings}"
    );
    assert_eq!(project.served(), "v1");
}

/// A control plane that is killed while it takes everything down is followed by one that goes on with it.
#[test]
fn down_goes_on_after_a_kill() {
    let project = Project::new();
    project.edit("stop_grace = \"2s\"", "stop_grace = \"5s\"");
    let source = fs::read_to_string(project.path().join("source")).unwrap();
    // Its leader ignores being asked, so that there is time to kill.
    project.write("source", &source.replace("exec ", "trap '' TERM\n"));
    project.shield(&["ship"]).expect(0);
    let pid = control(&project);
    let down = project.start(&["down"]);
    let stopping = || {
        let status = project.shield(&["status", "--output-format", "json"]);
        status.stdout.contains("\"stopping\"").then_some(())
    };
    wait_for_sync("a stopping instance", LIMIT, stopping).unwrap();
    kill(pid);
    down.finish().expect(0).says("everything is stopped");
    assert_eq!(project.processes(), []);
}

/// What marks a control plane as running cannot be cleaned away.
#[test]
fn removed_lock_and_sockets_bring_no_second_control_plane() {
    let project = Project::shipped();
    let pid = control(&project);
    fs::remove_file(project.state().join("control.lock")).unwrap();
    fs::remove_dir_all(project.runtime_directory().join("shield")).unwrap();
    project.shield(&["up"]).expect(0);
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    assert_eq!((control(&project), project.served().as_str()), (pid, "v2"));
    project.shield(&["down"]).expect(0);
    assert_eq!(project.processes(), []);
}
