//! What a project uses, as far as no list says which version of it: lists in forms that are not read here, and manifests without a
//! lock file. An audit that knows nothing of them must not look clean.

use std::{collections::BTreeSet, io};

use serde_json::{Map, Value};
use toml::Table;

use crate::report::{Gap, Part};

/// Lists of packages in forms that are not read here.
const NOT_READ: [&str; 11] = [
    "yarn.lock",
    "bun.lock",
    "bun.lockb",
    "deno.lock",
    "conda-lock.yml",
    "Gemfile.lock",
    "composer.lock",
    "pom.xml",
    "gradle.lockfile",
    "mix.lock",
    "packages.lock.json",
];
/// What is said of these.
const FORM_NOT_READ: &str =
    "a list of packages in a form that is not read here: its packages are not looked at";
/// Lock files that say what a `package.json` uses.
const NPM_LOCKS: [&str; 6] =
    ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock", "bun.lockb"];
/// Tables of a `Cargo.toml` that ask for crates.
const CARGO_TABLES: [&str; 3] = ["dependencies", "build-dependencies", "dev-dependencies"];
/// Keys of a `package.json` that ask for packages.
const NPM_KEYS: [&str; 3] = ["dependencies", "devDependencies", "optionalDependencies"];

/// A gap for each such file among `paths`; `read` gives the bytes of one.
pub(super) fn unlisted(paths: &[String], read: impl Fn(&str) -> io::Result<Vec<u8>>) -> Vec<Gap> {
    let all: BTreeSet<&str> = paths.iter().map(String::as_str).collect();
    let gap = |path: &String| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let reason = match name {
            _ if NOT_READ.contains(&name) => Some(FORM_NOT_READ.to_owned()),
            _ if conda_list(name) => {
                read(path).is_ok_and(|bytes| conda_asks(&bytes)).then(|| FORM_NOT_READ.to_owned())
            }
            "package.json" => manifest_gap(&read(path).ok()?, npm_asks, || {
                let locked = locked(&all, folder, &NPM_LOCKS);
                (!locked).then_some("no lock file says which versions of its packages are used")
            }),
            "Cargo.toml" => manifest_gap(&read(path).ok()?, cargo_asks, || {
                let locked = locked(&all, folder, &["Cargo.lock"]);
                (!locked).then_some("no `Cargo.lock` says which versions of its crates are used")
            }),
            _ => None,
        };
        Some(Gap::of(Part::Packages, path, reason?))
    };
    paths.iter().filter_map(gap).collect()
}

/// Why a manifest leaves open what is used: it cannot be understood, or asks for something that nothing locks.
fn manifest_gap(
    bytes: &[u8],
    asks: fn(&[u8]) -> Result<bool, String>,
    unlocked: impl Fn() -> Option<&'static str>,
) -> Option<String> {
    match asks(bytes) {
        Ok(asks) => unlocked().filter(|_| asks).map(str::to_owned),
        Err(reason) => Some(format!(
            "it cannot be understood, so that nothing is known of what it asks for: {reason}; mend it, or remove it"
        )),
    }
}

/// Whether one of these files lies in a folder or above it, where a workspace has it.
fn locked(all: &BTreeSet<&str>, folder: &str, locks: &[&str]) -> bool {
    let mut folder = folder;
    loop {
        let there = |lock: &&str| match folder {
            "" => all.contains(lock),
            folder => all.contains(format!("{folder}/{lock}").as_str()),
        };
        if locks.iter().any(there) {
            return true;
        }
        match folder.rsplit_once('/') {
            Some((above, _)) => folder = above,
            None if folder.is_empty() => return false,
            None => folder = "",
        }
    }
}

