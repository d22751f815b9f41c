//! The stages that run in the project directory: build and test.

use serde_json::json;
use shield_types::chain;

use super::{
    command::CommandRun,
    ship::{Pipeline, Running, ShipError, failed},
    stage::{PipelineEvent, StageFailure, StageName},
};
use crate::{
    manifest::CommandStage,
    store::{StoredArtifact, artifact_digest, store_artifact},
};

impl Pipeline<'_> {
    pub(super) async fn build(&mut self) -> Result<StoredArtifact, ShipError> {
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

    pub(super) async fn store(
        &mut self,
        running: Running,
        path: &std::path::Path,
    ) -> Result<StoredArtifact, ShipError> {
        let (layout, path, exclude) =
            (self.order.layout.clone(), path.to_owned(), self.order.manifest.stages.build.exclude.clone());
        let stored = tokio::task::spawn_blocking(move || store_artifact(&layout, &path, &exclude)).await;
        let stored = stored.expect("copying files does not panic");
        stored.map_err(|error| {
            let hint = "`stage.build.artifact` in shield.toml names it, relative to the project".to_owned();
            self.fail(StageFailure { stage: running.stage, reason: chain(&error), output: Vec::new(), hint })
        })
    }

    pub(super) async fn test(
        &mut self,
        test: &CommandStage,
        artifact: &StoredArtifact,
    ) -> Result<(), ShipError> {
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
}

/// A command on one line, for people; a script shows its beginning.
pub(super) fn first_line(command: &str) -> String {
    let mut lines = command.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default().to_owned();
    if lines.next().is_some() { format!("{first} …") } else { first }
}
