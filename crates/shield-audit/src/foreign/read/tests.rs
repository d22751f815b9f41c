//! Every form, with outputs of real runs (bandit, black, clippy, detect-secrets, flake8, isort, mypy, radon, ruff; shortened) and
//! small ones in the form of the others.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::foreign::{About, Observation, tools};

const ROOT: &str = "/work/app";

/// One line for each observation and each gap.
fn said(output: &Output) -> Vec<String> {
    let say = |one: &Observation| {
        let span = one.place.span.map_or_else(String::new, |span| {
            format!(":{}:{}-{}:{}", span.line, span.column, span.end_line, span.end_column)
        });
        let about = match &one.about {
            About::Code => String::new(),
            About::Secret => " secret".to_owned(),
            About::Package { package, version, names } => format!(" {package} {version} {}", names.join(",")),
        };
        let cwes: Vec<String> = one.cwes.iter().map(ToString::to_string).collect();
        let words: String = one.message.chars().take(30).collect();
        format!(
            "{} {}{span} {:?}{about} [{}] {words}",
            one.rule,
            one.place.file,
            one.severity,
            cwes.join(",")
        )
    };
    let unread = output.unread.iter().map(|unread| format!("unread {}: {}", unread.path, unread.reason));
    output.observations.iter().map(say).chain(unread).collect()
}

fn read(tool: &str, text: &str) -> Vec<String> {
    said(&Tool::named(tool).unwrap().read(text.as_bytes(), Path::new(ROOT)).unwrap())
}

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("fixtures/", $name))
    };
}

