//! Words and orders that every form of a report shares.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use jiff::civil::Date;

use super::{Coverage, Criteria, Funnel, Outcome, Report, Scanner, Standing, shape::NAME};
use crate::{
    advisories::{Answer, Checked},
    finding::{Cwe, Finding, Place, Rule, Severity},
};

/// What rules are about that say whether a project works, not who may harm it: rules of writing code that were not kept.
pub(super) const QUALITY: Cwe = Cwe(710);

/// Advisories older than this say so.
const FRESH_DAYS: i32 = 30;

/// Severities, worst first.
pub(super) const WORST_FIRST: [Severity; 5] =
    [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

pub(super) const fn standing(standing: Standing) -> &'static str {
    match standing {
        Standing::Own => "own",
        Standing::Dependency => "dependency",
        Standing::Unreachable => "unreachable",
    }
}

/// What of installed files is not looked at, so that nobody takes silence for an all-clear; empty if there are none.
pub(super) fn installed(coverage: &Coverage) -> String {
    match coverage.installed_not_audited {
        0 => String::new(),
        files => format!(
            "; {} installed files that are not Python were read at most for what leads where, not for weaknesses",
            count(files)
        ),
    }
}

/// What it comes to in one sentence.
pub(super) fn verdict(report: &Report, criteria: &Criteria) -> String {
    let (open, level) = (report.funnel(criteria).open, criteria.fail_on.name());
    match report.outcome(criteria) {
        Outcome::Clean => format!("clean: nothing of severity {level} or above"),
        Outcome::Found => format!("{open} to mend, of severity {level} or above"),
        Outcome::Incomplete => {
            format!("incomplete: nothing of severity {level} or above was found, but not all was looked at")
        }
        Outcome::FoundAndIncomplete => {
            format!("{open} to mend, of severity {level} or above, and not all was looked at")
        }
    }
}

/// Findings of one rule and one severity.
pub(super) struct Group<'a> {
    pub(super) severity: Severity,
    pub(super) rule: &'static Rule,
    /// In the order of their places; at least one.
    pub(super) findings: Vec<&'a Finding>,
}

/// Findings by severity and rule: the worst first, and of one severity what strangers may use before what does not work.
pub(super) fn grouped<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<_, Group<'a>> = BTreeMap::new();
    for finding in findings {
        let (severity, rule) = (finding.severity, finding.rule);
        let new = || Group { severity, rule, findings: Vec::new() };
        groups
            .entry((Reverse(severity), rule.cwe == QUALITY, rule.id))
            .or_insert_with(new)
            .findings
            .push(finding);
    }
    groups.into_values().collect()
}

/// What fails the audit, by severity and rule.
pub(super) fn groups<'a>(report: &'a Report, criteria: &Criteria) -> Vec<Group<'a>> {
    grouped(report.failing(criteria).map(|found| &found.finding))
}

/// The title of a rule with a capital at its start.
pub(super) fn title(rule: &Rule) -> String {
    capital(rule.title)
}

/// The advice of a rule as a sentence.
pub(super) fn advice(rule: &Rule) -> String {
    let stop = if rule.advice.ends_with(['.', '!', '?']) { "" } else { "." };
    capital(rule.advice) + stop
}

/// With a capital at its start.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    let first: String = characters.next().map(char::to_uppercase).into_iter().flatten().collect();
    first + characters.as_str()
}

/// `FILE:LINE:COLUMN`, as far as it is known.
pub(super) fn place(place: &Place) -> String {
    let file = if place.file.is_empty() { "." } else { &place.file };
    match place.span {
        Some(span) => format!("{file}:{}:{}", span.line, span.column),
        None => file.to_owned(),
    }
}

/// How old the knowledge of vulnerabilities is on a day, by registry.
pub(super) fn newest(checked: &Checked, day: Date) -> String {
    let covered = checked.summary.coverage.iter().map(|(ecosystem, coverage)| {
        let age = coverage.newest.parse::<Date>().and_then(|newest| newest.until(day));
        match age.map(|age| age.get_days()) {
            Err(_) => format!("{ecosystem} of an unstated day"),
            Ok(days) if days > FRESH_DAYS => format!("{ecosystem} {} ({days} days old)", coverage.newest),
            Ok(_) => format!("{ecosystem} {}", coverage.newest),
        }
    });
    let covered: Vec<_> = covered.collect();
    if covered.is_empty() { "no registry".to_owned() } else { covered.join(", ") }
}

