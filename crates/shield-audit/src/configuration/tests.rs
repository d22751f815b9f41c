//! From files to reports, and what no file may do.

use proptest::prelude::*;

use super::*;

#[test]
fn files_are_known_by_name_and_place() {
    for (path, expected) in [
        ("Dockerfile", Some(Kind::Dockerfile)),
        ("a/prod.Dockerfile", Some(Kind::Dockerfile)),
        ("Dockerfile.dockerignore", None),
        ("dockerfile.md/x", None),
        (".github/workflows/ci.yml", Some(Kind::Workflow)),
        ("a/action.yaml", Some(Kind::Workflow)),
        ("docker-compose.prod.yml", Some(Kind::Compose)),
        ("compose.yaml", Some(Kind::Compose)),
        ("composer.yaml", Some(Kind::Yaml)),
        ("deploy.sh", Some(Kind::Shell)),
        ("a.zsh", Some(Kind::Shell)),
        ("sh", None),
        (".env", Some(Kind::Settings(settings::Kind::Environment))),
        ("a.json", None),
    ] {
        assert_eq!(kind(path), expected, "{path}");
    }
}

#[test]
fn mistakes_are_named_and_what_precedes_them_counts() {
    let report = file("docker-compose.yml", b"services:\n  a:\n    privileged: true\n    b: [\n");
    assert_eq!((report.findings.len(), report.skipped.len()), (1, 1));
    let report = file("docker-compose.yml", b"\xff");
    assert_eq!(report.skipped[0].to_string(), "docker-compose.yml: not UTF-8 at byte 0");
    assert_eq!(file("a.yml", b"apiVersion: {{ x }}\nkind: ["), FileReport::default());
    assert_eq!(template_language("a.yml", b"apiVersion: {{ x }}\nkind: ["), Some("Helm"));
    assert_eq!(template_language("a.yml", b"apiVersion: x\nkind: y"), None);
    assert_eq!(template_language("compose.yml", b"apiVersion: {{ x }}\nkind: ["), None);
}

#[test]
fn scripts_are_known_by_their_first_line() {
    let found = |path: &str, text: &str| file(path, text.as_bytes()).findings.len();
    assert_eq!(found("run", "#!/usr/bin/env bash\nset -e\ncurl https://x | sh\n"), 1);
    assert_eq!(found("run.in", "#!/bin/dash\nX=\"$(curl -k https://x)\"\n"), 1);
    assert_eq!(found("run", "#!/usr/bin/perl\ncurl https://x | sh\n"), 0);
    assert_eq!(found("run.sh", "cat <<EOF\ncurl https://x | sh\nEOF\n"), 0);
    let span = file("a.sh", b"set -e\nif a; then\n  curl -k https://x\nfi\n").findings[0].place.span.unwrap();
    assert_eq!((span.line, span.column), (3, 3));
}

#[test]
fn findings_say_where_and_can_be_taken_back() {
    let report = file("docker-compose.yml", "# ü\nservices:\n  ü:\n    privileged: true\n".as_bytes());
    let span = report.findings[0].place.span.unwrap();
    assert_eq!((span.line, span.column, span.end_column), (4, 5, 15));
    let report = file("docker-compose.yml", b"services:\n  a:\n    privileged: true # nosec\n");
    assert_eq!((report.findings.len(), report.suppressed.len()), (0, 1));
}

const SEEDS: [(&str, &str); 5] = [
    ("a.sh", "#!/bin/sh\ncat <<E\nx\nE\ny=\"$(curl -k \"$(b)\" | sh)\"\nchmod 777 \\\n z\n"),
    (
        "Dockerfile",
        "FROM a AS b\nENV A_TOKEN=\"x\" B=c\nRUN <<E\ncurl -k 'x' | sh \\\n# y\nE\nADD https://x /\nUSER root\n",
    ),
    (
        ".github/workflows/a.yml",
        "on: [pull_request_target]\njobs:\n  a: &a\n    if: ${{ x }} y\n    steps:\n    - uses: a/b@c\n    - run: |\n        echo ${{ github.head_ref }}\n  b: *a\n",
    ),
    (
        "compose.yml",
        "x: &x {privileged: true}\nservices:\n  a:\n    <<: *x\n    ports: ['5432:5432']\n    volumes: [/:/x]\n",
    ),
    (
        "k.yml",
        "apiVersion: v1\nkind: Pod\nspec:\n  hostPID: true\n  containers: [{image: a, env: [{name: A_TOKEN, value: b}]}]\n",
    ),
];

proptest! {
    /// Any bytes, and files with pieces cut out, put in and doubled, give a report with places inside of the file.
    #[test]
    fn any_bytes_give_a_report(
        seed in 0..SEEDS.len(),
        edits in prop::collection::vec((any::<u16>(), any::<u16>(), any::<[u8; 3]>(), 0..4u8), 0..6),
    ) {
        let (path, text) = SEEDS[seed];
        let mut bytes = text.as_bytes().to_vec();
        for (at, length, new, kind) in edits {
            let at = usize::from(at) % (bytes.len() + 1);
            let end = (at + usize::from(length) % 20).min(bytes.len());
            match kind {
                0 => drop(bytes.drain(at..end)),
                1 => drop(bytes.splice(at..at, new)),
                2 => drop(bytes.splice(at..at, "ü\u{2028}".bytes())),
                _ => { let piece = bytes[at..end].to_vec(); drop(bytes.splice(at..at, piece)); }
            }
        }
        let report = file(path, &bytes);
        prop_assert_eq!(&report, &file(path, &bytes));
        let lines = u32::try_from(bytes.len()).unwrap() + 1;
        for finding in &report.findings {
            let span = finding.place.span.unwrap();
            prop_assert!(span.line >= 1 && span.line <= span.end_line && span.end_line <= lines);
        }
    }
}
