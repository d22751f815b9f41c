//! Lists of Python packages that say too little, or contradict each other or Python itself.

use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr as _,
};

use pep440_rs::{Version, VersionSpecifiers};
use ruff_python_stdlib::sys::is_known_standard_library;

use super::{
    Ecosystem, Manifest, Origin, PackageName, Project, Requirement, SourceKind,
    rules::{LISTS_DISAGREE, LOCK_OUT_OF_DATE, SHADOWS_STANDARD_LIBRARY, UNPINNED},
};
use crate::finding::{Confidence, Finding, Fingerprint, Place, Rule, Wording};

/// The minor version of Python 3 whose standard library counts: the newest that is known, as what it lost is no longer in the way.
const PYTHON_MINOR: u8 = 14;
/// Names in a message.
const NAMES_MAX: usize = 8;

/// Everything that is wrong with the lists of a project, in order of places.
#[must_use]
pub fn find_disagreements(project: &Project) -> Vec<Finding> {
    let mut directories: BTreeMap<&str, Vec<&Manifest>> = BTreeMap::new();
    for manifest in &project.manifests {
        if manifest.kind.ecosystem() == Ecosystem::PyPi && manifest.kind != SourceKind::Installed {
            directories.entry(manifest.directory()).or_default().push(manifest);
        }
    }
    let mut findings = Vec::new();
    for manifests in directories.values() {
        let (locks, lists): (Vec<&Manifest>, Vec<&Manifest>) =
            manifests.iter().partition(|manifest| manifest.kind < SourceKind::Requirements);
        findings.extend(lists.iter().flat_map(|list| shadowing(list)));
        match locks.iter().min_by_key(|lock| lock.kind) {
            Some(lock) => findings.extend(lists.iter().filter_map(|list| out_of_date(lock, list))),
            None => findings.extend(lists.iter().filter_map(|list| unpinned(list, &lists))),
        }
        findings.extend(disagreement(&lists));
    }
    findings.sort_by(|one, other| {
        (&one.place, one.rule.id, &one.subject).cmp(&(&other.place, other.rule.id, &other.subject))
    });
    findings
}

/// Names of the standard library. Backports are for older Pythons, which their marker says.
fn shadowing(list: &Manifest) -> Vec<Finding> {
    let shadows =
        |one: &&Requirement| is_known_standard_library(PYTHON_MINOR, &one.name.name().replace('-', "_"));
    let older = |one: &Requirement| one.marker.as_ref().is_some_and(|marker| marker.contains("python_"));
    let shadowing = list.requirements.iter().filter(shadows).filter(|one| !older(one));
    let finding = |one: &Requirement| {
        let name = &one.name;
        let message = format!(
            "`{name}` is a module of Python's standard library; a registry's package of that name is another's"
        );
        finding(&SHADOWS_STANDARD_LIBRARY, one.place.clone(), name.name().to_owned(), message)
    };
    shadowing.map(finding).collect()
}

/// Versions that nothing holds: neither the requirement itself, nor a constraint beside it.
fn unpinned(list: &Manifest, beside: &[&Manifest]) -> Option<Finding> {
    // What a library asks for in its own metadata must stay open; a list for pip is for one environment.
    if list.kind != SourceKind::Requirements {
        return None;
    }
    let constrained: BTreeSet<&PackageName> = beside
        .iter()
        .flat_map(|manifest| &manifest.requirements)
        .filter(|one| one.constraint && one.pinned().is_some())
        .map(|one| &one.name)
        .collect();
    let open = |one: &&Requirement| {
        !one.constraint && one.url.is_none() && one.pinned().is_none() && !constrained.contains(&one.name)
    };
    let open: Vec<_> = list.requirements.iter().filter(open).collect();
    let names: BTreeSet<_> = open.iter().map(|one| one.name.name()).collect();
    let message = format!(
        "{} of {} requirements allow several versions and no lock file chooses: {}",
        open.len(),
        list.requirements.len(),
        listed(&names)
    );
    Some(finding(&UNPINNED, open.first()?.place.clone(), list.file_name().to_owned(), message))
}

