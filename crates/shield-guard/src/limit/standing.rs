//! The answer about one limit, and where its key stands after it.

/// Where a key stands with one limit. Times count from the moment of the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Units per period.
    pub limit: u32,
    /// Units that would be admitted now.
    pub remaining: u32,
    /// Nanoseconds until `remaining` grows, if nothing is used meanwhile; 0 when it cannot.
    pub next_ns: u64,
    /// Nanoseconds until nothing that was used counts any more.
    pub full_ns: u64,
}

/// Why a request was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Too early. The same request is admitted `retry_ns` nanoseconds later, if nothing else is admitted meanwhile.
    Wait {
        /// At least 1.
        retry_ns: u64,
    },
    /// It costs more than the limit ever has at once: no wait helps.
    TooCostly,
}

/// The answer about one limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the request may go on.
    pub outcome: Result<(), Refusal>,
    /// Where the key stands after the answer.
    pub standing: Standing,
}

/// What an algorithm says: on admission, the state to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) outcome: Result<u64, Refusal>,
    pub(super) standing: Standing,
}

// === impl Refusal ===

impl Refusal {
    /// The value of `Retry-After` (RFC 9110, 10.2.3): whole seconds, rounded up, at least 1; `None` when no wait helps.
    pub fn retry_after_seconds(self) -> Option<u64> {
        match self {
            Self::Wait { retry_ns } => Some(retry_ns.div_ceil(1_000_000_000).max(1)),
            Self::TooCostly => None,
        }
    }
}

// === impl Decision ===

impl Decision {
    /// Without the state.
    pub(super) fn verdict(self) -> Verdict {
        Verdict { outcome: self.outcome.map(|_| ()), standing: self.standing }
    }
}
