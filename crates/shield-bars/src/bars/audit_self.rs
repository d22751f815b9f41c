//! `audit.self`: the audit of this repository, held against its own baseline from the lowest severity.

use shield_audit::{
    audit::{Settings, audit},
    baseline::Baseline,
    finding::Severity,
    report::{Criteria, Part},
};

use super::Options;
use crate::harness::{Result, Trouble, Verdict, workspace};

const BASELINE: &str = "audit-baseline.txt";

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let root = workspace();
    let text = std::fs::read_to_string(root.join(BASELINE))
        .map_err(|error| Trouble::caused(format!("read `{BASELINE}`"), error))?;
    let baseline =
        Baseline::parse(BASELINE, &text).map_err(|error| Trouble::caused("read the baseline", error))?;
    let today = jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).date();
    let settings = Settings { baseline: Some(baseline), ..Settings::on(today) };
    let report =
        audit(root, &settings, &|_| {}).map_err(|error| Trouble::caused("audit this repository", error))?;
    // What is known of vulnerabilities depends on the machine; that it was not asked is in the report.
    let criteria = Criteria { fail_on: Severity::Info, gaps: vec![Part::Advisories] };
    let mut verdict = Verdict::default();
    for one in report.failing(&criteria) {
        let finding = &one.finding;
        let line = finding.place.span.map_or(0, |span| span.line);
        verdict.demand(false, || format!("{}:{line} {}", finding.place.file, finding.rule.id));
    }
    for gap in report.coverage.missing().iter().filter(|gap| gap.part != Part::Advisories) {
        verdict.demand(false, || format!("not looked at: {} {}: {}", gap.part, gap.what, gap.reason));
    }
    let reasons = report.accepted.iter().all(|one| !one.terms.reason.trim().is_empty());
    verdict.demand(reasons, || "an accepted finding has no reason".to_owned());
    Ok(verdict.with_figure(format!(
        "{} files, {} findings open, {} accepted with a reason",
        report.coverage.files,
        report.failing(&criteria).count(),
        report.accepted.len()
    )))
}
