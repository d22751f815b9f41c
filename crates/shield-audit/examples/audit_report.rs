//! Audits a tree and writes its report in every form: `audit_report PATH OUT [DATABASE…]`, where a database is a directory or an
//! archive of advisories.

use std::{env, error::Error, fs, path::Path};

use jiff::{Timestamp, civil::date};
use shield_audit::{
    advisories::{Builder, read_source},
    audit::{Settings, audit},
    finding::Severity,
    report::{Criteria, cyclonedx, html, json, markdown, sarif, spdx, text::text, vex},
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [root, out, databases @ ..] = arguments.as_slice() else {
        return Err("PATH OUT [DATABASE…]".into());
    };
    let mut settings = Settings::on(date(2026, 11, 27));
    if !databases.is_empty() {
        let mut builder = Builder::new();
        databases.iter().try_for_each(|database| read_source(&mut builder, Path::new(database)))?;
        settings.advisories = Some(builder.finish());
    }
    let report = audit(Path::new(root), &settings, &|_| {})?;
    let out = Path::new(out);
    fs::create_dir_all(out)?;
    let criteria = &Criteria { fail_on: Severity::Medium, gaps: Vec::new() };
    let created = Timestamp::UNIX_EPOCH;
    let forms = [
        ("report.txt", text(&report, criteria)),
        ("report.json", json(&report, criteria)),
        ("report.md", markdown(&report, criteria)),
        ("report.html", html(&report, criteria)),
        ("report.sarif", sarif(&report, criteria)),
        ("cyclonedx.json", cyclonedx(&report, created)),
        ("spdx.json", spdx(&report, created)),
        ("vex.json", vex(&report, "audit_report", created).unwrap_or_default()),
    ];
    // Where there is nothing to say of vulnerabilities there is no document.
    for (name, form) in forms.iter().filter(|(_, form)| !form.is_empty()) {
        fs::write(out.join(name), form)?;
    }
    Ok(())
}
