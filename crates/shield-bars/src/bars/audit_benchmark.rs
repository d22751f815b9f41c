//! `audit.benchmark`: how well the audit tells real weaknesses from harmless code in OWASP's benchmark for Python.
//!
//! The folder of `SHIELD_BAR_DATA` holds `benchmark-python/` (OWASP-Benchmark/BenchmarkPython at 7cf0674). Only tests with odd
//! numbers count: rules and tables were tuned on the even ones. A category is decided by the rules that are about its
//! weakness: by flows of data where data has to arrive, by single calls where it has not.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
};

use shield_audit::{
    python::{Audit, is_candidate},
    taint::{SourceFile, follow},
    tree::{Settings, Tree, decode},
};

use super::Options;
use crate::harness::{Result, Trouble, Verdict};

const DATA: &str = "SHIELD_BAR_DATA";
const FILES: usize = 1_243;
const MEAN_MIN: f64 = 70.0;
const PRECISION_MIN: f64 = 0.90;
const RECALL_MIN: f64 = 0.80;

/// The rules that are about the weakness of a category.
const CATEGORIES: [(&str, &[&str]); 14] = [
    ("cmdi", &["python/command-injection"]),
    ("codeinj", &["python/code-injection"]),
    ("deserialization", &["python/unsafe-deserialisation"]),
    ("hash", &["python/weak-hash"]),
    ("ldapi", &["python/ldap-injection"]),
    ("pathtraver", &["python/path-traversal"]),
    ("redirect", &["python/open-redirect"]),
    ("securecookie", &["python/insecure-cookie"]),
    ("sqli", &["python/sql-injection"]),
    ("trustbound", &["python/trust-boundary"]),
    ("weakrand", &["python/weak-random", "python/weak-random-sample", "python/weak-random-distribution"]),
    ("xpathi", &["python/xpath-injection"]),
    ("xss", &["python/cross-site-scripting"]),
    ("xxe", &["python/external-entities"]),
];

/// Tests of a category: those that are weak and those that are not, and how many of each are reported.
#[derive(Clone, Copy, Default)]
struct Count {
    weak: u32,
    found: u32,
    harmless: u32,
    wrong: u32,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let folder = data("benchmark-python", "OWASP-Benchmark/BenchmarkPython at 7cf0674")?;
    let mut verdict = Verdict::default();
    let said = reported(&folder, &mut verdict)?;
    let counts = counted(&folder, &said)?;
    let mut all = Count::default();
    let mut sum = 0.0;
    for (category, count) in &counts {
        let score = count.score();
        println!(
            "  {category:16} {}/{} found, {}/{} wrong: {score:.1}",
            count.found, count.weak, count.wrong, count.harmless
        );
        verdict.demand(score >= 0.0, || format!("{category} is worse than chance: {score:.1}"));
        sum += score;
        all.weak += count.weak;
        all.found += count.found;
        all.harmless += count.harmless;
        all.wrong += count.wrong;
    }
    let categories = u32::try_from(counts.len()).unwrap_or(u32::MAX);
    verdict.demand(counts.len() == CATEGORIES.len(), || format!("only {categories} categories"));
    let mean = sum / f64::from(categories);
    let precision = f64::from(all.found) / f64::from(all.found + all.wrong);
    let recall = f64::from(all.found) / f64::from(all.weak);
    verdict.demand(mean >= MEAN_MIN, || format!("mean of TPR - FPR {mean:.1}"));
    verdict.demand(precision >= PRECISION_MIN, || format!("precision {precision:.3}"));
    verdict.demand(recall >= RECALL_MIN, || format!("recall {recall:.3}"));
    Ok(verdict.with_figure(format!(
        "{} tests with odd numbers: mean of TPR - FPR {mean:.1}, precision {precision:.3}, recall {recall:.3}",
        all.weak + all.harmless
    )))
}

/// What is reported, by test and rule; every test must be parsed whole.
fn reported(folder: &Path, verdict: &mut Verdict) -> Result<BTreeSet<(String, &'static str)>> {
    let settings = Settings::default();
    let tree = Tree::walk(folder, &settings)
        .map_err(|error| Trouble::caused(format!("walk `{}`", folder.display()), error))?;
    let audit = Audit::default();
    let visited = tree.visit(&settings, is_candidate, |entry, bytes| {
        let text = decode(bytes).map(|text| text.characters.into_owned()).ok();
        (entry.path.clone(), text, audit.file(entry, bytes))
    });
    let is_test = |path: &str| path.starts_with("testcode/BenchmarkTest") && path.ends_with(".py");
    let texts: Vec<SourceFile<'_>> = visited
        .results
        .iter()
        .filter_map(|(path, text, _)| Some(SourceFile { path, text: text.as_deref()? }))
        .filter(|file| file.path.ends_with(".py"))
        .collect();
    let flows = follow(&texts);
    let tests = visited
        .results
        .iter()
        .filter(|(path, text, report)| is_test(path) && text.is_some() && report.skipped.is_empty());
    let parsed = tests.count();
    verdict.demand(parsed == FILES, || format!("{parsed} of {FILES} tests parsed"));
    verdict.demand(flows.unfollowed.is_empty(), || {
        format!(
            "{} files not followed to their end, the first {}",
            flows.unfollowed.len(),
            flows.unfollowed[0]
        )
    });
    let single = visited.results.iter().flat_map(|(_, _, report)| &report.findings);
    let test = |path: &str| {
        let name = path.rsplit('/').next().unwrap_or(path);
        name.trim_end_matches(".py").to_owned()
    };
    Ok(flows.findings.iter().chain(single).map(|one| (test(&one.place.file), one.rule.id)).collect())
}

fn counted(folder: &Path, said: &BTreeSet<(String, &'static str)>) -> Result<BTreeMap<String, Count>> {
    let path = folder.join("expectedresults-0.1.csv");
    let text = fs::read_to_string(&path)
        .map_err(|error| Trouble::caused(format!("read `{}`", path.display()), error))?;
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split(',').collect();
        let [test, category, weak, ..] = fields.as_slice() else {
            return Err(Trouble::new(format!("read the line `{line}`")));
        };
        if !test.ends_with(['1', '3', '5', '7', '9']) {
            continue;
        }
        let rules = CATEGORIES.iter().find(|(name, _)| name == category);
        let (_, rules) = rules.ok_or_else(|| Trouble::new(format!("know the category `{category}`")))?;
        let reported = rules.iter().any(|rule| said.contains(&((*test).to_owned(), rule)));
        let count = counts.entry((*category).to_owned()).or_default();
        let weak = *weak == "true";
        count.weak += u32::from(weak);
        count.harmless += u32::from(!weak);
        count.found += u32::from(weak && reported);
        count.wrong += u32::from(!weak && reported);
    }
    Ok(counts)
}

/// A folder of the data.
fn data(name: &str, what: &str) -> Result<PathBuf> {
    let folder = env::var_os(DATA).map(PathBuf::from).map(|folder| folder.join(name));
    folder.filter(|folder| folder.is_dir()).ok_or_else(|| {
        Trouble::new(format!("find `{name}/` in the folder named by {DATA}: put {what} there"))
    })
}

// === impl Count ===

impl Count {
    /// Rate of what is found less rate of what is wrong, in percent.
    fn score(self) -> f64 {
        let rate = |part: u32, whole: u32| f64::from(part) / f64::from(whole.max(1));
        100.0 * (rate(self.found, self.weak) - rate(self.wrong, self.harmless))
    }
}
