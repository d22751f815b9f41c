//! `shield audit --with` and `--import`: other scanners, which are real ones here (`scripts/test` installs them), and what they say.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::Value;

use crate::support::{Project, Run};

/// What both scanners and we see, what only they see, and what only we see.
const CODE: &str = "import subprocess\n\nimport requests\n\n\ndef run(x):\n    assert x\n    subprocess.call(x, shell=True)\n    return eval(x)\n";

/// Runs `shield audit` on `code`, with no index of advisories and with the programs of these directories.
fn audit(project: &Project, path: &str, arguments: &[&str]) -> Run {
    let variables = [("SHIELD_ADVISORIES", "/nonexistent/advisories"), ("PATH", path)];
    project.shield_with(&[&["audit", "code"], arguments].concat(), &variables)
}

/// Where the scanners are; a test without them fails.
fn scanners() -> String {
    let directory = std::env::var("SHIELD_AUDIT_SCANNERS").unwrap_or_default();
    for name in ["bandit", "ruff"] {
        assert!(
            Path::new(&directory).join(name).is_file(),
            "{name} is not in SHIELD_AUDIT_SCANNERS={directory:?}; install it with: scripts/test -p shield"
        );
    }
    format!("{directory}:/usr/bin:/bin")
}

/// A directory with a program of this name that does this, and no other program.
fn pretending(project: &Project, name: &str, script: &str) -> String {
    project.write(&format!("bin/{name}"), &format!("#!/bin/sh\n{script}\n"));
    let program = project.path().join("bin").join(name);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    project.path().join("bin").display().to_string()
}

fn json(project: &Project, file: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(project.path().join(file)).unwrap()).unwrap()
}

/// `tool rule` of everybody who sees what is in a line.
fn seen(report: &Value, line: u64, rule: &str) -> Vec<String> {
    let found = report["found"].as_array().unwrap();
    let one = found.iter().find(|one| one["place"]["span"]["line"] == line && one["rule"] == rule);
    let one = one.unwrap_or_else(|| panic!("no {rule} in line {line}: {report:#}"));
    let seen = one["seen_by"].as_array().unwrap();
    seen.iter()
        .map(|by| format!("{} {}", by["tool"].as_str().unwrap(), by["rule"].as_str().unwrap()))
        .collect()
}

#[test]
fn real_scanners_see_the_same_defects() {
    let project = Project::of_files(&[("code/app.py", CODE)]);
    let forms = ["--json", "r.json", "--html", "r.html", "--markdown", "r.md", "--sarif", "r.sarif"];
    audit(
        &project,
        &scanners(),
        &[&["--with", "bandit", "--with", "ruff", "--fail-on", "low"][..], &forms].concat(),
    )
    .expect(10)
    .says("other scanners: 2")
    .says("bandit  1.9.4, ")
    .says("ruff    0.17.6, ")
    .says("running bandit (1 of 2)");
    let report = json(&project, "r.json");
    assert_eq!(seen(&report, 9, "python/eval"), ["shield audit python/eval", "bandit B307", "ruff S307"]);
    assert_eq!(seen(&report, 3, "ruff:F401"), ["ruff F401"], "{report:#}");
    for form in ["r.html", "r.md"] {
        let text = fs::read_to_string(project.path().join(form)).unwrap();
        assert!(text.contains("seen by shield audit, bandit B307, ruff S307"), "{form}");
    }
    assert!(fs::read_to_string(project.path().join("r.sarif")).unwrap().contains("\"seenBy\""));
}

#[test]
fn what_only_others_see_counts() {
    let project = Project::of_files(&[("code/app.py", "x = 1\n")]);
    let found = r#"[{"RuleID": "aws", "File": "app.py", "StartLine": 1, "StartColumn": 1, "EndLine": 1, "EndColumn": 2, "Description": "AWS key"}]"#;
    let path = pretending(
        &project,
        "gitleaks",
        &format!("[ $1 = version ] && echo 8.1.0 && exit; echo '{found}'; exit 1"),
    );
    audit(&project, &path, &[]).expect(0);
    audit(&project, &path, &["--with", "gitleaks"])
        .expect(10)
        .says("high gitleaks:aws (CWE-798), 1: Read what gitleaks says of it")
        .says("seen by gitleaks aws only")
        .says("gitleaks  8.1.0, ");
    audit(&project, &path, &["--with", "gitleaks", "--fail-on", "critical"]).expect(0);
    // Accepted as any finding is, until the scanner is asked again.
    let terms = ["--reason", "an example", "--until", "2999-01-01"];
    let accept = ["--with", "gitleaks", "--accept-rule", "gitleaks:aws", "--in", "app.py"];
    audit(&project, &path, &[&accept[..], &terms].concat()).expect(0);
    audit(&project, &path, &["--with", "gitleaks"]).expect(0);
    audit(&project, &path, &[]).expect(0);
}

