//! Which of a run's findings are meant by what somebody types: the beginnings of their fingerprints, or a rule below a path.
//!
//! Nothing is picked that was not found, and every mistake is told at once: an acceptance that is half done is none.

use std::{collections::BTreeMap, fmt, path::Path, str::FromStr};

use crate::finding::{Finding, Fingerprint};

/// Fewest digits that name a finding.
const DIGITS_MIN: usize = 8;
/// All digits of a fingerprint.
const DIGITS_MAX: usize = 24;
/// What rules about the baseline itself begin with.
const OWN: &str = "baseline/";

/// The first digits of a fingerprint, at least eight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FingerprintStart(String);

/// Text that is no beginning of a fingerprint.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("parse fingerprint `{text}`: expected {DIGITS_MIN} to {DIGITS_MAX} lower-case hex digits")]
pub struct ParseStartError {
    /// What was given, cut at 80 characters.
    pub text: String,
}

/// Findings that are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// The one with this fingerprint.
    One(FingerprintStart),
    /// Every one of a rule in a file, or below a directory.
    Rule {
        /// The rule, by its id or one of its aliases.
        rule: String,
        /// The file or directory, relative to what was audited.
        below: String,
    },
}

/// Why something was not picked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missed {
    /// There is nothing with this fingerprint.
    #[error("find `{start}`: no finding of this audit has such a fingerprint")]
    Absent {
        /// As given.
        start: String,
    },
    /// There are several.
    #[error("tell which finding `{start}` is: {count} begin so, give more digits")]
    Ambiguous {
        /// As given.
        start: String,
        /// How many.
        count: usize,
    },
    /// It is about the baseline itself.
    #[error(
        "accept `{start}`, which is about the baseline itself: remove its line there, or accept what it is about"
    )]
    Own {
        /// As given.
        start: String,
    },
    /// The rule found nothing there.
    #[error("find something of rule `{rule}` in `{below}`: nothing of it is open there")]
    NoneOfRule {
        /// The rule, as given.
        rule: String,
        /// Where it was looked for.
        below: String,
    },
}

/// Everything that could not be picked. At least one.
#[derive(Debug, PartialEq, Eq)]
pub struct PickError(pub Vec<Missed>);

/// The findings that are meant, in the order of their fingerprints and each once. `open` ones are picked by both ways;
/// `accepted` ones, whose terms can be changed, only by their fingerprints.
///
/// # Errors
/// If one of the picks means nothing, or not one thing.
pub fn pick<'a>(
    picks: &[Pick],
    open: &[&'a Finding],
    accepted: &[&'a Finding],
) -> Result<Vec<&'a Finding>, PickError> {
    let mut picked: BTreeMap<Fingerprint, &Finding> = BTreeMap::new();
    let mut missed = Vec::new();
    for pick in picks {
        let found = match pick {
            Pick::One(start) => one(start, open, accepted).map(|finding| vec![finding]),
            Pick::Rule { rule, below } => of_rule(rule, below, open),
        };
        match found {
            Ok(found) => picked.extend(found.into_iter().map(|finding| (finding.fingerprint, finding))),
            Err(one) => missed.push(one),
        }
    }
    if missed.is_empty() { Ok(picked.into_values().collect()) } else { Err(PickError(missed)) }
}

fn one<'a>(
    start: &FingerprintStart,
    open: &[&'a Finding],
    accepted: &[&'a Finding],
) -> Result<&'a Finding, Missed> {
    let start = &start.0;
    let all = open.iter().chain(accepted);
    let found: Vec<_> =
        all.filter(|finding| finding.fingerprint.to_string().starts_with(start.as_str())).collect();
    match found[..] {
        [] => Err(Missed::Absent { start: start.clone() }),
        [finding] if finding.rule.id.starts_with(OWN) => Err(Missed::Own { start: start.clone() }),
        [finding] => Ok(finding),
        _ => Err(Missed::Ambiguous { start: start.clone(), count: found.len() }),
    }
}

fn of_rule<'a>(rule: &str, below: &str, open: &[&'a Finding]) -> Result<Vec<&'a Finding>, Missed> {
    let below_path = Path::new(below);
    let meant = |finding: &&&Finding| {
        let named = finding.rule.id == rule || finding.rule.aliases.contains(&rule);
        named && !finding.rule.id.starts_with(OWN) && Path::new(&finding.place.file).starts_with(below_path)
    };
    let found: Vec<_> = open.iter().filter(meant).copied().collect();
    match found.is_empty() {
        true => Err(Missed::NoneOfRule { rule: rule.to_owned(), below: below.to_owned() }),
        false => Ok(found),
    }
}

