//! The reference lists exactly the keys that are read, with their true defaults and ranges.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use shield_types::settings::{Mistakes, Reader};
use shield_types::{format_duration, parse_duration};
use toml::{Table, Value};

use super::{FULL, MINIMAL, directory, environment, parse, parsed};
use crate::scenario::file::LoadFile;
use crate::scenario::read::document::resolve;

fn reference() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/load-file.md");
    fs::read_to_string(path).unwrap()
}

/// The rows of the reference: key, type, default, range.
fn rows(reference: &str) -> Vec<[&str; 4]> {
    let is_key = |cell: &str| cell.starts_with('`') && cell.ends_with('`') && !cell.contains([' ', '{']);
    let cells = reference.lines().filter(|line| line.starts_with("| `")).map(|line| {
        let mut cells = line.trim_matches('|').split('|').map(str::trim);
        [(); 4].map(|()| cells.next().unwrap_or_default())
    });
    cells
        .filter(|[key, ..]| is_key(key))
        .map(|[key, kind, default, range]| [key.trim_matches('`'), kind, default, range])
        .collect()
}

/// Set-up, log-in and renewal have the keys of a step.
fn as_step(key: &str) -> String {
    let step_like = ["scenario.setup.", "scenario.auth.login.", "scenario.auth.refresh."];
    let own = ["token", "refresh_token", "every", "on_status"];
    let rest = step_like.iter().find_map(|prefix| key.strip_prefix(prefix));
    match rest.filter(|rest| !own.contains(rest)) {
        Some(rest) => format!("scenario.step.{rest}"),
        None => key.to_owned(),
    }
}

/// What kinds of faults have in common is listed with the first of them.
fn as_fault(key: &str) -> String {
    let processes = ["freeze", "restart", "descriptors", "clock-skew"];
    match key.split('.').collect::<Vec<_>>().as_slice() {
        ["fault", kind, key @ ("pid" | "pid_file" | "listens" | "name" | "reach")]
            if processes.contains(kind) =>
        {
            format!("fault.kill.{key}")
        }
        ["fault", kind, key @ ("proxy" | "direction" | "share")] if *kind != "cpu" => {
            format!("fault.latency.{key}")
        }
        _ => key.to_owned(),
    }
}

#[test]
fn reference_lists_every_key() {
    let directory = directory();
    let reader = Reader::new(FULL, "load.toml");
    assert!(resolve(&reader.root(), directory.path(), &environment).is_some());
    let known: BTreeSet<String> =
        reader.known_keys().iter().map(|key| as_fault(&as_step(&key.replace("[]", "")))).collect();
    // Lists of tables are keys of their own here, with the meaning of the whole.
    let whole = ["open.phases", "scenario.step.check"];
    let reference = reference();
    let listed: BTreeSet<String> = rows(&reference)
        .iter()
        .map(|[key, ..]| (*key).to_owned())
        .filter(|key| !whole.contains(&key.as_str()))
        .collect();
    assert_eq!(listed, known);
}

#[test]
fn examples_in_reference_are_accepted() {
    let reference = reference();
    let examples: Vec<&str> =
        reference.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(examples.len(), 3);
    examples.into_iter().for_each(|example| drop(parsed(example)));
}

