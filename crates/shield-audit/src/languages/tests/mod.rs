//! What the rules say of small files, and what no file may do.

mod of_go;
mod of_javascript;
mod of_requests;
mod of_rust;

use proptest::prelude::*;

use super::{Audit, go, javascript, rust};
use crate::{finding::Severity, python::FileReport};

fn said(path: &str, text: &str) -> Vec<String> {
    let report = Audit::default().file(path, text.as_bytes());
    assert_eq!(report.skipped, [], "{text}");
    report.findings.iter().map(|finding| format!("{} {}", finding.rule.id, finding.subject)).collect()
}

/// What finds something, with what is found, and what does not.
type Examples =
    (&'static [(&'static str, &'static str, &'static str)], &'static [(&'static str, &'static str)]);

const EXAMPLES: [Examples; 4] = [
    (of_javascript::FOUND, of_javascript::LEFT_ALONE),
    (of_go::FOUND, of_go::LEFT_ALONE),
    (of_rust::FOUND, of_rust::LEFT_ALONE),
    (of_requests::FOUND, of_requests::LEFT_ALONE),
];

fn found() -> impl Iterator<Item = (&'static str, String, &'static str)> {
    let all = EXAMPLES.into_iter().flat_map(|(found, _)| found);
    all.map(|(path, text, expected)| (*path, whole(path, text), *expected))
}

fn left_alone() -> impl Iterator<Item = (&'static str, String)> {
    EXAMPLES.into_iter().flat_map(|(_, left_alone)| left_alone).map(|(path, text)| (*path, whole(path, text)))
}

/// A file of Go begins with its package.
fn whole(path: &str, text: &str) -> String {
    if path.ends_with(".go") { format!("package a\n{text}\n") } else { text.to_owned() }
}

#[test]
fn every_example_is_found() {
    for (path, text, expected) in found() {
        assert_eq!(said(path, &text), [expected], "{text}");
    }
}

#[test]
fn harmless_code_is_left_alone() {
    for (path, text) in left_alone() {
        assert_eq!(said(path, &text), Vec::<String>::new(), "{text}");
    }
}

#[test]
fn every_check_has_an_example() {
    let checks = [javascript::CHECKS, go::CHECKS, rust::CHECKS].into_iter().flatten().copied().flatten();
    for check in checks {
        let audit = Audit::of(vec![check]);
        let finds = |(path, text, _): (&str, String, &str)| {
            !text.contains('\u{202e}') && !audit.file(path, text.as_bytes()).findings.is_empty()
        };
        assert!(found().any(finds), "{check:?}");
    }
}

#[test]
fn findings_say_where_and_in_what() {
    let report = Audit::default().file("a.js", b"class A {\n  run(x) {\n    return eval(x);\n  }\n}\n");
    let finding = &report.findings[0];
    let span = finding.place.span.unwrap();
    assert_eq!((span.line, span.column, finding.context.as_str()), (3, 12, "A.run"));
    let report = Audit::default()
        .file("a.js", b"eval(x) // eslint-disable-line security/detect-eval-with-expression\n");
    assert_eq!((report.findings.len(), report.suppressed.len()), (0, 1));
}

#[test]
fn scripts_of_pages_are_looked_at() {
    let page = "<h1>ü</h1>\n<script>\nconst x = 1\n</script><script>eval(y) // eslint-disable-line no-eval\n  eval(z)</script>\n{{ eval(a) }}\n";
    for path in ["a.html", "templates/a.htm", "A.vue", "A.svelte"] {
        let report = Audit::default().file(path, page.as_bytes());
        let lines: Vec<_> = report.findings.iter().map(|finding| finding.place.span.unwrap()).collect();
        assert_eq!((lines.len(), lines[0].line, lines[0].column), (1, 5, 3), "{path}");
        assert_eq!((report.suppressed.len(), report.skipped.len()), (1, 0), "{path}");
    }
    assert_eq!(
        said("A.vue", "<script lang=\"ts\">eval(x as any as string)</script>"),
        ["javascript/eval eval"]
    );
    let templated = "<script>{% if a %}eval({{ b|tojson }});{% endif %} eval(c)</script>";
    assert_eq!(said("a.html", templated).len(), 2);
    assert!(Audit::default().file("a.html", templated.as_bytes()).skipped.is_empty());
    // Nothing is said of pages that hold no script, whatever they are.
    for page in [&b"<p>eval(x)\xff</p>"[..], b"<script src=a></script>eval(x)"] {
        assert_eq!(Audit::default().file("a.html", page), FileReport::default());
    }
    let long = format!("<script>eval(x)</script>{}", "<br>".repeat(10_000));
    assert!(Audit::default().file("a.html", long.as_bytes()).skipped.is_empty());
}

#[test]
fn markup_of_components_is_looked_at() {
    assert_eq!(
        said("A.vue", "<p v-html=\"post.text\"/><p v-html=\"sanitize(x)\"/>"),
        ["javascript/markup v-html"]
    );
    assert_eq!(
        said("A.svelte", "<p>{@html post}</p>\n<script>eval(x)</script>"),
        ["javascript/markup html", "javascript/eval eval"]
    );
    assert_eq!(said("a.html", "{@html post}"), Vec::<String>::new());
}

#[test]
fn scripts_without_an_ending_name_their_interpreter() {
    assert_eq!(said("bin/run", "#!/usr/bin/env node\neval(x)"), ["javascript/eval eval"]);
    assert_eq!(said("bin/run", "#!/usr/bin/env -S deno run\neval(x as string)"), ["javascript/eval eval"]);
    assert_eq!(said("bin/run", "#!/bin/sh\neval(x)"), Vec::<String>::new());
}

