use proptest::prelude::*;

use super::*;
use crate::{
    finding::{Cwe, Span, number_alike},
    python::{Audit, Parse},
};

const TEXT: &str =
    "import hashlib\nPASSWORD = 'kj3h4kjh5'\nx = hashlib.md5(a) + hashlib.md5(b)\neval(\n  x,\n)\n";

fn ours() -> Vec<Finding> {
    Audit::default().text("app.py", TEXT, Parse::Always).findings
}

fn theirs(tool: &str, rule: &str, line: u32, column: u32) -> Observation {
    let span = Span { line, column, end_line: line, end_column: column };
    Observation {
        place: Place { file: "app.py".to_owned(), span: (line > 0).then_some(span) },
        tool: tool.to_owned(),
        rule: rule.to_owned(),
        severity: Severity::Low,
        cwes: Vec::new(),
        message: format!("{rule} said"),
        about: About::Code,
    }
}

fn package(tool: &str, package: &str, names: &[&str]) -> Observation {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let rule = names[0].clone();
    Observation { about: About::package(package, "1.0", names), ..theirs(tool, &rule, 0, 0) }
}

fn joined(findings: Vec<Finding>, observations: Vec<Observation>, names: &[&[String]]) -> Vec<Consolidated> {
    let line = |_: &str, line: u32| TEXT.lines().nth(line as usize - 1).map(str::to_owned);
    consolidate(findings, observations, &Sources { names: names.to_vec(), line: &line })
}

/// Rule, line, and who saw it.
fn said(findings: Vec<Finding>, observations: Vec<Observation>) -> Vec<String> {
    let say = |one: &Consolidated| {
        let line = one.place().span.map_or(0, |span| span.line);
        let who: Vec<String> = one.seen_by.iter().map(|by| format!("{}:{}", by.tool, by.rule)).collect();
        format!("{} {line} {}", one.rule(), who.join(" "))
    };
    joined(findings, observations, &[]).iter().map(say).collect()
}

#[test]
fn aliases_join_in_the_line() {
    let observations = vec![
        theirs("bandit", "B324", 3, 5),
        theirs("ruff", "S324", 3, 5),
        theirs("ruff", "S324", 3, 22),
        theirs("ruff", "S307", 4, 1),
        theirs("late", "S307", 5, 1),
        theirs("flake8", "E401", 1, 1),
        theirs("ruff", "E401", 1, 9),
    ];
    assert_eq!(
        said(ours(), observations),
        [
            "python/password 2 ",
            "python/weak-hash 3 bandit:B324 ruff:S324",
            "python/weak-hash 3 ruff:S324",
            "python/eval 4 late:S307 ruff:S307",
            "flake8/E401 1 flake8:E401 ruff:E401",
        ]
    );
}

#[test]
fn repeated_rules_in_a_line_are_several() {
    // Two unused imports in one line; the other tool has no columns worth the name.
    let observations = vec![
        theirs("ruff", "F401", 1, 8),
        theirs("ruff", "F401", 1, 17),
        theirs("flake8", "F401", 1, 1),
        Observation { severity: Severity::High, ..theirs("flake8", "F401", 1, 2) },
        theirs("ruff", "F401", 1, 17),
    ];
    let said = said(Vec::new(), observations);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|one| one.ends_with("flake8:F401 ruff:F401")), "{said:?}");
}

#[test]
fn weaknesses_join_rules_that_nobody_knows() {
    let of = |tool: &str, rule: &str, cwe| Observation { cwes: vec![Cwe(cwe)], ..theirs(tool, rule, 4, 3) };
    let observations =
        vec![of("semgrep", "eval-detected", 94), of("bandit", "B999", 95), of("codeql", "py/other", 20)];
    let said = said(ours(), observations);
    assert_eq!(
        said[3..],
        [
            "python/eval 4 semgrep:eval-detected",
            "bandit/B999 4 bandit:B999",
            "codeql/py/other 4 codeql:py/other"
        ]
    );
}

#[test]
fn secrets_join_by_their_line() {
    let secret = |tool: &str, rule: &str| Observation { about: About::Secret, ..theirs(tool, rule, 2, 9) };
    let observations = vec![
        secret("gitleaks", "generic-api-key"),
        secret("detect-secrets", "Secret Keyword"),
        secret("detect-secrets", "Hex High Entropy String"),
    ];
    let all = joined(ours(), observations, &[]);
    assert_eq!((all.len(), all[0].seen_by.len()), (ours().len(), 3));
}

