//! `audit.cost`: processor time and memory of `shield audit`, against ruff and bandit over the same files.
//!
//! The folder of `SHIELD_BAR_DATA` holds `site-packages/`: the requirements of the original installed (`pip install --target`,
//! without `hmac` and `hashlib`, which are names of the standard library). ruff 0.17.6 and bandit 1.9.4 are named by
//! `SHIELD_BAR_RUFF` and `SHIELD_BAR_BANDIT`, the paths of their programs.
//!
//! `shield` is the program that ships, auditing a project that has these packages and nothing else: rules, import graph and
//! packages all count. It has no switch for classes of rules; the two classes of the original report are measured in this
//! process, from the walk to the last finding. What is compared runs in turns; the least of each decides, since whatever
//! disturbs a run adds to it, and the ratio of the medians must hold too.

mod programs;
mod trees;

use std::{
    hint::black_box,
    path::{Path, PathBuf},
    time::Duration,
};

use shield_audit::{
    python::{
        Audit, Parse, is_candidate,
        rules::{self, Class},
    },
    tree::{Entry, Settings, Tree, decode},
};

use self::{
    programs::{Programs, Spent, ruff, shield, shield_twice},
    trees::Trees,
};
use super::Options;
use crate::harness::{Result, Trouble, Verdict, build_programs, process_time};

/// The classes of the original report.
const CLASSES: [Class; 2] = [Class::Execution, Class::Cryptography];
/// Turns in which each program runs once.
const TURNS: usize = 7;
/// Of ruff's processor time.
const TWO_CLASSES_MAX: f64 = 0.2;
const ALL_RULES_MAX: f64 = 1.0;
/// Of the processor time of the first audit, where nothing has changed since.
const WARM_MAX: f64 = 0.1;
/// Less means that ruff passed the files over.
const RUFF_SECONDS_MIN: f64 = 0.5;
/// Times the processor time of bandit.
const BANDIT_MIN: f64 = 50.0;
const LITERAL_MAX: Duration = Duration::from_millis(200);
const RESIDENT_MIB_MAX: f64 = 250.0;

/// What one program took in each turn.
#[derive(Default)]
struct Turns(Vec<Spent>);

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    let shield = build_programs().await?.shield;
    let measured = tokio::task::spawn_blocking(|| measure(shield)).await;
    measured.map_err(|error| Trouble::caused("measure", error))?
}

fn measure(shield: PathBuf) -> Result<Verdict> {
    let programs = Programs::find(shield)?;
    let trees = Trees::make()?;
    let mut verdict = Verdict::default();
    let figures = [
        two_classes(&programs, &trees, &mut verdict)?,
        all_rules(&programs, &trees, &mut verdict)?,
        sample(&programs, &trees, &mut verdict)?,
        literal(&programs, &trees, &mut verdict)?,
    ];
    same_findings(&trees, &mut verdict)?;
    Ok(verdict.with_figure(format!("{} files of Python: {}", trees.python_files, figures.join("; "))))
}

/// The two classes of the original report.
fn two_classes(programs: &Programs, trees: &Trees, verdict: &mut Verdict) -> Result<String> {
    let aliases = rules::of(&CLASSES).flat_map(|check| check.rule.aliases).copied();
    let mut selected: Vec<&str> = aliases.filter(|alias| alias.starts_with('S')).collect();
    selected.sort_unstable();
    selected.dedup();
    let selected = selected.join(",");
    let (mut own, mut theirs) = (Turns::default(), Turns::default());
    for _ in 0..TURNS {
        theirs.0.push(ruff(programs, &selected, &trees.packages)?);
        own.0.push(Spent { processor: engine(&trees.project)?, resident_bytes: 0 });
    }
    Ok(compared("two classes", TWO_CLASSES_MAX, &own, &theirs, verdict))
}

/// Every rule, with all else that an audit does.
fn all_rules(programs: &Programs, trees: &Trees, verdict: &mut Verdict) -> Result<String> {
    let (mut own, mut again, mut theirs) = (Turns::default(), Turns::default(), Turns::default());
    for _ in 0..TURNS {
        theirs.0.push(ruff(programs, "S", &trees.packages)?);
        let ([first, second], same) = shield_twice(programs, &trees.project)?;
        verdict.demand(same, || "a second audit says something else".to_owned());
        own.0.push(first);
        again.0.push(second);
    }
    let figure = compared("all rules", ALL_RULES_MAX, &own, &theirs, verdict);
    let warm = warm(&own, &again, verdict);
    let resident = own.0.iter().map(Spent::resident_mib).fold(0.0, f64::max);
    verdict.demand(resident <= RESIDENT_MIB_MAX, || format!("{resident:.0} MiB resident"));
    Ok(format!("{figure}; {warm}; {resident:.0} MiB resident"))
}

