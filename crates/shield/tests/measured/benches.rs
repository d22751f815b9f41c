//! `shield bench`: tables, documents, statements; of a backend in Python, and of LinkShield.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;
use shield_testkit::{ProcessGuard, free_port, wait_for_sync};

use crate::support::{LIMIT, Project, Run, client::get};

/// A run whose generator was held up says nothing, and is repeated this often.
const ATTEMPTS: u32 = 20;

/// Held by the test that runs: two that measure at once hold each other up.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

const LOAD: &str = r#"
name = "bench"
target = "http://127.0.0.1:1"
closed = { users = 2, for = "1s" }

[[scenario]]
name = "open"
step = [{ name = "open item", get = "/open" }]

[[scenario]]
name = "by token"
setup = [{ name = "log in", post = "/login", json = { user = "{{env.BENCH_USER}}" }, extract = { token = "/access_token" } }]
step = [{ name = "own item", get = "/own", headers = { authorization = "Bearer {{token}}" } }]
"#;

/// Targets that a busy machine keeps, too.
const BENCH: &str = r#"
[bench]
load = "bench.toml"
prepare = "echo BENCH_USER=ada"
budget = "4s"

[[bench.component]]
name = "jwt"
target = "10s"
with = "by token"
without = "open"
primitive = { kind = "hmac-sha-256", bytes = 90 }
"#;

/// The settings with the figures from inside of the backend, too.
fn with_metrics() -> String {
    let settings = BENCH.replace("budget =", "metrics = \"/metrics\"\nbudget =");
    format!("{settings}metric = \"jwt_seconds\"\nlabels = {{}}\n")
}

/// A service whose artifact starts the backend in Python.
fn in_python(settings: &str) -> Project {
    let project = Project::new();
    let manifest = fs::read_to_string(project.path().join("shield.toml")).unwrap();
    project.write("shield.toml", &format!("{manifest}{settings}"));
    project.write("bench.toml", LOAD);
    project.write("backend.py", include_str!("bench_backend.py"));
    let backend = project.path().join("backend.py");
    project.edit("--address {address} --port {port}", "{port}");
    project.script(&format!("exec python3 {} \"$1\"", backend.display()));
    project
}

/// Measures until the generator was not held up, and had time for enough blocks to say what a component adds.
fn measured(project: &Project, arguments: &[&str]) -> Run {
    for _ in 0..ATTEMPTS {
        let run = project.shield(&[&["bench"], arguments].concat());
        // A warning says that it is not known, and has the word as well.
        let adds = run.stdout.contains("\"blocks\":")
            || (run.stdout.contains("adds ") && !run.stdout.contains("adds to a request is not known"));
        if run.code != 12 && (adds || run.code == 2 || run.code == 11) {
            return run;
        }
    }
    panic!("the generator was held up {ATTEMPTS} times in a row");
}

fn results(run: &Run) -> Value {
    let last = run.events().pop().unwrap();
    assert_eq!(last["event"], "measured", "{last}");
    last["results"].clone()
}

#[test]
fn backend_in_python_is_measured_and_stated() {
    let _alone = alone();
    let project = in_python(&with_metrics());
    let files = ["page.html", "figures.json"].map(|name| project.path().join(name).display().to_string());
    let run =
        measured(&project, &["--output-format", "json", "--html", &files[0], "--json", &files[1]]).expect(0);
    let results = results(&run);
    let jwt = &results["components"][0];
    assert_eq!(
        (&results["verdict"], &jwt["name"], &jwt["held"]),
        (&"passed".into(), &"jwt".into(), &true.into())
    );
    for view in ["quiet", "loaded", "request"] {
        assert!(jwt[view]["count"].as_u64().unwrap() > 0, "{view}: {jwt}");
        assert!(jwt[view]["average_us"].as_f64().unwrap() > 0.0, "{view}: {jwt}");
    }
    assert_eq!(jwt["loaded"]["longest_exact"], false, "no gauge tells it");
    assert!(jwt["added"]["blocks"].as_u64().unwrap() >= 12, "{jwt}");
    assert!(jwt["primitive"]["ratio"].as_f64().unwrap() > 0.0, "{jwt}");
    assert!(results["cpu_per_request_us"].as_f64().unwrap() > 0.0, "{results}");
    let written: Value = serde_json::from_str(&fs::read_to_string(&files[1]).unwrap()).unwrap();
    assert_eq!(written, results);
    let page = fs::read_to_string(&files[0]).unwrap();
    assert!(page.contains("<title>PASSED: shop</title>") && page.contains("<svg"), "{page}");

    project.shield(&["evidence", "verify"]).expect(0);
    let list = project.shield(&["evidence", "list", "--output-format", "json"]).expect(0);
    let list: Vec<Value> = serde_json::from_str(&list.stdout).unwrap();
    let last = list.iter().rfind(|statement| statement["stage"] == "bench").unwrap();
    assert_eq!(last["outcome"], "passed", "{last}");
    let shown = project.shield(&["evidence", "show", &last["index"].to_string()]).expect(0);
    assert!(shown.stdout.contains("evidence/bench/v1"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("buckets"), "histograms stay in the report: {}", shown.stdout);
}

#[test]
fn missed_target_is_told_in_a_table() {
    let _alone = alone();
    let project = in_python(&BENCH.replace("10s", "1ms").replace("with =", "margin = 1000000\nwith ="));
    let run = measured(&project, &[]).expect(10);
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[0].starts_with("FAILED: shop at http://127.0.0.1:"), "{}", run.stdout);
    assert!(
        lines[1].contains("`jwt` takes ") && lines[1].contains("and must take at most 0.001 µs"),
        "{}",
        run.stdout
    );
    for text in [
        "average    inside target",
        "NOT HELD",
        "whole request, at 60 %",
        "adds ",
        "hmac-sha-256 of 90 bytes",
    ] {
        assert!(run.stdout.contains(text), "`{text}` is not in {}", run.stdout);
    }
    assert!(!run.stdout.contains("in process"), "it has no metrics: {}", run.stdout);
}

