//! The pipeline itself: stage after stage, until all passed or one failed.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;
use shield_evidence::{Check, Outcome};
use shield_load::GuardProgram;
use shield_release::FinishedRelease;
use shield_types::{ArtifactDigest, Timestamp};
use tokio::sync::watch;

use super::{
    notary::{Finding, Notary},
    stage::{PipelineEvent, StageFailure, StageName, StageOutcome, StageResult},
};
use crate::{
    admin::{AdminClient, AdminError},
    clock,
    durable::StateFileError,
    layout::Layout,
    lock::TakeLockError,
    manifest::Manifest,
    store::StoredArtifact,
};

/// What is shipped, from where.
pub struct ShipOrder {
    /// The directory of `shield.toml`.
    pub project: PathBuf,
    /// The resolved `shield.toml`.
    pub manifest: Manifest,
    /// The state directory.
    pub layout: Layout,
    /// Who ships.
    pub requested_by: String,
    /// The program that undoes the faults of drills, whatever becomes of this one.
    pub guard: GuardProgram,
    /// Where it keeps its undo journals.
    pub journals: PathBuf,
}

/// What a pipeline that passed has to show.
#[derive(Clone, Debug, Serialize)]
pub struct ShipSummary {
    /// What was shipped.
    pub artifact: ArtifactDigest,
    /// Every stage.
    pub stages: Vec<StageResult>,
    /// The release.
    pub release: FinishedRelease,
    /// Newest checkpoint of the evidence log, `SIZE:ROOT`; `None` when the release is not recorded yet.
    pub checkpoint: Option<String>,
}

/// Why a pipeline ended early.
#[derive(Debug, thiserror::Error)]
pub enum ShipError {
    /// Another pipeline, or a drill, runs in this project.
    #[error("start the pipeline: {holder} is shipping or drilling this project")]
    Busy {
        /// Who.
        holder: String,
    },
    /// The lock that keeps pipelines apart cannot be used.
    #[error("start the pipeline")]
    Lock {
        /// Which file, and why.
        #[source]
        source: StateFileError,
    },
    /// A stage failed.
    #[error("pass stage `{}`: {}", failure.stage, failure.reason)]
    Stage {
        /// Which, and how.
        failure: Box<StageFailure>,
    },
    /// A statement could not be recorded; without it the stage did not happen.
    #[error("record the statement of stage `{stage}`: {reason}")]
    Evidence {
        /// The stage.
        stage: StageName,
        /// What is wrong with the log.
        reason: String,
    },
    /// Whoever shipped does not want it any more.
    #[error("pass every stage: interrupted")]
    Interrupted,
    /// The control plane refused, or is gone.
    #[error("reach production")]
    Control {
        /// Why.
        #[source]
        source: AdminError,
    },
}

impl From<TakeLockError> for ShipError {
    fn from(error: TakeLockError) -> Self {
        match error {
            TakeLockError::Held { holder } => Self::Busy { holder },
            TakeLockError::File { source } => Self::Lock { source },
        }
    }
}

pub(super) struct Pipeline<'a> {
    pub(super) order: &'a ShipOrder,
    notary: Notary,
    pub(super) client: AdminClient,
    pub(super) results: Vec<StageResult>,
    pub(super) tell: &'a mut (dyn FnMut(PipelineEvent) + Send),
}

/// A running stage.
#[derive(Clone, Copy)]
pub(super) struct Running {
    pub(super) stage: StageName,
    started_at: Timestamp,
    pub(super) clock: Instant,
}

/// Runs every stage; `tell` gets what happens, as it happens. The control plane must run.
///
/// Once `interrupted` is true, the stage under way ends with everything that it started, and nothing follows; a release that
/// has begun is the control plane's, and goes on. A drill ends in its own time: it undoes, looks and records first.
pub async fn ship(
    order: &ShipOrder,
    interrupted: watch::Receiver<bool>,
    tell: &mut (dyn FnMut(PipelineEvent) + Send),
) -> Result<ShipSummary, ShipError> {
    let lock = order.layout.ship_lock().take(&order.requested_by).map_err(ShipError::from)?;
    let mut pipeline = Pipeline::new(order, tell);
    let artifact = unless(interrupted.clone(), pipeline.prove()).await?;
    match order.manifest.stages.drill.clone() {
        Some(stage) => pipeline.drill(&artifact, &stage, interrupted.clone()).await?,
        None => pipeline.skip(StageName::Drill, artifact.digest, "no `stage.drill.drills` in shield.toml")?,
    }
    let summary = unless(interrupted, pipeline.release(artifact)).await;
    drop(lock);
    summary
}

/// Does `work` unless it is interrupted first; what was done of it is dropped then.
pub(super) async fn unless<T>(
    mut interrupted: watch::Receiver<bool>,
    work: impl Future<Output = Result<T, ShipError>>,
) -> Result<T, ShipError> {
    tokio::select! {
        biased;
        Ok(_) = interrupted.wait_for(|interrupted| *interrupted) => Err(ShipError::Interrupted),
        done = work => done,
    }
}