/// What is asked for everywhere and always, and a lock file does not hold.
fn out_of_date(lock: &Manifest, list: &Manifest) -> Option<Finding> {
    let mut wrong: BTreeMap<&str, (&Requirement, String)> = BTreeMap::new();
    let asked = list.requirements.iter();
    for one in asked
        .filter(|one| one.marker.is_none() && one.group.is_none() && one.url.is_none() && !one.constraint)
    {
        let locked: Vec<_> = lock.packages.iter().filter(|package| package.name == one.name).collect();
        let held = |version: &str| holds(&one.specifiers, version);
        if locked.is_empty() {
            wrong.entry(one.name.name()).or_insert((one, format!("{} is missing", one.name)));
        } else if !locked.iter().any(|package| package.origin != Origin::Registry || held(&package.version)) {
            let version = &locked.first()?.version;
            let what = format!("{} is locked at {version}, asked for is {}", one.name, one.specifiers);
            wrong.entry(one.name.name()).or_insert((one, what));
        }
    }
    let (first, _) = wrong.values().next()?;
    let what: BTreeSet<_> = wrong.values().map(|(_, what)| what.as_str()).collect();
    let message = format!("`{}` does not hold what `{}` asks for: {}", lock.file, list.file, listed(&what));
    Some(finding(&LOCK_OUT_OF_DATE, first.place.clone(), list.file_name().to_owned(), message))
}

fn holds(specifiers: &str, version: &str) -> bool {
    match (VersionSpecifiers::from_str(specifiers), Version::from_str(version)) {
        (Ok(specifiers), Ok(version)) => specifiers.contains(&version),
        // What cannot be compared was named when it was read.
        _ => true,
    }
}

/// Lists for the same project that do not ask for the same packages.
fn disagreement(lists: &[&Manifest]) -> Option<Finding> {
    let main = |list: &&&Manifest| {
        let name = list.file.rsplit('/').next().unwrap_or_default();
        list.kind != SourceKind::Requirements || name == "requirements.txt"
    };
    // A list that is in another file is not another list.
    let asking = lists.iter().filter(main).filter(|list| list.includes.is_empty());
    let asked: Vec<_> =
        asking.map(|list| (*list, wanted(list))).filter(|(_, wanted)| !wanted.is_empty()).collect();
    let (first, names) = asked.first()?;
    let others = asked.get(1..).unwrap_or_default();
    let differences: Vec<_> =
        others.iter().filter_map(|(list, other)| difference((first, names), (list, other))).collect();
    if differences.is_empty() {
        return None;
    }
    let place = Place { file: first.file.clone(), span: None };
    let files: Vec<_> = asked.iter().map(|(list, _)| list.file_name()).collect();
    Some(finding(&LISTS_DISAGREE, place, files.join(" "), differences.join("; ")))
}

/// What is always asked for, with its versions.
fn wanted(list: &Manifest) -> BTreeMap<&str, &str> {
    let always = list.requirements.iter().filter(|one| one.group.is_none() && !one.constraint);
    always.map(|one| (one.name.name(), one.specifiers.as_str())).collect()
}

type Wanted<'a> = (&'a Manifest, &'a BTreeMap<&'a str, &'a str>);

fn difference((one, names): Wanted<'_>, (other, others): Wanted<'_>) -> Option<String> {
    let only = |these: &BTreeMap<&str, &str>, those: &BTreeMap<&str, &str>| {
        let missing: BTreeSet<String> =
            these.keys().filter(|name| !those.contains_key(*name)).map(|&name| name.to_owned()).collect();
        missing
    };
    let (only_one, only_other) = (only(names, others), only(others, names));
    let versions =
        names.iter().filter(|(name, specifiers)| others.get(*name).is_some_and(|other| other != *specifiers));
    let versions: BTreeSet<_> = versions.map(|(name, _)| *name).collect();
    let mut parts = Vec::new();
    for (names, what) in [(&only_one, &one.file), (&only_other, &other.file)] {
        if !names.is_empty() {
            let names: BTreeSet<_> = names.iter().map(String::as_str).collect();
            parts.push(format!("{} only in `{what}` ({})", names.len(), listed(&names)));
        }
    }
    if !versions.is_empty() {
        parts.push(format!("{} in other versions ({})", versions.len(), listed(&versions)));
    }
    (!parts.is_empty()).then(|| format!("`{}` and `{}`: {}", one.file, other.file, parts.join(", ")))
}

