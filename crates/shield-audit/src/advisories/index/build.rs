//! Builds an index from records, one at a time and in any order: the same records give the same bytes.

use std::{
    collections::{BTreeMap, btree_map::Entry},
    mem,
};

use super::{Index, Quarantined, Summary};
use crate::{
    advisories::{
        Advisory,
        groups::Groups,
        osv::{self, Read},
        refused::Refused,
        rustsec,
    },
    dependencies::PackageName,
};

/// Bytes of one record that are read; the longest known has two million.
pub(super) const RECORD_BYTES_MAX: u64 = 16 << 20;

/// Collects records.
#[derive(Default)]
pub struct Builder {
    records: BTreeMap<String, Stored>,
    summary: Summary,
}

/// A record and where it was.
struct Stored {
    file: String,
    read: Read,
}

// === impl Builder ===

impl Builder {
    /// Nothing collected yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a file of a database: OSV in `.json`, `.yaml` and `.yml`, RustSec in `.md`. Whatever else it is, is counted as ignored;
    /// what should have been a record and is none, is quarantined.
    pub fn add(&mut self, file: &str, bytes: &[u8]) {
        let extension = file.rsplit_once('.').map_or("", |(_, extension)| extension);
        let read = match extension {
            "json" => osv::read_json(bytes),
            "yaml" | "yml" => osv::read_yaml(bytes),
            "md" => match std::str::from_utf8(bytes) {
                Ok(text) if rustsec::recognise(text) => rustsec::read(text, collection_of(file)),
                Ok(_) => return self.summary.ignored += 1,
                Err(error) => Err(Refused::of_any(error.to_string())),
            },
            _ => return self.summary.ignored += 1,
        };
        match read {
            Ok(read) => self.store(file, read),
            Err(refused) => self.quarantine(file, "", refused),
        }
    }

    /// Says that a file of the database could not be read.
    pub fn refuse(&mut self, file: &str, reason: String) {
        self.quarantine(file, "", Refused::of_any(reason));
    }

    fn quarantine(&mut self, file: &str, id: &str, refused: Refused) {
        let Refused { reason, about } = refused;
        let (file, id) = (file.to_owned(), id.to_owned());
        self.summary.quarantined.push(Quarantined { file, id, reason, about });
    }

    /// The index of all that was taken.
    #[must_use]
    pub fn finish(mut self) -> Index {
        let mut groups = Groups::default();
        for stored in self.records.values() {
            let names = &stored.read.names;
            // A withdrawn record keeps its own name and joins nothing.
            let withdrawn = stored.read.advisories.iter().any(|(_, advisory)| advisory.withdrawn.is_some());
            let kept = if withdrawn { names.get(..1).unwrap_or_default() } else { names };
            groups.join(kept.iter().map(String::as_str));
        }
        let groups = groups.finish();
        let mut packages: BTreeMap<PackageName, Vec<Advisory>> = BTreeMap::new();
        for (id, stored) in mem::take(&mut self.records) {
            self.summary.records += 1;
            for other in stored.read.others {
                *self.summary.others.entry(other).or_default() += 1;
            }
            for refused in stored.read.refused {
                self.quarantine(&stored.file, &id, refused);
            }
            for (name, mut advisory) in stored.read.advisories {
                let group = &groups[&advisory.id];
                advisory.vulnerability.clone_from(&group.name);
                advisory.aliases = group.names.iter().filter(|name| **name != advisory.id).cloned().collect();
                self.summary.coverage.entry(name.ecosystem()).or_default().count(&advisory.modified);
                packages.entry(name).or_default().push(advisory);
            }
        }
        for (name, advisories) in &mut packages {
            // Records come in order of their ids, but one may be about a package twice.
            advisories.sort_unstable();
            if let Some(coverage) = self.summary.coverage.get_mut(&name.ecosystem()) {
                coverage.packages += 1;
            }
        }
        self.summary.quarantined.sort_unstable();
        Index::encode(&self.summary, &packages)
    }