#[test]
fn advisories_join_by_any_name() {
    let known = ["CVE-1".to_owned(), "RUSTSEC-1".to_owned()];
    let observations = vec![
        package("pip-audit", "Foo_Bar", &["PYSEC-1", "GHSA-1"]),
        package("safety", "foo-bar", &["39525", "CVE-1"]),
        package("osv-scanner", "foo.bar", &["GHSA-1", "CVE-1"]),
        package("cargo-deny", "foo-bar", &["RUSTSEC-1"]),
        theirs("grype", "GHSA-1", 0, 0),
        package("safety", "other", &["39525", "CVE-1"]),
        package("safety", "foo-bar", &["39526", "CVE-2"]),
    ];
    let all = joined(Vec::new(), observations, &[&known]);
    let mut counts: Vec<usize> = all.iter().map(|one| one.seen_by.len()).collect();
    counts.sort_unstable();
    assert_eq!(counts, [1, 1, 5]);
}

#[test]
fn our_advisories_are_joined() {
    static RULE: crate::finding::Rule = crate::finding::Rule {
        id: "dependencies/vulnerable",
        title: "",
        cwe: Cwe(1395),
        severity: Severity::High,
        aliases: &[],
        advice: "",
    };
    let finding = |file: &str| Finding {
        rule: &RULE,
        place: Place { file: file.to_owned(), span: None },
        subject: "foo-bar 1.0 CVE-1".to_owned(),
        ..ours().remove(0)
    };
    let names = ["CVE-1".to_owned(), "GHSA-1".to_owned()];
    let elsewhere = Observation {
        place: Place { file: "poetry.lock".to_owned(), span: None },
        ..package("trivy", "foo_bar", &["GHSA-1"])
    };
    let observations = vec![package("pip-audit", "Foo_Bar", &["GHSA-1"]), elsewhere];
    let all = joined(vec![finding("uv.lock"), finding("poetry.lock")], observations, &[&names]);
    let who: Vec<_> = all.iter().flat_map(|one| one.seen_by.iter().map(|by| by.tool.as_str())).collect();
    assert_eq!((all.len(), who), (2, vec!["pip-audit", "trivy"]));
}

#[test]
fn whole_files_are_told_apart_by_what_is_said() {
    let mut second = theirs("cargo-deny", "duplicate", 0, 0);
    second.message = "another crate".to_owned();
    let first = theirs("cargo-deny", "duplicate", 0, 0);
    assert_eq!(joined(Vec::new(), vec![first.clone(), second, first], &[]).len(), 2);
}

#[test]
fn foreign_fingerprints_survive_moved_lines() {
    let named = |text: &str, lines: [u32; 2]| {
        let line = |_: &str, line: u32| text.lines().nth(line as usize - 1).map(str::to_owned);
        let observations = lines.map(|line| theirs("mypy", "arg-type", line, 1)).to_vec();
        let all = consolidate(Vec::new(), observations, &Sources { names: Vec::new(), line: &line });
        all.iter().map(Consolidated::fingerprint).collect::<Vec<_>>()
    };
    let before = named("f(1)\nf(1)\ng(2)\n", [1, 2]);
    assert_eq!(before, named("\n\n  f(1)\n\nf( 1)\nf(1)\n", [3, 6]));
    assert_ne!(before[0], before[1]);
    assert_ne!(before, named("f(1)\nf(2)\n", [1, 2]));
}

proptest! {
    #[test]
    fn order_does_not_matter_and_nothing_is_lost(
        places in prop::collection::vec((0..4_u32, 0..4_u32, 0..4_usize, 0..3_usize), 0..40),
        seed in any::<u64>(),
    ) {
        let rules = ["S324", "S307", "E401", "CVE-1"];
        let tools = ["bandit", "ruff", "flake8"];
        let observations: Vec<_> = places
            .iter()
            .map(|(line, column, rule, tool)| theirs(tools[*tool], rules[*rule], *line, *column))
            .collect();
        let mut turned = observations.clone();
        turned.rotate_left(usize::try_from(seed % 41).unwrap().min(observations.len()));
        turned.reverse();
        let (one, other) = (joined(ours(), observations.clone(), &[]), joined(ours(), turned, &[]));
        prop_assert_eq!(&one, &other);
        let seen: BTreeSet<_> = one.iter().flat_map(|one| &one.seen_by).map(|by| (&by.tool, &by.rule)).collect();
        let said: BTreeSet<_> = observations.iter().map(|one| (&one.tool, &one.rule)).collect();
        prop_assert_eq!(seen, said);
        let mut names: Vec<_> = one.iter().map(Consolidated::fingerprint).collect();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), one.len());
    }
}

#[test]
fn our_fingerprints_are_kept() {
    let mut findings = ours();
    number_alike(&mut findings);
    let all = joined(findings.clone(), vec![theirs("ruff", "S324", 3, 5)], &[]);
    let kept = all.iter().zip(&findings).all(|(one, finding)| one.fingerprint() == finding.fingerprint);
    assert!(kept && all.len() == findings.len());
}
