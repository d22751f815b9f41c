//! `shield audit`: a vulnerability counts where the project's code leads to it.

use crate::support::{Project, Run};

/// A critical advisory about `shop-lib` before 2.0.
const RECORD: &str = r#"{"id": "T-1", "modified": "2026-10-10T00:00:00Z", "summary": "it leaks",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [{"package": {"ecosystem": "npm", "name": "shop-lib"},
        "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]}]}"#;

/// `shop-lib` is there since `shop` needs it.
const LOCK: &str = r#"{"lockfileVersion": 3, "packages": {"": {"dependencies": {"shop": "1"}},
    "node_modules/shop": {"version": "1.0.0", "dependencies": {"shop-lib": "1"}},
    "node_modules/shop-lib": {"version": "1.0.0"}}}"#;

fn audit(project: &Project, arguments: &[&str]) -> Run {
    let index = project.path().join("known/advisories");
    project.shield_with(&[&["audit"], arguments].concat(), &[("SHIELD_ADVISORIES", index.to_str().unwrap())])
}

/// How near the vulnerability is, and what the document for others says of it.
fn said(project: &Project, code: i32) -> (String, String) {
    let events =
        audit(project, &["code", "--output-format", "json", "--vex", "vex.json"]).expect(code).events();
    let tier = events[0]["report"]["advisories"]["tiers"][0].as_str().unwrap().to_owned();
    let vex = std::fs::read_to_string(project.path().join("vex.json")).unwrap();
    let vex: serde_json::Value = serde_json::from_str(&vex).unwrap();
    (tier, vex["statements"][0]["status"].as_str().unwrap().to_owned())
}

#[test]
fn unreached_vulnerabilities_do_not_count() {
    let project = Project::of_files(&[
        ("database/T-1.json", RECORD),
        ("code/package-lock.json", LOCK),
        ("code/node_modules/shop/index.js", "require('shop-lib')\n"),
        ("code/node_modules/shop-lib/index.js", ""),
        ("code/index.js", "console.log('nothing')\n"),
        ("code/index.test.js", "require('shop')\n"),
    ]);
    audit(&project, &["--update", "database"]).expect(0);
    assert_eq!(said(&project, 0), ("never-imported".to_owned(), "not_affected".to_owned()));
    for text in ["require('shop')\n", "import('shop/part')\n", "require(process.argv[2])\n"] {
        project.write("code/index.js", text);
        assert_eq!(said(&project, 10), ("imported".to_owned(), "affected".to_owned()), "{text}");
    }
}
