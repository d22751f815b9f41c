//! How bad, and how sure.

use serde::{Deserialize, Serialize};

/// How bad it is if it is real, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Hardly ever matters.
    Low,
    /// Matters with something else.
    Medium,
    /// Matters by itself.
    High,
    /// Mend it now.
    Critical,
}

/// How sure the audit is, surest last. Only what is proven may be [`Severity::Critical`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// It looks like one.
    Low,
    /// What would prove it harmless is not known.
    Medium,
    /// Every step is known.
    High,
}
