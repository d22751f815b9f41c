//! What advisories cannot speak of: the packages of a project of which nothing is known, and why.
//!
//! A gap is something that may hide a vulnerability of a package that this project uses. A record that was not understood and is
//! about packages that it does not use hides none: it is counted, and no gap. One that does not even say what it is about
//! may be about any, and is.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    advisories::{Answer, Checked, Quarantined},
    dependencies::{Ecosystem, Manifest, Package, PackageName, Project, Requirement},
    report::{Gap, Part},
};

/// The packages of a project, as far as they are known.
pub(super) struct Known<'a> {
    pub(super) project: &'a Project,
    /// Those whose version is known.
    pub(super) packages: &'a [Package],
    /// Whether an environment was found: what was asked for, with all that it brings.
    pub(super) installed: bool,
}

// === impl Known ===

impl Known<'_> {
    /// Why an answer does not speak of all packages.
    pub(super) fn gaps(&self, answer: &Answer) -> Vec<Gap> {
        match answer {
            Answer::Checked(checked) => {
                let mut gaps = self.not_understood(checked);
                gaps.extend(unchecked(checked));
                let names: BTreeSet<_> = self.packages.iter().map(|package| &package.name).collect();
                gaps.extend(
                    self.project.manifests.iter().filter_map(|one| self.without_version(one, &names)),
                );
                gaps
            }
            Answer::NoDatabase if self.used().next().is_some() => {
                let reason = "there is no database of advisories: nothing is known of their vulnerabilities; `shield audit --update` \
                              fetches one";
                vec![Gap::of(Part::Advisories, "all packages", reason)]
            }
            Answer::NoDatabase => Vec::new(),
        }
    }

    /// Every package of the project, whether or not its version is known.
    fn used(&self) -> impl Iterator<Item = &PackageName> {
        let asked = self.project.manifests.iter().flat_map(|manifest| &manifest.requirements);
        self.packages.iter().map(|package| &package.name).chain(asked.map(|requirement| &requirement.name))
    }

    /// Records that may be about a package of this project.
    fn not_understood(&self, checked: &Checked) -> Vec<Gap> {
        let used: BTreeSet<String> = self.used().map(PackageName::purl).collect();
        let gap = |one: &Quarantined| {
            let reason = match &one.about {
                None => format!(
                    "it does not say which packages it is about, so it may be about any: {}",
                    one.reason
                ),
                Some(about) => {
                    let here = about.iter().find(|purl| used.contains(*purl))?;
                    format!("it is about {here}, which is in use, and was not understood: {}", one.reason)
                }
            };
            Some(Gap::of(Part::Advisories, &one.file, reason))
        };
        checked.summary.quarantined.iter().filter_map(gap).collect()
    }

    /// What a list asks for without saying in which version, where nothing else of the project says so either: it cannot be
    /// looked up, nor can what it brings with it.
    fn without_version(&self, manifest: &Manifest, names: &BTreeSet<&PackageName>) -> Option<Gap> {
        let ecosystem = manifest.kind.ecosystem();
        let some_known = names.iter().any(|name| name.ecosystem() == ecosystem);
        // Where versions are known at all, an extra of which none is stated was not asked for.
        let asked = |one: &&Requirement| !one.constraint && (one.group.is_none() || !some_known);
        let (limited, always): (Vec<_>, Vec<_>) =
            manifest.requirements.iter().filter(asked).partition(|one| one.marker.is_some());
        let known = |one: &&Requirement| names.contains(&one.name);
        // Whoever resolved everything that is asked for always did so for this list: what it asks for on some machines only, and is
        // not there, is not for this one.
        let resolved = !always.is_empty() && always.iter().all(known) && self.resolved(ecosystem);
        let limited = limited.into_iter().filter(|_| !resolved);
        let unknown: BTreeSet<_> =
            always.iter().copied().chain(limited).filter(|one| !known(one)).map(|one| &one.name).collect();
        let what = match unknown.len() {
            0 => return None,
            1 => "which version of one package is",
            _ => "which versions of these packages are",
        };
        let first: Vec<_> = unknown.iter().take(NAMED).map(|name| format!("`{name}`")).collect();
        let more = unknown.len().checked_sub(NAMED).filter(|more| *more > 0);
        let more = more.map(|more| format!(" and {more} more")).unwrap_or_default();
        let reason = format!(
            "nothing says {what} used, so that nothing is known of their vulnerabilities or of what they bring with them: {}{more}; lock \
             them, or name the environment they are installed in by `--site-packages`",
            first.join(", ")
        );
        Some(Gap::of(Part::Packages, &manifest.file, reason))
    }

    /// Whether anybody has resolved packages of a registry.
    fn resolved(&self, ecosystem: Ecosystem) -> bool {
        let locked = |manifest: &Manifest| {
            manifest.kind.ecosystem() == ecosystem && manifest.kind.locks() && !manifest.packages.is_empty()
        };
        ecosystem == Ecosystem::PyPi && self.installed || self.project.manifests.iter().any(locked)
    }
}

