//! The shape of a host name: depth, length, suffix, dots.

use super::{address::local_name, brand::rehosts};
use crate::analysis::{Finding, Rule, Severity, Target, host::HostName, shown::shown};

const DEEP: Rule = Rule {
    id: "deep-subdomain",
    severity: Severity::Low,
    points: 25,
    title: "Many labels before the domain",
};
const LONG: Rule = Rule { id: "long-host", severity: Severity::Info, points: 10, title: "Long host name" };
const VERY_LONG: Rule =
    Rule { id: "very-long-host", severity: Severity::Low, points: 25, title: "Very long host name" };
const SINGLE_LABEL: Rule =
    Rule { id: "single-label-host", severity: Severity::Low, points: 20, title: "Host without a domain" };
const SUFFIX_ONLY: Rule = Rule {
    id: "suffix-only-host",
    severity: Severity::Medium,
    points: 40,
    title: "Host is a bare public suffix",
};
const UNLISTED: Rule = Rule {
    id: "unlisted-suffix",
    severity: Severity::Low,
    points: 20,
    title: "Top-level domain does not exist",
};
const ABUSED: Rule = Rule {
    id: "often-abused-suffix",
    severity: Severity::Info,
    points: 15,
    title: "Often abused top-level domain",
};
const TRAILING_DOT: Rule =
    Rule { id: "trailing-dot-host", severity: Severity::Info, points: 10, title: "Host ends with a dot" };
const EMPTY_LABEL: Rule = Rule {
    id: "empty-host-label",
    severity: Severity::Medium,
    points: 40,
    title: "Two dots in a row in the host",
};

pub(super) const RULES: &[Rule] =
    &[DEEP, LONG, VERY_LONG, SINGLE_LABEL, SUFFIX_ONLY, UNLISTED, ABUSED, TRAILING_DOT, EMPTY_LABEL];

/// Most labels that honest sites put before their registrable domain.
const SUBDOMAIN_LABELS_MAX: usize = 3;
/// Suffixes under which a state registers names and whose bare form is its own site (`gov.uk`, `nhs.uk`).
const STATE_LABELS: &[&str] = &["gob", "gouv", "gov", "govt", "mil", "nhs", "police"];
const LONG_HOST_CHARS: usize = 50;
const VERY_LONG_HOST_CHARS: usize = 100;
/// Suffixes that lists of abused domains name far out of proportion; kept small on purpose.
const ABUSED_SUFFIXES: &[&str] =
    &["cf", "click", "cyou", "ga", "gq", "icu", "mov", "rest", "sbs", "tk", "top", "xyz", "zip"];

pub(super) fn check(target: &Target, findings: &mut Vec<Finding>) {
    let Some(name) = target.host.name() else { return };
    check_length(name, findings);
    check_dots(name, findings);
    if !local_name(name) {
        check_suffix(name, findings);
    }
    let labels = name.subdomain_labels();
    if labels.len() > SUBDOMAIN_LABELS_MAX && !rehosts(target) {
        let explanation = format!(
            "`{}` has {} labels in front of `{}`, which can push the real domain out of sight.",
            shown(&name.ascii),
            labels.len(),
            shown(&target.host.owner()),
        );
        findings.push(DEEP.found(explanation, &labels.join(".")));
    }
}

fn check_length(name: &HostName, findings: &mut Vec<Finding>) {
    let length = name.ascii.len();
    let rule = if length > VERY_LONG_HOST_CHARS {
        VERY_LONG
    } else if length > LONG_HOST_CHARS {
        LONG
    } else {
        return;
    };
    findings.push(
        rule.found(format!("The host name `{}` has {length} characters.", shown(&name.ascii)), &name.ascii),
    );
}

fn check_dots(name: &HostName, findings: &mut Vec<Finding>) {
    if name.trailing_dot {
        let explanation = format!(
            "`{}.` ends with a dot, which slips past filters that compare names.",
            shown(&name.ascii)
        );
        findings.push(TRAILING_DOT.found(explanation, &format!("{}.", name.ascii)));
    }
    if name.ascii.split('.').any(str::is_empty) {
        let explanation =
            format!("`{}` has an empty label; no such name can be registered.", shown(&name.ascii));
        findings.push(EMPTY_LABEL.found(explanation, &name.ascii));
    }
}

fn check_suffix(name: &HostName, findings: &mut Vec<Finding>) {
    let suffix = shown(&name.suffix);
    let bare = name.ascii == name.suffix;
    let first_label = name.ascii.split('.').next().unwrap_or_default();
    let state_site = name.ascii.contains('.') && STATE_LABELS.contains(&first_label);
    if bare && state_site {
        return;
    }
    if bare && name.suffix_icann {
        let explanation = format!("`{suffix}` is a suffix under which names are registered, not a site.");
        findings.push(SUFFIX_ONLY.found(explanation, &suffix));
    } else if !name.ascii.contains('.') {
        let explanation =
            format!("`{}` has no domain; it can only be a machine on a local network.", shown(&name.ascii));
        findings.push(SINGLE_LABEL.found(explanation, &name.ascii));
    } else if !name.suffix_listed {
        let explanation = format!("`.{suffix}` is not a top-level domain of the public internet.");
        findings.push(UNLISTED.found(explanation, &suffix));
    } else if ABUSED_SUFFIXES.contains(&name.suffix.as_str()) {
        let explanation =
            format!("`.{suffix}` is cheap to register and shows up often in lists of abused domains.");
        findings.push(ABUSED.found(explanation, &suffix));
    }
}