    fn store(&mut self, file: &str, read: Read) {
        let Some(id) = read.names.first().filter(|id| !id.is_empty()).cloned() else {
            return self.refuse(file, "the record has an empty `id`".to_owned());
        };
        let stored = Stored { file: file.to_owned(), read };
        match self.records.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(stored);
            }
            Entry::Occupied(mut entry) => {
                self.summary.repeated += 1;
                // Whichever came first, the same one stays.
                if stored.rank() > entry.get().rank() {
                    entry.insert(stored);
                }
            }
        }
    }
}

// === impl Stored ===

impl Stored {
    fn rank(&self) -> (&str, &str) {
        let modified = self.read.advisories.iter().map(|(_, advisory)| advisory.modified.as_str()).max();
        (modified.unwrap_or_default(), &self.file)
    }
}

/// RustSec keeps advisories about the compiler and its tools in a folder `rust`, those about crates in `crates`.
fn collection_of(file: &str) -> &'static str {
    if file.starts_with("rust/") || file.contains("/rust/") { "rust" } else { "crates" }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dependencies::Ecosystem;

    fn record(id: &str, package: &str, more: &str) -> (String, String) {
        let text = format!(
            r#"{{"id": "{id}", "modified": "2024-05-06T01:02:03Z", {more} "affected": [{{"package":
            {{"ecosystem": "PyPI", "name": "{package}"}}, "ranges": [{{"type": "ECOSYSTEM", "events":
            [{{"introduced": "0"}}, {{"fixed": "2"}}]}}]}}]}}"#
        );
        (format!("{package}/{id}.json"), text)
    }

    fn build(records: &[(String, String)]) -> Index {
        let mut builder = Builder::new();
        for (file, text) in records {
            builder.add(file, text.as_bytes());
        }
        builder.finish()
    }

    fn records() -> Vec<(String, String)> {
        vec![
            record("PYSEC-1", "a", r#""aliases": ["CVE-1"],"#),
            record("GHSA-1", "A", r#""aliases": ["CVE-1"],"#),
            record("GHSA-2", "b", r#""withdrawn": "2024-01-01T00:00:00Z", "aliases": ["CVE-1"],"#),
            ("c.json".to_owned(), "{\"id\": 7}".to_owned()),
            ("README.md".to_owned(), "# Read me".to_owned()),
        ]
    }

    #[test]
    fn one_vulnerability_has_one_name() {
        let index = build(&records());
        let of = |name| index.look_up(&PackageName::new(Ecosystem::PyPi, name)).unwrap();
        let names: Vec<_> =
            of("a").into_iter().map(|advisory| (advisory.id, advisory.vulnerability)).collect();
        assert_eq!(names, [("GHSA-1".into(), "CVE-1".into()), ("PYSEC-1".into(), "CVE-1".into())]);
        assert_eq!(of("b")[0].vulnerability, "GHSA-2");
        assert!(of("c").is_empty());
    }

    #[test]
    fn nothing_is_left_out() {
        let summary = build(&records()).summary().clone();
        assert_eq!((summary.records, summary.ignored, summary.quarantined.len()), (3, 1, 1));
        assert_eq!((summary.quarantined[0].file.as_str(), summary.repeated), ("c.json", 0));
        let coverage = &summary.coverage[&Ecosystem::PyPi];
        assert_eq!((coverage.packages, coverage.advisories, coverage.newest.as_str()), (2, 3, "2024-05-06"));
        assert!(!summary.coverage.contains_key(&Ecosystem::Npm));
    }

    #[test]
    fn newest_of_repeated_records_stays() {
        let (file, old) = record("PYSEC-1", "a", "");
        let newer = (format!("z/{file}"), old.replace("2024-05", "2024-06").replace("\"2\"", "\"3\""));
        let index = build(&[newer, (file, old)]);
        let advisories = index.look_up(&PackageName::new(Ecosystem::PyPi, "a")).unwrap();
        assert_eq!(advisories[0].fixed_versions(Ecosystem::PyPi)[0].1, "3");
        assert_eq!(index.summary().repeated, 1);
    }

    proptest! {
        #[test]
        fn order_of_files_is_free(order in Just((0..5).collect::<Vec<usize>>()).prop_shuffle()) {
            let records = records();
            let shuffled: Vec<_> = order.into_iter().map(|place| records[place].clone()).collect();
            let (one, other) = (build(&shuffled), build(&records));
            prop_assert_eq!(one.bytes(), other.bytes());
        }
    }
}
