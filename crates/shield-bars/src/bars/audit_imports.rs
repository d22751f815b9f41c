//! `audit.imports`: the imports of the original are mended as far as anything mechanical can, and what remains is said.
//!
//! The original is copied; imports, missing `__init__.py` and a missing `pyproject.toml` are mended with pytest's collection as judge, in rounds until a
//! round changes nothing, since a package that came to be can make another import mendable. Then pytest collects once more: what fails must have been
//! foretold by [`Loader`], and its cause must be a module that exists nowhere or a file that does not parse, also by what pytest says of it. Data: [`super::audit_original`].

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use shield_audit::{
    finding::{Finding, number_alike},
    imports::{
        Cause, Declared, Disk, Distributions, HIDDEN_FILE, Inventory, Layout, Library, LoadCause, Loader,
        NO_INIT, NO_MANIFEST, Packaging, PythonVersion, Surroundings, Surveyor, Target, UNDEFINED_NAME,
        missing_manifest,
    },
    python::Audit,
    remedy::{
        self, Imports, Outcome, PythonRescan, Remedy, TestCommand, TestError, TestRun, Tests, Work, apply,
    },
};

use super::{
    Options,
    audit_original::{copy, files, original, pytest, read, site},
};
use crate::harness::{Result, Trouble, Verdict};

const ROUNDS_MAX: usize = 6;
/// What Python calls a module that exists nowhere, and a file that does not parse.
const ADMITTED: [&str; 4] = ["ModuleNotFoundError", "SyntaxError", "IndentationError", "TabError"];
/// Repairs that must be made, or the bar says nothing: somewhat below what was counted when it was written.
const APPLIED_MIN: usize = 200;

/// pytest's collection, each file with tests as one case.
struct Collection {
    command: TestCommand,
    output: PathBuf,
    /// The error that pytest named last for each file.
    errors: BTreeMap<String, String>,
}

/// What an audit says of the imports.
struct Seen {
    remedies: Vec<Remedy>,
    /// Broken imports by cause.
    causes: BTreeMap<&'static str, usize>,
    /// Files with tests that cannot be loaded, and why.
    failing: BTreeMap<String, LoadCause>,
}

pub(crate) async fn run(_options: &Options) -> Result<Verdict> {
    tokio::task::spawn_blocking(measure).await.map_err(|error| Trouble::caused("measure", error))?
}

fn measure() -> Result<Verdict> {
    let folder = || tempfile::tempdir().map_err(|error| Trouble::caused("make a folder", error));
    let (project, aside) = (folder()?, folder()?);
    copy(&original()?, project.path(), |_| true)?;
    let root = project.path();
    let output = aside.path().join("output");
    let mut collection =
        Collection { command: pytest(root, &["--collect-only"], &output)?, output, errors: BTreeMap::new() };
    let journals = aside.path().join("records");
    let mut verdict = Verdict::default();
    let before = see(root)?;
    let (mut applied, mut rounds) = (0, 0);
    loop {
        let done = mend(root, &journals, &see(root)?.remedies, &mut collection)?;
        applied += done;
        rounds += 1;
        println!("  round {rounds}: {done} mended");
        if done == 0 || rounds >= ROUNDS_MAX {
            break;
        }
    }
    let settled = snapshot(root)?;
    let again = mend(root, &journals, &see(root)?.remedies, &mut collection)?;
    let same = snapshot(root)? == settled;
    verdict.demand(again == 0 && same, || format!("a second run mends {again} more"));
    verdict.demand(applied >= APPLIED_MIN, || format!("only {applied} mended: nothing is shown"));
    let seen = see(root)?;
    let resolvable = seen.remedies.iter().filter(|remedy| remedy.is_applicable()).count();
    verdict.demand(resolvable == 0, || format!("{resolvable} are resolvable and not mended"));
    let run = collection.run().map_err(|error| Trouble::caused("collect the tests", error))?;
    let failing: BTreeSet<&String> =
        run.cases.iter().filter(|(_, passed)| !**passed).map(|(file, _)| file).collect();
    let counts = judge(&failing, &seen, &collection.errors, &mut verdict);
    let sum = |causes: &BTreeMap<&str, usize>| causes.values().sum::<usize>();
    println!("  left: {:?}", seen.causes);
    Ok(verdict.with_figure(format!(
        "{} broken imports, {applied} remedies applied in {rounds} rounds, {} left, each with its cause: {}; {} of {} files with tests fail to load, all \
         foretold: {counts}",
        sum(&before.causes),
        sum(&seen.causes),
        seen.causes.iter().map(|(cause, count)| format!("{count} {cause}")).collect::<Vec<_>>().join(", "),
        failing.len(),
        run.cases.len(),
    )))
}

