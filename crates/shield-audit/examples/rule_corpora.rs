//! Scores the rules against what bandit and ruff say about their own examples.
//!
//! `rule_corpora FOLDER EXPECTED` reads `rule<TAB>file<TAB>line` lines and the files below the folder, and prints what was found,
//! missed, and found beyond, rule by rule. `rule_corpora FOLDER` prints every finding as `alias<TAB>file<TAB>line`.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    error::Error,
    fs,
    path::Path,
    time::Instant,
};

use shield_audit::{
    python::{
        Audit, FileReport, is_candidate,
        rules::{self, Class},
    },
    tree::{Settings, Tree},
};

type Row = (String, String, u32);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let root = arguments.first().ok_or("the folder is missing")?;
    let two = env::var_os("TWO_CLASSES").is_some();
    let audit =
        if two { Audit::new(rules::of(&[Class::Execution, Class::Cryptography])) } else { Audit::default() };
    let started = Instant::now();
    let settings = Settings::default();
    let tree = Tree::walk(Path::new(root), &settings)?;
    let visited = tree.visit(&settings, is_candidate, |entry, bytes| audit.file(entry, bytes));
    eprintln!(
        "{} files in {:?}, {} skipped",
        visited.results.len(),
        started.elapsed(),
        visited.skipped.len()
    );
    match arguments.get(1) {
        None => print_all(&visited.results),
        Some(expected) => score(&visited.results, &read(expected)?),
    }
    Ok(())
}

fn read(path: &str) -> Result<BTreeSet<Row>, Box<dyn Error>> {
    let text = fs::read_to_string(path)?;
    let row = |line: &str| {
        let mut fields = line.split('\t');
        let mut field = || fields.next().ok_or("a field is missing").map(str::to_owned);
        Ok((field()?, field()?, field()?.parse()?))
    };
    text.lines().map(row).collect()
}

fn rows(reports: &[FileReport]) -> BTreeSet<Row> {
    // bandit knows `nosec` only: what ruff's comment takes back is found all the same.
    let waved =
        reports.iter().flat_map(|report| &report.suppressed).filter(|one| !one.comment.contains("nosec"));
    let findings = reports.iter().flat_map(|report| &report.findings).chain(waved.map(|one| &one.finding));
    let rows = findings.flat_map(|finding| {
        let line = finding.place.span.map_or(1, |span| span.line);
        finding.rule.aliases.iter().map(move |alias| ((*alias).to_owned(), finding.place.file.clone(), line))
    });
    rows.collect()
}

fn print_all(reports: &[FileReport]) {
    for (rule, file, line) in rows(reports) {
        println!("{rule}\t{file}\t{line}");
    }
    for skipped in reports.iter().flat_map(|report| &report.skipped) {
        eprintln!("{skipped}");
    }
}

fn score(reports: &[FileReport], expected: &BTreeSet<Row>) {
    // ruff runs each rule on its own fixture only: lines of others are not its expectations.
    let pairs: BTreeSet<(&str, &str)> =
        expected.iter().map(|(rule, file, _)| (rule.as_str(), file.as_str())).collect();
    let letter = expected.iter().next().map_or("B", |(rule, ..)| &rule[..1]);
    let found: BTreeSet<Row> =
        rows(reports).into_iter().filter(|(rule, ..)| rule.starts_with(letter)).collect();
    let comparable =
        |row: &&Row| pairs.contains(&(row.0.as_str(), row.1.as_str())) || letter == "B" || own_fixture(row);
    let hit = expected.intersection(&found).count();
    let extra: Vec<&Row> = found.difference(expected).filter(comparable).collect();
    let mut by_rule: BTreeMap<&str, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for (rule, file, line) in expected.difference(&found) {
        by_rule.entry(rule).or_default().0.push(format!("{file}:{line}"));
    }
    for (rule, file, line) in &extra {
        by_rule.entry(rule).or_default().1.push(format!("{file}:{line}"));
    }
    for (rule, (missed, beyond)) in &by_rule {
        println!("{rule} missed {} {missed:?}", missed.len());
        println!("{rule} beyond {} {beyond:?}", beyond.len());
    }
    let total = expected.len();
    println!("found {hit} of {total} ({:.1} %), beyond {}", 100.0 * hit as f64 / total as f64, extra.len());
}

/// Whether a row is of the rule that its file is about: `S101.py`, `S408_type_checking.py`.
fn own_fixture(row: &Row) -> bool {
    row.1.starts_with(&row.0)
}
