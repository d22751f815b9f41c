//! The forms in which results are kept: borrowed from what was found, or from the bytes of the cache.
//!
//! Whatever was not read to its end is not kept: a file that does not parse, or is in the wrong encoding, is looked at again each
//! time. There are few, and it is better that what an audit could not do is tried than that it is remembered.

use serde::{Deserialize, Serialize};

use super::{
    rules::Rules,
    store::{Cache, Guard, Kind},
};
use crate::{
    finding::{Confidence, Finding, Fingerprint, Place, Severity, Span, Step, Wording},
    python::Suppressed,
};

/// Findings, and what comments take back.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Results {
    pub(crate) findings: Vec<Finding>,
    pub(crate) suppressed: Vec<Suppressed>,
}

/// [`Results`] as they are kept, with whatever else a part keeps.
#[derive(Serialize, Deserialize)]
struct Stored<'a, M> {
    #[serde(borrow)]
    findings: Vec<StoredFinding<'a>>,
    #[serde(borrow)]
    suppressed: Vec<(StoredFinding<'a>, &'a str)>,
    more: M,
}

#[derive(Serialize, Deserialize)]
struct StoredFinding<'a> {
    rule: &'a str,
    severity: Severity,
    confidence: Confidence,
    #[serde(borrow)]
    place: StoredPlace<'a>,
    context: &'a str,
    subject: &'a str,
    message: &'a str,
    #[serde(borrow)]
    steps: Vec<(StoredPlace<'a>, &'a str)>,
    wording: u32,
    fingerprint: [u8; Fingerprint::BYTES],
}

#[derive(Serialize, Deserialize)]
struct StoredPlace<'a> {
    file: &'a str,
    span: Option<[u32; 4]>,
}

// === impl Cache ===

impl Cache {
    /// Results that are there for exactly this guard, with what else was kept of them.
    pub(crate) fn results<'c, M: Deserialize<'c>>(
        &'c self,
        kind: Kind,
        name: &str,
        guard: Guard,
    ) -> Option<(Results, M)> {
        let Stored { findings, suppressed, more } = self.look(kind, name, guard)?;
        let rules = self.rules();
        let findings = findings.iter().map(|finding| finding.finding(rules)).collect::<Option<_>>()?;
        let suppressed = suppressed.iter().map(|(finding, comment)| {
            Some(Suppressed { finding: finding.finding(rules)?, comment: (*comment).to_owned() })
        });
        let results = Results { findings, suppressed: suppressed.collect::<Option<_>>()? };
        self.take(kind, name);
        Some((results, more))
    }

    /// Keeps results, with what else there is to say of them.
    pub(crate) fn put_results(
        &self,
        (kind, name): (Kind, &str),
        guard: Guard,
        (findings, suppressed): (&[Finding], &[Suppressed]),
        more: &impl Serialize,
    ) {
        let all = findings.iter().chain(suppressed.iter().map(|one| &one.finding));
        if !all.into_iter().all(|finding| self.rules().know(finding.rule)) {
            return;
        }
        let suppressed = suppressed.iter().map(|one| (StoredFinding::of(&one.finding), one.comment.as_str()));
        let findings = findings.iter().map(StoredFinding::of).collect();
        self.put(kind, name, guard, &Stored { findings, suppressed: suppressed.collect(), more });
    }
}

// === impl StoredFinding ===

impl<'a> StoredFinding<'a> {
    fn of(finding: &'a Finding) -> Self {
        // Every field by its name: one that comes later cannot be forgotten here.
        let Finding {
            rule,
            severity,
            confidence,
            place,
            context,
            subject,
            message,
            steps,
            wording,
            fingerprint,
        } = finding;
        let steps = steps.iter().map(|Step { place, what }| (StoredPlace::of(place), what.as_str()));
        Self {
            rule: rule.id,
            severity: *severity,
            confidence: *confidence,
            place: StoredPlace::of(place),
            context,
            subject,
            message,
            steps: steps.collect(),
            wording: wording.to_number(),
            fingerprint: *fingerprint.as_bytes(),
        }
    }

    fn finding(&self, rules: &Rules) -> Option<Finding> {
        let steps =
            self.steps.iter().map(|(place, what)| Step { place: place.place(), what: (*what).to_owned() });
        Some(Finding {
            rule: rules.get(self.rule)?,
            severity: self.severity,
            confidence: self.confidence,
            place: self.place.place(),
            context: self.context.to_owned(),
            subject: self.subject.to_owned(),
            message: self.message.to_owned(),
            steps: steps.collect(),
            wording: Wording::from_number(self.wording),
            fingerprint: Fingerprint::from_bytes(self.fingerprint),
        })
    }
}

// === impl StoredPlace ===

impl<'a> StoredPlace<'a> {
    fn of(place: &'a Place) -> Self {
        let numbers = |span: Span| {
            let Span { line, column, end_line, end_column } = span;
            [line, column, end_line, end_column]
        };
        Self { file: &place.file, span: place.span.map(numbers) }
    }

    fn place(&self) -> Place {
        let span =
            |[line, column, end_line, end_column]: [u32; 4]| Span { line, column, end_line, end_column };
        Place { file: self.file.to_owned(), span: self.span.map(span) }
    }
}
