//! Releases that are taken back, by the watch or by an operator.

use crate::support::{Project, Traffic, same};

#[test]
fn rollback_restores_first_artifact() {
    let project = Project::shipped();
    let artifact =
        |run: crate::support::Run| run.events().pop().unwrap()["release"]["spec"]["artifact"].clone();
    project.source("v2", "honest");
    let second = artifact(project.shield(&["ship", "--output-format", "json"]).expect(0));
    let restored = artifact(project.shield(&["rollback", "--output-format", "json"]).expect(0));
    assert_ne!(restored, second);
    assert_eq!(project.served(), "v1");
    let run = project.shield(&["rollback"]);
    same(
        &run.shown(),
        r#"
code 0
-- stdout
r4-[HASH] has all traffic, which is r2-[HASH] again
-- stderr
release  starting 1 instance
release  all instances healthy; swapping all traffic
release  has all traffic (0 requests were in flight at the swap); watching for 300ms, r3-[HASH] stays warm
release  the watch is over; draining and stopping r3-[HASH]
"#,
    );
    assert_eq!(project.served(), "v2");
}

#[test]
fn rollback_needs_an_earlier_release() {
    let project = Project::shipped();
    same(
        &project.shield(&["rollback"]).shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to roll back: no earlier release that worked differs from the live one
  hint: `shield history` lists the releases
"#,
    );
    project.shield(&["rollback", "--to", "r7-00000000"]).expect(2).says("no such release in the history");
}

#[test]
fn rollback_during_watch_swaps_once() {
    let project = Project::shipped();
    project.edit("watch = \"300ms\"", "watch = \"10m\"");
    project.source("v2", "honest");
    let ship = project.start(&["ship"]);
    ship.wait_until_said("stays warm");
    assert_eq!(project.served(), "v2");
    let generation = project.status()["generation"].as_u64().unwrap();
    same(
        &project.shield(&["rollback"]).expect(0).stdout_shown(),
        "r2-[HASH] was taken back; r1-[HASH] has all traffic",
    );
    assert_eq!(project.status()["generation"].as_u64().unwrap(), generation + 1);
    assert_eq!(project.served(), "v1");
    ship.finish().expect(4).says("watch    failed: rollback requested by ada@[HOST]");
}

#[test]
fn lying_release_is_taken_back() {
    let project = Project::shipped();
    project.edit("watch = \"300ms\"", "watch = \"10m\"");
    project.source("v2", "errors-on-root");
    let traffic = Traffic::start(project.http, "/");
    let run = project.shield(&["ship"]).expect(4);
    assert!(run.stderr.contains("watch    failed: "), "{}", run.stderr);
    let seen = traffic.finish();
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [200, 500], "{seen:?}");
    assert_eq!(project.served(), "v1");
    let list = project.shield(&["evidence", "list"]).expect(0);
    let last = list.stdout.lines().last().unwrap();
    assert!(last.contains("  watch  ") && last.contains("failed: "), "{last}");
}

#[test]
fn interrupted_ship_leaves_release_under_way() {
    let project = Project::shipped();
    project.edit("watch = \"300ms\"", "watch = \"10m\"");
    project.source("v2", "honest");
    let ship = project.start(&["ship"]);
    ship.wait_until_said("stays warm");
    ship.interrupt();
    ship.finish().expect(130).says("a release under way goes on");
    assert!(project.status()["underway"]["reversible"].as_bool().unwrap());
    assert_eq!(project.served(), "v2");
    project.shield(&["rollback"]).expect(0);
    assert_eq!(project.served(), "v1");
}

#[test]
fn release_skips_the_stages() {
    let project = Project::new();
    project.shield(&["release", "--artifact", "source"]).expect(0);
    assert_eq!(project.served(), "v1");
    let list = project.shield(&["evidence", "list", "--output-format", "json"]).expect(0);
    let list: Vec<serde_json::Value> = serde_json::from_str(&list.stdout).unwrap();
    let stages: Vec<_> = list.iter().map(|it| it["stage"].clone()).collect();
    assert_eq!(stages, ["release", "watch"]);
}