/// Compares what pytest cannot load with what was foretold, and asks for a cause that nobody can mend.
fn judge(
    failing: &BTreeSet<&String>,
    seen: &Seen,
    errors: &BTreeMap<String, String>,
    verdict: &mut Verdict,
) -> String {
    let mut counts: BTreeMap<&'static str, usize> = BTreeMap::new();
    for file in failing {
        let Some(why) = seen.failing.get(*file) else {
            verdict.demand(false, || format!("{file} fails, which was not foretold"));
            continue;
        };
        let (class, admitted) = class_of(why);
        *counts.entry(class).or_default() += 1;
        let said = errors.get(*file).map_or("nothing", String::as_str);
        println!("  {file}: {class}: {why:?}; pytest says {said}");
        let kind = said.split(':').next().unwrap_or_default();
        verdict.demand(!admitted || ADMITTED.contains(&kind), || {
            format!("{file}: {class}, but pytest says {said}")
        });
        verdict.demand(admitted, || {
            format!("{file} fails for another cause than a missing module or a broken file: {class}")
        });
    }
    for file in seen.failing.keys().filter(|file| !failing.contains(file)) {
        verdict.demand(false, || format!("{file} loads, against what was foretold"));
    }
    counts.into_iter().map(|(class, count)| format!("{count} {class}")).collect::<Vec<_>>().join(", ")
}

/// A cause in words, and whether the bar admits it.
fn class_of(why: &LoadCause) -> (&'static str, bool) {
    match why {
        LoadCause::Broken { cause: Cause::Absent { .. } } => ("module that exists nowhere", true),
        LoadCause::Refused | LoadCause::Broken { cause: Cause::Refused { .. } } => {
            ("file that does not parse", true)
        }
        LoadCause::Broken { cause: Cause::NameAbsent { homes, .. } } if homes.is_empty() => {
            ("name that exists nowhere", false)
        }
        LoadCause::Broken { cause: Cause::NameAbsent { .. } } => ("name with several homes", false),
        LoadCause::Broken { cause: Cause::Hidden { .. } } => ("name in a file that another one hides", false),
        LoadCause::Broken { cause: Cause::NotInstalled { .. } } => {
            ("distribution that is not installed", false)
        }
        LoadCause::Broken { .. } => ("import that could be mended", false),
        LoadCause::Circular { .. } => ("circle of imports", false),
        LoadCause::Undefined { .. } => ("name that nothing binds", false),
        LoadCause::Unfinished => ("not followed to its end", false),
    }
}

fn mend(root: &Path, journals: &Path, remedies: &[Remedy], tests: &mut Collection) -> Result<usize> {
    let audit = Audit::default();
    let mut work =
        Work { root, journals, rescan: &PythonRescan(&audit), tests: Some(tests), test_runs_max: 16 };
    let applied = apply(&mut work, remedies).map_err(|error| Trouble::caused("apply remedies", error))?;
    for (remedy, outcome) in remedies.iter().zip(&applied.outcomes) {
        if let Outcome::Reverted { why } | Outcome::Refused { why } = outcome {
            println!("  {}: {}: {why}", remedy.finding.place.file, remedy.what);
        }
    }
    Ok(applied.outcomes.iter().filter(|outcome| **outcome == Outcome::Applied).count())
}

