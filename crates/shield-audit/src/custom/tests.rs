//! Rule files as people write them, and what comes of them.

use std::error::Error as _;

use proptest::prelude::*;

use super::*;
use crate::{finding::Severity, languages, python, tree::Reason};

/// What every rule has.
pub(super) const HEAD: &str =
    "id = \"our/rule\"\ntitle = \"not wanted\"\nseverity = \"high\"\nhelp = \"Do not.\"\n";

fn load(texts: &[&str]) -> Result<Rules, LoadRulesError> {
    let files = texts
        .iter()
        .zip(1..)
        .map(|(text, number)| RuleFile { name: format!("{number}.toml"), text: Ok((*text).to_owned()) });
    Rules::load(&files.collect::<Vec<_>>())
}

pub(super) fn rules(text: &str) -> Rules {
    load(&[&format!("format = 1\n{text}")]).unwrap_or_else(|error| panic!("{}", error.source().unwrap()))
}

pub(super) fn mistakes(texts: &[&str]) -> String {
    load(texts).unwrap_err().source().unwrap().to_string()
}

pub(super) fn ban(text: &str) -> Rules {
    rules(&format!("[[ban]]\n{HEAD}{text}"))
}

/// Lines in which a rule file finds something in a file of Python.
fn lines(rules: &Rules, path: &str, text: &str) -> Vec<u32> {
    let report = python::Audit::new([]).with(rules).own_text(path, text);
    report.findings.iter().map(|finding| finding.place.span.unwrap().line).collect()
}

#[test]
fn documented_file_is_what_it_says() {
    let page = include_str!("../../../../docs/audit-rules.md");
    let text = page.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let rules = load(&[text]).unwrap_or_else(|error| panic!("{}", error.source().unwrap()));
    assert_eq!(rules.unproven(), Vec::<String>::new());
    assert_eq!((rules.added().len(), rules.changes().len(), rules.files()[0].entries), (7, 2, 13));
    let raw = rules.added().iter().find(|rule| rule.id == "shop/raw-sql").unwrap();
    assert_eq!(raw.advice, "Use `shop.db.query` instead. Queries there have their values bound.");
}

#[test]
fn names_are_found_however_they_come() {
    let rules = ban(
        "call = [\"shop.db.raw\", \"shop.db.Base().run\", \"shop.old.*\", \"*.wild\", \"builtins.print\"]",
    );
    for text in [
        "import shop.db\nshop.db.raw(1)",
        "from shop import db as d\nd.raw(1)",
        "from shop.db import raw as r; q = r\nq(1)",
        "import shop.db as d\ngetattr(d, 'raw')(1)",
        "from .db import raw\nraw(1)",
        "from shop.db import Base; b = Base()\nb.run(1)",
        "from shop.db import Base\ndef f(b: Base | None): b.run(1)",
        "from shop.db import Base; y = 1\nwith Base() as b: b.run(1)",
        "import shop.old.a.b\nshop.old.a.b.c(1)",
        "import os\nos.x().wild(1)",
        "pass\nprint(1)",
    ] {
        assert_eq!(lines(&rules, "src/shop/api.py", text).len(), 1, "{text}");
    }
    for text in [
        "import shop.db\nshop.db.raw",
        "from other.db import raw\nraw(1)",
        "def raw(x): pass\nraw(1)",
        "from shop.db import Base\ndef f(b: int): b.run(1)",
        "from shop import older\nolder.a(1)",
        "def print(x): pass\nprint(1)",
        "x = 'shop.db.raw(1)'",
    ] {
        assert_eq!(lines(&rules, "src/shop/api.py", text), Vec::<u32>::new(), "{text}");
    }
}

