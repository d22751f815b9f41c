//! Two at once: the second learns who is first.

use std::{fs, net::TcpListener};

use shield_testkit::wait_for_sync;

use crate::support::{LIMIT, Project};

#[test]
fn second_pipeline_names_the_first() {
    let project = Project::new();
    project.edit("cp source app", "mkfifo gate && cat gate && cp source app");
    let first = project.start(&["ship"]);
    let gate = project.path().join("gate");
    wait_for_sync("the build", LIMIT, || gate.exists().then_some(())).unwrap();
    let second = project.shield(&["ship"]).expect(5);
    let second = second.says("ada@[HOST] (process [PID]) is shipping or drilling this project");
    assert!(second.stderr.contains(&format!("(process {})", first.pid())), "{}", second.stderr);
    fs::write(gate, "go\n").unwrap();
    first.finish().expect(0);
}

#[test]
fn second_release_names_the_first() {
    let project = Project::shipped();
    project.edit("watch = \"300ms\"", "watch = \"10m\"");
    project.source("v2", "honest");
    let first = project.start(&["ship"]);
    first.wait_until_said("stays warm");
    let second = project.shield(&["release"]).expect(5);
    assert!(second.stderr.contains(&format!("(process {}), is under way", first.pid())), "{}", second.stderr);
    assert_eq!(project.served(), "v2");
    project.shield(&["rollback"]).expect(0);
    first.finish().expect(4);
}

#[test]
fn occupied_port_names_the_holder() {
    let project = Project::new();
    let occupied = TcpListener::bind(("127.0.0.1", project.https)).unwrap();
    let run = project.shield(&["ship"]).expect(6);
    assert!(run.stderr.contains(&format!("by process {} (`", std::process::id())), "{}", run.stderr);
    assert!(!run.stderr.contains("build "), "{}", run.stderr);
    assert_eq!(project.processes(), []);
    drop(occupied);
    project.shield(&["ship"]).expect(0);
}
