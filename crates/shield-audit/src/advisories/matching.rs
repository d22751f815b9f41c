//! What the index says of the packages that a project uses.
//!
//! No database is an answer of its own, and so is a package that could not be checked: neither is "no vulnerabilities". Records
//! about the same vulnerability make one [`Match`]. Withdrawn records make none and are counted apart.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::Serialize;
use shield_types::{Sha256Digest, chain};

use super::{Hit, Index, Kind, Reading, Sought, Summary, Version};
use crate::{
    dependencies::{Ecosystem, Origin, Package, PackageName},
    finding::{Place, Severity},
};

/// What advisories say of a project.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// There is no database: nothing is known, of any package.
    NoDatabase,
    /// What a database says.
    Checked(Box<Checked>),
}

/// What a database says.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// Which one it was.
    pub digest: Sha256Digest,
    /// How old it is, what it covers, what of it could not be read.
    pub summary: Summary,
    /// In order of packages, versions, vulnerabilities and places.
    pub matches: Vec<Match>,
    /// Packages whose advisory was withdrawn.
    pub withdrawn: Vec<Withdrawn>,
    /// Packages of which nothing can be said.
    pub unchecked: Vec<Unchecked>,
    /// Packages of which something was said: with or without a match.
    pub checked_packages: u64,
}

/// A vulnerability of a package in the version that is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Match {
    /// Of what.
    pub package: PackageName,
    /// In which version.
    pub version: String,
    /// Where that is said.
    pub place: Place,
    /// Its one name.
    pub vulnerability: String,
    /// All names of it.
    pub names: Vec<String>,
    /// The records of the database that say so.
    pub records: Vec<String>,
    /// The worst of what they say.
    pub kind: Kind,
    /// In one line.
    pub summary: String,
    /// The worst that a record gives; none if none does.
    pub severity: Option<Severity>,
    /// CVSS vectors.
    pub vectors: Vec<String>,
    /// Affected functions and modules; none known is all.
    pub symbols: Vec<String>,
    /// How sure the data is about this version.
    pub hit: Hit,
    /// Whether it hits every version there can be without a list that names this one: see [`super::rules::SUSPECT`].
    pub suspect: bool,
    /// The next version without it.
    pub fixed_in: Option<String>,
    /// The next version without any vulnerability that is known.
    pub clean_in: Option<String>,
}

/// A package that a withdrawn advisory is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Withdrawn {
    /// Which.
    pub package: PackageName,
    /// In which version.
    pub version: String,
    /// The record.
    pub id: String,
    /// When it was withdrawn.
    pub since: String,
}

/// A package of which nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Unchecked {
    /// Which.
    pub package: PackageName,
    /// In which version.
    pub version: String,
    /// Where it is used.
    pub place: Place,
    /// Why.
    pub reason: String,
}

/// Looks up packages in an index.
#[must_use]
pub fn match_packages(index: Option<&Index>, packages: &[Package]) -> Answer {
    let Some(index) = index else { return Answer::NoDatabase };
    let mut checked = Checked {
        digest: index.digest(),
        summary: index.summary().clone(),
        matches: Vec::new(),
        withdrawn: Vec::new(),
        unchecked: Vec::new(),
        checked_packages: 0,
    };
    let said: Vec<Said> = packages.par_iter().map(|package| checked.check(index, package)).collect();
    for (package, Said { matches, withdrawn, known }) in packages.iter().zip(said) {
        checked.matches.extend(matches);
        checked.withdrawn.extend(withdrawn);
        match known {
            Ok(()) => checked.checked_packages += 1,
            Err(reason) => checked.unchecked.push(Unchecked {
                package: package.name.clone(),
                version: package.version.clone(),
                place: package.place.clone(),
                reason,
            }),
        }
    }
    checked.matches.sort_by(|one, other| one.order().cmp(&other.order()));
    checked.withdrawn.sort_unstable();
    checked.withdrawn.dedup();
    checked.unchecked.sort_unstable();
    Answer::Checked(Box::new(checked))
}

