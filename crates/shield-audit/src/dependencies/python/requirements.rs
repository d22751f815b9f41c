//! Files of pip: `requirements*.txt` and constraints, with options, continued lines, hashes and files that they name.

use super::requirement::{Context, parse, take_parsed};
use crate::{
    dependencies::{Include, Manifest, SourceKind, lines::Lines},
    finding::Place,
};

/// Options of pip that say nothing about which packages are used.
const OTHER_OPTIONS: &[&str] = &[
    "-i",
    "--index-url",
    "--extra-index-url",
    "-f",
    "--find-links",
    "--trusted-host",
    "--no-binary",
    "--only-binary",
    "--use-feature",
    "--no-index",
    "--pre",
    "--prefer-binary",
    "--require-hashes",
];

/// Reads a file of pip.
pub(in crate::dependencies) fn read(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::Requirements, file.to_owned());
    let constraint = file.rsplit('/').next().is_some_and(|name| name.starts_with("constraints"));
    let lines = Lines::of(file, text);
    for (range, line) in logical_lines(text) {
        let line = line.trim();
        if !line.is_empty() {
            read_line(&mut manifest, line, constraint, lines.place(range));
        }
    }
    manifest
}

fn read_line(manifest: &mut Manifest, line: &str, constraint: bool, place: Place) {
    if line.starts_with('-') {
        return read_option(manifest, line, place);
    }
    let (requirement, options) = line.split_once(" --").unwrap_or((line, ""));
    if let Some(folder) = folder_of(requirement) {
        manifest.folders.push(Include { file: folder.to_owned(), constraint, place });
        return;
    }
    let named = address_with_name(requirement);
    if named.is_none() && is_bare_address(requirement) {
        let address = requirement.trim();
        let reason = format!(
            "`{address}` does not say which package it is: write its name before it, as in `NAME @ {address}`"
        );
        return manifest.refuse(place, reason);
    }
    let context = Context { place: place.clone(), group: None };
    match parse(named.as_deref().unwrap_or(requirement), context) {
        Ok(mut requirement) => {
            requirement.constraint = constraint;
            requirement.hashes = hashes_in(options);
            take_parsed(manifest, requirement);
        }
        Err(reason) => manifest.refuse(place, reason),
    }
}

fn read_option(manifest: &mut Manifest, line: &str, place: Place) {
    let (option, value) = line.split_once(['=', ' ', '\t']).unwrap_or((line, ""));
    let value = value.trim();
    // `-rbase.txt` is also allowed.
    let (option, value) = match option.get(..2) {
        Some(short @ ("-r" | "-c" | "-e")) if option.len() > 2 => {
            (short, option.get(2..).unwrap_or_default())
        }
        _ => (option, value),
    };
    match option {
        "-r" | "--requirement" | "-c" | "--constraint" => {
            let constraint = option.ends_with('c') || option.ends_with("constraint");
            manifest.includes.push(Include { file: value.to_owned(), constraint, place });
        }
        "-e" | "--editable" => {
            let bare = !value.contains([':', ' ', '\t']) && !value.starts_with(['.', '/']);
            // Without a dot it would look like a name.
            let value = if bare { format!("./{value}") } else { value.to_owned() };
            read_line(manifest, &value, false, place);
        }
        _ if OTHER_OPTIONS.contains(&option) => {}
        _ => manifest.refuse(place, format!("option `{option}` is not one of pip's")),
    }
}

/// The folder that a requirement names, without the extras behind it.
fn folder_of(requirement: &str) -> Option<&str> {
    let path = requirement.split([';', ' ', '\t']).next()?;
    let named = path.starts_with('.') || path.contains('/') && !requirement.contains([':', '@']);
    named.then(|| path.split('[').next().unwrap_or(path))
}

/// Whether a requirement is an address alone.
fn is_bare_address(requirement: &str) -> bool {
    requirement.split_once("://").is_some_and(|(scheme, _)| !scheme.contains(['@', ' ', ';']))
}

/// `git+https://…#egg=name` as `name @ git+https://…`.
fn address_with_name(text: &str) -> Option<String> {
    let (address, fragment) = text.split_once('#')?;
    if !address.contains("://") || address.contains(" @ ") {
        return None;
    }
    let name = fragment.split('&').find_map(|pair| pair.strip_prefix("egg="))?;
    Some(format!("{name} @ {address}"))
}

