//! Statements about releases: what happened in production, signed and appended to the evidence log.
//!
//! The control plane records them, not the command that asked: a release ends, and is recorded, also when nobody waits for
//! it any more. What could not be recorded (disk full) is recorded as soon as it can be.

use std::{collections::BTreeSet, path::PathBuf};

use serde_json::{Map, Value, json};
use shield_edge::protocol::PoolStatus;
use shield_evidence::{
    ArtifactSubject, Check, CheckOutcome, EvidenceLog, EvidenceStore, Outcome, ReleaseSubject, Stage,
    Statement,
};
use shield_release::{FinishedRelease, ReleaseOutcome};
use shield_types::{EnvironmentName, ReleaseId, ServiceName, format_duration};

use crate::{clock, executor::Executor, layout::Layout};

/// What of the history is in the evidence log.
pub(crate) struct Recorder {
    directory: PathBuf,
    service: ServiceName,
    recorded: BTreeSet<ReleaseId>,
    warning: Option<String>,
}

// === impl Recorder ===

impl Recorder {
    /// Looks up which releases the log already holds. A log that cannot be read is reported when something is to be recorded.
    pub(crate) fn open(layout: &Layout, service: ServiceName) -> Self {
        let directory = layout.evidence();
        let recorded = read_recorded(&directory).unwrap_or_default();
        Self { directory, service, recorded, warning: None }
    }

    /// Whether a statement could be appended now: a release that cannot be recorded does not happen.
    pub(crate) fn check(&self) -> Result<(), String> {
        let problem = |error: &dyn std::error::Error| format!("open the evidence log: {}", chain(error));
        EvidenceLog::open(&self.directory).map_err(|error| problem(&error))?;
        let store = EvidenceStore::open(&self.directory).map_err(|error| problem(&error))?;
        store.list().map(drop).map_err(|error| problem(&error))
    }

    /// What is not recorded, and why.
    pub(crate) fn warning(&self) -> Option<String> {
        self.warning.clone()
    }

    /// Records `finished`, unless it is; returns the checkpoint after it.
    fn record(
        &mut self,
        finished: &FinishedRelease,
        pool: Option<&PoolStatus>,
    ) -> Result<Option<String>, String> {
        if self.recorded.contains(&finished.spec.id) {
            return Ok(None);
        }
        let append = || {
            let mut log = EvidenceLog::open(&self.directory).map_err(|error| chain(&error))?;
            let mut checkpoint = None;
            for statement in self.statements(finished, pool) {
                checkpoint = Some(log.append(&statement, clock::now()).map_err(|error| chain(&error))?);
            }
            Ok::<_, String>(checkpoint.map(|checkpoint| checkpoint.trusted().to_string()))
        };
        let checkpoint = append()?;
        self.recorded.insert(finished.spec.id.clone());
        Ok(checkpoint)
    }

    /// One statement for the release; one for the watch, if it came to that.
    fn statements(&self, finished: &FinishedRelease, pool: Option<&PoolStatus>) -> Vec<Statement> {
        let promoted = finished.promoted_at.is_some();
        let reason = match &finished.outcome {
            ReleaseOutcome::Done => None,
            ReleaseOutcome::Kept { reason } | ReleaseOutcome::RolledBack { reason } => Some(reason.clone()),
        };
        let failed = |reason: &Option<String>| {
            reason.clone().map_or(Outcome::Passed, |reason| Outcome::Failed { reason })
        };
        let release_outcome = if promoted { Outcome::Passed } else { failed(&reason) };
        let release = self.statement(
            "release",
            finished,
            release_outcome,
            release_checks(finished),
            release_details(finished),
        );
        let Some(promoted_at) = finished.promoted_at else { return vec![release] };
        let mut watch = self.statement(
            "watch",
            finished,
            failed(&reason),
            watch_checks(finished, &reason),
            watch_details(pool),
        );
        watch.started_at = promoted_at;
        vec![release, watch]
    }

