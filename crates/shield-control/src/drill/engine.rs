//! Runs one drill, any of them, from refusal to signature.

use std::{
    fs::{self, File},
    path::PathBuf,
    time::Duration,
};

use shield_load::{
    FaultOrder, FaultWindow, GuardProgram, RunResults, SessionOrder, SteadyState, ThresholdResult, Verdict,
    run_session,
};
use shield_types::EnvironmentName;
use tokio::sync::watch;

use super::{
    catalogue::{Surroundings, drill},
    course::Course,
    expectation::Victim,
    judge::{Judgement, Seen, Stop, degraded_after, judge},
    model::{Disturbance, Drill, DrillName},
    plan::{self, LINE},
    refusal::RunDrillError,
    report::{DrillEvent, DrillOutcome, DrillReport, DrillTimes},
    scene::{Scene, demand_marked},
    statement, traffic,
    watcher::{WatchOrder, Watcher},
};
use crate::{admin::AdminClient, clock, layout::Layout, manifest::Manifest};

/// Where to drill, and with what.
pub struct DrillOrder {
    /// The directory of `shield.toml`.
    pub project: PathBuf,
    /// The resolved `shield.toml`.
    pub manifest: Manifest,
    /// The state directory.
    pub layout: Layout,
    /// What is drilled.
    pub environment: EnvironmentName,
    /// The program that undoes faults, whatever becomes of this one.
    pub guard: GuardProgram,
    /// Where it keeps its undo journals.
    pub journals: PathBuf,
    /// Who drills.
    pub requested_by: String,
}

/// Held while drills run: no pipeline and no other drill of the project begins.
#[derive(Debug)]
pub struct DrillLock(#[expect(dead_code, reason = "the lock is held until it is dropped")] File);

/// Keeps pipelines and other drills of this project out.
pub fn lock_for_drills(layout: &Layout, requested_by: &str) -> Result<DrillLock, RunDrillError> {
    Ok(DrillLock(layout.ship_lock().take(requested_by)?))
}

/// Runs drill `name`; `tell` gets what happens, as it happens. Once `interrupted` is true it is undone and ends.
pub async fn run_drill(
    order: &DrillOrder,
    name: DrillName,
    interrupted: watch::Receiver<bool>,
    tell: &mut (dyn FnMut(DrillEvent) + Send),
) -> Result<DrillReport, RunDrillError> {
    demand_marked(&order.manifest, &order.environment)?;
    let scene = Scene::look(&AdminClient::new(&order.layout)).await?;
    let file = traffic::workload(order, &scene)?;
    let repeatable = traffic::repeatable(&file.workload);
    let drill = drill(name, Surroundings { manifest: &order.manifest, repeatable });
    let trust = trust(order, name)?;
    let target = scene.target(order, &drill)?;
    tell(DrillEvent::Began { drill: Box::new(drill.clone()) });
    let file = traffic::shaped(file, order, &scene, &drill);
    let plan = plan::fault_plan(&drill, order.manifest.drill.before, file.seed, target.aims);
    let faults = plan.map(|plan| FaultOrder {
        through: (!plan.proxies.is_empty()).then(|| LINE.to_owned()),
        plan,
        guard: order.guard.clone(),
        journals: order.journals.clone(),
    });
    let session = SessionOrder { file, trust_pem: Some(trust), faults, workers: Vec::new() };
    Engine { order, scene, drill, victim: target.victim }.run(session, interrupted, tell).await
}

/// What the edge's certificate is verified against.
fn trust(order: &DrillOrder, drill: DrillName) -> Result<String, RunDrillError> {
    let path = order.layout.authority().join("ca.pem");
    fs::read_to_string(&path).map_err(|error| RunDrillError::Unsuitable {
        drill,
        reason: format!("the certificate of the edge cannot be verified: read `{}`: {error}", path.display()),
    })
}

/// A drill under way.
struct Engine<'a> {
    order: &'a DrillOrder,
    scene: Scene,
    drill: Drill,
    victim: Option<Victim>,
}

/// When the disturbance was, on the load's clock.
#[derive(Clone, Copy)]
struct Span {
    began_s: f64,
    ended_s: f64,
}

// === impl Engine ===

