//! `shield ship`, from the first release on.

use crate::support::{Project, Traffic, same};

#[test]
fn first_ship_reads_like_this() {
    let project = Project::new();
    same(&project.shield(&["ship"]).shown(), "@@");
    assert_eq!(project.served(), "v1");
}

#[test]
fn json_ends_with_checkpoint() {
    let project = Project::new();
    let run = project.shield(&["ship", "--output-format", "json"]).expect(0);
    let events = run.events();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!((names.first(), names.last()), (Some(&"began"), Some(&"finished")));
    let last = events.last().unwrap();
    let stages: Vec<_> = last["stages"].as_array().unwrap().iter().map(|it| it["stage"].clone()).collect();
    assert_eq!(stages, ["build", "test", "staging", "smoke", "release", "watch"]);
    let checkpoint = last["checkpoint"].as_str().unwrap();
    project.shield(&["evidence", "verify", "--expect", checkpoint]).expect(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn second_ship_drops_no_request() {
    let project = Project::shipped();
    project.source("v2", "honest");
    let traffic = Traffic::start(project.http, "/slow?ms=200");
    let run = project.shield(&["ship", "--output-format", "json"]).expect(0);
    let seen = traffic.finish();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [200], "{seen:?}");
    let release = &run.events().pop().unwrap()["release"];
    assert!(release["claims_at_swap"].as_u64().unwrap() > 0, "{release}");
    assert!(release["previous"].as_str().unwrap().starts_with("r1-"));
    assert_eq!(project.served(), "v2");
    assert_eq!(project.instance_pids().len(), 1);
}

#[test]
fn status_and_history_tell_releases() {
    let project = Project::shipped();
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    let status = project.status();
    assert!(status["live"].as_str().unwrap().starts_with("r2-"));
    assert_eq!((&status["serving"], &status["warnings"]), (&true.into(), &serde_json::json!([])));
    let history = project.shield(&["history", "--output-format", "json"]).expect(0);
    let history: Vec<serde_json::Value> = serde_json::from_str(&history.stdout).unwrap();
    let numbers: Vec<_> = history.iter().map(|it| it["spec"]["number"].clone()).collect();
    assert_eq!(numbers, [1, 2]);
    let by = history[0]["spec"]["requested_by"].as_str().unwrap();
    assert!(by.starts_with("ada@"), "{by}");
}

#[test]
fn several_instances_share_the_port() {
    let project = Project::new();
    project.edit("[service]\n", "[service]\ninstances = 2\n");
    project.shield(&["ship"]).expect(0).says("starting 2 instances");
    assert_eq!(project.instance_pids().len(), 2);
}
