//! From everything that was found to what is left to do.

use serde::Serialize;

use super::{Criteria, Report, Standing};

/// How many findings each step sets apart; the parts add up to the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Funnel {
    /// All that rules say.
    pub all: usize,
    /// Taken back by a comment in the source.
    pub suppressed: usize,
    /// Accepted by the baseline.
    pub accepted: usize,
    /// In installed code that nothing leads to.
    pub unreachable: usize,
    /// In installed code that is imported: not the project's to mend.
    pub dependency: usize,
    /// The project's own, below the severity that counts.
    pub minor: usize,
    /// What is left: to be mended.
    pub open: usize,
}

// === impl Report ===

impl Report {
    /// The funnel of this report.
    #[must_use]
    pub fn funnel(&self, criteria: &Criteria) -> Funnel {
        let with = |standing| self.found.iter().filter(move |one| one.standing == standing);
        let own = with(Standing::Own).count();
        let open = self.failing(criteria).count();
        Funnel {
            all: self.found.len() + self.accepted.len() + self.suppressed.len(),
            suppressed: self.suppressed.len(),
            accepted: self.accepted.len(),
            unreachable: with(Standing::Unreachable).count(),
            dependency: with(Standing::Dependency).count(),
            minor: own - open,
            open,
        }
    }
}