/// What is said of one package.
struct Said {
    matches: Vec<Match>,
    withdrawn: Vec<Withdrawn>,
    /// Why nothing more can be said of it.
    known: Result<(), String>,
}

// === impl Checked ===

impl Checked {
    fn check(&self, index: &Index, package: &Package) -> Said {
        let mut said = Said { matches: Vec::new(), withdrawn: Vec::new(), known: Ok(()) };
        said.known = self.look(index, package, &mut said);
        said
    }

    fn look(&self, index: &Index, package: &Package, said: &mut Said) -> Result<(), String> {
        let ecosystem = package.name.ecosystem();
        if let Origin::Elsewhere(address) = &package.origin {
            return Err(format!("it is from `{address}`, and advisories speak of what registries have"));
        }
        if !self.summary.coverage.contains_key(&ecosystem) {
            return Err(format!("the database has no advisories of {ecosystem}"));
        }
        let advisories = index.look_up(&package.name).map_err(|error| chain(&error))?;
        let readings =
            advisories.iter().map(|advisory| advisory.read(ecosystem)).collect::<Result<Vec<_>, _>>();
        let readings = readings.map_err(|error| chain(&error))?;
        let used = Used { package, ecosystem, sought: Sought::new(ecosystem, &package.version) };
        said.withdrawn = used.withdrawn(&readings);
        said.matches = used.matches(&readings);
        // Lists of versions were searched, ranges could not be.
        match Version::parse(ecosystem, &package.version) {
            Err(error) if advisories.iter().any(|one| !one.ranges.is_empty()) => Err(chain(&error)),
            _ => Ok(()),
        }
    }
}

/// The version of a package that is used.
struct Used<'a> {
    package: &'a Package,
    ecosystem: Ecosystem,
    sought: Sought,
}

type Hits<'a, 'r> = Vec<(&'r Reading<'a>, Hit)>;

// === impl Used ===

