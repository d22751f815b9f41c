//! Signs what a stage found, and appends it to the evidence log.

use serde_json::{Map, Value};
use shield_evidence::{ArtifactSubject, Check, EvidenceLog, Outcome, ReleaseSubject, Stage, Statement};
use shield_types::{ArtifactDigest, EnvironmentName, ServiceName, Timestamp, chain};

use super::stage::StageName;
use crate::{clock, layout::Layout};

/// Writes the statements of one pipeline run, or drill.
pub(crate) struct Notary {
    layout: Layout,
    service: ServiceName,
}

/// What a stage has to say.
pub(crate) struct Finding {
    pub(crate) stage: StageName,
    pub(crate) artifact: ArtifactDigest,
    /// The release that was live, for what was seen in an environment.
    pub(crate) release: Option<ReleaseSubject>,
    pub(crate) environment: Option<EnvironmentName>,
    pub(crate) started_at: Timestamp,
    pub(crate) outcome: Outcome,
    pub(crate) checks: Vec<Check>,
    pub(crate) details: Value,
}

impl Notary {
    pub(crate) fn new(layout: &Layout, service: &ServiceName) -> Self {
        Self { layout: layout.clone(), service: service.clone() }
    }

    /// Appends the statement; returns the checkpoint after it, as `SIZE:ROOT`.
    pub(crate) fn record(&self, finding: Finding) -> Result<String, String> {
        let now = clock::now();
        let statement = Statement {
            artifact: ArtifactSubject { name: self.service.to_string(), digest: finding.artifact },
            release: finding.release,
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
