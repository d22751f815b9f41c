//! The file of an index: read in one go, searched without decoding what was not asked for.
//!
//! ```text
//! "shield-advisories 1\n"
//! length of the summary, number of packages, length of all names    three u32
//! summary                                                           JSON
//! one entry a package: end of its name, end of its advisories       u32, u64; counted from the start of the names, and behind them
//! names: purls, ascending
//! advisories: one JSON array a package
//! SHA-256 of all before
//! ```
//! All numbers are big-endian. The digest at the end finds damage; it is also what answers name the database by.

use std::{collections::BTreeMap, ops::Range};

use shield_types::Sha256Digest;

use super::Summary;
use crate::{advisories::Advisory, dependencies::PackageName};

const MAGIC: &[u8] = b"shield-advisories 1\n";
const HEAD: usize = MAGIC.len() + 12;
const ENTRY: usize = 12;
const DIGEST: usize = 32;

/// An index in memory.
#[derive(Debug)]
pub struct Index {
    bytes: Vec<u8>,
    summary: Summary,
    digest: Sha256Digest,
    packages: usize,
    /// Where entries, names and advisories begin.
    entries: usize,
    names: usize,
    bodies: usize,
}

/// Bytes that are no index.
#[derive(Debug, thiserror::Error)]
pub enum OpenIndexError {
    /// Something else, or of another version.
    #[error("open index of advisories: it does not begin with `shield-advisories 1`")]
    Foreign,
    /// Cut or changed.
    #[error("open index of advisories: its digest is `{found}`, `{written}` is written at its end")]
    Damaged {
        /// Of what is there.
        found: Sha256Digest,
        /// Of what was written.
        written: Sha256Digest,
    },
    /// Its parts do not fit together.
    #[error("open index of advisories: its {part} end outside of the file")]
    Shape {
        /// Which part.
        part: &'static str,
    },
    /// Its summary is none.
    #[error("open index of advisories: its summary")]
    Summary(#[source] serde_json::Error),
}

/// Advisories of a package that are none.
#[derive(Debug, thiserror::Error)]
#[error("look up advisories of `{package}`")]
pub struct LookUpError {
    /// Of which package.
    pub package: String,
    /// What is wrong with them.
    #[source]
    pub source: serde_json::Error,
}

// === impl Index ===

impl Index {
    /// Opens what [`Self::bytes`] gave.
    ///
    /// # Errors
    /// It is none, or not as it was written.
    pub fn open(bytes: Vec<u8>) -> Result<Self, OpenIndexError> {
        if !bytes.starts_with(MAGIC) {
            return Err(OpenIndexError::Foreign);
        }
        let shape = |part| OpenIndexError::Shape { part };
        let (content, written) = bytes.split_last_chunk::<DIGEST>().ok_or(shape("digest"))?;
        let (found, written) = (Sha256Digest::of(content), Sha256Digest::from_bytes(*written));
        if found != written {
            return Err(OpenIndexError::Damaged { found, written });
        }
        let number = |place| u32_at(content, MAGIC.len() + place).map(|number| number as usize);
        let (summary_bytes, packages, names_bytes) =
            (number(0), number(4), number(8)).all().ok_or(shape("lengths"))?;
        let entries = HEAD.saturating_add(summary_bytes);
        let names = entries.saturating_add(packages.saturating_mul(ENTRY));
        let bodies = names.saturating_add(names_bytes);
        let summary = content.get(HEAD..entries).ok_or(shape("summary"))?;
        let summary = serde_json::from_slice(summary).map_err(OpenIndexError::Summary)?;
        content.get(bodies..).ok_or(shape("names"))?;
        Ok(Self { summary, digest: found, packages, entries, names, bodies, bytes })
    }

    /// The file, to be written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What is in it.
    #[must_use]
    pub const fn summary(&self) -> &Summary {
        &self.summary
    }

    /// What names exactly this index in a report.
    #[must_use]
    pub const fn digest(&self) -> Sha256Digest {
        self.digest
    }

    /// The advisories of a package, in order of their ids; none if none is known, which is no statement about a package whose
    /// ecosystem the [`Summary`] does not cover.
    ///
    /// # Errors
    /// They cannot be decoded.
    pub fn look_up(&self, package: &PackageName) -> Result<Vec<Advisory>, LookUpError> {
        let purl = package.purl();
        self.find(&purl).map_or(Ok(Vec::new()), |place| self.decode(place, &purl))
    }

    /// The purls of all packages that have an advisory, ascending.
    pub fn purls(&self) -> impl Iterator<Item = &str> {
        (0..self.packages).filter_map(|place| std::str::from_utf8(self.name(place)?).ok())
    }

