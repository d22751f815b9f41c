//! Load and faults on one clock.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use shield_load::{FaultOrder, FaultWindow, RunResults, SessionOrder, Verdict, read_load_file, run_session};
use shield_testkit::backend::BackendOptions;
use shield_testkit::{TestBackend, backend_program, wait_for};
use tokio::net::TcpStream;

use crate::stage::{LIMIT, files, filesystem, program, run as run_faults, settled};

/// A load of 100 requests a second through a proxy, with two faults of the network and one of the server.
fn load(server: SocketAddr) -> String {
    format!(
        "name = \"faults\"
target = \"http://{server}\"
through = \"line\"

[open]
arrivals = \"even\"
phases = [{{ rate = 100, for = \"5s\" }}]

[[scenario]]
name = \"visit\"
step = [{{ get = \"/\" }}]

[[proxy]]
name = \"line\"

[[fault]]
name = \"slow line\"
at = \"200ms\"
for = \"500ms\"
latency = {{ proxy = \"line\", delay = \"50ms\" }}

[[fault]]
name = \"refusals\"
at = \"1s\"
for = \"500ms\"
http-status = {{ proxy = \"line\", status = 503 }}

[[fault]]
name = \"frozen\"
at = \"3s\"
for = \"500ms\"
freeze = {{ listens = {} }}
",
        server.port()
    )
}

async fn backend() -> TestBackend {
    let backend = TestBackend::spawn(&backend_program().unwrap(), &BackendOptions::default()).unwrap();
    let listens = async || TcpStream::connect(backend.address()).await.ok();
    wait_for("the backend", LIMIT, listens).await.unwrap();
    backend
}

async fn run(text: &str) -> RunResults {
    let journals = tempfile::tempdir().unwrap();
    let file = read_load_file(text, "load.toml", Path::new(".")).unwrap();
    let section = file.faults.clone().unwrap();
    let plan = section.plan(file.seed, file.target.resolve().await.unwrap()).unwrap();
    let journals = journals.path().to_owned();
    let faults = Some(FaultOrder { plan, guard: program(), journals, through: section.through });
    let order = SessionOrder { file, trust_pem: None, faults, workers: Vec::new() };
    run_session(order, std::future::pending(), &mut |_| {}).await.unwrap()
}

fn window<'r>(results: &'r RunResults, name: &str) -> &'r FaultWindow {
    let window = results.faults.iter().find(|window| window.name == name);
    window.unwrap_or_else(|| panic!("no window of `{name}`: {:?}", results.warnings))
}

#[tokio::test]
async fn faults_happen_on_the_clock_of_the_load() {
    let backend = backend().await;
    let results = run(&load(backend.address())).await;
    for name in ["slow line", "refusals", "frozen"] {
        let FaultWindow { planned_s, from_s, to_s, .. } = window(&results, name);
        assert!(planned_s <= from_s && from_s < to_s && *to_s < results.elapsed_s, "{:?}", results.faults);
    }
    // There and back.
    let slow = window(&results, "slow line").latency.unwrap();
    assert!(slow.longest_ms >= 100.0, "{slow:?}");
    let refused = results.statuses[&503];
    assert!(refused > 0 && window(&results, "refusals").failed > 0, "{:?}", results.statuses);
    assert_eq!(results.totals.failed, refused, "{:?}", results.failures);
    // Who came first waited for the server to run on.
    let longest_ms = results.latency.unwrap().longest_ms;
    assert!(longest_ms >= 400.0, "{longest_ms} ms, {:?}", window(&results, "frozen"));
    assert!(results.totals.answered > 0 && results.verdict != Verdict::Unreachable, "{:?}", results.reasons);
    let warned: Vec<_> = results.warnings.iter().filter(|warning| warning.starts_with("fault")).collect();
    assert!(warned.is_empty(), "{warned:?}");
}

#[test]
fn disk_is_filled_beside_the_load_file() {
    // Beneath the current directory, which the guard leaves.
    let made = tempfile::tempdir_in(".").unwrap();
    let beside = Path::new(".").join(made.path().file_name().unwrap());
    fs::create_dir(beside.join("data")).unwrap();
    let mounted = filesystem(&beside);
    let text = format!(
        "name = \"full\"
target = \"http://127.0.0.1:9\"

[open]
phases = [{{ rate = 1, for = \"1s\" }}]

[[scenario]]
name = \"visit\"
step = [{{ get = \"/\" }}]

[[fault]]
name = \"full disk\"
at = \"0s\"
for = \"1h\"
disk = {{ directory = \"data\", filesystem = {mounted:?}, take = \"8KiB\" }}
"
    );
    let file = read_load_file(&text, "full.toml", &beside).unwrap();
    let plan = file.faults.unwrap().plan(1, SocketAddr::from((Ipv4Addr::LOCALHOST, 9))).unwrap();
    let journals = tempfile::tempdir().unwrap();
    let runner = run_faults(&plan, journals.path());
    let events = settled(&runner);
    assert_eq!(events[0].failed, None);
    assert_eq!(files(&beside.join("data"), "fill").len(), 1);
    let events = runner.finish();
    assert!(events[0].undone_s.is_some(), "{events:?}");
    assert!(files(&beside.join("data"), "fill").is_empty());
}
