//! `shield drill`: real kills, real statements, and that nothing stays broken.

use std::{fs, path::Path, process::Command, time::Duration};

use serde_json::Value;
use shield_testkit::{ProcessGuard, wait_for_sync};

use crate::support::{LIMIT, Project, same};

/// Little load and short times: a drill here takes some seconds.
const SETTINGS: &str = "\n[drill]\nenvironments = [\"production\"]\nrate = 20\nbefore = \"2s\"\nlasts = \"4s\"\nafter = \"2s\"\n";
/// The guard's lease, and what a busy machine adds.
const LEASE: Duration = Duration::from_secs(5 + 10);
/// A run whose generator was held up says nothing, and is repeated this often.
const ATTEMPTS: u32 = 5;

/// A service with two instances that may be drilled, not yet shipped.
fn drillable() -> Project {
    let project = Project::new();
    project.edit("[service]\n", "[service]\ninstances = 2\n");
    append(&project, SETTINGS);
    project
}

fn append(project: &Project, text: &str) {
    let manifest = fs::read_to_string(project.path().join("shield.toml")).unwrap();
    project.write("shield.toml", &format!("{manifest}{text}"));
}

/// Runs the drill, which must hold, and gives what it reported.
fn held(project: &Project, name: &str) -> Value {
    for _ in 0..ATTEMPTS {
        let run = project.shield(&["drill", "run", name, "--output-format", "json"]);
        if run.code == 12 {
            continue;
        }
        let run = run.expect(0);
        let ended = run.events().into_iter().find(|event| event["event"] == "ended").unwrap();
        let report = ended["report"].clone();
        assert_eq!(report["outcome"], "held", "{report}");
        stated(project, "passed");
        return report;
    }
    panic!("the generator was held up {ATTEMPTS} times in a row");
}

/// The last statement about a drill says that it ended so, and the log is whole.
fn stated(project: &Project, outcome: &str) -> Value {
    project.shield(&["evidence", "verify"]).expect(0);
    let list = project.shield(&["evidence", "list", "--output-format", "json"]).expect(0);
    let list: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    // A release that ended the drill may have been recorded since.
    let last = list.iter().rfind(|statement| statement["stage"] == "drill").unwrap();
    assert_eq!(last["outcome"], outcome, "{last}");
    let index = last["index"].to_string();
    let shown = project.shield(&["evidence", "show", &index]).expect(0);
    serde_json::from_str(&shown.stdout).unwrap()
}

fn control(project: &Project) -> u64 {
    project.status()["pid"].as_u64().unwrap()
}

fn edge(project: &Project) -> u64 {
    project.status()["edge"]["pid"].as_u64().unwrap()
}

/// State letter of a process: `T` is stopped.
fn state(pid: u64) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit(") ").next()?.chars().next()
}

/// One of these processes that is stopped.
pub(crate) fn stopped(project_pids: &[u64]) -> Option<u64> {
    project_pids.iter().copied().find(|pid| state(*pid) == Some('T'))
}

#[test]
fn instance_kill_holds() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let before = project.instance_pids();
    let report = held(&project, "instance-kill");
    let after = project.instance_pids();
    let same = before.iter().filter(|pid| after.contains(pid)).count();
    assert_eq!((same, after.len()), (1, 2), "{before:?} {after:?}");
    assert!(report["times"]["detected_after_s"].as_f64().is_some(), "{}", report["times"]);
    assert!(report["times"]["restored_after_s"].as_f64().is_some(), "{}", report["times"]);
}

#[test]
fn instance_freeze_holds() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let before = project.instance_pids();
    let report = held(&project, "instance-freeze");
    assert_eq!(project.instance_pids(), before);
    assert_eq!(stopped(&before), None);
    // Somebody waited for the frozen instance, and the probes noticed it.
    assert!(report["results"]["latency"]["longest_ms"].as_f64().unwrap() > 300.0, "{report}");
    assert!(report["times"]["detected_after_s"].as_f64().is_some(), "{}", report["times"]);
}

#[test]
fn edge_kill_holds() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let (edge_before, control_before) = (edge(&project), control(&project));
    let report = held(&project, "edge-kill");
    assert_ne!(edge(&project), edge_before);
    assert_eq!(control(&project), control_before);
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.iter().any(|check| check["name"] == "connections refused" && check["measured"] == "0"));
}

