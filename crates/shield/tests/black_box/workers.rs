//! `shield load … --workers`: load from several processes, over loopback TLS.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use shield_testkit::wait_for_sync;

use crate::support::{LIMIT, Project, Run, Running};

/// A target that keeps every id that was posted, and the row that came with it.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    /// Row and id, in the order of their arrival.
    posted: Arc<Mutex<Vec<(String, String)>>>,
}

// === impl Target ===

impl Target {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Self { address: listener.local_addr().unwrap(), posted: Arc::default() };
        let serving = target.clone();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (target, connection) = (serving.clone(), connection.unwrap());
                // A client that goes away ends its thread.
                thread::spawn(move || drop(target.serve(connection)));
            }
        });
        target
    }

    fn serve(&self, mut connection: TcpStream) -> std::io::Result<()> {
        connection.set_nodelay(true)?;
        let mut reader = BufReader::new(connection.try_clone()?);
        loop {
            let mut head = Vec::new();
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                if line == "\r\n" {
                    break;
                }
                head.push(line.to_lowercase());
            }
            let length = head.iter().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.trim().parse().unwrap())];
            reader.read_exact(&mut body)?;
            let path = head[0].split(' ').nth(1).unwrap();
            let (code, answer) = match path.split('/').collect::<Vec<_>>()[..] {
                ["", "apply", row, id] => {
                    self.posted.lock().unwrap().push((row.to_owned(), id.to_owned()));
                    (200, String::new())
                }
                ["", "ledger"] => (200, self.ids().join("\n")),
                _ => (500, String::new()),
            };
            write!(connection, "HTTP/1.1 {code} x\r\ncontent-length: {}\r\n\r\n{answer}", answer.len())?;
        }
    }

    fn ids(&self) -> Vec<String> {
        self.posted.lock().unwrap().iter().map(|(_, id)| id.clone()).collect()
    }

    fn count(&self) -> usize {
        self.posted.lock().unwrap().len()
    }

    /// The rows that each worker sent, by the worker's part of the id.
    fn rows(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut rows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (row, id) in &*self.posted.lock().unwrap() {
            let worker = id.split('-').next().unwrap().rsplit('.').next().unwrap();
            rows.entry(worker.to_owned()).or_default().insert(row.clone());
        }
        rows
    }

    /// Waits until so many ids were posted.
    fn wait_for(&self, count: usize) {
        wait_for_sync("posted ids", LIMIT, || (self.count() >= count).then_some(())).unwrap();
    }

    /// A load file of POSTs with a row each, then these lines.
    fn file(&self, model: &str, more: &str) -> String {
        let rows: Vec<String> = (0..12).map(|row| format!("{{ row = \"{row}\" }}")).collect();
        format!(
            "name = \"fleet\"\ntarget = \"http://{}\"\nseed = 7\n{model}\n[[feed]]\nname = \"rows\"\norder = \"per-user\"\n\
             rows = [{}]\n[[scenario]]\nname = \"post\"\n[[scenario.step]]\nname = \"post\"\n\
             post = \"/apply/{{{{rows.row}}}}/{{{{id}}}}\"\nbody = \"x\"\nledger = true\nthink = \"5ms\"\n{more}\n\
             [ledger]\nget = \"/ledger\"\n",
            self.address,
            rows.join(", ")
        )
    }
}

/// Workers that listen, and their addresses for `--workers`.
struct Workers {
    running: Vec<Running>,
    addresses: Vec<String>,
}

// === impl Workers ===

impl Workers {
    fn start(project: &Project, count: usize) -> Self {
        let mut workers = Self { running: Vec::new(), addresses: Vec::new() };
        for _ in 0..count {
            let running = project.start(&["load", "worker", "--listen", "127.0.0.1:0"]);
            workers.addresses.push(running.wait_for_line());
            workers.running.push(running);
        }
        workers
    }

    fn list(&self) -> String {
        self.addresses.join(",")
    }

    /// `HOST:PORT` of one of them.
    fn authority(&self, index: usize) -> &str {
        self.addresses[index].split('#').next().unwrap()
    }
}

const COUNTED: &str = "[closed]\nusers = 7\niterations = 301";
const STEADY: &str = "[open]\narrivals = \"even\"\nphases = [{ rate = 100, for = \"40s\" }]\nusers = 4";

