//! From places in a text to findings: what every reader of this module, and of `languages`, says its findings by.

use std::ops::Range;

use ruff_text_size::{TextRange, TextSize};

use crate::{
    finding::{Confidence, Finding, Fingerprint, Place, Rule, Severity, Wording, number_alike},
    python::{FileReport, Lines, Suppressed},
    tree::{Reason, Skipped},
};

/// So many findings of one file are kept: more say nothing new, and nobody reads them.
const HITS_MAX: usize = 1_000;

/// Marks of comments that take a finding back, wherever a line has them: gosec's, eslint's, semgrep's, hadolint's, zizmor's.
const MARKS: [&str; 7] = [
    "nosec",
    "gosec:disable",
    "nosemgrep",
    "eslint-disable-line",
    "hadolint ignore=",
    "zizmor: ignore[",
    "trivy:ignore:",
];

/// Those that speak of the line behind their own.
const MARKS_OF_NEXT: [&str; 4] =
    ["eslint-disable-next-line", "hadolint ignore=", "trivy:ignore:", "nosemgrep"];

/// One finding, by its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Hit {
    pub(crate) rule: &'static Rule,
    pub(crate) range: Range<usize>,
    pub(crate) severity: Severity,
    pub(crate) confidence: Confidence,
    pub(crate) context: String,
    pub(crate) subject: String,
    pub(crate) message: String,
}

// === impl Hit ===

impl Hit {
    /// As bad as its rule, and sure.
    pub(crate) fn of(rule: &'static Rule, range: Range<usize>, subject: impl Into<String>) -> Self {
        let mut hit = Self {
            rule,
            range,
            severity: rule.severity,
            confidence: Confidence::High,
            context: String::new(),
            subject: subject.into(),
            message: rule.title.to_owned(),
        };
        // A subject is a name in a report, and part of a fingerprint that lines cannot break.
        hit.subject = hit.subject.split_whitespace().collect::<Vec<_>>().join(" ").replace('\0', "");
        if let Some((cut, _)) = hit.subject.char_indices().nth(120) {
            hit.subject.truncate(cut);
        }
        hit
    }

    pub(crate) fn message(mut self, message: impl Into<String>) -> Self {
        self.message = message.into();
        self
    }

    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    pub(crate) fn confidence(mut self, confidence: Confidence) -> Self {
        self.confidence = confidence;
        self
    }

    pub(crate) fn within(mut self, context: impl Into<String>) -> Self {
        self.context = context.into().replace('\0', "");
        self
    }
}

/// A file's report: its hits in the order of their places, those that a comment takes back apart.
pub(crate) fn report(path: &str, text: &str, mut hits: Vec<Hit>, gap: Option<Reason>) -> FileReport {
    let mut report = FileReport::default();
    report.skipped.extend(gap.map(|reason| Skipped { path: path.to_owned(), reason }));
    let key = |hit: &Hit| (hit.range.start, hit.range.end, hit.rule.id);
    hits.sort_by(|left, right| (key(left), &left.subject).cmp(&(key(right), &right.subject)));
    hits.dedup_by(|later, earlier| key(later) == key(earlier));
    hits.truncate(HITS_MAX);
    if hits.is_empty() {
        return report;
    }
    let (lines, texts) = (Lines::of(text), text.lines().collect::<Vec<_>>());
    let findings = hits.into_iter().map(|hit| finding(path, (text, &lines), hit));
    let mut findings: Vec<_> = findings.collect();
    number_alike(&mut findings);
    for finding in findings {
        match taken_back(&finding, &texts) {
            None => report.findings.push(finding),
            Some(comment) => report.suppressed.push(Suppressed { finding, comment }),
        }
    }
    report
}