/// Whether a `package.json` asks for packages.
fn npm_asks(bytes: &[u8]) -> Result<bool, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let manifest: Map<String, Value> = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let mut asks = false;
    for key in NPM_KEYS {
        match manifest.get(key) {
            None | Some(Value::Null) => {}
            Some(Value::Object(asked)) => asks |= !asked.is_empty(),
            // What npm itself writes for none in some of its versions.
            Some(Value::Array(asked)) if asked.is_empty() => {}
            Some(_) => return Err(format!("`{key}` is no table")),
        }
    }
    Ok(asks)
}

/// `environment.yml`, `environment-dev.yaml`: conda reads any name, and these are what its users write.
fn conda_list(name: &str) -> bool {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| stem.starts_with("environment"))
}

/// Other programs have files of this name.
fn conda_asks(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"dependencies:"))
}

/// Whether a `Cargo.toml` asks for crates, on any machine.
fn cargo_asks(bytes: &[u8]) -> Result<bool, String> {
    let text = str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let manifest: Table = text.parse().map_err(|error: toml::de::Error| error.message().to_owned())?;
    let mut asks = crates_in(&manifest)?;
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    for target in targets.into_iter().flat_map(Table::values).filter_map(toml::Value::as_table) {
        asks |= crates_in(target)?;
    }
    Ok(asks)
}

fn crates_in(table: &Table) -> Result<bool, String> {
    let mut asks = false;
    for key in CARGO_TABLES {
        match table.get(key) {
            None => {}
            Some(toml::Value::Table(asked)) => asks |= !asked.is_empty(),
            Some(_) => return Err(format!("`{key}` is no table")),
        }
    }
    Ok(asks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(files: &[(&str, &str)]) -> Vec<String> {
        let paths: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
        let read = |path: &str| {
            let (_, text) = files.iter().find(|(name, _)| *name == path).expect("it is one of them");
            Ok(text.as_bytes().to_vec())
        };
        unlisted(&paths, read).into_iter().map(|gap| gap.what).collect()
    }

    #[test]
    fn lists_nobody_reads_are_named() {
        let npm = ("web/package.json", r#"{"dependencies": {"left-pad": "1.0.0"}}"#);
        assert_eq!(named(&[("web/yarn.lock", ""), npm]), ["web/yarn.lock"]);
        assert_eq!(named(&[npm]), ["web/package.json"]);
        assert!(named(&[npm, ("package-lock.json", "{}")]).is_empty(), "a workspace has its lock file above");
        assert!(named(&[("package.json", r#"{"name": "a"}"#)]).is_empty());
        assert_eq!(named(&[("environment.yml", "name: a\ndependencies:\n  - b=1\n")]), ["environment.yml"]);
        assert_eq!(named(&[("environment-dev.yaml", "dependencies:\n  - b\n")]), ["environment-dev.yaml"]);
        assert!(named(&[("environment.yml", "kind: Environment\n")]).is_empty());
    }

    #[test]
    fn crates_without_a_lock_are_named() {
        let cargo = ("a/b/Cargo.toml", "[dependencies]\ntime = \"=0.2.22\"\n");
        assert_eq!(named(&[cargo]), ["a/b/Cargo.toml"]);
        assert!(named(&[cargo, ("a/Cargo.lock", "")]).is_empty());
        assert!(named(&[("Cargo.toml", "[workspace]\nmembers = []\n")]).is_empty());
    }

    #[test]
    fn broken_manifests_are_named() {
        for text in ["", "{", "[]", r#"{"dependencies": 5}"#, r#"{"devDependencies": ["a"]}"#] {
            let files = [("package.json", text), ("package-lock.json", "{}")];
            assert_eq!(named(&files), ["package.json"], "{text}");
        }
        for text in ["[", "dependencies = 5\n", "[target.'cfg(unix)']\ndependencies = 1\n"] {
            assert_eq!(named(&[("Cargo.toml", text), ("Cargo.lock", "")]), ["Cargo.toml"], "{text}");
        }
        assert_eq!(
            named(&[("Cargo.toml", "[target.'cfg(unix)'.dependencies]\na = \"1\"\n")]),
            ["Cargo.toml"]
        );
    }
}