/// How many packages are in use, as the bill of materials has them, and how many more only other lists name: these are looked up too.
pub(super) fn in_use(report: &Report) -> String {
    let in_use = report.bill.packages.len() as u64;
    let looked_up = match &report.advisories {
        Answer::Checked(checked) => checked.checked_packages + checked.unchecked.len() as u64,
        Answer::NoDatabase => 0,
    };
    match looked_up.saturating_sub(in_use) {
        0 => format!("{} in use", count(in_use)),
        more => format!("{} in use and {} more that only lists name", count(in_use), count(more)),
    }
}

/// What of a database was not understood, for a sentence about it; empty if all was.
pub(super) fn not_understood(checked: &Checked) -> String {
    // One record may be refused for several reasons.
    let files: BTreeSet<_> = checked.summary.quarantined.iter().map(|one| &one.file).collect();
    match files.len() {
        0 => String::new(),
        records => {
            format!("; {records} records of it were not understood, and `shield audit --update` names them")
        }
    }
}

/// Who sees a finding, in a strangers' text; empty if nobody else was asked.
pub(super) fn seen_by(report: &Report, finding: &Finding) -> String {
    let seen = report.seen_by(finding);
    let mut who: Vec<String> = Vec::new();
    let mut before = "";
    for one in &seen {
        match who.last_mut().filter(|_| one.tool == before) {
            Some(last) => {
                last.push_str(" and ");
                last.push_str(&one.rule);
            }
            None if one.tool == NAME => who.push(one.tool.clone()),
            None => who.push(format!("{} {}", one.tool, one.rule)),
        }
        before = &one.tool;
    }
    match who.len() {
        0 => String::new(),
        1 => format!("seen by {} only", who[0]),
        _ => format!("seen by {}", who.join(", ")),
    }
}

/// What came of a scanner, in a stranger's text.
pub(super) fn came_of(scanner: &Scanner) -> String {
    if scanner.state != "read" {
        let hint = scanner.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
        return format!("{}{hint}", scanner.reason);
    }
    let mut said = format!(
        "{}: {} defects that we see too, {} that we do not",
        counted(scanner.findings, "finding"),
        count(scanner.also_ours),
        count(scanner.only_theirs)
    );
    for (number, what) in [
        (scanner.taken_back, "taken back by comments or settings of it"),
        (scanner.left_out, "in what the settings leave out"),
        (scanner.unread, "things it did not look at"),
    ] {
        if number > 0 {
            said.push_str(&format!("; {} {what}", count(number)));
        }
    }
    said
}

/// How a scanner was run, in a stranger's text: version, time and exit code, as far as they are known.
pub(super) fn run_of(scanner: &Scanner) -> String {
    let version = scanner.version.clone();
    let took = scanner.took_ms.map(|ms| format!("{}.{} s", ms / 1_000, ms % 1_000 / 100));
    let exit = scanner.exit.map(|exit| format!("exit {exit}"));
    version.into_iter().chain(took).chain(exit).collect::<Vec<_>>().join(", ")
}

/// What a scanner is called: a file says whose outputs are in it.
pub(super) fn named(scanner: &Scanner) -> String {
    match &scanner.file {
        Some(file) if scanner.whose.is_empty() => file.clone(),
        Some(file) => format!("{file} ({})", scanner.whose.join(", ")),
        None => scanner.name(),
    }
}

/// `1 finding`, `2 findings`.
pub(super) fn counted(number: usize, what: &str) -> String {
    format!("{} {what}{}", count(number), if number == 1 { "" } else { "s" })
}

/// The steps of a funnel from all to what is left: how many each sets apart, and why.
pub(super) fn steps(funnel: &Funnel, criteria: &Criteria) -> [(usize, String); 5] {
    [
        (funnel.suppressed, "taken back by a comment in the source or by a rule file".to_owned()),
        (funnel.accepted, "accepted by the baseline".to_owned()),
        (funnel.unreachable, "in installed code that nothing leads to".to_owned()),
        (funnel.dependency, "in installed code that is imported".to_owned()),
        (funnel.minor, format!("below severity {}", criteria.fail_on.name())),
    ]
}

/// How many findings a step takes away.
pub(super) fn apart_by(apart: usize) -> String {
    if apart == 0 { "0".to_owned() } else { format!("−{}", count(apart)) }
}

/// A whole number with commas between thousands.
pub(super) fn count<N: fmt::Display>(number: N) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count::<u64>), ["0", "999", "1,000", "1,234,567"]);
    }
}
