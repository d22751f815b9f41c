//! What is installed: `METADATA` (core metadata) and `RECORD` (which file belongs to it) of a distribution.

use super::requirement::{Context, parse};
use crate::{
    dependencies::{Ecosystem, Manifest, Origin, Package, PackageName, SourceKind, Unread},
    finding::{Place, Span},
};

/// A file that a distribution installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedFile {
    /// Relative to the directory of packages, `/` between names.
    pub path: String,
    /// `sha256=…` as written; none of the record itself and of compiled files.
    pub hash: Option<String>,
}

/// Reads `METADATA`. Its requirements are those of the distribution, for the extra that their marker names.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::Installed, file.to_owned());
    let whole = Place { file: file.to_owned(), span: None };
    let (mut name, mut version) = (None, None);
    let mut licences = Licences::default();
    for (line, key, value) in headers(text) {
        match key.to_ascii_lowercase().as_str() {
            "name" => name = Some(value.clone()),
            "version" => version = Some(value.clone()),
            "license-expression" => licences.expression = Some(value.clone()),
            "license" => licences.text = Some(value.clone()),
            "classifier" if value.starts_with("License ::") => licences.classifiers.push(value.clone()),
            "requires-dist" => {
                let span = Span { line, column: 1, end_line: line, end_column: 1 };
                let place = Place { file: file.to_owned(), span: Some(span) };
                let group = extra_of(&value);
                match parse(&value, Context { place: place.clone(), group }) {
                    Ok(requirement) => manifest.requirements.push(requirement),
                    Err(reason) => manifest.refuse(place, reason),
                }
            }
            _ => {}
        }
    }
    match (name, version) {
        (Some(name), Some(version)) => manifest.packages.push(Package {
            name: PackageName::new(Ecosystem::PyPi, &name),
            version,
            origin: Origin::Registry,
            licence: licences.best(),
            hashes: Vec::new(),
            place: whole,
        }),
        _ => manifest.refuse(whole, "it has no `Name` or no `Version`"),
    }
    manifest
}

/// Reads `RECORD`: the files of a distribution, and what of it could not be read.
#[must_use]
pub fn read_record(file: &str, text: &str) -> (Vec<RecordedFile>, Vec<Unread>) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let (mut files, mut unread) = (Vec::new(), Vec::new());
    for record in reader.records() {
        match record {
            Ok(record) => {
                let path = record.get(0).unwrap_or_default().replace('\\', "/");
                let hash = record.get(1).filter(|hash| !hash.is_empty()).map(str::to_owned);
                files.push(RecordedFile { path, hash });
            }
            Err(error) => {
                let place = Place { file: file.to_owned(), span: None };
                unread.push(Unread { place, reason: error.to_string() });
            }
        }
    }
    (files, unread)
}

#[derive(Default)]
struct Licences {
    expression: Option<String>,
    text: Option<String>,
    classifiers: Vec<String>,
}

// === impl Licences ===

impl Licences {
    /// The expression; else a short text; else what the classifiers end in.
    fn best(self) -> Option<String> {
        let short = self.text.filter(|text| {
            !text.is_empty() && text != "UNKNOWN" && !text.contains('\n') && text.len() <= 100
        });
        let named = self.classifiers.iter().filter_map(|classifier| classifier.rsplit(" :: ").next());
        let named: Vec<_> = named.filter(|name| *name != "OSI Approved").collect();
        let classified = (!named.is_empty()).then(|| named.join(" OR "));
        self.expression.or(short).or(classified)
    }
}

/// Headers with their line, up to the first empty one; a line that begins with a space goes on with the one before.
fn headers(text: &str) -> Vec<(u32, String, String)> {
    let mut headers: Vec<(u32, String, String)> = Vec::new();
    for (number, line) in (1_u32..).zip(text.lines()) {
        if line.is_empty() {
            break;
        }
        match line.split_once(':') {
            _ if line.starts_with([' ', '\t']) => {
                if let Some((_, _, value)) = headers.last_mut() {
                    value.push('\n');
                    value.push_str(line.trim());
                }
            }
            Some((key, value)) => headers.push((number, key.trim().to_owned(), value.trim().to_owned())),
            None => {}
        }
    }
    headers
}

/// The extra in a marker such as `extra == "socks"`.
fn extra_of(requirement: &str) -> Option<String> {
    let (_, marker) = requirement.split_once(';')?;
    let (_, rest) = marker.split_once("extra")?;
    let rest = rest.trim_start().strip_prefix("==")?.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    rest.split(quote).nth(1).map(|extra| PackageName::new(Ecosystem::PyPi, extra).name().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Metadata-Version: 2.1\nName: Foo_Bar\nVersion: 1.2\nLicense: MIT License\n  and more\n  of it\n\
        Classifier: License :: OSI Approved :: MIT License\nRequires-Dist: requests[socks] (>=2)\n\
        Requires-Dist: pytest ; extra == 'Dev_Tools'\nRequires-Dist: ???\n\nName: not this\n";

    #[test]
    fn headers_are_read() {
        let manifest = read("foo.dist-info/METADATA", TEXT);
        let package = &manifest.packages[0];
        assert_eq!(
            (package.name.name(), package.version.as_str(), package.licence.as_deref()),
            ("foo-bar", "1.2", Some("MIT License"))
        );
        let asked: Vec<_> = manifest
            .requirements
            .iter()
            .map(|one| (one.name.name(), one.extras.len(), one.group.as_deref()))
            .collect();
        assert_eq!(asked, [("requests", 1, None), ("pytest", 0, Some("dev-tools"))]);
        assert_eq!(manifest.unread[0].place.span.unwrap().line, 10);
    }

    #[test]
    fn nameless_metadata_is_named() {
        let manifest = read("x/METADATA", "Version: 1\n");
        assert_eq!((manifest.packages.len(), manifest.unread.len()), (0, 1));
    }

    #[test]
    fn records_are_quoted_lists() {
        let (files, unread) =
            read_record("RECORD", "a/b.py,sha256=xy,10\n\"c,d.py\",,\n../../bin/x,sha256=z,1\n");
        let paths: Vec<_> = files.iter().map(|one| (one.path.as_str(), one.hash.is_some())).collect();
        assert_eq!(
            (paths, unread),
            (vec![("a/b.py", true), ("c,d.py", false), ("../../bin/x", true)], vec![])
        );
    }
}
