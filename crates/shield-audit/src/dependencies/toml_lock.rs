//! Lock files that are tables of packages in TOML: Cargo's, uv's, Poetry's, PDM's and PEP 751's.
//!
//! A syntax error costs what the parser could not recover, a strange entry costs itself: each is named with its line.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Manifest, Origin, Package, PackageName, SourceKind, form::Form, lines::Lines};

/// Reads a lock file of one of the kinds in TOML.
pub(super) fn read(kind: SourceKind, file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(kind, file.to_owned());
    let lines = Lines::of(file, text);
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error.span().map_or_else(|| lines.whole(), |span| lines.place(span));
        manifest.refuse(place, error.message());
    }
    let version = version_of(kind, table.get_ref());
    let list = if kind == SourceKind::PyLock { "packages" } else { "package" };
    let lists = table.get_ref().contains_key(list);
    Form { version: version.as_deref(), lists }.judge(&mut manifest, lines.whole());
    let entries = match table.get_ref().get(list) {
        None => return manifest,
        Some(value) => match value.get_ref() {
            DeValue::Array(entries) => entries,
            _ => {
                manifest.refuse(lines.place(value.span()), format!("`{list}` is no list"));
                return manifest;
            }
        },
    };
    for entry in entries {
        match read_entry(kind, entry, &lines) {
            Ok(package) => manifest.packages.extend(package),
            Err(reason) => manifest.refuse(lines.place(heading(entry.span(), text)), reason),
        }
    }
    manifest
}

/// The version of the form: a number at the top, or a text beside what else the program notes.
fn version_of(kind: SourceKind, table: &DeTable<'_>) -> Option<String> {
    let metadata = || table_in(table, "metadata");
    let value = match kind {
        SourceKind::PoetryLock => metadata()?.get("lock-version"),
        SourceKind::PdmLock => metadata()?.get("lock_version"),
        SourceKind::PyLock => table.get("lock-version"),
        _ => table.get("version"),
    }?;
    Some(match value.get_ref() {
        DeValue::Integer(number) => number.as_str().to_owned(),
        other => other.as_str().unwrap_or("?").to_owned(),
    })
}

/// An entry's package; none if it is the project itself.
fn read_entry(
    kind: SourceKind,
    entry: &Spanned<DeValue<'_>>,
    lines: &Lines<'_>,
) -> Result<Option<Package>, String> {
    let table = entry.get_ref().as_table().ok_or("an entry is no table")?;
    let name = table.get("name").ok_or("an entry has no `name`")?;
    let text = name.get_ref().as_str().ok_or("the `name` of an entry is no text")?;
    let origin = match kind {
        SourceKind::CargoLock => cargo_origin(table),
        SourceKind::UvLock => uv_origin(table),
        SourceKind::PoetryLock => poetry_origin(table),
        _ => address_origin(table),
    };
    let Some(origin) = origin else { return Ok(None) };
    // Only what is not from a registry may be without a version.
    let version = match (field(table, "version"), &origin) {
        (Some(version), _) => version.to_owned(),
        (None, Origin::Elsewhere(_)) => String::new(),
        (None, Origin::Registry) => return Err(format!("`{text}` has no `version`")),
    };
    Ok(Some(Package {
        name: PackageName::new(kind.ecosystem(), text),
        version,
        origin,
        licence: None,
        hashes: hashes_of(kind, table),
        place: lines.place(name.span()),
    }))
}

fn field<'a>(table: &'a DeTable<'_>, key: &str) -> Option<&'a str> {
    table.get(key)?.get_ref().as_str()
}

fn table_in<'a, 'i>(table: &'a DeTable<'i>, key: &str) -> Option<&'a DeTable<'i>> {
    table.get(key)?.get_ref().as_table()
}

/// Members of the workspace have no source.
fn cargo_origin(table: &DeTable<'_>) -> Option<Origin> {
    let source = field(table, "source")?;
    let default = source.starts_with("registry+") && source.ends_with("/crates.io-index");
    Some(if default { Origin::Registry } else { Origin::Elsewhere(source.to_owned()) })
}

/// The project itself is virtual or editable at `.`, the members of its workspace in a directory.
fn uv_origin(table: &DeTable<'_>) -> Option<Origin> {
    let Some(source) = table_in(table, "source") else { return Some(Origin::Registry) };
    if source.get("registry").is_some() {
        return Some(Origin::Registry);
    }
    if source.get("virtual").is_some() || source.get("editable").is_some() {
        return None;
    }
    let address = ["git", "url", "path", "directory"].iter().find_map(|key| field(source, key));
    Some(Origin::Elsewhere(address.unwrap_or("a source of another kind").to_owned()))
}

fn poetry_origin(table: &DeTable<'_>) -> Option<Origin> {
    let Some(source) = table_in(table, "source") else { return Some(Origin::Registry) };
    Some(match field(source, "type") {
        None | Some("legacy" | "pypi") => Origin::Registry,
        Some(_) => Origin::Elsewhere(field(source, "url").unwrap_or("a source of another kind").to_owned()),
    })
}

/// PDM and PEP 751 write an address beside the name.
fn address_origin(table: &DeTable<'_>) -> Option<Origin> {
    let inside = ["vcs", "archive", "directory"].iter().find_map(|key| {
        let table = table_in(table, key)?;
        field(table, "url").or_else(|| field(table, "path"))
    });
    let beside = ["git", "url", "path"].iter().find_map(|key| field(table, key));
    Some(inside.or(beside).map_or(Origin::Registry, |address| Origin::Elsewhere(address.to_owned())))
}