#[test]
fn stage_holds_a_ship() {
    let _alone = alone();
    let project = in_python(&format!("{BENCH}\n[stage.bench]\nbudget = \"4s\"\n"));
    project.measured(&["ship"]).expect(0).says("bench    passed").says("1 components within their targets");
    project.edit("target = \"10s\"", "target = \"1ms\"\nmargin = 1000000");
    project.shield(&["ship"]).expect(3).says("bench    failed: ").says("docs/bench.md describes it");
}

#[test]
fn what_cannot_be_measured_is_explained() {
    let _alone = alone();
    let project = Project::new();
    project.shield(&["bench"]).expect(2).says("shield.toml has no `[bench]`");
    let project = in_python(BENCH);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    project.shield(&["bench", "--target", &nobody]).expect(11).says("it answered nothing");
    project.edit("without = \"open\"", "without = \"nowhere\"");
    let python = serving(&project);
    project.shield(&["bench", "--target", &python.1]).expect(2).says("the load file has none of this name");
    project.edit("without = \"nowhere\"", "without = \"open\"");
    project.edit("echo BENCH_USER=ada", "echo ada");
    project.shield(&["bench", "--target", &python.1]).expect(2).says("line 1").says("is not `NAME=VALUE`");
}

#[test]
fn limits_on_the_bench_are_an_invalid_run() {
    let _alone = alone();
    let project = in_python(&with_metrics());
    for own_max in ["0", "50"] {
        let python = serving_with(&project, &[own_max]);
        let run = project.shield(&["bench", "--target", &python.1]).expect(12);
        let run = run.says("the run is INVALID, it answered 429 to").says("raise its limits for the bench");
        assert!(!run.shown().to_lowercase().contains("held"), "nothing was measured: {}", run.shown());
    }
}

#[test]
fn variables_that_a_target_does_not_give_are_named() {
    let _alone = alone();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = repository.join("bench/prepare.py");
    let project = in_python(&BENCH.replace("echo BENCH_USER=ada", &format!("python3 {}", script.display())));
    let run = project.shield(&["bench", "--target", "http://127.0.0.1:1"]).expect(2);
    let run = run.says("SHIELD_BENCH_DATA is not set").says("SHIELD_BENCH_DATA=DIR shield bench --target");
    assert!(!run.stderr.contains("Traceback"), "{}", run.stderr);
}

/// The backend in Python as a process of its own.
fn serving(project: &Project) -> (ProcessGuard, String) {
    serving_with(project, &[])
}

fn serving_with(project: &Project, arguments: &[&str]) -> (ProcessGuard, String) {
    let port = free_port();
    let mut command = Command::new("python3");
    command
        .arg(project.path().join("backend.py"))
        .arg(port.to_string())
        .args(arguments)
        .stderr(Stdio::null());
    let process = ProcessGuard::of_child(command.spawn().unwrap()).unwrap();
    wait_for_sync("the backend in Python", LIMIT, || get(port, "/")).unwrap();
    (process, format!("http://127.0.0.1:{port}"))
}

/// Nothing is demanded of its figures here, in debug mode beside other tests; `scripts/bar guard.targets` does.
#[test]
fn linkshield_tells_all_six_components() {
    let _alone = alone();
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let project = Project::of_files(&[]);
    let (https, http) = (project.https.to_string(), project.http.to_string());
    let manifest = fs::read_to_string(repository.join("shield.toml")).unwrap();
    let manifest = manifest
        .replace("cargo build --release -p linkshield", "true")
        .replace("target/release/linkshield", "linkshield")
        .replace("127.0.0.1:8443\"", &format!("127.0.0.1:{https}\"\nhttp = \"127.0.0.1:{http}\""));
    project.write("shield.toml", &manifest);
    for file in ["bench/load.toml", "bench/prepare.py"] {
        project.write(file, &fs::read_to_string(repository.join(file)).unwrap());
    }
    fs::copy(linkshield(), project.path().join("linkshield")).unwrap();
    let run = measured(&project, &["--budget", "4s", "--output-format", "json"]);
    assert!([0, 10].contains(&run.code), "{}", run.shown());
    let results = results(&run);
    let names: Vec<&str> =
        results["components"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["jwt", "rate_limit", "csrf", "session", "api_key", "chain"]);
    for component in results["components"].as_array().unwrap() {
        for view in ["quiet", "loaded"] {
            let figures = &component[view];
            assert!(figures["count"].as_u64().unwrap() > 0 && figures["p99_us"].is_number(), "{component}");
        }
        assert!(component["request"]["longest_us"].as_f64().unwrap() > 0.0, "{component}");
    }
    assert_eq!(results["failed"], 0, "{results}");
    let list = project.shield(&["evidence", "list"]).expect(0);
    assert!(list.stdout.contains("  bench  "), "{}", list.stdout);
}

/// LinkShield, built into the directory that this test was built into: `<target>/debug/deps/<this>`.
fn linkshield() -> PathBuf {
    let current = std::env::current_exe().unwrap();
    let profile = current.ancestors().nth(2).unwrap();
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--locked", "-p", "linkshield"]);
    if profile.ends_with("release") {
        command.arg("--release");
    }
    let target = profile.parent().unwrap();
    let built = command.current_dir(env!("CARGO_MANIFEST_DIR")).env("CARGO_TARGET_DIR", target).status();
    assert!(built.unwrap().success(), "build linkshield");
    profile.join("linkshield")
}
