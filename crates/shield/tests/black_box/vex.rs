//! `shield audit --vex` and `--verify-vex`: a claim that whoever has the tree can derive anew.

use std::fs;

use crate::support::{Project, Run};

const SITE: &str = "code/venv/lib/python3.12/site-packages";

const RECORD: &str = r#"{"id": "T-1", "modified": "2026-10-10T00:00:00Z", "affected": [{"package": {"ecosystem": "PyPI",
    "name": "shop-lib"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]}]}"#;

/// Runs `shield audit` with an index of its own.
fn audit(project: &Project, arguments: &[&str]) -> Run {
    let index = project.path().join("known/advisories");
    project.shield_with(&[&["audit"], arguments].concat(), &[("SHIELD_ADVISORIES", index.to_str().unwrap())])
}

/// A project in which a vulnerable package is installed that nothing imports.
fn project() -> Project {
    let project = Project::of_files(&[("code/app.py", "import json\n"), ("database/T-1.json", RECORD)]);
    let info = format!("{SITE}/shop_lib-1.0.dist-info");
    project.write(&format!("{SITE}/shop_lib/__init__.py"), "");
    project.write(&format!("{info}/METADATA"), "Metadata-Version: 2.1\nName: shop-lib\nVersion: 1.0\n");
    project.write(&format!("{info}/RECORD"), "shop_lib/__init__.py,,\n");
    audit(&project, &["--update", "database"]).expect(0);
    audit(&project, &["code", "--vex", "vex.json"]).expect(0);
    project
}

#[test]
fn claims_are_derived_anew() {
    let project = project();
    let verify = |code| audit(&project, &["code", "--verify-vex", "vex.json"]).expect(code);
    verify(0)
        .says("holds: T-1 in pkg:pypi/shop-lib@1.0: nothing imports it, by the same graph")
        .says("1 of 1 claims hold");
    project.write("code/more.py", "import sys\n");
    verify(0).says("by another graph: the project has changed since");
    project.write("code/more.py", "import shop_lib\n");
    verify(10).says("does not hold: T-1 in pkg:pypi/shop-lib@1.0: 1 of its 1 modules are imported");
    let event =
        &audit(&project, &["code", "--verify-vex", "vex.json", "--output-format", "json"]).events()[0];
    assert_eq!(
        (&event["event"], &event["claims"][0]["replayed"]["is"]),
        (&"vex-verified".into(), &"fails".into())
    );
}

#[test]
fn whatever_is_no_openvex_is_refused() {
    let project = project();
    let refused = |text: &str, said: &str| {
        project.write("vex.json", text);
        audit(&project, &["code", "--verify-vex", "vex.json"]).expect(2).says(said);
    };
    let written = fs::read_to_string(project.path().join("vex.json")).unwrap();
    refused(&written.replace("openvex.dev", "example.org"), "it is no document of OpenVEX");
    refused("{", "read OpenVEX of `vex.json`");
    audit(&project, &["code", "--verify-vex", "gone.json"]).expect(2).says("read OpenVEX of `gone.json`");
    audit(&project, &["code", "--verify-vex", "vex.json", "--fix"]).expect(2).says("cannot be used with");
}