#[test]
fn imports_reads_and_decorators_are_told_apart() {
    let of = |key: &str, text: &str| lines(&ban(&format!("{key} = [\"shop.old\"]")), "shop/a.py", text);
    assert_eq!(
        of(
            "import",
            "import shop.old.x\nfrom shop import old, new\nfrom shop.old import a, b\nfrom . import old"
        ),
        [1, 2, 3, 4]
    );
    assert_eq!(of("import", "import shop.older\nfrom shop import *\nimport old"), Vec::<u32>::new());
    assert_eq!(
        of("import", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import shop.old"),
        Vec::<u32>::new()
    );
    assert_eq!(
        of("attribute", "import shop\nx = shop.old\nshop.old = 1\nshop.old.x()\ndef f(x: shop.old): ..."),
        [2, 4]
    );
    assert_eq!(
        of("decorator", "from shop import old\n@old\ndef f(): ...\n@old(1)\nclass C: ...\nold(1)"),
        [2, 4]
    );
    assert_eq!(of("call", "from shop import old\n@old\ndef f(): ...\nold(1)"), [4]);
}

#[test]
fn conditions_hold_of_what_is_known() {
    for (when, hits, misses) in [
        ("equals = false", vec!["v=False", "**k, v=False"], vec!["v=0", "v=x", "", "v=True"]),
        ("one_of = [1, \"a\"]", vec!["v=1", "v='a'", "v='' 'a'", "0, 1"], vec!["v=2", "v=x", "1"]),
        ("not_one_of = [1]", vec!["v=2", "v='1'"], vec!["v=1", "v=x", ""]),
        (
            "matches = '^http:'",
            vec!["v='http://a'", "v='ht' + 'tp:'", "v=A"],
            vec!["v='https:'", "v=x", "v=1"],
        ),
        ("absent = true", vec!["", "0", "w=1"], vec!["v=1", "0, 1", "*a", "**k"]),
        ("absent = false", vec!["v=x", "0, x"], vec!["", "*a"]),
        ("none = true", vec!["v=None"], vec!["v=0", "v=x", ""]),
        ("none = false", vec!["v=0"], vec!["v=None", "v=x", ""]),
        ("known = false", vec!["v=x", "v=f()"], vec!["v=1", ""]),
        ("known = true", vec!["v=1", "v='a' 'b'"], vec!["v=x", ""]),
    ] {
        let rules = ban(&format!("call = [\"m.f\"]\n[[ban.when]]\nargument = \"v\"\nposition = 1\n{when}"));
        let found = |arguments: &str| {
            lines(&rules, "a.py", &format!("import m\nA = 'http:'\ndef g(x, k, a):\n    m.f({arguments})"))
                .len()
        };
        assert!(hits.iter().all(|arguments| found(arguments) == 1), "{when} {hits:?}");
        assert!(misses.iter().all(|arguments| found(arguments) == 0), "{when} {misses:?}");
    }
}

#[test]
fn paths_and_comments_leave_files_alone() {
    let rules = ban("call = [\"m.f\"]\ninclude = [\"src/\"]\nexclude = [\"test_*.py\"]");
    let text = "import m\nm.f()";
    assert_eq!(lines(&rules, "src/a.py", text), [2]);
    assert!(lines(&rules, "lib/a.py", text).is_empty() && lines(&rules, "src/test_a.py", text).is_empty());
    let audit = python::Audit::new([]).with(&rules);
    for (comment, taken) in [("# nosec our/rule", 1), ("# nosec other/rule", 0), ("# noqa", 1)] {
        let report = audit.own_text("src/a.py", &format!("{text}  {comment}"));
        assert_eq!(report.suppressed.len(), taken, "{comment}");
    }
}

#[test]
fn other_languages_are_searched() {
    let rules = rules(&format!(
        "[[pattern]]\n{HEAD}language = \"javascript\"\nwords = [\"alert\"]\nquery = '((identifier) @match (#eq? @match \"alert\"))'\n"
    ));
    let audit = languages::Audit::default().with(&rules);
    for (path, found) in [("a.js", 1), ("a.ts", 1), ("a.tsx", 1), ("a.test.js", 1), ("a.go", 0)] {
        let report = audit.file(path, b"alert(1)");
        let own: Vec<_> = report.findings.iter().filter(|finding| finding.rule.id == "our/rule").collect();
        assert_eq!(own.len(), found, "{path}");
        assert!(own.iter().all(|finding| finding.severity == Severity::High), "{path}");
    }
}

/// Each of four parts may be any number of the children of any node: the ways to match have no end.
#[test]
fn endless_queries_end_and_say_so() {
    let pattern =
        |query: &str| rules(&format!("[[pattern]]\n{HEAD}language = \"javascript\"\nquery = '{query}'\n"));
    let text = "f(1,2,3,4,5,6,7,8,9,10,[1,2,3,4,5,6,7,8,9,10]);\n".repeat(900);
    for (query, ends) in [
        ("((_)* (_)* (_)* (_)*) @match", false),
        ("((_)* (_)* (_)* (_)* @match)", false),
        ("(call_expression function: (identifier) arguments: (arguments (array (number) @match .)))", true),
    ] {
        let report = languages::Audit::default().with(&pattern(query)).file("a.js", text.as_bytes());
        let own = report.findings.iter().filter(|finding| finding.rule.id == "our/rule");
        let last = own.filter_map(|finding| finding.place.span).map(|span| span.line).max();
        let not_searched = Reason::NotSearched { rule: "our/rule".to_owned() };
        let cut = report.skipped.iter().any(|skipped| skipped.reason == not_searched);
        assert_eq!((cut, last == Some(900)), (!ends, ends), "{query}: {last:?}");
    }
}

#[test]
fn lines_of_any_file_are_searched() {
    let rules = rules(&format!(
        "[[text]]\n{HEAD}include = [\"*.yaml\"]\nmatches = 'priv.*: true'\nunless = '# ok'\n"
    ));
    let report =
        rules.texts().file("k/a.yaml", "a: 1\n  privileged: true\r\nprivileged: true # ok\n".as_bytes());
    let span = report.findings[0].place.span.unwrap();
    assert_eq!((report.findings.len(), span.line, span.column, span.end_column), (1, 2, 3, 19));
    assert_eq!(rules.texts().file("a.yml", b"privileged: true"), crate::python::FileReport::default());
    assert_eq!(rules.texts().file("a.yaml", b"\xff").skipped.len(), 1);
}

#[test]
fn switched_off_is_taken_back_not_lost() {
    let rules = rules(
        "[[change]]\nrule = \"B307\"\noff = true\nreason = \"a calculator\"\ninclude = [\"calc/\"]\n[[change]]\nrule = \"python/eval\"\nseverity = \"low\"\nreason = \"elsewhere too\"\nexclude = [\"calc/\"]\n",
    );
    let audit = python::Audit::default();
    let mut findings = audit.own_text("calc/a.py", "eval(x)").findings;
    findings.extend(audit.own_text("b.py", "eval(x)\nexec(x)").findings);
    let mut suppressed = Vec::new();
    let touched = apply(rules.changes(), &mut findings, &mut suppressed);
    assert_eq!((touched, findings.len(), findings[0].severity), (vec![1, 1], 2, Severity::Low));
    assert_eq!(suppressed[0].comment, "switched off by 1.toml: a calculator");
    let used = Used::of(&rules, &findings, &suppressed, &[1, 1]).sentences();
    assert!(used[1].contains("`python/eval` off, 1 findings: a calculator (`1.toml`)"), "{used:?}");
}

#[test]
fn fingerprints_tell_rules_apart() {
    let one = ban("call = [\"a.b\"]");
    assert_eq!(one.fingerprint(), ban("call = [\"a.b\"]").fingerprint());
    assert_ne!(one.fingerprint(), ban("call = [\"a.c\"]").fingerprint());
    assert_ne!(one.fingerprint(), Rules::default().fingerprint());
}

#[test]
fn files_are_loaded_whole_or_not_at_all() {
    let files = [
        RuleFile { name: "gone.toml".to_owned(), text: Err("cannot be read: not found".to_owned()) },
        RuleFile {
            name: "a.toml".to_owned(),
            text: Ok(format!("format = 1\n[[ban]]\n{HEAD}call = [\"a b\"]\nclal = []\n")),
        },
        RuleFile {
            name: "b.toml".to_owned(),
            text: Ok(format!("format = 1\n[[ban]]\n{HEAD}call = [\"a.b\"]\n")),
        },
    ];
    let error = Rules::load(&files).unwrap_err();
    assert_eq!(error.to_string(), "accept the rule files, which have 4 mistakes");
    let all = error.source().unwrap().to_string();
    for part in [
        "gone.toml: cannot be read",
        "a.toml:7: ban[0].call = \"a b\": not a name",
        "did you mean `call`?",
        "b.toml:3: ban[0].id = \"our/rule\": given twice; first in `a.toml`",
    ] {
        assert!(all.contains(part), "`{part}` is not in:\n{all}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(format = 1\n)?(\\[\\[(ban|sink|kind|pattern|text|change|source)\\]\\]\n|[a-z]{2,9} = (\"[a-z./*()]{0,9}\"|\\[\"[a-z.*]{0,5}\"\\]|true|7)\n){0,12}") {
        drop(load(&[&text]));
    }

    /// Sorting out by words loses nothing: with a word of its own, every file is looked at.
    #[test]
    fn sorted_out_is_without_findings(parts in proptest::collection::vec(prop::sample::select(vec![
        "import shop\n", "from shop import db\n", "from shop.db import raw as r\n", "r(1)\n", "db.raw(1)\n", "shop.db.raw\n",
        "getattr(db, 'raw')(1)\n", "x = 1\n", "import_module('sh' + 'op.db').raw(1)\n", "from importlib import import_module\n", "\u{ff52}aw(1)\n",
        "from shop.db import *\n", "raw(1)\n",
    ]), 0..8)) {
        let rules = ban("call = [\"shop.db.raw\"]\nattribute = [\"shop.db.raw\"]\nimport = [\"shop.db\"]");
        let text = parts.concat();
        // A comment with the words makes the file a candidate.
        let looked_at = format!("{text}# shop db raw\n");
        prop_assert_eq!(lines(&rules, "a.py", &text), lines(&rules, "a.py", &looked_at));
    }
}