/// Tables that a key of the reference needs around it, and a way to it: `scenario.step` is the first step of the first one.
const TABLES: &str = "
[[scenario]]
name = \"second\"
step = [{ get = \"/second\" }]
[scenario.auth]
kind = \"api-key\"
value = \"x\"
[[feed]]
name = \"first\"
rows = [{ x = 1 }]
[abort]
p99 = \"1s\"
[[thresholds.target]]
metric = \"m\"
at_most = 1
[metrics]
url = \"http://localhost/\"
[counter]
metric = \"m\"
[[proxy]]
name = \"line\"
[[fault]]
name = \"latency\"
at = \"0s\"
for = \"1s\"
latency = { proxy = \"line\", delay = \"1s\" }
[[fault]]
name = \"reset\"
at = \"0s\"
for = \"1s\"
reset = { proxy = \"line\" }
[[fault]]
name = \"loss\"
at = \"0s\"
for = \"1s\"
loss = { proxy = \"line\", burst_begins = \"1%\", lost_in_bursts = \"1%\" }
[[fault]]
name = \"kill\"
at = \"0s\"
for = \"1s\"
kill = { pid = 2 }
[[fault]]
name = \"restart\"
at = \"0s\"
for = \"1s\"
restart = { pid = 2 }
[[fault]]
name = \"cpu\"
at = \"0s\"
for = \"1s\"
cpu = { workers = 1 }
[[fault]]
name = \"memory\"
at = \"0s\"
for = \"1s\"
memory = { size = \"1B\" }
";

/// The small file with every table, and `value` under `key`.
fn with(key: &str, value: Option<Value>) -> Result<LoadFile, Mistakes> {
    let mut document: Table = format!("{MINIMAL}{TABLES}").parse().unwrap();
    if key.starts_with("open.") {
        document.remove("closed");
        let phases = "v = [{ rate = 1, for = '1s' }]".parse::<Table>().unwrap().remove("v").unwrap();
        document.insert("open".to_owned(), Table::from_iter([("phases".to_owned(), phases)]).into());
    }
    if let Some(value) = value {
        let (tables, name) = key.rsplit_once('.').unwrap_or(("", key));
        let mut table = &mut document;
        for part in tables.split('.').filter(|part| !part.is_empty()) {
            table = match table.entry(part).or_insert(Value::Table(Table::new())) {
                Value::Array(tables) => {
                    // Credentials are those of the last scenario.
                    let kind = key.strip_prefix("fault.").and_then(|rest| rest.split('.').next());
                    let of_kind = |table: &Value| kind.is_some_and(|kind| table.get(kind).is_some());
                    let fault = tables.iter().position(of_kind).unwrap_or(0);
                    let at = if key.starts_with("scenario.auth") { tables.len() - 1 } else { fault };
                    tables[at].as_table_mut().unwrap()
                }
                other => other.as_table_mut().unwrap(),
            };
        }
        table.insert(name.to_owned(), value);
    }
    parse(&document.to_string())
}

#[test]
fn defaults_in_reference_are_true() {
    let reference = reference();
    let mut compared = 0;
    for [key, _, default, _] in rows(&reference) {
        let Some(written) = default.strip_prefix('`').and_then(|rest| rest.split('`').next()) else {
            continue;
        };
        if default != format!("`{written}`") || key.starts_with("scenario.auth.csrf") {
            continue;
        }
        let value = format!("v = {written}").parse::<Table>().unwrap()["v"].clone();
        let plain = with(key, None).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let file = with(key, Some(value)).unwrap_or_else(|mistakes| panic!("{key}: {mistakes}"));
        assert_eq!(format!("{file:?}"), format!("{plain:?}"), "{key}");
        compared += 1;
    }
    assert!(compared >= 18, "{compared} defaults");
}

#[test]
fn ranges_in_reference_are_true() {
    let reference = reference();
    let mut compared = 0;
    for [key, kind, _, range] in rows(&reference) {
        let known = ["whole number", "number", "duration", "ratio"].contains(&kind);
        let Some((from, to)) =
            range.split(',').next().unwrap_or_default().split_once(" to ").filter(|_| known)
        else {
            continue;
        };
        let shown = |text: &str| parse_duration(text).map_or(text.to_owned(), format_duration);
        let mistakes = with(key, Some(Value::String("?".to_owned()))).unwrap_err();
        let mistake = mistakes.list().iter().find(|mistake| mistake.value.as_deref() == Some("\"?\""));
        let accepted = mistake.unwrap_or_else(|| panic!("{key}: {mistakes}")).accepted.replace('`', "");
        assert!(accepted.ends_with(&format!("from {} to {}", shown(from), shown(to))), "{key}: {accepted}");
        compared += 1;
    }
    assert!(compared >= 30, "{compared} ranges");
}
