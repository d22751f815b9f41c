//! One round: faults, a death or a silence, and what is left of the faults.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use shield_load::FaultEvent;
use tokio::time::sleep;

use super::player::Player;
use super::scene::Scene;
use crate::harness::{Result, Trouble};

/// The clock of the faults starts so long after their maker.
const LEAD: Duration = Duration::from_millis(2_500);
/// The end comes at a moment of this span of the clock, milliseconds; the last fault begins at 1,000 at the latest.
const END_MS: std::ops::Range<u64> = 300..1_600;
/// Pause between two looks.
const LOOK: Duration = Duration::from_millis(10);

/// How the maker of the faults ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// `SIGKILL`.
    Death,
    /// `SIGSTOP`: its connection to the guard stays open.
    Silence,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) seed: u64,
    pub(super) end: End,
    /// From the end of the maker until nothing was wrong any more.
    pub(super) undone_after: Option<Duration>,
    /// How late each fault began.
    pub(super) late: Vec<Duration>,
    /// Faults in effect at the end of the maker.
    pub(super) active: usize,
    /// Demands that were not met.
    pub(super) broken: Vec<String>,
}

// === impl End ===

impl End {
    fn limit(self) -> Duration {
        match self {
            Self::Death => Duration::from_secs(5),
            Self::Silence => Duration::from_secs(6),
        }
    }
}

/// Plays one.
pub(super) async fn round(program: &Path, seed: u64, end: End) -> Result<Outcome> {
    let scene = Scene::set().await?;
    let plan = scene.plan(seed)?;
    let mut broken = Vec::new();
    let started = Instant::now();
    let mut player = Player::start(program, &plan, &scene.journals()).await?;
    let computed = plan.schedule().map_err(|error| Trouble::caused("make a schedule", error))?;
    if plan.schedule().ok().as_ref() != Some(&computed) || player.schedule != computed {
        broken.push("the same seed gave another schedule".to_owned());
    }
    let end_at = LEAD + Duration::from_millis(fastrand::Rng::with_seed(seed).u64(END_MS));
    sleep(end_at.saturating_sub(started.elapsed())).await;
    let pressing = children(player.guard.pid());
    let ended = match end {
        End::Death => player.process.kill(),
        End::Silence => player.process.freeze(),
    };
    let ended_at = Instant::now();
    ended.map_err(|error| Trouble::caused("end the maker of faults", error))?;
    let mut wrong = Some("nothing was looked at");
    let mut undone_after = None;
    while undone_after.is_none() && ended_at.elapsed() <= end.limit() {
        sleep(LOOK).await;
        let begun: Vec<String> = began(&player.events()).map(|event| event.name.clone()).collect();
        wrong = scene.wrong(&begun, player.proxy).await;
        wrong = wrong.or_else(|| guard_is_left(&mut player, &pressing, &scene.journals()));
        undone_after = wrong.is_none().then(|| ended_at.elapsed()).filter(|after| *after <= end.limit());
    }
    if undone_after.is_none() {
        broken.push(format!("{} after {:?}", wrong.unwrap_or("all was undone too late"), end.limit()));
    }
    let events = player.events();
    broken.extend(
        events.iter().filter_map(|event| Some(format!("{}: {}", event.name, event.failed.as_ref()?))),
    );
    broken.extend(out_of_order(&events));
    let active = began(&events).count();
    if active == 0 {
        broken.push("no fault was in effect at the end of their maker".to_owned());
    }
    let late = |event: &FaultEvent| event.began_s.map(|began| began - event.planned_s);
    broken.extend(
        events
            .iter()
            .filter(|event| late(event).is_some_and(|late| late < 0.0))
            .map(|event| format!("{} began before its time", event.name)),
    );
    let late = events.iter().filter_map(late).map(|late| Duration::from_secs_f64(late.max(0.0))).collect();
    Ok(Outcome { seed, end, undone_after, late, active, broken })
}

fn began(events: &[FaultEvent]) -> impl Iterator<Item = &FaultEvent> {
    events.iter().filter(|event| event.began_s.is_some())
}

/// Faults are told in the order of the schedule; they must have begun in it.
fn out_of_order(events: &[FaultEvent]) -> Option<String> {
    let begun: Vec<f64> = began(events).filter_map(|event| event.began_s).collect();
    let gap = events.iter().skip_while(|event| event.began_s.is_some()).any(|event| event.began_s.is_some());
    (gap || !begun.is_sorted()).then(|| "faults began in another order than planned".to_owned())
}

/// Whether the guard, a child of it or its journal is still there.
fn guard_is_left(player: &mut Player, pressing: &[u32], journals: &Path) -> Option<&'static str> {
    let runs = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
        stat.is_ok_and(|stat| !stat.contains(") Z ") && stat.contains("(fault-process)"))
    };
    let journal = |entry: fs::DirEntry| entry.path().extension().is_some_and(|ending| ending == "undo");
    if pressing.iter().any(runs) {
        Some("a child of the guard causes pressure")
    } else if !player.guard.ended().unwrap_or(false) {
        Some("the guard still runs")
    } else if fs::read_dir(journals).is_ok_and(|entries| entries.flatten().any(journal)) {
        Some("the undo journal is left")
    } else {
        None
    }
}

/// Processes whose parent is `pid`.
fn children(pid: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|child| child.parse().ok()).collect()
}
