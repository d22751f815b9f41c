//! Compares with the `rustsec` crate: `cargo_locks DATABASE LOCK...`.
use std::collections::BTreeSet;
use shield_audit::{advisories::*, dependencies::*};
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let mut builder = Builder::new();
    read_source(&mut builder, path.as_ref()).unwrap();
    let index = builder.finish();
    println!("{:?}", index.summary());
    let database = rustsec::Database::open(path.as_ref()).unwrap();
    let (mut same, mut total, mut kinds) = (0, 0, 0);
    for lock in std::env::args().skip(2) {
        let text = std::fs::read_to_string(&lock).unwrap();
        let Ok(theirs) = text.parse::<rustsec::Lockfile>() else { println!("{lock}: rustsec cannot read"); continue };
        let mut expected = BTreeSet::new();
        for informational in [false, true] { for withdrawn in [false, true] {
            let query = rustsec::database::Query::crate_scope().informational(informational).withdrawn(withdrawn);
            for found in database.query_vulnerabilities(&theirs, &query) {
                expected.insert((found.advisory.id.to_string(), found.package.name.to_string(), found.package.version.to_string(), informational, withdrawn));
            }
        }}
        let ours = read_manifest(SourceKind::CargoLock, &lock, text.as_bytes());
        if !ours.unread.is_empty() { println!("{lock}: {:?}", ours.unread); }
        let mut found = BTreeSet::new();
        for package in ours.packages.iter().filter(|p| p.origin == Origin::Registry) {
            let version = Version::parse(Ecosystem::CratesIo, &package.version).unwrap();
            for advisory in index.look_up(&package.name).unwrap() {
                if advisory.hits(Ecosystem::CratesIo, &package.version, Some(&version)).unwrap().is_some() {
                    found.insert((advisory.id.clone(), package.name.name().to_owned(), package.version.clone(), matches!(advisory.kind, Kind::Notice | Kind::Unmaintained | Kind::Unsound), advisory.withdrawn.is_some()));
                }
            }
        }
        if found == expected { same += 1 } else { println!("{lock}: only ours {:?} only theirs {:?}", found.difference(&expected).collect::<Vec<_>>(), expected.difference(&found).collect::<Vec<_>>()); }
        total += 1; kinds += found.len();
    }
    println!("{same} of {total} the same, {kinds} hits");
}