#[test]
fn runs_never_made_are_told() {
    let sarif = |run: &str| {
        let text =
            format!(r#"{{"version": "2.1.0", "runs": [{{"tool": {{"driver": {{"name": "T"}}}}{run}}}]}}"#);
        said(&read_sarif(text.as_bytes(), Path::new(ROOT)).unwrap())
    };
    assert_eq!(sarif(r#", "results": []"#), [""; 0]);
    for run in [r#", "results": null"#, ""] {
        assert!(sarif(run).len() == 1 && sarif(run)[0].contains("was never made"), "{run}");
    }
    let elsewhere = sarif(
        r#", "results": [], "externalPropertyFileReferences": {"results": [{"location": {"uri": "r.sarif"}}]}"#,
    );
    assert!(elsewhere.len() == 1 && elsewhere[0].contains("in other files"), "{elsewhere:?}");
}

#[test]
fn code_is_read() {
    assert_eq!(
        read("bandit", fixture!("bandit.json")),
        [
            "B403 app.py:1:1-1:1 Low [CWE-502] Consider possible security imp",
            "B105 app.py:4:12-4:12 Low secret [CWE-259] Possible hardcoded password: '",
            "B324 app.py:8:9-8:9 High [CWE-327] Use of weak MD5 hash for secur",
            "B307 app.py:9:5-9:5 Medium [CWE-78] Use of possibly insecure funct",
            "B101 app.py:13:5-13:5 Low [CWE-703] Use of assert detected. The en",
            "B301 app.py:14:12-14:12 Medium [CWE-502] Pickle and modules that wrap i",
            "unread bad.py: syntax error while parsing AST from file",
        ]
    );
    assert_eq!(
        read("ruff", fixture!("ruff.json")),
        [
            "E401 app.py:1:1-1:27 Low [] Multiple imports on one line",
            "F401 app.py:1:17-1:19 Low [] `os` imported but unused",
            "F401 app.py:2:8-2:12 Low [] `json` imported but unused",
            "S105 app.py:4:12-4:27 Low secret [] Possible hardcoded password as",
            "S324 app.py:8:9-8:20 Low [] Probable use of insecure hash ",
            "S307 app.py:9:5-9:12 Low [] Use of possibly insecure funct",
            "invalid-syntax bad.py:1:7-1:8 Low [] Expected a parameter or the en",
            "unread bad.py: Expected a parameter or the end of the parameter list",
        ]
    );
    assert_eq!(
        read("mypy", fixture!("mypy.json")),
        [
            "arg-type app.py:8:21-8:22 Low [] Argument 1 to \"openssl_md5\" ha",
            "arg-type app.py:9:10-9:11 Low [] Argument 1 to \"eval\" has incom",
            "syntax bad.py:1:8-1:9 Low [] Expected a parameter or the en",
            "unread bad.py: Expected a parameter or the end of the parameter list",
        ]
    );
    assert_eq!(
        read("semgrep", fixture!("semgrep.json")),
        [
            "python.lang.security.audit.eval-detected.eval-detected app.py:9:5-9:12 Medium [CWE-95] Detected the use of eval().",
            "unread bad.py: Syntax error at line bad.py:1: `def f(:` was unexpected",
        ]
    );
    assert_eq!(
        read("clippy", fixture!("clippy.json")),
        [
            "unused_mut src/main.rs:3:9-3:14 Low [] variable does not need to be m",
            "clippy::len_zero src/main.rs:4:8-4:20 Low [] length comparison to zero",
            "unread src/main.rs: expected one of `!` or `::`, found `x`",
        ]
    );
}

#[test]
fn style_is_read() {
    assert_eq!(
        read("black", fixture!("black.txt")),
        [
            "format app.py Info [] would be formatted otherwise",
            "unread bad.py: Cannot parse for target version Python 3.11: 1:6: def f(:",
        ]
    );
    assert_eq!(
        read("isort", fixture!("isort.txt")),
        ["imports app.py Info [] imports would be sorted otherw"]
    );
    assert_eq!(
        read("radon", fixture!("radon.json")),
        ["C app.py:12:1-14:1 Info [] load", "unread bad.py: invalid syntax (<unknown>, line 1)"]
    );
    let flake8 = read("flake8", fixture!("flake8.txt"));
    assert_eq!(
        (flake8.len(), flake8[1].as_str()),
        (5, "E401 app.py:1:15-1:15 Info [] multiple imports on one line")
    );
}

#[test]
fn secrets_are_read_without_their_values() {
    assert_eq!(
        read("detect-secrets", fixture!("detect-secrets.json")),
        [
            "Secret Keyword app.py:4:1-4:1 High secret [] Secret Keyword",
            "AWS Access Key app.py:5:1-5:1 High secret [] AWS Access Key",
        ]
    );
    assert_eq!(
        read("gitleaks", fixture!("gitleaks.json")),
        ["aws-access-token app.py:5:8-5:27 High secret [] Identified a pattern that may "]
    );
    assert_eq!(
        read("trufflehog", fixture!("trufflehog.json")),
        ["AWS app.py:5:1-5:1 High secret [] AWS (Amazon Web Services) is a"]
    );
    for (tool, text) in ALL {
        let output = Tool::named(tool).unwrap().read(text.as_bytes(), Path::new(ROOT)).unwrap();
        let all = format!("{output:?}");
        assert!(!all.contains("AKIA") && !all.contains("hunter2"), "{all}");
    }
}

#[test]
fn packages_are_read() {
    let jinja = "CVE-2019-10906,GHSA-462w-v97r-4m45";
    assert_eq!(
        read("osv-scanner", fixture!("osv-scanner.json")),
        [format!(
            "GHSA-462w-v97r-4m45 requirements.txt High jinja2 2.10 {jinja},PYSEC-2019-217 [CWE-693] Jinja2 sandbox escape via stri"
        )]
    );
    assert_eq!(
        read("pip-audit", fixture!("pip-audit.json")),
        [
            format!(
                "PYSEC-2019-217 requirements.txt High jinja2 2.10 {jinja},PYSEC-2019-217 [] In Pallets Jinja before 2.10.1"
            ),
            "unread private: Dependency not found on PyPI and could not be audited: private (2.10)"
                .to_owned(),
        ]
    );
    assert_eq!(
        read("safety", fixture!("safety.json")),
        ["39525 requirements.txt High jinja2 2.10 39525,CVE-2019-10906 [] Jinja2 2.10.1 includes a fix f"]
    );
    assert_eq!(
        read("snyk", fixture!("snyk.json")),
        [
            format!(
                "SNYK-PYTHON-JINJA2-174126 requirements.txt Medium jinja2 2.10 {jinja},SNYK-PYTHON-JINJA2-174126 [CWE-265] Sandbox Escape"
            ),
            "unread web: Missing lockfile".to_owned(),
        ]
    );
    assert_eq!(
        read("trivy", fixture!("trivy.json")),
        [
            "CVE-2019-10906 requirements.txt High jinja2 2.10 CVE-2019-10906 [CWE-693] python-jinja2: str.format_map ",
            "aws-access-key-id app.py:5:1-5:1 Critical secret [] AWS Access Key ID",
            "DS002 Dockerfile:1:1-3:1 High [] Specify at least 1 USER comman",
        ]
    );
    assert_eq!(
        read("cargo-audit", fixture!("cargo-audit.json")),
        [
            "RUSTSEC-2020-0071 Cargo.lock Medium time 0.1.45 CVE-2020-26235,GHSA-wcg3-cvx6-7396,RUSTSEC-2020-0071 [] Potential segfault in the time",
            "RUSTSEC-2024-0375 Cargo.lock Low atty 0.2.14 RUSTSEC-2024-0375 [] `atty` is unmaintained",
            "yanked Cargo.lock Low [] yanked",
        ]
    );
    assert_eq!(
        read("cargo-deny", fixture!("cargo-deny.json")),
        [
            "RUSTSEC-2020-0071 Cargo.lock Medium time 0.1.45 CVE-2020-26235,RUSTSEC-2020-0071 [] Potential segfault in the time",
            "duplicate Cargo.lock Medium [] found 2 duplicate entries for ",
            "unread Cargo.lock: unable to fetch advisory database",
        ]
    );
}

#[test]
fn sarif_of_any_tool_is_read() {
    let sarif = |text: &str| said(&read_sarif(text.as_bytes(), Path::new(ROOT)).unwrap());
    assert_eq!(
        sarif(fixture!("ruff.sarif")),
        [
            "S105 app.py:4:12-4:27 High secret [] Possible hardcoded password as",
            "S324 app.py:8:9-8:20 High [] Probable use of insecure hash ",
        ]
    );
    assert_eq!(
        sarif(fixture!("full.sarif")),
        [
            "py/weak-hash my app.py:8:1-8:1 High [CWE-327,CWE-328] `md5` is weak",
            "py/taxa . Low [CWE-79] x",
            "unread output of CodeQL: the tool says that it did not end well",
            "unread output of CodeQL: could not parse bad.py",
        ]
    );
    let full = read_sarif(fixture!("full.sarif").as_bytes(), Path::new(ROOT)).unwrap();
    assert_eq!(full.taken_back, 1);
    for wrong in ["", "[]", "{}", r#"{"runs": [], "version": "1.0.0"}"#] {
        assert!(read_sarif(wrong.as_bytes(), Path::new(ROOT)).is_err(), "{wrong}");
    }
}

#[test]
fn every_tool_has_a_fixture() {
    let known: Vec<_> = tools().map(|tool| tool.name).collect();
    assert_eq!(known.len(), ALL.len());
    assert!(ALL.iter().all(|(tool, _)| known.contains(tool)));
}

#[test]
fn nonsense_is_said() {
    for tool in tools() {
        let error = tool.read(b"Traceback (most recent call last):\n  File", Path::new(ROOT)).unwrap_err();
        assert!(error.to_string().contains(tool.name), "{error}");
    }
    let strange = Tool::named("flake8").unwrap().read(b"a.py:1:1: E1 x\nboo\n", Path::new(ROOT)).unwrap();
    assert_eq!((strange.observations.len(), strange.unread.len()), (1, 1));
    let nameless = Tool::named("ruff").unwrap().read(b"[{\"filename\": \"a.py\"}]", Path::new(ROOT)).unwrap();
    assert_eq!(nameless.unread[0].reason, "an entry of `*` has no rule");
}

#[test]
fn nothing_found_is_no_nonsense() {
    for (tool, text) in [
        ("ruff", "[]"),
        ("bandit", r#"{"results": [], "errors": []}"#),
        ("flake8", ""),
        ("isort", ""),
        ("black", "All done! ✨ 🍰 ✨\n1 file would be left unchanged."),
        ("mypy", ""),
        ("trufflehog", ""),
        ("osv-scanner", r#"{"results": []}"#),
        ("trivy", r#"{"SchemaVersion": 2}"#),
        ("radon", "{}"),
    ] {
        assert_eq!(read(tool, text), Vec::<String>::new(), "{tool}");
    }
}

proptest! {
    #[test]
    fn damaged_outputs_never_panic(tool in 0..19_usize, at in 0.0..1.0_f64, byte in any::<u8>()) {
        let (name, text) = ALL[tool];
        let mut bytes = text.as_bytes().to_vec();
        let place = (bytes.len() as f64 * at) as usize;
        bytes[place] = byte;
        let _ = Tool::named(name).unwrap().read(&bytes, Path::new(ROOT));
        let _ = read_sarif(&bytes, Path::new(ROOT));
        let _ = Tool::named(name).unwrap().read(&bytes[..place], Path::new(ROOT));
    }

    #[test]
    fn damaged_sarif_never_panics(at in 0.0..1.0_f64, byte in any::<u8>()) {
        let mut bytes = fixture!("full.sarif").as_bytes().to_vec();
        let place = (bytes.len() as f64 * at) as usize;
        bytes[place] = byte;
        let _ = read_sarif(&bytes, Path::new(ROOT));
    }
}

pub(super) const ALL: [(&str, &str); 19] = [
    ("bandit", fixture!("bandit.json")),
    ("black", fixture!("black.txt")),
    ("cargo-audit", fixture!("cargo-audit.json")),
    ("cargo-deny", fixture!("cargo-deny.json")),
    ("clippy", fixture!("clippy.json")),
    ("detect-secrets", fixture!("detect-secrets.json")),
    ("flake8", fixture!("flake8.txt")),
    ("gitleaks", fixture!("gitleaks.json")),
    ("isort", fixture!("isort.txt")),
    ("mypy", fixture!("mypy.json")),
    ("osv-scanner", fixture!("osv-scanner.json")),
    ("pip-audit", fixture!("pip-audit.json")),
    ("radon", fixture!("radon.json")),
    ("ruff", fixture!("ruff.json")),
    ("safety", fixture!("safety.json")),
    ("semgrep", fixture!("semgrep.json")),
    ("snyk", fixture!("snyk.json")),
    ("trivy", fixture!("trivy.json")),
    ("trufflehog", fixture!("trufflehog.json")),
];
