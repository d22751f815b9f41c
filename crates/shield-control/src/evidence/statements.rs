//! Statements about releases: what happened in production, in the words of the evidence log.

use serde_json::{Map, Value, json};
use shield_edge::protocol::PoolStatus;
use shield_evidence::{ArtifactSubject, Check, CheckOutcome, Outcome, ReleaseSubject, Stage, Statement};
use shield_release::{FinishedRelease, ReleaseOutcome};
use shield_types::{EnvironmentName, ServiceName, format_duration};

/// A release that ended, and what the edge counted of it.
#[derive(Clone, Debug)]
pub(crate) struct EndedRelease {
    pub(crate) finished: FinishedRelease,
    /// `None` when an earlier control plane saw the end.
    pub(crate) pool: Option<PoolStatus>,
}

// === impl EndedRelease ===

impl EndedRelease {
    /// One statement for the release; one for the watch, if it came to that.
    pub(super) fn statements(&self, service: &ServiceName) -> Vec<Statement> {
        let finished = &self.finished;
        let promoted = finished.promoted_at.is_some();
        let reason = match &finished.outcome {
            ReleaseOutcome::Done => None,
            ReleaseOutcome::Kept { reason } | ReleaseOutcome::RolledBack { reason } => Some(reason.clone()),
        };
        let outcome = reason.clone().map_or(Outcome::Passed, |reason| Outcome::Failed { reason });
        let release = Statement {
            outcome: if promoted { Outcome::Passed } else { outcome.clone() },
            checks: release_checks(finished),
            details: release_details(finished),
            ..self.blank(service, "release")
        };
        let Some(promoted_at) = finished.promoted_at else { return vec![release] };
        let watch = Statement {
            outcome,
            started_at: promoted_at,
            checks: watch_checks(finished, &reason),
            details: watch_details(self.pool.as_ref()),
            ..self.blank(service, "watch")
        };
        vec![release, watch]
    }

    /// What every statement about this release says.
    fn blank(&self, service: &ServiceName, stage: &str) -> Statement {
        let FinishedRelease { spec, started_at, finished_at, .. } = &self.finished;
        Statement {
            artifact: ArtifactSubject { name: service.to_string(), digest: spec.artifact },
            release: Some(ReleaseSubject { id: spec.id.clone(), digest: spec.digest }),
            stage: stage.parse::<Stage>().expect("a constant name"),
            outcome: Outcome::Passed,
            started_at: *started_at,
            finished_at: *finished_at,
            service: service.clone(),
            environment: Some("production".parse::<EnvironmentName>().expect("a constant name")),
            checks: Vec::new(),
            details: Map::new(),
        }
    }
}

/// How many requests an instant caught, for people.
pub(crate) fn in_flight_at_swap(claims: u64) -> String {
    match claims {
        1 => "1 request was in flight at the swap".to_owned(),
        claims => format!("{claims} requests were in flight at the swap"),
    }
}

fn check(name: &str, holds: bool, method: &str, detail: String) -> Check {
    let outcome = if holds { CheckOutcome::Yes } else { CheckOutcome::No };
    Check { name: name.to_owned(), outcome, method: method.to_owned(), detail }
}

fn release_checks(finished: &FinishedRelease) -> Vec<Check> {
    let promoted = finished.promoted_at.is_some();
    let detail = match finished.claims_at_swap {
        Some(claims) => in_flight_at_swap(claims),
        None => "it never got traffic".to_owned(),
    };
    vec![check("promoted", promoted, "the edge confirmed the table that gives it all traffic", detail)]
}

fn watch_checks(finished: &FinishedRelease, reason: &Option<String>) -> Vec<Check> {
    let method = match finished.previous {
        Some(_) => "first attempts were judged by the edge, with the old pool warm",
        None => "first attempts were judged by the edge; there was no earlier release to go back to",
    };
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