impl Used<'_> {
    fn withdrawn(&self, readings: &[Reading<'_>]) -> Vec<Withdrawn> {
        let hit = readings.iter().filter(|reading| reading.hits(&self.sought).is_some());
        let withdrawn = hit.filter_map(|reading| {
            Some(Withdrawn {
                package: self.package.name.clone(),
                version: self.package.version.clone(),
                id: reading.advisory().id.clone(),
                since: reading.advisory().withdrawn.clone()?,
            })
        });
        withdrawn.collect()
    }

    /// One match a vulnerability.
    fn matches(&self, readings: &[Reading<'_>]) -> Vec<Match> {
        let standing: Vec<_> =
            readings.iter().filter(|reading| reading.advisory().withdrawn.is_none()).collect();
        let mut groups: BTreeMap<&str, (Vec<&Reading<'_>>, Hits<'_, '_>)> = BTreeMap::new();
        for reading in &standing {
            let (members, hits) = groups.entry(&reading.advisory().vulnerability).or_default();
            members.push(reading);
            hits.extend(reading.hits(&self.sought).map(|hit| (*reading, hit)));
        }
        groups.retain(|_, (_, hits)| !hits.is_empty());
        if groups.is_empty() {
            return Vec::new();
        }
        let harmful: Vec<_> =
            standing.iter().copied().filter(|reading| reading.advisory().kind >= Kind::Vulnerable).collect();
        let clean_in = self.next_without(&harmful);
        let matched = |(members, hits): &(Vec<&Reading<'_>>, Hits<'_, '_>)| Match {
            fixed_in: self.next_without(members),
            clean_in: clean_in.clone(),
            ..self.matched(hits)
        };
        groups.values().map(matched).collect()
    }

    /// All records about one vulnerability as one match, but for the versions to update to.
    fn matched(&self, hits: &Hits<'_, '_>) -> Match {
        let members = || hits.iter().map(|(reading, _)| reading.advisory());
        let names: BTreeSet<_> =
            members().flat_map(|one| one.aliases.iter().chain([&one.id])).cloned().collect();
        let vectors: BTreeSet<_> = members().flat_map(|one| &one.vectors).cloned().collect();
        let symbols: BTreeSet<_> = members().flat_map(|one| &one.symbols).cloned().collect();
        Match {
            package: self.package.name.clone(),
            version: self.package.version.clone(),
            place: self.package.place.clone(),
            vulnerability: members().next().map(|one| one.vulnerability.clone()).unwrap_or_default(),
            names: names.into_iter().collect(),
            records: members().map(|one| one.id.clone()).collect(),
            kind: members().map(|one| one.kind).max().unwrap_or(Kind::Notice),
            summary: members()
                .map(|one| &one.summary)
                .find(|text| !text.is_empty())
                .cloned()
                .unwrap_or_default(),
            severity: members().filter_map(|one| one.severity).max(),
            vectors: vectors.into_iter().collect(),
            // A record that names none is silent, not of another opinion: GitHub's never name any.
            symbols: symbols.into_iter().collect(),
            hit: hits.iter().map(|(_, hit)| *hit).min().unwrap_or(Hit::OnlyRange),
            suspect: hits.iter().all(|(reading, hit)| suspect(reading, *hit)),
            fixed_in: None,
            clean_in: None,
        }
    }

    /// The lowest version above the one used that some of these calls fixed and none is about.
    fn next_without(&self, readings: &[&Reading<'_>]) -> Option<String> {
        let used = self.sought.version()?;
        let fixed = readings.iter().flat_map(|reading| reading.advisory().fixed_versions(self.ecosystem));
        let mut candidates: Vec<_> = fixed
            .filter(|(version, _)| version > used && (used.prerelease() || !version.prerelease()))
            .collect();
        candidates.sort();
        candidates.dedup_by(|one, other| one.0 == other.0);
        let free = |text: &str| {
            let sought = Sought::new(self.ecosystem, text);
            !readings.iter().any(|reading| reading.hits(&sought).is_some())
        };
        candidates.into_iter().find(|(_, text)| free(text)).map(|(_, text)| text.to_owned())
    }
}

/// RustSec says by hand that nothing is patched; others have lost an end before (PYSEC-2026-97).
fn suspect(reading: &Reading<'_>, hit: Hit) -> bool {
    let advisory = reading.advisory();
    let named = match hit {
        Hit::Agreed => !advisory.versions.is_empty(),
        Hit::OnlyListed => true,
        Hit::OnlyRange => false,
    };
    let by_hand = advisory.id.starts_with("RUSTSEC-");
    advisory.kind == Kind::Vulnerable && !named && !by_hand && reading.unbounded()
}

// === impl Match ===

impl Match {
    fn order(&self) -> (&PackageName, &str, &str, &Place) {
        (&self.package, &self.version, &self.vulnerability, &self.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisories::Builder;

    const BOTH: &str = r#"{"id": "PYSEC-1", "aliases": ["CVE-1"], "summary": "one", "affected": [{"package": {"ecosystem": "PyPI",
        "name": "a"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0"}]}]}]}"#;

    fn index(records: &[String]) -> Index {
        let mut builder = Builder::new();
        for (number, record) in records.iter().enumerate() {
            builder.add(&format!("{number}.json"), record.as_bytes());
        }
        builder.finish()
    }

    fn package(name: &str, version: &str) -> Package {
        Package {
            name: PackageName::new(Ecosystem::PyPi, name),
            version: version.to_owned(),
            origin: Origin::Registry,
            licence: None,
            hashes: Vec::new(),
            place: Place { file: "uv.lock".to_owned(), span: None },
        }
    }

    fn checked(records: &[String], packages: &[Package]) -> Checked {
        match match_packages(Some(&index(records)), packages) {
            Answer::Checked(checked) => *checked,
            Answer::NoDatabase => unreachable!("an index was given"),
        }
    }

    fn record(id: &str, events: &str, more: &str) -> String {
        format!(
            r#"{{"id": "{id}", {more} "affected": [{{"package": {{"ecosystem": "PyPI", "name": "a"}},
            "ranges": [{{"type": "ECOSYSTEM", "events": [{events}]}}]}}]}}"#
        )
    }

    #[test]
    fn no_database_is_no_answer() {
        assert!(matches!(match_packages(None, &[package("a", "1")]), Answer::NoDatabase));
    }

    #[test]
    fn records_of_one_vulnerability_are_one() {
        let other = record("GHSA-1", r#"{"introduced": "1"}, {"fixed": "2.1"}"#, r#""aliases": ["CVE-1"],"#);
        let symbols =
            r#""ecosystem_specific": {"imports": [{"modules": ["a.b"], "attribute": "run"}]}, "ranges""#;
        let other = other.replace(r#""ranges""#, symbols);
        let found = checked(&[BOTH.to_owned(), other], &[package("a", "1.5"), package("b", "1")]);
        assert_eq!((found.matches.len(), found.checked_packages), (1, 2));
        let one = &found.matches[0];
        assert_eq!(
            (one.vulnerability.as_str(), one.names.join(" ")),
            ("CVE-1", "CVE-1 GHSA-1 PYSEC-1".to_owned())
        );
        assert_eq!(
            (one.records.join(" "), one.symbols.join(" ")),
            ("GHSA-1 PYSEC-1".into(), "a.b.run".into())
        );
        // 2.0 is still what the second record is about.
        assert_eq!((one.fixed_in.as_deref(), one.suspect), (Some("2.1"), false));
    }

    #[test]
    fn clean_versions_are_behind_all() {
        let later = record(
            "PYSEC-2",
            r#"{"introduced": "1.9"}, {"fixed": "3.0rc1"}, {"introduced": "3.0rc1"}, {"fixed": "3.0"}"#,
            "",
        );
        let found = checked(&[BOTH.to_owned(), later], &[package("a", "1.0")]);
        let one = &found.matches[0];
        assert_eq!((one.fixed_in.as_deref(), one.clean_in.as_deref()), (Some("2.0"), Some("3.0")));
    }

    #[test]
    fn pre_releases_are_for_their_users() {
        let events = r#"{"introduced": "0"}, {"fixed": "2.0rc1"}, {"introduced": "2.1"}, {"fixed": "2.2"}"#;
        let records = [record("PYSEC-5", events, "")];
        let fixed = |version| checked(&records, &[package("a", version)]).matches.remove(0).fixed_in;
        assert_eq!((fixed("1.0").as_deref(), fixed("1.0rc1").as_deref()), (Some("2.2"), Some("2.0rc1")));
    }

    #[test]
    fn withdrawn_records_match_nothing() {
        let withdrawn =
            record("PYSEC-3", r#"{"introduced": "0"}"#, r#""withdrawn": "2024-01-01T00:00:00Z","#);
        let found = checked(&[withdrawn], &[package("a", "1.0")]);
        assert_eq!((found.matches.len(), found.withdrawn.len()), (0, 1));
    }

    #[test]
    fn endless_records_are_suspect() {
        let endless = record("PYSEC-4", r#"{"introduced": "0"}"#, "");
        assert!(checked(std::slice::from_ref(&endless), &[package("a", "1.0")]).matches[0].suspect);
        let listed = endless.replace(r#""ranges""#, r#""versions": ["1.0"], "ranges""#);
        assert!(!checked(std::slice::from_ref(&listed), &[package("a", "1.0")]).matches[0].suspect);
        assert!(checked(&[listed], &[package("a", "2.0")]).matches[0].suspect);
        assert!(
            !checked(&[endless.replace("PYSEC-4", "RUSTSEC-4")], &[package("a", "1.0")]).matches[0].suspect
        );
    }

    #[test]
    fn what_cannot_be_checked_is_named() {
        let mut foreign = package("a", "1.0");
        foreign.origin = Origin::Elsewhere("git+x".to_owned());
        let mut npm = package("a", "1.0.0");
        npm.name = PackageName::new(Ecosystem::Npm, "a");
        let found =
            checked(&[BOTH.to_owned()], &[foreign, npm, package("a", "latest"), package("b", "latest")]);
        assert_eq!((found.unchecked.len(), found.checked_packages, found.matches.len()), (3, 1, 0));
    }
}
