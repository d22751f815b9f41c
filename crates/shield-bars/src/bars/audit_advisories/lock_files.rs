//! Lock files of Cargo against the `rustsec` crate: this repository's, those that other projects published with their crates, and
//! one of our own with every crate that has an advisory, in every version that an advisory names and the ones beside it.

use std::{
    collections::BTreeSet,
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use rustsec::{Database, Lockfile, database::Query};
use shield_audit::{
    advisories::{Answer, Index, Kind, match_packages},
    dependencies::{SourceKind, read_manifest},
};

use crate::harness::{Result, Trouble, Verdict, workspace};

/// Lock files of others, at least.
const OTHERS_MIN: usize = 3;

/// A record, the crate and version it is about, and whether it was withdrawn.
type Found = BTreeSet<(String, String, String, bool)>;

/// Compares all of them.
pub(super) fn measure(database: &Path, index: &Index, verdict: &mut Verdict) -> Result<String> {
    let theirs =
        Database::open(database).map_err(|error| Trouble::caused("open RustSec's database", error))?;
    let mut texts = vec![("every advisory".to_owned(), every_version(&theirs))];
    for path in [vec![workspace().join("Cargo.lock")], published()].concat() {
        let text = fs::read_to_string(&path).map_err(|error| Trouble::caused("read a lock file", error))?;
        texts.push((path.display().to_string(), text));
    }
    let (mut compared, mut hits) = (0, 0);
    for (name, text) in &texts {
        let Ok(lock) = text.parse::<Lockfile>() else {
            println!("      {name}: rustsec cannot read it");
            continue;
        };
        let (ours, expected) = (found_by_us(index, name, text, verdict), found_by_them(&theirs, &lock));
        verdict.demand(ours == expected, || {
            let only = |one: &Found, other: &Found| one.difference(other).cloned().collect::<Vec<_>>();
            format!(
                "{name}: only ours {:?}, only theirs {:?}",
                only(&ours, &expected),
                only(&expected, &ours)
            )
        });
        compared += 1;
        hits += expected.len();
    }
    verdict.demand(compared >= OTHERS_MIN + 2, || format!("only {compared} lock files"));
    Ok(format!("{compared} lock files, {hits} hits as rustsec has them"))
}

/// Every kind of advisory counts, whether it still stands or not.
fn found_by_us(index: &Index, name: &str, text: &str, verdict: &mut Verdict) -> Found {
    let manifest = read_manifest(SourceKind::CargoLock, name, text.as_bytes());
    verdict.demand(manifest.unread.is_empty(), || format!("{name}: {:?}", manifest.unread));
    let Answer::Checked(checked) = match_packages(Some(index), &manifest.packages) else {
        return Found::new();
    };
    let mut found: Found = checked
        .withdrawn
        .into_iter()
        .map(|one| (one.id, one.package.name().to_owned(), one.version, true))
        .collect();
    for one in checked.matches {
        let records = one.records.iter().filter(|_| one.kind != Kind::Malicious);
        let found_in = |id: &String| (id.clone(), one.package.name().to_owned(), one.version.clone(), false);
        found.extend(records.map(found_in));
    }
    found
}

fn found_by_them(database: &Database, lock: &Lockfile) -> Found {
    let mut found = Found::new();
    for (informational, withdrawn) in [(false, false), (false, true), (true, false), (true, true)] {
        let query = Query::crate_scope().informational(informational).withdrawn(withdrawn);
        let vulnerabilities = database.query_vulnerabilities(lock, &query).into_iter();
        found.extend(vulnerabilities.map(|one| {
            let (id, name) = (one.advisory.id.to_string(), one.package.name.to_string());
            (id, name, one.package.version.to_string(), withdrawn)
        }));
    }
    found
}

/// A lock file with every crate of the database at the edges of its advisories.
fn every_version(database: &Database) -> String {
    let mut probes: BTreeSet<(String, String)> = BTreeSet::new();
    for advisory in database.iter() {
        let requirements = advisory.versions.patched().iter().chain(advisory.versions.unaffected());
        let comparators = requirements.flat_map(|requirement| &requirement.comparators);
        let mut versions = vec!["0.0.0".to_owned(), "9999.0.0".to_owned(), "0.0.1-alpha.1".to_owned()];
        for one in comparators {
            let (minor, patch) = (one.minor.unwrap_or(0), one.patch.unwrap_or(0));
            let numbers = format!("{}.{minor}.{patch}", one.major);
            let pre = if one.pre.is_empty() { "rc.1".to_owned() } else { one.pre.to_string() };
            versions.push(format!("{}.{minor}.{}", one.major, patch + 1));
            versions.push(format!("{}.{minor}.{}", one.major, patch.saturating_sub(1)));
            versions.push(format!("{}.{}.0", one.major, minor + 1));
            versions.push(format!("{}.0.0-0", one.major + 1));
            versions.push(format!("{}.0.0", one.major + 1));
            versions.extend([
                format!("{numbers}-{pre}"),
                format!("{numbers}-{pre}.0"),
                format!("{numbers}-0"),
                numbers,
            ]);
        }
        let name = advisory.metadata.package.to_string();
        probes.extend(versions.into_iter().map(|version| (name.clone(), version)));
    }
    let mut text = "version = 4\n".to_owned();
    for (name, version) in probes {
        write!(
            text,
            "\n[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
        )
        .expect("writing into text cannot fail");
    }
    text
}

/// Lock files in the crates that this machine has unpacked.
fn published() -> Vec<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo")));
    let entries =
        |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let sources = home.into_iter().flat_map(|home| entries(home.join("registry/src")));
    let mut locks: Vec<_> = sources
        .flat_map(entries)
        .map(|unpacked| unpacked.join("Cargo.lock"))
        .filter(|lock| lock.is_file())
        .collect();
    locks.sort();
    locks
}
