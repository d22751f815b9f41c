//! `ship.bad-state`: no damage to a state file, and no full disk, takes the service away.
//!
//! Every damage is done twice: while the control plane runs, and while it is killed. The last good generation must serve
//! on; the command that meets damage that matters must fail with the reason; the next one must work. A journal that ends
//! in the middle of its last record is what a crash leaves behind, and must not be called damage.

mod damage;
mod full_disk;

use std::{fs, path::Path, time::Duration};

use shield_load::LoadHandle;

use self::damage::{DAMAGES, Damage, Expect};
use super::Options;
use crate::harness::{
    Finished, ManifestSettings, Programs, Project, Result, Trouble, Verdict, build_programs, plan,
    print_load, wait_for_traffic,
};

const KEEP_ALIVE_CLIENTS: usize = 4;
const FRESH_CLIENTS: usize = 2;
const PAUSE: Duration = Duration::from_millis(5);
/// Exit codes that name an expected failure: not recorded, recovered.
const TOLD: [i32; 2] = [8, 9];

/// What the control plane is doing when the damage is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    Runs,
    Killed,
}

pub(crate) async fn run(options: &Options) -> Result<Verdict> {
    let programs = build_programs().await?;
    println!(
        "  {KEEP_ALIVE_CLIENTS} keep-alive and {FRESH_CLIENTS} fresh-connection clients throughout, half POSTs"
    );
    let mut verdict = Verdict::default();
    let (mut cases, mut failed) = (0, 0);
    let only = options.only.as_deref().unwrap_or_default();
    for damage in DAMAGES.iter().filter(|damage| damage.file.contains(only)) {
        for control in [Control::Runs, Control::Killed] {
            failed += one_case(&programs, damage, control, &mut verdict).await?;
            cases += 1;
        }
    }
    let (disks, lost) = match "full disk".contains(only) {
        true => full_disk::run(&programs, &mut verdict).await?,
        false => (0, 0),
    };
    Ok(verdict.with_figure(format!(
        "{cases} cases of damage and {disks} of a full disk, {} requests failed",
        failed + lost
    )))
}

/// One damage over a live release; gives the failed requests. A case that cannot be carried through is a demand not met,
/// and the next case has a project of its own.
async fn one_case(
    programs: &Programs,
    damage: &Damage,
    control: Control,
    verdict: &mut Verdict,
) -> Result<u64> {
    let mut project = Project::create(programs, &ManifestSettings::quick())?;
    for _ in 0..3 {
        project.must_release().await?;
    }
    project.settled().await?;
    let load = wait_for_traffic(plan(project.load()?, KEEP_ALIVE_CLIENTS, FRESH_CLIENTS, PAUSE)).await?;
    let name = format!("{} {}, control plane {control:?}", damage.file, damage.what);
    let carried = carry(&mut project, &load, damage, control, (&name, &mut *verdict)).await;
    verdict.demand(carried.is_ok(), || format!("{name}: {carried:?}"));
    load.stop();
    let report = load.join().await;
    if report.failed_count() > 0 {
        print_load(&name, &report);
    }
    verdict
        .demand(report.failed_count() == 0, || format!("{name}: {} requests failed", report.failed_count()));
    let closed = project.close().await;
    verdict.demand(closed.is_ok(), || format!("{name}: {closed:?}"));
    Ok(report.failed_count())
}

async fn carry(
    project: &mut Project,
    load: &LoadHandle,
    damage: &Damage,
    control: Control,
    (name, verdict): (&str, &mut Verdict),
) -> Result<()> {
    let met = meet(project, damage, control).await?;
    println!(
        "  {name}: code {}{}",
        met.code(),
        if met.succeeded() { String::new() } else { format!(": {}", met.reason()) }
    );
    let expect = if control == Control::Runs { damage.running } else { damage.killed };
    let told = TOLD.contains(&met.code()) && !met.reason().is_empty();
    match expect {
        Expect::Told => verdict.demand(told, || format!("{name}: code {} instead of 8 or 9", met.code())),
        Expect::Either => verdict.demand(told || met.succeeded(), || format!("{name}: code {}", met.code())),
        Expect::Unharmed => verdict.demand(met.succeeded(), || format!("{name}: {}", met.reason())),
    };
    // After `up` said that it rebuilt the state, it is up; a release must work, whatever the command before was.
    project.must_release().await?;
    let status = project.settled().await?;
    let newest = status.live.map(|live| live.to_string()).unwrap_or_default();
    let answered = load.counters().answered;
    load.wait_until("answers after it", Duration::from_secs(10), |counters| {
        counters.answered > answered + 20
    })
    .await
    .map_err(|error| Trouble::caused(format!("serve {newest}"), error))?;
    survives_a_restart(project, &newest, (name, verdict)).await
}

/// What was mended must be on the disk: the next control plane finds the same state, and has nothing to tell.
async fn survives_a_restart(
    project: &Project,
    newest: &str,
    (name, verdict): (&str, &mut Verdict),
) -> Result<()> {
    project.kill_control().await?;
    let up = project.shield(&["up"]).await?;
    verdict.demand(up.succeeded(), || format!("{name}, and a restart: {}", up.reason()));
    let live = project.settled().await?.live.map(|live| live.to_string()).unwrap_or_default();
    verdict.demand(live == newest, || format!("{name}, and a restart: {live} is live, not {newest}"));
    Ok(())
}

/// Does the damage; gives the first command that can meet it.
async fn meet(project: &mut Project, damage: &Damage, control: Control) -> Result<Finished> {
    if control == Control::Killed {
        project.kill_control().await?;
    }
    do_damage(&project.state(damage.file), damage)?;
    match control {
        Control::Killed => project.shield(&["up"]).await,
        Control::Runs => {
            project.change()?;
            project.release().await
        }
    }
}

fn do_damage(path: &Path, damage: &Damage) -> Result<()> {
    let done = || {
        let bytes = fs::read(path)?;
        match (damage.make)(&bytes) {
            Some(damaged) => fs::write(path, damaged),
            None => fs::remove_file(path),
        }
    };
    done().map_err(|error| Trouble::caused(format!("damage `{}`", path.display()), error))
}
