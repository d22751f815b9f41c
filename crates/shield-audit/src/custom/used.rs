//! What rule files did in one audit: part of its report.

use std::collections::BTreeMap;

use serde::Serialize;
use shield_types::Sha256Digest;

use super::{File, Rules};
use crate::{finding::Finding, python::Suppressed};

/// So many rules that found nothing are named in a sentence.
const NAMES_MAX: usize = 20;

/// What rule files did in one audit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Used {
    /// What tells these files from any others; none: there were none.
    pub fingerprint: Option<Sha256Digest>,
    /// The files.
    pub files: Vec<File>,
    /// The rules that they add.
    pub rules: Vec<UsedRule>,
    /// What they change about built-in rules.
    pub changes: Vec<UsedChange>,
}

/// A rule of a rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedRule {
    /// Its id.
    pub id: &'static str,
    /// How much it found, also of what is taken back.
    pub findings: usize,
}

/// A change of built-in rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct UsedChange {
    /// Their ids.
    pub rules: Vec<&'static str>,
    /// What became of them: `off`, `severity low`.
    pub becomes: &'static str,
    /// Why.
    pub reason: String,
    /// The file that says so.
    pub file: String,
    /// How many findings it touched.
    pub findings: usize,
}

// === impl Used ===

impl Used {
    /// What rules did: what was found with them, and how many findings each change touched.
    pub(crate) fn of(
        rules: &Rules,
        findings: &[Finding],
        suppressed: &[Suppressed],
        touched: &[usize],
    ) -> Self {
        if rules.files().is_empty() {
            return Self::default();
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in findings.iter().chain(suppressed.iter().map(|one| &one.finding)) {
            *counts.entry(finding.rule.id).or_default() += 1;
        }
        let count = |id: &'static str| UsedRule { id, findings: counts.get(id).copied().unwrap_or_default() };
        let changes = rules.changes().iter().zip(touched).map(|(change, findings)| UsedChange {
            rules: change.rules.clone(),
            becomes: change.becomes.words(),
            reason: change.reason.clone(),
            file: change.file.clone(),
            findings: *findings,
        });
        Self {
            fingerprint: Some(rules.fingerprint()),
            files: rules.files().to_vec(),
            rules: rules.added().iter().map(|rule| count(rule.id)).collect(),
            changes: changes.collect(),
        }
    }

    /// The same in sentences for people; names are in backticks. None where there are no rule files.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let code = |name: &str| format!("`{}`", name.replace('`', "'"));
        let files = self.files.iter().map(|file| {
            format!("{} entries of {} (sha256 {})", file.entries, code(&file.name), file.sha256.hex())
        });
        let idle: Vec<_> =
            self.rules.iter().filter(|rule| rule.findings == 0).map(|rule| code(rule.id)).collect();
        let named = idle.iter().take(NAMES_MAX).cloned().collect::<Vec<_>>().join(", ");
        let more = idle.len().saturating_sub(NAMES_MAX);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let idle = (!idle.is_empty()).then(|| format!("{} rules found nothing: {named}{more}", idle.len()));
        let changes = self.changes.iter().map(|change| {
            let rules: Vec<_> = change.rules.iter().map(|id| code(id)).collect();
            let (becomes, findings) = (change.becomes, change.findings);
            format!(
                "{} {becomes}, {findings} findings: {} ({})",
                rules.join(", "),
                change.reason,
                code(&change.file)
            )
        });
        files.chain(idle).chain(changes).collect()
    }
}
