//! What a project uses, as far as no list says which version of it: lists in forms that are not read here, and manifests without a
//! lock file. An audit that knows nothing of them must not look clean.

use std::{collections::BTreeSet, io};

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
    let asks = |path: &str, asks: fn(&[u8]) -> bool| read(path).is_ok_and(|bytes| asks(&bytes));
    let gap = |path: &str| {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let reason = match name {
            _ if NOT_READ.contains(&name) => {
                "a list of packages in a form that is not read here: its packages are not looked at"
            }
            "environment.yml" if asks(path, conda_asks) => {
                "a list of packages in a form that is not read here: its packages are not looked at"
            }
            "package.json" if !locked(&all, folder, &NPM_LOCKS) && asks(path, npm_asks) => {
                "no lock file says which versions of its packages are used"
            }
            "Cargo.toml" if !locked(&all, folder, &["Cargo.lock"]) && asks(path, cargo_asks) => {
                "no `Cargo.lock` says which versions of its crates are used"
            }
            _ => return None,
        };
        Some(Gap::of(Part::Packages, path, reason))
    };
    paths.iter().filter_map(|path| gap(path)).collect()
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

fn npm_asks(bytes: &[u8]) -> bool {
    let manifest: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
    let asked = |key: &&str| {
        manifest.get(key).and_then(|asked| asked.as_object()).is_some_and(|asked| !asked.is_empty())
    };
    NPM_KEYS.iter().any(asked)
}

/// Other programs have files of this name.
fn conda_asks(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').any(|line| line.starts_with(b"dependencies:"))
}

fn cargo_asks(bytes: &[u8]) -> bool {
    let manifest: toml::Table =
        str::from_utf8(bytes).ok().and_then(|text| text.parse().ok()).unwrap_or_default();
    let asked = |key: &&str| {
        manifest.get(*key).and_then(|asked| asked.as_table()).is_some_and(|asked| !asked.is_empty())
    };
    CARGO_TABLES.iter().any(asked)
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
        assert!(named(&[("environment.yml", "kind: Environment\n")]).is_empty());
    }

    #[test]
    fn crates_without_a_lock_are_named() {
        let cargo = ("a/b/Cargo.toml", "[dependencies]\ntime = \"=0.2.22\"\n");
        assert_eq!(named(&[cargo]), ["a/b/Cargo.toml"]);
        assert!(named(&[cargo, ("a/Cargo.lock", "")]).is_empty());
        assert!(named(&[("Cargo.toml", "[workspace]\nmembers = []\n")]).is_empty());
    }
}
