//! `audit.original-report`: every entry of the report that the project started with, judged; and the same search made anew.
//!
//! The folder of `SHIELD_BAR_DATA` holds `original/` (freelancing-solutions/linkshield_backend at f2061f6c), its
//! `compliance_report.json`, and `fresh-install/`: what a new virtual environment of Python 3.11 has in its `site-packages` once
//! the requirements of the original are installed (without `hmac` and `hashlib`, which are names of the standard library). ruff
//! 0.17.6 is named by `SHIELD_BAR_RUFF`, the path of its program. The search is the original's own function, taken out of its
//! script and run by `python3`: our reading of it must make the same list. Last the project's own five uses of MD5 are mended with its tests
//! unchanged as judge ([`audit_hashes`], which names more data).

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use shield_audit::{
    finding::Finding,
    foreign::{Observation, Tool},
    imports::{Disk, Distributions, Inventory, Layout, Library, PythonVersion, Surroundings, Target, reach},
    replay::{
        Accusation, JudgedClaim, Reachability, Replay, Report, Root, Standing, Survey, Verdict as Ruling,
        judge,
    },
    tree::{Settings, Tree},
};

use super::{Options, audit_hashes};
use crate::harness::{Result, Trouble, Verdict};

const DATA: &str = "SHIELD_BAR_DATA";
const RUFF: &str = "SHIELD_BAR_RUFF";
/// What each accusation is about: entries of the report, findings of ruff in the fresh install, and how many files may remain
/// there.
const EXPECTED: [(Accusation, [usize; 3]); 2] =
    [(Accusation::WeakCryptography, [5_841, 94, 60]), (Accusation::DangerousExecution, [316, 128, 80])];
/// The project's own uses of MD5.
const OWN: [(&str, u32); 5] = [
    ("services/quick_analysis_service.py", 255),
    ("social_protection/cache.py", 477),
    ("social_protection/controllers/bot_controller.py", 764),
    ("social_protection/controllers/extension_controller.py", 948),
    ("social_protection/controllers/extension_controller.py", 1234),
];
/// Takes the function and the two lists of expressions out of the original's script, and prints what they find.
const SEARCH: &str = r#"
import ast, json, os, re, sys
from pathlib import Path
from typing import List, Optional
tree = ast.parse(Path(sys.argv[1]).read_text(encoding="utf-8"))
function = next(n for n in ast.walk(tree) if getattr(n, "name", "") == "scan_code_for_patterns")
exec(compile(ast.Module([function], []), "search", "exec"))
lists = {n.targets[0].id: ast.literal_eval(n.value) for n in ast.walk(tree) if isinstance(n, ast.Assign)
         and isinstance(n.targets[0], ast.Name) and n.targets[0].id in ("weak_patterns", "dangerous_patterns")}
class Checker: project_root = Path(sys.argv[2])
print(json.dumps([scan_code_for_patterns(Checker, lists[n]) for n in ("weak_patterns", "dangerous_patterns")]))
"#;

/// Where everything is.
struct Places {
    original: PathBuf,
    install: PathBuf,
    ruff: PathBuf,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let places = Places {
        original: data("original", "freelancing-solutions/linkshield_backend at f2061f6c")?,
        install: data("fresh-install", "the site-packages of a new environment with its requirements")?,
        ruff: env::var_os(RUFF).map(PathBuf::from).filter(|path| path.is_file()).ok_or_else(|| {
            Trouble::new(format!("find ruff 0.17.6: name the path of its program in {RUFF}"))
        })?,
    };
    let report = data("compliance_report.json", "the original's `reports/compliance_report.json`")?;
    let bytes =
        fs::read(&report).map_err(|error| Trouble::caused(format!("read `{}`", report.display()), error))?;
    let report = Report::read(&bytes).map_err(|error| Trouble::caused("read the report", error))?;
    let survey = survey(&places)?;
    let mut verdict = Verdict::default();
    let (old, new) = with_standing(&places, |near| {
        (judge(&report, &survey, near), judge(&survey.search(), &survey, near))
    });
    let old_figure = sums(&old, &mut verdict);
    let listed = reproduced(&places, &new, &mut verdict)?;
    let found = own(&new);
    verdict.demand(found.len() == OWN.len(), || format!("own uses of MD5 found: {found:?}"));
    let kept = kept(&places, &new, &mut verdict)?;
    let mended = audit_hashes::check(&mut verdict)?;
    Ok(verdict.with_figure(format!(
        "{old_figure}; today {listed} listed, {kept}; {} own uses of MD5 found: {mended}",
        found.len()
    )))
}