impl Engine<'_> {
    async fn run(
        self,
        session: SessionOrder,
        interrupted: watch::Receiver<bool>,
        tell: &mut (dyn FnMut(DrillEvent) + Send),
    ) -> Result<DrillReport, RunDrillError> {
        let started_at = clock::now();
        let watcher = Watcher::start(WatchOrder {
            layout: self.order.layout.clone(),
            expectation: self.scene.expectation.clone(),
            victim: self.victim,
            control_away: matches!(self.drill.disturbance, Disturbance::KillControl)
                .then_some(self.drill.lasts),
        });
        let mut course = Course::new(&self.drill, self.order.manifest.drill.before, &mut *tell);
        let stopped = course.stopped(interrupted, watcher.disturbed());
        let ran = run_session(session, stopped, &mut |ended| course.look(&ended)).await;
        watcher.relieve();
        let mut results = ran
            .map_err(|source| RunDrillError::Session { drill: self.drill.name, source: Box::new(source) })?;
        self.add_herd(&mut results);
        let span = self.span(&results);
        let mut times = DrillTimes::default();
        let mut restored_after = None;
        if let Some((span, started)) = span.zip(course.started()) {
            let at = |seconds: f64| started + Duration::from_secs_f64(seconds.max(0.0));
            let deadline = at(span.ended_s) + self.drill.restored_within;
            course.note("waiting until everything is as before".to_owned());
            restored_after = watcher.wait_until_restored(at(span.ended_s), deadline).await;
            times = self.times(span, &results, restored_after);
            times.detected_after_s =
                watcher.sightings().detected_after(at(span.began_s)).map(|it| it.as_secs_f64());
        }
        // A release that begins while this waits changes what is waited for.
        let disturbed = watcher.disturbed().borrow().clone().filter(|_| restored_after.is_none());
        let stopped = course.stop().or(disturbed.map(Stop::Disturbed));
        let began_s = span.map(|span| span.began_s);
        let rate = f64::from(self.order.manifest.drill.rate);
        let judgement =
            judge(&self.drill, &Seen { results: &results, rate, began_s, restored_after, stopped });
        let report = self.report(results, judgement, times, began_s.is_none() || restored_after.is_some());
        let checkpoint = statement::record(self.order, &report, self.scene.release.clone(), started_at)?;
        let report = DrillReport { checkpoint, ..report };
        tell(DrillEvent::Ended { report: Box::new(report.clone()) });
        Ok(report)
    }

    /// The herd is no fault of the guard's: it is shown as one.
    fn add_herd(&self, results: &mut RunResults) {
        let Disturbance::Herd { times } = self.drill.disturbance else { return };
        let from_s = self.order.manifest.drill.before.as_secs_f64();
        let to_s = (from_s + self.drill.lasts.as_secs_f64()).min(results.elapsed_s);
        if to_s <= from_s {
            return;
        }
        let points = &results.series.points;
        let within = points.iter().filter(|point| point.at_s > from_s && point.at_s <= to_s);
        let window = FaultWindow {
            name: self.drill.name.to_string(),
            effect: format!("{times} times as many requests, each on a connection of its own"),
            planned_s: from_s,
            from_s,
            to_s,
            undone: true,
            latency: None,
            failed: within.map(|point| point.failed).sum(),
            compared: SteadyState::comparable(points, from_s, to_s),
            recovered_after_s: SteadyState::recovered_after(points, from_s, to_s),
        };
        results.faults.push(window);
    }

    /// When the disturbance was; `None` when it did not happen.
    fn span(&self, results: &RunResults) -> Option<Span> {
        let began_s = results.faults.iter().map(|fault| fault.from_s).reduce(f64::min)?;
        let undone_s = results.faults.iter().map(|fault| fault.to_s).fold(began_s, f64::max);
        // A kill is over at once; what follows is its repair.
        let at_once = matches!(self.drill.disturbance, Disturbance::KillInstance | Disturbance::KillEdge);
        Some(Span { began_s, ended_s: if at_once { began_s } else { undone_s } })
    }

    fn times(&self, span: Span, results: &RunResults, restored_after: Option<Duration>) -> DrillTimes {
        let points = &results.series.points;
        DrillTimes {
            detected_after_s: None,
            degraded_after_s: degraded_after(points, span.began_s),
            recovered_after_s: SteadyState::recovered_after(points, span.began_s, span.ended_s),
            restored_after_s: restored_after.map(|after| after.as_secs_f64()),
        }
    }

    /// The load's own results are given the drill's verdict, so that every report of them says the same.
    fn report(
        &self,
        mut results: RunResults,
        judgement: Judgement,
        times: DrillTimes,
        restored: bool,
    ) -> DrillReport {
        let Judgement { outcome, reasons, checks, remarks } = judgement;
        results.verdict = match outcome {
            DrillOutcome::Held => Verdict::Passed,
            DrillOutcome::NotHeld => Verdict::Failed,
            DrillOutcome::Invalid => Verdict::Invalid,
            DrillOutcome::Aborted | DrillOutcome::Interrupted => Verdict::Aborted,
        };
        results.reasons = reasons.clone();
        results.warnings.extend(remarks);
        let threshold = |check: &super::report::DrillCheck| ThresholdResult {
            name: check.name.clone(),
            limit: check.limit.clone(),
            measured: check.measured.clone(),
            held: check.held,
        };
        results.thresholds = checks.iter().map(threshold).collect();
        DrillReport {
            drill: self.drill.clone(),
            environment: self.order.environment.clone(),
            release: self.scene.release.id.clone(),
            artifact: self.scene.artifact,
            outcome,
            reasons,
            checks,
            times,
            results,
            restored,
            checkpoint: String::new(),
        }
    }
}