fn finding(path: &str, (text, lines): (&str, &Lines<'_>), hit: Hit) -> Finding {
    let at = |offset: usize| TextSize::new(u32::try_from(offset).unwrap_or(u32::MAX));
    let span = lines.span(TextRange::new(at(hit.range.start), at(hit.range.end.max(hit.range.start))));
    let said = text.get(hit.range.clone()).unwrap_or_default();
    Finding {
        rule: hit.rule,
        severity: hit.severity,
        confidence: hit.confidence,
        place: Place { file: path.to_owned(), span: Some(span) },
        context: hit.context,
        subject: hit.subject,
        message: hit.message,
        steps: Vec::new(),
        wording: Wording::of(hit.rule, said),
        fingerprint: Fingerprint::UNSET,
    }
}

/// The comment on the finding's first line, its last one or the one before it that takes it back.
fn taken_back(finding: &Finding, lines: &[&str]) -> Option<String> {
    let span = finding.place.span?;
    let line = |number: u32| lines.get((number as usize).checked_sub(1)?).copied();
    let here = [line(span.line), line(span.end_line)].into_iter().flatten();
    let here = here.filter_map(|text| comment(text, &MARKS, finding.rule)).next();
    here.or_else(|| comment(line(span.line.checked_sub(1)?)?, &MARKS_OF_NEXT, finding.rule))
}

/// The comment of a line that has one of the marks and means the rule: it names it, or names none.
fn comment(line: &str, marks: &[&str], rule: &Rule) -> Option<String> {
    let (at, mark) = marks.iter().find_map(|mark| Some((line.find(mark)?, *mark)))?;
    let before = line[..at].trim_end();
    let start = ["//", "/*", "#"].iter().filter(|start| before.ends_with(**start)).map(|start| start.len());
    let start = before.len() - start.max()?;
    let rest = &line[at + mark.len()..];
    // Behind `--` is why, not what.
    let named = rest.split(" -- ").next().unwrap_or(rest);
    let words = named.split([' ', ',', ':', ']', '*', '[']).filter(|word| is_name(word));
    let mut words = words.peekable();
    let means = words.peek().is_none() || words.any(|word| names(word, rule));
    means.then(|| line[start..].trim().chars().take(120).collect())
}

/// `G204`, `DL3002`, `security/detect-child-process`, `javascript/eval`.
fn is_name(word: &str) -> bool {
    let digits = word.trim_start_matches(|character: char| character.is_ascii_uppercase());
    let numbered = digits.len() < word.len() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let compound = word.contains(['/', '-']) && word.len() > 3;
    numbered && !digits.is_empty() || compound
}

fn names(word: &str, rule: &Rule) -> bool {
    let same = |id: &str| id == word || word.rsplit('/').next() == Some(id);
    rule.id == word || rule.aliases.iter().any(|alias| same(alias))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Cwe;

    static RULE: Rule = Rule {
        id: "go/command",
        title: "t",
        cwe: Cwe(78),
        severity: Severity::High,
        aliases: &["G204", "detect-child-process"],
        advice: "a",
    };

    fn counts(text: &str) -> (usize, usize) {
        let at = text.find('X').unwrap();
        let report = report("a", text, vec![Hit::of(&RULE, at..at + 1, "s")], None);
        (report.findings.len(), report.suppressed.len())
    }

    #[test]
    fn comments_take_findings_back() {
        for text in [
            "X // nosec",
            "X // #nosec G204 -- G1 does not apply",
            "X # nosec",
            "X // nosec G101, G204",
            "// eslint-disable-next-line security/detect-child-process\nX",
            "# hadolint ignore=DL3002,G204\nX",
            "X /* nosemgrep */",
            "X // nosec go/command",
        ] {
            let text = text.replace("// #nosec", "// nosec");
            assert_eq!(counts(&text), (0, 1), "{text}");
        }
        for text in ["X 'nosec'", "X // nosec G101", "// nosec\nX", "X // eslint-disable-line no-eval"] {
            assert_eq!(counts(text), (1, 0), "{text}");
        }
    }

    #[test]
    fn subjects_are_short_and_of_one_line() {
        let hit = Hit::of(&RULE, 0..0, "a\n  b\0 ".to_owned() + &"ü".repeat(200));
        assert!(hit.subject.starts_with("a b ü") && hit.subject.chars().count() == 120);
    }
}
