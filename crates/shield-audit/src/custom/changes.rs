//! What rule files change about rules that are built in.
//!
//! A finding of a rule that is switched off is not lost: it is in the report among those that are taken back, with the file and its
//! reason.

use super::paths::Paths;
use crate::{
    finding::{Finding, Severity},
    python::Suppressed,
};

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    /// The rules it is about, by their ids.
    pub rules: Vec<&'static str>,
    /// What becomes of them.
    pub becomes: Becomes,
    /// Why.
    pub reason: String,
    /// The rule file that says so.
    pub file: String,
    pub(super) paths: Paths,
}

/// What becomes of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// Its findings count as so bad.
    Severity(Severity),
    /// Its findings are taken back.
    Off,
}

/// Applies the changes: of several for one rule and file, the last one counts. What is switched off is moved to what is taken back.
/// Gives how many findings each change touched.
pub(crate) fn apply(
    changes: &[Change],
    findings: &mut Vec<Finding>,
    suppressed: &mut Vec<Suppressed>,
) -> Vec<usize> {
    let mut touched = vec![0; changes.len()];
    if changes.is_empty() {
        return touched;
    }
    let all = std::mem::take(findings);
    for mut finding in all {
        let meant = |change: &Change| {
            change.rules.contains(&finding.rule.id) && change.paths.has(&finding.place.file)
        };
        let Some(at) = changes.iter().rposition(meant) else {
            findings.push(finding);
            continue;
        };
        touched[at] += 1;
        match changes[at].becomes {
            Becomes::Severity(severity) => {
                finding.severity = severity;
                findings.push(finding);
            }
            Becomes::Off => {
                let comment = format!("switched off by {}: {}", changes[at].file, changes[at].reason);
                suppressed.push(Suppressed { finding, comment });
            }
        }
    }
    touched
}

// === impl Becomes ===

impl Becomes {
    /// Its words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Severity(Severity::Info) => "severity info",
            Self::Severity(Severity::Low) => "severity low",
            Self::Severity(Severity::Medium) => "severity medium",
            Self::Severity(Severity::High) => "severity high",
            Self::Severity(Severity::Critical) => "severity critical",
            Self::Off => "off",
        }
    }
}
