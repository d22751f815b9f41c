//! From file to resolved manifest.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use shield_types::settings::{DOCUMENT_BYTES_MAX, Mistakes, Reader, Refusal, Table};

use super::{audit, bench, drill, edge, model::Manifest, release, service, stages};

/// Name of the file that describes a service.
pub const FILE_NAME: &str = "shield.toml";

/// The format that this version reads and writes.
pub const FORMAT: i64 = 1;

/// Why a `shield.toml` could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadManifestError {
    /// No such file.
    #[error("find `{path}`")]
    Missing {
        /// Where it was looked for.
        path: String,
    },
    /// The operating system refused.
    #[error("read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// Bytes that are not UTF-8.
    #[error("read `{path}` as text: line {line} holds bytes that are not UTF-8")]
    NotText {
        /// The file.
        path: String,
        /// The first such line.
        line: usize,
    },
    /// The file has mistakes.
    #[error("accept `{path}`, which has {count} mistake{}", if *count == 1 { "" } else { "s" })]
    Mistakes {
        /// The file.
        path: String,
        /// How many.
        count: usize,
        /// All of them.
        #[source]
        source: Mistakes,
    },
}

// === impl LoadManifestError ===

impl LoadManifestError {
    /// What to do next, in the imperative.
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Missing { .. } => {
                vec!["run `shield init` to write one, or go to the directory that has one".to_owned()]
            }
            Self::Read { .. } | Self::NotText { .. } => Vec::new(),
            Self::Mistakes { .. } => vec!["see docs/shield-toml.md for every key".to_owned()],
        }
    }
}

// === impl Manifest ===

impl Manifest {
    /// Reads and resolves the file at `path`.
    pub fn load(path: &Path) -> Result<Self, LoadManifestError> {
        let shown = path.display().to_string();
        let bytes = read_bounded(path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => LoadManifestError::Missing { path: shown.clone() },
            _ => LoadManifestError::Read { path: shown.clone(), source },
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = valid.iter().filter(|byte| **byte == b'\n').count() + 1;
            LoadManifestError::NotText { path: shown.clone(), line }
        })?;
        Self::parse(&text, &shown).map_err(|source| LoadManifestError::Mistakes {
            count: source.list().len(),
            path: shown,
            source,
        })
    }

    /// Resolves `text`; `file_name` is what mistakes call it.
    pub fn parse(text: &str, file_name: &str) -> Result<Self, Mistakes> {
        let reader = Reader::new(text, file_name);
        if !format_is_known(&reader.root()) {
            return Err(reader.stop());
        }
        let manifest = resolve(&reader.root());
        reader.finish()?;
        Ok(manifest.expect("a value is withheld only together with a mistake"))
    }
}

/// One byte more than a document may have, so that a longer one is noticed and still not read to its end. A pipe is not
/// opened: that would wait for a writer.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let kind = fs::metadata(path)?.file_type();
    if !kind.is_file() && !kind.is_dir() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    let bytes_max = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    File::open(path)?.take(bytes_max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// False when the file says that another format's rules apply: judging it by ours would only mislead.
pub(crate) fn format_is_known(root: &Table<'_>) -> bool {
    let format = root.any_integer("format", "`1`").required();
    let Some(number) = format.value().copied().filter(|number| *number != FORMAT) else {
        return true;
    };
    let version = env!("CARGO_PKG_VERSION");
    let reader = match number > FORMAT {
        true => format!("a newer shield reads format {number}"),
        false => "no shield ever read it".to_owned(),
    };
    let problem = format!("not a format that shield {version} reads; {reader}");
    format.mistaken(Refusal::new(problem, format!("`{FORMAT}`")));
    false
}

pub(crate) fn resolve(root: &Table<'_>) -> Option<Manifest> {
    let name = root.parse("name", "a name", "1 to 63 of a-z, 0-9 and `-`, starting with a letter").required();
    let service = service::read(&root.table("service"));
    let stages = stages::read(&root.table("stage"));
    let release = release::read(&root.table("release"));
    let edge = edge::read(&root.table("edge"));
    let drill = drill::read(&root.table("drill"));
    let bench = bench::read(&root.table("bench"));
    let audit = audit::read(&root.table("audit"));
    if let Some((stages, drill)) = stages.as_ref().zip(drill.as_ref()) {
        drill::check_stage(stages, drill, &root.table("stage").table("drill"));
    }
    if let Some((stages, bench)) = stages.as_ref().zip(bench.as_ref()) {
        bench::check_stage(stages, bench.as_ref(), &root.table("stage").table("bench"));
    }
    if let Some((service, release)) = service.as_ref().zip(release.as_ref()) {
        release.check_probe(&service.ready);
    }
    Some(Manifest {
        name: name.take()?,
        service: service?,
        stages: stages?,
        release: release?.settings,
        edge: edge?,
        drill: drill?,
        bench: bench?,
        audit: audit?,
    })
}
