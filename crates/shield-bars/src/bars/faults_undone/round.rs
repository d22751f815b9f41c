//! One round: faults, an end of who makes them, and what is left of the faults.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use shield_load::{ScheduledFault, read_load_file};
use shield_testkit::stall::monotonic_ns;
use shield_testkit::{ProcessError, wait_for};
use tokio::time::sleep;

use super::player::{Place, Player};
use super::scene::Scene;
use crate::harness::{Result, Trouble};

/// The end comes at a moment of this span of the clock, milliseconds, where it may hit a fault that is about to begin.
const EARLY_MS: std::ops::Range<u64> = 300..3_000;
/// The same where all faults are to be in effect.
const LATE_MS: std::ops::Range<u64> = 2_900..3_200;
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(4);
/// Longest wait for the load to begin.
const START_LIMIT: Duration = Duration::from_secs(20);
/// A fault may begin so much later than planned.
pub(super) const LATE_MAX: Duration = Duration::from_millis(100);
/// How exactly the start of the clock is known from outside.
const CLOCK_ERROR_NS: u64 = 3_000_000;

/// How `shield load` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is killed.
    Death,
    /// It is stopped: its connection to the guard stays open, and only the lease can tell.
    Silence,
    /// It is killed together with its guard, and the next `shield load` finds what they left.
    BothDie,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) seed: u64,
    pub(super) end: End,
    /// From the end, or from the start of the next run, until nothing was wrong any more.
    pub(super) undone_after: Option<Duration>,
    /// How late each fault was seen, by name.
    pub(super) late: Vec<(&'static str, Duration)>,
    /// Effects that were seen when the end came.
    pub(super) active: usize,
    /// Those that outlived the guard.
    pub(super) left: usize,
    /// Demands that were not met.
    pub(super) broken: Vec<String>,
}

// === impl End ===

impl End {
    pub(super) fn limit(self) -> Duration {
        match self {
            Self::Death | Self::BothDie => Duration::from_secs(5),
            Self::Silence => Duration::from_secs(6),
        }
    }

    fn span_ms(self) -> std::ops::Range<u64> {
        if self == Self::Death { EARLY_MS } else { LATE_MS }
    }

    fn bring(self, player: &Player) -> std::result::Result<(), ProcessError> {
        match self {
            Self::Death => player.shield.kill(),
            Self::Silence => player.shield.freeze(),
            Self::BothDie => {
                // Stopped, neither can undo anything between the two deaths.
                player.shield.freeze()?;
                player.guard.freeze()?;
                player.shield.kill()?;
                player.guard.kill()
            }
        }
    }
}

/// Plays one.
pub(super) async fn round(program: &Path, seed: u64, end: End) -> Result<Outcome> {
    let mut scene = Scene::set(seed).await?;
    let place = Place { program: program.to_owned(), directory: scene.directory.path().to_owned() };
    let text = scene.file(seed);
    let schedule = schedule(&text, seed, &scene)?;
    let mut outcome =
        Outcome { seed, end, undone_after: None, late: Vec::new(), active: 0, left: 0, broken: Vec::new() };
    if schedule != self::schedule(&text, seed, &scene)? {
        outcome.broken.push("the same seed gave another schedule".to_owned());
    }
    let mut player = Player::start(&place, &text).await?;
    let started = || async { scene.clock_start(seed) };
    let start = wait_for("the first request", START_LIMIT, started).await;
    let start_ns = start.map_err(|error| Trouble::caused(place.complaint("begin the load"), error))?;
    let end_ms = fastrand::Rng::with_seed(seed).u64(end.span_ms());
    while monotonic_ns() < start_ns + end_ms * 1_000_000 {
        scene.children.learn(player.guard.pid());
        scene.look();
        sleep(LOOK).await;
    }
    scene.children.learn(player.guard.pid());
    let seen: BTreeMap<&'static str, u64> =
        scene.victims.iter().filter_map(|victim| Some((victim.name, victim.sight.since()?))).collect();
    let ended_ns = monotonic_ns();
    end.bring(&player).map_err(|error| Trouble::caused("end `shield load`", error))?;
    let from_ns = match end {
        End::Death | End::Silence => ended_ns,
        End::BothDie => next_run(&place, &scene, &mut player, &mut outcome).await?,
    };
    await_undone(&place, &scene, &mut player, from_ns, &mut outcome).await;
    let start_ns = scene.clock_start(seed).unwrap_or(start_ns);
    judge(&schedule, &seen, (start_ns, ended_ns), &mut outcome);
    drop(player);
    scene.clear().await;
    Ok(outcome)
}

