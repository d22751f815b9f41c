//! Mends corpora by hand, on copies: `remedy_corpora fixes FOLDER` applies whatever may be applied to the Python below a folder, with tests that
//! always pass, and says what became of it; `remedy_corpora imports PROJECT [SITE]` mends a project's imports and packaging. Both change the files.
#![expect(clippy::unwrap_used, reason = "a measurement by hand: a panic ends it")]

use std::{collections::BTreeMap, fs, path::Path};

use shield_audit::{
    finding::{Finding, number_alike},
    imports::{
        Declared, Disk, Distributions, Inventory, Layout, Library, Loader, Packaging, PythonVersion,
        Surroundings, Surveyor, Target, missing_manifest,
    },
    python::{Audit, Parse},
    remedy::{
        self, Imports, Outcome, Project, PythonRescan, Remedy, TestError, TestRun, Tests, Work, apply,
        for_python, python_minimum,
    },
    tree::{Settings, Tree},
};

struct Green;

impl Tests for Green {
    fn run(&mut self) -> Result<TestRun, TestError> {
        Ok(TestRun { succeeded: true, cases: BTreeMap::new() })
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["fixes", folder] => fixes(folder),
        ["imports", project] => imports(project, None),
        ["imports", project, site] => imports(project, Some(site)),
        _ => panic!("fixes FOLDER, or imports PROJECT [SITE]"),
    }
}

fn fixes(folder: &str) {
    let audit = Audit::default();
    let project = Project {
        python_minimum: python_minimum(&Disk, folder).or(Some(PythonVersion(9))),
        installed: ["defusedxml".to_owned()].into_iter().collect(),
        ..Project::default()
    };
    let tree = Tree::walk(Path::new(folder), &Settings::default()).unwrap();
    let mut remedies = Vec::new();
    for entry in tree.entries().iter().filter(|entry| entry.path.ends_with(".py")) {
        let bytes = fs::read(Path::new(folder).join(&entry.path)).unwrap();
        let findings = audit.bytes(&entry.path, &bytes, Parse::Always).findings;
        remedies.extend(for_python(&entry.path, &bytes, &findings, &project));
    }
    carry_out(folder, &audit, &remedies);
}

fn carry_out(folder: &str, audit: &Audit, remedies: &[Remedy]) {
    let journals = tempfile::tempdir().unwrap();
    let rescan = PythonRescan(audit);
    let mut work = Work {
        root: Path::new(folder),
        journals: journals.path(),
        rescan: &rescan,
        tests: Some(&mut Green),
        test_runs_max: 8,
    };
    let applied = apply(&mut work, remedies).unwrap();
    let mut counts: BTreeMap<(String, &str, &str), usize> = BTreeMap::new();
    for (remedy, outcome) in remedies.iter().zip(&applied.outcomes) {
        let Finding { rule, place, .. } = &remedy.finding;
        let (became, why) = match outcome {
            Outcome::Applied => ("applied", ""),
            Outcome::Proposed if remedy.changes.is_empty() => ("proposed", ""),
            Outcome::Proposed => ("proposed with an edit", ""),
            Outcome::Refused { why } => ("refused", why.as_str()),
            Outcome::Reverted { why } => ("reverted", why.as_str()),
        };
        *counts.entry((remedy.class.to_string(), rule.id, became)).or_default() += 1;
        if !why.is_empty() {
            println!("{}:{} {} {became}: {why}", place.file, place.span.map_or(0, |span| span.line), rule.id);
        }
    }
    for ((class, rule, became), count) in counts {
        println!("{class} {rule} {became} {count}");
    }
}

fn imports(project: &str, site: Option<&str>) {
    let around = Surroundings {
        project: project.to_owned(),
        python_path: Vec::new(),
        site_packages: site.iter().map(|site| (*site).to_owned()).collect(),
    };
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
    let (mut broken, mut settings) = (packaging.broken(&survey), packaging.project(&layout));
    number_alike(&mut broken);
    number_alike(&mut settings);
    let (of_imports, settings): (Vec<_>, Vec<_>) =
        settings.into_iter().partition(|finding| finding.rule.id.starts_with("imports/"));
    broken.extend(of_imports);
    broken.extend(packaging.circles(&layout.sources, &survey).0);
    let mends =
        Imports { files: &Disk, project, inventory: &inventory, surveyor: &surveyor, survey: &survey };
    let mut remedies = mends.remedies(&broken);
    let manifest = missing_manifest(&Disk, project, &layout, &inventory);
    let mends = remedy::Packaging { files: &Disk, project, manifest: manifest.as_ref() };
    remedies.extend(mends.remedies(&settings));
    println!("bindings {} broken {}", survey.bindings, survey.broken.len());
    for one in &broken {
        println!(
            "{}:{} {} {}",
            one.place.file,
            one.place.span.map_or(0, |span| span.line),
            one.rule.id,
            one.message
        );
    }
    let mut loader = Loader::new(&library, &survey);
    for path in &layout.sources {
        let name = path.rsplit('/').next().unwrap_or(path);
        if (name.starts_with("test_") || name == "conftest.py")
            && let Some(id) = inventory.at(path)
            && let Err(failure) = loader.load(id)
        {
            println!("fails {path}: {:?}", failure.why);
        }
    }
    let audit = Audit::default();
    carry_out(project, &audit, &remedies);
}
