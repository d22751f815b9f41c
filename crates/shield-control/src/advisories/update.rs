//! Makes an index of advisories and puts it in the place of the one before, as a whole or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use shield_audit::{
    advisories::{Builder, Index, Summary, read_archive, read_source},
    dependencies::Ecosystem,
};
use shield_types::Sha256Digest;

use super::{
    download::{Client, DownloadError},
    error::UpdateAdvisoriesError,
};
use crate::durable::{StateFileError, create_private_directory, replace_shared};

/// Where OSV offers its dumps, and the variable that names another place with the same layout.
const OSV: &str = "https://osv-vulnerabilities.storage.googleapis.com";
pub(super) const OSV_VARIABLE: &str = "SHIELD_OSV_URL";

/// Where advisories come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdvisorySource {
    /// Directories and archives on the disk: dumps of OSV, checkouts of its or RustSec's databases.
    Paths(Vec<PathBuf>),
    /// `ECOSYSTEM/all.zip` of every ecosystem that is understood, below this URL.
    Url(String),
}

/// How an update goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateProgress<'a> {
    /// So much of an archive is here.
    Fetching {
        /// Of which ecosystem.
        ecosystem: Ecosystem,
        /// So many bytes.
        bytes: u64,
        /// Of so many, if the server says.
        all: Option<u64>,
    },
    /// Records are read.
    Reading {
        /// From where.
        from: &'a str,
    },
    /// The index is made and written.
    Writing,
}

/// An index that is in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// Where.
    pub path: PathBuf,
    /// What went in.
    pub summary: Summary,
    /// What reports name it by.
    pub digest: Sha256Digest,
    /// How large it is.
    pub bytes: u64,
}

// === impl AdvisorySource ===

impl AdvisorySource {
    /// The dumps of OSV, or those at `SHIELD_OSV_URL`.
    #[must_use]
    pub fn osv() -> Self {
        let url = std::env::var(OSV_VARIABLE).ok().filter(|url| !url.is_empty());
        Self::Url(url.unwrap_or_else(|| OSV.to_owned()))
    }
}

