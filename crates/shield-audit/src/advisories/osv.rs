//! Records in the OSV schema, in JSON or YAML, as they really are.
//!
//! Databases are written by many hands: a record with an empty event once stopped another scanner for everybody (uv#19492). Here
//! a field that is missing, null or new costs nothing; a record that is no record is refused by itself; a range that cannot be
//! evaluated is refused while the rest of its record counts. What was refused is returned with its reason.

use serde::Deserialize;
use serde_json::Value;
use shield_types::chain;

use super::{Advisory, Event, Kind, Range, Version, refused::Refused, severity};
use crate::{
    dependencies::{Ecosystem, PackageName},
    finding::Severity,
};

/// Characters of a summary that are kept.
const SUMMARY_CHARACTERS: usize = 200;

/// A record with what was understood of it.
#[derive(Debug, Default)]
pub(super) struct Read {
    /// About which packages, and what.
    pub advisories: Vec<(PackageName, Advisory)>,
    /// Ecosystems that are none of ours, once for each package.
    pub others: Vec<String>,
    /// What was refused, and why.
    pub refused: Vec<Refused>,
    /// The names of the record: its own first.
    pub names: Vec<String>,
}

#[derive(Deserialize)]
struct Record {
    id: String,
    modified: Option<String>,
    withdrawn: Option<String>,
    aliases: Option<Vec<String>>,
    summary: Option<String>,
    details: Option<String>,
    severity: Option<Vec<Rating>>,
    affected: Option<Vec<Affected>>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct Rating {
    score: Option<String>,
}

#[derive(Deserialize)]
struct Affected {
    package: Option<Package>,
    severity: Option<Vec<Rating>>,
    ranges: Option<Vec<WrittenRange>>,
    versions: Option<Vec<String>>,
    ecosystem_specific: Option<Value>,
    database_specific: Option<Value>,
}

#[derive(Deserialize)]
struct Package {
    ecosystem: String,
    name: String,
}

#[derive(Deserialize)]
struct WrittenRange {
    r#type: Option<String>,
    events: Option<Vec<WrittenEvent>>,
}

#[derive(Deserialize)]
struct WrittenEvent {
    introduced: Option<String>,
    fixed: Option<String>,
    last_affected: Option<String>,
    limit: Option<String>,
}

/// Reads a record in JSON.
///
/// # Errors
/// What makes it no record.
pub(super) fn read_json(text: &[u8]) -> Result<Read, Refused> {
    let left = || serde_json::from_slice(text).ok();
    let read = serde_json::from_slice(text).map(understand);
    read.map_err(|error| Refused::of_record(left().as_ref(), error.to_string()))
}

/// Reads a record in YAML.
///
/// # Errors
/// What makes it no record.
pub(super) fn read_yaml(text: &[u8]) -> Result<Read, Refused> {
    let left = || yaml_serde::from_slice(text).ok();
    let read = yaml_serde::from_slice(text).map(understand);
    read.map_err(|error| Refused::of_record(left().as_ref(), error.to_string()))
}

fn understand(mut record: Record) -> Read {
    let mut read = Read { names: vec![record.id.clone()], ..Read::default() };
    read.names.extend(record.aliases.take().unwrap_or_default());
    let affected = record.affected.take().unwrap_or_default();
    let shared = Shared::of(&record);
    for affected in affected {
        let Some(package) = &affected.package else {
            read.refused.push(Refused::of_any("an entry of `affected` names no package".to_owned()));
            continue;
        };
        let Some(ecosystem) = Ecosystem::of_osv(&package.ecosystem) else {
            read.others.push(package.ecosystem.clone());
            continue;
        };
        let name = PackageName::new(ecosystem, &package.name);
        let (ranges, refused) = ranges_of(ecosystem, affected.ranges.as_deref().unwrap_or_default());
        let refused = refused.into_iter().map(|reason| format!("a range of `{name}`: {reason}"));
        read.refused.extend(refused.map(|reason| Refused::of(&name, reason)));
        let versions = canonical_versions(ecosystem, affected.versions.as_deref().unwrap_or_default());
        if ranges.is_empty() && versions.is_empty() {
            let reason = format!("nothing says which versions of `{name}` are affected");
            read.refused.push(Refused::of(&name, reason));
            continue;
        }
        read.advisories.push((name, shared.advisory(&affected, ranges, versions)));
    }
    if record.withdrawn.is_some() {
        // It would match nothing if it were understood.
        read.refused.iter_mut().for_each(|refused| refused.about = Some(Vec::new()));
    }
    read
}

/// What a record says of all its packages.
struct Shared<'a> {
    record: &'a Record,
    vectors: Vec<String>,
    word: Option<Severity>,
}

