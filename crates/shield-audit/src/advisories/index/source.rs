//! Reads databases: a directory of records, or an archive of them as OSV offers it (`all.zip`).
//!
//! Links are not followed, and no record is read beyond a limit: both are named as quarantined, as is what cannot be read.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read as _, Seek},
    path::{Path, PathBuf},
};

use shield_types::chain;
use zip::ZipArchive;

use super::{Builder, build::RECORD_BYTES_MAX};

/// A database that cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum ReadSourceError {
    /// Neither a directory nor a readable file.
    #[error("read database of advisories `{}`", path.display())]
    Path {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: io::Error,
    },
    /// A file that is no archive.
    #[error("read archive of advisories `{}`", path.display())]
    Archive {
        /// Where.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: zip::result::ZipError,
    },
}

/// Gives a builder all records of a database: every file below a directory, archives in it included, or one archive.
///
/// # Errors
/// The path itself cannot be read. What is in it and cannot be read is quarantined.
pub fn read_source(builder: &mut Builder, path: &Path) -> Result<(), ReadSourceError> {
    let failed = |source| ReadSourceError::Path { path: path.to_owned(), source };
    if fs::metadata(path).map_err(failed)?.is_dir() {
        return read_directory(builder, path, "").map_err(failed);
    }
    let file = File::open(path).map_err(failed)?;
    archive(builder, file, "").map_err(|source| ReadSourceError::Archive { path: path.to_owned(), source })
}

/// Gives a builder all records of an archive that is open already, in place of one at the path `name`; the names of its files
/// begin with it.
///
/// # Errors
/// It is no archive. What is in it and cannot be read is quarantined.
pub fn read_archive(
    builder: &mut Builder,
    name: &str,
    file: impl io::Read + Seek,
) -> Result<(), ReadSourceError> {
    archive(builder, file, &format!("{name}/"))
        .map_err(|source| ReadSourceError::Archive { path: PathBuf::from(name), source })
}

fn read_directory(builder: &mut Builder, directory: &Path, prefix: &str) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let file = format!("{prefix}{}", name.to_string_lossy());
        if name == ".git" {
            continue;
        }
        let result = entry.file_type().and_then(|kind| match kind {
            _ if kind.is_dir() => read_directory(builder, &entry.path(), &format!("{file}/")),
            _ if kind.is_file() => read_file(builder, &entry.path(), &file),
            _ => Err(io::Error::other("neither a file nor a directory; links are not followed")),
        });
        if let Err(error) = result {
            builder.refuse(&file, error.to_string());
        }
    }
    Ok(())
}

fn read_file(builder: &mut Builder, path: &Path, file: &str) -> io::Result<()> {
    let opened = File::open(path)?;
    if path.extension().is_some_and(|extension| extension == "zip") {
        return archive(builder, opened, &format!("{file}/")).map_err(io::Error::other);
    }
    builder.add(file, &read_bounded(opened)?);
    Ok(())
}

fn archive(builder: &mut Builder, file: impl io::Read + Seek, prefix: &str) -> zip::result::ZipResult<()> {
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    for place in 0..archive.len() {
        let entry = match archive.by_index(place) {
            Ok(entry) => entry,
            Err(error) => {
                builder.refuse(&format!("{prefix}entry {place}"), chain(&error));
                continue;
            }
        };
        if entry.is_dir() {
            continue;
        }
        let name = match entry.name() {
            Ok(name) => format!("{prefix}{name}"),
            Err(_) => format!("{prefix}entry {place}"),
        };
        match read_bounded(entry) {
            Ok(bytes) => builder.add(&name, &bytes),
            Err(error) => builder.refuse(&name, error.to_string()),
        }
    }
    Ok(())
}

fn read_bounded(from: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(RECORD_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > RECORD_BYTES_MAX {
        return Err(io::Error::other(format!("more than {RECORD_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;
    use crate::dependencies::{Ecosystem, PackageName};

    const RECORD: &str = r#"{"id": "A-1", "affected": [{"package": {"ecosystem": "npm", "name": "a"}, "versions": ["1.0.0"]}]}"#;

    fn two_records() -> Vec<u8> {
        let mut writer = ZipWriter::new(io::Cursor::new(Vec::new()));
        for (name, text) in [("A-1.json", RECORD), ("A-2.json", "{")] {
            writer.start_file(name, SimpleFileOptions::default()).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn directories_and_archives_are_one_source() {
        let directory = tempfile::tempdir().unwrap();
        let inside = directory.path().join("npm");
        fs::create_dir(&inside).unwrap();
        fs::write(inside.join("all.zip"), two_records()).unwrap();
        fs::write(inside.join("broken.zip"), b"PK").unwrap();
        fs::write(inside.join("B-1.json"), RECORD.replace("A-1", "B-1")).unwrap();
        std::os::unix::fs::symlink("/", inside.join("root")).unwrap();
        let mut builder = Builder::new();
        read_source(&mut builder, directory.path()).unwrap();
        let index = builder.finish();
        let ids: Vec<_> = index
            .look_up(&PackageName::new(Ecosystem::Npm, "a"))
            .unwrap()
            .into_iter()
            .map(|one| one.id)
            .collect();
        assert_eq!(ids, ["A-1", "B-1"]);
        let refused: Vec<_> = index.summary().quarantined.iter().map(|one| one.file.as_str()).collect();
        assert_eq!(refused, ["npm/all.zip/A-2.json", "npm/broken.zip", "npm/root"]);
    }

    #[test]
    fn endless_records_are_cut() {
        assert!(read_bounded(io::repeat(b' ')).is_err());
        assert_eq!(read_bounded(&b"{}"[..]).unwrap(), b"{}");
    }

    #[test]
    fn single_archives_are_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("all.zip");
        fs::write(&path, two_records()).unwrap();
        let mut builder = Builder::new();
        read_source(&mut builder, &path).unwrap();
        assert_eq!(builder.finish().summary().records, 1);
        assert!(read_source(&mut Builder::new(), &directory.path().join("none")).is_err());
    }

    #[test]
    fn open_archives_are_read_under_a_name() {
        let mut builder = Builder::new();
        read_archive(&mut builder, "npm", io::Cursor::new(two_records())).unwrap();
        let index = builder.finish();
        assert_eq!(index.summary().records, 1);
        assert_eq!(index.summary().quarantined[0].file, "npm/A-2.json");
        let error = read_archive(&mut Builder::new(), "npm", io::Cursor::new(b"PK")).unwrap_err();
        assert_eq!(error.to_string(), "read archive of advisories `npm`");
    }
}
