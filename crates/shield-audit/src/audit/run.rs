//! The course of an audit.

use std::{cmp::Ordering, collections::BTreeSet, fs, path::Path};

use super::{
    HistoryOf, Progress, Settings, code, flows, graph, history,
    kept::Kept,
    others::{self, Joined, Known},
    packages,
    standing::Standings,
};
use crate::{
    advisories::rules,
    baseline::{Baseline, Entry},
    custom::{self, Used},
    finding::{Finding, number_alike},
    foreign::{Runner, hear},
    imports::Disk,
    languages::Language,
    python::Suppressed,
    report::{Accepted, Coverage, Found, Report},
    secrets::{self, Scanner},
    tree::{Origin, Skipped, Tree, WalkError},
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
    let mut gaps = flows::add(&mut code, &settings.rules, kept.as_ref());
    let past = match settings.history {
        HistoryOf::Tree => history::Past::default(),
        HistoryOf::Repository => history::look(&root, &scanner, &code.secrets, tell),
    };
    tell(Progress::Imports);
    let sites = sites(&root, &tree, settings);
    let mut imports = match &kept {
        Some(kept) => kept.imports(&root, &sites, &code.digests),
        None => graph::look(&Disk, &root, &sites, settings.python),
    };
    // An import finds what lies behind a link; what is wrong there is not told.
    imports.findings.retain(|finding| !tree.is_outside(&finding.place.file));
    tell(Progress::Packages);
    let packages = packages::look(&root, &tree, &sites, settings);
    imports.graph.others = packages::reachability(&root, &tree, &code.skipped, settings, &packages.answer);

    let standings = Standings::of(&root, &tree, &imports.graph, &packages.answer);
    let mut findings = code.findings;
    // Both libraries are imported as `Crypto`: which one it is, only the lists of packages say.
    findings.retain(|finding| !packages.crypto_maintained || finding.rule.id != "python/pycrypto-import");
    findings.extend(past.findings.into_iter().chain(imports.findings).chain(packages.findings));
    let touched = custom::apply(settings.rules.changes(), &mut findings, &mut code.suppressed);
    let own_rules = Used::of(&settings.rules, &findings, &code.suppressed, &touched);
    let (mut findings, suppressed) = numbered(findings, code.suppressed);
    let joined = joined(
        &root,
        settings,
        Known {
            root: &root,
            tree: &tree,
            skipped: &code.skipped,
            findings: known(&findings, &suppressed, settings),
            answer: &packages.answer,
        },
        tell,
    );
    findings.extend(joined.findings.iter().cloned());
    findings.sort_by(by_place);
    let looked =
        Looked { settings, skipped: &code.skipped, standings: &standings, complete: &joined.complete };
    let (found, accepted) = judged(findings, &looked);
    gaps.extend(joined.gaps);
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
            installed_not_audited: not_audited(&tree),
            history: past.read.map(Into::into),
            secrets_only: code.secrets_only,
            skipped: code.skipped,
            gaps,
        },
        packages: packages.believed,
        advisories: packages.answer,
        bill: packages.bill,
        graph: imports.graph,
        scanners: joined.scanners,
        seen_by: joined.seen_by,
        own_rules,
    })
}

/// Installed files of code that no rule looks at: of dependencies only Python is audited.
fn not_audited(tree: &Tree) -> usize {
    let installed = tree.entries().iter().filter(|entry| entry.origin == Origin::Dependency);
    installed.filter(|entry| Language::of(&entry.path).is_some()).count()
}

/// Everything that others may have seen too, if anybody is asked.
fn known(findings: &[Finding], suppressed: &[Suppressed], settings: &Settings) -> Vec<Finding> {
    if settings.others.is_empty() {
        return Vec::new();
    }
    findings.iter().chain(suppressed.iter().map(|one| &one.finding)).cloned().collect()
}

