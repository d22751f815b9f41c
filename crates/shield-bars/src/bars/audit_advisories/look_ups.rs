//! How long 12,000 packages take: one in twelve has advisories, as in a project with a long history.

use std::time::{Duration, Instant};

use shield_audit::{
    advisories::{Answer, Index, match_packages},
    dependencies::{Ecosystem, Origin, Package, PackageName},
    finding::Place,
};

use crate::harness::{Result, Trouble, Verdict};

const PACKAGES: usize = 12_000;
const KNOWN_EACH: usize = 12;
const LONGEST: Duration = Duration::from_millis(50);
const ROUNDS: usize = 5;

/// Matches them all, several times; the middle time counts.
pub(super) fn measure(index: &Index, verdict: &mut Verdict) -> Result<String> {
    let opened = Instant::now();
    let index =
        Index::open(index.bytes().to_vec()).map_err(|error| Trouble::caused("open the index", error))?;
    let opened = opened.elapsed();
    let names: Vec<&str> = index.purls().filter_map(|purl| purl.rsplit('/').next()).collect();
    let packages: Vec<_> = (0..PACKAGES).filter_map(|number| package(number, &names)).collect();
    let mut times = Vec::with_capacity(ROUNDS);
    let mut matches = 0;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let answer = match_packages(Some(&index), &packages);
        times.push(start.elapsed());
        matches = match &answer {
            Answer::Checked(checked) => checked.matches.len(),
            Answer::NoDatabase => 0,
        };
    }
    times.sort();
    let middle = times[ROUNDS / 2];
    verdict.demand(packages.len() == PACKAGES && matches > 0, || {
        format!("{} packages, {matches} matches", packages.len())
    });
    verdict.demand(middle < LONGEST, || format!("{PACKAGES} packages in {middle:?}"));
    Ok(format!("{PACKAGES} packages in {middle:?} with {matches} matches, index opened in {opened:?}"))
}

fn package(number: usize, names: &[&str]) -> Option<Package> {
    let name = match number % KNOWN_EACH {
        0 => (*names.get(number / KNOWN_EACH % names.len().max(1))?).to_owned(),
        _ => format!("package-without-advisory-{number}"),
    };
    Some(Package {
        name: PackageName::new(Ecosystem::PyPi, &name),
        version: "2.0".to_owned(),
        origin: Origin::Registry,
        licence: None,
        hashes: Vec::new(),
        place: Place { file: "uv.lock".to_owned(), span: None },
    })
}