fn listed(names: &BTreeSet<&str>) -> String {
    let shown: Vec<_> = names.iter().take(NAMES_MAX).copied().collect();
    let more = names.len().saturating_sub(NAMES_MAX);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{rest}", shown.join(", "))
}

fn finding(rule: &'static Rule, place: Place, subject: String, message: String) -> Finding {
    Finding {
        rule,
        severity: rule.severity,
        confidence: Confidence::High,
        place,
        context: String::new(),
        subject,
        message,
        steps: Vec::new(),
        wording: Wording::NONE,
        fingerprint: Fingerprint::UNSET,
    }
}

// === impl Manifest ===

impl Manifest {
    /// The last part of its path.
    fn file_name(&self) -> &str {
        self.file.rsplit('/').next().unwrap_or(&self.file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependencies::read_project;

    fn found(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let paths: Vec<_> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let project = read_project(&paths, |path| {
            let text = files.iter().find(|(name, _)| *name == path).map(|(_, text)| *text);
            Ok(text.unwrap_or_default().as_bytes().to_vec())
        });
        find_disagreements(&project).into_iter().map(|one| (one.rule.id.to_owned(), one.message)).collect()
    }

    fn rules(files: &[(&str, &str)]) -> Vec<String> {
        found(files).into_iter().map(|(rule, _)| rule).collect()
    }

    const LOCK: &str = "[[package]]\nname = \"a\"\nversion = \"2\"\nsource = {registry = \"x\"}\n";

    #[test]
    fn names_of_python_are_found() {
        let files = [(
            "requirements.txt",
            "hmac==1\nhashlib==1\ndataclasses==1 ; python_version < '3.7'\nflask==1\n",
        )];
        assert_eq!(rules(&files), ["dependencies/shadows-standard-library"; 2]);
    }

    #[test]
    fn open_versions_need_a_lock() {
        let open = ("requirements.txt", "a>=1\nb==1\nc==1.*\n");
        let (rule, message) = found(&[open]).remove(0);
        assert_eq!(rule, "dependencies/unpinned");
        assert!(message.starts_with("2 of 3") && message.ends_with("a, c"), "{message}");
        assert_eq!(rules(&[("requirements.txt", "a\n"), ("constraints.txt", "a==1\n")]), [""; 0]);
        assert_eq!(rules(&[("requirements.txt", "a>=1\n"), ("uv.lock", LOCK)]), [""; 0]);
        assert_eq!(rules(&[("setup.cfg", "[options]\ninstall_requires = a\n")]), [""; 0]);
    }

    #[test]
    fn locks_hold_what_is_asked() {
        let files = [
            ("pyproject.toml", "[project]\ndependencies = [\"a<2\", \"b\", \"c ; os_name == 'nt'\"]\n"),
            ("uv.lock", LOCK),
        ];
        let (rule, message) = found(&files).remove(0);
        assert_eq!(rule, "dependencies/lock-out-of-date");
        assert!(message.ends_with("asks for: a is locked at 2, asked for is <2, b is missing"), "{message}");
    }

    #[test]
    fn lists_that_differ_are_found() {
        let files = [
            ("pyproject.toml", "[project]\ndependencies = [\"a==1\", \"b==1\"]\n"),
            ("requirements.txt", "a==2\nc==1\n"),
            ("requirements-dev.txt", "z==1\n"),
            ("setup.py", "setup(install_requires=['a==1', 'b==1'])\n"),
        ];
        let (rule, message) = found(&files).remove(0);
        assert_eq!(rule, "dependencies/lists-disagree");
        let expected = "`pyproject.toml` and `requirements.txt`: 1 only in `pyproject.toml` (b), 1 only in `requirements.txt` (c), \
            1 in other versions (a)";
        assert_eq!(message, expected);
    }
}
