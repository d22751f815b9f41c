//! `guard.chain`: what the whole check of a request costs, in process and over HTTP.
//!
//! In process: `Chain::decide` on hits, in batches on one thread, as the fastest and the median batch. That it allocates nothing and
//! asks nobody is counted by `shield-guard`'s own tests, which run here.
//!
//! Over HTTP: two servers with one handler, one thread each, bare and behind LinkShield's gate (its measuring, its headers and all).
//! They take turns under the same load, in pairs of slices whose order a coin draws; the time is the server's own, by the kernel's
//! count of nanoseconds on a processor.

use std::{fs, net::SocketAddr, process::Stdio, time::Duration};

use fastrand::Rng;
use http::{HeaderName, Method};
use shield_load::{
    Action, ClientGroup, Connection, HttpRequest, LoadHandle, LoadPlan, Part as TemplatePart, Protocol,
    Scenario, Scheme, Step, Target, Template, Workload, start,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::sleep,
};

use super::Options;
use crate::harness::{
    Result, Trouble, Verdict, build_linkshield_example, cargo_program, run as run_command, workspace,
};

/// Longest test run, builds included.
const TEST_LIMIT: Duration = Duration::from_secs(20 * 60);
const DECIDE_NS_MAX: f64 = 3_000.0;
const THROUGHPUT_SHARE_MIN: f64 = 0.8;
const PAIRS: usize = 60;
const SLICE: Duration = Duration::from_millis(200);
const CLIENTS: usize = 4;
/// Longest wait for what was sent when a slice ends.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// A server under load.
struct Side {
    pid: u32,
    load: LoadHandle,
    _process: Child,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let program = build_linkshield_example("gate-server").await?;
    let mut verdict = Verdict::default();
    let mut figures = Vec::new();
    let mut decide = Command::new(&program);
    decide.arg("decide");
    let decided = run_command(decide, DRAIN_LIMIT * 3).await?;
    for line in decided.stdout.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let [kind, least, median] = fields[..] else { return Err(Trouble::new(format!("read `{line}`"))) };
        let number = |text: &str| {
            text.parse::<f64>().map_err(|error| Trouble::caused(format!("read `{line}`"), error))
        };
        let (least, median) = (number(least)?, number(median)?);
        println!("  decide, {kind}: {least:.0} ns at best, {median:.0} ns in the median batch");
        verdict.demand(median <= DECIDE_NS_MAX, || {
            format!("decide, {kind}: {median:.0} ns, not {DECIDE_NS_MAX:.0}")
        });
        figures.push(format!("{kind} {median:.0} ns"));
    }
    verdict.demand(figures.len() == 2, || {
        format!("decide: {} kinds of two were measured: {}", figures.len(), decided.stderr)
    });
    verdict.demand(counted().await?, || {
        "the tests of `shield-guard` that count allocations and questions failed".to_owned()
    });
    for kind in ["token", "session"] {
        let share = over_http(&program, kind).await?;
        verdict.demand(share >= THROUGHPUT_SHARE_MIN, || {
            format!("over HTTP, {kind}: {:.1} % of the bare handler's throughput", share * 100.0)
        });
        figures.push(format!("over HTTP with {kind} {:.1} %", share * 100.0));
    }
    Ok(verdict.with_figure(figures.join(", ")))
}

/// Whether hits allocate nothing and ask nobody.
async fn counted() -> Result<bool> {
    let mut command = Command::new(cargo_program());
    command.args([
        "test",
        "--release",
        "--locked",
        "-q",
        "-p",
        "shield-guard",
        "--test",
        "chain",
        "allocations",
    ]);
    command.current_dir(workspace());
    let finished = run_command(command, TEST_LIMIT).await?;
    Ok(finished.succeeded() && finished.stdout.contains("passed"))
}

/// The share of the bare handler's throughput per processor second that is left behind the gate: the median over pairs.
async fn over_http(program: &std::path::Path, kind: &str) -> Result<f64> {
    let gated = started(program, "gated").await?;
    let headers: Vec<(HeaderName, Template)> = gated
        .credentials
        .iter()
        .filter(|(of, _, _)| of == kind)
        .map(|(_, name, value)| (name.clone(), text(value)))
        .collect();
    let bare = started(program, "bare").await?;
    let gated = Side::load(gated, headers.clone())?;
    let bare = Side::load(bare, headers)?;
    let mut coin = Rng::with_seed(1);
    let (mut shares, mut bare_us, mut gated_us) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..=PAIRS {
        let gated_first = coin.bool();
        let (first, second) = if gated_first { (&gated, &bare) } else { (&bare, &gated) };
        let costs = (first.slice().await?, second.slice().await?);
        let (of_gated, of_bare) = if gated_first { costs } else { (costs.1, costs.0) };
        // The first pair warms up.
        if number > 0 {
            shares.push(of_bare / of_gated);
            bare_us.push(of_bare);
            gated_us.push(of_gated);
        }
    }
    let (share, bare_us, gated_us) = (median(shares), median(bare_us), median(gated_us));
    println!(
        "  over HTTP, {kind}: {bare_us:.2} µs of processor time bare, {gated_us:.2} µs behind the gate: {:.1} % of the throughput",
        share * 100.0
    );
    Ok(share)
}

