//! What the target says it applied, held against what was sent.

use std::collections::BTreeMap;

use crate::measure::reconcile::reconcile;
use crate::measure::report::LoadReport;
use crate::plan::model::Target;
use crate::results::model::Reconciled;
use crate::session::fetch::{FetchError, get_text};

/// Longest ledger that is read: some ten million ids.
const LEDGER_BYTES_MAX: usize = 512 * 1024 * 1024;
/// Ids that are named in the results.
const NAMED_MAX: usize = 20;

/// What the target lists under `path`, held against what was sent. Counts that cannot be compared do not agree; what was
/// measured stays measured.
pub(crate) async fn applied(
    report: &LoadReport,
    target: Target,
    trust_pem: Option<String>,
    path: &str,
) -> Reconciled {
    match get_text(target, trust_pem, path, LEDGER_BYTES_MAX).await {
        Ok(ledger) => hold(report, parse(&ledger), path.to_owned()),
        Err(error) => unread(path.to_owned(), &error),
    }
}

/// How often each id was applied: one id per line, as often as it was applied.
fn parse(text: &str) -> BTreeMap<String, u32> {
    let mut ledger: BTreeMap<String, u32> = BTreeMap::new();
    for id in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        *ledger.entry(id.to_owned()).or_default() += 1;
    }
    ledger
}

/// Both counts. Ids of other runs are nobody's business here: they begin otherwise.
fn hold(report: &LoadReport, mut ledger: BTreeMap<String, u32>, source: String) -> Reconciled {
    ledger.retain(|id, _| report.posted.has_prefix_of(id));
    let result = reconcile(report, &ledger);
    let summary = format!(
        "{} answered and applied exactly once; {} missing, {} applied more than once, {} applied though refused, {} of the failed ones applied",
        result.exact,
        result.missing.len(),
        result.duplicated.len(),
        result.unexpected.len(),
        result.unknown_applied
    );
    let twice = result.duplicated.iter().map(|(id, times)| format!("{id} ({times} times)"));
    Reconciled {
        source,
        summary,
        agrees: result.holds(),
        duplicate: twice.take(NAMED_MAX).collect(),
        missing: result.missing.into_iter().take(NAMED_MAX).collect(),
    }
}

/// A ledger that could not be read.
fn unread(source: String, error: &FetchError) -> Reconciled {
    let summary = format!("the ledger could not be read: {error}");
    Reconciled { source, summary, missing: Vec::new(), duplicate: Vec::new(), agrees: false }
}

#[cfg(test)]
mod tests {
    use super::{hold, parse};
    use crate::measure::ids::{LaneIds, PostedIds};
    use crate::measure::report::LoadReport;

    #[test]
    fn other_runs_are_left_alone() {
        let mut lane = LaneIds::default();
        (0..3).for_each(|number| lane.applied.insert(number));
        let posted = PostedIds::of("r".into(), vec![lane]);
        let report = LoadReport { posted, ..LoadReport::default() };
        let held = hold(&report, parse("r-0-0\nr-0-1\nother-0-0\nr2-0-1\n\nr-0-2\n"), "/ledger".into());
        assert!(held.agrees, "{held:?}");
        let held = hold(&report, parse("r-0-0\nr-0-0\nr-0-2\n"), "/ledger".into());
        assert!(!held.agrees);
        assert_eq!(
            (held.missing, held.duplicate),
            (vec!["r-0-1".to_owned()], vec!["r-0-0 (2 times)".to_owned()])
        );
    }
}
