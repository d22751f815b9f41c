mod cargo;
mod go;
mod hostile;
mod npm;

use std::{collections::BTreeMap, io};

use super::{Reachability, Sources, reachability};
use crate::{
    advisories::{Hit, Kind, Match},
    dependencies::{Ecosystem, PackageName},
    finding::Place,
};

fn matched(ecosystem: Ecosystem, name: &str, version: &str, symbols: &[&str]) -> Match {
    Match {
        package: PackageName::new(ecosystem, name),
        version: version.to_owned(),
        place: Place { file: "lock".to_owned(), span: None },
        vulnerability: "CVE-1".to_owned(),
        names: vec!["CVE-1".to_owned()],
        records: vec!["CVE-1".to_owned()],
        kind: Kind::Vulnerable,
        summary: String::new(),
        severity: None,
        vectors: Vec::new(),
        symbols: symbols.iter().map(|symbol| (*symbol).to_owned()).collect(),
        hit: Hit::Agreed,
        suspect: false,
        fixed_in: None,
        clean_in: None,
    }
}

fn found(files: &[(&str, &str)], matches: &[Match]) -> Reachability {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let read = |path: &str| {
        files.get(path).map(|text| text.as_bytes().to_vec()).ok_or(io::ErrorKind::NotFound.into())
    };
    let installed = |path: &&str| path.contains("node_modules/");
    let own = files.keys().copied().filter(|path| !installed(path));
    reachability(&Sources::new(own, files.keys().copied().filter(installed), &read), matches)
}
