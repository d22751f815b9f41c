//! `audit.rule-corpora`: our rules find what bandit finds in its own examples, and what ruff expects of its own fixtures and hardly
//! more.
//!
//! The folder of `SHIELD_BAR_DATA` holds `bandit/` (PyCQA/bandit at 92080542) and `ruff/` (astral-sh/ruff at fca5c7cf). bandit
//! 1.9.4 on Python 3.11 is named by `SHIELD_BAR_BANDIT`, the path of its program: it is run on its examples, since its repository
//! only has counts. ruff's expectations are its snapshots, those of its preview apart, which are differences; each is about one rule
//! in one fixture, and every line that it does not list is a line where the rule must be silent.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use shield_audit::{
    foreign::Tool,
    python::{Audit, FileReport, is_candidate},
    tree::{Settings, Tree},
};

use super::{Options, audit_original::data};
use crate::harness::{Result, Trouble, Verdict};

const BANDIT: &str = "SHIELD_BAR_BANDIT";
const BANDIT_FINDINGS: usize = 597;
const BANDIT_SHARE_MIN: f64 = 0.97;
const RUFF_EXPECTATIONS: usize = 498;
const RUFF_SHARE_MIN: f64 = 0.95;
const RUFF_EXTRA_MAX: f64 = 0.02;
const SNAPSHOT: &str = "ruff_linter__rules__flake8_bandit__tests__";

/// A rule by its name over there, a file below the folder, a line.
type Row = (String, String, u32);

/// What ruff says of its fixtures.
#[derive(Default)]
struct Snapshots {
    expected: BTreeSet<Row>,
    /// The rules and fixtures that it speaks about: elsewhere nothing is said.
    about: BTreeSet<(String, String)>,
}

/// What is ours of what is theirs.
struct Score {
    found: usize,
    expected: usize,
    extra: usize,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let examples = data("bandit/examples", "PyCQA/bandit at 92080542 as `bandit/`")?;
    let linter = data("ruff/crates/ruff_linter", "astral-sh/ruff at fca5c7cf as `ruff/`")?;
    let mut verdict = Verdict::default();
    let theirs = bandit(&examples)?;
    verdict.demand(theirs.len() == BANDIT_FINDINGS, || {
        format!("bandit finds {} in its examples, not {BANDIT_FINDINGS}: it is another bandit", theirs.len())
    });
    let bandit = compared(&theirs, &ours(&examples, 'B')?, |_| true);
    verdict.demand(bandit.share() >= BANDIT_SHARE_MIN, || {
        format!("{} of bandit's {} findings are found", bandit.found, bandit.expected)
    });
    let snapshots = snapshots(&linter.join("src/rules/flake8_bandit/snapshots"))?;
    verdict.demand(snapshots.expected.len() == RUFF_EXPECTATIONS, || {
        format!(
            "ruff expects {} lines, not {RUFF_EXPECTATIONS}: it is another ruff",
            snapshots.expected.len()
        )
    });
    let fixtures = linter.join("resources/test/fixtures/flake8_bandit");
    let ruff = compared(&snapshots.expected, &ours(&fixtures, 'S')?, |(rule, file, _)| {
        snapshots.about.contains(&(rule.clone(), file.clone()))
    });
    verdict.demand(ruff.share() >= RUFF_SHARE_MIN, || {
        format!("{} of ruff's {} expectations are met", ruff.found, ruff.expected)
    });
    verdict.demand(ruff.extra_share() <= RUFF_EXTRA_MAX, || {
        format!("{} lines beyond ruff's {}", ruff.extra, ruff.expected)
    });
    Ok(verdict.with_figure(format!(
        "bandit's examples: {bandit}; ruff's fixtures: {ruff}, {} lines beyond ({:.1} %)",
        ruff.extra,
        100.0 * ruff.extra_share()
    )))
}

