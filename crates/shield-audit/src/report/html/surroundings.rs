//! What the findings rest on: packages, advisories, and what was looked at.

use std::collections::BTreeMap;

use super::table::{code, said, table, text};
use crate::{
    advisories::{Answer, Match, vex::Status},
    report::{
        Coverage, Report,
        words::{came_of, count, in_use, installed, named, newest, not_understood, place, run_of},
    },
};

/// Longest reason, in characters.
const REASON_MAX: usize = 400;
/// So many files of a list are named.
const FILES_MAX: usize = 6;

/// What is known of vulnerabilities, in one line.
pub(super) fn known(report: &Report) -> String {
    match &report.advisories {
        Answer::NoDatabase => "not known: there is no database of advisories".to_owned(),
        Answer::Checked(checked) if checked.checked_packages == 0 => {
            format!(
                "not known: of no package an exact version is stated; advisories as of {}",
                newest(checked, report.day)
            )
        }
        Answer::Checked(checked) => format!(
            "{} in {} packages, as of {}",
            count(checked.matches.len()),
            count(checked.checked_packages),
            newest(checked, report.day)
        ),
    }
}

/// What is in use, who says so, and what is known to be wrong with it.
pub(super) fn packages(report: &Report) -> String {
    let packages = report.bill.packages.len();
    if packages == 0 && report.packages.is_empty() {
        return String::new();
    }
    let checked = match &report.advisories {
        Answer::NoDatabase => format!(
            r#"<p class="warnings">{} packages are in use, and there is no database of advisories: nothing is known of their vulnerabilities. <code>shield audit --update</code> fetches one.</p>"#,
            count(packages)
        ),
        Answer::Checked(checked) => format!(
            r#"<p>Packages: {}; {} checked against advisories up to {}{}.</p><p class="names">{}</p>{}"#,
            in_use(report),
            count(checked.checked_packages),
            text(&newest(checked, report.day)),
            text(&not_understood(checked)),
            checked.digest,
            vulnerabilities(report, &checked.matches),
        ),
    };
    let lists = report.packages.iter().map(|believed| {
        let files: Vec<_> = believed.files.iter().take(FILES_MAX).map(|file| code(file)).collect();
        let rest = believed.files.len().saturating_sub(FILES_MAX);
        let rest = if rest > 0 { format!(" and {} more", count(rest)) } else { String::new() };
        let files = format!("{}{rest}", files.join(", "));
        vec![files, believed.ecosystem.to_string(), count(believed.packages.len())]
    });
    format!("{checked}{}", table(&["believed lists", "registry", "exact versions"], lists))
}

fn vulnerabilities(report: &Report, matches: &[Match]) -> String {
    let statements = report.statements();
    let statements: BTreeMap<_, _> = statements
        .iter()
        .map(|one| ((one.vulnerability.as_str(), one.package.as_str()), &one.status))
        .collect();
    let rows = matches.iter().map(|found| {
        let purl = found.package.purl_of(&found.version);
        let status = statements.get(&(found.vulnerability.as_str(), purl.as_str()));
        let meaning = match status {
            Some(Status::NotAffected { .. }) => "not affected: never imported",
            Some(Status::Affected { .. }) => "affected",
            Some(Status::Fixed) => "fixed",
            Some(Status::UnderInvestigation) => "not known yet",
            None => "to know",
        };
        let fixed = found.fixed_in.as_deref().unwrap_or("no version is known");
        let finding = found.finding();
        vec![
            format!(
                r#"{} <span class="names">{}</span>"#,
                text(&format!("{} {}", found.package, found.version)),
                code(&place(&found.place))
            ),
            text(&found.names.join(", ")),
            finding.severity.name().to_owned(),
            said(&found.summary, REASON_MAX),
            text(fixed),
            meaning.to_owned(),
        ]
    });
    table(&["package", "vulnerability", "severity", "what", "fixed in", "here"], rows)
}

/// Who else was asked, and what came of it.
pub(super) fn scanners(report: &Report) -> String {
    let rows = report.scanners.iter().map(|scanner| {
        vec![text(&named(scanner)), text(&run_of(scanner)), said(&came_of(scanner), REASON_MAX)]
    });
    table(&["scanner", "run", "what came of it"], rows)
}

/// What rule files added and changed.
pub(super) fn own_rules(report: &Report) -> String {
    let sentences = report.own_rules.sentences();
    table(&["rule files"], sentences.iter().map(|sentence| vec![said(sentence, REASON_MAX)]))
}

/// What could not be looked at.
pub(super) fn missing(coverage: &Coverage) -> String {
    let missing = coverage.missing();
    let rows = missing
        .iter()
        .map(|gap| vec![code(&gap.what), gap.part.name().to_owned(), said(&gap.reason, REASON_MAX)]);
    table(&["what", "part", "why"], rows)
}

/// What was read, and what the settings leave out.
pub(super) fn coverage(coverage: &Coverage) -> String {
    let history = coverage.history.map_or_else(
        || "The history was not read.".to_owned(),
        |history| {
            format!(
                "Of the history {} commits with {} files, {} bytes.",
                count(history.commits),
                count(history.blobs),
                count(history.bytes)
            )
        },
    );
    let left_out: Vec<_> = coverage.skipped.iter().filter(|one| !one.reason.leaves_gap()).collect();
    let rows = left_out.iter().map(|one| vec![code(&one.path), text(&one.reason.to_string())]);
    let missing = match coverage.missing().len() {
        0 => "Nothing is missing.".to_owned(),
        missing => format!("{} things are missing, see above.", count(missing)),
    };
    let unruled = coverage
        .unruled()
        .map_or_else(String::new, |unruled| format!("Read for secrets only: {}. ", text(&unruled)));
    format!(
        "<p>{} files with {} bytes{}. {history} {unruled}{missing}</p>{}",
        count(coverage.files),
        count(coverage.bytes),
        installed(coverage),
        table(&["left out", "why"], rows)
    )
}
