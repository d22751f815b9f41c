//! What of a run's findings is accepted, and what of the baseline is not true any more.

use std::collections::{BTreeMap, HashSet};

use jiff::civil::Date;

use super::{Baseline, Entry, file::Accepted};
use crate::finding::{
    Confidence, Cwe, Finding, Fingerprint, Place, Rule, Severity, Span, Wording, number_alike,
};

/// An entry whose finding is gone.
pub static STALE: Rule = Rule {
    id: "baseline/stale-entry",
    title: "accepted finding that is gone",
    cwe: Cwe(710),
    severity: Severity::Low,
    aliases: &[],
    advice: "Remove the line: should the defect come back, nobody would hear of it.",
};

/// An entry whose time is over.
pub static EXPIRED: Rule = Rule {
    id: "baseline/expired-entry",
    title: "acceptance that has expired",
    cwe: Cwe(710),
    severity: Severity::Medium,
    aliases: &[],
    advice: "Mend the defect, or decide again how long it may stay, and why.",
};

/// Findings, sorted by what the baseline says of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Not accepted, or not any more, in the order they came; behind them the findings about the baseline itself.
    pub open: Vec<Finding>,
    /// Accepted, each with its entry, in the order they came.
    pub accepted: Vec<(Finding, Entry)>,
}

// === impl Baseline ===

impl Baseline {
    /// Judges the findings of a run, which have their fingerprints, on the day `today`. `looked_for` says whether the run looked
    /// for what an entry is about: its rule ran, and its file was read. Only then is an entry without a finding stale.
    pub fn judge(&self, findings: Vec<Finding>, today: Date, looked_for: impl Fn(&Entry) -> bool) -> Judged {
        let found: HashSet<Fingerprint> = findings.iter().map(|finding| finding.fingerprint).collect();
        let mut judged = Judged::default();
        for finding in findings {
            match self.entries.get(&finding.fingerprint) {
                Some(accepted) if accepted.entry.terms.until >= today => {
                    judged.accepted.push((finding, accepted.entry.clone()));
                }
                _ => judged.open.push(finding),
            }
        }
        judged.open.extend(self.own_findings(&found, today, looked_for));
        judged
    }

    fn own_findings(
        &self,
        found: &HashSet<Fingerprint>,
        today: Date,
        looked_for: impl Fn(&Entry) -> bool,
    ) -> Vec<Finding> {
        // In the order of lines, as findings of a file are.
        let by_line: BTreeMap<_, _> = self
            .entries
            .values()
            .map(|accepted| ((accepted.line, accepted.entry.fingerprint), accepted))
            .collect();
        let about = |accepted: &Accepted| {
            let there = found.contains(&accepted.entry.fingerprint);
            let expired = accepted.entry.terms.until < today;
            match (there, expired) {
                (false, _) if looked_for(&accepted.entry) => Some((&STALE, "Nothing is left of")),
                (_, true) => Some((&EXPIRED, "The time is over for")),
                _ => None,
            }
        };
        let told = by_line
            .values()
            .filter_map(|accepted| about(accepted).map(|(rule, what)| self.finding(rule, what, accepted)));
        let mut findings: Vec<Finding> = told.collect();
        number_alike(&mut findings);
        findings
    }

