//! The pipeline itself: stage after stage, until all passed or one failed.

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::json;
use shield_evidence::{Check, CheckOutcome, Outcome};
use shield_release::{FinishedRelease, ReleaseOutcome};
use shield_types::{ArtifactDigest, Timestamp};

use super::{
    command::CommandRun,
    lock::{self, ShipLockError},
    notary::{Finding, Notary},
    smoke,
    stage::{PipelineEvent, StageFailure, StageName, StageResult},
};
use crate::{
    admin::{AdminClient, AdminError, Progress, ReleaseOrder, StagingOrder, StagingReport, StagingStream},
    clock,
    executor::chain,
    layout::Layout,
    manifest::{CommandStage, Manifest},
    store::{StoredArtifact, artifact_digest, store_artifact},
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
    /// Another pipeline runs in this project.
    #[error("take the pipeline's lock")]
    Lock {
        /// Who holds it.
        #[source]
        source: ShipLockError,
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
    /// The control plane refused, or is gone.
    #[error("reach production")]
    Control {
        /// Why.
        #[source]
        source: AdminError,
    },
}

struct Pipeline<'a> {
    order: &'a ShipOrder,
    notary: Notary,
    client: AdminClient,
    results: Vec<StageResult>,
    tell: &'a mut (dyn FnMut(PipelineEvent) + Send),
}

/// A running stage.
#[derive(Clone, Copy)]
struct Running {
    stage: StageName,
    started_at: Timestamp,
    clock: Instant,
}

