//! What goes into a bill of materials, whatever its format.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    advisories::{Match, vex::Statement},
    dependencies::{Environment, Licence, Origin, Package},
};

/// What a project is made of. The same bill gives the same bytes in every format.
#[derive(Clone, Debug, Default)]
pub struct Bill {
    /// The project.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// When the bill was made, in RFC 3339: SPDX demands it. Whoever wants the same bytes gives the same time.
    pub created: String,
    /// What it uses.
    pub packages: Vec<Package>,
    /// By package URL: what a package needs.
    pub needs: BTreeMap<String, BTreeSet<String>>,
    /// What is known to be wrong with it.
    pub matches: Vec<Match>,
    /// What that means here: at most one statement of a vulnerability of a package.
    pub statements: Vec<Statement>,
}

/// A digest of the one archive that a package is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Checksum {
    /// `256`, `384` or `512` of SHA-2.
    pub bits: u16,
    /// In lower-case hex.
    pub hex: String,
}

// === impl Bill ===

impl Bill {
    /// Takes what is installed, with what it needs of what is installed. Needs of extras nobody asked for are left out.
    pub fn add_environment(&mut self, environment: &Environment) {
        for distribution in &environment.distributions {
            let package = &distribution.package;
            let asked = distribution.requirements.iter().filter(|one| one.group.is_none());
            let found = asked.filter_map(|one| environment.distribution(&one.name));
            let needs = found.map(|other| purl_of(&other.package)).collect();
            self.needs.insert(purl_of(package), needs);
            self.packages.push(package.clone());
        }
    }

    /// Packages by their package URL, each once.
    pub(super) fn by_purl(&self) -> BTreeMap<String, &Package> {
        self.packages.iter().map(|package| (purl_of(package), package)).collect()
    }
}

/// The package URL of a package; one without a version has none either.
pub(super) fn purl_of(package: &Package) -> String {
    match package.version.as_str() {
        "" => package.name.purl(),
        version => package.name.purl_of(version),
    }
}

/// The digest of a package's archive, if it is known to be only one.
pub(super) fn checksum_of(package: &Package) -> Option<Checksum> {
    let [hash] = package.hashes.as_slice() else { return None };
    if let Some(hex) = hash.strip_prefix("sha256:") {
        return checked(256, hex.to_ascii_lowercase());
    }
    // npm's integrity.
    let (algorithm, encoded) = hash.split_once('-')?;
    let bits = match algorithm {
        "sha256" => 256,
        "sha384" => 384,
        "sha512" => 512,
        _ => return None,
    };
    let bytes = STANDARD.decode(encoded).ok()?;
    checked(bits, bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn checked(bits: u16, hex: String) -> Option<Checksum> {
    let whole = hex.len() == usize::from(bits) / 4 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    whole.then_some(Checksum { bits, hex })
}

/// Where a package is from, if not from a registry.
pub(super) fn address_of(package: &Package) -> Option<&str> {
    match &package.origin {
        Origin::Registry => None,
        Origin::Elsewhere(address) => Some(address),
    }
}

/// What a package states of its licence.
pub(super) fn licence_of(package: &Package) -> Option<Licence> {
    package.licence.as_deref().map(Licence::of)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        dependencies::{Ecosystem, PackageName},
        finding::Place,
    };

    fn package(ecosystem: Ecosystem, name: &str, version: &str, hash: &str) -> Package {
        Package {
            name: PackageName::new(ecosystem, name),
            version: version.to_owned(),
            origin: Origin::Registry,
            licence: None,
            hashes: if hash.is_empty() { Vec::new() } else { vec![hash.to_owned()] },
            place: Place { file: "lock".to_owned(), span: None },
        }
    }

    /// A bill with one of everything.
    pub(in crate::dependencies::bill) fn bill() -> Bill {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let mut a = package(Ecosystem::PyPi, "a", "1.0", &digest);
        a.licence = Some("MIT License".to_owned());
        let mut b = package(Ecosystem::Npm, "@s/b", "2.0.0", "");
        b.licence = Some("BSD".to_owned());
        let mut c = package(Ecosystem::CratesIo, "c", "", "");
        c.origin = Origin::Elsewhere("git+https://example.org/c".to_owned());
        let needs = BTreeMap::from([(
            "pkg:pypi/a@1.0".to_owned(),
            BTreeSet::from(["pkg:npm/%40s/b@2.0.0".to_owned()]),
        )]);
        let (name, created) = ("me".to_owned(), "2026-01-02T03:04:05Z".to_owned());
        Bill { name, created, packages: vec![c, a.clone(), b, a], needs, ..Bill::default() }
    }

    #[test]
    fn packages_are_there_once() {
        let bill = bill();
        let purls: Vec<_> = bill.by_purl().into_keys().collect();
        assert_eq!(purls, ["pkg:cargo/c", "pkg:npm/%40s/b@2.0.0", "pkg:pypi/a@1.0"]);
    }

    #[test]
    fn only_single_digests_are_of_the_package() {
        let of = |hashes: &[&str]| {
            let mut one = package(Ecosystem::Npm, "a", "1.0.0", "");
            one.hashes = hashes.iter().map(|&hash| hash.to_owned()).collect();
            checksum_of(&one).map(|found| (found.bits, found.hex.len()))
        };
        assert_eq!(of(&[&format!("sha256:{}", "AB".repeat(32))]), Some((256, 64)));
        assert_eq!(of(&[&format!("sha512-{}", STANDARD.encode([7; 64]))]), Some((512, 128)));
        assert_eq!(of(&["sha256:ab"]), None);
        assert_eq!(of(&["sha256:ab", "sha256:cd"]), None);
        assert_eq!(of(&["h1:xyz="]), None);
    }
}
