//! The stages in production: the control plane releases and watches, and records both; this follows.

use shield_release::{FinishedRelease, ReleaseOutcome};
use shield_types::ArtifactDigest;

use super::{
    ship::{Pipeline, ShipError, ShipSummary},
    stage::{PipelineEvent, StageFailure, StageName},
};
use crate::{
    admin::{AdminError, Progress, ReleaseOrder},
    evidence::in_flight_at_swap,
    store::{StoredArtifact, additions},
};

impl Pipeline<'_> {
    pub(super) async fn release(mut self, artifact: StoredArtifact) -> Result<ShipSummary, ShipError> {
        self.begin(StageName::Release, "blue-green release to production".to_owned());
        let order = ReleaseOrder::new(&self.order.manifest, artifact.digest, self.order.requested_by.clone());
        if let Some(text) = self.left_behind().await {
            (self.tell)(PipelineEvent::Note { stage: StageName::Release, text });
        }
        let tell = &mut *self.tell;
        let observe = |progress: &Progress| {
            if let Progress::Moved { text, .. } | Progress::Note { text, .. } = progress {
                tell(PipelineEvent::Note { stage: StageName::Release, text: text.clone() });
            }
        };
        let ended =
            self.client.release(&order, observe).await.map_err(|source| ShipError::Control { source })?;
        let Progress::Finished { finished, checkpoint } = ended else {
            let problem = "it answered out of order".to_owned();
            return Err(ShipError::Control { source: AdminError::Broken { problem } });
        };
        self.conclude(*finished, checkpoint, artifact.digest)
    }

    /// Files that the live release wrote into its working directory, which the next one does not have.
    async fn left_behind(&self) -> Option<String> {
        let live = self.client.status().await.ok()?.live?;
        let history = self.client.history().await.ok()?;
        let digest = history.iter().rev().find(|finished| finished.spec.id == live)?.spec.artifact;
        let layout = self.order.layout.clone();
        let added = tokio::task::spawn_blocking(move || additions(&layout, digest)).await.ok()?;
        let first = added.first()?.display();
        let others = if added.len() > 1 { format!(" and {} more", added.len() - 1) } else { String::new() };
        Some(format!(
            "WARNING: {live} wrote `{first}`{others} into its working directory; the next release does not have it: files that must stay belong in {{data}}"
        ))
    }

    /// The control plane recorded the statements of these two stages.
    fn conclude(
        mut self,
        finished: FinishedRelease,
        checkpoint: Option<String>,
        artifact: ArtifactDigest,
    ) -> Result<ShipSummary, ShipError> {
        if let ReleaseOutcome::RolledBack { reason } | ReleaseOutcome::Kept { reason } = &finished.outcome {
            let stage = if finished.promoted_at.is_some() { StageName::Watch } else { StageName::Release };
            let hint = aftermath(&finished);
            let failure = StageFailure { stage, reason: reason.clone(), output: Vec::new(), hint };
            return Err(self.fail(failure));
        }
        let promoted_at = finished.promoted_at.unwrap_or(finished.finished_at);
        let claims = finished.claims_at_swap.unwrap_or(0);
        let summary = format!("{} has all traffic ({})", finished.spec.id, in_flight_at_swap(claims));
        self.passed(StageName::Release, summary, promoted_at.since(finished.started_at));
        let took = finished.finished_at.since(promoted_at);
        let judged = match finished.previous {
            Some(_) => "nothing spoke against it; the old pool is stopped",
            None => "nothing spoke against it",
        };
        self.passed(StageName::Watch, judged.to_owned(), took);
        Ok(ShipSummary { artifact, stages: self.results, release: finished, checkpoint })
    }
}

/// What the users have now, and where to look.
fn aftermath(finished: &FinishedRelease) -> String {
    let logs = format!("`shield logs {}` shows its log", finished.spec.id);
    match (&finished.outcome, &finished.previous) {
        (ReleaseOutcome::Kept { .. }, _) => {
            format!("it keeps the traffic, since there is no earlier release to go back to; {logs}")
        }
        (_, Some(previous)) => format!("{previous} is the live release, as before; {logs}"),
        (_, None) => format!("no release has traffic; {logs}"),
    }
}