// === impl FingerprintStart ===

impl FromStr for FingerprintStart {
    type Err = ParseStartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match digits && (DIGITS_MIN..=DIGITS_MAX).contains(&text.len()) {
            true => Ok(Self(text.to_owned())),
            false => Err(ParseStartError { text: text.chars().take(80).collect() }),
        }
    }
}

// === impl PickError ===

impl fmt::Display for PickError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, missed) in self.0.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{missed}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PickError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        baseline::STALE,
        finding::{Confidence, Cwe, Place, Rule, Severity, Wording, number_alike},
    };

    static RULE: Rule = Rule {
        id: "python/weak-hash",
        title: "weak hash",
        cwe: Cwe(328),
        severity: Severity::High,
        aliases: &["B324"],
        advice: "",
    };

    fn findings(of: &[(&'static Rule, &str)]) -> Vec<Finding> {
        let finding = |(rule, file): &(&'static Rule, &str)| Finding {
            rule,
            severity: rule.severity,
            confidence: Confidence::High,
            place: Place { file: (*file).to_owned(), span: None },
            context: String::new(),
            subject: String::new(),
            message: String::new(),
            steps: Vec::new(),
            wording: Wording::NONE,
            fingerprint: Fingerprint::UNSET,
        };
        let mut findings: Vec<_> = of.iter().map(finding).collect();
        number_alike(&mut findings);
        findings
    }

    fn start(finding: &Finding, digits: usize) -> Pick {
        Pick::One(finding.fingerprint.to_string()[..digits].parse().unwrap())
    }

    fn rule(rule: &str, below: &str) -> Pick {
        Pick::Rule { rule: rule.to_owned(), below: below.to_owned() }
    }

    #[test]
    fn beginnings_name_findings() {
        let findings = findings(&[(&RULE, "a.py"), (&RULE, "b.py")]);
        let (open, accepted) = ([&findings[0]], [&findings[1]]);
        for digits in [8, 24] {
            let picks = [start(&findings[0], digits), start(&findings[1], digits), start(&findings[0], 24)];
            assert_eq!(pick(&picks, &open, &accepted).unwrap().len(), 2, "each once");
        }
        for text in ["0011223", "0011223344556677889900112", "0011223G", "ABCDEF01", ""] {
            assert!(text.parse::<FingerprintStart>().is_err(), "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_at_once() {
        let all = findings(&[(&RULE, "a.py"), (&STALE, "audit-baseline.txt")]);
        let mut twin = all[0].clone();
        twin.place.file = "twin.py".to_owned();
        let open = [&all[0], &twin, &all[1]];
        let picks = [
            start(&all[0], 8),
            Pick::One("0".repeat(24).parse().unwrap()),
            start(&all[1], 8),
            rule("python/weak-hash", "b"),
            rule(STALE.id, "audit-baseline.txt"),
        ];
        let PickError(missed) = pick(&picks, &open, &[]).unwrap_err();
        let kinds: Vec<_> = missed.iter().map(ToString::to_string).collect();
        for (kind, said) in kinds.iter().zip([
            "2 begin so",
            "no finding of this audit",
            "remove its line there",
            "nothing of it is open there",
            "nothing of it is open there",
        ]) {
            assert!(kind.contains(said), "{kind}");
        }
        assert_eq!(kinds.len(), 5);
    }

    #[test]
    fn rules_are_picked_below_a_path() {
        let findings = findings(&[(&RULE, "tests/a.py"), (&RULE, "tests/b/c.py"), (&RULE, "tests2/a.py")]);
        let open: Vec<_> = findings.iter().collect();
        let files = |below| -> Vec<_> {
            let mut files: Vec<_> = pick(&[rule("B324", below)], &open, &[])
                .unwrap()
                .into_iter()
                .map(|finding| finding.place.file.as_str())
                .collect();
            files.sort_unstable();
            files
        };
        assert_eq!(files("tests"), ["tests/a.py", "tests/b/c.py"], "a part of a name is no path");
        assert_eq!(files("tests2/a.py"), ["tests2/a.py"]);
        assert_eq!(files("").len(), 3);
        assert!(pick(&[rule("B324", "tests")], &[], &open).is_err(), "accepted ones stay as they are");
    }
}