/// When each fault is to begin, by the file alone: `shield` draws it in a process of its own.
fn schedule(text: &str, seed: u64, scene: &Scene) -> Result<Vec<ScheduledFault>> {
    let file = read_load_file(text, "load.toml", scene.directory.path());
    let file = file.map_err(|mistakes| Trouble::caused("read the load file", mistakes))?;
    let section = file.faults.ok_or_else(|| Trouble::new("find the faults in the load file"))?;
    let plan =
        section.plan(seed, scene.target()).map_err(|error| Trouble::caused("aim the faults", error))?;
    plan.schedule().map_err(|error| Trouble::caused("make a schedule", error))
}

/// Starts the run after the one that died with its guard; says when.
async fn next_run(place: &Place, scene: &Scene, player: &mut Player, outcome: &mut Outcome) -> Result<u64> {
    let failed = |error| Trouble::caused("wait for the guard's death", error);
    player.guard.wait(Duration::from_secs(5)).map_err(failed)?;
    outcome.left = scene.left();
    let from_ns = monotonic_ns();
    let mut next = place.load("next.toml", &scene.harmless_file())?;
    let ended = wait_for("the end of the next run", START_LIMIT, || {
        let ended = next.wait(Duration::ZERO).ok().flatten();
        async move { ended }
    });
    let status = ended.await.map_err(|error| Trouble::caused(place.complaint("run the next load"), error))?;
    if !status.success() {
        outcome.broken.push(place.complaint(&format!("the next run: {status}")));
    }
    Ok(from_ns)
}

async fn await_undone(
    place: &Place,
    scene: &Scene,
    player: &mut Player,
    from_ns: u64,
    outcome: &mut Outcome,
) {
    let limit = outcome.end.limit();
    loop {
        scene.look();
        let wrong = if !player.guard.ended().unwrap_or(false) {
            Some("the guard still runs")
        } else if place.journal_is_left() {
            Some("the undo journal is left")
        } else {
            scene.broken_victim()
        };
        let after = Duration::from_nanos(monotonic_ns() - from_ns);
        match wrong {
            None => {
                outcome.undone_after = Some(after);
                if after > limit {
                    outcome.broken.push(format!("all was undone after {after:?}"));
                }
                return;
            }
            Some(wrong) if after > limit => {
                outcome.broken.push(format!("not undone after {limit:?}: {wrong}"));
                return;
            }
            Some(_) => sleep(LOOK).await,
        }
    }
}

/// Holds what was seen, and since when, against the schedule.
fn judge(
    schedule: &[ScheduledFault],
    seen: &BTreeMap<&'static str, u64>,
    (start_ns, ended_ns): (u64, u64),
    outcome: &mut Outcome,
) {
    let late_max_ns = LATE_MAX.as_nanos() as u64;
    for fault in schedule {
        let planned_ns = start_ns + fault.from.as_nanos() as u64;
        match seen.get_key_value(fault.name.as_str()) {
            None if planned_ns + late_max_ns < ended_ns => {
                outcome.broken.push(format!("`{}` was due, and not seen on its victim", fault.name));
            }
            None => {}
            Some((name, since_ns)) => {
                outcome.active += 1;
                if since_ns + CLOCK_ERROR_NS < planned_ns {
                    let early = Duration::from_nanos(planned_ns - since_ns);
                    outcome.broken.push(format!("`{name}` was seen {early:?} before its time"));
                }
                let late = Duration::from_nanos(since_ns.saturating_sub(planned_ns));
                if late > LATE_MAX {
                    outcome.broken.push(format!("`{name}` was seen {late:?} after its time"));
                }
                outcome.late.push((name, late));
            }
        }
    }
}