#[test]
fn control_kill_holds() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let (control_before, instances) = (control(&project), project.instance_pids());
    let report = held(&project, "control-kill");
    assert_ne!(control(&project), control_before);
    assert_eq!(project.instance_pids(), instances);
    assert_eq!(report["results"]["totals"]["failed"], 0);
    // It can release again.
    project.source("v2", "honest");
    project.shield(&["ship"]).expect(0);
    assert_eq!(project.served(), "v2");
}

#[test]
fn slow_network_holds() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let report = held(&project, "slow-network");
    let fault = &report["results"]["faults"][0];
    // There and back, 100 ms each and 50 ms less at the least.
    assert!(fault["latency"]["p50_ms"].as_f64().unwrap() >= 100.0, "{fault}");
}

#[test]
fn cpu_pressure_holds() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let report = held(&project, "cpu-pressure");
    let effect = report["results"]["faults"][0]["effect"].as_str().unwrap();
    assert!(effect.contains("busy 100 % of the time"), "{effect}");
}

#[test]
fn thundering_herd_holds() {
    let project = drillable();
    // Each client of the herd makes a TLS handshake, in a binary that is not optimized.
    project.edit("rate = 20", "rate = 5");
    project.shield(&["ship"]).expect(0);
    let report = held(&project, "thundering-herd");
    let totals = &report["results"]["totals"];
    let answered = totals["answered"].as_u64().unwrap();
    assert!(answered >= 5 * 10 * 4 / 2, "{totals}");
    assert!(totals["connections"].as_u64().unwrap() >= answered, "{totals}");
}

/// On a filesystem of its own, in a mount namespace that ends with the shell: nothing stays mounted.
#[test]
fn disk_full_holds() {
    let project = drillable();
    let disk = project.path().join("disk");
    fs::create_dir(&disk).unwrap();
    append(&project, &format!("disk = \"{}\"\n", disk.display()));
    let script = "set -e
mount -t tmpfs -o size=512m tmpfs disk
\"$SHIELD\" --state disk/state ship >shipped 2>&1
for attempt in 1 2 3 4 5; do
  code=0; \"$SHIELD\" --state disk/state drill run disk-full --json report.json >drilled 2>&1 || code=$?
  [ $code = 12 ] || break
done
echo $code >code
\"$SHIELD\" --state disk/state evidence verify >verified 2>&1
\"$SHIELD\" --state disk/state evidence list >listed 2>&1
ls disk >left
\"$SHIELD\" --state disk/state down >downed 2>&1";
    let ran = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .current_dir(project.path())
        .env("SHIELD", env!("CARGO_BIN_EXE_shield"))
        .env("USER", "ada")
        .env("XDG_RUNTIME_DIR", project.runtime_directory())
        .output()
        .expect("util-linux has `unshare`");
    let read = |name: &str| fs::read_to_string(project.path().join(name)).unwrap_or_default();
    let said = format!("{}{}{}", String::from_utf8_lossy(&ran.stderr), read("shipped"), read("drilled"));
    assert!(ran.status.success(), "this test mounts a tmpfs in a namespace of its own:\n{said}");
    assert_eq!(read("code").trim(), "0", "{said}");
    let reports: Value = serde_json::from_str(&read("report.json")).unwrap();
    let fault = &reports[0]["results"]["faults"][0];
    assert!(fault["effect"].as_str().unwrap().contains("filled but for"), "{fault}");
    assert!(read("listed").lines().last().unwrap().contains("drill"), "{}", read("listed"));
    assert_eq!(read("left").trim(), "state");
}

#[test]
fn unmarked_environment_is_refused() {
    let project = Project::new();
    same(
        &project.shield(&["drill", "run", "edge-kill"]).shown(),
        r#"
code 2
-- stdout
-- stderr
error: failed to drill `production`: shield.toml does not mark it as drillable
  hint: allow it in shield.toml: `[drill]` with `environments = ["production"]`; `shield drill list` says what each drill breaks
"#,
    );
    project
        .shield(&["drill", "run", "edge-kill", "--environment", "staging"])
        .expect(2)
        .says("it has no edge");
    project.shield(&["drill", "run", "edge-kil"]).expect(2).says("expected one of instance-kill");
    let list = project.shield(&["drill", "list"]).expect(0);
    assert_eq!(list.stdout.lines().filter(|line| line.starts_with("  may hurt")).count(), 8);
    list.says("No environment may be drilled.");
}