/// Asks the others.
fn joined(root: &Path, settings: &Settings, known: Known<'_>, tell: &(dyn Fn(Progress) + Sync)) -> Joined {
    let mut runner = Runner::new(root);
    runner.allowed = settings.others.allowed;
    let heard =
        hear(&runner, &settings.others, &|name, number, all| tell(Progress::Scanner { name, number, all }));
    others::join(heard, known)
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
    all.sort_by(|(left, _), (right, _)| by_place(left, right));
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

fn by_place(left: &Finding, right: &Finding) -> Ordering {
    (&left.place, left.rule.id, &left.subject, &left.message).cmp(&(
        &right.place,
        right.rule.id,
        &right.subject,
        &right.message,
    ))
}

/// What this audit looked for.
struct Looked<'a> {
    settings: &'a Settings,
    skipped: &'a [Skipped],
    standings: &'a Standings<'a>,
    /// Other scanners that looked at everything.
    complete: &'a BTreeSet<String>,
}

// === impl Looked ===

impl Looked<'_> {
    /// Whether this audit would have found again what an entry of the baseline is about. What could not be read may still have its
    /// defect; without an index nothing is known of vulnerabilities; a secret that is not in the tree may be one of the history; and
    /// what another scanner found is only known if that was asked.
    fn for_entry(&self, entry: &Entry) -> bool {
        let unread =
            self.skipped.iter().any(|skipped| skipped.path == entry.place && skipped.reason.leaves_gap());
        let unknown =
            self.settings.advisories.is_none() && rules::ALL.iter().any(|rule| rule.id == entry.rule);
        let may_be_past = self.settings.history == HistoryOf::Tree
            && entry.rule.starts_with(secrets::AREA)
            && !self.standings.has_file(&entry.place);
        let not_asked = match entry.rule.split_once(':') {
            Some((tool, _)) => !self.complete.contains(tool),
            // A rule of a rule file that is not given today.
            None => !self.settings.rules.looks_for(&entry.rule),
        };
        !(unread || unknown || may_be_past || not_asked)
    }
}

