//! The control plane dies at every point.

use std::time::Duration;

use shield_control::admin::StatusReport;
use shield_evidence::{EvidenceStore, Statement};
use shield_load::LoadHandle;
use shield_release::FinishedRelease;
use shield_types::ReleaseId;

use crate::harness::{
    Finished, ManifestSettings, Programs, Project, Result, Running, Trouble, Verdict, plan, print_load,
    wait_for_traffic,
};

const KEEP_ALIVE_CLIENTS: usize = 4;
const FRESH_CLIENTS: usize = 2;
/// Rest of a client between two requests, so that two cores are left for the programs.
const PAUSE: Duration = Duration::from_millis(5);
/// Points in a row that were not reached: then there is none left.
const UNREACHED_TO_END: u32 = 3;
/// No release has this many points.
const POINTS_MAX: u32 = 2_000;
/// Every so many points, a further release shows that the lock is free.
const FURTHER_RELEASE_EVERY: u32 = 3;
/// The log line of a point.
const REACHED: &str = "\"failpoint reached\"";

/// What became of the points.
#[derive(Debug, Default)]
struct Tally {
    killed: u32,
    in_first_start: u32,
    completed: u32,
    undone: u32,
    further: u32,
}

pub(super) async fn run(programs: &Programs, only: Option<u32>, verdict: &mut Verdict) -> Result<String> {
    println!(
        "  control plane: {KEEP_ALIVE_CLIENTS} keep-alive and {FRESH_CLIENTS} fresh-connection clients, HTTP/1.1 and HTTP/2 over TLS, half POSTs; killed by itself (SIGKILL) at each point of start and release"
    );
    let mut tally = Tally::default();
    first_start(programs, only, verdict, &mut tally).await?;
    let mut project = Project::create(programs, &ManifestSettings::quick())?;
    project.must_release().await?;
    let load = plan(project.load()?, KEEP_ALIVE_CLIENTS, FRESH_CLIENTS, PAUSE);
    let load = wait_for_traffic(load).await?;
    let mut unreached = 0;
    for point in 1..=only.unwrap_or(POINTS_MAX) {
        if unreached == UNREACHED_TO_END {
            break;
        }
        let broken = verdict.broken.len();
        let reached = one_point(&mut project, point, verdict, &mut tally).await?;
        unreached = if reached { 0 } else { unreached + 1 };
        check_load(&load, point, verdict);
        if verdict.broken.len() > broken + 3 {
            return Err(Trouble::new(format!("go on after point {point}: too much is broken")));
        }
    }
    load.stop();
    let report = load.join().await;
    print_load("control plane killed", &report);
    check_evidence(&project, verdict).await?;
    project.close().await?;
    verdict.demand(report.failed_count() == 0, || {
        format!("{} requests failed while the control plane was killed", report.failed_count())
    });
    verdict.demand(tally.killed > 0, || "no point was reached".to_owned());
    let Tally { killed, in_first_start, completed, undone, further } = tally;
    println!(
        "  killed at {killed} points of a release and {in_first_start} of a first start: {completed} completed, {undone} undone, {further} further releases"
    );
    Ok(format!(
        "control plane killed at {} points, {} of {} requests failed",
        killed + in_first_start,
        report.failed_count(),
        report.offered
    ))
}

/// Points before the first edge exists: of a control plane that starts in an empty directory.
async fn first_start(
    programs: &Programs,
    only: Option<u32>,
    verdict: &mut Verdict,
    tally: &mut Tally,
) -> Result<()> {
    for point in 1..=only.unwrap_or(POINTS_MAX) {
        let mut project = Project::create(programs, &ManifestSettings::quick())?;
        project.shield_with(&["up"], &[("SHIELD_FAILPOINT", &point.to_string())]).await?;
        let reached = !project.running().iter().any(|running| matches!(running, Running::Control { .. }));
        if reached {
            tally.in_first_start += 1;
            let up = up(&project).await?;
            verdict.demand(up.succeeded(), || format!("first start, point {point}: `up`: {}", up.reason()));
            let released = project.must_release().await;
            verdict.demand(released.is_ok(), || format!("first start, point {point}: {released:?}"));
            let settled = project.settled().await;
            verdict.demand(settled.is_ok(), || format!("first start, point {point}: {settled:?}"));
        } else {
            disarm(&project).await?;
        }
        project.close().await?;
        if !reached {
            break;
        }
    }
    Ok(())
}

