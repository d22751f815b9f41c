//! `ship.first-run`: a newcomer's first command.
//!
//! A clone of the last commit, a cargo home of its own without a single crate, and `cargo run --release -- ship`. The clock
//! runs until LinkShield answers on the edge. Cargo's own lines, of the outer command and of the build stage, say whether
//! a crate was compiled twice. A second `ship` follows.

use std::{
    collections::BTreeMap,
    fs,
    process::Stdio,
    time::{Duration, Instant},
};

use shield_load::{ClientGroup, Connection, LoadPlan, Protocol, RequestMix, Stop, run as run_load};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::Command,
    time::{sleep, timeout},
};

use super::Options;
use crate::harness::{
    Programs, Project, Result, Trouble, Verdict, cargo_program, run as run_command, workspace,
};

/// Where LinkShield's own file listens.
const PORT: u16 = 8443;
const READY: &str = "/api/v1/health/ready";
const FIRST_ANSWER: Duration = Duration::from_secs(8 * 60);
const SECOND_SHIP: Duration = Duration::from_secs(60);
/// Longest silence that still looks like progress.
const SILENCE: Duration = Duration::from_secs(60);
/// When a run is given up.
const LIMIT: Duration = Duration::from_secs(30 * 60);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// What a command printed.
#[derive(Debug, Default)]
struct Printed {
    lines: Vec<String>,
    longest_silence: Duration,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    std::net::TcpListener::bind(("127.0.0.1", PORT)).map_err(|error| {
        Trouble::caused(format!("have port {PORT} free, as LinkShield's file needs it"), error)
    })?;
    let nowhere = Programs { shield: "shield".into(), backend: "none".into() };
    let project = Project::around(&nowhere, PORT)?;
    let shield = project.path("target/release/shield");
    let project = project.with_shield(shield);
    clone(&project).await?;
    println!("  a clone of HEAD, an empty cargo home, 2 or more cores: cargo run --release -- ship");

    let mut verdict = Verdict::default();
    let began = Instant::now();
    let (shipped, answered) = tokio::join!(ship(&project), first_answer(&project, began));
    let (printed, took) = (shipped?, began.elapsed());
    let answered = answered?;
    println!(
        "  answered after {:.1} s, shipped after {:.1} s; longest silence {:.1} s",
        answered.as_secs_f64(),
        took.as_secs_f64(),
        printed.longest_silence.as_secs_f64()
    );
    let (compiled, twice) = compiled_twice(&project, &printed);
    println!("  {compiled} crates compiled; twice: {twice:?}");

    let again = Instant::now();
    ship(&project).await?;
    let again = again.elapsed();
    println!("  second ship: {:.1} s", again.as_secs_f64());
    project.close().await?;
    verdict.demand(answered <= FIRST_ANSWER, || format!("answered after {answered:?}"));
    verdict.demand(again <= SECOND_SHIP, || format!("the second ship took {again:?}"));
    verdict.demand(twice.is_empty(), || format!("compiled twice: {twice:?}"));
    verdict.demand(compiled > 0, || "no crate was compiled: this was no first run".to_owned());
    let silence = printed.longest_silence;
    verdict.demand(silence <= SILENCE, || format!("no sign of life for {silence:?}"));
    Ok(verdict.with_figure(format!(
        "answered after {:.0} s, {} of {compiled} crates compiled twice, second ship {:.0} s",
        answered.as_secs_f64(),
        twice.len(),
        again.as_secs_f64()
    )))
}

async fn clone(project: &Project) -> Result<()> {
    let mut git = Command::new("git");
    git.args(["clone", "--quiet"]).arg(workspace()).arg(project.path(""));
    let cloned = run_command(git, LIMIT).await?;
    match cloned.succeeded() {
        true => Ok(()),
        false => Err(Trouble::new(format!("clone the repository: {}", cloned.stderr.trim()))),
    }
}

/// The newcomer's command; anything but success is an error.
async fn ship(project: &Project) -> Result<Printed> {
    let mut command = project.command(cargo_program());
    // What `cargo run` set for this program would show through to the clone's.
    for (name, _) in std::env::vars_os() {
        let name_text = name.to_string_lossy();
        if name_text.starts_with("CARGO_") && !name_text.starts_with("CARGO_HTTP_") {
            command.env_remove(name);
        }
    }
    command.args(["run", "--release", "--", "ship"]).env("CARGO_HOME", project.beside("cargo-home"));
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| Trouble::caused("run cargo", error))?;
    let stderr = child.stderr.take().expect("its standard error is a pipe");
    let work = async {
        let printed = read(stderr).await;
        (child.wait().await, printed)
    };
    let (status, printed) =
        timeout(LIMIT, work).await.map_err(|_| Trouble::new(format!("ship within {LIMIT:?}")))?;
    let status = status.map_err(|error| Trouble::caused("wait for cargo", error))?;
    let last = || printed.lines.iter().rev().take(20).rev().cloned().collect::<Vec<_>>().join("\n");
    if status.success() { Ok(printed) } else { Err(Trouble::new(format!("ship: {status}\n{}", last()))) }
}

async fn read(output: impl AsyncRead + Unpin) -> Printed {
    let mut printed = Printed::default();
    let mut lines = BufReader::new(output).lines();
    let mut last = Instant::now();
    // A broken pipe ends the lines as the end of the program does; its status tells which it was.
    while let Ok(Some(line)) = lines.next_line().await {
        printed.longest_silence = printed.longest_silence.max(last.elapsed());
        last = Instant::now();
        printed.lines.push(line);
    }
    printed
}

/// Asks until LinkShield says that it is ready.
async fn first_answer(project: &Project, began: Instant) -> Result<Duration> {
    while began.elapsed() < LIMIT {
        if let Ok(plan) = project.load()
            && run_load(one_request(plan)).await.is_ok_and(|report| report.answered == 1)
        {
            return Ok(began.elapsed());
        }
        sleep(LOOK_INTERVAL).await;
    }
    Err(Trouble::new(format!("get an answer within {LIMIT:?}")))
}

fn one_request(base: LoadPlan) -> LoadPlan {
    let clients = vec![ClientGroup::new(1, Protocol::Http1, Connection::Fresh)];
    LoadPlan { clients, stop: Stop::Iterations(1), workload: RequestMix::gets(READY).workload(), ..base }
}

/// How many crates were compiled, and which more than once. The test stage compiles other profiles of the same crates by
/// its nature, and is not asked.
fn compiled_twice(project: &Project, printed: &Printed) -> (usize, Vec<String>) {
    let build = fs::read_to_string(project.state("logs/build.log")).unwrap_or_default();
    let lines = printed.lines.iter().map(String::as_str).chain(build.lines());
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    lines.filter_map(compiled).for_each(|crate_name| *counts.entry(crate_name).or_default() += 1);
    let twice = counts.iter().filter(|(_, count)| **count > 1).map(|(name, _)| (*name).to_owned());
    (counts.len(), twice.collect())
}

/// `name vX` of a line of cargo's that compiles it.
fn compiled(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("Compiling ")?;
    let end = rest.match_indices(' ').nth(1).map_or(rest.len(), |(index, _)| index);
    Some(&rest[..end])
}

#[cfg(test)]
mod tests {
    use super::compiled;

    #[test]
    fn reads_lines_of_cargo() {
        assert_eq!(compiled("   Compiling serde v1.0.229"), Some("serde v1.0.229"));
        assert_eq!(compiled("   Compiling shield v0.1.0 (/x y/crates/shield)"), Some("shield v0.1.0"));
        assert_eq!(compiled("    Finished release"), None);
    }
}
