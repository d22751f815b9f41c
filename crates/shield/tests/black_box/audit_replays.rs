//! `shield audit --replay`: every entry of a foreign report gets one verdict.

use std::fs;

use serde_json::Value;

use crate::support::{Project, Run};

const WEAK: &str = "import hashlib\nhashlib.md5(x)\n";

fn project() -> Project {
    let report = serde_json::json!({"results": [
        {"rule_id": "OWASP-A02-002", "status": "NON_COMPLIANT", "message": "Weak cryptographic algorithms found in 4 files",
         "evidence": ["app.py", "text.py", ".venv\\Lib\\site-packages\\used\\__init__.py", "gone.py"]},
        {"rule_id": "NIST-1", "status": "COMPLIANT", "message": "Access control found", "evidence": ["app.py"]},
    ]});
    Project::of_files(&[
        ("code/app.py", &format!("import used\n{WEAK}")),
        ("code/text.py", "description = 1\n"),
        ("site-packages/used/__init__.py", WEAK),
        ("site-packages/used-1.dist-info/METADATA", "Name: used\nVersion: 1\n"),
        ("site-packages/used-1.dist-info/RECORD", "used/__init__.py,,\n"),
        ("report.json", &report.to_string()),
    ])
}

fn replay(project: &Project, arguments: &[&str]) -> Run {
    project.shield(&[&["audit", "--replay", "report.json", "code"], arguments].concat())
}

#[test]
fn every_entry_has_its_verdict() {
    let project = project();
    let site = ["--site-packages", "site-packages"];
    let forms = ["--json", "r.json", "--html", "r.html", "--markdown", "r.md"];
    replay(&project, &[&site[..], &forms].concat())
        .expect(0)
        .says("of 4 entries that accuse files, 1 is real in the project's own code and 1 is in installed code that is loaded; every entry is judged")
        .says("1 entries       1 files  in the project's own code")
        .says("loaded by app > used")
        .says("        4  in all");
    let read = |form: &str| fs::read_to_string(project.path().join(format!("r.{form}"))).unwrap();
    let document: Value = serde_json::from_str(&read("json")).unwrap();
    let entries = document["claims"][0]["claim"]["entries"].as_array().unwrap();
    let verdicts: Vec<_> = entries.iter().map(|one| one["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["own", "part-of-word", "reached", "gone"]);
    assert!(entries.iter().all(|one| !one["reason"].as_str().unwrap().is_empty()));
    assert!(read("html").contains("EVERY ENTRY JUDGED") && read("html").contains("<svg"));
    assert!(read("md").contains("| **4** | | **in all** | |"));
    let events = replay(&project, &["--site-packages", "site-packages", "--output-format", "json"]).events();
    assert_eq!(events[0]["event"], "replayed");
    assert_eq!(events[0]["replay"]["claims"][0]["funnel"][0]["left"]["entries"], 4);
}

#[test]
fn what_cannot_be_judged_is_said() {
    let project = project();
    replay(&project, &[])
        .expect(14)
        .says("1 could not be judged")
        .says("`used` is not installed")
        .says("`--site-packages DIR` names where they are");
    replay(&project, &["--site-packages", "nowhere"]).expect(14).says("packages").says("nowhere");
}

#[test]
fn only_a_report_is_replayed() {
    let project = project();
    project.write("other.json", "[]");
    project
        .shield(&["audit", "--replay", "other.json", "code"])
        .expect(2)
        .says("a scanner's output is for `--import`");
    project.shield(&["audit", "--replay", "gone.json", "code"]).expect(2).says("gone.json");
    replay(&project, &["--json", "report.json"]).expect(2).says("this command reads it");
    replay(&project, &["--fix"]).expect(2);
    assert!(project.path().join("report.json").is_file());
}