#[test]
fn tests_are_good_to_know() {
    let severity = |path: &str, text: &str| Audit::default().file(path, text.as_bytes()).findings[0].severity;
    assert_eq!(severity("a.test.js", "eval(x)"), Severity::Info);
    let code = "fn f() { b.danger_accept_invalid_certs(true); }";
    assert_eq!(severity("a.rs", code), Severity::High);
    assert_eq!(severity("tests/a.rs", code), Severity::Info);
    assert_eq!(
        severity("a.rs", &format!("#[cfg(test)]\n// why\n#[expect(x)]\nmod tests {{ {code} }}")),
        Severity::Info
    );
    assert_eq!(severity("a.rs", &format!("#[cfg(test)]\nmod tests {{ }}\n{code}")), Severity::High);
    assert_eq!(severity("a.rs", &format!("#[cfg(not(test))]\nmod m {{ {code} }}")), Severity::High);
}

#[test]
fn what_is_checked_before_is_said_quietly() {
    let severity = |path: &str, text: &str| Audit::default().file(path, text.as_bytes()).findings[0].severity;
    let checked = "const fs = require('fs'); function f(req, res) { const p = req.query.f; if (!p.startsWith(root)) return; fs.readFile(p) }";
    assert_eq!(severity("a.js", checked), Severity::Low);
    assert_eq!(severity("a.js", &checked.replace("p.startsWith", "q.startsWith")), Severity::High);
    let elsewhere = checked
        .replace("fs.readFile(p) }", "} function g(req, res) { const p = req.query.f; fs.readFile(p) }");
    assert_eq!(severity("a.js", &elsewhere), Severity::High);
    let go = "package a\nimport (\"net/http\"; \"os\"; \"path/filepath\")\nfunc f(r *http.Request) { n := r.FormValue(\"n\")\n if !filepath.IsLocal(n) { return }\n os.Open(n) }\n";
    assert_eq!(severity("a.go", go), Severity::Low);
    assert_eq!(severity("vendor/a.min.js", "eval(x)"), Severity::Info);
    assert_eq!(
        severity("a.js", "import c from 'crypto'; function etag(b) { return c.createHash('md5') }"),
        Severity::Low
    );
    let started = "package a\nimport (\"os\"; \"os/exec\")\nfunc f() { exec.Command(os.Args[0]) }\n";
    assert_eq!(severity("a.go", started), Severity::Low);
}

#[test]
fn what_is_not_parsed_is_named() {
    let skipped = |path: &str, bytes: &[u8]| {
        Audit::default().file(path, bytes).skipped.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        skipped("a.js", format!("eval(x);{}", " ".repeat(30_000)).as_bytes()),
        ["a.js: minified: a line has 30008 bytes"]
    );
    assert_eq!(skipped("a.js", "eval(x);\n".repeat(200_000).as_bytes()), ["a.js: larger than 1048576 bytes"]);
    assert_eq!(skipped("a.js", b"eval(\xff)"), ["a.js: not UTF-8 at byte 5"]);
    let report = Audit::default().file("a.js", b"eval(x);\nfunction (;\neval(y);\n");
    assert_eq!((report.findings.len(), report.skipped.len()), (2, 1));
    // Without any word of a rule there is nothing to be found.
    assert_eq!(skipped("a.js", b"function (;"), Vec::<String>::new());
    assert_eq!(skipped("a.d.ts", b"eval("), Vec::<String>::new());
}

#[test]
fn depth_and_length_cost_no_more_than_they_are() {
    for (path, text) in [
        ("a.js", format!("eval({}x{})", "(".repeat(20_000), ")".repeat(20_000))),
        ("a.js", format!("eval({}x)", "'a' +\n".repeat(20_000))),
        ("a.js", format!("eval(x){}", ".a()\n".repeat(20_000))),
        (
            "a.go",
            format!("package a\nimport \"os/exec\"\nfunc f() {}{}", "{\n".repeat(5_000), "}\n".repeat(5_000)),
        ),
        ("a.rs", format!("fn f() {{ fastrand::u64({}) }}", "[\n".repeat(20_000))),
        ("a.rs", format!("use fastrand::{}x{};", "{a::\n".repeat(3_000), "}".repeat(3_000))),
    ] {
        // It comes to an end, and nothing overflows.
        assert!(Audit::default().file(path, text.as_bytes()).findings.len() < 100);
    }
}

proptest! {
    /// Files with pieces cut out, put in and doubled give the same report twice, with places inside of the file.
    #[test]
    fn any_bytes_give_a_report(
        seed in 0..found().count(),
        other in 0..left_alone().count(),
        edits in prop::collection::vec((any::<u16>(), any::<u16>(), any::<[u8; 3]>(), 0..4u8), 0..6),
    ) {
        let (path, text, _) = found().nth(seed).unwrap();
        let mut bytes = format!("{text}\n{}", left_alone().nth(other).unwrap().1).into_bytes();
        for (at, length, new, kind) in edits {
            let at = usize::from(at) % (bytes.len() + 1);
            let end = (at + usize::from(length) % 30).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, new)),
                2 => drop(bytes.splice(at..at, "ü${{\u{202e}".bytes())),
                _ => { let piece = bytes[at..end].to_vec(); drop(bytes.splice(at..at, piece)); }
            }
        }
        let report = Audit::default().file(path, &bytes);
        prop_assert_eq!(&report, &Audit::default().file(path, &bytes));
        let lines = u32::try_from(bytes.len()).unwrap() + 1;
        for finding in &report.findings {
            let span = finding.place.span.unwrap();
            prop_assert!(span.line >= 1 && span.line <= span.end_line && span.end_line <= lines);
        }
    }
}
