//! The stages `load` and `drill` of `ship`.

use std::fs;

use serde_json::Value;

use shield_testkit::wait_for_sync;

use crate::{
    drills::stopped,
    support::{LIMIT, Project},
};

/// A load of two seconds, with a limit that anything holds.
const LOAD: &str = "name = \"ready\"\ntarget = \"https://elsewhere.example\"\ntrust = \"none.pem\"\n[open]\nphases = [{ rate = 20, for = \"2s\" }]\n[[scenario]]\nname = \"ready\"\n[[scenario.step]]\nname = \"ready\"\nget = \"/ready\"\n[thresholds]\np99 = \"30s\"\nerror_share = \"0%\"\n";

/// A service with a load stage.
fn loaded(load: &str) -> Project {
    let project = Project::new();
    project.edit("[release]\n", "[stage.load]\nfile = \"load.toml\"\n\n[release]\n");
    project.write("load.toml", load);
    project
}

/// Statements of this stage, oldest first.
fn statements(project: &Project, stage: &str) -> Vec<Value> {
    project.shield(&["evidence", "verify"]).expect(0);
    let list = project.shield(&["evidence", "list", "--output-format", "json"]).expect(0);
    let list: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    list.into_iter().filter(|entry| entry["stage"] == stage).collect()
}

#[test]
fn load_stage_loads_staging() {
    let project = loaded(LOAD);
    project.measured(&["ship"]).expect(0).says("requests answered as expected, p99 ");
    let last = statements(&project, "load").pop().unwrap();
    assert_eq!(last["outcome"], "passed", "{last}");
    let shown = project.shield(&["evidence", "show", &last["index"].to_string()]).expect(0);
    for part in ["totals", "latency", "thresholds", "audit", "p99_ms"] {
        assert!(shown.stdout.contains(part), "{part}: {}", shown.stdout);
    }
}

#[test]
fn load_that_does_not_hold_stops_a_release() {
    let project = loaded(&LOAD.replace("\"/ready\"", "\"/nothing\""));
    project
        .measured(&["ship"])
        .expect(3)
        .says("load     failed: it did not hold: nothing was answered as expected");
    assert_eq!(statements(&project, "load").pop().unwrap()["outcome"], "failed");
    assert_eq!(project.served(), "503");
}

#[test]
fn mistakes_of_a_load_are_told_before_the_build() {
    let project = loaded(&LOAD.replace("p99", "p98"));
    let run = project.shield(&["ship"]).expect(3).says("`load.toml` has mistakes");
    let run = run.says("thresholds.p98: not a known key");
    assert!(!run.stderr.contains("build "), "{}", run.stderr);
    fs::remove_file(project.path().join("load.toml")).unwrap();
    project.shield(&["ship"]).expect(3).says("read `load.toml`: No such file");
}

#[test]
fn drill_stage_drills_what_is_live() {
    let project = Project::new();
    project.edit("[release]\n", "[stage.drill]\ndrills = [\"edge-kill\"]\n\n[drill]\nenvironments = [\"production\"]\nbefore = \"2s\"\nlasts = \"1s\"\nafter = \"2s\"\n\n[release]\n");
    project.shield(&["ship"]).expect(0).says("drill    skipped: no release is live yet");
    let live = project.status()["live"].as_str().unwrap().to_owned();
    let edge = project.status()["edge"]["pid"].clone();
    project.source("v2", "honest");
    let run = project.shield(&["ship"]).expect(0);
    assert!(run.stdout.contains(&format!("1 drill held, about {live}")), "{}", run.stdout);
    assert_ne!(project.status()["edge"]["pid"], edge);
    let statements = statements(&project, "drill");
    let outcomes: Vec<_> = statements.iter().map(|entry| entry["outcome"].clone()).collect();
    assert_eq!(outcomes, ["skipped", "passed"]);
    // Both are about v1: it was new, then live.
    assert_eq!(statements[0]["artifact"], statements[1]["artifact"]);
    assert_eq!(project.served(), "v2");
}

/// It is undone and recorded, like one that `shield drill run` was told to end.
#[test]
fn interrupted_drill_stage_is_recorded() {
    let project = Project::new();
    project.edit("[service]\n", "[service]\ninstances = 2\n");
    project.edit("[release]\n", "[stage.drill]\ndrills = [\"instance-freeze\"]\n\n[drill]\nenvironments = [\"production\"]\nbefore = \"2s\"\nlasts = \"60s\"\nafter = \"2s\"\n\n[release]\n");
    project.shield(&["ship"]).expect(0);
    project.source("v2", "honest");
    let instances = project.instance_pids();
    let ship = project.start(&["ship"]);
    wait_for_sync("a frozen instance", LIMIT, || stopped(&instances)).unwrap();
    ship.interrupt();
    ship.finish().expect(130).says("drill    failed: ").says("interrupted");
    assert_eq!((stopped(&instances), project.instance_pids()), (None, instances));
    assert_eq!(statements(&project, "drill").pop().unwrap()["outcome"], "failed");
    assert_eq!(project.served(), "v1");
}

/// Nothing follows a stage that was interrupted, and nothing of it is left.
#[test]
fn interrupted_build_ends_a_pipeline() {
    let project = Project::new();
    project.shield(&["ship"]).expect(0);
    project.edit("cp source app", "echo building; sleep 3600");
    let ship = project.start(&["ship"]);
    ship.wait_until_said("building");
    ship.interrupt();
    ship.finish().expect(130).says("interrupted");
    assert_eq!(statements(&project, "release").len(), 1);
}

#[test]
fn drill_stage_needs_a_mark() {
    let project = Project::new();
    project.edit("[release]\n", "[stage.drill]\ndrills = [\"edge-kill\"]\n\n[release]\n");
    project.shield(&["ship"]).expect(2).says("stage.drill: given, although no environment may be drilled");
}
