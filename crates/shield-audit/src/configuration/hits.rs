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

/// A mark of a comment that takes a finding back.
#[derive(Debug)]
struct Mark {
    text: &'static str,
    /// Endings of the files it counts in; none are all.
    files: &'static [&'static str],
    /// Whether it speaks of its own line, and of the next one.
    lines: (bool, bool),
    /// Whether every word behind it is the name of a rule; otherwise it may be a reason.
    lists: bool,
}

/// What eslint reads.
const SCRIPTS: &[&str] =
    &["js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "vue", "svelte", "html", "htm", "xhtml"];

const fn mark(text: &'static str, lines: (bool, bool)) -> Mark {
    Mark { text, files: &[], lines, lists: false }
}

/// Marks of gosec, eslint, semgrep, hadolint, zizmor and trivy. What a tool says of its own files takes nothing back in others.
const MARKS: [Mark; 8] = [
    mark("nosec", (true, false)),
    mark("gosec:disable", (true, false)),
    mark("nosemgrep", (true, true)),
    mark("trivy:ignore:", (true, true)),
    Mark { files: SCRIPTS, lists: true, ..mark("eslint-disable-line", (true, false)) },
    Mark { files: SCRIPTS, lists: true, ..mark("eslint-disable-next-line", (false, true)) },
    Mark { lists: true, ..mark("hadolint ignore=", (true, true)) },
    Mark { files: &["yml", "yaml"], lists: true, ..mark("zizmor: ignore[", (true, false)) },
];

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
    let ending = finding.place.file.rsplit_once('.').map_or("", |(_, ending)| ending);
    let counts = |mark: &&Mark| mark.files.is_empty() || mark.files.contains(&ending);
    let marks = || MARKS.iter().filter(counts);
    let here = [line(span.line), line(span.end_line)].into_iter().flatten();
    let mut here = here.filter_map(|text| comment(text, marks().filter(|mark| mark.lines.0), finding.rule));
    let before = || line(span.line.checked_sub(1)?);
    here.next().or_else(|| comment(before()?, marks().filter(|mark| mark.lines.1), finding.rule))
}

/// The comment of a line that has one of the marks and means the rule: it names it, or names none.
fn comment<'m>(line: &str, mut marks: impl Iterator<Item = &'m Mark>, rule: &Rule) -> Option<String> {
    let (at, mark) = marks.find_map(|mark| Some((line.find(mark.text)?, mark)))?;
    let before = line[..at].trim_end();
    let start = ["//", "/*", "#"].iter().filter(|start| before.ends_with(**start)).map(|start| start.len());
    let start = before.len() - start.max()?;
    let rest = &line[at + mark.text.len()..];
    // Behind `--` is why, not what.
    let named = rest.split(" -- ").next().unwrap_or(rest);
    let named = if mark.lists { named.split(['*', ']', '#']).next().unwrap_or(named) } else { named };
    let words = named.split([' ', ',', ':', ']', '*', '[']);
    let words = words.filter(|word| if mark.lists { !word.is_empty() } else { is_name(word) });
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
        counts_in("a.js", text)
    }

    fn counts_in(path: &str, text: &str) -> (usize, usize) {
        let at = text.find('X').unwrap();
        let report = report(path, text, vec![Hit::of(&RULE, at..at + 1, "s")], None);
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
    fn comments_count_in_files_of_their_tool() {
        for (path, text, expected) in [
            ("a.yml", "X # eslint-disable-line", (1, 0)),
            ("a.yml", "# eslint-disable-next-line\nX", (1, 0)),
            ("a.ts", "X // eslint-disable-line", (0, 1)),
            ("a.ts", "// eslint-disable-next-line -- it is ours\nX", (0, 1)),
            ("a.ts", "X // eslint-disable-line semi", (1, 0)),
            ("a.yml", "X # zizmor: ignore[obfuscation]", (1, 0)),
            ("a.yml", "X # zizmor: ignore[G204]", (0, 1)),
        ] {
            assert_eq!(counts_in(path, text), expected, "{path} {text}");
        }
    }

    #[test]
    fn subjects_are_short_and_of_one_line() {
        let hit = Hit::of(&RULE, 0..0, "a\n  b\0 ".to_owned() + &"ü".repeat(200));
        assert!(hit.subject.starts_with("a b ü") && hit.subject.chars().count() == 120);
    }
}