    pub(super) fn encode(summary: &Summary, packages: &BTreeMap<PackageName, Vec<Advisory>>) -> Self {
        let mut by_purl: Vec<_> =
            packages.iter().map(|(name, advisories)| (name.purl(), advisories)).collect();
        by_purl.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        let (mut entries, mut names, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
        for (purl, advisories) in &by_purl {
            names.extend_from_slice(purl.as_bytes());
            serde_json::to_writer(&mut bodies, advisories)
                .expect("advisories are text, and memory takes all bytes");
            entries.extend_from_slice(&length(names.len()).to_be_bytes());
            entries.extend_from_slice(&(bodies.len() as u64).to_be_bytes());
        }
        let summary_text = serde_json::to_vec(summary).expect("a summary is text and numbers");
        let mut bytes = MAGIC.to_vec();
        for number in [summary_text.len(), by_purl.len(), names.len()] {
            bytes.extend_from_slice(&length(number).to_be_bytes());
        }
        for part in [&summary_text, &entries, &names, &bodies] {
            bytes.extend_from_slice(part);
        }
        let digest = Sha256Digest::of(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        let entries = HEAD + summary_text.len();
        let names_start = entries + by_purl.len() * ENTRY;
        let bodies = names_start + names.len();
        let summary = summary.clone();
        Self { bytes, summary, digest, packages: by_purl.len(), entries, names: names_start, bodies }
    }

    fn find(&self, purl: &str) -> Option<usize> {
        let (mut low, mut high) = (0, self.packages);
        while low < high {
            let middle = low.midpoint(high);
            match self.name(middle)?.cmp(purl.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => return Some(middle),
            }
        }
        None
    }

    fn decode(&self, place: usize, purl: &str) -> Result<Vec<Advisory>, LookUpError> {
        let (_, body) = self.ranges(place).unwrap_or_default();
        let text = self.bytes.get(body).unwrap_or_default();
        serde_json::from_slice(text).map_err(|source| LookUpError { package: purl.to_owned(), source })
    }

    fn name(&self, place: usize) -> Option<&[u8]> {
        self.bytes.get(self.ranges(place)?.0)
    }

    /// Where the name and the advisories of a package are: from where those of the one before end.
    fn ranges(&self, place: usize) -> Option<(Range<usize>, Range<usize>)> {
        let ends = |place: usize| {
            let entry = self.entries + place * ENTRY;
            let name = u32_at(&self.bytes, entry)? as usize;
            let body =
                usize::try_from(u64::from_be_bytes(*self.bytes.get(entry + 4..)?.first_chunk()?)).ok()?;
            Some((self.names.checked_add(name)?, self.bodies.checked_add(body)?))
        };
        let (name_start, body_start) = match place.checked_sub(1) {
            Some(before) => ends(before)?,
            None => (self.names, self.bodies),
        };
        let (name_end, body_end) = ends(place)?;
        Some((name_start..name_end, body_start..body_end))
    }
}

fn u32_at(bytes: &[u8], place: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(place..)?.first_chunk()?))
}

fn length(bytes: usize) -> u32 {
    u32::try_from(bytes)
        .expect("names and a summary of four gigabytes do not fit into memory with their records")
}

/// All of several values, or none.
trait All {
    type Whole;

    fn all(self) -> Option<Self::Whole>;
}

impl<A, B, C> All for (Option<A>, Option<B>, Option<C>) {
    type Whole = (A, B, C);

    fn all(self) -> Option<Self::Whole> {
        Some((self.0?, self.1?, self.2?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        advisories::{Event, advisory::tests::advisory},
        dependencies::Ecosystem,
    };

    fn index(count: u32) -> Index {
        let events = [Event::Introduced("0".into())];
        let packages = (0..count).map(|number| {
            let name = PackageName::new(Ecosystem::PyPi, &format!("p{number}"));
            (name, vec![advisory(&format!("A-{number}"), &events, &[])])
        });
        Index::encode(&Summary::default(), &packages.collect())
    }

    #[test]
    fn every_package_is_found() {
        for count in [0, 1, 2, 3, 100] {
            let index = Index::open(index(count).bytes().to_vec()).unwrap();
            for number in 0..count {
                let found = index.look_up(&PackageName::new(Ecosystem::PyPi, &format!("p{number}"))).unwrap();
                assert_eq!(found[0].id, format!("A-{number}"));
            }
            for absent in ["p", "a", "z", "p1x"] {
                assert!(index.look_up(&PackageName::new(Ecosystem::PyPi, absent)).unwrap().is_empty());
            }
            assert!(index.look_up(&PackageName::new(Ecosystem::Npm, "p1")).unwrap().is_empty());
            assert_eq!(index.purls().count(), count as usize);
        }
    }

    #[test]
    fn damage_is_found_anywhere() {
        let whole = index(3).bytes().to_vec();
        for place in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert!(Index::open(damaged).is_err(), "{place}");
            assert!(Index::open(whole[..place].to_vec()).is_err(), "{place}");
        }
    }

    #[test]
    fn lengths_outside_are_refused() {
        for place in 0..3 {
            let mut bytes = index(3).bytes().to_vec();
            let at = MAGIC.len() + 4 * place;
            bytes[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
            let end = bytes.len() - DIGEST;
            let digest = Sha256Digest::of(&bytes[..end]);
            bytes[end..].copy_from_slice(digest.as_bytes());
            assert!(Index::open(bytes).is_err(), "{place}");
        }
    }
}