fn survey(places: &Places) -> Result<Survey> {
    let mut survey = Survey::default();
    let settings = Settings::default();
    let text = |path: &Path| path.to_string_lossy().into_owned();
    for root in [Root::Project(text(&places.original)), Root::Installed(text(&places.install))] {
        let (Root::Project(folder) | Root::Installed(folder)) = &root;
        let tree = Tree::walk(Path::new(folder), &settings)
            .map_err(|error| Trouble::caused(format!("list `{folder}`"), error))?;
        survey.add(&root, &tree, &settings);
    }
    survey.skipped.iter().for_each(|skipped| println!("  not read: {skipped}"));
    Ok(survey)
}

/// Hands over what knows how near a file is to what the original runs.
fn with_standing<T>(places: &Places, judge: impl FnOnce(&dyn Fn(&str) -> Standing) -> T) -> T {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let around = Surroundings {
        project: text(&places.original),
        python_path: Vec::new(),
        site_packages: vec![text(&places.install)],
    };
    let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
    let layout = Layout::discover(&Disk, &around);
    let mut inventory = Inventory::read(&Disk, &layout.roots, target.version);
    inventory.add_scripts(layout.sources.iter().map(String::as_str));
    let library = Library::new(&Disk, &inventory, target);
    let distributions = Distributions::read(&Disk, &around.site_packages);
    let runs = |path: &&String| {
        let path = path.strip_prefix(&around.project).unwrap_or(path);
        !path.contains("test") && !path.contains("/scripts/") && !path.ends_with("setup.py")
    };
    let roots: Vec<_> = layout.sources.iter().filter(runs).filter_map(|path| inventory.at(path)).collect();
    let reached = reach(&library, &distributions, &roots);
    let reachability = Reachability::new(&inventory, &reached, &distributions);
    judge(&|path| reachability.standing(path))
}

/// The claim of an accusation.
fn claim(replay: &Replay, accusation: Accusation) -> Option<&JudgedClaim> {
    replay.claims.iter().find(|claim| claim.accusation == Some(accusation))
}

/// Every entry of the report has one verdict with a reason, and the sums are those of the report.
fn sums(replay: &Replay, verdict: &mut Verdict) -> String {
    let mut figure = Vec::new();
    for (accusation, [entries, ..]) in EXPECTED {
        let Some(claim) = claim(replay, accusation) else {
            verdict.demand(false, || format!("{accusation:?} is not in the report"));
            continue;
        };
        let sum: usize = claim.counts().values().map(|count| count.entries).sum();
        for (ruling, count) in claim.counts() {
            println!("  {accusation:?} {ruling:?}: {} entries, {} files", count.entries, count.files);
        }
        verdict.demand(
            sum == entries && claim.entries.len() == entries && claim.claimed == Some(entries),
            || {
                format!(
                    "{accusation:?}: {sum} judged of {} entries, {:?} claimed",
                    claim.entries.len(),
                    claim.claimed
                )
            },
        );
        let without =
            claim.entries.iter().filter(|one| one.reason.is_empty() || one.verdict == Ruling::NoRule);
        let without = without.count();
        verdict.demand(without == 0, || format!("{accusation:?}: {without} entries without a reason"));
        let left: Vec<String> = claim.funnel().iter().map(|stage| stage.left.entries.to_string()).collect();
        figure.push(left.join(" > "));
    }
    figure.join(" and ")
}

/// Our reading of the search lists what the original's own function lists; how many entries that is.
fn reproduced(places: &Places, replay: &Replay, verdict: &mut Verdict) -> Result<String> {
    let script = places.original.join("scripts/compliance_checker.py");
    let output = run_program(Command::new("python3").args(["-c", SEARCH]).arg(script).arg(&places.install))?;
    let lists: [Vec<String>; 2] = serde_json::from_slice(&output)
        .map_err(|error| Trouble::caused("read what the original's search lists", error))?;
    let mut figure = Vec::new();
    for (accusation, mut theirs) in Accusation::ALL.into_iter().zip(lists) {
        let entries = claim(replay, accusation).map(|claim| claim.entries.as_slice()).unwrap_or_default();
        let ours = entries.iter().filter_map(|one| one.entry.strip_prefix("site-packages/"));
        let mut ours: Vec<&str> = ours.collect();
        ours.sort_unstable();
        theirs.sort_unstable();
        verdict.demand(ours == theirs, || {
            format!("{accusation:?}: we list {} entries, the original's search {}", ours.len(), theirs.len())
        });
        figure.push(ours.len().to_string());
    }
    Ok(figure.join(" + "))
}

/// Which of the project's own uses are found.
fn own(replay: &Replay) -> Vec<(&'static str, u32)> {
    let entries = replay.claims.iter().flat_map(|claim| &claim.entries);
    let own = entries.filter(|one| one.verdict == Ruling::Own).flat_map(|one| &one.findings);
    let places: BTreeSet<(String, u32)> = own
        .filter(|finding| finding.subject == "hashlib.md5")
        .filter_map(|finding| Some((finding.place.file.clone(), finding.place.span?.line)))
        .collect();
    let found = |(file, line): &(&str, u32)| places.contains(&(format!("src/linkshield/{file}"), *line));
    OWN.into_iter().filter(found).collect()
}

