//! `shield load` by itself: verdicts and exit codes, reports, signals, comparisons.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt,
    path::Path,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shield_testkit::wait_for_sync;

use crate::support::{LIMIT, Project, Running};

/// A server that answers `/` with 200, `/broken` with 500 and `/mute` never.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for connection in listener.incoming() {
            // A client that goes away ends its thread.
            thread::spawn(move || drop(serve(connection.unwrap())));
        }
    });
    address
}

fn serve(mut connection: TcpStream) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut lines = BufReader::new(connection.try_clone()?).lines();
    while let Some(line) = lines.next() {
        let path = line?.split(' ').nth(1).unwrap_or_default().to_owned();
        while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
        match path.as_str() {
            "/mute" => thread::sleep(Duration::from_secs(3_600)),
            "/broken" => connection.write_all(b"HTTP/1.1 500 x\r\ncontent-length: 2\r\n\r\nno")?,
            _ => connection.write_all(b"HTTP/1.1 200 x\r\ncontent-length: 2\r\n\r\nok")?,
        }
    }
    Ok(())
}

fn file(project: &Project, address: SocketAddr, path: &str, more: &str) -> String {
    let text = format!(
        "name = \"visit\"\ntarget = \"http://{address}\"\n{more}\n[[scenario]]\nname = \"visit\"\n\
         [[scenario.step]]\nname = \"page\"\nget = \"{path}\"\n"
    );
    project.write("load.toml", &text);
    project.path().join("load.toml").to_str().unwrap().to_owned()
}

fn results(run: &crate::support::Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap()
}

const COUNTED: &str = "[closed]\nusers = 2\niterations = 40\n";

#[test]
fn verdicts_have_their_exit_codes() {
    let (project, address) = (Project::of_files(&[]), server());
    let run = |path: &str, more: &str| {
        let file = file(&project, address, path, &format!("{more}{COUNTED}"));
        project.measured(&["load", &file, "--output-format", "json"])
    };
    let passed = run("/", "");
    assert_eq!(results(&passed)["totals"]["answered"], 40);
    passed.expect(0);
    let failed = run("/", "thresholds = { rate = 1000000 }\n").expect(10);
    assert_eq!(results(&failed)["verdict"], "failed");
    // Answered, though by nothing but errors.
    let broken = run("/broken", "failure_pause = \"0ms\"\n").expect(10);
    assert_eq!(results(&broken)["totals"]["failed"], 40);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}/");
    project.shield(&["load", &url, "--for", "1s"]).expect(11).says("UNREACHABLE");
    project.shield(&["load", "missing.toml"]).expect(2);
    project.write("results.json", "{}");
    project
        .shield(&["load", "results.json"])
        .expect(2)
        .says("a load file is TOML")
        .says("shield load report");
    project.shield(&["load", &url, "--rate", "nan"]).expect(2).says("phases[0].rate");
    project.shield(&["load", &url, "--html", "no/such/directory.html"]).expect(2);
}

