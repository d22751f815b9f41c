//! `load.memory`: memory does not grow with results, and users who wait are cheap.
//!
//! `shield load` runs as a process of its own; its resident memory is read from `/proc` all along. First over 10^8 results
//! (HTTP/2, many streams: the quickest way to that many), where the highest value counts, and the growth over the second
//! half of the run. Then with ten thousand users on a connection each, who rest for an hour after their first request.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use shield_load::RunResults;
use tempfile::TempDir;
use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
    time::{Instant, sleep},
};

use super::Options;
use crate::harness::{Result, SmallServer, Trouble, Verdict, build_programs};

const RESULTS: u64 = 100_000_000;
const STREAMS: usize = 100;
const CONNECTIONS: usize = 2;
const RESULTS_MIB_MAX: f64 = 64.0;
/// Growth over the second half that is noise of the allocator.
const GROWTH_MIB_MAX: f64 = 1.0;
const USERS: usize = 10_000;
const USERS_MIB_MAX: f64 = 300.0;
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Longest run of each kind.
const LIMIT: Duration = Duration::from_secs(40 * 60);
/// Longest wait for every user's first answer.
const IDLE_LIMIT: Duration = Duration::from_secs(120);

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    let shield = build_programs().await?.shield;
    let results = options.requests.unwrap_or(RESULTS);
    let (highest, growth) = results_run(&shield, results, &mut verdict).await?;
    verdict.demand(highest <= RESULTS_MIB_MAX, || format!("{highest:.1} MiB after {results} results"));
    verdict.demand(growth <= GROWTH_MIB_MAX, || format!("it grew by {growth:.1} MiB over the second half"));
    let users = users_run(&shield).await?;
    verdict.demand(users <= USERS_MIB_MAX, || format!("{users:.1} MiB with {USERS} idle users"));
    Ok(verdict.with_figure(format!(
        "{highest:.1} MiB after {results} results, {growth:+.1} MiB over the second half; {users:.1} MiB with {USERS} idle users"
    )))
}

/// The highest resident memory, and its growth over the second half of the run, in MiB.
async fn results_run(shield: &Path, results: u64, verdict: &mut Verdict) -> Result<(f64, f64)> {
    let server = SmallServer::start("testkit-quick", &["--http2"]).await?;
    let users = STREAMS * CONNECTIONS;
    let text = load_file(
        &server,
        &format!("[closed]\nusers = {users}\nusers_per_connection = {STREAMS}\niterations = {results}\n"),
        "protocol = \"h2\"\n",
        "",
    );
    let mut load = Load::start(shield, &text)?;
    let mut seen: Vec<f64> = Vec::new();
    let ended = Instant::now() + LIMIT;
    while load.running()? {
        if let Some(mib) = load.resident_mib() {
            seen.push(mib);
        }
        if Instant::now() > ended {
            return Err(Trouble::new(format!("load {results} requests within {LIMIT:?}")));
        }
        sleep(LOOK_INTERVAL).await;
    }
    let outcome = load.results().await?;
    println!(
        "  {} answered in {:.0} s, {:.0}/s",
        outcome.totals.answered,
        outcome.elapsed_s,
        outcome.totals.answered as f64 / outcome.elapsed_s
    );
    verdict.demand(outcome.totals.answered == results, || {
        format!("{} of {results} requests were answered", outcome.totals.answered)
    });
    let middle = seen.len() / 2;
    let highest = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
    // The last looks see the report being made.
    Ok((highest(&seen), highest(&seen[middle..seen.len().max(3) - 2]) - highest(&seen[..middle])))
}

/// Resident memory in MiB while every user rests.
async fn users_run(shield: &Path) -> Result<f64> {
    let server = SmallServer::start("testkit-quick", &[]).await?;
    let model = format!("[closed]\nusers = {USERS}\nfor = \"1h\"\n");
    let mut load = Load::start(shield, &load_file(&server, &model, "", "think = \"1h\"\n"))?;
    let ended = Instant::now() + IDLE_LIMIT;
    while load.sockets() < USERS {
        if Instant::now() > ended || !load.running()? {
            return Err(Trouble::new(format!("connect {USERS} users: {} sockets are open", load.sockets())));
        }
        sleep(LOOK_INTERVAL).await;
    }
    // All have their answer a moment after the last one connected.
    sleep(Duration::from_secs(5)).await;
    load.resident_mib().ok_or_else(|| Trouble::new("read the memory of `shield load`"))
}

fn load_file(server: &SmallServer, model: &str, protocol: &str, think: &str) -> String {
    format!(
        "name = \"memory\"\ntarget = \"http://{}\"\ntimeout = \"60s\"\n{protocol}{model}\n[[scenario]]\nname = \"get\"\n\
         [[scenario.step]]\nname = \"get\"\nget = \"/\"\n{think}",
        server.address
    )
}

/// `shield load` under way; killed when this is dropped.
struct Load {
    process: Child,
    directory: TempDir,
}

// === impl Load ===

impl Load {
    fn start(shield: &Path, text: &str) -> Result<Self> {
        let directory =
            tempfile::tempdir().map_err(|error| Trouble::caused("make a temporary directory", error))?;
        let file = directory.path().join("load.toml");
        std::fs::write(&file, text).map_err(|error| Trouble::caused("write the load file", error))?;
        let mut command = Command::new(shield);
        command.arg("load").arg(&file).arg("--json").arg(directory.path().join("results.json"));
        command.stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().map_err(|error| Trouble::caused("start `shield load`", error))?;
        Ok(Self { process, directory })
    }

    fn running(&mut self) -> Result<bool> {
        let ended = self.process.try_wait().map_err(|error| Trouble::caused("watch `shield load`", error))?;
        Ok(ended.is_none())
    }

    fn proc(&self, name: &str) -> Option<PathBuf> {
        Some(PathBuf::from(format!("/proc/{}/{name}", self.process.id()?)))
    }

    fn resident_mib(&self) -> Option<f64> {
        let status = std::fs::read_to_string(self.proc("status")?).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib / 1024.0)
    }

    fn sockets(&self) -> usize {
        self.proc("fd").and_then(|path| std::fs::read_dir(path).ok()).map_or(0, Iterator::count)
    }

    async fn results(mut self) -> Result<RunResults> {
        let mut said = String::new();
        if let Some(mut stdout) = self.process.stdout.take() {
            stdout
                .read_to_string(&mut said)
                .await
                .map_err(|error| Trouble::caused("read what `shield load` said", error))?;
        }
        let text = std::fs::read_to_string(self.directory.path().join("results.json"));
        let text =
            text.map_err(|error| Trouble::caused(format!("read the results; it said: {said}"), error))?;
        serde_json::from_str(&text).map_err(|error| Trouble::caused("understand the results", error))
    }
}
