//! The reference lists exactly the keys that the parser knows; this repository's own file is good.

use std::{collections::BTreeSet, fs, path::PathBuf};

use shield_types::settings::Reader;

use super::{
    super::{
        Manifest,
        load::{format_is_known, resolve},
    },
    FULL,
};

fn repository(path: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn reference_lists_every_key() {
    let reader = Reader::new(FULL, "shield.toml");
    assert!(format_is_known(&reader.root()) && resolve(&reader.root()).is_some());
    let known: BTreeSet<String> = reader.known_keys().iter().map(|key| key.replace("[]", "")).collect();
    let reference = repository("docs/shield-toml.md");
    let listed: BTreeSet<String> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split_once("` |"))
        .map(|(key, _)| key.to_owned())
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn example_in_reference_is_accepted() {
    let reference = repository("docs/shield-toml.md");
    let examples: Vec<&str> =
        reference.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(!examples.is_empty());
    for example in examples {
        Manifest::parse(example, "example").unwrap_or_else(|mistakes| panic!("{mistakes}"));
    }
}

#[test]
fn own_file_is_accepted() {
    let manifest = Manifest::parse(&repository("shield.toml"), "shield.toml");
    assert_eq!(manifest.unwrap_or_else(|mistakes| panic!("{mistakes}")).name.as_str(), "linkshield");
}