/// Audits of what has not changed since the one before.
fn warm(own: &Turns, again: &Turns, verdict: &mut Verdict) -> String {
    let least = again.least() / own.least();
    let median = again.median() / own.median();
    println!("  once more: {:.2} s of processor time ({:.2} s in the median)", again.least(), again.median());
    verdict.demand(least <= WARM_MAX && median <= WARM_MAX, || {
        format!(
            "a second audit takes {least:.3} of the first one's processor time, {median:.3} in the median"
        )
    });
    format!("a second audit {least:.3} of the first")
}

/// Some of the files, which bandit takes minutes for if it gets all of them.
fn sample(programs: &Programs, trees: &Trees, verdict: &mut Verdict) -> Result<String> {
    let own = (0..TURNS).map(|_| shield(programs, &trees.sample)).collect::<Result<_>>().map(Turns)?;
    let theirs = programs::bandit(programs, &trees.sample)?;
    let ratio = theirs.seconds() / own.least();
    println!("  sample: {:.3} s, bandit {:.2} s of processor time", own.least(), theirs.seconds());
    verdict.demand(ratio >= BANDIT_MIN, || format!("only 1/{ratio:.0} of bandit's processor time"));
    Ok(format!("1/{ratio:.0} of bandit's on a sample of {} files", trees.sample_files))
}

/// A file that is one literal of 65,538 lines, as the project's own: everything that an audit has looks at it.
fn literal(programs: &Programs, trees: &Trees, verdict: &mut Verdict) -> Result<String> {
    let own = (0..TURNS).map(|_| shield(programs, &trees.literal)).collect::<Result<_>>().map(Turns)?;
    let theirs = ruff(programs, "S", &trees.literal)?;
    println!("  literal: {:.3} s, ruff {:.3} s of processor time", own.least(), theirs.seconds());
    verdict.demand(own.least() < LITERAL_MAX.as_secs_f64(), || {
        format!("the literal takes {:.3} s of processor time", own.least())
    });
    Ok(format!("the literal {:.0} ms", own.least() * 1000.0))
}

/// What is not parsed would not have shown anything: every rule, over every file, finds the same.
fn same_findings(trees: &Trees, verdict: &mut Verdict) -> Result<()> {
    let audit = Audit::default();
    let settings = Settings::default();
    let tree = walk(&trees.project)?;
    let python = |entry: &Entry| entry.path.ends_with(".py");
    let differs = tree.visit(&settings, python, |entry, bytes| {
        let text = decode(bytes).ok()?;
        let [some, all] = [
            audit.text(&entry.path, &text.characters, Parse::WhereWordsOccur),
            audit.text_unfiltered(&entry.path, &text.characters),
        ];
        let same = some.findings == all.findings && some.suppressed == all.suppressed;
        (!same).then(|| entry.path.clone())
    });
    for path in differs.results.into_iter().flatten() {
        verdict.demand(false, || format!("{path}: other findings where every file is parsed"));
    }
    Ok(())
}

fn walk(project: &Path) -> Result<Tree> {
    Tree::walk(project, &Settings::default()).map_err(|error| Trouble::caused("walk over the tree", error))
}

/// Processor time of the two classes over the installed packages, in this process.
fn engine(project: &Path) -> Result<Duration> {
    let before = process_time();
    let audit = Audit::new(rules::of(&CLASSES));
    let settings = Settings::default();
    let tree =
        Tree::walk(project, &settings).map_err(|error| Trouble::caused("walk over the tree", error))?;
    black_box(tree.visit(&settings, is_candidate, |entry, bytes| audit.file(entry, bytes)));
    Ok(process_time().saturating_sub(before))
}

fn compared(what: &str, share_max: f64, own: &Turns, theirs: &Turns, verdict: &mut Verdict) -> String {
    let least = own.least() / theirs.least();
    let median = own.median() / theirs.median();
    println!(
        "  {what}: {:.2} s of processor time ({:.2} s in the median), ruff {:.2} s ({:.2} s)",
        own.least(),
        own.median(),
        theirs.least(),
        theirs.median()
    );
    verdict.demand(theirs.least() >= RUFF_SECONDS_MIN, || format!("{what}: ruff looked at next to nothing"));
    verdict.demand(least <= share_max && median <= share_max, || {
        format!("{what}: {least:.2} of ruff's processor time, {median:.2} in the median")
    });
    format!("{what} {least:.2} of ruff's")
}

// === impl Turns ===

impl Turns {
    fn sorted(&self) -> Vec<f64> {
        let mut seconds: Vec<f64> = self.0.iter().map(Spent::seconds).collect();
        seconds.sort_unstable_by(f64::total_cmp);
        seconds
    }

    fn least(&self) -> f64 {
        self.sorted().first().copied().unwrap_or_default()
    }

    fn median(&self) -> f64 {
        self.sorted().get(self.0.len() / 2).copied().unwrap_or_default()
    }
}
