//! `ship.zero-failed`: releases under load lose nothing.
//!
//! 16 kept-alive and 8 fresh-connection clients, half HTTP/1.1 and half HTTP/2 over TLS, half of the requests POSTs with an
//! id of their own, against a backend that ends at once when it is told to stop. Releases follow each other without a
//! pause. What was answered is held against the ledger that the backends kept.

use std::time::Duration;

use shield_load::{LoadHandle, LoadPlan, RequestMix, reconcile};
use shield_testkit::Ledger;

use super::Options;
use crate::harness::{
    ManifestSettings, Project, Result, Trouble, Verdict, build_programs, plan, print_load, wait_for_traffic,
};

/// Releases of the bar.
const RELEASES: u32 = 100;
/// Requests that must have been made, per release.
const REQUESTS_PER_RELEASE: u64 = 2_000;
/// A slow machine makes more releases to come to the number of requests, but no more than this many times.
const RELEASES_TIMES_MAX: u32 = 5;
const KEEP_ALIVE_CLIENTS: usize = 16;
const FRESH_CLIENTS: usize = 8;
/// One GET in so many is slow.
const SLOW_EVERY: usize = 20;

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let releases = options.releases.unwrap_or(RELEASES);
    let requests = u64::from(releases) * REQUESTS_PER_RELEASE;
    let programs = build_programs().await?;
    println!(
        "  {KEEP_ALIVE_CLIENTS} keep-alive and {FRESH_CLIENTS} fresh-connection clients, half HTTP/1.1 and half HTTP/2 over TLS, half POSTs, one GET in {SLOW_EVERY} takes 100 ms; backend delay 3ms, exits at once on SIGTERM; min_healthy 500ms, watch 500ms"
    );
    let mut verdict = Verdict::default();
    let mut project = Project::create(&programs, &ManifestSettings::default())?;
    project.must_release().await?;
    let base = with_slow_requests(project.load()?);
    let load = wait_for_traffic(plan(base, KEEP_ALIVE_CLIENTS, FRESH_CLIENTS, Duration::ZERO)).await?;
    let made = release_under_load(&mut project, &load, &mut verdict, (releases, requests)).await?;
    load.stop();
    let report = load.join().await;
    print_load("load", &report);
    let ledger = Ledger::read(&project.data()).map_err(|error| Trouble::caused("read the ledger", error))?;
    project.close().await?;

    let exact = reconcile(&report, &ledger.ids);
    println!(
        "  ledger: {} applied exactly once, {} missing, {} duplicated, {} unexpected",
        exact.exact,
        exact.missing.len(),
        exact.duplicated.len(),
        exact.unexpected.len()
    );
    verdict.demand(report.offered >= requests, || format!("only {} requests of {requests}", report.offered));
    verdict.demand(report.failed_count() == 0, || format!("{} requests failed", report.failed_count()));
    verdict.demand(report.accounted(), || "offered is not answered + failed + unsent".to_owned());
    verdict.demand(exact.holds(), || "answers and ledger disagree".to_owned());
    verdict.demand(exact.exact > 0, || "no POST was applied".to_owned());
    Ok(verdict.with_figure(format!(
        "{} failed of {} requests over {made} releases, {} POSTs applied exactly once",
        report.failed_count(),
        report.offered,
        exact.exact
    )))
}

/// Some requests take long, so that a stall of this process alone never leaves a swap without a request in flight.
fn with_slow_requests(mut base: LoadPlan) -> LoadPlan {
    let mut get_paths = vec!["/".to_owned(); SLOW_EVERY - 1];
    get_paths.push("/slow?ms=100".to_owned());
    base.workload = RequestMix { get_paths, ..RequestMix::default() }.workload();
    base
}

/// Releases until both numbers are reached; gives how many were made.
async fn release_under_load(
    project: &mut Project,
    load: &LoadHandle,
    verdict: &mut Verdict,
    (releases, requests): (u32, u64),
) -> Result<u32> {
    let (mut made, mut claims_least, mut claims_most) = (0, u64::MAX, 0);
    while made < releases || load.counters().begun < requests && made < releases * RELEASES_TIMES_MAX {
        project.change()?;
        let finished = project.release().await?;
        made += 1;
        if !verdict.demand(finished.succeeded(), || format!("release {made} failed: {}", finished.reason())) {
            break;
        }
        let claims = finished.release().and_then(|release| release.claims_at_swap);
        verdict
            .demand(claims.is_some(), || format!("release {made}: nobody counted the requests at its swap"));
        let claims = claims.unwrap_or(0);
        (claims_least, claims_most) = (claims_least.min(claims), claims_most.max(claims));
        verdict.demand(claims >= 1, || format!("release {made}: no request was in flight at its swap"));
        let counters = load.counters();
        if made % 10 == 0 || counters.failed > 0 {
            println!("  release {made}: {} requests, {} failed", counters.begun, counters.failed);
        }
    }
    println!("  {made} releases; requests in flight at the swap: {claims_least} to {claims_most}");
    Ok(made)
}