/// Audits the imports of a project as it is.
fn see(root: &Path) -> Result<Seen> {
    let project = &*root.to_string_lossy();
    let sites = site()?.map(|site| site.to_string_lossy().into_owned());
    let around =
        Surroundings { project: project.to_owned(), python_path: Vec::new(), site_packages: sites.to_vec() };
    let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
    let layout = Layout::discover(&Disk, &around);
    let mut inventory = Inventory::read(&Disk, &layout.roots, target.version);
    inventory.add_scripts(layout.sources.iter().map(String::as_str));
    let library = Library::new(&Disk, &inventory, target);
    let declared = Declared::read(&Disk, project, &layout);
    let distributions = Distributions::read(&Disk, &around.site_packages);
    let surveyor = Surveyor::new(&library, (project, &layout), &declared, &distributions);
    let survey = surveyor.survey(&layout.sources);
    let packaging = Packaging { files: &Disk, project, library: &library };
    let mut findings = packaging.broken(&survey);
    let of_imports = |finding: &Finding| [&UNDEFINED_NAME, &HIDDEN_FILE].contains(&finding.rule);
    let (of_imports, others): (Vec<Finding>, Vec<Finding>) =
        packaging.project(&layout).into_iter().partition(of_imports);
    findings.extend(of_imports);
    let (circles, unfinished) = packaging.circles(&layout.sources, &survey);
    if !unfinished.is_empty() {
        return Err(Trouble::new(format!("{} modules were not loaded to their end", unfinished.len())));
    }
    findings.extend(circles);
    let mut loader = Loader::new(&library, &survey);
    let mut failing = BTreeMap::new();
    for path in &layout.sources {
        let name = path.rsplit('/').next().unwrap_or(path);
        let collected = name == "conftest.py" || name.starts_with("test_") || name.ends_with("_test.py");
        if let Some(Err(failure)) = inventory.at(path).filter(|_| collected).map(|id| loader.load(id)) {
            let file = path.strip_prefix(project).unwrap_or(path).trim_start_matches('/');
            failing.insert(file.to_owned(), failure.why);
        }
    }
    number_alike(&mut findings);
    let mends =
        Imports { files: &Disk, project, inventory: &inventory, surveyor: &surveyor, survey: &survey };
    let mut remedies = mends.remedies(&findings);
    let written: Vec<Finding> =
        others.into_iter().filter(|finding| [&NO_INIT, &NO_MANIFEST].contains(&finding.rule)).collect();
    let manifest = missing_manifest(&Disk, project, &layout, &inventory);
    remedies
        .extend(remedy::Packaging { files: &Disk, project, manifest: manifest.as_ref() }.remedies(&written));
    let mut causes = BTreeMap::new();
    survey.broken.iter().for_each(|broken| *causes.entry(name_of(&broken.cause)).or_default() += 1);
    Ok(Seen { remedies, causes, failing })
}

fn name_of(cause: &Cause) -> &'static str {
    match cause {
        Cause::Renamed { .. } => "renamed",
        Cause::FromInside { .. } => "from inside",
        Cause::Miscounted { .. } => "miscounted dots",
        Cause::Absent { .. } => "absent module",
        Cause::Moved { .. } => "moved name",
        Cause::NameAbsent { .. } => "absent name",
        Cause::Hidden { .. } => "hidden file",
        Cause::Refused { .. } => "broken file",
        Cause::NotInstalled { .. } => "not installed",
    }
}

fn snapshot(root: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    // What the interpreter leaves behind is nobody's change.
    let ours = |file: &PathBuf| !file.components().any(|part| part.as_os_str() == "__pycache__");
    files(root)?.into_iter().filter(ours).map(|file| Ok((file.clone(), read(&file)?))).collect()
}

// === impl Collection ===

impl Tests for Collection {
    fn run(&mut self) -> std::result::Result<TestRun, TestError> {
        let report =
            |why: std::io::Error| TestError::Report { path: self.output.clone(), why: why.to_string() };
        fs::write(&self.output, "").map_err(report)?;
        let succeeded = self.command.run()?.succeeded;
        let said = fs::read_to_string(&self.output).map_err(report)?;
        let mut cases = BTreeMap::new();
        let mut collecting = String::new();
        self.errors.clear();
        for line in said.lines() {
            if let Some((_, file)) = line.split_once(" ERROR collecting ") {
                collecting = file.trim_end_matches(['_', ' ']).to_owned();
            } else if let Some(error) = line.strip_prefix("E ").map(str::trim)
                && error.split_once(':').is_some_and(|(kind, _)| kind.ends_with("Error"))
            {
                self.errors.insert(collecting.clone(), error.to_owned());
            }
            if let Some(file) = line.strip_prefix("ERROR ") {
                let file = file.split(" - ").next().unwrap_or(file);
                cases.insert(file.to_owned(), false);
            } else if let Some((file, _)) = line.split_once("::").filter(|(file, _)| file.ends_with(".py")) {
                cases.entry(file.to_owned()).or_insert(true);
            }
        }
        Ok(TestRun { succeeded, cases })
    }
}