/// What bandit finds in its examples.
fn bandit(examples: &Path) -> Result<BTreeSet<Row>> {
    let program = env::var_os(BANDIT).map(PathBuf::from).filter(|path| path.is_file()).ok_or_else(|| {
        Trouble::new(format!("find bandit 1.9.4: name the path of its program in {BANDIT}"))
    })?;
    let mut command = Command::new(program);
    command.args(["-q", "-r", ".", "-f", "json", "--exit-zero"]).current_dir(examples);
    let output = command.output().map_err(|error| Trouble::caused("run bandit", error))?;
    if !output.status.success() {
        return Err(Trouble::new(format!("run bandit: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let reader = Tool::named("bandit").ok_or_else(|| Trouble::new("read bandit's output"))?;
    let said = reader
        .read(&output.stdout, Path::new(""))
        .map_err(|error| Trouble::caused("read bandit's output", error))?;
    Ok(said
        .observations
        .into_iter()
        .map(|one| (one.rule, one.place.file, one.place.span.map_or(0, |span| span.line)))
        .collect())
}

/// Reads the snapshots of a folder: the name says rule and fixture, a heading the rule, an arrow the place.
fn snapshots(folder: &Path) -> Result<Snapshots> {
    let trouble = |error| Trouble::caused(format!("read `{}`", folder.display()), error);
    let mut snapshots = Snapshots::default();
    for entry in fs::read_dir(folder).map_err(trouble)? {
        let path = entry.map_err(trouble)?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let Some(test) = name.strip_prefix(SNAPSHOT).filter(|test| !test.starts_with("preview__")) else {
            continue;
        };
        // `S101_S101.py`; the name of a variant has no file, and says nothing of other lines.
        if let Some((rule, file)) = test.split_once('_').filter(|(_, file)| file.contains('.')) {
            snapshots.about.insert((rule.to_owned(), file.to_owned()));
        }
        let text = fs::read_to_string(&path).map_err(trouble)?;
        let mut rule = None;
        for line in text.lines() {
            if let Some(place) = line.trim_start().strip_prefix("--> ") {
                let row = row(rule, place);
                snapshots
                    .expected
                    .insert(row.ok_or_else(|| Trouble::new(format!("read the line `{line}`")))?);
            } else if line.starts_with('S') && line.len() > 4 && line.is_char_boundary(4) {
                rule = Some(&line[..4]);
            }
        }
    }
    Ok(snapshots)
}

/// `S101.py:7:5`, of a rule.
fn row(rule: Option<&str>, place: &str) -> Option<Row> {
    let mut parts = place.split(':');
    Some((rule?.to_owned(), parts.next()?.to_owned(), parts.next()?.parse().ok()?))
}

/// What we find below a folder, by the names that start with a letter.
fn ours(folder: &Path, letter: char) -> Result<BTreeSet<Row>> {
    let settings = Settings::default();
    let tree = Tree::walk(folder, &settings)
        .map_err(|error| Trouble::caused(format!("list `{}`", folder.display()), error))?;
    let audit = Audit::default();
    let visited = tree.visit(&settings, is_candidate, |entry, bytes| audit.file(entry, bytes));
    let rows = visited.results.iter().flat_map(|report| rows(report, letter));
    Ok(rows.collect())
}

/// Both tools heed their own comment only: what ruff's takes back is found by bandit, and none of the fixtures has bandit's.
fn rows(report: &FileReport, letter: char) -> impl Iterator<Item = Row> {
    let waved = report.suppressed.iter().filter(|one| !one.comment.contains("nosec"));
    let findings = report.findings.iter().chain(waved.map(|one| &one.finding));
    findings.flat_map(move |finding| {
        let line = finding.place.span.map_or(1, |span| span.line);
        let names = finding.rule.aliases.iter().filter(move |alias| alias.starts_with(letter));
        names.map(move |alias| ((*alias).to_owned(), finding.place.file.clone(), line))
    })
}

/// Compares, and prints each rule that differs. Lines beyond count where `counts` says so.
fn compared(theirs: &BTreeSet<Row>, ours: &BTreeSet<Row>, counts: impl Fn(&Row) -> bool) -> Score {
    let extra: Vec<&Row> = ours.difference(theirs).filter(|row| counts(row)).collect();
    let missed: Vec<&Row> = theirs.difference(ours).collect();
    for (what, rows) in [("missed", &missed), ("beyond", &extra)] {
        let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (rule, file, line) in rows {
            by_rule.entry(rule).or_default().push(format!("{file}:{line}"));
        }
        for (rule, places) in by_rule {
            println!("  {rule} {what} {}: {}", places.len(), places.join(", "));
        }
    }
    Score { found: theirs.len() - missed.len(), expected: theirs.len(), extra: extra.len() }
}

// === impl Score ===

impl Score {
    fn share(&self) -> f64 {
        self.found as f64 / self.expected.max(1) as f64
    }

    fn extra_share(&self) -> f64 {
        self.extra as f64 / self.expected.max(1) as f64
    }
}

impl fmt::Display for Score {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {} ({:.1} %)", self.found, self.expected, 100.0 * self.share())
    }
}
