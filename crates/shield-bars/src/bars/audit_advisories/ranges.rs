//! Ranges against the lists of the same records.
//!
//! A pair of a record and a version on which they differ is the record's defect if the record, or another one with the same
//! events, cannot be right about it under any evaluation:
//! - a list with a *hole* names an older and a newer version of one interval of its own range, with no event between them, and not
//!   this one;
//! - a *twin* has the very same events and its list says the opposite;
//! - a list is *older* than the version: the range has no end, and the version is newer than everything in it.

use std::{
    collections::{BTreeMap, BTreeSet},
    result,
};

use shield_audit::{
    advisories::{Advisory, Event, Index, ParseRangeError, Range, Version},
    dependencies::{Ecosystem, PackageName},
};

use crate::harness::{Result, Trouble, Verdict};

/// As the issue asks: the records' defects count against the evaluation. How it is without them is printed beside it.
const AGREEMENT_MIN: f64 = 0.995;
const PYPI: Ecosystem = Ecosystem::PyPi;

#[derive(Default)]
struct Count {
    records: u64,
    agreed: u64,
    holes: u64,
    twins: u64,
    older: u64,
    open: u64,
    /// Versions that PEP 440 has no place for.
    unordered: u64,
}

/// Counts the pairs, prints the differences, and demands the agreement.
pub(super) fn measure(index: &Index, verdict: &mut Verdict) -> Result<String> {
    let mut count = Count::default();
    for purl in index.purls() {
        if let Some(name) = purl.strip_prefix("pkg:pypi/") {
            let found = index.look_up(&PackageName::new(PYPI, name));
            measure_package(
                name,
                &found.map_err(|error| Trouble::caused("read the index", error))?,
                &mut count,
            )?;
        }
    }
    let Count { records, agreed, holes, twins, older, open, unordered } = count;
    let all = agreed + holes + twins + older + open;
    let raw = agreed as f64 / all.max(1) as f64;
    let sound = agreed as f64 / (agreed + open).max(1) as f64;
    verdict.demand(records >= 2_000, || format!("only {records} records have a range and a list"));
    verdict.demand(raw >= AGREEMENT_MIN, || format!("ranges and lists agree on {:.3} %", raw * 100.0));
    Ok(format!(
        "{records} records, {all} pairs: {:.4} % agree, {:.4} % where the record does not contradict itself ({holes} holes, {twins} \
         twins, {older} older lists, {open} others, {unordered} without order)",
        raw * 100.0,
        sound * 100.0
    ))
}

fn measure_package(name: &str, advisories: &[Advisory], count: &mut Count) -> Result<()> {
    let probes: BTreeSet<&str> =
        advisories.iter().flat_map(|one| &one.versions).map(String::as_str).collect();
    let probes: Vec<(&str, Option<Version>)> =
        probes.into_iter().map(|text| (text, Version::parse(PYPI, text).ok())).collect();
    let mut by_events: BTreeMap<&[Vec<Event>], Vec<&Advisory>> = BTreeMap::new();
    let judged = || advisories.iter().filter(|one| !one.ranges.is_empty() && !one.versions.is_empty());
    for one in judged() {
        by_events.entry(&one.ranges).or_default().push(one);
    }
    for one in judged() {
        count.records += 1;
        let record = Record::of(one).map_err(|error| Trouble::caused("read a range", error))?;
        let mut differences: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (text, version) in &probes {
            let Some(version) = version else {
                count.unordered += 1;
                continue;
            };
            let (listed, inside) =
                (listed(one, text), record.ranges.iter().any(|range| range.contains(version)));
            let twin =
                || by_events[one.ranges.as_slice()].iter().any(|twin| self::listed(twin, text) == inside);
            let (number, what) = match () {
                () if listed == inside => (&mut count.agreed, ""),
                () if inside && record.hole(version) => (&mut count.holes, "hole"),
                () if twin() => (&mut count.twins, "twin"),
                () if inside && record.older_than(version) => (&mut count.older, "older"),
                () => (&mut count.open, if listed { "only listed" } else { "only in range" }),
            };
            *number += 1;
            differences.entry(what).or_default().push(text);
        }
        differences.remove("");
        for (what, versions) in differences {
            println!("      {name} {} {what}: {}", one.id, versions.join(" "));
        }
    }
    Ok(())
}

fn listed(advisory: &Advisory, text: &str) -> bool {
    advisory.versions.binary_search_by(|known| known.as_str().cmp(text)).is_ok()
}

/// What a record says, in the order of versions.
struct Record {
    ranges: Vec<Range>,
    /// What it lists.
    listed: Vec<Version>,
    /// Where anything begins or ends.
    events: Vec<Version>,
}

impl Record {
    fn of(advisory: &Advisory) -> result::Result<Self, ParseRangeError> {
        let ranges = advisory
            .ranges
            .iter()
            .map(|events| Range::parse(PYPI, events))
            .collect::<result::Result<_, _>>()?;
        let parsed = |text: &str| Version::parse(PYPI, text).ok();
        let mut listed: Vec<_> = advisory.versions.iter().filter_map(|text| parsed(text)).collect();
        let mut events: Vec<_> =
            advisory.ranges.iter().flatten().filter_map(|event| parsed(event.version())).collect();
        listed.sort();
        events.sort();
        Ok(Self { ranges, listed, events })
    }

    /// Whether the list names versions on both sides with no event between them.
    fn hole(&self, version: &Version) -> bool {
        let after = self.listed.partition_point(|one| one < version);
        let (Some(below), Some(above)) =
            (after.checked_sub(1).and_then(|at| self.listed.get(at)), self.listed.get(after))
        else {
            return false;
        };
        !self.events.iter().any(|event| below < event && event <= above)
    }

    fn older_than(&self, version: &Version) -> bool {
        self.ranges.iter().any(Range::open_ended) && self.listed.last().is_some_and(|newest| newest < version)
    }
}
