//! Which families exist, in which order they look, and the list of every rule for documentation and tests.

use super::{
    address, brand, characters, credentials, download, encoding, host_shape, international, port, redirect,
    scheme, threat_list,
};
use crate::analysis::{Finding, Rule, Target};

type Family = fn(&Target, &mut Vec<Finding>);

const FAMILIES: [Family; 12] = [
    threat_list::check,
    scheme::check,
    credentials::check,
    address::check,
    port::check,
    host_shape::check,
    international::check,
    characters::check,
    encoding::check,
    download::check,
    redirect::check,
    brand::check,
];

/// What the rules find in `target` itself, without looking into URLs it carries. Each rule counts once.
pub(in crate::analysis) fn findings(target: &Target) -> Vec<Finding> {
    let mut findings = Vec::new();
    for family in FAMILIES {
        family(target, &mut findings);
    }
    let mut seen = Vec::new();
    findings.retain(|finding| {
        let first = !seen.contains(&finding.id);
        seen.push(finding.id);
        first
    });
    findings
}

/// Every rule that can raise a finding.
pub fn all_rules() -> Vec<Rule> {
    [
        threat_list::RULES,
        scheme::RULES,
        credentials::RULES,
        address::RULES,
        port::RULES,
        host_shape::RULES,
        international::RULES,
        characters::RULES,
        encoding::RULES,
        download::RULES,
        redirect::RULES,
        brand::RULES,
    ]
    .concat()
}

/// The version written in the local threat list.
pub fn threat_list_version() -> &'static str {
    threat_list::version()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_distinct_ids() {
        let mut ids: Vec<_> = all_rules().iter().map(|rule| rule.id).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count);
    }

    #[test]
    fn points_fit_severity() {
        for rule in all_rules() {
            let level = rule.severity.level();
            assert!((level.score_min()..=level.score_max()).contains(&rule.points), "{}", rule.id);
        }
    }
}
