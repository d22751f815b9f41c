//! Tells readers how a release moves.

use std::sync::Arc;

use shield_release::{Environment, FinishedRelease, Position};
use shield_types::{ReleaseId, format_duration};

use super::Executor;
use crate::{
    admin::Progress,
    clock,
    evidence::{EndedRelease, RecorderNews, ToldEnd, in_flight_at_swap},
};

impl Executor {
    /// Compares with what was before the step and tells what changed.
    pub(super) fn announce(
        &mut self,
        before: Option<(ReleaseId, Position)>,
        finished_before: Option<ReleaseId>,
    ) {
        let now = self.environment.underway().map(|rollout| (rollout.id().clone(), rollout.position()));
        if now != before
            && let Some((release, position)) = now
        {
            let text = self.describe(position);
            tracing::info!(%release, text, "release moved");
            self.tell(Progress::Moved { release, position, text, at: clock::now() });
        }
        let newest = self.environment.history().next_back().map(|finished| finished.spec.id.clone());
        if newest != finished_before
            && let Some(finished) = self.finished_releases().pop()
        {
            self.finish(finished);
        }
    }

    /// Orders the end of a release to be recorded. It is told when that is done: whoever waits may rely on the record.
    fn finish(&mut self, finished: FinishedRelease) {
        tracing::info!(release = %finished.spec.id, outcome = ?finished.outcome, "release finished");
        self.history.send_replace(Arc::new(self.finished_releases()));
        self.save_last_good();
        let view = self.view.borrow();
        let pools = view.current.iter().flat_map(|edge| &edge.pools);
        let pool = pools.into_iter().find(|pool| pool.release == finished.spec.id).cloned();
        drop(view);
        self.recorder.record(EndedRelease { finished, pool });
        self.after_release();
    }

    pub(super) fn take_record(&mut self, news: RecorderNews) {
        let end = self.recorder.take(news);
        self.tell_end(end);
    }

    pub(super) fn tell_end(&self, end: Option<ToldEnd>) {
        if let Some(ToldEnd { finished, checkpoint }) = end {
            self.tell(Progress::Finished { finished: Box::new(finished), checkpoint });
        }
    }

    /// Nobody may be listening.
    pub(super) fn tell(&self, progress: Progress) {
        let _ = self.progress.send(progress);
    }
}

/// Where a release stands, in words for the operator.
pub(super) fn describe(environment: &Environment, position: Position) -> String {
    let Some(rollout) = environment.underway() else { return String::new() };
    let release = rollout.release();
    let count = match release.instances {
        1 => "1 instance".to_owned(),
        count => format!("{count} instances"),
    };
    match position {
        Position::Starting { .. } => format!("starting {count}"),
        Position::Promoting { .. } => "all instances healthy; swapping all traffic".to_owned(),
        Position::Watching { .. } => {
            let watch = format_duration(release.timings.watch);
            match (rollout.claims_at_swap(), rollout.previous()) {
                (_, None) => {
                    format!("has all traffic; watching for {watch} (first release: nothing to go back to)")
                }
                (claims, Some(previous)) => {
                    let caught = in_flight_at_swap(claims.unwrap_or(0));
                    format!("has all traffic ({caught}); watching for {watch}, {previous} stays warm")
                }
            }
        }
        Position::RetiringOld => match rollout.previous() {
            Some(previous) => format!("the watch is over; draining and stopping {previous}"),
            None => "the watch is over".to_owned(),
        },
        Position::RetiringNew => match rollout.previous().filter(|_| rollout.promoted_at().is_some()) {
            Some(previous) => {
                format!("taken back: {previous} has all traffic; draining and stopping {}", release.id)
            }
            None => format!("taken back before it got traffic; stopping {}", release.id),
        },
    }
}
