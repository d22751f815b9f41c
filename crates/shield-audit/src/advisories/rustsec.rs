//! RustSec's own form: Markdown that begins with a fence of TOML.
//!
//! An advisory lists what is *not* affected, as requirements of crates: patched versions and those from before the mistake. What
//! is left between them is turned into the events that OSV has, with the reading that RustSec gives its own data: every requirement
//! is one interval over the whole order, pre-releases included, and `^1.2` ends before `2.0.0-0`. The requirement grammar
//! is Cargo's, its meaning is not: Cargo would never let `>= 1.0` hold `2.0.0-rc.1`.

use semver::{Comparator, Op, Prerelease, VersionReq};
use serde::Deserialize;

use super::{
    Advisory, Event, Kind,
    osv::{Read, informational_kind, summary_of},
    refused::Refused,
    severity,
};
use crate::dependencies::{Ecosystem, PackageName};

#[derive(Deserialize)]
struct Document {
    advisory: Head,
    affected: Option<Affected>,
    versions: Versions,
}

#[derive(Deserialize)]
struct Head {
    id: String,
    package: String,
    collection: Option<String>,
    date: String,
    withdrawn: Option<String>,
    aliases: Option<Vec<String>>,
    cvss: Option<String>,
    informational: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Affected {
    functions: Option<toml::Table>,
}

#[derive(Deserialize)]
struct Versions {
    patched: Vec<String>,
    unaffected: Option<Vec<String>>,
}

/// Whether a text is an advisory of this form at all: other Markdown lies beside them.
pub(super) fn recognise(text: &str) -> bool {
    text.trim_start().starts_with("```toml")
}

/// Reads an advisory; `collection` is the folder it lies in, for those that do not say.
///
/// # Errors
/// What makes it none.
pub(super) fn read(text: &str, collection: &str) -> Result<Read, Refused> {
    understand(text, collection)
        .map_err(|reason| Refused { reason, about: crate_of(text).map(|name| vec![name.purl()]) })
}

/// Front matter, and what stands behind it.
fn parts(text: &str) -> Result<(&str, &str), String> {
    let fenced = text.trim_start().strip_prefix("```toml").ok_or("no front matter")?;
    Ok(fenced.split_once("\n```").ok_or("the front matter has no end")?)
}

/// The crate that a front matter names which is no advisory as a whole.
fn crate_of(text: &str) -> Option<PackageName> {
    let front: toml::Table = toml::from_str(parts(text).ok()?.0).ok()?;
    Some(PackageName::new(Ecosystem::CratesIo, front.get("advisory")?.get("package")?.as_str()?))
}

fn understand(text: &str, collection: &str) -> Result<Read, String> {
    let (front, body) = parts(text)?;
    let document: Document = toml::from_str(front).map_err(|error| error.message().to_owned())?;
    let head = document.advisory;
    let mut read = Read { names: vec![head.id.clone()], ..Read::default() };
    read.names.extend(head.aliases.unwrap_or_default());
    if head.collection.as_deref().unwrap_or(collection) == "rust" {
        read.others.push("Rust".to_owned());
        return Ok(read);
    }
    if let Some(source) = head.source {
        read.others.push(source);
        return Ok(read);
    }
    let ranges = affected_ranges(&document.versions)?;
    let advisory = Advisory {
        kind: head.informational.as_deref().map_or(Kind::Vulnerable, informational_kind),
        summary: summary_of(None, Some(body)),
        modified: head.date,
        withdrawn: head.withdrawn,
        severity: head.cvss.as_deref().and_then(severity::of_vector),
        vectors: head.cvss.into_iter().collect(),
        symbols: document.affected.and_then(|affected| affected.functions).map_or_else(Vec::new, names_of),
        id: head.id,
        vulnerability: String::new(),
        aliases: Vec::new(),
        ranges,
        versions: Vec::new(),
    };
    read.advisories.push((PackageName::new(Ecosystem::CratesIo, &head.package), advisory));
    Ok(read)
}

fn names_of(functions: toml::Table) -> Vec<String> {
    let mut names: Vec<_> = functions.into_iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names
}

/// Versions from one on (none: from the first) to before another (none: for ever).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Interval {
    from: Option<semver::Version>,
    until: Option<semver::Version>,
}

