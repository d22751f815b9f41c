//! Rules of the project's own, as `shield audit` takes them.

use std::fs;

use serde_json::Value;

use crate::support::{Project, Run};

const RULES: &str = "format = 1\n\n[[ban]]\nid = \"shop/raw-sql\"\ntitle = \"SQL beside the data layer\"\nseverity = \"high\"\ncwe = 89\nhelp = \"Bind the values.\"\ninstead = \"shop.db.query\"\ncall = [\"shop.db.raw\"]\nbad = [\"from shop.db import raw\\nraw('select 1')\"]\n\n[[ban]]\nid = \"shop/idle\"\ntitle = \"never there\"\nseverity = \"low\"\nhelp = \"Nothing.\"\nimport = [\"nowhere\"]\n\n[[change]]\nrule = \"B307\"\noff = true\nreason = \"a calculator\"\n";

const CODE: &str = "from shop import db\n\n\ndef f(text):\n    db.raw('select 1')\n    return eval(text)\n";

fn audit(project: &Project, arguments: &[&str]) -> Run {
    let variables = [("SHIELD_ADVISORIES", "/nonexistent/advisories")];
    project.shield_with(&[&["audit", "code"], arguments].concat(), &variables)
}

#[test]
fn rules_are_part_of_the_audit() {
    let project = Project::of_files(&[("code/a.py", CODE), ("rules.toml", RULES)]);
    audit(&project, &["--fail-on", "medium"]).expect(10).says("python/eval");
    audit(&project, &["--rules", "rules.toml"])
        .expect(10)
        .says("shop/raw-sql (CWE-89), 1: Use `shop.db.query` instead. Bind the values.")
        .says("`python/eval` off, 1 findings: a calculator")
        .says("1 rules found nothing: `shop/idle`");
    let forms = ["json", "html", "markdown", "sarif"];
    let arguments: Vec<String> =
        forms.iter().flat_map(|form| [format!("--{form}"), format!("report.{form}")]).collect();
    let arguments: Vec<&str> =
        ["--rules", "rules.toml"].into_iter().chain(arguments.iter().map(String::as_str)).collect();
    audit(&project, &arguments).expect(10);
    let read = |form: &str| fs::read_to_string(project.path().join(format!("report.{form}"))).unwrap();
    for form in forms {
        for part in ["raw-sql", "Bind the values.", "a calculator"] {
            assert!(read(form).contains(part), "{part} in {form}");
        }
    }
    let document: Value = serde_json::from_str(&read("json")).unwrap();
    assert_eq!(document["rule_files"]["rules"][0]["findings"], 0);
    assert_eq!(document["rule_files"]["files"][0]["entries"], 3);
    assert_eq!(document["suppressed"][0]["rule"], "python/eval");
}

#[test]
fn rules_of_the_project_come_with_it() {
    let manifest = "format = 1\nname = \"shop\"\n[service]\nstart = \"{artifact} --port {port}\"\n[service.ready]\npath = \"/\"\n[stage.build]\nartifact = \"a\"\n[audit]\nrules = [\"rules.toml\"]\n";
    let files = [("code/a.py", CODE), ("code/rules.toml", RULES), ("code/shield.toml", manifest)];
    let project = Project::of_files(&files);
    audit(&project, &[]).expect(10).says("shop/raw-sql").says("3 entries of `rules.toml`");
    // Named twice, it counts once.
    audit(&project, &["--rules", "code/rules.toml"]).expect(10).says("shop/raw-sql");
    project.write("code/rules.toml", "format = 1\n[[bann]]\n");
    audit(&project, &[]).expect(2).says("rules.toml:2: bann: not a known key").says("did you mean `ban`?");
}

#[test]
fn no_audit_without_a_rule() {
    let project = Project::of_files(&[("code/a.py", "x = 1\n"), ("rules.toml", RULES)]);
    audit(&project, &["--rules", "rules.toml", "--rules", "gone.toml"]).expect(2).says("cannot be read");
    project.write("rules.toml", &RULES.replace("shop.db.raw\"]", "shop.db.row\"]"));
    let run = audit(&project, &["--rules", "rules.toml", "--json", "report.json"]);
    run.expect(2).says("example 1 is not found").says("docs/audit-rules.md");
    assert!(!project.path().join("report.json").exists());
}

#[test]
fn rules_are_checked_alone() {
    let project = Project::of_files(&[("rules.toml", RULES)]);
    let check =
        |arguments: &[&str]| project.shield_with(&[&["audit", "--check-rules"], arguments].concat(), &[]);
    check(&["rules.toml"])
        .expect(0)
        .says("rules.toml: 3 entries, every example holds")
        .says("no example shows that it finds anything: shop/idle");
    project.write("rules.toml", &RULES.replace("high", "hgih"));
    check(&["rules.toml"])
        .expect(2)
        .says("severity = \"hgih\": not a known word")
        .says("did you mean `high`?");
    check(&["rules.toml", "--fix"]).expect(2);
}
