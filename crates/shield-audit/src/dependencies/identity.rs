//! What a package is called.
//!
//! Two spellings of one package must not become two packages, and a package of one registry must never be taken for one of
//! another: a name carries its registry, is normalised once, and is written as a package URL (purl).

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};

/// A registry whose packages and versions are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ecosystem {
    /// Rust's.
    CratesIo,
    /// Go's modules.
    Go,
    /// JavaScript's.
    Npm,
    /// Python's.
    PyPi,
}

/// The name of a package, normalised as its registry does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct PackageName {
    ecosystem: Ecosystem,
    name: String,
}

// === impl Ecosystem ===

impl Ecosystem {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::CratesIo, Self::Go, Self::Npm, Self::PyPi];

    /// The one that OSV calls so, whatever comes behind a colon.
    #[must_use]
    pub fn of_osv(text: &str) -> Option<Self> {
        let name = text.split(':').next().unwrap_or(text);
        Self::ALL.into_iter().find(|ecosystem| ecosystem.osv_name() == name)
    }

    /// What OSV calls it.
    #[must_use]
    pub const fn osv_name(self) -> &'static str {
        match self {
            Self::CratesIo => "crates.io",
            Self::Go => "Go",
            Self::Npm => "npm",
            Self::PyPi => "PyPI",
        }
    }

    /// The type of its package URLs.
    #[must_use]
    pub const fn purl_type(self) -> &'static str {
        match self {
            Self::CratesIo => "cargo",
            Self::Go => "golang",
            Self::Npm => "npm",
            Self::PyPi => "pypi",
        }
    }
}

impl fmt::Display for Ecosystem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.osv_name())
    }
}

// === impl PackageName ===

impl PackageName {
    /// Normalises what a file calls it: PEP 503 for Python; the other registries' names are exact.
    #[must_use]
    pub fn new(ecosystem: Ecosystem, name: &str) -> Self {
        let name = match ecosystem {
            Ecosystem::PyPi => pep503(name),
            Ecosystem::CratesIo | Ecosystem::Go | Ecosystem::Npm => name.trim().to_owned(),
        };
        Self { ecosystem, name }
    }

    /// Whose registry.
    #[must_use]
    pub const fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// Its normalised name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its package URL without a version: `pkg:pypi/aiohttp`, `pkg:npm/%40babel/core`.
    #[must_use]
    pub fn purl(&self) -> String {
        let mut purl = format!("pkg:{}", self.ecosystem.purl_type());
        for segment in self.name.split('/') {
            purl.push('/');
            push_encoded(&mut purl, segment);
        }
        purl
    }

    /// Its package URL with a version.
    #[must_use]
    pub fn purl_of(&self, version: &str) -> String {
        let mut purl = self.purl();
        purl.push('@');
        push_encoded(&mut purl, version);
        purl
    }
}

impl fmt::Display for PackageName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.name)
    }
}

/// Lower case, with every run of `-`, `_` and `.` as one hyphen.
fn pep503(name: &str) -> String {
    let mut normal = String::with_capacity(name.len());
    for character in name.trim().chars() {
        match character {
            '-' | '_' | '.' if normal.ends_with('-') => {}
            '-' | '_' | '.' => normal.push('-'),
            _ => normal.extend(character.to_lowercase()),
        }
    }
    normal
}

/// The purl specification keeps unreserved characters and the colon.
fn push_encoded(purl: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                purl.push(char::from(byte))
            }
            _ => write!(purl, "%{byte:02X}").expect("writing into text cannot fail"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spellings_are_one_package() {
        let name = |text| PackageName::new(Ecosystem::PyPi, text);
        assert_eq!(name("Zope.Interface"), name("zope_-interface"));
        assert_ne!(name("zope-interface"), PackageName::new(Ecosystem::Npm, "zope-interface"));
    }

    #[test]
    fn purls_are_encoded() {
        let of = |ecosystem, name, version| PackageName::new(ecosystem, name).purl_of(version);
        assert_eq!(of(Ecosystem::Npm, "@babel/core", "7.1.0"), "pkg:npm/%40babel/core@7.1.0");
        assert_eq!(of(Ecosystem::PyPi, "Torch", "2.0.1+cu118"), "pkg:pypi/torch@2.0.1%2Bcu118");
        assert_eq!(of(Ecosystem::Go, "github.com/a/b", "v1.0.0"), "pkg:golang/github.com/a/b@v1.0.0");
        assert_eq!(of(Ecosystem::CratesIo, "serde_json", "1.0.0"), "pkg:cargo/serde_json@1.0.0");
    }

    #[test]
    fn osv_names_may_have_suffixes() {
        assert_eq!(Ecosystem::of_osv("PyPI:simple"), Some(Ecosystem::PyPi));
        assert_eq!(Ecosystem::of_osv("Debian:12"), None);
    }

    proptest! {
        #[test]
        fn normal_names_stay(name in "[A-Za-z0-9._-]{0,20}") {
            let once = PackageName::new(Ecosystem::PyPi, &name);
            prop_assert_eq!(&PackageName::new(Ecosystem::PyPi, once.name()), &once);
            prop_assert!(!once.name().contains("--") && !once.name().contains(['_', '.']));
        }
    }
}
