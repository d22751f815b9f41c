//! By what two findings are recognised as one.

use std::{collections::HashMap, rc::Rc};

use crate::{
    advisories::{Group, Groups},
    finding::{Cwe, Finding, Span},
    foreign::{About, Observation, observation::folded},
};

/// Something that two findings of one defect have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A rule in a line of a file; without a column: anywhere in the line.
    Rule { file: String, line: u32, column: Option<u32>, rule: String },
    /// A rule about a whole file, with what it says of it.
    Whole { file: String, rule: String, message: String },
    /// A weakness in a line.
    Weakness { file: String, line: u32, family: u16 },
    /// A secret in a line.
    Secret { file: String, line: u32 },
    /// A vulnerability of a version of a package; without a file: wherever that is asked for.
    Advisory { package: String, version: String, name: String, file: Option<String> },
}

/// Makes keys; knows all names of each vulnerability.
pub(super) struct Keys {
    groups: HashMap<String, Rc<Group>>,
}

/// Beginnings of names of vulnerabilities: some outputs have such a name for a rule, and no package.
const DATABASES: [&str; 5] = ["CVE-", "GHSA-", "PYSEC-", "RUSTSEC-", "GO-"];

/// Lines of a finding behind its first that still count as its own: tools differ on where a long call is.
const FURTHER_LINES: u32 = 32;

/// Weaknesses that tools take for each other, each with the one that stands for all.
const FAMILIES: [(u16, &[u16]); 7] = [
    (78, &[77, 88]),
    (95, &[94, 96]),
    (327, &[326, 328, 916]),
    (330, &[331, 335, 338]),
    (22, &[23, 36, 73]),
    (295, &[296, 297, 299]),
    (79, &[80, 83]),
];

// === impl Keys ===

impl Keys {
    /// Knows the names that observations and advisories give.
    pub(super) fn of(observations: &[Observation], names: &[&[String]]) -> Self {
        let mut groups = Groups::default();
        for names in names {
            groups.join(names.iter().map(String::as_str));
        }
        for observation in observations {
            if let About::Package { names, .. } = &observation.about {
                groups.join(names.iter().map(String::as_str));
            }
        }
        Self { groups: groups.finish() }
    }

    /// Keys of a finding of ours, by its first line.
    pub(super) fn of_finding(&self, finding: &Finding) -> Vec<Key> {
        // The subject of such a finding is the package, its version, and the name that the vulnerability is called by.
        if finding.rule.id.starts_with("dependencies/") {
            let mut parts = finding.subject.rsplitn(3, ' ');
            if let (Some(name), Some(version), Some(package)) = (parts.next(), parts.next(), parts.next()) {
                return self.advisory(package, version, name, &finding.place.file);
            }
        }
        let span = finding.place.span;
        span.map(|span| at_line(finding, span.line, Some(span.column))).unwrap_or_default()
    }

    /// By the lines that follow.
    pub(super) fn of_further_lines(&self, finding: &Finding) -> Vec<Key> {
        let lines = finding.place.span.map(|Span { line, end_line, .. }| {
            line.saturating_add(1)..=end_line.min(line.saturating_add(FURTHER_LINES))
        });
        lines.into_iter().flatten().flat_map(|line| at_line(finding, line, None)).collect()
    }

    fn advisory(&self, package: &str, version: &str, name: &str, file: &str) -> Vec<Key> {
        let name = self.groups.get(name).map_or(name, |group| group.name.as_str());
        let key = |package: &str, version: &str, file| Key::Advisory {
            package: folded(package),
            version: version.to_owned(),
            name: name.to_owned(),
            file,
        };
        let file = Some(file.to_owned());
        vec![key(package, version, file), key(package, version, None), key("", "", None)]
    }

    /// Keys of an observation, the nearest first.
    pub(super) fn of_observation(&self, observation: &Observation) -> Vec<Key> {
        let file = &observation.place.file;
        let rule = canonical(&observation.rule);
        match &observation.about {
            About::Package { package, version, names } => {
                // One of them stands for all.
                return self.advisory(package, version, names.first().map_or("", String::as_str), file);
            }
            About::Code if DATABASES.iter().any(|database| rule.starts_with(database)) => {
                return self.advisory("", "", &rule, file);
            }
            About::Secret | About::Code => {}
        }
        let Some(Span { line, column, .. }) = observation.place.span else {
            return vec![Key::Whole { file: file.clone(), rule, message: observation.message.clone() }];
        };
        let mut keys = rule_keys(file, line, Some(column), &rule);
        if observation.about == About::Secret {
            keys.push(Key::Secret { file: file.clone(), line });
        }
        if !is_known(&rule) {
            let families = observation.cwes.iter().map(|cwe| family(*cwe));
            keys.extend(families.map(|family| Key::Weakness { file: file.clone(), line, family }));
        }
        keys
    }
}

// === impl Key ===

impl Key {
    /// Whether nothing else can have it: the other keys may be those of several defects that lie side by side.
    pub(super) const fn exact(&self) -> bool {
        match self {
            Self::Rule { column, .. } => column.is_some(),
            Self::Advisory { file, .. } => file.is_some(),
            Self::Whole { .. } => true,
            Self::Weakness { .. } | Self::Secret { .. } => false,
        }
    }
}

fn rule_keys(file: &str, line: u32, column: Option<u32>, rule: &str) -> Vec<Key> {
    let key = |column| Key::Rule { file: file.to_owned(), line, column, rule: rule.to_owned() };
    column.map(|column| key(Some(column))).into_iter().chain([key(None)]).collect()
}

fn at_line(finding: &Finding, line: u32, column: Option<u32>) -> Vec<Key> {
    let Finding { rule, place, .. } = finding;
    let mut names: Vec<String> = rule.aliases.iter().copied().chain([rule.id]).map(canonical).collect();
    names.dedup();
    let mut keys: Vec<Key> =
        names.iter().flat_map(|name| rule_keys(&place.file, line, column, name)).collect();
    keys.push(Key::Weakness { file: place.file.clone(), line, family: family(rule.cwe) });
    if matches!(rule.cwe.0, 259 | 798) {
        keys.push(Key::Secret { file: place.file.clone(), line });
    }
    keys
}

/// bandit's `B602` is `S602` of ruff and of flake8.
fn canonical(rule: &str) -> String {
    match rule.strip_prefix('B') {
        Some(number) if is_number(number) => format!("S{number}"),
        _ => rule.to_owned(),
    }
}

/// Whether it is one of bandit's rules: they are joined by their numbers alone, since one line may break several of them.
fn is_known(canonical: &str) -> bool {
    canonical.strip_prefix('S').is_some_and(is_number)
}

fn is_number(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|digit| digit.is_ascii_digit())
}

fn family(cwe: Cwe) -> u16 {
    let of = FAMILIES.iter().find(|(_, members)| members.contains(&cwe.0));
    of.map_or(cwe.0, |(first, _)| *first)
}