fn send(signal: Signal, running: &Running) {
    let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn load(project: &Project, workers: &str) -> Run {
    start_load(project, workers).finish()
}

fn start_load(project: &Project, workers: &str) -> Running {
    project.start(&load_with(workers))
}

fn load_with(workers: &str) -> [&str; 6] {
    ["load", "load.toml", "--workers", workers, "--json", "results.json"]
}

/// The first thing that the verdict rests on.
fn reason(project: &Project) -> String {
    results(project)["reasons"][0].as_str().unwrap_or_default().to_owned()
}

fn results(project: &Project) -> Value {
    serde_json::from_slice(&fs::read(project.path().join("results.json")).unwrap()).unwrap()
}

/// The run went through. On a machine that is short of processor time, its workers say that they were late.
fn served(run: &Run) {
    assert!([0, 12].contains(&run.code), "{}", run.shown());
}

#[test]
fn workers_do_together_what_was_asked() {
    for count in 1..=3 {
        let (project, target) = (Project::of_files(&[]), Target::start());
        let workers = Workers::start(&project, count);
        project.write("load.toml", &target.file(COUNTED, ""));
        served(&load(&project, &workers.list()));
        let results = results(&project);
        let totals = &results["totals"];
        assert_eq!((totals["offered"].as_u64(), totals["answered"].as_u64()), (Some(301), Some(301)));
        let summary = results["reconciled"]["summary"].as_str().unwrap();
        assert!(summary.starts_with("301 answered and applied exactly once; 0 missing"), "{summary}");
        assert!(
            results["model"].as_str().unwrap().contains(&format!("by {count} worker")),
            "{}",
            results["model"]
        );
        // What came over time, from samples, is what the reports say at the end.
        let points = results["series"]["points"].as_array().unwrap();
        assert_eq!(points.iter().map(|point| point["answered"].as_u64().unwrap()).sum::<u64>(), 301);
        let rows = target.rows();
        let each: Vec<usize> = rows.values().map(BTreeSet::len).collect();
        assert_eq!(each.len(), count, "{rows:?}");
        // Seven users have the first seven rows, each of them one.
        let all: BTreeSet<&String> = rows.values().flatten().collect();
        assert_eq!((each.iter().sum::<usize>(), all.len()), (7, 7), "{rows:?}");
    }
}

#[test]
fn schedule_is_dealt_out_whole() {
    let (project, target) = (Project::of_files(&[]), Target::start());
    let workers = Workers::start(&project, 3);
    let open = "[open]\narrivals = \"even\"\nphases = [{ from = 0, to = 200, for = \"2s\" }]\nusers = 2";
    project.write("load.toml", &target.file(open, ""));
    // A worker serves one run after the other.
    for count in [200, 400] {
        served(&load(&project, &workers.list()));
        assert_eq!(target.count(), count);
        assert_eq!(results(&project)["totals"]["answered"].as_u64(), Some(200));
        assert_eq!(results(&project)["reconciled"]["agrees"].as_bool(), Some(true));
    }
}

#[test]
fn strangers_are_refused_on_both_sides() {
    let (project, target) = (Project::of_files(&[]), Target::start());
    let workers = Workers::start(&project, 2);
    project.write("load.toml", &target.file(COUNTED, ""));
    let keys: Vec<&str> =
        workers.addresses.iter().map(|address| address.split('#').nth(1).unwrap()).collect();
    // A key is 16 bytes of token and 32 of fingerprint: 64 characters, of which the first 21 are of the token alone.
    let token_of_another = format!("{}{}", &keys[1][..21], &keys[0][21..]);
    load(&project, &format!("{}#{token_of_another}", workers.authority(0)))
        .expect(12)
        .says("the key is not this worker's");
    load(&project, &format!("{}#{}", workers.authority(0), keys[1]))
        .expect(12)
        .says("another program answers there, or a worker with another key");
    load(&project, &format!("{},{}", workers.addresses[0], workers.addresses[0])).expect(2).says("twice");
    load(&project, "127.0.0.1:7700").expect(2).says("HOST:PORT#KEY");
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    load(&project, &format!("{nobody}#{}", keys[0])).expect(12).says("reach the worker `127.0.0.1:[PORT]`");
    assert_eq!(target.count(), 0);
    served(&load(&project, &workers.list()));
}

/// Neither as an argument that is wrong nor as one that is out of place, for people or for scripts.
#[test]
fn keys_are_never_told() {
    let project = Project::of_files(&[]);
    let key = "k3yThatNobodyMaySee-k3yThatNobodyMaySee-k3yThatNobodyMaySee-0000";
    let (bare, short) = (key.to_owned(), format!("127.0.0.1:7700#{}", &key[1..]));
    let (reversed, portless) = (format!("{key}#127.0.0.1:7700"), format!("127.0.0.1#{key}"));
    let good = format!("127.0.0.1:7700#{key}");
    let lines: [&[&str]; 6] = [
        &["--workers", &bare],
        &["--workers", &short],
        &["--workers", &reversed],
        &["--workers", &portless],
        &["--workers", &good, "--workers-too"],
        &["--users", "2", &good],
    ];
    for line in lines {
        for format in ["text", "json"] {
            let arguments = [&["load", "load.toml", "--output-format", format], line].concat();
            let shown = project.shield(&arguments).expect(2).shown();
            assert!(!shown.contains("NobodyMaySee"), "{shown}");
        }
    }
    load(&project, &short).expect(2).says("failed to read the key of `127.0.0.1:[PORT]`");
    let url = "https://ada:NobodyMaySee@localhost/";
    for arguments in [&["load", url][..], &["load", "load.toml", "--target", url]] {
        project.write("load.toml", &Target::start().file(COUNTED, ""));
        let shown =
            project.shield(arguments).expect(2).says("a name or password does not belong here").shown();
        assert!(!shown.contains("NobodyMaySee"), "{shown}");
    }
}

/// Whoever wants a worker for other machines says so.
#[test]
fn worker_listens_on_loopback() {
    let project = Project::of_files(&[]);
    let help = project.shield(&["load", "worker", "--help"]).expect(0);
    help.says("[default: 127.0.0.1:[PORT]]");
}

#[test]
fn lost_worker_makes_the_run_invalid() {
    for (signal, why) in
        [(Signal::KILL, "the connection was closed"), (Signal::STOP, "nothing was heard for 5s")]
    {
        let (project, target) = (Project::of_files(&[]), Target::start());
        let workers = Workers::start(&project, 2);
        project.write("load.toml", &target.file(STEADY, ""));
        let run = start_load(&project, &workers.list());
        target.wait_for(50);
        send(signal, &workers.running[1]);
        run.finish().expect(12);
        let lost = format!("worker `{}` was lost: {why}", workers.authority(1));
        assert!(reason(&project).starts_with(&lost), "{}", reason(&project));
    }
}

/// The report says that it proves nothing; the exit code says that somebody ended it.
#[test]
fn interrupted_invalid_run_is_interrupted() {
    let (project, target) = (Project::of_files(&[]), Target::start());
    let workers = Workers::start(&project, 2);
    project.write("load.toml", &target.file(STEADY, ""));
    let run = start_load(&project, &workers.list());
    target.wait_for(50);
    // It is lost, but not before the run has ended.
    send(Signal::STOP, &workers.running[1]);
    send(Signal::INT, &run);
    run.finish().expect(130).says("INVALID");
    assert!(reason(&project).contains("was lost"), "{}", reason(&project));
    let results = results(&project);
    // Last, after whatever makes it invalid: on a machine that is short of processor time, the other worker was late besides.
    let last = results["reasons"].as_array().unwrap().last().unwrap();
    assert_eq!((&results["verdict"], last), (&"invalid".into(), &"interrupted".into()));
}

#[test]
fn lost_coordinator_ends_the_load() {
    let (project, target) = (Project::of_files(&[]), Target::start());
    let workers = Workers::start(&project, 2);
    project.write("load.toml", &target.file(STEADY, ""));
    let run = start_load(&project, &workers.list());
    target.wait_for(50);
    let busy = load(&project, &workers.list()).expect(5);
    busy.says("it is busy with another run");
    send(Signal::KILL, &run);
    // Served only once the load before it has ended.
    project.write("load.toml", &target.file(COUNTED, ""));
    let served = || {
        let run = load(&project, &workers.list());
        (run.code == 0).then_some(())
    };
    wait_for_sync("the next run", LIMIT, served).unwrap();
    let runs: BTreeMap<String, usize> = target.ids().iter().fold(BTreeMap::new(), |mut runs, id| {
        *runs.entry(id.split('.').nth(1).unwrap().to_owned()).or_default() += 1;
        runs
    });
    let counts: Vec<usize> = runs.into_values().collect();
    assert!(counts.len() == 2 && counts[0] < 3_000 && counts[1] == 301, "{counts:?}");
}

#[test]
fn abort_rule_reaches_all_workers() {
    let (project, target) = (Project::of_files(&[]), Target::start());
    let workers = Workers::start(&project, 2);
    // Some are answered, so that the target counts as reached; the rest fails.
    let failing = "[[scenario]]\nname = \"fail\"\nweight = 9\n[[scenario.step]]\nname = \"fail\"\nget = \"/nothing\"\n\
                   [abort]\nerror_share = \"50%\"\nover = \"1s\"";
    project.write("load.toml", &target.file("[closed]\nusers = 6\nfor = \"60s\"", failing));
    project.measured(&load_with(&workers.list())).expect(13);
    // Workers that were not told would have gone on to the end.
    let elapsed_s = results(&project)["elapsed_s"].as_f64().unwrap();
    assert!(elapsed_s < 60.0, "{elapsed_s}");
}

#[test]
fn interrupted_worker_says_so() {
    let (project, target) = (Project::of_files(&[]), Target::start());
    let mut workers = Workers::start(&project, 2);
    project.write("load.toml", &target.file(STEADY, ""));
    let run = start_load(&project, &workers.list());
    target.wait_for(50);
    workers.running[0].interrupt();
    run.finish().expect(12);
    assert_eq!(reason(&project), format!("worker `{}` was interrupted", workers.authority(0)));
    // It told its part of the run before it went.
    let summary = results(&project)["reconciled"]["summary"].as_str().unwrap().to_owned();
    assert!(summary.contains("0 missing, 0 applied more than once, 0 applied though refused"), "{summary}");
    workers.running.remove(0).finish().expect(0);
}

#[test]
fn key_file_keeps_the_address() {
    let project = Project::of_files(&[]);
    let arguments = ["load", "worker", "--listen", "127.0.0.1:0", "--key-file", "worker.key"];
    let keys = [(); 2].map(|()| {
        let worker = project.start(&arguments);
        let address = worker.wait_for_line();
        worker.interrupt();
        worker.finish().expect(0);
        address.split('#').nth(1).unwrap().to_owned()
    });
    assert_eq!(keys[0], keys[1]);
}