/// What lies between the intervals that are not affected; empty if nothing does.
fn affected_ranges(versions: &Versions) -> Result<Vec<Vec<Event>>, String> {
    let texts = versions.patched.iter().chain(versions.unaffected.iter().flatten());
    let mut safe = texts.map(|text| interval(text)).collect::<Result<Vec<_>, _>>()?;
    safe.sort_by(|one, other| one.from.cmp(&other.from));
    let mut ranges = Vec::new();
    // Where affected versions go on from: none is the first version of all.
    let mut open_from = None;
    let mut first = true;
    for Interval { from, until } in safe {
        let gap =
            from.as_ref().is_some_and(|from| first || open_from.as_ref().is_some_and(|open| open < from));
        if let (true, Some(from)) = (gap, from) {
            ranges.push(vec![introduced(open_from.as_ref()), Event::Fixed(from.to_string())]);
        }
        let Some(until) = until else { return Ok(ranges) };
        if first || open_from.as_ref().is_none_or(|open| *open < until) {
            open_from = Some(until);
        }
        first = false;
    }
    ranges.push(vec![introduced(open_from.as_ref())]);
    Ok(ranges)
}

fn introduced(from: Option<&semver::Version>) -> Event {
    Event::Introduced(from.map_or_else(|| "0".to_owned(), ToString::to_string))
}

fn interval(text: &str) -> Result<Interval, String> {
    let requirement = VersionReq::parse(text).map_err(|error| format!("requirement `{text}`: {error}"))?;
    let mut whole = Interval { from: None, until: None };
    for comparator in &requirement.comparators {
        let Interval { from, until } = interval_of(comparator)
            .ok_or_else(|| format!("requirement `{text}`: `{comparator}` is no interval"))?;
        if from.is_some() && whole.from.is_some() || until.is_some() && whole.until.is_some() {
            return Err(format!("requirement `{text}`: two bounds on one side"));
        }
        whole = Interval { from: from.or(whole.from), until: until.or(whole.until) };
    }
    match (&whole.from, &whole.until) {
        (Some(from), Some(until)) if from >= until => {
            Err(format!("requirement `{text}`: no version satisfies it"))
        }
        _ => Ok(whole),
    }
}

fn interval_of(comparator: &Comparator) -> Option<Interval> {
    let number = |part: Option<u64>| part.unwrap_or(0);
    let mut low = semver::Version::new(comparator.major, number(comparator.minor), number(comparator.patch));
    low.pre = comparator.pre.clone();
    let (from, until) = match comparator.op {
        Op::GreaterEq => (Some(low), None),
        Op::Greater => (Some(next(&low)), None),
        Op::Less => (None, Some(low)),
        Op::LessEq => (None, Some(next(&low))),
        Op::Exact => (Some(low.clone()), Some(next(&low))),
        Op::Caret => (Some(low), Some(before_any(caret_end(comparator)))),
        Op::Tilde => (Some(low), Some(before_any(tilde_end(comparator)))),
        _ => return None,
    };
    Some(Interval { from, until })
}

/// The first version that a caret leaves out: one more in the leftmost part that is not zero.
fn caret_end(comparator: &Comparator) -> semver::Version {
    match (comparator.major, comparator.minor, comparator.patch) {
        (0, Some(0), Some(patch)) => semver::Version::new(0, 0, patch.saturating_add(1)),
        (0, Some(minor), _) => semver::Version::new(0, minor.saturating_add(1), 0),
        (major, _, _) => semver::Version::new(major.saturating_add(1), 0, 0),
    }
}

/// The first version that a tilde leaves out.
fn tilde_end(comparator: &Comparator) -> semver::Version {
    match comparator.minor {
        Some(minor) => semver::Version::new(comparator.major, minor.saturating_add(1), 0),
        None => semver::Version::new(comparator.major.saturating_add(1), 0, 0),
    }
}

/// Before every pre-release of a version.
fn before_any(mut version: semver::Version) -> semver::Version {
    version.pre = lowest();
    version
}

/// A version behind this one with none between them that anybody would publish.
fn next(version: &semver::Version) -> semver::Version {
    let mut next = version.clone();
    if next.pre.is_empty() {
        next.patch = next.patch.saturating_add(1);
        next.pre = lowest();
    } else {
        next.pre =
            Prerelease::new(&format!("{}.0", next.pre)).expect("a pre-release with one more number is one");
    }
    next
}