fn hashes_of(kind: SourceKind, table: &DeTable<'_>) -> Vec<String> {
    if kind == SourceKind::CargoLock {
        return field(table, "checksum").map(|checksum| format!("sha256:{checksum}")).into_iter().collect();
    }
    let lists = ["files", "wheels"].iter().filter_map(|key| table.get(*key)?.get_ref().as_array());
    let archives = lists.flatten().filter_map(|archive| archive.get_ref().as_table());
    let archives = archives.chain(table_in(table, "sdist"));
    let mut hashes: Vec<_> = archives.flat_map(archive_hashes).collect();
    hashes.sort_unstable();
    hashes.dedup();
    hashes
}

/// `hash = "sha256:…"`, or PEP 751's `hashes = { sha256 = "…" }`.
fn archive_hashes(archive: &DeTable<'_>) -> Vec<String> {
    let single = field(archive, "hash").map(str::to_owned);
    let table = table_in(archive, "hashes").into_iter().flat_map(DeTable::iter);
    let many =
        table.filter_map(|(name, value)| Some(format!("{}:{}", name.get_ref(), value.get_ref().as_str()?)));
    single.into_iter().chain(many).collect()
}

/// The first line of an entry: the whole of it would be many.
fn heading(entry: Range<usize>, text: &str) -> Range<usize> {
    let rest = text.get(entry.clone()).unwrap_or_default();
    entry.start..entry.start + rest.find('\n').unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(kind: SourceKind, text: &str) -> Vec<(String, String, bool)> {
        let manifest = read(kind, "lock", text);
        assert_eq!(manifest.unread, []);
        let package = |package: Package| {
            (package.name.name().to_owned(), package.version, package.origin == Origin::Registry)
        };
        manifest.packages.into_iter().map(package).collect()
    }

    fn found(name: &str, version: &str, registry: bool) -> (String, String, bool) {
        (name.to_owned(), version.to_owned(), registry)
    }

    #[test]
    fn crates_carry_their_source() {
        let text = "version = 4\n[[package]]\nname = \"me\"\nversion = \"0.1.0\"\n[[package]]\nname = \"serde\"\n\
            version = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"ab\"\n\
            [[package]]\nname = \"forked\"\nversion = \"1.0.0\"\nsource = \"git+https://example.org/forked#abc\"\n";
        assert_eq!(
            names(SourceKind::CargoLock, text),
            [found("serde", "1.0.0", true), found("forked", "1.0.0", false)]
        );
        let serde = &read(SourceKind::CargoLock, "Cargo.lock", text).packages[0];
        assert_eq!(
            (serde.hashes.as_slice(), serde.place.span.unwrap().line),
            (&["sha256:ab".to_owned()][..], 6)
        );
    }

    #[test]
    fn python_locks_are_read() {
        let uv = "[[package]]\nname = \"me\"\nversion = \"0\"\nsource = { virtual = \".\" }\n[[package]]\nname = \"A_b\"\n\
            version = \"1\"\nsource = { registry = \"https://example.org/simple\" }\nsdist = { url = \"u\", hash = \"sha256:aa\" }\n\
            [[package]]\nname = \"g\"\nversion = \"2\"\nsource = { git = \"https://example.org/g\" }\n";
        assert_eq!(names(SourceKind::UvLock, uv), [found("a-b", "1", true), found("g", "2", false)]);
        let poetry = "[[package]]\nname = \"a\"\nversion = \"1\"\nfiles = [{file = \"f\", hash = \"sha256:bb\"}]\n\
            [[package]]\nname = \"b\"\nversion = \"1\"\n[package.source]\ntype = \"git\"\nurl = \"u\"\n";
        assert_eq!(names(SourceKind::PoetryLock, poetry), [found("a", "1", true), found("b", "1", false)]);
        let pylock = "[[packages]]\nname = \"a\"\nversion = \"1\"\nwheels = [{name = \"w\", hashes = {sha256 = \"cc\"}}]\n\
            [[packages]]\nname = \"b\"\ndirectory = {path = \"b\"}\n";
        assert_eq!(names(SourceKind::PyLock, pylock), [found("a", "1", true), found("b", "", false)]);
        assert_eq!(read(SourceKind::PyLock, "l", pylock).packages[0].hashes, ["sha256:cc"]);
    }

    #[test]
    fn strange_entries_cost_only_themselves() {
        let text = "[[package]]\nversion = \"1\"\n[[package]]\nname = \"a\"\nversion = \"1\"\n[[package]]\nname = 5\n[[package]]\nname = \"b\"\n";
        let manifest = read(SourceKind::PoetryLock, "lock", text);
        assert_eq!((manifest.packages.len(), manifest.unread.len()), (1, 3));
        let text = "[[package]]\nname = \"a\"\nversion = \"1\"\n\n[[package]\nname = \"b\"\nversion = = 2\n";
        let manifest = read(SourceKind::PoetryLock, "lock", text);
        assert!(manifest.packages.iter().any(|package| package.name.name() == "a"), "{manifest:?}");
        assert!(!manifest.unread.is_empty());
        assert_eq!(read(SourceKind::PoetryLock, "lock", "package = 1").unread.len(), 1);
    }
}
