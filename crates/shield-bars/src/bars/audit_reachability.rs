//! `audit.reachability`: what the import graph calls unreachable is never imported by a real run, and it takes away much of what is
//! found in dependencies.
//!
//! The original is copied with its environment inside, as a developer has it, and audited whole. Then Python imports every module of
//! the program: what that loads from the environment is what the graph has to lead to. No dynamic root is declared. Data:
//! [`super::audit_original`], and `fresh-install/`: what a new virtual environment of Python 3.11 has in its `site-packages` once
//! the requirements of the original are installed.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use jiff::civil::Date;
use shield_audit::{
    audit::{Settings, audit},
    report::{Part, Report, Standing},
};

use super::{
    Options,
    audit_original::{SETTINGS, copy, data, original},
};
use crate::harness::{Result, Trouble, Verdict};

const PYTHON: &str = "SHIELD_BAR_PYTHON";
/// Below the copy.
const ENVIRONMENT: &str = ".venv/lib/python3.11/site-packages";
/// The share of findings in dependencies that must be called unreachable.
const REMOVED_MIN: f64 = 0.40;
/// Installed modules that the run must load, or it shows nothing: somewhat below what was counted when the bar was written.
const IMPORTED_MIN: usize = 3_000;
/// Nothing is held against it: there is no list of what is accepted.
const DAY: Date = Date::constant(2026, 11, 27);
/// What the original's settings want to be told beside [`SETTINGS`] before all of it can be imported.
const KEYS: [(&str, &str); 2] = [
    ("LINKSHIELD_SECRET_KEY", "test-secret-key-for-testing-only"),
    ("LINKSHIELD_JWT_SECRET_KEY", "test-jwt-secret-key-for-testing-only"),
];
/// Imports every module below `src`, and `app`, whatever fails; prints what was loaded from the environment.
const RUN: &str = r#"
import importlib, json, os, sys
root, site = sys.argv[1:]
sys.path[:0] = [root, root + "/src", site]
names = ["app"]
for folder, _, files in os.walk(root + "/src"):
    for file in files:
        if file.endswith(".py"):
            name = os.path.relpath(os.path.join(folder, file), root + "/src")[:-3].replace("/", ".")
            names.append(name.removesuffix(".__init__"))
failed = 0
for name in sorted(names):
    try:
        importlib.import_module(name)
    except BaseException:
        failed += 1
loaded = [[name, module.__file__] for name, module in sorted(sys.modules.items()) if getattr(module, "__file__", None)]
with open(root + "/../loaded.json", "w") as output:
    json.dump({"tried": len(names), "failed": failed, "loaded": [one for one in loaded if one[1].startswith(site)]}, output)
"#;

/// What a run of the program loads.
#[derive(Debug)]
struct Loaded {
    tried: u64,
    failed: u64,
    /// Names and files of installed modules.
    modules: Vec<(String, String)>,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let folder = tempfile::tempdir().map_err(|error| Trouble::caused("make a folder", error))?;
    let aside = fs::canonicalize(folder.path()).map_err(|error| Trouble::caused("find a folder", error))?;
    let root = aside.join("project");
    let site = root.join(ENVIRONMENT);
    copy(&original()?, &root, |_| true)?;
    copy(
        &data("fresh-install", "the site-packages of a new environment with its requirements")?,
        &site,
        |_| true,
    )?;
    copy(&data("site-extra", "greenlet 3.5.6, installed with `pip install --target`")?, &site, |_| true)?;
    let report = audit(&root, &Settings::on(DAY), &|_| {})
        .map_err(|error| Trouble::caused(format!("audit `{}`", root.display()), error))?;
    let loaded = loaded(&root, &site, &aside)?;
    let mut verdict = Verdict::default();
    let count = loaded.modules.len();
    verdict.demand(count >= IMPORTED_MIN, || format!("the run loads only {count} installed modules"));
    let wrong = wrong(&report, &loaded);
    for (name, file) in &wrong {
        println!("  {name} is loaded, and called unreachable: {file}");
    }
    verdict.demand(wrong.is_empty(), || {
        format!("{} modules are imported at run time that the graph calls unreachable", wrong.len())
    });
    let (all, removed) = removed(&report);
    let share = removed as f64 / all.max(1) as f64;
    verdict.demand(share >= REMOVED_MIN, || {
        format!("{removed} of {all} findings in dependencies are removed as unreachable")
    });
    let holes = report.coverage.gaps.iter().filter(|gap| gap.part == Part::Imports).count();
    Ok(verdict.with_figure(format!(
        "{count} installed modules loaded by {} of {} modules of the program, {} of them called unreachable; {} of {all} findings in \
         dependencies ({:.0} %) removed as unreachable; {} modules unreachable, {holes} holes in the graph",
        loaded.tried - loaded.failed,
        loaded.tried,
        wrong.len(),
        removed,
        100.0 * share,
        report.graph.unreached.len(),
    )))
}

/// Runs the program as far as importing all of it does.
fn loaded(root: &Path, site: &Path, aside: &Path) -> Result<Loaded> {
    let program = env::var_os(PYTHON).map_or_else(|| PathBuf::from("python3"), PathBuf::from);
    let mut command = Command::new(program);
    command.args(["-B", "-c", RUN]).arg(root).arg(site).current_dir(root).envs(SETTINGS).envs(KEYS);
    let output = command.output().map_err(|error| Trouble::caused("run python3", error))?;
    // Modules of the program print as they are loaded: what counts is in a file.
    if !output.status.success() {
        return Err(Trouble::new(format!("run python3: {}", String::from_utf8_lossy(&output.stderr))));
    }
    let bytes = fs::read(aside.join("loaded.json"))
        .map_err(|error| Trouble::caused("read what was loaded", error))?;
    Loaded::read(&bytes).ok_or_else(|| Trouble::new("read what was loaded"))
}

/// What is loaded and called unreachable: by its file, or since nothing of its package is said to be imported.
fn wrong<'l>(report: &Report, loaded: &'l Loaded) -> Vec<&'l (String, String)> {
    let never: BTreeSet<&str> = report.graph.never_imported.values().flatten().map(String::as_str).collect();
    let called = |(name, file): &&(String, String)| {
        report.graph.unreached.contains(file.as_str()) || never.contains(name.as_str())
    };
    loaded.modules.iter().filter(called).collect()
}

/// How many findings in installed code there are, and how many of them nothing leads to; prints them by rule.
fn removed(report: &Report) -> (usize, usize) {
    let mut by_rule: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for found in report.found.iter().filter(|found| found.standing != Standing::Own) {
        let count = by_rule.entry(found.finding.rule.id).or_default();
        count.0 += 1;
        count.1 += usize::from(found.standing == Standing::Unreachable);
    }
    for (rule, (all, removed)) in &by_rule {
        println!("  {rule}: {removed} of {all} removed");
    }
    by_rule.values().fold((0, 0), |sum, count| (sum.0 + count.0, sum.1 + count.1))
}

// === impl Loaded ===

impl Loaded {
    fn read(bytes: &[u8]) -> Option<Self> {
        let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
        let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
        let module = |one: &serde_json::Value| Some((text(one.get(0)?)?, text(one.get(1)?)?));
        Some(Self {
            tried: value.get("tried")?.as_u64()?,
            failed: value.get("failed")?.as_u64()?,
            modules: value.get("loaded")?.as_array()?.iter().map(module).collect::<Option<_>>()?,
        })
    }
}
