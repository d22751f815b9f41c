//! The drill stage: what is live is drilled before this release replaces it.
//!
//! Drills need an edge, a control plane and instances, and only production has those. So the stage drills what is live there,
//! with the machinery that is about to carry out the release, and its statements are about the live artifact, never about the
//! new one: that one is drilled by the next pipeline, or by `shield drill run` after this one. What cannot be drilled (nothing
//! is live yet, or what is live is broken) is skipped with the reason: no stage needs the present release to be healthy, or a
//! fix could not ship. A drill that is interrupted undoes, looks and records before the pipeline ends.

use shield_types::{EnvironmentName, chain};
use tokio::sync::watch;

use super::{
    ship::{Pipeline, ShipError},
    stage::{PipelineEvent, StageFailure, StageName},
};
use crate::{
    drill::{DrillEvent, DrillOrder, DrillOutcome, RunDrillError, demand_suitable, run_drill},
    manifest::DrillStage,
    store::StoredArtifact,
};

impl Pipeline<'_> {
    pub(super) async fn drill(
        &mut self,
        artifact: &StoredArtifact,
        stage: &DrillStage,
        interrupted: watch::Receiver<bool>,
    ) -> Result<(), ShipError> {
        let order = DrillOrder {
            project: self.order.project.clone(),
            manifest: self.order.manifest.clone(),
            layout: self.order.layout.clone(),
            environment: "production".parse::<EnvironmentName>().expect("a constant name"),
            guard: self.order.guard.clone(),
            journals: self.order.journals.clone(),
            requested_by: self.order.requested_by.clone(),
        };
        for name in &stage.drills {
            match demand_suitable(&order, *name).await {
                Ok(()) => {}
                Err(RunDrillError::NothingLive) => {
                    return self.skip(StageName::Drill, artifact.digest, "no release is live yet");
                }
                Err(RunDrillError::Unhealthy { reason }) => {
                    let reason = format!("what is live is not healthy: {reason}");
                    return self.skip(StageName::Drill, artifact.digest, &reason);
                }
                Err(error) => return Err(self.refused(&error)),
            }
        }
        let running =
            self.begin(StageName::Drill, format!("{} of what is live", counted(stage.drills.len())));
        let mut live = String::new();
        for name in &stage.drills {
            if *interrupted.borrow() {
                return Err(ShipError::Interrupted);
            }
            let tell = &mut *self.tell;
            let mut observe = |event: DrillEvent| {
                if let DrillEvent::Note { drill, text } = event {
                    tell(PipelineEvent::Note { stage: StageName::Drill, text: format!("{drill}: {text}") });
                }
            };
            let ran = run_drill(&order, *name, interrupted.clone(), &mut observe).await;
            let report = ran.map_err(|error| self.refused(&error))?;
            if report.outcome != DrillOutcome::Held {
                let output = report.reasons.clone();
                let hint = format!(
                    "{} is the live release, and this is about it; `shield release` ships without stages",
                    report.release
                );
                let stage = running.stage;
                let failed = self.fail(StageFailure { stage, reason: report.summary(), output, hint });
                let interrupted = report.outcome == DrillOutcome::Interrupted;
                return Err(if interrupted { ShipError::Interrupted } else { failed });
            }
            live = report.release.to_string();
        }
        let summary = format!("{} held, about {live}, which was live then", counted(stage.drills.len()));
        self.passed(running.stage, summary, running.clock.elapsed());
        Ok(())
    }

    fn refused(&mut self, error: &RunDrillError) -> ShipError {
        let hint = "`stage.drill.drills` and `[drill]` in shield.toml say what is drilled; `shield drill list` describes each";
        self.fail(StageFailure {
            stage: StageName::Drill,
            reason: chain(error),
            output: Vec::new(),
            hint: hint.to_owned(),
        })
    }
}

fn counted(drills: usize) -> String {
    if drills == 1 { "1 drill".to_owned() } else { format!("{drills} drills") }
}
