//! The exactly-once check: the run's ids against the ledger that the backends kept.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::measure::report::LoadReport;

/// What does not agree. Ids are named in full: each one is a lost or a repeated write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reconciliation {
    /// Answered 2xx, and not in the ledger.
    pub missing: Vec<String>,
    /// In the ledger more than once, with how often.
    pub duplicated: BTreeMap<String, u32>,
    /// In the ledger, and not posted by this run, or never sent, or refused with the promise that it was not processed.
    pub unexpected: Vec<String>,
    /// Failed requests whose id is in the ledger: allowed, since nobody promised anything.
    pub unknown_applied: u64,
    /// Answered 2xx and in the ledger exactly once.
    pub exact: u64,
}

// === impl Reconciliation ===

impl Reconciliation {
    /// Whether every write happened exactly once, as far as an answer promised it, and no other write happened.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.missing.is_empty() && self.duplicated.is_empty() && self.unexpected.is_empty()
    }
}

/// Holds a run against the ledger of all its backends: how often each id was applied.
#[must_use]
pub fn reconcile(report: &LoadReport, ledger: &BTreeMap<String, u32>) -> Reconciliation {
    let posted = &report.posted;
    let mut result = Reconciliation::default();
    result.missing.extend(posted.applied().filter(|id| !ledger.contains_key(id)));
    for (id, times) in ledger {
        if *times > 1 {
            result.duplicated.insert(id.clone(), *times);
        }
        if posted.is_applied(id) {
            result.exact += u64::from(*times == 1);
        } else if posted.is_unknown(id) {
            result.unknown_applied += 1;
        } else {
            result.unexpected.push(id.clone());
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::reconcile;
    use crate::measure::ids::{LaneIds, PostedIds};
    use crate::measure::report::LoadReport;

    #[test]
    fn names_each_disagreement() {
        let mut lane = LaneIds::default();
        (0..4).for_each(|number| lane.applied.insert(number));
        (4..6).for_each(|number| lane.unknown.insert(number));
        let posted = PostedIds::of("r".into(), vec![lane]);
        let report = LoadReport { posted, ..LoadReport::default() };
        let ledger = [("r-0-0", 1), ("r-0-1", 2), ("r-0-2", 1), ("r-0-4", 1), ("r-0-6", 1), ("other", 1)];
        let ledger: BTreeMap<String, u32> = ledger.map(|(id, times)| (id.to_owned(), times)).into();
        let result = reconcile(&report, &ledger);
        assert_eq!(result.missing, ["r-0-3"]);
        assert_eq!(result.duplicated, BTreeMap::from([("r-0-1".to_owned(), 2)]));
        assert_eq!(result.unexpected, ["other", "r-0-6"]);
        assert_eq!((result.unknown_applied, result.exact), (1, 2));
        assert!(!result.holds());
    }
}
