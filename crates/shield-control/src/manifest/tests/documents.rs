//! The reference lists exactly the keys that the parser knows; this repository's own file is good.

use std::{collections::BTreeSet, fs, path::PathBuf};

use shield_types::{
    format_duration, parse_duration,
    settings::{Mistakes, Reader},
};
use toml::{Table, Value};

use super::{
    super::{
        Manifest,
        load::{format_is_known, resolve},
    },
    FULL, MINIMAL,
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
    let listed: BTreeSet<String> =
        rows(&reference).iter().map(|[key, ..]| key.trim_matches('`').to_owned()).collect();
    assert_eq!(listed, known);
}

/// The rows of the reference: key, type, default, range.
fn rows(reference: &str) -> Vec<[&str; 4]> {
    let is_key = |cell: &str| cell.starts_with('`') && cell.ends_with('`') && !cell.contains(' ');
    let cells = reference.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let mut cells = line.trim_matches('|').split(" | ").map(str::trim);
        [(); 4].map(|()| cells.next().unwrap_or_default())
    });
    cells.filter(|[key, ..]| is_key(key)).collect()
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

/// What every table with a required key needs, beside the minimal file.
const TABLES: &str = "[stage.test]\ncommand = \"true\"\n[stage.load]\nfile = \"load.toml\"\n[[stage.smoke.request]]\npath = \"/\"\n\
    [stage.bench]\n[bench]\nload = \"bench.toml\"\n[[bench.component]]\nname = \"jwt\"\ntarget = \"10ms\"\nwith = \"token\"\n\
    primitive = { kind = \"sha-256\" }\n";

/// The minimal file with every table, and `value` under `key`.
fn with(key: &str, value: Value) -> Result<Manifest, Mistakes> {
    let mut document: Table = format!("{MINIMAL}{TABLES}").parse().unwrap();
    let (tables, name) = key.rsplit_once('.').unwrap_or(("", key));
    let mut table = &mut document;
    for part in tables.split('.').filter(|part| !part.is_empty()) {
        table = match table.entry(part).or_insert(Value::Table(Table::new())) {
            Value::Array(tables) => tables[0].as_table_mut().unwrap(),
            other => other.as_table_mut().unwrap(),
        };
    }
    table.insert(name.to_owned(), value);
    Manifest::parse(&document.to_string(), "shield.toml")
}

#[test]
fn defaults_in_reference_are_true() {
    let reference = repository("docs/shield-toml.md");
    let plain = with("format", Value::Integer(1)).unwrap();
    let mut compared = 0;
    for [key, _, default, _] in rows(&reference) {
        let Some(written) = default.strip_prefix('`').and_then(|rest| rest.split('`').next()) else {
            continue;
        };
        let value = format!("v = {written}").parse::<Table>().unwrap()["v"].clone();
        let key = key.trim_matches('`');
        assert_eq!(with(key, value).unwrap_or_else(|mistakes| panic!("{mistakes}")), plain, "{key}");
        compared += 1;
    }
    assert!(compared >= 20, "{compared} defaults");
}

#[test]
fn ranges_in_reference_are_true() {
    let reference = repository("docs/shield-toml.md");
    let mut compared = 0;
    for [key, kind, _, range] in rows(&reference) {
        let known = ["whole number", "duration", "size", "ratio"].contains(&kind);
        let Some((from, to)) =
            range.split(',').next().unwrap_or_default().split_once(" to ").filter(|_| known)
        else {
            continue;
        };
        let shown = |text: &str| parse_duration(text).map_or(text.to_owned(), format_duration);
        let key = key.trim_matches('`');
        let mistakes = with(key, Value::String("?".to_owned())).unwrap_err();
        let accepted = mistakes.list()[0].accepted.replace('`', "");
        assert!(accepted.ends_with(&format!("from {} to {}", shown(from), shown(to))), "{key}: {accepted}");
        compared += 1;
    }
    assert!(compared >= 14, "{compared} ranges");
}
