//! Matches as findings.

use super::{
    Checked, Hit, Kind, Match,
    rules::{MALICIOUS, NOTICE, SUSPECT, UNMAINTAINED, UNSOUND, VULNERABLE},
};
use crate::finding::{Confidence, Finding, Fingerprint, Rule, Severity, Wording};

// === impl Checked ===

impl Checked {
    /// One finding a match, in their order; not numbered yet.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        self.matches.iter().map(Match::finding).collect()
    }
}

// === impl Match ===

impl Match {
    /// The match as a finding. Data that disagrees with itself, or may have lost its end, proves nothing and is never critical; but a
    /// vulnerability that nobody has fixed has no end either, so its rating counts.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let rule = self.rule();
        let confidence = match self.hit {
            _ if self.suspect => Confidence::Low,
            Hit::Agreed | Hit::OnlyListed => Confidence::High,
            Hit::OnlyRange => Confidence::Medium,
        };
        let stated = if self.kind == Kind::Vulnerable { self.severity } else { None };
        let cap = match confidence {
            Confidence::High => Severity::Critical,
            Confidence::Medium | Confidence::Low => Severity::High,
        };
        Finding {
            rule,
            severity: stated.unwrap_or(rule.severity).min(cap),
            confidence,
            place: self.place.clone(),
            context: String::new(),
            subject: format!("{} {} {}", self.package, self.version, self.vulnerability),
            message: self.message(),
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        }
    }

    fn rule(&self) -> &'static Rule {
        match self.kind {
            Kind::Vulnerable if self.suspect => &SUSPECT,
            Kind::Vulnerable => &VULNERABLE,
            Kind::Malicious => &MALICIOUS,
            Kind::Unsound => &UNSOUND,
            Kind::Unmaintained => &UNMAINTAINED,
            Kind::Notice => &NOTICE,
        }
    }

    fn message(&self) -> String {
        let what = if self.summary.is_empty() { self.rule().title } else { &self.summary };
        let doubt = match self.hit {
            _ if self.suspect => "; the record has no end and lists no such version",
            Hit::OnlyRange => "; the record's list of versions leaves this one out",
            Hit::OnlyListed => "; the record lists it outside of its range",
            Hit::Agreed => "",
        };
        let remedy = match (&self.fixed_in, &self.clean_in) {
            (Some(fixed), Some(clean)) if fixed == clean => format!("fixed in {fixed}"),
            (Some(fixed), Some(clean)) => {
                format!("fixed in {fixed}, free of every known vulnerability in {clean}")
            }
            (Some(fixed), None) => format!("fixed in {fixed}, which has other vulnerabilities"),
            (None, _) => "no fixed version is known".to_owned(),
        };
        format!("`{} {}`: {what} ({}); {remedy}{doubt}", self.package, self.version, self.names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        dependencies::{Ecosystem, PackageName},
        finding::Place,
    };

    fn matched(kind: Kind, severity: Option<Severity>, hit: Hit) -> Match {
        Match {
            package: PackageName::new(Ecosystem::PyPi, "a"),
            version: "1".to_owned(),
            place: Place { file: "uv.lock".to_owned(), span: None },
            vulnerability: "CVE-1".to_owned(),
            names: vec!["CVE-1".to_owned()],
            records: vec!["CVE-1".to_owned()],
            kind,
            summary: "bad".to_owned(),
            severity,
            vectors: Vec::new(),
            symbols: Vec::new(),
            hit,
            suspect: false,
            fixed_in: Some("2".to_owned()),
            clean_in: None,
        }
    }

    #[test]
    fn doubtful_data_is_never_critical() {
        let of = |hit, suspect| {
            let finding =
                Match { suspect, ..matched(Kind::Vulnerable, Some(Severity::Critical), hit) }.finding();
            (finding.severity, finding.confidence, finding.rule.id)
        };
        assert_eq!(of(Hit::Agreed, false), (Severity::Critical, Confidence::High, "dependencies/vulnerable"));
        assert_eq!(
            of(Hit::OnlyRange, false),
            (Severity::High, Confidence::Medium, "dependencies/vulnerable")
        );
        assert_eq!(
            of(Hit::OnlyRange, true),
            (Severity::High, Confidence::Low, "dependencies/suspect-advisory")
        );
        let unrated = Match { suspect: true, ..matched(Kind::Vulnerable, None, Hit::OnlyRange) };
        assert_eq!(unrated.finding().severity, Severity::Medium);
    }

    #[test]
    fn kinds_are_told_apart() {
        let of = |kind| {
            let finding = matched(kind, Some(Severity::Critical), Hit::Agreed).finding();
            (finding.rule.id, finding.severity)
        };
        assert_eq!(of(Kind::Unmaintained), ("dependencies/unmaintained", Severity::Low));
        assert_eq!(of(Kind::Unsound), ("dependencies/unsound", Severity::Medium));
        assert_eq!(of(Kind::Notice), ("dependencies/notice", Severity::Info));
        assert_eq!(of(Kind::Malicious), ("dependencies/malicious", Severity::Critical));
        assert_eq!(matched(Kind::Vulnerable, None, Hit::Agreed).finding().severity, Severity::High);
    }

    #[test]
    fn messages_say_what_to_do() {
        let finding = matched(Kind::Vulnerable, None, Hit::Agreed).finding();
        assert_eq!(finding.message, "`a 1`: bad (CVE-1); fixed in 2, which has other vulnerabilities");
        assert_eq!(finding.subject, "a 1 CVE-1");
    }
}
