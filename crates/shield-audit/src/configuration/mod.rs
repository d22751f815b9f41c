//! Configuration that decides what code may do: how images are built, how containers and workflows run, what settings turn off.
//!
//! A file is known by its name and place. What does not parse is named, and what comes before the mistake is looked at; templates
//! of Kubernetes manifests (`{{ … }}`) are no YAML yet and are not read. Nothing here runs anything or resolves a variable.

mod commands;
mod containers;
mod dockerfile;
pub(crate) mod hits;
mod names;
mod settings;
mod shell;
mod workflow;
mod yaml;

#[cfg(test)]
mod tests;

use crate::{
    languages::unruled::interpreter,
    python::FileReport,
    tree::{Reason, Skipped, decode},
};

/// Larger files of this kind are lists that a program wrote, in bytes.
const FILE_BYTES_MAX: usize = 1 << 20;

/// What a file configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Dockerfile,
    Workflow,
    Compose,
    Settings(settings::Kind),
    Shell,
    /// YAML whose content says what it is.
    Yaml,
}

/// Looks at a file as it lies on disk. Files that are not configuration have an empty report.
#[must_use]
pub fn file(path: &str, bytes: &[u8]) -> FileReport {
    let script = || interpreter(bytes).filter(|program| shell::SHELLS.contains(program)).map(|_| Kind::Shell);
    let kind = kind(path).filter(|kind| *kind != Kind::Yaml || is_manifest(bytes));
    let Some(kind) = kind.or_else(script) else { return FileReport::default() };
    if bytes.len() > FILE_BYTES_MAX {
        return skipping(path, Reason::TooLarge { limit_bytes: FILE_BYTES_MAX as u64 });
    }
    match decode(bytes) {
        Ok(text) => {
            let text = text.characters.strip_prefix('\u{feff}').unwrap_or(&text.characters);
            look(path, text, kind)
        }
        Err(reason) => skipping(path, reason),
    }
}

/// What a manifest is filled in by before it is one; nobody reads it as it is.
#[must_use]
pub fn template_language(path: &str, bytes: &[u8]) -> Option<&'static str> {
    let filled = || memchr::memmem::find(bytes, b"{{").is_some() && names_kind(bytes);
    (kind(path) == Some(Kind::Yaml) && filled()).then_some("Helm")
}

/// Looks at what a shell runs.
pub(crate) fn script(path: &str, text: &str) -> FileReport {
    hits::report(path, text, commands::look(&shell::commands(text, 0)), None)
}

fn look(path: &str, text: &str, kind: Kind) -> FileReport {
    let by_document = |look: &dyn Fn(&yaml::Document) -> Vec<hits::Hit>| {
        let parsed = yaml::parse(text);
        let found = parsed.documents.iter().flat_map(look).collect();
        hits::report(path, text, found, parsed.error)
    };
    match kind {
        Kind::Dockerfile => hits::report(path, text, dockerfile::look(text), None),
        Kind::Shell => script(path, text),
        Kind::Settings(kind) => hits::report(path, text, settings::look(text, kind), None),
        Kind::Workflow => by_document(&|document| workflow::look(document, text)),
        Kind::Compose => by_document(&containers::compose),
        Kind::Yaml => by_document(&containers::kubernetes),
    }
}

fn kind(path: &str) -> Option<Kind> {
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    let lower = name.to_ascii_lowercase();
    let dockerfile = |word: &str| {
        lower == word || lower.starts_with(&format!("{word}.")) || lower.ends_with(&format!(".{word}"))
    };
    // `Dockerfile.dockerignore` and the like list files.
    if (dockerfile("dockerfile") || dockerfile("containerfile")) && !lower.ends_with("ignore") {
        return Some(Kind::Dockerfile);
    }
    if let Some(kind) = settings::kind(path) {
        return Some(Kind::Settings(kind));
    }
    if lower.rsplit_once('.').is_some_and(|(_, ending)| shell::SHELLS.contains(&ending)) {
        return Some(Kind::Shell);
    }
    let stem = lower.strip_suffix(".yml").or_else(|| lower.strip_suffix(".yaml"))?;
    let workflow = directory == ".github/workflows" || directory.ends_with("/.github/workflows");
    if workflow || stem == "action" {
        return Some(Kind::Workflow);
    }
    let compose = ["docker-compose", "compose"].iter().any(|word| {
        stem.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    });
    Some(if compose { Kind::Compose } else { Kind::Yaml })
}

/// Whether YAML may hold a Kubernetes manifest that is not a template.
fn is_manifest(bytes: &[u8]) -> bool {
    names_kind(bytes) && memchr::memmem::find(bytes, b"{{").is_none()
}

fn names_kind(bytes: &[u8]) -> bool {
    ["apiVersion", "kind"].iter().all(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some())
}

fn skipping(path: &str, reason: Reason) -> FileReport {
    FileReport { skipped: vec![Skipped { path: path.to_owned(), reason }], ..FileReport::default() }
}