fn hashes_in(options: &str) -> Vec<String> {
    let words = options.split_whitespace().map(|word| word.trim_start_matches("--"));
    let mut hashes: Vec<_> = words.filter_map(|word| word.strip_prefix("hash=")).map(str::to_owned).collect();
    hashes.sort_unstable();
    hashes
}

/// Lines without comments, those that end in a backslash joined with the next; each with its bytes in the text.
fn logical_lines(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let mut logical: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    let mut joined = false;
    let mut at = 0;
    for physical in text.split_inclusive('\n') {
        let line = physical.trim_end_matches(['\n', '\r']);
        let content = without_comment(line);
        let continues = content.ends_with('\\');
        let content = content.strip_suffix('\\').unwrap_or(content);
        match logical.last_mut() {
            Some((range, text)) if joined => {
                range.end = at + content.len();
                text.push(' ');
                text.push_str(content.trim());
            }
            _ => {
                let start = at + content.len() - content.trim_start().len();
                logical.push((start..at + content.trim_end().len().max(start - at), content.to_owned()));
            }
        }
        joined = continues;
        at += physical.len();
    }
    logical
}

/// A comment begins a line, or follows a space.
fn without_comment(line: &str) -> &str {
    let bytes = line.as_bytes();
    let begins = |at: &usize| *at == 0 || bytes.get(at - 1).is_some_and(u8::is_ascii_whitespace);
    let end = line.match_indices('#').map(|(at, _)| at).find(begins).unwrap_or(line.len());
    line.get(..end).unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dependencies::Origin;

    const TEXT: &str = "# all of it\n-r base.txt\n--constraint=limits.txt\n-i https://example.org/simple\n\
        uvicorn[standard]==0.1 \\\n    --hash=sha256:bb \\\n    --hash=sha256:aa  # why\n\
        flask>=2 ; python_version < '3.9'\n-e git+https://example.org/x#egg=X_y\n./local\n--strange\ndjango\n";

    #[test]
    fn lines_of_pip_are_understood() {
        let manifest = read("requirements.txt", TEXT);
        let names: Vec<_> = manifest.requirements.iter().map(|one| one.name.name()).collect();
        assert_eq!(names, ["uvicorn", "flask", "x-y", "django"]);
        let first = &manifest.requirements[0];
        assert_eq!(
            (first.extras.as_slice(), first.hashes.join(" ")),
            (&["standard".to_owned()][..], "sha256:aa sha256:bb".to_owned())
        );
        let span = first.place.span.unwrap();
        assert_eq!((span.line, span.column, span.end_line), (5, 1, 7));
        let includes: Vec<_> =
            manifest.includes.iter().map(|one| (one.file.as_str(), one.constraint)).collect();
        assert_eq!(includes, [("base.txt", false), ("limits.txt", true)]);
    }

    #[test]
    fn pins_say_what_is_used() {
        let manifest = read("requirements.txt", TEXT);
        let packages: Vec<_> = manifest
            .packages
            .iter()
            .map(|one| (one.name.name(), one.version.as_str(), one.origin == Origin::Registry))
            .collect();
        assert_eq!(packages, [("uvicorn", "0.1", true), ("x-y", "", false)]);
        let limits = read("constraints.txt", "a==1\n");
        assert!(limits.packages.is_empty() && limits.requirements[0].constraint);
    }

    #[test]
    fn strange_lines_are_named() {
        let manifest = read("requirements.txt", TEXT);
        let lines: Vec<_> = manifest.unread.iter().map(|one| one.place.span.unwrap().line).collect();
        assert_eq!(lines, [11]);
        let folders: Vec<_> = manifest.folders.iter().map(|one| one.file.as_str()).collect();
        assert_eq!(folders, ["./local"]);
        assert_eq!(read("r.txt", "a\\").requirements.len(), 1);
    }

    #[test]
    fn folders_and_addresses_are_told_apart() {
        let text = "-e .[dev]\n-e ../libs/common\n--editable=libs\n../x ; python_version > '3'\n";
        let folders: Vec<_> = read("r.txt", text).folders.into_iter().map(|one| one.file).collect();
        assert_eq!(folders, [".", "../libs/common", "./libs", "../x"]);
        for bare in ["git+https://example.org/x", "-e git+https://example.org/x", "https://example.org/x.whl"]
        {
            let manifest = read("r.txt", bare);
            let reason = &manifest.unread[0].reason;
            assert!(reason.contains("NAME @ ") && manifest.folders.is_empty(), "{bare}: {reason}");
        }
    }
}
