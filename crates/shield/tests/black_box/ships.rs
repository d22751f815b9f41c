//! `shield ship`, from the first release on.

use crate::support::{Project, Traffic, same};

#[test]
fn first_ship_reads_like_this() {
    let project = Project::new();
    same(
        &project.shield(&["ship"]).shown(),
        r#"
code 0
-- stdout

shop r1-[HASH] is live on https://[HTTPS] and http://[HTTP]
  curl --cacert [DIR]/shop/.shield/ca/ca.pem https://[HTTPS]/ready

Proved and signed, about artifact sha256:[DIGEST]:
  build    sha256:[DIGEST]
  test     `true` exited with code 0
  audit    skipped: no `[stage.audit]` in shield.toml
  bench    skipped: no `[stage.bench]` in shield.toml
  staging  healthy on 127.0.0.1:[PORT]
  smoke    1 request answered as expected
  load     skipped: no `stage.load.file` in shield.toml
  drill    skipped: no `stage.drill.drills` in shield.toml
  release  r1-[HASH] has all traffic (0 requests were in flight at the swap)
  watch    nothing spoke against it
  checkpoint of the evidence log (keep it on another machine; it finds every later change):
    shield evidence verify --expect [CHECKPOINT]

Try next:
  shield status            what runs now
  shield ship              change a line and release again: no request fails
  shield evidence list     every signed statement
  shield down              stop everything
  (put `shield` on the PATH:  export PATH="[BIN]:$PATH")
-- stderr
control plane started (process [PID]), edge on https://[HTTPS] and http://[HTTP]
build    cp source app
artifact sha256:[DIGEST]
build    passed in [TIME]s: sha256:[DIGEST]
test     true
test     passed in [TIME]s: `true` exited with code 0
audit    skipped: no `[stage.audit]` in shield.toml
bench    skipped: no `[stage.bench]` in shield.toml
staging  starting one instance outside production
staging  passed in [TIME]s: healthy on 127.0.0.1:[PORT]
smoke    1 request to the staging instance
smoke    answers: answered 200
smoke    passed in [TIME]s: 1 request answered as expected
load     skipped: no `stage.load.file` in shield.toml
drill    skipped: no `stage.drill.drills` in shield.toml
release  blue-green release to production
release  starting 1 instance
release  all instances healthy; swapping all traffic
release  has all traffic; watching for 300ms (first release: nothing to go back to)
release  passed in [TIME]s: r1-[HASH] has all traffic (0 requests were in flight at the swap)
watch    passed in [TIME]s: nothing spoke against it
"#,
    );
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
    assert_eq!(
        stages,
        ["build", "test", "audit", "bench", "staging", "smoke", "load", "drill", "release", "watch"]
    );
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
