//! The course of an audit.

use std::{fs, path::Path};

use super::{HistoryOf, Progress, Settings, code, graph, history, packages, standing::Standings};
use crate::{
    baseline::Baseline,
    finding::{Finding, number_alike},
    report::{Accepted, Coverage, Found, Report},
    secrets::Scanner,
    tree::{Skipped, Tree, WalkError},
};

/// Audits the directory or file at `root`. What cannot be read is part of the report; the same tree and settings give the same
/// report, whatever the number of threads.
///
/// # Errors
/// If there is nothing at `root`.
pub fn audit(
    root: &Path,
    settings: &Settings,
    tell: &(dyn Fn(Progress) + Sync),
) -> Result<Report, WalkError> {
    let failed = |source| WalkError { root: root.to_owned(), source };
    let root = fs::canonicalize(root).map_err(failed)?;
    let tree = Tree::walk(&root, &settings.tree)?;
    tell(Progress::Walked { files: tree.entries().len() });
    let scanner = Scanner::new();
    let code = code::look(&tree, settings, &scanner, tell);
    let past = match settings.history {
        HistoryOf::Tree => history::Past::default(),
        HistoryOf::Repository => history::look(&root, &scanner, &code.secrets, tell),
    };
    tell(Progress::Imports);
    let sites = sites(&root, &tree, settings);
    let imports = graph::look(&root, &sites, settings);
    tell(Progress::Packages);
    let packages = packages::look(&root, &tree, &sites, settings);

    let standings = Standings::of(&root, &tree, &imports.graph, &packages.answer);
    let mut findings = code.findings;
    findings.extend(past.findings.into_iter().chain(imports.findings).chain(packages.findings));
    let (found, accepted) = judged(findings, settings, &code.skipped, &standings);
    let mut gaps = past.gaps;
    gaps.extend(imports.gaps.into_iter().chain(packages.gaps));
    Ok(Report {
        root: root.to_string_lossy().into_owned(),
        day: settings.today,
        found,
        accepted,
        suppressed: code.suppressed,
        coverage: Coverage {
            files: code.files,
            bytes: code.bytes,
            history: past.read.map(Into::into),
            skipped: code.skipped,
            gaps,
        },
        packages: packages.believed,
        advisories: packages.answer,
        bill: packages.bill,
        graph: imports.graph,
    })
}

/// Absolute paths of the directories of installed packages: those of the tree, then the others.
fn sites(root: &Path, tree: &Tree, settings: &Settings) -> Vec<String> {
    let inside = graph::sites(tree).into_iter().map(|site| root.join(site));
    let given =
        settings.site_packages.iter().map(|path| fs::canonicalize(path).unwrap_or_else(|_| path.clone()));
    let mut sites: Vec<String> = Vec::new();
    for site in inside.chain(given) {
        let site = site.to_string_lossy().into_owned();
        if !sites.contains(&site) {
            sites.push(site);
        }
    }
    sites
}

/// Numbers what was found, in the order of places, and sets apart what the baseline accepts.
fn judged(
    mut findings: Vec<Finding>,
    settings: &Settings,
    skipped: &[Skipped],
    standings: &Standings<'_>,
) -> (Vec<Found>, Vec<Accepted>) {
    findings.sort_by(|left, right| {
        (&left.place, left.rule.id, &left.subject, &left.message).cmp(&(
            &right.place,
            right.rule.id,
            &right.subject,
            &right.message,
        ))
    });
    number_alike(&mut findings);
    let none = Baseline::new("none");
    let baseline = settings.baseline.as_ref().unwrap_or(&none);
    // What could not be read this time may still have its defect.
    let judged = baseline.judge(findings, settings.today, |entry| {
        !skipped.iter().any(|skipped| skipped.path == entry.place && skipped.reason.leaves_gap())
    });
    let found =
        judged.open.into_iter().map(|finding| Found { standing: standings.standing(&finding), finding });
    let accepted =
        judged.accepted.into_iter().map(|(finding, entry)| Accepted { finding, terms: entry.terms });
    (found.collect(), accepted.collect())
}
