//! A release on a full disk. The state directory lies on a small file system of its own, which needs the right to mount.

use std::{fs, path::PathBuf, time::Duration};

use tokio::time::sleep;

use super::{FRESH_CLIENTS, KEEP_ALIVE_CLIENTS, PAUSE};
use crate::harness::{
    Finished, ManifestSettings, Programs, Project, Result, SmallDisk, Trouble, Verdict, plan, print_load,
    wait_for_traffic,
};

/// Room for the programs, some artifacts and their records.
const DISK_MEGABYTES: u32 = 256;
/// Moments after the start of a release at which the disk becomes full, in milliseconds.
const MOMENTS_MS: [u64; 4] = [100, 300, 500, 700];

/// Gives the number of cases and the failed requests.
pub(super) async fn run(programs: &Programs, verdict: &mut Verdict) -> Result<(u32, u64)> {
    let disk = match SmallDisk::mount(DISK_MEGABYTES) {
        Ok(disk) => disk,
        Err(error) => {
            verdict.demand(false, || format!("a full disk cannot be tested: {error}; run the bar as root"));
            return Ok((0, 0));
        }
    };
    let state = fs::canonicalize(disk.path()).map(|path| path.join("state"));
    let state = state.map_err(|error| Trouble::caused("resolve the small disk", error))?;
    let mut project = Project::create(programs, &ManifestSettings::default())?.with_state(state);
    // Its ledger lies elsewhere: a service that fills its own disk is another matter.
    let data = project.beside("ledger").to_string_lossy().into_owned();
    project.configure(&ManifestSettings { data, ..ManifestSettings::quick() })?;
    project.must_release().await?;
    let load = wait_for_traffic(plan(project.load()?, KEEP_ALIVE_CLIENTS, FRESH_CLIENTS, PAUSE)).await?;

    let full = disk.fill()?;
    project.change()?;
    let refused = project.release().await?;
    fails(&refused, "a new artifact on a full disk", verdict);
    freed(&mut project, full, "a new artifact on a full disk", verdict).await?;

    let full = disk.fill()?;
    let refused = project.release().await?;
    fails(&refused, "a stored artifact on a full disk", verdict);
    freed(&mut project, full, "a stored artifact on a full disk", verdict).await?;

    for moment in MOMENTS_MS {
        project.change()?;
        let (released, full) = tokio::join!(project.release(), async {
            sleep(Duration::from_millis(moment)).await;
            disk.fill()
        });
        let (released, name) = (released?, format!("the disk full {moment} ms into a release"));
        println!(
            "  {name}: code {}{}",
            released.code(),
            if released.succeeded() { String::new() } else { format!(": {}", released.reason()) }
        );
        verdict.demand(released.code() != 1, || format!("{name}: code 1 is a bug: {}", released.reason()));
        freed(&mut project, full?, &name, verdict).await?;
    }

    load.stop();
    let report = load.join().await;
    print_load("full disk", &report);
    verdict.demand(report.failed_count() == 0, || {
        format!("full disk: {} requests failed", report.failed_count())
    });
    project.close().await?;
    Ok((2 + MOMENTS_MS.len() as u32, report.failed_count()))
}

fn fails(refused: &Finished, name: &str, verdict: &mut Verdict) {
    println!("  {name}: code {}: {}", refused.code(), refused.reason());
    verdict.demand(refused.code() > 1, || format!("{name}: code {}: {}", refused.code(), refused.reason()));
    verdict.demand(!refused.reason().is_empty(), || format!("{name}: no reason"));
}

/// Makes room again; the next release must work.
async fn freed(project: &mut Project, full: PathBuf, name: &str, verdict: &mut Verdict) -> Result<()> {
    fs::remove_file(&full).map_err(|error| Trouble::caused("empty the disk", error))?;
    let settled = project.settled().await;
    if !verdict.demand(settled.is_ok(), || format!("{name}: {settled:?}")) {
        let log = fs::read_to_string(project.state("logs/control.log")).unwrap_or_default();
        log.lines().rev().take(12).for_each(|line| println!("    control.log, newest first: {line}"));
    }
    let next = project.must_release().await;
    verdict.demand(next.is_ok(), || format!("after {name}: {next:?}"));
    Ok(())
}