#[test]
fn reports_are_tried_out_first() {
    let project = drillable();
    let path = |name: &str| project.path().join(name).to_str().unwrap().to_owned();
    let run = |rest: &[&str]| project.shield(&[&["drill", "run"][..], rest].concat());
    run(&["edge-kill", "--json", "no/such/r.json"]).expect(2).says("nothing was begun");
    run(&["--all", "--html", "no/such/r.html"]).expect(2).says("-kill.html`: No such file");
    run(&["edge-kill", "--json", "shield.toml"]).expect(2).says("this command reads it");
    assert!(project.path().join("shield.toml").exists());
    // Nothing was shipped: it cannot begin, and what an earlier one wrote is not its result.
    let (json, html) = (path("r.json"), path("r-edge-kill.html"));
    project.write("r.json", "[]");
    project.write("r-edge-kill.html", "<html>");
    project.write("r.html", "<html>");
    let page = path("r.html");
    let reports = ["--json", &json, "--html", &page];
    run(&[&["edge-kill", "instance-kill"][..], &reports].concat()).expect(2).says("nothing was shipped");
    for gone in [json, html, path("r.html")] {
        assert!(!Path::new(&gone).exists(), "{gone}");
    }
}

#[test]
fn nothing_to_learn_is_refused() {
    let project = drillable();
    project.shield(&["drill", "run", "edge-kill"]).expect(2).says("nothing was shipped from here");
    assert!(!project.state().exists());
    project.shield(&["up"]).expect(0);
    project.shield(&["drill", "run", "edge-kill"]).expect(2).says("no release is live");
    project.edit("instances = 2", "instances = 1");
    project.shield(&["ship"]).expect(0);
    project.shield(&["drill", "run", "instance-kill"]).expect(2).says("one instance carries all traffic");
    project
        .shield(&["drill", "run", "disk-full"])
        .expect(2)
        .says("no filesystem is named that may be filled");
    let list = project.shield(&["evidence", "list"]).expect(0);
    assert!(!list.stdout.lines().any(|line| line.contains("held")), "{}", list.stdout);
}

#[test]
fn unhealthy_service_is_not_drilled() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let frozen = ProcessGuard::of_pid(u32::try_from(project.instance_pids()[0]).unwrap()).unwrap();
    frozen.freeze().unwrap();
    let ejected = || project.status()["edge"].to_string().contains("\"healthy\":false").then_some(());
    wait_for_sync("an ejected instance", LIMIT, ejected).unwrap();
    project.shield(&["drill", "run", "edge-kill"]).expect(2).says("what is live is not healthy");
    frozen.thaw().unwrap();
}

#[test]
fn drills_and_releases_keep_apart() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    let drill = project.start(&["drill", "run", "control-kill"]);
    drill.wait_until_said("measuring the steady state");
    project.shield(&["drill", "run", "edge-kill"]).expect(5).says("is shipping or drilling this project");
    project.shield(&["ship"]).expect(5).says("is shipping or drilling this project");
    drill.finish();
    project.edit("watch = \"300ms\"", "watch = \"10m\"");
    project.source("v2", "honest");
    let release = project.start(&["release", "--artifact", "source"]);
    release.wait_until_said("stays warm");
    project.shield(&["drill", "run", "edge-kill"]).expect(5).says("is under way");
    project.shield(&["rollback"]).expect(0);
    release.finish().expect(4);
}

/// A fix can always ship: a drill makes way for a release, and undoes first.
#[test]
fn release_ends_a_drill() {
    let project = drillable();
    project.edit("lasts = \"4s\"", "lasts = \"60s\"");
    project.shield(&["ship"]).expect(0);
    let instances = project.instance_pids();
    let drill = project.start(&["drill", "run", "instance-freeze"]);
    wait_for_sync("a frozen instance", LIMIT, || stopped(&instances)).unwrap();
    project.source("v2", "honest");
    project.shield(&["release", "--artifact", "source"]).expect(0);
    drill.finish().expect(13).says("ABORTED").says("is under way");
    assert_eq!(project.served(), "v2");
    stated(&project, "failed");
}

