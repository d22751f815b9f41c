//! Signs what a stage found, and appends it to the evidence log.

use serde_json::{Map, Value};
use shield_evidence::{ArtifactSubject, Check, EvidenceLog, Outcome, Stage, Statement};
use shield_types::{ArtifactDigest, EnvironmentName, ServiceName, Timestamp};

use super::stage::StageName;
use crate::{clock, executor::chain, layout::Layout};

/// Writes the statements of one pipeline run.
pub(super) struct Notary {
    layout: Layout,
    service: ServiceName,
}

/// What a stage has to say.
pub(super) struct Finding {
    pub(super) stage: StageName,
    pub(super) artifact: ArtifactDigest,
    pub(super) environment: Option<EnvironmentName>,
    pub(super) started_at: Timestamp,
    pub(super) outcome: Outcome,
    pub(super) checks: Vec<Check>,
    pub(super) details: Value,
}

impl Notary {
    pub(super) fn new(layout: &Layout, service: &ServiceName) -> Self {
        Self { layout: layout.clone(), service: service.clone() }
    }

    /// Appends the statement; returns the checkpoint after it, as `SIZE:ROOT`.
    pub(super) fn record(&self, finding: Finding) -> Result<String, String> {
        let now = clock::now();
        let statement = Statement {
            artifact: ArtifactSubject { name: self.service.to_string(), digest: finding.artifact },
            release: None,
            stage: finding.stage.to_string().parse::<Stage>().expect("stage names are names"),
            outcome: finding.outcome,
            started_at: finding.started_at,
            finished_at: now.max(finding.started_at),
            service: self.service.clone(),
            environment: finding.environment,
            checks: finding.checks,
            details: match finding.details {
                Value::Object(details) => details,
                _ => Map::new(),
            },
        };
        let mut log = EvidenceLog::open(&self.layout.evidence()).map_err(|error| chain(&error))?;
        let checkpoint = log.append(&statement, now).map_err(|error| chain(&error))?;
        Ok(checkpoint.trusted().to_string())
    }
}
