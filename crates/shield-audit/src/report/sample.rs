//! Reports that tests write down.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use shield_types::Sha256Digest;

use super::{Accepted, Coverage, Criteria, Found, Gap, HistoryRead, Part, Report, Standing};
use crate::{
    advisories::{self, Answer, Checked, Hit, Kind, Match, Summary},
    audit::ImportGraph,
    baseline::Terms,
    custom::Used,
    dependencies::{Ecosystem, Origin, Package, PackageName, bill::Bill},
    finding::{
        Confidence, Cwe, Finding, Fingerprint, Place, Rule, Severity, Span, Step, Wording, number_alike,
    },
    python::Suppressed,
    tree::{Reason, Skipped},
};

/// Everything that some form takes for markup, an end, a terminal's command or a change of direction.
pub(super) const HOSTILE: &str = "a`b``c|d</code></script><img src=x onerror=alert(1)>\"'&amp;\n# @all #1 http://e.example ![x](y)\r\u{202e}\x1b[31m\0\u{2028}]]>*_~ü";

static EVAL: Rule =
    rule("python/eval", Cwe(95), Severity::High, &["B307"], "Call what you mean by its name.");
static WEAK: Rule = rule("python/weak-hash", Cwe(328), Severity::Medium, &["B324"], "use SHA-256");
static BROKEN: Rule = rule("imports/broken", Cwe(710), Severity::High, &[], "import what exists");

const fn rule(
    id: &'static str,
    cwe: Cwe,
    severity: Severity,
    aliases: &'static [&'static str],
    advice: &'static str,
) -> Rule {
    Rule { id, title: "weak hash", cwe, severity, aliases, advice }
}

/// When documents are made.
pub(super) fn created() -> Timestamp {
    "2026-11-27T10:00:00.123Z".parse().unwrap()
}

/// Findings count from here, and so does every gap.
pub(super) fn from(fail_on: Severity) -> Criteria {
    Criteria { fail_on, gaps: Vec::new() }
}

fn finding(rule: &'static Rule, severity: Severity, file: &str, line: u32) -> Finding {
    let span = Some(Span { line, column: 5, end_line: line, end_column: 12 });
    Finding {
        rule,
        severity,
        confidence: Confidence::High,
        place: Place { file: file.to_owned(), span },
        context: "run".to_owned(),
        subject: rule.id.to_owned(),
        message: format!("`{}` is called", rule.id),
        steps: Vec::new(),
        wording: Wording::NONE,
        fingerprint: Fingerprint::UNSET,
    }
}

fn matched(name: &str, vulnerability: &str, kind: Kind) -> Match {
    Match {
        package: PackageName::new(Ecosystem::PyPi, name),
        version: "1.0".to_owned(),
        place: Place { file: "uv.lock".to_owned(), span: None },
        vulnerability: vulnerability.to_owned(),
        names: vec![vulnerability.to_owned()],
        records: vec![vulnerability.to_owned()],
        kind,
        summary: "lets strangers in".to_owned(),
        severity: Some(Severity::Critical),
        vectors: Vec::new(),
        symbols: Vec::new(),
        hit: Hit::Agreed,
        suspect: false,
        fixed_in: Some("2.0".to_owned()),
        clean_in: Some("2.0".to_owned()),
    }
}

fn package(name: &str) -> Package {
    Package {
        name: PackageName::new(Ecosystem::PyPi, name),
        version: "1.0".to_owned(),
        origin: Origin::Registry,
        licence: Some("MIT".to_owned()),
        hashes: Vec::new(),
        place: Place { file: "uv.lock".to_owned(), span: None },
    }
}

/// Nothing was found, all was read, and there was nothing to look up.
pub(super) fn clean() -> Report {
    Report {
        root: "/srv/me & you".to_owned(),
        day: Date::constant(2026, 11, 27),
        found: Vec::new(),
        accepted: Vec::new(),
        suppressed: Vec::new(),
        coverage: Coverage { files: 12, bytes: 3456, ..Coverage::default() },
        packages: Vec::new(),
        advisories: Answer::NoDatabase,
        bill: Bill { name: "me & you".to_owned(), ..Bill::default() },
        graph: ImportGraph::default(),
        scanners: Vec::new(),
        seen_by: BTreeMap::new(),
        own_rules: Used::default(),
    }
}