#[test]
fn interrupted_drill_is_undone_first() {
    let project = drillable();
    project.edit("lasts = \"4s\"", "lasts = \"60s\"");
    project.shield(&["ship"]).expect(0);
    let instances = project.instance_pids();
    let drill = project.start(&["drill", "run", "instance-freeze"]);
    wait_for_sync("a frozen instance", LIMIT, || stopped(&instances)).unwrap();
    drill.interrupt();
    drill.finish().expect(130).says("INTERRUPTED");
    assert_eq!((stopped(&instances), project.instance_pids()), (None, instances));
    stated(&project, "failed");
}

#[test]
fn killed_drill_is_undone() {
    let project = drillable();
    project.edit("lasts = \"4s\"", "lasts = \"60s\"");
    project.shield(&["ship"]).expect(0);
    let instances = project.instance_pids();
    let drill = project.start(&["drill", "run", "instance-freeze"]);
    let frozen = wait_for_sync("a frozen instance", LIMIT, || stopped(&instances)).unwrap();
    ProcessGuard::of_pid(drill.pid()).unwrap().kill().unwrap();
    wait_for_sync("the guard to let it go on", LEASE, || (state(frozen) != Some('T')).then_some(())).unwrap();
    drop(drill);
    assert_eq!(project.instance_pids(), instances);
    let healthy = || (!project.status()["edge"].to_string().contains("\"healthy\":false")).then_some(());
    wait_for_sync("all instances behind the edge", LIMIT, healthy).unwrap();
}

#[test]
fn killed_drill_leaves_a_control_plane() {
    let project = drillable();
    project.edit("lasts = \"4s\"", "lasts = \"60s\"");
    project.shield(&["ship"]).expect(0);
    let (before, instances) = (control(&project), project.instance_pids());
    let drill = project.start(&["drill", "run", "control-kill"]);
    wait_for_sync("the control plane to be killed", LIMIT, || {
        state(before).is_none_or(|it| it == 'Z').then_some(())
    })
    .unwrap();
    ProcessGuard::of_pid(drill.pid()).unwrap().kill().unwrap();
    let again = || project.shield(&["status", "--output-format", "json"]).code == 0;
    wait_for_sync("the guard to start a control plane", LEASE + LIMIT, || again().then_some(())).unwrap();
    drop(drill);
    assert_ne!(control(&project), before);
    assert_eq!(project.instance_pids(), instances);
}

#[test]
fn unsteady_state_is_not_disturbed() {
    let project = drillable();
    project.shield(&["ship"]).expect(0);
    project.write(
        "load.toml",
        "name = \"bad\"\ntarget = \"http://localhost\"\n[open]\nphases = [{ rate = 1, for = \"1s\" }]\n[[scenario]]\nname = \"bad\"\n[[scenario.step]]\nname = \"bad\"\nget = \"/nothing\"\n",
    );
    append(&project, "load = \"load.toml\"\n");
    let edge_before = edge(&project);
    project.shield(&["drill", "run", "edge-kill"]).expect(13).says("there is no steady state");
    assert_eq!(edge(&project), edge_before);
    stated(&project, "failed");
    project.edit("load = \"load.toml\"", "load = \"none.toml\"");
    project
        .shield(&["drill", "run", "edge-kill"])
        .expect(2)
        .says("failed to read the drill's load `none.toml`");
}

/// The hypothesis is that it comes back; this one does not.
#[test]
fn instance_that_stays_away_refutes() {
    let project = drillable();
    project.edit("start_deadline = \"20s\"", "start_deadline = \"2s\"");
    let source = fs::read_to_string(project.path().join("source")).unwrap();
    let broken = project.path().join("broken");
    project.script(&source.replace("#!/bin/sh\n", &format!("[ ! -e {} ] || exit 7\n", broken.display())));
    project.shield(&["ship"]).expect(0);
    fs::write(&broken, "").unwrap();
    let page = project.path().join("page.html");
    let run = project.shield(&["drill", "run", "instance-kill", "--html", "page.html"]).expect(10);
    run.says("DID NOT HOLD").says("everything as before after is never");
    assert!(fs::read_to_string(page).unwrap().contains("instance-kill"));
    let statement = stated(&project, "failed").to_string();
    assert!(statement.contains("never, as long as was waited"), "{statement}");
    fs::remove_file(&broken).unwrap();
}
