//! `go.mod` and `go.sum`.

use super::{Ecosystem, Manifest, Origin, Package, PackageName, SourceKind, form::MAKE_ANEW, lines::Lines};
use crate::finding::Place;

/// Reads `go.mod`: what it requires, after its replacements; its toolchain is the standard library's version.
pub(super) fn read_mod(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::GoMod, file.to_owned());
    let lines = Lines::of(file, text);
    let mut block = String::new();
    let mut replacements = Vec::new();
    let mut named = false;
    let mut at = 0;
    for physical in text.split_inclusive('\n') {
        let line = physical.split("//").next().unwrap_or_default();
        let words: Vec<&str> = line.split_whitespace().collect();
        let start = at + line.len() - line.trim_start().len();
        let place = || lines.place(start..start + line.trim().len());
        at += physical.len();
        let (directive, arguments) = match (block.as_str(), words.as_slice()) {
            (_, []) => continue,
            (_, [")"]) => {
                block.clear();
                continue;
            }
            ("", [directive, "("]) => {
                (*directive).clone_into(&mut block);
                continue;
            }
            ("", [directive, arguments @ ..]) => (*directive, arguments),
            (directive, arguments) => (directive, arguments),
        };
        match (directive, arguments) {
            ("require", [path, version]) => manifest.packages.push(module(path, version, place())),
            ("replace", _) => replacements.extend(replacement(arguments)),
            ("toolchain", [toolchain]) => {
                let version = toolchain.trim_start_matches("go");
                manifest.packages.push(module("stdlib", version, place()));
            }
            ("module", _) => named = true,
            ("go" | "exclude" | "retract" | "tool" | "godebug" | "ignore", _) => {}
            _ => manifest.refuse(place(), format!("`{}` is no line of go.mod", line.trim())),
        }
    }
    if !block.is_empty() || !named {
        let what = if named { "its last block has no end" } else { "it names no module" };
        manifest.refuse(lines.whole(), format!("{what}: mend it, or {MAKE_ANEW}"));
    }
    replacements.iter().for_each(|replacement| replacement.apply(&mut manifest.packages));
    manifest
}

/// Reads `go.sum`: the modules whose code was fetched, which may be more versions than are used.
pub(super) fn read_sum(file: &str, text: &str) -> Manifest {
    let mut manifest = Manifest::new(SourceKind::GoSum, file.to_owned());
    let lines = Lines::of(file, text);
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let words: Vec<&str> = line.split_whitespace().collect();
        let place = lines.place(at..at + line.trim_end().len());
        at += line.len();
        match words.as_slice() {
            [] => {}
            [_, version, _] if version.ends_with("/go.mod") => {}
            [path, version, hash] => {
                let hashes = vec![(*hash).to_owned()];
                manifest.packages.push(Package { hashes, ..module(path, version, place) });
            }
            _ => manifest.refuse(place, "a line is not a path, a version and a hash"),
        }
    }
    manifest
}

/// `path [version] => directory`, or `=> path version`.
fn replacement(words: &[&str]) -> Option<Replacement> {
    let arrow = words.iter().position(|word| *word == "=>")?;
    let (before, after) = (words.get(..arrow)?, words.get(arrow + 1..)?);
    let text = |words: &[&str], place: usize| words.get(place).map(|word| (*word).to_owned());
    Some(Replacement {
        path: text(before, 0)?,
        version: text(before, 1),
        with: (text(after, 0)?, text(after, 1)),
    })
}

/// A module, in one version or in all, and what stands in for it: a module in a version, or a directory.
struct Replacement {
    path: String,
    version: Option<String>,
    with: (String, Option<String>),
}

// === impl Replacement ===

impl Replacement {
    fn apply(&self, packages: &mut [Package]) {
        for package in packages.iter_mut().filter(|package| package.name.name() == self.path) {
            if self.version.as_ref().is_some_and(|version| *version != package.version) {
                continue;
            }
            match &self.with {
                (path, Some(version)) => {
                    package.name = PackageName::new(Ecosystem::Go, path);
                    package.version.clone_from(version);
                }
                (directory, None) => package.origin = Origin::Elsewhere(directory.clone()),
            }
        }
    }
}

fn module(path: &str, version: &str, place: Place) -> Package {
    Package {
        name: PackageName::new(Ecosystem::Go, path),
        version: version.to_owned(),
        origin: Origin::Registry,
        licence: None,
        hashes: Vec::new(),
        place,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages(manifest: Manifest) -> Vec<String> {
        assert_eq!(manifest.unread, []);
        let line = |one: Package| format!("{}@{} {}", one.name, one.version, one.origin == Origin::Registry);
        manifest.packages.into_iter().map(line).collect()
    }

    #[test]
    fn requirements_are_replaced() {
        let text = "module example.org/me\n\ngo 1.22\ntoolchain go1.22.3\nrequire example.org/a v1.0.0 // indirect\n\
            require (\n\texample.org/b v2.0.0+incompatible\n\texample.org/c v0.0.1\n)\nreplace example.org/c => ./c\n\
            replace (\n\texample.org/a v1.0.0 => example.org/fork v1.0.1\n\texample.org/b v9.0.0 => ./no\n)\n";
        assert_eq!(
            packages(read_mod("go.mod", text)),
            [
                "stdlib@1.22.3 true",
                "example.org/fork@v1.0.1 true",
                "example.org/b@v2.0.0+incompatible true",
                "example.org/c@v0.0.1 false"
            ]
        );
        assert_eq!(read_mod("go.mod", text).packages[2].place.span.unwrap().line, 7);
    }

    #[test]
    fn sums_name_what_was_fetched() {
        let text = "example.org/a v1.0.0 h1:x=\nexample.org/a v1.0.0/go.mod h1:y=\nexample.org/b v1.0.0/go.mod h1:z=\n";
        assert_eq!(packages(read_sum("go.sum", text)), ["example.org/a@v1.0.0 true"]);
    }

    #[test]
    fn strange_lines_are_named() {
        let manifest =
            read_mod("go.mod", "module m\nwhat is this\nrequire a b c\nrequire example.org/a v1.0.0\n");
        assert_eq!((manifest.packages.len(), manifest.unread.len()), (1, 2));
        assert_eq!(read_sum("go.sum", "a b\n\n").unread.len(), 1);
    }
}
