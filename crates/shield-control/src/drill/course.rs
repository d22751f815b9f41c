//! Follows the load of a drill: tells how it goes, and breaks it off.

use std::{
    future::Future,
    time::{Duration, Instant},
};

use shield_load::{AbortRule, AbortWatch, FaultEvent, IntervalEnded};
use tokio::sync::watch;

use super::{
    judge::{Stop, unsteady},
    model::{Drill, DrillName},
    report::DrillEvent,
};

/// How often it is told that all goes on, in intervals.
const TOLD_EVERY: u64 = 5;

/// The load of one drill, as it goes on.
pub(super) struct Course<'a> {
    drill: DrillName,
    /// A kill is over at once, and nothing of it is undone.
    kills: bool,
    /// Length of the steady state before the disturbance.
    before: Duration,
    abort: AbortWatch,
    /// The start of the load, once the first interval has ended.
    started: Option<Instant>,
    stop: watch::Sender<Option<Stop>>,
    /// What was told of each fault: whether it began, and whether it was undone.
    told: Vec<(bool, bool)>,
    intervals: u64,
    tell: &'a mut (dyn FnMut(DrillEvent) + Send),
}

// === impl Course ===

impl<'a> Course<'a> {
    pub(super) fn new(drill: &Drill, before: Duration, tell: &'a mut (dyn FnMut(DrillEvent) + Send)) -> Self {
        let rule = AbortRule {
            error_share: Some(drill.abort_share),
            p99: Some(drill.longest),
            over: drill.abort_over,
        };
        Self {
            drill: drill.name,
            kills: drill.disturbance.kills(),
            before,
            abort: rule.watch(),
            started: None,
            stop: watch::Sender::new(None),
            told: Vec::new(),
            intervals: 0,
            tell,
        }
    }

    /// When the load began.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }

    /// Why it was broken off.
    pub(super) fn stop(&self) -> Option<Stop> {
        self.stop.borrow().clone()
    }

    /// Ends when the drill must: the operator wants it, somebody else changed production, or users suffer too much.
    pub(super) fn stopped(
        &self,
        mut interrupted: watch::Receiver<bool>,
        mut disturbed: watch::Receiver<Option<String>>,
    ) -> impl Future<Output = ()> + use<> {
        let (stop, mut own) = (self.stop.clone(), self.stop.subscribe());
        async move {
            let reason = tokio::select! {
                _ = own.wait_for(Option::is_some) => return,
                Ok(_) = interrupted.wait_for(|interrupted| *interrupted) => Stop::Interrupted,
                Ok(reason) = disturbed.wait_for(Option::is_some) => {
                    Stop::Disturbed(reason.clone().unwrap_or_default())
                }
            };
            stop.send_replace(Some(reason));
        }
    }

    /// Something worth knowing.
    pub(super) fn note(&mut self, text: String) {
        (self.tell)(DrillEvent::Note { drill: self.drill, text });
    }

    /// Takes the next interval of the load in.
    pub(super) fn look(&mut self, ended: &IntervalEnded<'_>) {
        let point = ended.point;
        self.started.get_or_insert_with(|| Instant::now() - Duration::from_secs_f64(point.at_s.max(0.0)));
        self.tell_faults(ended.faults);
        self.intervals += 1;
        if self.intervals.is_multiple_of(TOLD_EVERY) {
            let p99 = point.latency.map_or_else(String::new, |it| format!(", p99 {:.0} ms", it.p99_ms));
            self.note(format!(
                "{:.0} s: {} answered, {} failed{p99}",
                point.at_s, point.answered, point.failed
            ));
        }
        let reason = unsteady(point, self.before).or_else(|| self.abort.step(point, ended.sample));
        if let Some(reason) = reason
            && self.stop.borrow().is_none()
        {
            self.note(format!("aborting: {reason}"));
            self.stop.send_replace(Some(Stop::Aborted(reason)));
        }
    }

    fn tell_faults(&mut self, faults: &[FaultEvent]) {
        self.told.resize(faults.len().max(self.told.len()), (false, false));
        for (index, fault) in faults.iter().enumerate() {
            let (began, undone) = self.told[index];
            if let Some(at) = fault.began_s.filter(|_| !began) {
                self.note(format!("{at:.1} s: {}", fault.effect));
            }
            if let Some(at) = fault.undone_s.filter(|_| !undone && !self.kills) {
                self.note(format!("{at:.1} s: over: {}", fault.effect));
            }
            self.told[index] = (fault.began_s.is_some(), fault.undone_s.is_some());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use shield_load::{Point, Snapshot};

    use super::{super::sample::sample, *};

    /// Seconds with ten answers each, of which so many failed; why that was broken off.
    fn stop_after(failed: &[u64]) -> Option<Stop> {
        let told = Arc::new(Mutex::new(Vec::new()));
        let mut tell = |event| told.lock().unwrap().push(event);
        let mut course = Course::new(&sample(DrillName::EdgeKill), Duration::from_secs(2), &mut tell);
        for (second, failed) in (1..).zip(failed) {
            let point =
                Point { at_s: f64::from(second), answered: 10 - failed, failed: *failed, ..Point::default() };
            course.look(&IntervalEnded {
                point: &point,
                interval_s: 1.0,
                sample: &Snapshot::default(),
                faults: &[],
            });
        }
        course.stop()
    }

    #[test]
    fn suffering_is_bounded() {
        assert_eq!(stop_after(&[0, 0, 3, 0, 0]), None);
        let Some(Stop::Aborted(reason)) = stop_after(&[0, 0, 3, 5, 0]) else { panic!("it went on") };
        assert!(reason.contains("requests failed"), "{reason}");
    }

    #[test]
    fn unsteady_state_is_not_disturbed() {
        let Some(Stop::Aborted(reason)) = stop_after(&[1]) else { panic!("it went on") };
        assert!(reason.contains("no steady state"), "{reason}");
    }

    #[tokio::test]
    async fn operator_and_others_end_it() {
        let mut tell = |_| {};
        let course = Course::new(&sample(DrillName::EdgeKill), Duration::from_secs(2), &mut tell);
        let (interrupt, interrupted) = watch::channel(false);
        let (_nobody, disturbed) = watch::channel(None);
        let stopped = course.stopped(interrupted.clone(), disturbed);
        interrupt.send_replace(true);
        stopped.await;
        assert_eq!(course.stop(), Some(Stop::Interrupted));
        let course = Course::new(&sample(DrillName::EdgeKill), Duration::from_secs(2), &mut tell);
        let (release, disturbed) = watch::channel(None);
        let (_quiet, interrupted) = watch::channel(false);
        let stopped = course.stopped(interrupted, disturbed);
        release.send_replace(Some("a release is under way".to_owned()));
        stopped.await;
        assert_eq!(course.stop(), Some(Stop::Disturbed("a release is under way".to_owned())));
    }
}