#[test]
fn who_is_not_heard_is_said() {
    let project = Project::of_files(&[("code/app.py", "x = 1\n"), ("code/requirements.txt", "")]);
    let path = "/nonexistent";
    audit(&project, path, &["--with", "bandit"])
        .expect(14)
        .says("scanners bandit: not installed; install it: `pip install bandit`");
    audit(&project, path, &["--with", "bandit", "--gaps", "scanners"]).expect(0);
    audit(&project, path, &["--with", "installed"]).expect(0);
    audit(&project, path, &["--with", "nobody"]).expect(2).says("expected one of installed, bandit, black");
    let breaks = pretending(&project, "bandit", "echo no rules >&2; exit 2");
    audit(&project, &breaks, &["--with", "installed"])
        .expect(14)
        .says("scanners bandit: failed: exit code 2: no rules");
    let asks = pretending(&project, "pip-audit", "echo '{\"dependencies\": []}'");
    audit(&project, &asks, &["--with", "pip-audit"])
        .expect(14)
        .says("not allowed: it asks the network, and it may execute what the audited tree says")
        .says("allow it: `--allow network --allow project-code`");
    let both = ["--with", "pip-audit", "--allow", "network", "--allow", "project-code"];
    audit(&project, &asks, &both).expect(0).says("0 findings");
}

#[test]
fn settings_name_scanners_and_allow_none() {
    let project = Project::of_files(&[("code/app.py", "x = 1\n"), ("code/requirements.txt", "")]);
    let toml = fs::read_to_string(Project::new().path().join("shield.toml")).unwrap();
    project.write("code/shield.toml", &format!("{toml}\n[audit]\nscanners = [\"pip-audit\"]\n[stage.audit]\nallow = [\"network\", \"project-code\"]\n"));
    let asks = pretending(&project, "pip-audit", ": >ran; echo '{\"dependencies\": []}'");
    audit(&project, &asks, &[]).expect(14).says("scanners pip-audit: not allowed");
    assert!(!project.path().join("code/ran").exists());
}

#[test]
fn outputs_of_a_build_server_are_heard() {
    let project = Project::of_files(&[("code/src/app.py", CODE)]);
    let ruff = r#"[{"code": "S307", "filename": "/ci/work/shop/src/app.py", "location": {"row": 9, "column": 12}, "end_location": {"row": 9, "column": 19}, "message": "eval"}]"#;
    let sarif = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "CodeQL"}}, "results": [{"ruleId": "py/x", "level": "error",
        "message": {"text": "new"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "src/app.py"}, "region": {"startLine": 3}}}]}]}]}"#;
    for (name, text) in [
        ("ruff.json", ruff),
        ("code.sarif", sarif),
        ("lint.txt", "src/app.py:3:1: F401 unused\n"),
        ("boo.json", "{}"),
    ] {
        project.write(name, text);
    }
    let import = ["--import", "ruff.json", "--import", "code.sarif", "--import", "flake8=lint.txt"];
    let run = audit(&project, "/nonexistent", &[&import[..], &["--json", "r.json"]].concat());
    run.expect(10).says("code.sarif (codeql)").says("high codeql:py/x");
    let report = json(&project, "r.json");
    assert_eq!(seen(&report, 9, "python/eval"), ["shield audit python/eval", "ruff S307"]);
    assert_eq!(seen(&report, 3, "flake8:F401"), ["flake8 F401"]);
    for (file, why) in
        [("boo.json", "name the scanner: `--import SCANNER=FILE`"), ("gone.json", "No such file")]
    {
        audit(&project, "/nonexistent", &["--import", file, "--fail-on", "critical"]).expect(14).says(why);
    }
    // What is read is not written over.
    audit(&project, "/nonexistent", &["--import", "ruff.json", "--json", "ruff.json"]).expect(2);
}