/// Releases the artifact that lies at `path` without the stages before.
pub async fn release_artifact(
    order: &ShipOrder,
    path: &std::path::Path,
    tell: &mut (dyn FnMut(PipelineEvent) + Send),
) -> Result<ShipSummary, ShipError> {
    let mut pipeline = Pipeline::new(order, tell);
    let running = pipeline.begin(StageName::Release, format!("storing `{}`", path.display()));
    let artifact = pipeline.store(running, path).await?;
    pipeline.release(artifact).await
}

// === impl Pipeline ===

impl<'a> Pipeline<'a> {
    pub(super) fn new(order: &'a ShipOrder, tell: &'a mut (dyn FnMut(PipelineEvent) + Send)) -> Self {
        Self {
            notary: Notary::new(&order.layout, &order.manifest.name),
            client: AdminClient::new(&order.layout),
            results: Vec::new(),
            order,
            tell,
        }
    }

    /// The stages that look at the new artifact alone.
    async fn prove(&mut self) -> Result<StoredArtifact, ShipError> {
        // A mistake in a load file is told before a long build, not after.
        let load = self.read_load()?;
        self.check_bench()?;
        let artifact = self.build().await?;
        match &self.order.manifest.stages.test {
            Some(test) => self.test(test, &artifact).await?,
            None => self.skip(StageName::Test, artifact.digest, "no `stage.test.command` in shield.toml")?,
        }
        match &self.order.manifest.stages.audit {
            Some(_) => self.audit(&artifact).await?,
            None => self.skip(StageName::Audit, artifact.digest, "no `[stage.audit]` in shield.toml")?,
        }
        match self.order.manifest.stages.bench.clone() {
            Some(stage) => self.bench(&artifact, &stage).await?,
            None => self.skip(StageName::Bench, artifact.digest, "no `[stage.bench]` in shield.toml")?,
        }
        let (staging, address) = self.staging(&artifact).await?;
        self.smoke(&artifact, address).await?;
        match load {
            Some(load) => self.load(&artifact, address, load).await?,
            None => self.skip(StageName::Load, artifact.digest, "no `stage.load.file` in shield.toml")?,
        }
        drop(staging);
        Ok(artifact)
    }

    pub(super) fn begin(&mut self, stage: StageName, text: String) -> Running {
        (self.tell)(PipelineEvent::Began { stage, text });
        Running { stage, started_at: clock::now(), clock: Instant::now() }
    }

    pub(super) fn pass(
        &mut self,
        running: Running,
        artifact: ArtifactDigest,
        checks: Vec<Check>,
        details: serde_json::Value,
        summary: String,
    ) -> Result<(), ShipError> {
        self.record(running, artifact, Outcome::Passed, checks, details)?;
        self.passed(running.stage, summary, running.clock.elapsed());
        Ok(())
    }

    /// A stage that is not configured proves nothing, and says so.
    pub(super) fn skip(
        &mut self,
        stage: StageName,
        artifact: ArtifactDigest,
        reason: &str,
    ) -> Result<(), ShipError> {
        let running = Running { stage, started_at: clock::now(), clock: Instant::now() };
        let outcome = Outcome::Skipped { reason: reason.to_owned() };
        self.record(running, artifact, outcome, Vec::new(), json!({}))?;
        let (summary, took) = (reason.to_owned(), Duration::ZERO);
        let result = StageResult { stage, outcome: StageOutcome::Skipped, summary, took };
        self.results.push(result.clone());
        (self.tell)(PipelineEvent::Skipped { result });
        Ok(())
    }

    pub(super) fn passed(&mut self, stage: StageName, summary: String, took: Duration) {
        let result = StageResult { stage, outcome: StageOutcome::Passed, summary, took };
        self.results.push(result.clone());
        (self.tell)(PipelineEvent::Passed { result });
    }

    pub(super) fn record(
        &self,
        running: Running,
        artifact: ArtifactDigest,
        outcome: Outcome,
        checks: Vec<Check>,
        details: serde_json::Value,
    ) -> Result<(), ShipError> {
        let staged = matches!(
            running.stage,
            StageName::Bench | StageName::Staging | StageName::Smoke | StageName::Load
        );
        let environment = staged.then(|| "staging".parse().expect("a constant name"));
        let Running { stage, started_at, .. } = running;
        let finding =
            Finding { stage, artifact, release: None, environment, started_at, outcome, checks, details };
        self.notary.record(finding).map(drop).map_err(|reason| ShipError::Evidence { stage, reason })
    }

    pub(super) fn fail(&mut self, failure: StageFailure) -> ShipError {
        (self.tell)(PipelineEvent::Failed { failure: failure.clone() });
        ShipError::Stage { failure: Box::new(failure) }
    }
}

pub(super) fn failed(reason: &str) -> Outcome {
    Outcome::Failed { reason: reason.to_owned() }
}