/// Makes an index of what `source` has, and puts it at `path`. What cannot be understood is quarantined in its summary. After an
/// error, and after a crash at any moment, what was at `path` before is there still.
///
/// # Errors
/// If a source cannot be read or fetched, has nothing, or has half of what was known or less (fetched ones only: what somebody
/// names is what they want), and if the index cannot be written.
pub fn update_advisories(
    source: &AdvisorySource,
    path: &Path,
    tell: &dyn Fn(UpdateProgress<'_>),
) -> Result<Updated, UpdateAdvisoriesError> {
    let mut builder = Builder::new();
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    create_private_directory(directory)?;
    match source {
        AdvisorySource::Paths(paths) => {
            for path in paths {
                tell(UpdateProgress::Reading { from: &path.to_string_lossy() });
                read_source(&mut builder, path)?;
            }
        }
        AdvisorySource::Url(base) => fetch(base, directory, &mut builder, tell)?,
    }
    tell(UpdateProgress::Writing);
    let index = builder.finish();
    match source {
        AdvisorySource::Paths(paths) => something(paths, index.summary())?,
        AdvisorySource::Url(_) => no_less(&known(path), index.summary())?,
    }
    replace_shared(path, index.bytes())?;
    let (summary, digest) = (index.summary().clone(), index.digest());
    Ok(Updated { path: path.to_owned(), summary, digest, bytes: index.bytes().len() as u64 })
}

fn fetch(
    base: &str,
    directory: &Path,
    builder: &mut Builder,
    tell: &dyn Fn(UpdateProgress<'_>),
) -> Result<(), UpdateAdvisoriesError> {
    if !["https://", "http://"].iter().any(|scheme| base.starts_with(scheme)) {
        return Err(UpdateAdvisoriesError::Url { url: base.to_owned() });
    }
    let base = base.trim_end_matches('/');
    let failed = |source| UpdateAdvisoriesError::Download { url: base.to_owned(), source };
    let client = Client::of(base).map_err(failed)?;
    for ecosystem in Ecosystem::ALL {
        let name = ecosystem.osv_name();
        let url = format!("{base}/{name}/all.zip");
        let told = |bytes, all| tell(UpdateProgress::Fetching { ecosystem, bytes, all });
        let archive = match client.fetch(&url, directory, &told) {
            Ok(archive) => archive,
            Err(DownloadError::Keep { source, .. }) => return Err(unkept(directory, source).into()),
            Err(source) => return Err(UpdateAdvisoriesError::Download { url, source }),
        };
        tell(UpdateProgress::Reading { from: name });
        read_archive(builder, name, archive)
            .map_err(|source| UpdateAdvisoriesError::Garbage { url, source })?;
    }
    Ok(())
}

fn unkept(directory: &Path, source: io::Error) -> StateFileError {
    StateFileError { action: "keep what was fetched in", path: directory.to_owned(), source }
}

/// An index of nothing would make every audit say that nothing is wrong.
fn something(sources: &[PathBuf], summary: &Summary) -> Result<(), UpdateAdvisoriesError> {
    if !summary.coverage.is_empty() {
        return Ok(());
    }
    let sources: Vec<_> = sources.iter().map(|path| format!("`{}`", path.display())).collect();
    let ecosystems = Ecosystem::ALL.map(Ecosystem::osv_name).join(", ");
    Err(UpdateAdvisoriesError::Nothing { sources: sources.join(", "), records: summary.records, ecosystems })
}

/// Every ecosystem is there, with more than half of what was known of it.
fn no_less(before: &Summary, now: &Summary) -> Result<(), UpdateAdvisoriesError> {
    let count = |summary: &Summary, ecosystem| summary.coverage.get(&ecosystem).map_or(0, |of| of.advisories);
    for ecosystem in Ecosystem::ALL {
        let (before, now) = (count(before, ecosystem), count(now, ecosystem));
        if now == 0 || now.saturating_mul(2) <= before {
            return Err(UpdateAdvisoriesError::Shrunk { ecosystem: ecosystem.osv_name(), before, now });
        }
    }
    Ok(())
}

/// What the index at `path` knows. One that is damaged knows nothing: it is about to be replaced.
fn known(path: &Path) -> Summary {
    let index = fs::read(path).ok().and_then(|bytes| Index::open(bytes).ok());
    index.map(|index| index.summary().clone()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shield_audit::advisories::Coverage;

    use super::*;

    fn summary(counts: [u64; 4]) -> Summary {
        let coverage = Ecosystem::ALL.into_iter().zip(counts).filter(|(_, advisories)| *advisories > 0);
        let coverage: BTreeMap<_, _> = coverage
            .map(|(ecosystem, advisories)| (ecosystem, Coverage { advisories, ..Coverage::default() }))
            .collect();
        Summary { coverage, ..Summary::default() }
    }

    #[test]
    fn half_of_what_was_known_is_too_little() {
        let before = summary([10, 1, 4, 7]);
        for now in [[10, 1, 4, 7], [6, 1, 3, 4], [100, 100, 100, 100]] {
            assert!(no_less(&before, &summary(now)).is_ok(), "{now:?}");
        }
        for now in [[5, 1, 4, 7], [10, 0, 4, 7], [10, 1, 2, 7], [10, 1, 4, 3]] {
            assert!(no_less(&before, &summary(now)).is_err(), "{now:?}");
        }
    }

    #[test]
    fn first_index_needs_every_ecosystem() {
        assert!(no_less(&Summary::default(), &summary([1, 1, 1, 1])).is_ok());
        assert!(no_less(&Summary::default(), &summary([1, 1, 1, 0])).is_err());
    }

    #[test]
    fn damaged_index_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("advisories");
        assert_eq!(known(&path), Summary::default());
        fs::write(&path, "nonsense").unwrap();
        assert_eq!(known(&path), Summary::default());
        fs::write(directory.path().join("A-1.json"), RECORD).unwrap();
        let from = AdvisorySource::Paths(vec![directory.path().join("A-1.json")]);
        assert!(update_advisories(&from, &path, &|_| ()).is_err(), "a record alone is no archive");
        let from = AdvisorySource::Paths(vec![directory.path().to_owned()]);
        let updated = update_advisories(&from, &path, &|_| ()).unwrap();
        assert_eq!(known(&path), updated.summary);
        assert_eq!(updated.bytes, fs::metadata(&path).unwrap().len());
    }

    const RECORD: &str = r#"{"id": "A-1", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#;
}
