//! A foreign report, held against the project that it is about.

use std::{fs, path::Path};

use shield_types::chain;

use super::{
    Progress, Settings,
    graph::{Parts, with_parts},
    run::sites,
};
use crate::{
    imports::{Disk, reach},
    replay::{Reachability, Replay, Report, Root, Standing, Survey, Verdict, judge},
    report::{Gap, Part},
    tree::{Skipped, Tree, WalkError},
};

/// What became of the entries of a report.
#[derive(Clone, Debug)]
pub struct ReplayedReport {
    /// The project: an absolute path.
    pub root: String,
    /// Directories of installed packages that were looked into.
    pub sites: Vec<String>,
    /// Every entry, judged.
    pub replay: Replay,
    /// Files that could not be read, or not to their end.
    pub skipped: Vec<Skipped>,
    /// What else is not known.
    pub gaps: Vec<Gap>,
}

/// What a file is loaded by that may be loaded or not.
const NO_GRAPH: &str = "something that is not known: there is no import graph, so that it counts as loaded";

/// Judges every entry of a report about the directory at `root`, as settings say what belongs to it.
///
/// # Errors
/// If there is nothing at `root`.
pub fn replayed(
    root: &Path,
    settings: &Settings,
    report: &Report,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<ReplayedReport, WalkError> {
    let failed = |source| WalkError { root: root.to_owned(), source };
    let root = fs::canonicalize(root).map_err(failed)?;
    let tree = Tree::walk(&root, &settings.tree)?;
    let sites = sites(&root, &tree, settings);
    tell(Progress::Walked { files: tree.entries().len() });
    let shown = root.to_string_lossy().into_owned();
    let mut survey = Survey::default();
    survey.add(&Root::Project(shown.clone()), &tree, &settings.tree);
    let mut gaps = Vec::new();
    let (mut looked_into, outside): (Vec<String>, Vec<String>) =
        sites.iter().cloned().partition(|site| Path::new(site).starts_with(&root));
    for site in outside {
        match Tree::walk(Path::new(&site), &settings.tree) {
            Ok(tree) => {
                survey.add(&Root::Installed(site.clone()), &tree, &settings.tree);
                looked_into.push(site);
            }
            Err(error) => gaps.push(Gap::of(Part::Packages, site, chain(&error))),
        }
    }
    tell(Progress::Imports);
    let judged = with_parts(&Disk, (&root, &sites), settings.python, |parts| {
        with_graph(parts, report, &survey, &mut gaps)
    });
    let without = || judge(report, &survey, &|_| Standing::Reached { chain: NO_GRAPH.to_owned() });
    let replay = match judged {
        Ok(replay) => replay.unwrap_or_else(without),
        Err(reason) => {
            gaps.push(Gap::of(Part::Imports, ".", reason));
            without()
        }
    };
    gaps.sort_unstable();
    gaps.dedup();
    Ok(ReplayedReport { root: shown, sites: looked_into, replay, skipped: survey.skipped, gaps })
}

/// Judges by what the project's modules, tests apart, lead to.
fn with_graph(parts: &Parts<'_>, report: &Report, survey: &Survey, gaps: &mut Vec<Gap>) -> Replay {
    let Parts { library, distributions, .. } = *parts;
    let inventory = library.inventory;
    let reached = reach(library, distributions, &parts.roots(gaps));
    gaps.extend(reached.unread.iter().map(|one| Gap::of(Part::Imports, &one.path, &one.reason)));
    let reachability = Reachability::new(inventory, &reached, distributions);
    judge(report, survey, &|path| reachability.standing(path))
}

// === impl ReplayedReport ===

impl ReplayedReport {
    /// Entries that could not be judged: their file is not here, or cannot be read, or no rule is about their claim.
    #[must_use]
    pub fn unjudged(&self) -> usize {
        let entries = self.replay.claims.iter().flat_map(|claim| &claim.entries);
        entries.filter(|one| !one.verdict.is_judgement()).count()
    }

    /// Entries of packages that are not installed where anybody looked.
    #[must_use]
    pub fn not_installed(&self) -> usize {
        let entries = self.replay.claims.iter().flat_map(|claim| &claim.entries);
        entries.filter(|one| one.verdict == Verdict::NotInstalled).count()
    }

    /// Whether every entry could be judged, and everything was read.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.unjudged() == 0 && self.skipped.is_empty() && self.gaps.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::replay::{Accusation, Claim, Status};

    #[test]
    fn entries_are_judged_by_what_is_installed() {
        let folder = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        let weak = "import hashlib\nhashlib.md5(x)\n";
        write("project/app.py", "import used\nimport hashlib\nhashlib.md5(x)\n");
        write("project/tests/test_app.py", "import only_tests\n");
        for package in ["used", "only_tests"] {
            write(&format!("site-packages/{package}/__init__.py"), weak);
            write(
                &format!("site-packages/{package}-1.dist-info/RECORD"),
                &format!("{package}/__init__.py,,\n"),
            );
            write(
                &format!("site-packages/{package}-1.dist-info/METADATA"),
                &format!("Name: {package}\nVersion: 1\n"),
            );
        }
        let entries =
            ["app.py", "v\\site-packages\\used\\__init__.py", "v\\site-packages\\only_tests\\__init__.py"];
        let report = Report {
            claims: vec![Claim {
                rule_id: Accusation::WeakCryptography.rule_id().to_owned(),
                status: Status::NonCompliant,
                message: "found in 3 files".to_owned(),
                evidence: entries.map(str::to_owned).to_vec(),
            }],
        };
        let verdicts = |sites: Vec<std::path::PathBuf>| {
            let settings = Settings { site_packages: sites, ..Settings::on(date(2026, 11, 27)) };
            let replayed = replayed(&folder.path().join("project"), &settings, &report, &|_| {}).unwrap();
            let verdicts: Vec<_> = replayed.replay.claims[0].entries.iter().map(|one| one.verdict).collect();
            (verdicts, replayed.unjudged(), replayed.is_complete())
        };
        let with = verdicts(vec![folder.path().join("site-packages")]);
        assert_eq!(with, (vec![Verdict::Own, Verdict::Reached, Verdict::NeverImported], 0, true));
        let without = verdicts(Vec::new());
        assert_eq!(without, (vec![Verdict::Own, Verdict::NotInstalled, Verdict::NotInstalled], 2, false));
    }
}