    fn finding(&self, rule: &'static Rule, what: &str, accepted: &Accepted) -> Finding {
        let Accepted { entry, line } = accepted;
        let length = u32::try_from(entry.to_string().chars().count()).unwrap_or(u32::MAX);
        let span =
            line.map(|line| Span { line, column: 1, end_line: line, end_column: length.saturating_add(1) });
        let owner =
            entry.terms.owner.as_ref().map(|owner| format!(", {owner} answers for it")).unwrap_or_default();
        let message = format!(
            "{what} `{}` in `{}`{owner}: accepted until {} because {}",
            entry.rule, entry.place, entry.terms.until, entry.terms.reason,
        );
        Finding {
            rule,
            severity: rule.severity,
            confidence: Confidence::High,
            place: Place { file: self.file.clone(), span },
            context: entry.rule.clone(),
            subject: entry.fingerprint.to_string(),
            message,
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Terms;

    static RULE: Rule = Rule {
        id: "python/weak-hash",
        title: "weak hash",
        cwe: Cwe(328),
        severity: Severity::High,
        aliases: &[],
        advice: "",
    };
    const UNTIL: Date = Date::constant(2027, 1, 31);

    fn findings(subjects: &[&str]) -> Vec<Finding> {
        let finding = |subject: &&str| Finding {
            rule: &RULE,
            severity: RULE.severity,
            confidence: Confidence::High,
            place: Place { file: "a.py".to_owned(), span: None },
            context: String::new(),
            subject: (*subject).to_owned(),
            message: String::new(),
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        };
        let mut findings: Vec<_> = subjects.iter().map(finding).collect();
        number_alike(&mut findings);
        findings
    }

    fn baseline(subjects: &[&str]) -> Baseline {
        let mut baseline = Baseline::new("accepted");
        for finding in findings(subjects) {
            let terms = Terms { reason: "known".to_owned(), owner: Some("@ops".to_owned()), until: UNTIL };
            baseline.insert(Entry::accept(&finding, terms).unwrap());
        }
        Baseline::parse("accepted", &baseline.to_string()).unwrap()
    }

    fn open(judged: &Judged) -> Vec<(&str, &str)> {
        judged.open.iter().map(|finding| (finding.rule.id, finding.subject.as_str())).collect()
    }

    #[test]
    fn accepted_findings_are_apart() {
        let judged = baseline(&["md5"]).judge(findings(&["md5", "sha1", "md5"]), UNTIL, |_| true);
        assert_eq!(
            open(&judged),
            [(RULE.id, "sha1"), (RULE.id, "md5")],
            "the second of two alike is another"
        );
        let [(finding, entry)] = &judged.accepted[..] else { panic!("{judged:?}") };
        assert_eq!((finding.subject.as_str(), entry.terms.reason.as_str()), ("md5", "known"));
    }

    #[test]
    fn expiry_reopens_the_finding() {
        let judged = baseline(&["md5"]).judge(findings(&["md5"]), UNTIL.tomorrow().unwrap(), |_| true);
        let fingerprint = findings(&["md5"])[0].fingerprint.to_string();
        assert_eq!(open(&judged), [(RULE.id, "md5"), (EXPIRED.id, &fingerprint)]);
        assert!(judged.accepted.is_empty());
        let about = &judged.open[1];
        assert_eq!(
            (about.place.file.as_str(), about.place.span.map(|span| span.line)),
            ("accepted", Some(3))
        );
        assert_eq!(
            about.message,
            "The time is over for `python/weak-hash` in `a.py`, @ops answers for it: accepted until 2027-01-31 because known"
        );
        assert_ne!(about.fingerprint, Fingerprint::UNSET);
    }

    #[test]
    fn gone_findings_are_stale() {
        let stale = baseline(&["md5"]);
        let judged = stale.judge(Vec::new(), UNTIL, |_| true);
        assert_eq!(judged.open[0].rule.id, STALE.id);
        let expired = stale.judge(Vec::new(), UNTIL.tomorrow().unwrap(), |_| true);
        assert_eq!(
            expired.open.iter().map(|finding| finding.rule.id).collect::<Vec<_>>(),
            [STALE.id],
            "once is enough"
        );
    }

    #[test]
    fn what_was_not_read_is_not_stale() {
        let baseline = baseline(&["md5"]);
        assert_eq!(baseline.judge(Vec::new(), UNTIL, |entry| entry.place != "a.py"), Judged::default());
    }

    #[test]
    fn acceptance_needs_its_terms() {
        let finding = &findings(&["md5"])[0];
        let terms = |reason: &str, owner: Option<&str>| Terms {
            reason: reason.to_owned(),
            owner: owner.map(str::to_owned),
            until: UNTIL,
        };
        assert!(Entry::accept(finding, terms(" ", None)).is_err());
        assert!(Entry::accept(finding, terms("two\nlines", None)).is_err());
        assert!(Entry::accept(finding, terms("x", Some("two words"))).is_err());
    }
}