    fn statement(
        &self,
        stage: &str,
        finished: &FinishedRelease,
        outcome: Outcome,
        checks: Vec<Check>,
        details: Map<String, Value>,
    ) -> Statement {
        let spec = &finished.spec;
        Statement {
            artifact: ArtifactSubject { name: self.service.to_string(), digest: spec.artifact },
            release: Some(ReleaseSubject { id: spec.id.clone(), digest: spec.digest }),
            stage: stage.parse::<Stage>().expect("a constant name"),
            outcome,
            started_at: finished.started_at,
            finished_at: finished.finished_at,
            service: self.service.clone(),
            environment: Some("production".parse::<EnvironmentName>().expect("a constant name")),
            checks,
            details,
        }
    }
}

impl Executor {
    /// Records every finished release that is not yet in the log; returns the newest checkpoint written.
    pub(crate) fn record_finished(&mut self) -> Option<String> {
        let mut checkpoint = None;
        let finished: Vec<FinishedRelease> = self.finished_releases();
        let view = self.edge_pools();
        for finished in finished {
            let pool = view.iter().find(|pool| pool.release == finished.spec.id);
            match self.recorder_mut().record(&finished, pool) {
                Ok(written) => checkpoint = written.or(checkpoint),
                Err(reason) => {
                    let warning =
                        format!("release {} is not in the evidence log yet: {reason}", finished.spec.id);
                    tracing::warn!(warning);
                    self.recorder_mut().warning = Some(warning);
                    return checkpoint;
                }
            }
        }
        self.recorder_mut().warning = None;
        checkpoint
    }
}

fn check(name: &str, holds: bool, method: &str, detail: String) -> Check {
    let outcome = if holds { CheckOutcome::Yes } else { CheckOutcome::No };
    Check { name: name.to_owned(), outcome, method: method.to_owned(), detail }
}

fn release_checks(finished: &FinishedRelease) -> Vec<Check> {
    let promoted = finished.promoted_at.is_some();
    let detail = match finished.claims_at_swap {
        Some(claims) => format!("{claims} requests were in flight at the swap"),
        None => "it never got traffic".to_owned(),
    };
    vec![check("promoted", promoted, "the edge confirmed the table that gives it all traffic", detail)]
}

fn watch_checks(finished: &FinishedRelease, reason: &Option<String>) -> Vec<Check> {
    let method = "every first attempt was judged by the edge for the whole watch, with the old pool warm";
    let detail = reason.clone().unwrap_or_else(|| {
        format!("nothing spoke against it in {}", format_duration(finished.spec.timings.watch))
    });
    vec![check("healthy-in-production", reason.is_none(), method, detail)]
}

fn release_details(finished: &FinishedRelease) -> Map<String, Value> {
    let details = json!({
        "number": finished.spec.number,
        "previous": finished.previous,
        "restores": finished.spec.restores,
        "requested_by": finished.spec.requested_by,
        "instances": finished.spec.instances,
        "claims_at_swap": finished.claims_at_swap,
        "outcome": finished.outcome,
    });
    details.as_object().cloned().unwrap_or_default()
}

fn watch_details(pool: Option<&PoolStatus>) -> Map<String, Value> {
    let details =
        pool.map(|pool| json!({ "requests": pool.requests, "errors": pool.errors, "retried": pool.retried }));
    details.and_then(|details| details.as_object().cloned()).unwrap_or_default()
}

fn read_recorded(directory: &std::path::Path) -> Option<BTreeSet<ReleaseId>> {
    let store = EvidenceStore::open(directory).ok()?;
    let of_release = |summary: &shield_evidence::Summary| summary.stage.as_str() == "release";
    let entries = store.list().ok()?.into_iter().filter(of_release);
    entries
        .map(|summary| store.show(summary.index).ok()??.statement.release.map(|release| release.id))
        .collect()
}

fn chain(error: &dyn std::error::Error) -> String {
    crate::executor::chain(error)
}