/// A release whose control plane dies at `point`, and what the next control plane makes of it. False when the release
/// ended before the point.
async fn one_point(
    project: &mut Project,
    point: u32,
    verdict: &mut Verdict,
    tally: &mut Tally,
) -> Result<bool> {
    let before = project.settled().await?;
    project.kill_control().await?;
    let started = project.shield_with(&["up"], &[("SHIELD_FAILPOINT", &point.to_string())]).await?;
    let mut released = false;
    if started.succeeded() {
        project.change()?;
        released = project.release().await?.succeeded();
    }
    let alive = project.running().iter().any(|running| matches!(running, Running::Control { .. }));
    if alive {
        verdict.demand(released, || format!("point {point} was not reached, and the release failed"));
        disarm(project).await?;
        return Ok(false);
    }
    tally.killed += 1;
    let name = point_name(project, point);
    let up = up(project).await?;
    verdict.demand(up.succeeded(), || format!("point {point} ({name}): `shield up`: {}", up.reason()));
    let after = match project.settled().await {
        Ok(after) => after,
        Err(error) => {
            verdict.demand(false, || format!("point {point} ({name}): {error}"));
            return Ok(true);
        }
    };
    judge(&before, &after, (point, &name), verdict, tally);
    if point.is_multiple_of(FURTHER_RELEASE_EVERY) {
        let further = project.must_release().await;
        verdict.demand(further.is_ok(), || format!("point {point} ({name}): a further release: {further:?}"));
        tally.further += 1;
    }
    Ok(true)
}

/// The live release is the old or the new one.
fn judge(
    before: &StatusReport,
    after: &StatusReport,
    (point, name): (u32, &str),
    verdict: &mut Verdict,
    tally: &mut Tally,
) {
    let number = |live: &Option<ReleaseId>| live.as_ref().map(ToString::to_string).unwrap_or_default();
    let (old, new) = (number(&before.live), number(&after.live));
    let completed = old != new;
    if completed {
        tally.completed += 1;
    } else {
        tally.undone += 1;
    }
    let end = if completed { "completed" } else { "undone, or not begun" };
    println!("  point {point:3} {name:28} {end}: {new} (was {old})");
    verdict.demand(after.warnings.is_empty(), || format!("point {point} ({name}): {:?}", after.warnings));
}

/// Every release that ended is in the evidence log, once, and its watch as well if it got traffic.
async fn check_evidence(project: &Project, verdict: &mut Verdict) -> Result<()> {
    let store = EvidenceStore::open(&project.state("evidence"));
    let store = store.map_err(|error| Trouble::caused("open the evidence log", error))?;
    let mut recorded = Vec::new();
    let mut note = |statement: Statement| {
        recorded.extend(statement.release.map(|release| (release.id, statement.stage.to_string())));
    };
    store.each(&mut note).map_err(|error| Trouble::caused("read the evidence log", error))?;
    let statements = recorded.len();
    recorded.sort();
    recorded.dedup();
    verdict.demand(recorded.len() == statements, || {
        format!("{} statements about releases are there twice", statements - recorded.len())
    });
    let history = project.shield(&["history", "--output-format", "json"]).await?;
    let history: Vec<FinishedRelease> =
        serde_json::from_str(&history.stdout).map_err(|error| Trouble::caused("read the history", error))?;
    for finished in &history {
        let id = &finished.spec.id;
        for stage in ["release"].iter().chain(finished.promoted_at.map(|_| &"watch")) {
            let there = recorded.contains(&(id.clone(), (*stage).to_owned()));
            verdict.demand(there, || format!("no `{stage}` statement about {id}"));
        }
    }
    println!("  evidence: {statements} statements about releases, each once");
    Ok(())
}

/// A control plane that passed its point would still die at a later command: another one takes over.
async fn disarm(project: &Project) -> Result<()> {
    project.kill_control().await?;
    up(project).await.map(drop)
}

/// `shield up`. A kill damages nothing, so a state that had to be rebuilt (exit code 9) is a failure.
async fn up(project: &Project) -> Result<Finished> {
    project.shield(&["up"]).await
}

/// What the log calls the point at which the control plane died.
fn point_name(project: &Project, point: u32) -> String {
    let log = std::fs::read_to_string(project.state("logs/control.log")).unwrap_or_default();
    let number = format!("\"number\":{point},");
    let line = log.lines().rev().find(|line| line.contains(REACHED) && line.contains(&number));
    let name = line.and_then(|line| line.split("\"name\":\"").nth(1)).and_then(|rest| rest.split('"').next());
    name.unwrap_or("not in the log").to_owned()
}

fn check_load(load: &LoadHandle, point: u32, verdict: &mut Verdict) {
    let failed = load.counters().failed;
    if failed > 0 {
        println!("  point {point}: {failed} requests failed up to now");
    }
    // The report has the details; a flood of failures would only take longer.
    verdict.demand(failed < 1_000, || format!("{failed} requests failed by point {point}"));
}
