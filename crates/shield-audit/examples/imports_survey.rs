//! Surveys a project's imports: `imports_survey PROJECT [SITE]`.
#![expect(clippy::unwrap_used, reason = "a measurement by hand: a panic ends it")]
use std::collections::BTreeMap;

use shield_audit::imports::*;
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let around = Surroundings {
        project: arguments[1].clone(),
        python_path: vec![],
        site_packages: arguments[2..].to_vec(),
    };
    let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
    let layout = Layout::discover(&Disk, &around);
    for r in &layout.reasons {
        println!("root {} : {}", r.folder, r.reason)
    }
    let mut inventory = Inventory::read(&Disk, &layout.roots, target.version);
    inventory.add_scripts(layout.sources.iter().map(String::as_str));
    println!("modules {} sources {} unread {:?}", inventory.len(), layout.sources.len(), inventory.unread);
    let library = Library::new(&Disk, &inventory, target);
    let declared = Declared::read(&Disk, &around.project, &layout);
    let distributions = Distributions::read(&Disk, &around.site_packages);
    let surveyor = Surveyor::new(&library, (&around.project, &layout), &declared, &distributions);
    let survey = surveyor.survey(&layout.sources);
    println!("bindings {} broken {}", survey.bindings, survey.broken.len());
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for b in &survey.broken {
        let path = &inventory.module(b.importer).path;
        let cause = format!("{:?}", b.cause);
        let kind = cause.split([' ', '{']).next().unwrap_or_default().to_owned();
        let area = if path.contains("/src/") {
            "src"
        } else if path.contains("test") {
            "tests"
        } else {
            "other"
        };
        *counts.entry(format!("{kind} {area} guard={:?} when={:?}", b.guard, b.when)).or_default() += 1;
        println!(
            "{}:{} {} | {} | {:?} {:?}",
            path.strip_prefix(&around.project).unwrap_or(path),
            b.line,
            b.written,
            cause,
            b.when,
            b.guard
        );
    }
    let plan = surveyor.plan(&layout.sources);
    println!("plan: {} files {} edits", plan.len(), plan.iter().map(|f| f.edits.len()).sum::<usize>());
    for f in &plan {
        let text = String::from_utf8(Disk.read(&f.path).unwrap()).unwrap();
        for e in &f.edits {
            println!("edit {} {:?} -> {:?} {}", f.path, &text[e.range.clone()], e.text, e.reason)
        }
        let after = apply(&text, &f.edits).unwrap();
        if std::env::var("APPLY").is_ok() {
            std::fs::write(&f.path, after).unwrap()
        }
    }
    let mut loader = Loader::new(&library, &survey);
    for path in layout.sources.iter().filter(|p| {
        let n = p.rsplit('/').next().unwrap();
        n.starts_with("test_") || n == "conftest.py"
    }) {
        let id = inventory.at(path).unwrap();
        if let Err(f) = loader.load(id) {
            println!(
                "session {path}: {:?} {:?}",
                f.why,
                f.steps.iter().map(|(m, _)| &*inventory.module(*m).name).collect::<Vec<_>>()
            )
        }
    }
    for path in &layout.sources {
        let id = inventory.at(path).unwrap();
        if let Err(f) = Loader::new(&library, &survey).load(id) {
            println!(
                "alone {path}: {:?} {:?}",
                f.why,
                f.steps.iter().map(|(m, _)| &*inventory.module(*m).name).collect::<Vec<_>>()
            )
        }
    }
    for s in &inventory.shadowed {
        println!("shadowed {} by {:?}", s.path, s.winner.map(|w| &inventory.module(w).path))
    }
    for d in &survey.doubtful {
        println!("doubt {}:{} {} {:?}", inventory.module(d.importer).path, d.line, d.module, d.doubt)
    }
    println!("{counts:#?}");
}