/// One of everything: nine findings, of which three are open.
pub(super) fn found() -> Report {
    let matches = [
        matched("used", "CVE-1", Kind::Vulnerable),
        matched("unused", "CVE-2", Kind::Vulnerable),
        matched("old", "RUSTSEC-3", Kind::Unmaintained),
    ];
    let step = |line, what: &str| {
        let span = Some(Span { line, column: 1, end_line: line, end_column: 9 });
        Step { place: Place { file: "src/app.py".to_owned(), span }, what: what.to_owned() }
    };
    let mut eval = finding(&EVAL, Severity::High, "src/app.py", 7);
    eval.steps = vec![step(3, "a stranger sets it"), step(7, "runs it")];
    let own =
        [eval, finding(&BROKEN, Severity::High, "src/app.py", 1), matches[0].finding(), matches[2].finding()];
    let of = |standing| move |finding| Found { standing, finding };
    let mut found: Vec<Found> = own.into_iter().map(of(Standing::Own)).collect();
    found.push(of(Standing::Dependency)(finding(&WEAK, Severity::Medium, "lib/site-packages/used.py", 4)));
    found.push(of(Standing::Unreachable)(finding(&WEAK, Severity::Medium, "lib/site-packages/unused.py", 4)));
    found.push(of(Standing::Unreachable)(matches[1].finding()));
    let accepted = Accepted {
        finding: finding(&WEAK, Severity::Medium, "src/cache.py", 8),
        terms: terms("a key of a cache"),
    };
    let suppressed = Suppressed {
        finding: finding(&WEAK, Severity::Medium, "src/tag.py", 2),
        comment: "# nosec B324".to_owned(),
    };
    let reason = Reason::SyntaxError { line: 3, message: "Expected `)`".to_owned() };
    let mut report = Report { found, accepted: vec![accepted], suppressed: vec![suppressed], ..clean() };
    report.coverage.skipped = vec![
        Skipped { path: "src/broken.py".to_owned(), reason },
        Skipped { path: ".git".to_owned(), reason: Reason::Excluded },
    ];
    report.coverage.secrets_only = BTreeMap::from([("C++", 3), ("Java", 3), ("PHP", 12)]);
    report.coverage.history = Some(HistoryRead { commits: 5, blobs: 9, bytes: 1000 });
    let mut bill = Bill { name: "me & you".to_owned(), ..Bill::default() };
    bill.packages = ["used", "unused", "old"].map(package).to_vec();
    bill.matches = matches.to_vec();
    report.bill = bill;
    report.advisories = Answer::Checked(Box::new(checked(matches.to_vec())));
    report.graph.roots = vec!["src/app.py".to_owned()];
    report.graph.digest = Some(Sha256Digest::of(b"graph"));
    report.graph.never_imported =
        BTreeMap::from([("unused".to_owned(), vec!["unused".to_owned(), "unused.deep".to_owned()])]);
    numbered(report)
}

fn checked(matches: Vec<Match>) -> Checked {
    let covered = advisories::Coverage { packages: 2, advisories: 3, newest: "2024-10-10".to_owned() };
    Checked {
        digest: Sha256Digest::of(b"database"),
        summary: Summary { coverage: BTreeMap::from([(Ecosystem::PyPi, covered)]), ..Summary::default() },
        checked_packages: matches.len() as u64,
        matches,
        withdrawn: Vec::new(),
        unchecked: Vec::new(),
    }
}

fn terms(reason: &str) -> Terms {
    Terms { reason: reason.to_owned(), owner: Some("@ops".to_owned()), until: Date::constant(2027, 1, 31) }
}

/// Every text that a stranger can set is [`HOSTILE`].
pub(super) fn hostile() -> Report {
    let bad = || HOSTILE.to_owned();
    let mut report = found();
    report.root = format!("/srv/{HOSTILE}");
    let set = |finding: &mut Finding| {
        finding.place.file = bad();
        finding.context = bad();
        finding.subject = bad();
        finding.message = bad();
        for step in &mut finding.steps {
            step.place.file = bad();
            step.what = bad();
        }
    };
    report.found.iter_mut().for_each(|one| set(&mut one.finding));
    report.accepted.iter_mut().for_each(|one| {
        set(&mut one.finding);
        one.terms = terms(HOSTILE);
        one.terms.owner = Some(bad());
    });
    report.suppressed.iter_mut().for_each(|one| {
        set(&mut one.finding);
        one.comment = bad();
    });
    report.coverage.skipped[0].path = bad();
    report.coverage.gaps = vec![Gap::of(Part::Packages, bad(), bad())];
    report.bill.name = bad();
    report.bill.packages.iter_mut().for_each(|package| package.version = bad());
    if let Answer::Checked(checked) = &mut report.advisories {
        for of in &mut checked.matches {
            (of.version, of.summary, of.vulnerability, of.names) = (bad(), bad(), bad(), vec![bad()]);
            (of.fixed_in, of.place.file) = (Some(bad()), bad());
        }
        report.bill.matches.clone_from(&checked.matches);
    }
    report
}

/// So many findings that are to be mended.
pub(super) fn many(findings: usize) -> Report {
    let one = |number: usize| {
        let line = u32::try_from(number % 1_000 + 1).unwrap();
        let finding = finding(&WEAK, Severity::Medium, &format!("src/module_{}.py", number / 1_000), line);
        Found { standing: Standing::Own, finding }
    };
    numbered(Report { found: (0..findings).map(one).collect(), ..clean() })
}

fn numbered(mut report: Report) -> Report {
    let mut findings: Vec<Finding> = report.found.iter().map(|one| one.finding.clone()).collect();
    number_alike(&mut findings);
    report.found.iter_mut().zip(findings).for_each(|(one, finding)| one.finding = finding);
    report
}