#[test]
fn abort_rule_ends_a_run_that_hangs() {
    let (project, address) = (Project::of_files(&[]), server());
    let model = "timeout = \"10m\"\n[open]\nphases = [{ rate = 50, for = \"10m\" }]\n[abort]\np99 = \"1s\"\nover = \"2s\"\n";
    let file = file(&project, address, "/mute", model);
    let run = project.shield(&["load", &file, "--output-format", "json"]);
    let results = results(&run);
    // On a machine that is short of processor time it is invalid besides.
    let verdict = results["verdict"].as_str().unwrap();
    assert!([(13, "aborted"), (12, "invalid")].contains(&(run.code, verdict)), "{results}");
    let reasons: Vec<&str> =
        results["reasons"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(reasons.contains(&"nothing was answered for 2s while requests were under way"), "{results}");
    assert!(results["failed_by_kind"]["cut-off"].as_u64().unwrap() > 0, "{results}");
}

#[test]
fn reports_are_written_and_read_again() {
    let (project, address) = (Project::of_files(&[]), server());
    let path = |name: &str| project.path().join(name).to_str().unwrap().to_owned();
    let file = file(&project, address, "/", &format!("thresholds = {{ p99 = \"1m\" }}\n{COUNTED}"));
    let (json, html, junit) = (path("r.json"), path("r.html"), path("r.xml"));
    let run =
        project.measured(&["load", &file, "--json", &json, "--html", &html, "--junit", &junit]).expect(0);
    let first = fs::read_to_string(&html).unwrap();
    assert!(first.contains("<svg") && fs::read_to_string(&junit).unwrap().contains("<testsuite"));
    let again = path("again.html");
    let report = project.shield(&["load", "report", &json, "--html", &again]).expect(0);
    assert_eq!(report.stdout, run.stdout);
    assert_eq!(fs::read_to_string(&again).unwrap(), first);
}

#[test]
fn reports_are_of_this_run_or_not_there() {
    let (project, address) = (Project::of_files(&[]), server());
    let file = file(&project, address, "/", COUNTED);
    let path = |name: &str| project.path().join(name).to_str().unwrap().to_owned();
    let (json, junit) = (path("r.json"), path("r.xml"));
    let stale = || {
        project.write("r.json", "{}");
        project.write("r.xml", "<testsuites/>");
    };
    let gone = || !Path::new(&json).exists() && !Path::new(&junit).exists();
    stale();
    project.shield(&["load", "missing.toml", "--json", &json, "--junit", &junit]).expect(2);
    assert!(gone());
    stale();
    project.write("damaged.json", "{\"format\": 1}");
    project.shield(&["load", "report", "damaged.json", "--json", &json, "--junit", &junit]).expect(2);
    assert!(gone());
    // A mistaken path costs nothing.
    stale();
    project
        .shield(&["load", &file, "--json", &json, "--junit", "no/such/r.xml"])
        .expect(2)
        .says("nothing was begun");
    project.shield(&["load", &file, "--json", &json, "--junit", &json]).expect(2).says("named twice");
    project.shield(&["load", &file, "--json", &file]).expect(2).says("this command reads it");
    assert!(!gone() && Path::new(&file).exists());
    project.measured(&["load", &file, "--json", &json, "--junit", "/dev/null"]).expect(0);
    project.shield(&["load", "report", &json]).expect(0);
}

#[test]
fn contradictory_results_are_refused() {
    let (project, address) = (Project::of_files(&[]), server());
    let file = file(&project, address, "/", &format!("thresholds = {{ p99 = \"1m\" }}\n{COUNTED}"));
    project.measured(&["load", &file, "--json", "r.json"]).expect(0);
    let whole = fs::read_to_string(project.path().join("r.json")).unwrap();
    project.write("r.json", &whole.replacen("\"answered\": 40", "\"answered\": 39", 1));
    let refused = project.shield(&["load", "report", "r.json"]).expect(2);
    assert!(refused.stdout.is_empty(), "{}", refused.stdout);
    refused.says("contradict themselves").says("of 40 requests 39 were answered");
}

#[test]
fn signals_end_a_run_and_its_results_are_told() {
    let (project, address) = (Project::of_files(&[]), server());
    for (path, signal) in [("/", Signal::INT), ("/mute", Signal::INT), ("/", Signal::TERM)] {
        let json = project.path().join("r.json");
        let more = "timeout = \"10m\"\n[open]\nphases = [{ rate = 50, for = \"1h\" }]\n";
        let file = file(&project, address, path, more);
        let load: Running = project.start(&["load", &file, "--json", json.to_str().unwrap()]);
        // It looks at itself after the first second; before, it may not listen to signals yet.
        thread::sleep(Duration::from_secs(2));
        kill_process(Pid::from_raw(load.pid() as i32).unwrap(), signal).unwrap();
        load.finish().expect(130);
        let results: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
        // On a machine that is short of processor time it is invalid besides.
        let verdict = results["verdict"].as_str().unwrap();
        assert!(["aborted", "invalid"].contains(&verdict), "{results}");
        let reasons = results["reasons"].as_array().unwrap();
        assert!(reasons.contains(&"interrupted".into()), "{results}");
    }
}

#[test]
fn comparison_tells_a_dead_side() {
    let (project, address) = (Project::of_files(&[]), server());
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (good, dead) = (format!("http://{address}/"), format!("http://{nobody}/"));
    let run = project.shield(&["load", "compare", &good, &dead, "--users", "1", "--limit", "8s"]);
    run.expect(11).says("one of both answered nothing");
}

#[test]
fn interrupted_comparison_finds_nothing() {
    let (project, address) = (Project::of_files(&[]), server());
    let url = format!("http://{address}/");
    let comparison = project.start(&["load", "compare", &url, &url, "--users", "1", "--limit", "1h"]);
    // Before it compares, it may not listen to signals yet.
    thread::sleep(Duration::from_secs(2));
    kill_process(Pid::from_raw(comparison.pid() as i32).unwrap(), Signal::INT).unwrap();
    comparison.finish().expect(130).says("interrupted");
}

#[test]
fn a_foreign_tool_ends_with_shield() {
    let project = Project::of_files(&[]);
    let pid_file = project.path().join("tool.pid");
    project.write("bin/locust", "#!/bin/sh\necho $$ > \"$PWD/tool.pid\"\nexec sleep 3600\n");
    let tool = project.path().join("bin/locust");
    fs::set_permissions(&tool, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    project.write("locustfile.py", "from locust import HttpUser\n");
    project.shield(&["load", "locustfile.py", "--for", "3s"]).expect(2);
    let path = format!("{}:{}", project.path().join("bin").display(), std::env::var("PATH").unwrap());
    let load = project.start_having(&["load", "locustfile.py"], &[("PATH", &path)]);
    let read = || fs::read_to_string(&pid_file).ok()?.trim().parse::<i32>().ok();
    let pid = Pid::from_raw(wait_for_sync("the tool", LIMIT, read).unwrap()).unwrap();
    kill_process(Pid::from_raw(load.pid() as i32).unwrap(), Signal::TERM).unwrap();
    load.finish().expect(130);
    let gone = || rustix::process::test_kill_process(pid).is_err().then_some(());
    wait_for_sync("the end of the tool", LIMIT, gone).unwrap();
}

#[test]
fn https_target_needs_something_to_trust() {
    let project = Project::of_files(&[]);
    let file = file(&project, server(), "/", COUNTED);
    let run = project.shield(&["load", &file, "--target", "https://127.0.0.1:9"]).expect(2);
    run.says("nothing to verify its certificate against").says("--trust");
}

/// A file that is named without its directory lies in the current one, which the guard of faults leaves.
#[test]
fn disk_beside_a_plain_file_name_is_filled() {
    let project = Project::of_files(&[]);
    let data = project.path().join("data");
    fs::create_dir(&data).unwrap();
    let device = |path: &Path| fs::metadata(path).unwrap().dev();
    let above = data.ancestors().take_while(|above| device(above) == device(&data));
    let mounted = above.last().unwrap().to_owned();
    let more = format!(
        "[open]\nphases = [{{ rate = 20, for = \"1s\" }}]\n[[fault]]\nname = \"full\"\nat = \"0s\"\nfor = \"500ms\"\n\
         disk = {{ directory = \"data\", filesystem = {mounted:?}, take = \"8KiB\" }}\n"
    );
    file(&project, server(), "/", &more);
    let run = project.measured(&["load", "load.toml", "--output-format", "json"]).expect(0);
    let results = results(&run);
    assert_eq!(results["faults"][0]["undone"], true, "{results}");
    assert_eq!(fs::read_dir(&data).unwrap().count(), 0);
}
