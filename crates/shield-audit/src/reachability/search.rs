//! What is out of reach, and how that was found.

use std::collections::BTreeMap;

use serde::Serialize;
use shield_types::Sha256Digest;

use super::{Sources, cargo, go, npm};
use crate::{
    advisories::{Kind, Match},
    dependencies::Ecosystem,
};

/// How near the project comes to a vulnerability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// Nothing that it runs leads to the package, or to the affected part of it.
    NeverImported,
    /// The affected part is imported, and nothing that runs names one of the affected functions.
    NeverCalled,
    /// That cannot be said: it may be reached.
    #[default]
    Unknown,
    /// The package is imported; which of its functions are affected is not known, or not looked at.
    Imported,
    /// An affected function may be called.
    FunctionReachable,
}

/// How it was found: what a proof needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Search {
    /// In one sentence.
    pub method: &'static str,
    /// The files it began with.
    pub roots: Vec<String>,
    /// The digest of what leads where: the same graph has the same one.
    pub graph: Sha256Digest,
}

/// How near vulnerabilities are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reachability {
    /// By package URL with version, and the vulnerability's name.
    tiers: BTreeMap<(String, String), Tier>,
    searches: BTreeMap<Ecosystem, Search>,
}

/// What the search of one ecosystem gives: how near each of the matches is, in their order.
pub(super) struct Searched {
    pub(super) search: Search,
    pub(super) tiers: Vec<Tier>,
}

/// Looks how near a project comes to what `matches` say of its packages. Of an ecosystem without a match nothing is read.
#[must_use]
pub fn reachability(sources: &Sources<'_>, matches: &[Match]) -> Reachability {
    let mut reachability = Reachability::default();
    for ecosystem in [Ecosystem::CratesIo, Ecosystem::Go, Ecosystem::Npm] {
        let of = |one: &&Match| one.package.ecosystem() == ecosystem && one.kind != Kind::Malicious;
        let matches: Vec<&Match> = matches.iter().filter(of).collect();
        if matches.is_empty() {
            continue;
        }
        let searched = match ecosystem {
            Ecosystem::CratesIo => cargo::search(sources, &matches),
            Ecosystem::Go => go::search(sources, &matches),
            Ecosystem::Npm | Ecosystem::PyPi => npm::search(sources, &matches),
        };
        let Some(Searched { search, tiers }) = searched else { continue };
        reachability.tiers.extend(matches.iter().map(|one| key(one)).zip(tiers));
        reachability.searches.insert(ecosystem, search);
    }
    reachability
}

fn key(one: &Match) -> (String, String) {
    (one.package.purl_of(&one.version), one.vulnerability.clone())
}

/// The digest of some lines, in their order.
pub(super) fn digest<'l>(lines: impl Iterator<Item = &'l str>) -> Sha256Digest {
    Sha256Digest::of(lines.flat_map(|line| [line, "\n"]).collect::<String>().as_bytes())
}

// === impl Tier ===

impl Tier {
    /// Whether it is out of reach.
    #[must_use]
    pub const fn is_out_of_reach(self) -> bool {
        matches!(self, Self::NeverImported | Self::NeverCalled)
    }

    /// Of a package that something leads to, or nothing; none: it is not known.
    pub(super) fn of_import(known: Option<&bool>) -> Self {
        match known {
            Some(true) => Self::Imported,
            Some(false) => Self::NeverImported,
            None => Self::Unknown,
        }
    }
}

// === impl Reachability ===

impl Reachability {
    /// How near the project comes to a vulnerability.
    #[must_use]
    pub fn tier(&self, of: &Match) -> Tier {
        self.tiers.get(&key(of)).copied().unwrap_or_default()
    }

    /// How the packages of an ecosystem were searched for; none if nothing could be said.
    #[must_use]
    pub fn search(&self, ecosystem: Ecosystem) -> Option<&Search> {
        self.searches.get(&ecosystem)
    }
}
