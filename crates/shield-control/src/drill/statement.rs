//! The signed statement about a drill: what was believed, done and seen, of which artifact.

use serde_json::{Value, json};
use shield_evidence::{Check, CheckOutcome, Outcome, ReleaseSubject};
use shield_types::Timestamp;

use super::{
    engine::DrillOrder,
    model::Drill,
    refusal::RunDrillError,
    report::{DrillCheck, DrillOutcome, DrillReport},
};
use crate::pipeline::{Finding, Notary, StageName};

/// Signs what `report` says and appends it to the evidence log; returns the checkpoint after it.
pub(super) fn record(
    order: &DrillOrder,
    report: &DrillReport,
    release: ReleaseSubject,
    started_at: Timestamp,
) -> Result<String, RunDrillError> {
    let finding = Finding {
        stage: StageName::Drill,
        artifact: report.artifact,
        release: Some(release),
        environment: Some(report.environment.clone()),
        started_at,
        outcome: match report.outcome {
            DrillOutcome::Held => Outcome::Passed,
            _ => Outcome::Failed { reason: report.summary() },
        },
        checks: report.checks.iter().map(|check| stated(&report.drill, check)).collect(),
        details: details(report, &order.requested_by),
    };
    let notary = Notary::new(&order.layout, &order.manifest.name);
    notary.record(finding).map_err(|reason| RunDrillError::Evidence { drill: report.drill.name, reason })
}

fn stated(drill: &Drill, check: &DrillCheck) -> Check {
    Check {
        name: check.name.clone(),
        outcome: if check.held { CheckOutcome::Yes } else { CheckOutcome::No },
        method: format!(
            "drill {}: the drill's own load, and the control plane's view of production",
            drill.name
        ),
        detail: format!("{}; must be {}", check.measured, check.limit),
    }
}

fn details(report: &DrillReport, requested_by: &str) -> Value {
    let drill = &report.drill;
    let results = &report.results;
    json!({
        "drill": drill.name,
        "hypothesis": drill.hypothesis,
        "blast_radius": drill.blast_radius,
        "abort_condition": drill.abort_condition(),
        "undo": drill.undo,
        "outcome": report.outcome,
        "reasons": report.reasons,
        "restored": report.restored,
        "times": report.times,
        "faults": results.faults.iter().map(|fault| json!({
            "effect": fault.effect, "from_s": fault.from_s, "to_s": fault.to_s, "failed": fault.failed,
        })).collect::<Vec<_>>(),
        "load": {
            "model": results.model,
            // Larger than what JSON numbers hold.
            "seed": results.seed.map(|seed| seed.to_string()),
            "totals": results.totals,
            "failed_by_kind": results.failed_by_kind,
            "latency": results.latency,
            "warnings": results.warnings,
            "audit": results.audit,
        },
        "requested_by": requested_by,
    })
}
