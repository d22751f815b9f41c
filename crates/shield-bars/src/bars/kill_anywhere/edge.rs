//! The edge dies at random moments.

use std::time::Duration;

use shield_load::{FailureKind, LoadHandle};
use shield_testkit::wait_for;
use tokio::time::sleep;

use crate::harness::{
    ManifestSettings, Programs, Project, Result, Running, Trouble, Verdict, kill, plan, print_load,
    wait_for_traffic,
};

const KEEP_ALIVE_CLIENTS: usize = 8;
const FRESH_CLIENTS: usize = 4;
const PAUSE: Duration = Duration::from_millis(2);
/// Kills of the bar.
const KILLS: u32 = 50;
/// Kills while a release is under way.
const KILLS_IN_RELEASES: u32 = 8;
/// Longest rest between two kills, in milliseconds.
const REST_MAX_MS: u64 = 400;
/// A release of these settings takes about this long, in milliseconds.
const RELEASE_MS: u64 = 900;
/// Answers that show that it serves again.
const ANSWERS: u64 = 30;
const BACK_LIMIT: Duration = Duration::from_secs(20);
/// Exit code of a release that was taken back.
const RELEASE_FAILED: i32 = 4;

pub(super) async fn run(programs: &Programs, kills: Option<u32>, verdict: &mut Verdict) -> Result<String> {
    let kills = kills.unwrap_or(KILLS);
    println!(
        "  edge: {KEEP_ALIVE_CLIENTS} keep-alive and {FRESH_CLIENTS} fresh-connection clients; killed (SIGKILL) at {kills} random moments, and at {KILLS_IN_RELEASES} during releases"
    );
    let mut project = Project::create(programs, &ManifestSettings::quick())?;
    project.must_release().await?;
    let load = plan(project.load()?, KEEP_ALIVE_CLIENTS, FRESH_CLIENTS, PAUSE);
    let load = wait_for_traffic(load).await?;
    for number in 1..=kills {
        sleep(Duration::from_millis(fastrand::u64(0..REST_MAX_MS))).await;
        kill_edge(&project)?;
        serves_again(&load, &format!("kill {number}")).await?;
    }
    project.settled().await?;
    let (mut done, mut taken_back) = (0, 0);
    for number in 1..=KILLS_IN_RELEASES {
        project.change()?;
        let (released, killed) = tokio::join!(project.release(), async {
            sleep(Duration::from_millis(fastrand::u64(0..RELEASE_MS))).await;
            kill_edge(&project)
        });
        killed?;
        let released = released?;
        match released.code() {
            0 => done += 1,
            RELEASE_FAILED => {
                taken_back += 1;
                println!("  release {number}: {}", released.reason());
            }
            code => {
                let reason = released.reason();
                verdict
                    .demand(false, || format!("release {number} under a killed edge: code {code}, {reason}"));
            }
        }
        serves_again(&load, &format!("the kill in release {number}")).await?;
        project.settled().await?;
    }
    load.stop();
    let report = load.join().await;
    print_load("edge killed", &report);
    project.close().await?;
    println!("  releases under a killed edge: {done} done, {taken_back} taken back");
    let all_kills = u64::from(kills + KILLS_IN_RELEASES);
    let refused = report.failed_as(FailureKind::ConnectRefused);
    let most = (KEEP_ALIVE_CLIENTS + FRESH_CLIENTS) as u64 * all_kills;
    verdict.demand(refused == 0, || format!("{refused} connections were refused"));
    verdict.demand(report.failed_count() <= most, || {
        format!("{} requests failed; at most {most} were in flight", report.failed_count())
    });
    Ok(format!(
        "edge killed {all_kills} times: {refused} connections refused, {} requests in flight lost of {}",
        report.failed_count(),
        report.offered
    ))
}

/// Kills the edge that runs; when one has just died, there may be none, and that is a kill too many, not an error.
fn kill_edge(project: &Project) -> Result<()> {
    let edges: Vec<_> =
        project.running().into_iter().filter(|running| matches!(running, Running::Edge { .. })).collect();
    match edges.as_slice() {
        [edge] => {
            kill(edge.pid());
            Ok(())
        }
        other => Err(Trouble::new(format!("kill the edge: {} of them run", other.len()))),
    }
}

async fn serves_again(load: &LoadHandle, after: &str) -> Result<()> {
    let answered = load.counters().answered;
    let back = wait_for("answers", BACK_LIMIT, async || {
        (load.counters().answered >= answered + ANSWERS).then_some(())
    });
    back.await.map_err(|error| Trouble::caused(format!("serve again after {after}"), error))
}
