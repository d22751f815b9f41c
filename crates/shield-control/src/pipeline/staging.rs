//! The stages beside production: one instance is started, and sent a few requests.

use std::net::SocketAddr;

use serde_json::json;
use shield_evidence::{Check, CheckOutcome};

use super::{
    ship::{Pipeline, Running, ShipError, failed},
    smoke,
    stage::{PipelineEvent, StageFailure, StageName},
};
use crate::{
    admin::{AdminError, StagingOrder, StagingReport, StagingStream},
    store::StoredArtifact,
};

impl Pipeline<'_> {
    pub(super) async fn staging(
        &mut self,
        artifact: &StoredArtifact,
    ) -> Result<(StagingStream, SocketAddr), ShipError> {
        let running = self.begin(StageName::Staging, "starting one instance outside production".to_owned());
        let (stream, address) = self.instance(running, artifact).await?;
        let check = healthy_check(CheckOutcome::Yes, format!("healthy on {address}"));
        self.pass(running, artifact.digest, vec![check], json!({}), format!("healthy on {address}"))?;
        Ok((stream, address))
    }

    /// One healthy instance outside production; it lives as long as the stream.
    pub(super) async fn instance(
        &mut self,
        running: Running,
        artifact: &StoredArtifact,
    ) -> Result<(StagingStream, SocketAddr), ShipError> {
        let order = StagingOrder::new(&self.order.manifest, artifact.digest);
        let control = |source| ShipError::Control { source };
        let mut stream = self.client.stage(&order).await.map_err(control)?;
        loop {
            match stream.next().await.map_err(control)? {
                Some(StagingReport::Note { text }) => {
                    (self.tell)(PipelineEvent::Note { stage: running.stage, text: format!("probe: {text}") });
                }
                Some(StagingReport::Ready { address, .. }) => return Ok((stream, address)),
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

    pub(super) async fn smoke(
        &mut self,
        artifact: &StoredArtifact,
        address: SocketAddr,
    ) -> Result<(), ShipError> {
        let requests = self.order.manifest.stages.smoke.clone();
        if requests.is_empty() {
            let reason = "no `[[stage.smoke.request]]` in shield.toml";
            return self.skip(StageName::Smoke, artifact.digest, reason);
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
        let hint = "`stage.smoke.request` in shield.toml says what is sent and expected; `shield logs staging` shows what it printed";
        Err(self.fail(StageFailure {
            stage: running.stage,
            reason,
            output: Vec::new(),
            hint: hint.to_owned(),
        }))
    }
}

fn counted(requests: usize) -> String {
    if requests == 1 { "1 request".to_owned() } else { format!("{requests} requests") }
}

fn healthy_check(outcome: CheckOutcome, detail: String) -> Check {
    let method = "readiness probes in a row over min_healthy".to_owned();
    Check { name: "healthy".to_owned(), outcome, method, detail }
}
