//! Ranges against the lists of the same records.
//!
//! A record's list is made by OSV's importer: the versions that the index has *on that day* and that lie in the record's ranges. So
//! a list is a witness of every version that was there on its day, and of no other: what was published later or had been taken
//! off before could not get into it, whatever the ranges say. `TensorFlow` took 50 pre-releases off in autumn 2021: each of the 144
//! lists that were made until September, with ranges that hold some of them, names exactly these; each of the 32 made from
//! November on, with ranges that hold all of them, names none; and PyPI has none of them today, though it has every release.
//!
//! Whether a version was there is told by other lists alone, never by the ranges: a list made on that day or before names it, and so
//! does one made on that day or later. Every version that a list names is compared with its own record. Those that it names
//! and those that it does not name are two figures, and both have to hold: an evaluation that says yes to everything fails the
//! second, one that says no the first. The pairs that nobody witnesses are counted and printed beside them.
//!
//! None of it changes what an audit says: a version in a range is affected, whether or not a list names it. A pre-release that was
//! taken off is on somebody's machine still.

use std::{
    collections::{BTreeMap, BTreeSet},
    result,
};

use jiff::Timestamp;
use shield_audit::{
    advisories::{Advisory, Index, Range, Version},
    dependencies::{Ecosystem, PackageName},
};

use crate::harness::{Result, Trouble, Verdict};

/// As the issue asks.
const AGREEMENT_MIN: f64 = 0.995;
/// Fewer pairs than these are not the data that is meant.
const RECORDS_MIN: u64 = 2_000;
const PAIRS_MIN: u64 = 40_000;
const PYPI: Ecosystem = Ecosystem::PyPi;

#[derive(Default)]
struct Count {
    records: u64,
    named: Pairs,
    unnamed: Pairs,
    unwitnessed: Pairs,
    /// Versions that PEP 440 has no place for.
    unordered: u64,
}

/// Pairs of a record and a version.
#[derive(Clone, Copy, Default)]
struct Pairs {
    agreed: u64,
    differed: u64,
}

/// Counts the pairs, prints the differences, and demands the agreement.
pub(super) fn measure(index: &Index, verdict: &mut Verdict) -> Result<String> {
    let mut count = Count::default();
    for purl in index.purls() {
        if let Some(name) = purl.strip_prefix("pkg:pypi/") {
            let found = index.look_up(&PackageName::new(PYPI, name));
            let found = found.map_err(|error| Trouble::caused("read the index", error))?;
            measure_package(name, &found, &mut count)?;
        }
    }
    let Count { records, named, unnamed, unwitnessed, unordered } = count;
    verdict.demand(records >= RECORDS_MIN, || format!("only {records} records have a range and a list"));
    for (pairs, what) in [(named, "that lists name"), (unnamed, "that lists made on their day do not name")] {
        verdict.demand(pairs.all() >= PAIRS_MIN, || format!("only {} versions {what}", pairs.all()));
        verdict.demand(pairs.share() >= AGREEMENT_MIN, || {
            format!("ranges agree on {:.3} % of the versions {what}", pairs.share() * 100.0)
        });
    }
    let (both, everything) = (named.and(unnamed), named.and(unnamed).and(unwitnessed));
    Ok(format!(
        "{records} records: ranges agree on {:.4} % of {} versions on the index when the list was made ({:.4} % of {} named, {:.4} % of {} \
         not named); with {} that no list of that day or before and after names, of which {} differ, on {:.4} % of {}; {unordered} without \
         order",
        both.share() * 100.0,
        both.all(),
        named.share() * 100.0,
        named.all(),
        unnamed.share() * 100.0,
        unnamed.all(),
        unwitnessed.all(),
        unwitnessed.differed,
        everything.share() * 100.0,
        everything.all(),
    ))
}