/// Runs every stage; `tell` gets what happens, as it happens. The control plane must run.
pub async fn ship(
    order: &ShipOrder,
    tell: &mut (dyn FnMut(PipelineEvent) + Send),
) -> Result<ShipSummary, ShipError> {
    let lock = lock::take(&order.layout.ship_lock(), &order.requested_by)
        .map_err(|source| ShipError::Lock { source })?;
    let mut pipeline = Pipeline::new(order, tell);
    let artifact = pipeline.build().await?;
    if let Some(test) = &order.manifest.stages.test {
        pipeline.test(test, &artifact).await?;
    }
    let (staging, address) = pipeline.staging(&artifact).await?;
    pipeline.smoke(&artifact, address).await?;
    drop(staging);
    let summary = pipeline.release(artifact).await;
    drop(lock);
    summary
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
    fn new(order: &'a ShipOrder, tell: &'a mut (dyn FnMut(PipelineEvent) + Send)) -> Self {
        Self {
            notary: Notary::new(&order.layout, &order.manifest.name),
            client: AdminClient::new(&order.layout),
            results: Vec::new(),
            order,
            tell,
        }
    }

    async fn build(&mut self) -> Result<StoredArtifact, ShipError> {
        let build = self.order.manifest.stages.build.clone();
        let text = build
            .command
            .as_deref()
            .map(first_line)
            .unwrap_or_else(|| "no build command; taking the artifact as it lies there".to_owned());
        let running = self.begin(StageName::Build, text);
        if let Some(command) = &build.command {
            let stage = CommandStage { command: command.clone(), deadline: build.deadline };
            self.run_command(running, &stage).await.map_err(|failure| self.fail(failure))?;
        }
        let path = self.order.project.join(&build.artifact);
        let artifact = self.store(running, &path).await?;
        (self.tell)(PipelineEvent::Artifact { digest: artifact.digest });
        let details = json!({ "command": build.command, "artifact": build.artifact });
        self.pass(running, artifact.digest, Vec::new(), details, artifact.digest.to_string())?;
        Ok(artifact)
    }

    async fn store(&mut self, running: Running, path: &std::path::Path) -> Result<StoredArtifact, ShipError> {
        let (layout, path, exclude) =
            (self.order.layout.clone(), path.to_owned(), self.order.manifest.stages.build.exclude.clone());
        let stored = tokio::task::spawn_blocking(move || store_artifact(&layout, &path, &exclude)).await;
        let stored = stored.expect("copying files does not panic");
        stored.map_err(|error| {
            let hint = "`stage.build.artifact` in shield.toml names it, relative to the project".to_owned();
            self.fail(StageFailure { stage: running.stage, reason: chain(&error), output: Vec::new(), hint })
        })
    }

    async fn test(&mut self, test: &CommandStage, artifact: &StoredArtifact) -> Result<(), ShipError> {
        let running = self.begin(StageName::Test, first_line(&test.command));
        let details = json!({ "command": test.command });
        match self.run_command(running, test).await {
            Ok(()) => {
                self.check_unchanged(running, artifact)?;
                self.pass(
                    running,
                    artifact.digest,
                    Vec::new(),
                    details,
                    format!("`{}` exited with code 0", first_line(&test.command)),
                )
            }
            Err(failure) => {
                self.record(running, artifact.digest, failed(&failure.reason), Vec::new(), details)?;
                Err(self.fail(failure))
            }
        }
    }

    /// A test command may rebuild; then it tested something else than what will run.
    fn check_unchanged(&mut self, running: Running, artifact: &StoredArtifact) -> Result<(), ShipError> {
        let build = &self.order.manifest.stages.build;
        let now = artifact_digest(&self.order.project.join(&build.artifact), &build.exclude);
        if now.is_ok_and(|digest| digest == artifact.digest) {
            return Ok(());
        }
        let text = "the artifact at its build path is not the stored one any more (the test command changed it); the stored one is released";
        (self.tell)(PipelineEvent::Note { stage: running.stage, text: text.to_owned() });
        Ok(())
    }

    async fn run_command(&mut self, running: Running, stage: &CommandStage) -> Result<(), StageFailure> {
        let name = running.stage;
        let log = self.order.layout.logs().join(format!("{name}.log"));
        let run = CommandRun {
            command: &stage.command,
            directory: &self.order.project,
            deadline: stage.deadline,
            log,
        };
        let tell = &mut *self.tell;
        let outcome =
            run.run(|line| tell(PipelineEvent::Output { stage: name, line: line.to_owned() })).await;
        outcome.map_err(|failure| StageFailure {
            stage: name,
            reason: failure.reason,
            output: failure.output,
            hint: format!("the whole output: `shield logs {name}`"),
        })
    }

    async fn staging(&mut self, artifact: &StoredArtifact) -> Result<(StagingStream, SocketAddr), ShipError> {
        let running = self.begin(StageName::Staging, "starting one instance outside production".to_owned());
        let order = StagingOrder::new(&self.order.manifest, artifact.digest);
        let control = |source| ShipError::Control { source };
        let mut stream = self.client.stage(&order).await.map_err(control)?;
        loop {
            match stream.next().await.map_err(control)? {
                Some(StagingReport::Note { text }) => {
                    (self.tell)(PipelineEvent::Note { stage: running.stage, text: format!("probe: {text}") });
                }
                Some(StagingReport::Ready { address, .. }) => {
                    let check = healthy_check(CheckOutcome::Yes, format!("healthy on {address}"));
                    self.pass(
                        running,
                        artifact.digest,
                        vec![check],
                        json!({}),
                        format!("healthy on {address}"),
                    )?;
                    return Ok((stream, address));
                }
                Some(StagingReport::Failed { reason, log_tail }) => {
                    let check = healthy_check(CheckOutcome::No, reason.clone());
                    self.record(running, artifact.digest, failed(&reason), vec![check], json!({}))?;
                    let hint = "`service.start`, `service.env` and `service.ready` in shield.toml say how it is started and probed";
                    let stage = running.stage;
                    return Err(self.fail(StageFailure {
                        stage,
                        reason,
                        output: log_tail,
                        hint: hint.to_owned(),
                    }));
                }
                None => {
                    let problem = "it ended while the staging instance started".to_owned();
                    return Err(control(AdminError::Broken { problem }));
                }
            }
        }
    }

    async fn smoke(&mut self, artifact: &StoredArtifact, address: SocketAddr) -> Result<(), ShipError> {
        let requests = self.order.manifest.stages.smoke.clone();
        if requests.is_empty() {
            return Ok(());
        }
        let running =
            self.begin(StageName::Smoke, format!("{} to the staging instance", counted(requests.len())));
        let mut checks = Vec::new();
        for request in &requests {
            let check = smoke::check(request, address).await;
            (self.tell)(PipelineEvent::Note {
                stage: running.stage,
                text: format!("{}: {}", check.name, check.detail),
            });
            checks.push(check);
        }
        let Some(bad) = checks.iter().find(|check| check.outcome != CheckOutcome::Yes).cloned() else {
            let summary = format!("{} answered as expected", counted(requests.len()));
            return self.pass(running, artifact.digest, checks, json!({}), summary);
        };
        let reason = format!("request `{}`: {}", bad.name, bad.detail);
        self.record(running, artifact.digest, failed(&reason), checks, json!({}))?;
        let hint = "`stage.smoke.request` in shield.toml says what is sent and expected; `shield logs` shows the instance's log";
        Err(self.fail(StageFailure {
            stage: running.stage,
            reason,
            output: Vec::new(),
            hint: hint.to_owned(),
        }))
    }

    async fn release(mut self, artifact: StoredArtifact) -> Result<ShipSummary, ShipError> {
        self.begin(StageName::Release, "blue-green release to production".to_owned());
        let order = ReleaseOrder::new(&self.order.manifest, artifact.digest, self.order.requested_by.clone());
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
        let summary =
            format!("{} has all traffic ({claims} requests were in flight at the swap)", finished.spec.id);
        self.passed(StageName::Release, summary, promoted_at.since(finished.started_at));
        let took = finished.finished_at.since(promoted_at);
        let judged = match finished.previous {
            Some(_) => "nothing spoke against it; the old pool is stopped",
            None => "nothing spoke against it",
        };
        self.passed(StageName::Watch, judged.to_owned(), took);
        Ok(ShipSummary { artifact, stages: self.results, release: finished, checkpoint })
    }

    fn begin(&mut self, stage: StageName, text: String) -> Running {
        (self.tell)(PipelineEvent::Began { stage, text });
        Running { stage, started_at: clock::now(), clock: Instant::now() }
    }

    fn pass(
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

    fn passed(&mut self, stage: StageName, summary: String, took: Duration) {
        let result = StageResult { stage, summary, took };
        self.results.push(result.clone());
        (self.tell)(PipelineEvent::Passed { result });
    }

    fn record(
        &self,
        running: Running,
        artifact: ArtifactDigest,
        outcome: Outcome,
        checks: Vec<Check>,
        details: serde_json::Value,
    ) -> Result<(), ShipError> {
        let staged = matches!(running.stage, StageName::Staging | StageName::Smoke);
        let environment = staged.then(|| "staging".parse().expect("a constant name"));
        let Running { stage, started_at, .. } = running;
        let finding = Finding { stage, artifact, environment, started_at, outcome, checks, details };
        self.notary.record(finding).map(drop).map_err(|reason| ShipError::Evidence { stage, reason })
    }

    fn fail(&mut self, failure: StageFailure) -> ShipError {
        (self.tell)(PipelineEvent::Failed { failure: failure.clone() });
        ShipError::Stage { failure: Box::new(failure) }
    }
}

/// A command on one line, for people; a script shows its beginning.
pub(super) fn first_line(command: &str) -> String {
    let mut lines = command.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default().to_owned();
    if lines.next().is_some() { format!("{first} …") } else { first }
}

fn counted(requests: usize) -> String {
    if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") }
}

fn failed(reason: &str) -> Outcome {
    Outcome::Failed { reason: reason.to_owned() }
}

fn healthy_check(outcome: CheckOutcome, detail: String) -> Check {
    let method = "readiness probes in a row over min_healthy".to_owned();
    Check { name: "healthy".to_owned(), outcome, method, detail }
}

/// What the users have now, and where to look.
fn aftermath(finished: &FinishedRelease) -> String {
    let logs = format!("`shield logs {}` shows its log", finished.spec.id);
    match (&finished.outcome, &finished.previous) {
        (ReleaseOutcome::Kept { .. }, _) => {
            format!("it keeps the traffic, since there is no earlier release to go back to; {logs}")
        }
        (_, Some(previous)) => format!("{previous} has all traffic, as before; {logs}"),
        (_, None) => format!("no release has traffic; {logs}"),
    }
}