/// A server that was started.
struct Started {
    address: SocketAddr,
    /// Kind, name and value of the headers that it takes.
    credentials: Vec<(String, HeaderName, String)>,
    process: Child,
}

async fn started(program: &std::path::Path, mode: &str) -> Result<Started> {
    let mut command = Command::new(program);
    command.arg(mode).stdout(Stdio::piped()).kill_on_drop(true);
    let mut process = command.spawn().map_err(|error| Trouble::caused("start gate-server", error))?;
    let mut lines = BufReader::new(process.stdout.take().expect("it is a pipe")).lines();
    let (mut address, mut credentials) = (None, Vec::new());
    loop {
        let line = next(&mut lines).await?;
        if line == "ready" {
            break;
        }
        if let Some(text) = line.strip_prefix("listening on ") {
            address = text.parse().ok();
            continue;
        }
        let fields = line.split_once(' ').and_then(|(kind, header)| Some((kind, header.split_once(": ")?)));
        let Some((kind, (name, value))) = fields else {
            return Err(Trouble::new("read what gate-server says"));
        };
        let name = name.parse().map_err(|error| Trouble::caused("read what gate-server says", error))?;
        credentials.push((kind.to_owned(), name, value.to_owned()));
    }
    let address = address.ok_or_else(|| Trouble::new("learn where gate-server listens"))?;
    Ok(Started { address, credentials, process })
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Result<String> {
    let line = lines.next_line().await.map_err(|error| Trouble::caused("hear gate-server", error))?;
    line.ok_or_else(|| Trouble::new("hear gate-server before it ended"))
}

fn text(text: &str) -> Template {
    Template { parts: vec![TemplatePart::Text(text.to_owned())] }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

// === impl Side ===

impl Side {
    /// Puts the server under load, and holds it up at once.
    fn load(server: Started, headers: Vec<(HeaderName, Template)>) -> Result<Self> {
        let Started { address, process, .. } = server;
        let target = Target { scheme: Scheme::Http, authority: address.to_string(), address };
        let action = Action::Http(HttpRequest { method: Method::POST, path: text("/"), headers, body: None });
        let step = Step {
            name: "ask".to_owned(),
            action,
            expect: vec![200..=200],
            checks: Vec::new(),
            extract: Vec::new(),
            think: Duration::ZERO..=Duration::ZERO,
            ledger: false,
        };
        let scenario = Scenario {
            name: "ask".to_owned(),
            weight: 1,
            setup: Vec::new(),
            refresh: None,
            steps: vec![step],
        };
        let plan = LoadPlan {
            workload: Workload {
                scenarios: vec![scenario],
                id_prefix: "ask".to_owned(),
                ..Workload::default()
            },
            clients: vec![ClientGroup::new(CLIENTS, Protocol::Http1, Connection::KeepAlive)],
            ..LoadPlan::new(target)
        };
        let load = start(plan).map_err(|error| Trouble::caused("put gate-server under load", error))?;
        load.pause();
        let pid = process.id().ok_or_else(|| Trouble::new("know the process of gate-server"))?;
        Ok(Self { pid, load, _process: process })
    }

    /// Microseconds of the server's processor time for each request of a slice.
    async fn slice(&self) -> Result<f64> {
        let (used, before) = (self.used_ns()?, self.load.counters());
        self.load.resume();
        sleep(SLICE).await;
        self.load.pause();
        let ended =
            |counters: &shield_load::LoadCounters| counters.answered + counters.failed + counters.abandoned;
        let idle = self
            .load
            .wait_until("nothing under way", DRAIN_LIMIT, |counters| counters.begun == ended(counters))
            .await;
        let after = idle.map_err(|error| Trouble::caused("end a slice", error))?;
        if after.failed > 0 {
            return Err(Trouble::new(format!("have every request answered: {} failed", after.failed)));
        }
        let answered = after.answered - before.answered;
        Ok((self.used_ns()? - used) as f64 / 1e3 / answered.max(1) as f64)
    }

    /// What its one thread used of a processor.
    fn used_ns(&self) -> Result<u64> {
        let path = format!("/proc/{}/schedstat", self.pid);
        let text =
            fs::read_to_string(&path).map_err(|error| Trouble::caused(format!("read `{path}`"), error))?;
        let used = text.split(' ').next().and_then(|used| used.parse().ok());
        used.ok_or_else(|| Trouble::new(format!("read `{path}`: `{text}`")))
    }
}
