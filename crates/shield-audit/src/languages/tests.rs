//! What the rules say of small files.

use super::{Audit, Language};
use crate::finding::Finding;

pub(super) fn of(path: &str, text: &str) -> Vec<Finding> {
    let report = Audit::default().file(path, text.as_bytes());
    assert_eq!(report.skipped, [], "{text}");
    report.findings
}

fn said(path: &str, text: &str) -> Vec<String> {
    of(path, text).iter().map(|finding| format!("{} {}", finding.rule.id, finding.subject)).collect()
}

#[test]
fn smoke() {
    assert_eq!(Language::of("a.tsx"), Some(Language::JavaScript));
    assert_eq!(
        said("a.js", "const { exec: run } = require('child_process');\nrun(`ls ${x}`);\n"),
        ["javascript/command child_process.exec"]
    );
    assert_eq!(
        said(
            "a.go",
            "package a\nimport e \"os/exec\"\nfunc f(x string) { e.Command(\"sh\", \"-c\", \"ls \" + x) }\n"
        ),
        ["go/command os/exec.Command"]
    );
    assert_eq!(
        said(
            "a.rs",
            "use std::process::Command as C;\nfn f(x: &str) { C::new(\"sh\").arg(\"-c\").arg(format!(\"ls {x}\")).status(); }\n"
        ),
        ["rust/command Command::new(sh)"]
    );
}
