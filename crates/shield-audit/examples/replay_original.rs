//! What became of the original report: `replay_original REPORT PROJECT SITE [RUFF_JSON]`.
//!
//! Prints, for the report and for the same search made today, how the entries narrow down, and what is real in the project's
//! own code; with ruff's findings on the same files, which of them no entry and no finding of ours accounts for.
#![expect(clippy::unwrap_used, reason = "a measurement by hand: a panic ends it")]

use std::{collections::BTreeSet, env, fs, path::Path};

use shield_audit::{
    imports::{Disk, Distributions, Inventory, Layout, Library, PythonVersion, Surroundings, Target, reach},
    replay::{JudgedClaim, Reachability, Replay, Report, Root, Survey, Verdict, judge},
    tree::{Settings, Tree},
};

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [report, project, site, rest @ ..] = arguments.as_slice() else { panic!("REPORT PROJECT SITE") };
    let report = Report::read(&fs::read(report).unwrap()).unwrap();
    let mut survey = Survey::default();
    let settings = Settings::default();
    for root in [Root::Project(project.clone()), Root::Installed(site.clone())] {
        let (Root::Project(folder) | Root::Installed(folder)) = &root;
        survey.add(&root, &Tree::walk(Path::new(folder), &settings).unwrap(), &settings);
    }
    for skipped in &survey.skipped {
        println!("not read: {skipped}");
    }

    let around =
        Surroundings { project: project.clone(), python_path: vec![], site_packages: vec![site.clone()] };
    let target = Target { version: PythonVersion(11), platform: "linux".to_owned() };
    let layout = Layout::discover(&Disk, &around);
    let mut inventory = Inventory::read(&Disk, &layout.roots, target.version);
    inventory.add_scripts(layout.sources.iter().map(String::as_str));
    let library = Library::new(&Disk, &inventory, target);
    let distributions = Distributions::read(&Disk, &around.site_packages);
    let application =
        |path: &&String| !path.contains("test") && !path.contains("/scripts/") && !path.ends_with("setup.py");
    let roots: Vec<_> =
        layout.sources.iter().filter(application).filter_map(|path| inventory.at(path)).collect();
    let reached = reach(&library, &distributions, &roots);
    let reachability = Reachability::new(&inventory, &reached, &distributions);
    let near = |path: &str| reachability.standing(path);

    println!("== the report");
    show(&judge(&report, &survey, &near));
    println!("== the same search today");
    let today = judge(&survey.search(), &survey, &near);
    show(&today);
    if let Some(ruff) = rest.first() {
        lost(&today, &serde_json::from_slice(&fs::read(ruff).unwrap()).unwrap());
    }
}

fn show(replay: &Replay) {
    for claim in &replay.claims {
        println!("{}: {} ({:?} claimed)", claim.rule_id, claim.message, claim.claimed);
        for (verdict, count) in claim.counts() {
            println!("    {verdict:?}: {} entries, {} files", count.entries, count.files);
        }
        for stage in claim.funnel() {
            println!("  {:>5} entries {:>5} files {}", stage.left.entries, stage.left.files, stage.what);
        }
        if claim.accusation.is_some() {
            let own = claim.entries.iter().filter(|one| one.verdict == Verdict::Own);
            own.for_each(|one| println!("    own: {} {}", one.entry, one.reason));
            println!("  missed {}, files that remain {}", claim.missed.len(), claim.remaining().len());
        }
    }
}

/// ruff's findings in lines where nothing of ours is.
fn lost(replay: &Replay, ruff: &serde_json::Value) {
    let listed = replay.claims.iter().flat_map(|claim| &claim.entries);
    let listed = listed.filter_map(|entry| Some((entry.file.as_deref()?, &entry.findings)));
    let listed = listed.flat_map(|(file, findings)| findings.iter().map(move |finding| (file, finding)));
    let missed = replay.claims.iter().flat_map(|claim| &claim.missed);
    let ours: BTreeSet<(&str, u64)> = listed
        .chain(missed.map(|one| (one.file.as_str(), &one.finding)))
        .filter_map(|(file, finding)| Some((file, finding.place.span?)))
        .flat_map(|(file, span)| (span.line..=span.end_line).map(move |line| (file, u64::from(line))))
        .collect();
    let remaining: BTreeSet<&str> = replay.claims.iter().flat_map(JudgedClaim::remaining).collect();
    for one in ruff.as_array().unwrap() {
        let (file, row) = (one["filename"].as_str().unwrap(), one["location"]["row"].as_u64().unwrap());
        if ours.contains(&(file, row)) {
            continue;
        }
        println!(
            "not in this line: {} {file}:{row}, file remains: {}",
            one["code"],
            remaining.contains(file)
        );
        let entries = replay.claims.iter().flat_map(|claim| &claim.entries);
        entries
            .filter(|entry| entry.file.as_deref() == Some(file))
            .for_each(|entry| println!("    {:?} {}", entry.verdict, entry.reason));
    }
}