// === impl Shared ===

impl<'a> Shared<'a> {
    fn of(record: &'a Record) -> Shared<'a> {
        let word = record.database_specific.as_ref().and_then(|value| value.get("severity")?.as_str());
        Self {
            record,
            vectors: vectors_of(record.severity.as_deref()),
            word: word.and_then(severity::of_word),
        }
    }

    fn advisory(&self, affected: &Affected, ranges: Vec<Vec<Event>>, versions: Vec<String>) -> Advisory {
        let record = self.record;
        let mut vectors = self.vectors.clone();
        vectors.extend(vectors_of(affected.severity.as_deref()));
        vectors.sort_unstable();
        vectors.dedup();
        let scored = vectors.iter().filter_map(|vector| severity::of_vector(vector)).max();
        Advisory {
            id: record.id.clone(),
            vulnerability: String::new(),
            aliases: Vec::new(),
            kind: kind_of(record, affected),
            summary: summary_of(record.summary.as_deref(), record.details.as_deref()),
            modified: record.modified.clone().unwrap_or_default(),
            withdrawn: record.withdrawn.clone(),
            severity: scored.or(self.word),
            vectors,
            ranges,
            versions,
            symbols: affected.ecosystem_specific.as_ref().map(symbols_of).unwrap_or_default(),
        }
    }
}

fn vectors_of(ratings: Option<&[Rating]>) -> Vec<String> {
    let scores = ratings.unwrap_or_default().iter().filter_map(|rating| rating.score.as_deref());
    scores.filter(|score| score.starts_with("CVSS:")).map(str::to_owned).collect()
}

/// Whether GitHub's database files a record under embedded malicious code.
fn is_malware(record: &Record) -> bool {
    let weaknesses = record.database_specific.as_ref().and_then(|value| value.get("cwe_ids")?.as_array());
    weaknesses.is_some_and(|ids| ids.iter().any(|id| id == "CWE-506"))
}

fn kind_of(record: &Record, affected: &Affected) -> Kind {
    let informational =
        affected.database_specific.as_ref().and_then(|value| value.get("informational")?.as_str());
    match informational {
        _ if record.id.starts_with("MAL-") || is_malware(record) => Kind::Malicious,
        Some(word) => informational_kind(word),
        None => Kind::Vulnerable,
    }
}

/// What RustSec's word for an advisory that is no vulnerability means.
pub(super) fn informational_kind(word: &str) -> Kind {
    match word {
        "unmaintained" => Kind::Unmaintained,
        "unsound" => Kind::Unsound,
        _ => Kind::Notice,
    }
}

/// The first line that says something.
pub(super) fn summary_of(summary: Option<&str>, details: Option<&str>) -> String {
    let lines = summary.into_iter().chain(details).flat_map(str::lines);
    let line = lines.map(|line| line.trim_start_matches('#').trim()).find(|line| !line.is_empty());
    line.unwrap_or_default().chars().take(SUMMARY_CHARACTERS).collect()
}

/// The ranges of versions (those of commits say nothing about a version), and why others were refused.
fn ranges_of(ecosystem: Ecosystem, written: &[WrittenRange]) -> (Vec<Vec<Event>>, Vec<String>) {
    let mut ranges = Vec::new();
    let mut refused = Vec::new();
    for range in written.iter().filter(|range| range.r#type.as_deref() != Some("GIT")) {
        if let Some(strange) = range.r#type.as_deref().filter(|kind| !matches!(*kind, "ECOSYSTEM" | "SEMVER"))
        {
            let strange: String = strange.chars().take(40).collect();
            refused.push(format!("a range is of the type `{strange}`, which is not known here"));
            continue;
        }
        let events = events_of(range.events.as_deref().unwrap_or_default());
        let checked = events.and_then(|events| match Range::parse(ecosystem, &events) {
            Ok(_) => Ok(events),
            Err(error) => Err(chain(&error)),
        });
        match checked {
            Ok(events) => ranges.push(events),
            Err(reason) => refused.push(reason),
        }
    }
    ranges.sort_unstable();
    ranges.dedup();
    (ranges, refused)
}

fn events_of(written: &[WrittenEvent]) -> Result<Vec<Event>, String> {
    let mut events = Vec::with_capacity(written.len());
    for event in written {
        let before = events.len();
        events.extend(event.introduced.clone().map(Event::Introduced));
        events.extend(event.fixed.clone().map(Event::Fixed));
        events.extend(event.last_affected.clone().map(Event::LastAffected));
        events.extend(event.limit.clone().map(Event::Limit));
        if events.len() == before {
            return Err("an event is empty".to_owned());
        }
    }
    Ok(events)
}

fn canonical_versions(ecosystem: Ecosystem, written: &[String]) -> Vec<String> {
    let canonical = |text: &String| {
        Version::parse(ecosystem, text).map_or_else(|_| text.trim().to_owned(), |version| version.canonical())
    };
    let mut versions: Vec<_> = written.iter().map(canonical).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}

/// Functions of RustSec, and imports of Go and Python, as one path each.
fn symbols_of(specific: &Value) -> Vec<String> {
    let texts = |value: Option<&Value>| -> Vec<String> {
        let texts = value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    };
    let mut symbols = texts(specific.pointer("/affects/functions"));
    for import in specific.get("imports").and_then(Value::as_array).into_iter().flatten() {
        let names = texts(import.get("symbols"));
        let attribute = import.get("attribute").and_then(Value::as_str);
        let mut paths = texts(import.get("modules"));
        paths.extend(import.get("path").and_then(Value::as_str).map(str::to_owned));
        for path in paths {
            if names.is_empty() && attribute.is_none() {
                symbols.push(path.clone());
            }
            let inside = names.iter().map(String::as_str).chain(attribute);
            symbols.extend(inside.map(|name| format!("{path}.{name}")));
        }
    }
    symbols.sort_unstable();
    symbols.dedup();
    symbols
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"
id: PYSEC-1
modified: "2024-01-02T00:00:00Z"
aliases: [CVE-1]
new_field: {a: [1]}
details: |

  # Something is wrong
  More of it.
severity:
- type: CVSS_V3
  score: CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H
affected:
- package: {ecosystem: PyPI, name: Foo_Bar}
  ranges:
  - type: GIT
    events: [{introduced: "0"}]
  - type: ECOSYSTEM
    events: [{introduced: "0"}, {fixed: 3.10}]
  versions: [1.0, 1.10, 2]
  ecosystem_specific: {imports: [{attribute: run, modules: [foo.bar]}]}
- package: {ecosystem: "Debian:12", name: foo}
"#;

    #[test]
    fn plain_scalars_stay_text() {
        let read = read_yaml(RECORD.as_bytes()).unwrap();
        let (name, advisory) = &read.advisories[0];
        assert_eq!(name.purl(), "pkg:pypi/foo-bar");
        assert_eq!(advisory.ranges, [[Event::Introduced("0".into()), Event::Fixed("3.10".into())]]);
        assert_eq!(advisory.versions, ["1", "1.10", "2"]);
        assert_eq!(
            (advisory.severity, advisory.summary.as_str()),
            (Some(Severity::Critical), "Something is wrong")
        );
        assert_eq!(
            (advisory.symbols.as_slice(), read.others.as_slice()),
            (&["foo.bar.run".into()][..], &["Debian:12".into()][..])
        );
    }

    fn json(affected: &str) -> Read {
        let package = r#""package": {"ecosystem": "npm", "name": "a"}"#;
        read_json(
            format!(r#"{{"id": "GHSA-1", "aliases": null, "affected": [{{{package}, {affected}}}]}}"#)
                .as_bytes(),
        )
        .unwrap()
    }

    #[test]
    fn broken_ranges_cost_only_themselves() {
        let read =
            json(r#""ranges": [{"type": "SEMVER", "events": [{}]}, {"events": [{"introduced": "1.0.0"}]}]"#);
        assert_eq!(read.advisories[0].1.ranges, [[Event::Introduced("1.0.0".into())]]);
        let about = Some(vec!["pkg:npm/a".to_owned()]);
        assert_eq!(read.refused, [Refused { reason: "a range of `a`: an event is empty".to_owned(), about }]);
        let read = json(r#""ranges": [{"events": [{"introduced": "x"}]}], "versions": ["1.0.0"]"#);
        assert_eq!((read.advisories.len(), read.refused.len()), (1, 1));
        let read = json(r#""ranges": [{"type": "SEMVER", "events": [{"fixed": "1.0.0"}]}]"#);
        assert_eq!((read.advisories.len(), read.refused.len()), (0, 2));
    }

    #[test]
    fn no_record_is_an_error() {
        for text in ["", "[]", "{}", r#"{"id": 5}"#, r#"{"id": "A", "affected": 3}"#, "{\"id\": \"\u{fffd}"] {
            assert!(read_json(text.as_bytes()).is_err(), "{text}");
        }
        assert!(read_yaml(b"id: [").is_err() && read_yaml(b"\xff\xfe").is_err());
    }

    #[test]
    fn no_record_still_names_its_packages() {
        let json = r#"{"id": 5, "affected": [{"package": {"ecosystem": "npm", "name": "a"}}]}"#;
        let yaml = "id: [1]\naffected:\n- package: {ecosystem: PyPI, name: B}\n";
        assert_eq!(read_json(json.as_bytes()).unwrap_err().about, Some(vec!["pkg:npm/a".to_owned()]));
        assert_eq!(read_yaml(yaml.as_bytes()).unwrap_err().about, Some(vec!["pkg:pypi/b".to_owned()]));
        assert_eq!(read_json(&json.as_bytes()[..json.len() - 1]).unwrap_err().about, None);
        let withdrawn =
            r#"{"id": "A", "withdrawn": "2024-01-01T00:00:00Z", "affected": [{"package": null}]}"#;
        assert_eq!(read_json(withdrawn.as_bytes()).unwrap().refused[0].about, Some(Vec::new()));
    }

    #[test]
    fn words_are_a_second_choice() {
        let malware = r#"{"id": "GHSA-1", "database_specific": {"cwe_ids": ["CWE-506"]}, "affected": [{"package":
            {"ecosystem": "npm", "name": "a"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#;
        let (_, advisory) = read_json(malware.as_bytes()).unwrap().advisories.remove(0);
        assert_eq!(advisory.kind, Kind::Malicious);
        let text = r#"{"id": "MAL-1", "database_specific": {"severity": "HIGH"}, "affected": [{"package":
            {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#;
        let advisory = &read_json(text.as_bytes()).unwrap().advisories[0].1;
        assert_eq!((advisory.severity, advisory.kind), (Some(Severity::High), Kind::Malicious));
    }
}