/// Sets apart what the baseline accepts.
fn judged(findings: Vec<Finding>, looked: &Looked<'_>) -> (Vec<Found>, Vec<Accepted>) {
    let none = Baseline::new("none");
    let Looked { settings, standings, .. } = looked;
    let baseline = settings.baseline.as_ref().unwrap_or(&none);
    let judged = baseline.judge(findings, settings.today, |entry| looked.for_entry(entry));
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

    use crate::{
        advisories::Builder,
        baseline::Terms,
        custom::{RuleFile, Rules},
        finding::Fingerprint,
    };

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
    fn lists_tell_whose_crypto_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.py"), "from Crypto.Cipher import AES\n").unwrap();
        for (list, told) in [("pycryptodome==3.20.0\n", false), ("pycrypto==2.6.1\n", true), ("", true)] {
            fs::write(folder.path().join("requirements.txt"), list).unwrap();
            let report = audit(folder.path(), &Settings::on(date(2026, 11, 27)), &|_| {}).unwrap();
            let mut ids = report.found.iter().map(|found| found.finding.rule.id);
            assert_eq!(ids.any(|id| id == "python/pycrypto-import"), told, "{list}");
        }
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
    fn rules_not_given_make_nothing_stale() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.py"), "import shop\nshop.raw(1)\n").unwrap();
        let text = "format = 1\n[[ban]]\nid = \"shop/raw\"\ntitle = \"t\"\nseverity = \"high\"\nhelp = \"h\"\ncall = [\"shop.raw\"]\n";
        let file = RuleFile { name: "r.toml".to_owned(), text: Ok(text.to_owned()) };
        let rules = Rules::load(&[file]).unwrap();
        let settings = |rules: &Rules| Settings { rules: rules.clone(), ..Settings::on(date(2026, 11, 27)) };
        let found = audit(folder.path(), &settings(&rules), &|_| {}).unwrap().found;
        let own = found.iter().find(|one| one.finding.rule.id == "shop/raw").unwrap();
        let mut baseline = Baseline::new("b");
        let terms = Terms { reason: "known".to_owned(), owner: None, until: date(2027, 1, 1) };
        baseline.insert(Entry::accept(&own.finding, terms).unwrap());
        let without = Settings { baseline: Some(baseline), ..settings(&Rules::default()) };
        let report = audit(folder.path(), &without, &|_| {}).unwrap();
        assert!(report.found.iter().all(|one| one.finding.rule.id != "baseline/stale-entry"));
    }

    #[test]
    fn one_file_is_a_whole_audit() {
        let folder = tempfile::tempdir().unwrap();
        let record = br#"{"id":"PYSEC-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"other"},"versions":["1.0"]}]}"#;
        let mut builder = Builder::new();
        builder.add("a.json", record);
        let settings = Settings { advisories: Some(builder.finish()), ..Settings::on(date(2026, 11, 27)) };
        for (name, text) in [("a.py", "import b\nx = 1\n"), ("requirements.txt", "attrs==23.1.0\n")] {
            let file = folder.path().join(name);
            fs::write(&file, text).unwrap();
            let report = audit(&file, &settings, &|_| {}).unwrap();
            assert!(report.found.is_empty(), "{:?}", report.found);
            assert_eq!(report.coverage.gaps, [], "{name}");
            assert_eq!(report.bill.packages.len(), usize::from(name == "requirements.txt"));
        }
    }

    #[test]
    fn every_list_is_looked_up() {
        let folder = tempfile::tempdir().unwrap();
        let lock = "version = 1\n[[package]]\nname = \"demo-pkg\"\nversion = \"2.0\"\nsource = { registry = \"r\" }\n";
        fs::write(folder.path().join("uv.lock"), lock).unwrap();
        fs::write(folder.path().join("requirements.txt"), "demo-pkg==1.0\n").unwrap();
        let record = br#"{"id":"PYSEC-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"PyPI","name":"demo-pkg"},"versions":["1.0"]}]}"#;
        let mut builder = Builder::new();
        builder.add("a.json", record);
        let settings = Settings { advisories: Some(builder.finish()), ..Settings::on(date(2026, 11, 27)) };
        let report = audit(folder.path(), &settings, &|_| {}).unwrap();
        let found = report.found.iter().find(|one| one.finding.rule.id == "dependencies/vulnerable").unwrap();
        assert_eq!(found.finding.place.file, "requirements.txt");
        assert!(report.bill.matches.is_empty(), "the bill has what is believed");
    }

    #[test]
    fn a_package_from_elsewhere_hides_none() {
        let folder = tempfile::tempdir().unwrap();
        for (name, resolved) in
            [("a", "git+ssh://git@example.org/left-pad.git#abc"), ("b", "left-pad-1.0.0.tgz")]
        {
            fs::create_dir(folder.path().join(name)).unwrap();
            let lock = format!(
                r#"{{"name":"x","lockfileVersion":3,"packages":{{"":{{"name":"x"}},"node_modules/left-pad":{{"version":"1.0.0","resolved":"{resolved}"}}}}}}"#
            );
            fs::write(folder.path().join(name).join("package-lock.json"), lock).unwrap();
        }
        let record = br#"{"id":"GHSA-1","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"npm","name":"left-pad"},"versions":["1.0.0"]}]}"#;
        let mut builder = Builder::new();
        builder.add("a.json", record);
        let settings = Settings { advisories: Some(builder.finish()), ..Settings::on(date(2026, 11, 27)) };
        let report = audit(folder.path(), &settings, &|_| {}).unwrap();
        let vulnerable = report.found.iter().filter(|one| one.finding.rule.id.starts_with("dependencies/"));
        let places: Vec<_> = vulnerable.map(|one| one.finding.place.file.as_str()).collect();
        assert_eq!(places, ["b/package-lock.json"]);
    }
}
