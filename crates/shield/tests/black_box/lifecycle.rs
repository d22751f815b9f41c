//! Down, up, and control planes that die or are replaced.

use std::{fs, os::unix::fs::PermissionsExt};

use shield_testkit::{ProcessGuard, wait_for_sync};

use crate::support::{LIMIT, Project, Traffic, same};

fn control_pid(project: &Project) -> u32 {
    u32::try_from(project.status()["pid"].as_u64().unwrap()).unwrap()
}

#[test]
fn down_leaves_no_process() {
    let project = Project::shipped();
    assert!(project.processes().len() >= 3, "{:?}", project.processes());
    same(
        &project.shield(&["down"]).expect(0).stdout,
        "everything is stopped; `shield up` starts the live release again",
    );
    assert_eq!(project.processes(), []);
    assert_eq!(project.served(), "no connection");
    project.shield(&["up"]).expect(0);
    assert_eq!(project.served(), "v1");
}

fn kill_control(project: &Project) -> u32 {
    let mut control = ProcessGuard::of_pid(control_pid(project)).unwrap();
    control.kill().unwrap();
    control.wait(LIMIT).unwrap();
    control.pid()
}

#[test]
fn down_ends_what_a_dead_control_plane_left() {
    let project = Project::shipped();
    kill_control(&project);
    assert_eq!(project.served(), "v1");
    project.shield(&["down"]).expect(0).says("everything is stopped");
    assert_eq!(project.processes(), []);
    project.shield(&["down"]).expect(0).says("nothing was running");
}

#[test]
fn down_does_not_wait_for_an_edge() {
    let project = Project::shipped();
    // No edge starts any more: what it would run from is no `shield`.
    for entry in fs::read_dir(project.state().join("bin")).unwrap().flatten() {
        fs::remove_file(entry.path()).unwrap();
        fs::write(entry.path(), "#!/bin/sh\nexit 1\n").unwrap();
        fs::set_permissions(entry.path(), fs::Permissions::from_mode(0o700)).unwrap();
    }
    let edge = u32::try_from(project.status()["edge"]["pid"].as_u64().unwrap()).unwrap();
    ProcessGuard::of_pid(edge).unwrap().kill().unwrap();
    wait_for_sync("failing starts", LIMIT, || {
        let log = fs::read_to_string(project.state().join("logs/control.log")).unwrap();
        log.contains("could not start an edge").then_some(())
    })
    .unwrap();
    project.shield(&["down"]).expect(0).says("everything is stopped");
    assert_eq!(project.processes(), []);
}

#[test]
fn sockets_are_found_with_other_variables() {
    let project = Project::shipped();
    let elsewhere = project.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    project.shield_with(&["status"], &[("XDG_RUNTIME_DIR", elsewhere.to_str().unwrap())]).expect(0);
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
}

#[test]
fn killed_control_plane_is_replaced() {
    let project = Project::shipped();
    let (instances, edge) = (project.instance_pids(), project.status()["edge"]["pid"].clone());
    let killed = kill_control(&project);
    project.shield(&["status"]).expect(6);
    assert_eq!(project.served(), "v1");
    project.shield(&["up"]).expect(0);
    assert_ne!(control_pid(&project), killed);
    assert_eq!((project.instance_pids(), project.status()["edge"]["pid"].clone()), (instances, edge));
}

#[test]
fn killed_instance_is_replaced() {
    let project = Project::shipped();
    let before = project.instance_pids();
    let mut instance = ProcessGuard::of_pid(u32::try_from(before[0]).unwrap()).unwrap();
    instance.kill().unwrap();
    instance.wait(LIMIT).unwrap();
    project.wait_until_served("v1");
    assert_ne!(project.instance_pids(), before);
}

#[test]
fn killed_edge_is_replaced() {
    let project = Project::shipped();
    let (instances, edge) = (project.instance_pids(), project.status()["edge"]["pid"].as_u64().unwrap());
    let mut guard = ProcessGuard::of_pid(u32::try_from(edge).unwrap()).unwrap();
    guard.kill().unwrap();
    guard.wait(LIMIT).unwrap();
    project.wait_until_served("v1");
    assert_eq!(project.instance_pids(), instances);
}

#[test]
fn upgrade_to_same_binary_does_nothing() {
    let project = Project::shipped();
    let (control, instances) = (control_pid(&project), project.instance_pids());
    project.shield(&["up", "--upgrade"]).expect(0);
    assert_eq!((control_pid(&project), project.instance_pids()), (control, instances));
}

#[test]
fn upgrade_drops_no_request() {
    let project = Project::shipped();
    let (control, instances) = (control_pid(&project), project.instance_pids());
    let edge = project.status()["edge"]["pid"].clone();
    let newer = project.path().join("newer-shield");
    fs::copy(env!("CARGO_BIN_EXE_shield"), &newer).unwrap();
    let mut bytes = fs::read(&newer).unwrap();
    bytes.push(0);
    fs::write(&newer, bytes).unwrap();
    let hint =
        "it runs from another shield binary; `shield up --upgrade` replaces it without dropping a request";
    project.start_program(&newer, &["up"]).finish().expect(0).says(hint);
    let traffic = Traffic::start(project.http, "/slow?ms=20");
    project.start_program(&newer, &["up", "--upgrade"]).finish().expect(0);
    let seen = traffic.finish();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [200], "{seen:?}");
    assert_ne!(control_pid(&project), control);
    wait_for_sync("a newer edge", LIMIT, || {
        let newer = project.status()["edge"]["pid"].clone();
        (newer.is_u64() && newer != edge).then_some(())
    })
    .unwrap();
    assert_eq!(project.instance_pids(), instances);
}

#[test]
fn second_control_plane_is_refused() {
    let project = Project::shipped();
    let state = project.state();
    let run = project.shield(&["control", "--root", state.to_str().unwrap()]);
    let error = run.shown();
    let error = &error[error.find("error:").unwrap()..];
    same(
        error,
        r#"
error: failed to start the control plane
  caused by: take the lock `[DIR]/shop/.shield/control.lock`: the control plane with process id [PID] holds it
"#,
    );
    assert_eq!((run.code, project.served().as_str()), (6, "v1"));
}

#[test]
fn damaged_journal_is_rebuilt() {
    let project = Project::shipped();
    let instances = project.instance_pids();
    kill_control(&project);
    fs::write(project.state().join("production/journal"), "not a journal").unwrap();
    project.shield(&["up"]).expect(9).says("the state was rebuilt from what runs");
    project.shield(&["up"]).expect(0);
    assert_eq!((project.instance_pids(), project.served().as_str()), (instances, "v1"));
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    assert_eq!(project.served(), "v2");
}
