//! A directory of installed packages: what is in it, and which file belongs to what.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    super::{Manifest, Origin, Package, PackageName, Requirement, SourceKind, Unread, read_manifest},
    metadata::{RecordedFile, read_record},
};
use crate::{
    finding::Place,
    tree::{REGULAR_BYTES_MAX, read_regular},
};

/// One installed distribution.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// What it is.
    pub package: Package,
    /// What it asks for.
    pub requirements: Vec<Requirement>,
    /// What it installed.
    pub files: Vec<RecordedFile>,
}

/// All that is installed in one directory.
#[derive(Debug, Default)]
pub struct Environment {
    /// In order of their names.
    pub distributions: Vec<Distribution>,
    /// What could not be read.
    pub unread: Vec<Unread>,
    owners: BTreeMap<String, Vec<usize>>,
}

/// A directory that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("read installed packages in `{}`", path.display())]
pub struct ReadEnvironmentError {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Reads a directory of packages (`site-packages`): every `*.dist-info`, and every `*.egg-info` without a record of files.
///
/// # Errors
/// The directory cannot be listed. What is in it and cannot be read is in [`Environment::unread`].
pub fn read_environment(path: &Path) -> Result<Environment, ReadEnvironmentError> {
    let failed = |source| ReadEnvironmentError { path: path.to_owned(), source };
    let entries = fs::read_dir(path).map_err(failed)?.collect::<Result<Vec<_>, _>>().map_err(failed)?;
    let mut names: Vec<_> =
        entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let mut environment = Environment::default();
    for name in names {
        let metadata = match name.rsplit_once('.') {
            Some((_, "dist-info")) => "METADATA",
            Some((_, "egg-info")) if path.join(&name).is_dir() => "PKG-INFO",
            _ => continue,
        };
        environment.read_distribution(path, &name, metadata);
    }
    environment.number_files();
    Ok(environment)
}

// === impl Environment ===

impl Environment {
    /// The distributions that say a file is theirs; none if nobody does. The path is relative to the directory of packages.
    pub fn owners(&self, path: &str) -> impl Iterator<Item = &Distribution> {
        let numbers = self.owners.get(path).map(Vec::as_slice).unwrap_or_default();
        numbers.iter().filter_map(|number| self.distributions.get(*number))
    }

    /// The distribution of a name.
    #[must_use]
    pub fn distribution(&self, name: &PackageName) -> Option<&Distribution> {
        self.distributions.iter().find(|one| one.package.name == *name)
    }

    fn read_distribution(&mut self, path: &Path, directory: &str, metadata: &str) {
        let file = format!("{directory}/{metadata}");
        let Some(bytes) = self.read_file(path, &file) else { return };
        let Manifest { mut packages, requirements, unread, .. } =
            read_manifest(SourceKind::Installed, &file, &bytes);
        self.unread.extend(unread);
        let Some(mut package) = packages.pop() else { return };
        if let Some(origin) = self.direct_origin(path, directory) {
            package.origin = origin;
        }
        let mut files = Vec::new();
        if metadata == "METADATA" {
            let record = format!("{directory}/RECORD");
            if let Some(bytes) = self.read_file(path, &record) {
                let (recorded, unread) = read_record(&record, &String::from_utf8_lossy(&bytes));
                files = recorded;
                self.unread.extend(unread);
            }
        }
        self.distributions.push(Distribution { package, requirements, files });
    }

    /// What PEP 610 says of a distribution that no registry gave.
    fn direct_origin(&mut self, path: &Path, directory: &str) -> Option<Origin> {
        let file = format!("{directory}/direct_url.json");
        let bytes = read_regular(&path.join(&file), REGULAR_BYTES_MAX).ok()?;
        match serde_json::from_slice::<serde_json::Value>(&bytes) {
            Ok(value) => Some(Origin::Elsewhere(value.get("url")?.as_str()?.to_owned())),
            Err(error) => {
                self.refuse(file, error.to_string());
                None
            }
        }
    }

    fn read_file(&mut self, path: &Path, file: &str) -> Option<Vec<u8>> {
        match read_regular(&path.join(file), REGULAR_BYTES_MAX) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.refuse(file.to_owned(), error.to_string());
                None
            }
        }
    }

    fn refuse(&mut self, file: String, reason: String) {
        self.unread.push(Unread { place: Place { file, span: None }, reason });
    }

    fn number_files(&mut self) {
        self.distributions.sort_by(|one, other| one.package.name.cmp(&other.package.name));
        for (number, distribution) in self.distributions.iter().enumerate() {
            for file in &distribution.files {
                self.owners.entry(file.path.clone()).or_default().push(number);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(directory: &Path, file: &str, text: &str) {
        let path = directory.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn every_file_has_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        write(path, "foo-1.dist-info/METADATA", "Name: foo\nVersion: 1\n\n");
        write(path, "foo-1.dist-info/RECORD", "foo/a.py,,\nshared.py,,\n");
        write(path, "bar-2.dist-info/METADATA", "Name: bar\nVersion: 2\n\n");
        write(path, "bar-2.dist-info/RECORD", "shared.py,,\n");
        write(path, "bar-2.dist-info/direct_url.json", "{\"url\": \"file:///x\", \"dir_info\": {}}");
        write(path, "old.egg-info/PKG-INFO", "Name: old\nVersion: 3\n\n");
        write(path, "empty-1.dist-info/METADATA", "");
        write(path, "foo/a.py", "");
        let environment = read_environment(path).unwrap();
        let owners = |file| environment.owners(file).map(|one| one.package.name.name()).collect::<Vec<_>>();
        assert_eq!(
            (owners("foo/a.py"), owners("shared.py"), owners("x.py")),
            (vec!["foo"], vec!["bar", "foo"], vec![])
        );
        let bar =
            environment.distribution(&PackageName::new(crate::dependencies::Ecosystem::PyPi, "bar")).unwrap();
        assert_eq!(bar.package.origin, Origin::Elsewhere("file:///x".to_owned()));
        assert_eq!((environment.distributions.len(), environment.unread.len()), (3, 1));
        assert!(read_environment(&path.join("none")).is_err());
    }
}