/// Few files remain, and of ruff's findings none is lost without a reason.
fn kept(places: &Places, replay: &Replay, verdict: &mut Verdict) -> Result<String> {
    let rules: Vec<&str> =
        Accusation::ALL.iter().flat_map(|accusation| accusation.rules()).copied().collect();
    let mut command = Command::new(&places.ruff);
    command.args([
        "check",
        "--preview",
        "--isolated",
        "--no-cache",
        "--exit-zero",
        "--output-format",
        "json",
    ]);
    let output = run_program(command.arg("--select").arg(rules.join(",")).arg(&places.install))?;
    let reader = Tool::named("ruff").ok_or_else(|| Trouble::new("read ruff's output"))?;
    let ruff =
        reader.read(&output, Path::new("")).map_err(|error| Trouble::caused("read ruff's output", error))?;
    let mut figure = Vec::new();
    for (accusation, [_, findings, files_max]) in EXPECTED {
        let Some(claim) = claim(replay, accusation) else { continue };
        let theirs: Vec<&Observation> =
            ruff.observations.iter().filter(|one| accusation.rules().contains(&one.rule.as_str())).collect();
        verdict.demand(theirs.len() == findings, || {
            format!("{accusation:?}: ruff finds {}, not {findings}", theirs.len())
        });
        let remaining = claim.remaining().len();
        verdict.demand(remaining <= files_max, || format!("{accusation:?}: {remaining} files remain"));
        let ours = lines(claim);
        let apart: Vec<&&Observation> = theirs.iter().filter(|one| !ours.contains(&place(one))).collect();
        let reasons: Vec<Option<&str>> = apart.iter().map(|one| reason(claim, one)).collect();
        for (one, reason) in apart.iter().zip(&reasons) {
            let (file, line) = place(one);
            println!("  {} {file}:{line}: {}", one.rule, reason.unwrap_or("LOST"));
        }
        let lost = reasons.iter().filter(|reason| reason.is_none()).count();
        verdict.demand(lost == 0, || {
            format!("{accusation:?}: {lost} of ruff's findings are lost without a reason")
        });
        figure.push(format!(
            "{remaining} files remain, {} of ruff's {} findings are ours too, {} have a reason",
            theirs.len() - apart.len(),
            theirs.len(),
            apart.len() - lost
        ));
    }
    Ok(figure.join(" and "))
}

fn place(one: &Observation) -> (&str, u32) {
    (&one.place.file, one.place.span.map_or(0, |span| span.line))
}

/// Every line of our findings.
fn lines(claim: &JudgedClaim) -> BTreeSet<(&str, u32)> {
    let listed = claim.entries.iter().filter_map(|one| Some((one.file.as_deref()?, &one.findings)));
    let listed = listed.flat_map(|(file, findings)| findings.iter().map(move |finding| (file, finding)));
    let missed = claim.missed.iter().map(|one| (one.file.as_str(), &one.finding));
    let spans = listed
        .chain(missed)
        .filter_map(|(file, finding): (&str, &Finding)| Some((file, finding.place.span?)));
    spans.flat_map(|(file, span)| (span.line..=span.end_line).map(move |line| (file, line))).collect()
}

/// What the entry says that stands for the line of one of ruff's findings.
fn reason<'c>(claim: &'c JudgedClaim, one: &Observation) -> Option<&'c str> {
    let (file, line) = place(one);
    let text = fs::read_to_string(file).ok()?;
    let text = text.lines().nth(usize::try_from(line).ok()?.checked_sub(1)?)?;
    let patterns: BTreeMap<&str, bool> =
        claim.accusation?.patterns().iter().map(|pattern| (pattern.written, pattern.matches(text))).collect();
    let entries = claim.entries.iter().filter(|one| one.file.as_deref() == Some(file));
    let mut meant =
        entries.filter(|one| one.pattern.is_some_and(|pattern| patterns.get(pattern) == Some(&true)));
    meant.next().map(|one| one.reason.as_str())
}

fn run_program(command: &mut Command) -> Result<Vec<u8>> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().map_err(|error| Trouble::caused(format!("run `{name}`"), error))?;
    if !output.status.success() {
        return Err(Trouble::new(format!("run `{name}`: {}", String::from_utf8_lossy(&output.stderr))));
    }
    Ok(output.stdout)
}

/// Something of the data.
fn data(name: &str, what: &str) -> Result<PathBuf> {
    let path = env::var_os(DATA).map(PathBuf::from).map(|folder| folder.join(name));
    path.filter(|path| path.exists())
        .ok_or_else(|| Trouble::new(format!("find `{name}` in the folder named by {DATA}: put {what} there")))
}