/// So many packages without a version are named.
const NAMED: usize = 8;

/// Packages that are known and could not be looked up. What holds for a whole registry is said once a list.
fn unchecked(checked: &Checked) -> impl Iterator<Item = Gap> {
    let covered = |ecosystem| checked.summary.coverage.contains_key(&ecosystem);
    let (alone, together): (Vec<_>, Vec<_>) =
        checked.unchecked.iter().partition(|one| covered(one.package.ecosystem()));
    let mut lists: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for one in together {
        *lists.entry((&one.place.file, &one.reason)).or_default() += 1;
    }
    let lists: Vec<_> = lists
        .into_iter()
        .map(|((file, reason), count)| Gap::of(Part::Packages, file, format!("{count} packages: {reason}")))
        .collect();
    let alone = alone
        .into_iter()
        .map(|one| Gap::of(Part::Packages, format!("{} {}", one.package, one.version), one.reason.as_str()));
    alone.chain(lists)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::{
        advisories::{Builder, match_packages},
        dependencies::{Origin, read_project},
        finding::Place,
    };

    /// The gaps of a project with these lists, with an index of these records.
    fn gaps(lists: &[(&str, &str)], records: &[&str]) -> Vec<String> {
        let paths: Vec<_> = lists.iter().map(|(path, _)| (*path).to_owned()).collect();
        let project = read_project(&paths, |path| {
            let found = lists.iter().find(|(name, _)| *name == path);
            found.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(|| io::ErrorKind::NotFound.into())
        });
        let mut builder = Builder::new();
        for (number, record) in records.iter().enumerate() {
            builder.add(&format!("{number}.json"), record.as_bytes());
        }
        let packages: Vec<_> = project.believed().into_iter().flat_map(|one| one.packages).collect();
        let answer = match_packages(Some(&builder.finish()), &packages);
        let known = Known { project: &project, packages: &packages, installed: false };
        known
            .gaps(&answer)
            .into_iter()
            .map(|gap| format!("{} {}: {}", gap.part, gap.what, gap.reason))
            .collect()
    }

    const SOUND: &str =
        r#"{"id": "T-1", "affected": [{"package": {"ecosystem": "PyPI", "name": "z"}, "versions": ["1"]}]}"#;

    fn broken(name: &str) -> String {
        format!(
            r#"{{"id": "T-2", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "{name}"}},
            "ranges": [{{"type": "ECOSYSTEM", "events": [{{}}]}}]}}]}}"#
        )
    }

    #[test]
    fn broken_records_matter_to_their_users() {
        let lists = [("requirements.txt", "used==1\n")];
        assert_eq!(gaps(&lists, &[SOUND, &broken("other")]), [""; 0]);
        let said = gaps(&lists, &[SOUND, &broken("Used")]);
        assert!(
            said.len() == 2
                && said.iter().all(|gap| gap.contains("advisories 1.json: it is about pkg:pypi/used"))
        );
        let unpinned = gaps(&[("requirements.txt", "used\n")], &[SOUND, &broken("used")]);
        assert!(unpinned.iter().any(|gap| gap.starts_with("advisories 1.json")), "{unpinned:?}");
    }

    #[test]
    fn nameless_records_may_be_about_any() {
        let said = gaps(&[("requirements.txt", "used==1\n")], &[SOUND, "{\"id\": "]);
        assert!(said.len() == 1 && said[0].contains("it may be about any"), "{said:?}");
    }

    #[test]
    fn versions_nobody_states_are_named() {
        let said = gaps(&[("requirements.txt", "one\ntwo==1\nthree>=2\n-c c.txt\n")], &[SOUND]);
        let said: Vec<_> = said.iter().filter(|gap| gap.contains("nothing says")).collect();
        assert!(said.len() == 1 && said[0].contains("`one`, `three`; lock"), "{said:?}");
    }

    #[test]
    fn every_list_without_a_lock_is_named() {
        for (path, text) in [
            ("Pipfile", "[packages]\na = \"*\"\n"),
            ("requirements.in", "a\n"),
            ("requirements/base.in", "a>=1\n"),
            ("setup.py", "from setuptools import setup\nsetup(install_requires=['a'])\n"),
            ("setup.cfg", "[options]\ninstall_requires = a\n"),
            ("pyproject.toml", "[project]\nname = \"p\"\nversion = \"1\"\ndependencies = [\"a\"]\n"),
        ] {
            let said = gaps(&[(path, text)], &[SOUND]);
            assert!(
                said.len() == 1 && said[0].starts_with(&format!("packages {path}: nothing says")),
                "{said:?}"
            );
        }
        let lock = r#"{"_meta": {"pipfile-spec": 6}, "default": {"a": {"version": "==1"}}}"#;
        assert_eq!(
            gaps(&[("Pipfile", "[packages]\na = \"*\"\n"), ("Pipfile.lock", lock)], &[SOUND]),
            [""; 0]
        );
        assert_eq!(gaps(&[("Pipfile", "[packages]\na = \"==1\"\n")], &[SOUND]), [""; 0]);
    }

    #[test]
    fn what_this_machine_does_not_need_is_no_gap() {
        let project = |lock: &str| {
            let asked = "[project]\nname = \"p\"\nversion = \"1\"\ndependencies = [\"a\", \"b; sys_platform == 'win32'\"]\n";
            gaps(&[("pyproject.toml", asked), ("poetry.lock", lock)], &[SOUND])
        };
        let package = |name: &str| format!("[[package]]\nname = \"{name}\"\nversion = \"1\"\n");
        assert_eq!(project(&package("a")), [""; 0]);
        // Somebody else's lock: even what is always asked for is not in it.
        assert!(project(&package("c"))[0].contains("`a`, `b`"));
        // Exact versions are no lock; an environment is as good as one.
        let pinned = gaps(&[("requirements.txt", "a==1\nb; sys_platform == 'win32'\n")], &[SOUND]);
        assert!(pinned[0].contains("`b`"), "{pinned:?}");
    }

    #[test]
    fn environments_resolve_their_lists() {
        let lists = [
            ("requirements.txt", "a\nb; sys_platform == 'win32'\n"),
            ("c/requirements.txt", "c\nd; os_name == 'nt'\n"),
        ];
        let paths = lists.map(|(path, _)| path.to_owned());
        let project = read_project(&paths, |path| {
            Ok(lists.iter().find(|(name, _)| *name == path).unwrap().1.as_bytes().to_vec())
        });
        let a = Package {
            name: PackageName::new(Ecosystem::PyPi, "a"),
            version: "1".to_owned(),
            origin: Origin::Registry,
            licence: None,
            hashes: Vec::new(),
            place: Place { file: "a-1.dist-info/METADATA".to_owned(), span: None },
        };
        let packages = [a];
        let mut builder = Builder::new();
        builder.add("1.json", SOUND.as_bytes());
        let answer = match_packages(Some(&builder.finish()), &packages);
        let gaps = |installed| Known { project: &project, packages: &packages, installed }.gaps(&answer);
        // The second list is of something else.
        assert!(gaps(true).len() == 1 && gaps(true)[0].reason.contains("`c`, `d`"), "{:?}", gaps(true));
        assert!(gaps(false).iter().any(|gap| gap.reason.contains("`b`")), "{:?}", gaps(false));
    }

    #[test]
    fn registries_without_advisories_are_said_once() {
        let lock = "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n";
        let lock = format!("{lock}{}", lock.replace("version = 4\n", "").replace("\"a\"", "\"b\""));
        let said = gaps(&[("Cargo.lock", &lock)], &[SOUND]);
        assert_eq!(said, ["packages Cargo.lock: 2 packages: the database has no advisories of crates.io"]);
    }
}