fn lowest() -> Prerelease {
    Prerelease::new("0").expect("zero is a pre-release")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::advisories::{Range, Version};

    fn affected(patched: &[&str], unaffected: &[&str]) -> Vec<Vec<Event>> {
        let texts = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        affected_ranges(&Versions { patched: texts(patched), unaffected: Some(texts(unaffected)) }).unwrap()
    }

    fn hits(ranges: &[Vec<Event>], text: &str) -> bool {
        let version = Version::parse(Ecosystem::CratesIo, text).unwrap();
        ranges.iter().any(|events| Range::parse(Ecosystem::CratesIo, events).unwrap().contains(&version))
    }

    #[test]
    fn gaps_are_affected() {
        let ranges = affected(&["^1.2.4", ">= 2.0.3"], &["< 1.0.0"]);
        for (version, expected) in [
            ("0.9.0", false),
            ("1.0.0", true),
            ("1.2.4", false),
            ("1.9.0", false),
            ("2.0.0-rc.1", true),
            ("2.0.3", false),
        ] {
            assert_eq!(hits(&ranges, version), expected, "{version} {ranges:?}");
        }
    }

    #[test]
    fn bounds_are_exact() {
        assert!(
            !hits(&affected(&["> 1.0.0"], &[]), "1.0.1-0") && hits(&affected(&["> 1.0.0"], &[]), "1.0.0")
        );
        let exact = affected(&[">= 3.0.0"], &["=1.0.1", "=1.0.2"]);
        assert!(
            hits(&exact, "1.0.0")
                && !hits(&exact, "1.0.1")
                && !hits(&exact, "1.0.2")
                && hits(&exact, "1.0.3")
        );
        assert!(hits(&affected(&["~1.2"], &[]), "1.3.0-alpha") && !hits(&affected(&["~1.2"], &[]), "1.2.9"));
    }

    #[test]
    fn nothing_patched_hits_everything() {
        assert_eq!(affected(&[], &[]), [[Event::Introduced("0".into())]]);
        assert!(affected(&[">= 0.0.0-0"], &["< 1.0.0"]).iter().all(|events| events.len() == 2));
    }

    #[test]
    fn overlaps_are_one_interval() {
        let ranges = affected(&[">= 1.0.0, < 3.0.0", ">= 2.0.0, < 2.5.0", ">= 4.0.0"], &[]);
        assert!(
            !hits(&ranges, "2.7.0")
                && hits(&ranges, "3.5.0")
                && hits(&ranges, "0.1.0")
                && !hits(&ranges, "4.0.0")
        );
        assert_eq!(ranges.len(), 2);
    }

    #[test]
    fn contradictions_are_refused() {
        for text in ["> 2.0, < 1.0", ">= 1.0, > 2.0", "=1.0, <3", "*.1", "1.*"] {
            assert!(interval(text).is_err(), "{text}");
        }
    }

    #[test]
    fn front_matter_is_read() {
        let text = "```toml\n[advisory]\nid = \"RUSTSEC-2020-0001\"\npackage = \"a\"\ndate = \"2020-01-02\"\n\
            aliases = [\"CVE-2020-1\"]\ninformational = \"unsound\"\n[affected]\nfunctions = { \"a::b\" = [\"< 1\"] }\n\
            [versions]\npatched = []\n```\n\n# Title of it\n\nMore.\n";
        assert!(recognise(text) && !recognise("# Contributing"));
        let (name, advisory) = read(text, "crates").unwrap().advisories.remove(0);
        assert_eq!((name.name(), advisory.kind), ("a", Kind::Unsound));
        assert_eq!(
            (advisory.summary.as_str(), advisory.symbols.as_slice()),
            ("Title of it", &["a::b".to_owned()][..])
        );
        assert_eq!(read(text, "rust").unwrap().others, ["Rust"]);
        assert_eq!(read("```toml\nid = 1", "crates").unwrap_err().about, None);
        let broken = text.replace("patched = []", "patched = [\"later\"]");
        assert_eq!(read(&broken, "crates").unwrap_err().about, Some(vec!["pkg:cargo/a".to_owned()]));
    }
}
