//! The course of an audit.

use std::{fs, path::Path};

use super::{
    HistoryOf, Progress, Settings, code, flows, graph, history, kept::Kept, packages, standing::Standings,
};
use crate::{
    advisories::rules,
    baseline::{Baseline, Entry},
    finding::{Finding, number_alike},
    imports::Disk,
    python::Suppressed,
    report::{Accepted, Coverage, Found, Report},
    secrets::{self, Scanner},
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
    let kept = Kept::of(settings);
    let mut code = code::look(&tree, (settings, kept.as_ref()), &scanner, tell);
    tell(Progress::Flows);
    let mut gaps = flows::add(&mut code, kept.as_ref());
    let past = match settings.history {
        HistoryOf::Tree => history::Past::default(),
        HistoryOf::Repository => history::look(&root, &scanner, &code.secrets, tell),
    };
    tell(Progress::Imports);
    let sites = sites(&root, &tree, settings);
    let imports = match &kept {
        Some(kept) => kept.imports(&root, &sites, &code.digests),
        None => graph::look(&Disk, &root, &sites, settings.python),
    };
    tell(Progress::Packages);
    let packages = packages::look(&root, &tree, &sites, settings);

    let standings = Standings::of(&root, &tree, &imports.graph, &packages.answer);
    let mut findings = code.findings;
    findings.extend(past.findings.into_iter().chain(imports.findings).chain(packages.findings));
    let (findings, suppressed) = numbered(findings, code.suppressed);
    let (found, accepted) = judged(findings, settings, &code.skipped, &standings);
    gaps.extend(past.gaps.into_iter().chain(imports.gaps).chain(packages.gaps));
    Ok(Report {
        root: root.to_string_lossy().into_owned(),
        day: settings.today,
        found,
        accepted,
        suppressed,
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
pub(super) fn sites(root: &Path, tree: &Tree, settings: &Settings) -> Vec<String> {
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

/// Puts what was found in the order of places and numbers what is alike. What a comment takes back is numbered with the rest: a
/// comment on the first of two must not give its name to the second.
fn numbered(findings: Vec<Finding>, suppressed: Vec<Suppressed>) -> (Vec<Finding>, Vec<Suppressed>) {
    let taken_back = suppressed.into_iter().map(|one| (one.finding, Some(one.comment)));
    let mut all: Vec<_> = findings.into_iter().map(|finding| (finding, None)).chain(taken_back).collect();
    all.sort_by(|(left, _), (right, _)| {
        (&left.place, left.rule.id, &left.subject, &left.message).cmp(&(
            &right.place,
            right.rule.id,
            &right.subject,
            &right.message,
        ))
    });
    let (mut all, comments): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    number_alike(&mut all);
    let (mut findings, mut suppressed) = (Vec::new(), Vec::new());
    for (finding, comment) in all.into_iter().zip(comments) {
        match comment {
            Some(comment) => suppressed.push(Suppressed { finding, comment }),
            None => findings.push(finding),
        }
    }
    (findings, suppressed)
}

/// Whether this audit would have found again what an entry of the baseline is about. What could not be read may still have its
/// defect; without an index nothing is known of vulnerabilities; and a secret that is not in the tree may be one of the history.
fn looked_for(entry: &Entry, settings: &Settings, skipped: &[Skipped], standings: &Standings<'_>) -> bool {
    let unread = skipped.iter().any(|skipped| skipped.path == entry.place && skipped.reason.leaves_gap());
    let unknown = settings.advisories.is_none() && rules::ALL.iter().any(|rule| rule.id == entry.rule);
    let may_be_past = settings.history == HistoryOf::Tree
        && entry.rule.starts_with(secrets::AREA)
        && !standings.has_file(&entry.place);
    !(unread || unknown || may_be_past)
}

/// Sets apart what the baseline accepts.
fn judged(
    findings: Vec<Finding>,
    settings: &Settings,
    skipped: &[Skipped],
    standings: &Standings<'_>,
) -> (Vec<Found>, Vec<Accepted>) {
    let none = Baseline::new("none");
    let baseline = settings.baseline.as_ref().unwrap_or(&none);
    let judged =
        baseline.judge(findings, settings.today, |entry| looked_for(entry, settings, skipped, standings));
    let found =
        judged.open.into_iter().map(|finding| Found { standing: standings.standing(&finding), finding });
    let accepted =
        judged.accepted.into_iter().map(|(finding, entry)| Accepted { finding, terms: entry.terms });
    (found.collect(), accepted.collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use shield_types::Sha256Digest;

    use crate::{advisories::Builder, baseline::Terms, finding::Fingerprint};

    #[test]
    fn comments_rename_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let names = |text: &str| {
            fs::write(folder.path().join("a.py"), text).unwrap();
            audit(folder.path(), &Settings::on(date(2026, 11, 27)), &|_| {}).unwrap()
        };
        let before = names("x = input()\neval(x)\neval(x)\n");
        let after = names("x = input()\neval(x)  # nosec\neval(x)\n");
        assert_eq!(after.suppressed[0].finding.fingerprint, before.found[0].finding.fingerprint);
        assert_eq!(after.found[0].finding.fingerprint, before.found[1].finding.fingerprint);
        assert_ne!(after.suppressed[0].finding.fingerprint, Fingerprint::UNSET);
    }

    #[test]
    fn stale_is_only_what_was_looked_for() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.py"), "x = 1\n").unwrap();
        let mut baseline = Baseline::new("audit-baseline.txt");
        for (rule, place) in [
            ("python/eval", "a.py"),
            ("dependencies/vulnerable", "requirements.txt"),
            ("secret/jwt", "gone.py"),
            ("secret/jwt", "a.py"),
        ] {
            let name = Sha256Digest::of(format!("{rule} {place}").as_bytes()).hex()[..24].to_owned();
            let terms = Terms { reason: "known".to_owned(), owner: None, until: date(2027, 1, 1) };
            let fingerprint = name.parse().unwrap();
            baseline.insert(Entry { fingerprint, rule: rule.to_owned(), place: place.to_owned(), terms });
        }
        let settings = Settings { baseline: Some(baseline), ..Settings::on(date(2026, 11, 27)) };
        let report = audit(folder.path(), &settings, &|_| {}).unwrap();
        let stale = report.found.iter().filter(|one| one.finding.rule.id == "baseline/stale-entry");
        let stale: Vec<_> = stale.map(|one| one.finding.context.as_str()).collect();
        assert_eq!(stale.len(), 2, "{stale:?}");
        assert!(stale.contains(&"python/eval") && stale.contains(&"secret/jwt"), "{stale:?}");
    }

    #[test]
    fn versions_nobody_states_are_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("requirements.txt"), "aiohttp>=3\nattrs==23.1.0\n").unwrap();
        let settings =
            Settings { advisories: Some(Builder::new().finish()), ..Settings::on(date(2026, 11, 27)) };
        let report = audit(folder.path(), &settings, &|_| {}).unwrap();
        let said = report
            .coverage
            .gaps
            .iter()
            .any(|gap| gap.reason.starts_with("nothing says which version of one package"));
        assert!(said, "{:?}", report.coverage.gaps);
    }
}
