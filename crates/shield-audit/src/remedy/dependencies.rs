//! Remedies for vulnerable dependencies: pinned versions raised to the least fixed one.

use std::{
    collections::{BTreeMap, HashMap},
    sync::LazyLock,
};

use regex::Regex;

use super::{Change, Class, Remedy, source::Source};
use crate::{
    advisories::Match,
    dependencies::{Ecosystem, PackageName, SourceKind},
    finding::{Finding, Place},
};

/// A requirement with one exact version: its name, that version, and what may follow.
static PINNED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*==\s*([^\s;#,*=\\][^\s;#,*\\]*)\s*(?:;[^#\\]*)?(?:\s#.*)?$",
    )
    .expect("the pattern is fixed and tested")
});

/// One remedy for each finding about a vulnerable dependency, in their order: of class B where a list for pip pins the version, else a
/// proposal. `read` gives the bytes of a file by its place.
pub fn for_dependencies(
    matches: &[Match],
    findings: &[Finding],
    read: impl Fn(&str) -> Option<Vec<u8>>,
) -> Vec<Remedy> {
    let subject = |one: &Match| format!("{} {} {}", one.package, one.version, one.vulnerability);
    let known: HashMap<(&Place, String), &Match> =
        matches.iter().map(|one| ((&one.place, subject(one)), one)).collect();
    let mut by_file: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, finding) in findings.iter().enumerate() {
        by_file.entry(&finding.place.file).or_default().push(number);
    }
    let mut remedies: Vec<Option<Remedy>> = vec![None; findings.len()];
    for (file, numbers) in by_file {
        let bytes = read(file).unwrap_or_default();
        let list = List::read(file, &bytes);
        for number in numbers {
            let finding = &findings[number];
            let found = known.get(&(&finding.place, finding.subject.clone()));
            remedies[number] = Some(found.map_or_else(
                || Remedy::proposal(finding, finding.rule.advice, "no advisory says more"),
                |found| remedy(found, finding, list.as_ref()),
            ));
        }
    }
    remedies.into_iter().flatten().collect()
}

/// A list for pip, by lines.
struct List<'b> {
    source: Source<'b>,
    /// Where each line begins.
    starts: Vec<usize>,
}

// === impl List ===

impl<'b> List<'b> {
    fn read(file: &'b str, bytes: &'b [u8]) -> Option<Self> {
        let source = Source::read(file, bytes).ok()?;
        let starts =
            [0].into_iter().chain(memchr::memchr_iter(b'\n', source.text.as_bytes()).map(|at| at + 1));
        let starts = starts.collect();
        (SourceKind::of(file) == Some(SourceKind::Requirements)).then_some(Self { source, starts })
    }

    /// Where a line begins, and what it says; lines count from 1.
    fn line(&self, number: u32) -> Option<(usize, &str)> {
        let start = *self.starts.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
        let line = self.source.text[start..].split('\n').next()?;
        Some((start, line.trim_end()))
    }
}

fn remedy(found: &Match, finding: &Finding, list: Option<&List<'_>>) -> Remedy {
    // Better none of the known vulnerabilities than only without this one.
    let Some(target) = found.clean_in.as_ref().or(found.fixed_in.as_ref()) else {
        return Remedy::proposal(finding, finding.rule.advice, "no fixed version is known");
    };
    let what = format!("raises `{}` from {} to {target}", found.package, found.version);
    match list.and_then(|list| pinned(found, finding, list, target)) {
        Some(change) => Remedy {
            finding: finding.clone(),
            class: Class::B,
            what,
            why: "another version may behave differently".to_owned(),
            changes: vec![change],
        },
        None => Remedy::proposal(finding, what, "only the tool that wrote the file can change it soundly"),
    }
}

/// The version in a list for pip, where it is exact and without a hash.
fn pinned(found: &Match, finding: &Finding, list: &List<'_>, target: &str) -> Option<Change> {
    let plain = |character: char| character.is_ascii_alphanumeric() || ".!+-_".contains(character);
    if found.package.ecosystem() != Ecosystem::PyPi || !target.chars().all(plain) {
        return None;
    }
    let (start, line) = list.line(finding.place.span?.line)?;
    let pinned = PINNED.captures(line)?;
    let (name, version) = (pinned.get(1)?, pinned.get(2)?);
    let same = PackageName::new(Ecosystem::PyPi, name.as_str()) == found.package
        && version.as_str() == found.version;
    same.then(|| list.source.change(start + version.start()..start + version.end(), target))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        advisories::{Hit, Kind},
        finding::Span,
        remedy::edit::Edits,
    };

    fn raised(text: &str, line: u32, clean_in: Option<&str>) -> Option<String> {
        let span = Span { line, column: 1, end_line: line, end_column: 2 };
        let found = Match {
            package: PackageName::new(Ecosystem::PyPi, "My-Package"),
            version: "1.2".to_owned(),
            place: Place { file: "requirements.txt".to_owned(), span: Some(span) },
            vulnerability: "CVE-1".to_owned(),
            names: vec!["CVE-1".to_owned()],
            records: Vec::new(),
            kind: Kind::Vulnerable,
            summary: String::new(),
            severity: None,
            vectors: Vec::new(),
            symbols: Vec::new(),
            hit: Hit::Agreed,
            suspect: false,
            fixed_in: Some("1.3".to_owned()),
            clean_in: clean_in.map(str::to_owned),
        };
        let finding = found.finding();
        let remedies = for_dependencies(&[found], &[finding], |_| Some(text.as_bytes().to_vec()));
        let remedy = &remedies[0];
        assert!(remedy.what.contains("from 1.2 to"), "{}", remedy.what);
        if remedy.class == Class::C {
            return None;
        }
        let edits = Edits::of("requirements.txt", [remedy]);
        Some(String::from_utf8(edits.apply(Some(text.as_bytes())).unwrap().bytes()).unwrap())
    }

    #[test]
    fn pinned_versions_are_raised() {
        for (before, after) in [
            ("my_package==1.2", "my_package==1.3"),
            (
                "My.Package[a, b] == 1.2 ; python_version > '3' # why\r\n",
                "My.Package[a, b] == 1.3 ; python_version > '3' # why\r\n",
            ),
        ] {
            assert_eq!(raised(before, 1, None).as_deref(), Some(after));
        }
        assert_eq!(
            raised("a==1\nmy-package==1.2\n", 2, Some("2.0")).as_deref(),
            Some("a==1\nmy-package==2.0\n")
        );
    }

    #[test]
    fn unsure_lines_are_left() {
        for line in [
            "my-package>=1.2",
            "my-package==1.2 --hash=sha256:00",
            "my-package==1.2 \\",
            "my-package==1.*",
            "my-package==1.2,<2",
            "other==1.2",
            "my-package===1.2",
            "my-package==1.20",
        ] {
            assert_eq!(raised(line, 1, None), None, "{line}");
        }
        assert_eq!(raised("my-package==1.2", 2, None), None);
    }
}