fn measure_package(name: &str, advisories: &[Advisory], count: &mut Count) -> Result<()> {
    let dated = advisories.iter().map(dated).collect::<Result<Vec<_>>>()?;
    let mut witnessed: BTreeMap<&str, Witnessed> = BTreeMap::new();
    for (one, made) in &dated {
        for text in &one.versions {
            witnessed.entry(text).or_insert_with(|| Witnessed::on(*made)).also_on(*made);
        }
    }
    let probes: Vec<_> =
        witnessed.iter().map(|(text, days)| (*text, days, Version::parse(PYPI, text).ok())).collect();
    for (one, made) in dated.iter().filter(|(one, _)| !one.ranges.is_empty() && !one.versions.is_empty()) {
        count.records += 1;
        let ranges =
            one.ranges.iter().map(|events| Range::parse(PYPI, events)).collect::<result::Result<Vec<_>, _>>();
        let ranges = ranges.map_err(|error| Trouble::caused("read a range", error))?;
        let named: BTreeSet<&str> = one.versions.iter().map(String::as_str).collect();
        let mut differences: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (text, days, version) in &probes {
            let Some(version) = version else {
                count.unordered += 1;
                continue;
            };
            let (named, inside) = (named.contains(text), ranges.iter().any(|range| range.contains(version)));
            let (pairs, what) = match (named, days.include(*made)) {
                (true, _) => (&mut count.named, "only listed"),
                (false, true) => (&mut count.unnamed, "only in range"),
                (false, false) => (&mut count.unwitnessed, "only in range, and on the index by no witness"),
            };
            if named == inside {
                pairs.agreed += 1;
            } else {
                pairs.differed += 1;
                differences.entry(what).or_default().push(text);
            }
        }
        for (what, versions) in differences {
            println!("      {name} {} {what}: {}", one.id, versions.join(" "));
        }
    }
    Ok(())
}

/// A record, and when its list was made: when it was last changed, at the latest.
fn dated(advisory: &Advisory) -> Result<(&Advisory, Timestamp)> {
    let made = advisory.modified.parse();
    let made =
        made.map_err(|error| Trouble::caused(format!("read when `{}` was changed", advisory.id), error));
    Ok((advisory, made?))
}

/// When the first and the last list were made that name a version.
struct Witnessed {
    first: Timestamp,
    last: Timestamp,
}

// === impl Witnessed ===

impl Witnessed {
    const fn on(day: Timestamp) -> Self {
        Self { first: day, last: day }
    }

    fn also_on(&mut self, day: Timestamp) {
        (self.first, self.last) = (self.first.min(day), self.last.max(day));
    }

    fn include(&self, day: Timestamp) -> bool {
        (self.first..=self.last).contains(&day)
    }
}

// === impl Pairs ===

impl Pairs {
    const fn all(self) -> u64 {
        self.agreed + self.differed
    }

    const fn and(self, other: Self) -> Self {
        Self { agreed: self.agreed + other.agreed, differed: self.differed + other.differed }
    }

    fn share(self) -> f64 {
        self.agreed as f64 / self.all().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use shield_audit::advisories::Builder;

    use super::*;

    fn counted(records: &[(&str, &str, &str)]) -> Count {
        let mut builder = Builder::new();
        for (day, fixed, versions) in records {
            let text = format!(
                r#"{{"id": "P-{day}", "modified": "{day}T00:00:00Z", "affected": [{{"package": {{"ecosystem": "PyPI", "name": "a"}},
                "ranges": [{{"type": "ECOSYSTEM", "events": [{{"introduced": "0"}}, {{"fixed": "{fixed}"}}]}}],
                "versions": [{versions}]}}]}}"#
            );
            builder.add(&format!("{day}.json"), text.as_bytes());
        }
        let found = builder.finish().look_up(&PackageName::new(PYPI, "a"));
        let found = found.expect("the index was made here");
        let mut count = Count::default();
        measure_package("a", &found, &mut count).expect("all records have a day");
        count
    }

    #[test]
    fn lists_speak_of_their_day() {
        // `2rc1` is named in 2020 and never again; `3` for the first time in 2023.
        let count = counted(&[
            ("2020-01-01", "9", r#""1", "2rc1""#),
            ("2021-01-01", "9", r#""1""#),
            ("2023-01-01", "9", r#""1", "3""#),
        ]);
        assert_eq!((count.named.all(), count.unnamed.all(), count.unwitnessed.differed), (5, 0, 4));
    }

    #[test]
    fn silence_between_witnesses_counts() {
        let count = counted(&[
            ("2020-01-01", "9", r#""1", "2""#),
            ("2021-01-01", "9", r#""1""#),
            ("2022-01-01", "2", r#""1""#),
            ("2023-01-01", "9", r#""1", "2""#),
        ]);
        assert_eq!((count.unnamed.agreed, count.unnamed.differed), (1, 1));
        assert_eq!((count.named.agreed, count.named.differed), (6, 0));
    }
}
