//! What is not mended yet, as a schedule: what by when, and by whom.

use std::fmt::Write;

use jiff::{ToSpan, civil::Date};
use serde::Serialize;

use super::{Class, Owner, Remedy};
use crate::finding::{Confidence, Finding, Severity};

/// How many days findings may wait, by their severity; the critical ones may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Terms {
    /// High ones.
    pub high_days: u16,
    /// Medium ones.
    pub medium_days: u16,
    /// Low ones, and those that are only good to know.
    pub low_days: u16,
}

/// When something is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "when", content = "day", rename_all = "kebab-case")]
pub enum Due {
    /// Before anything else.
    Now,
    /// On this day at the latest.
    By(Date),
    /// Later: a day to look at it again, no promise.
    Later(Date),
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Task {
    /// When.
    pub due: Due,
    /// How bad.
    pub severity: Severity,
    /// How sure.
    pub confidence: Confidence,
    /// The rule.
    pub rule: &'static str,
    /// The file.
    pub file: String,
    /// The line, from 1; none of a whole file.
    pub line: Option<u32>,
    /// The finding's fingerprint, which survives moved lines.
    pub fingerprint: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// Whether `--fix` can do it.
    pub class: Class,
    /// Who.
    pub owner: Owner,
}

/// What by when, and by whom: in the order in which it is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// The day that dates are counted from.
    pub day: Date,
    /// How long things may wait.
    pub terms: Terms,
    /// What there is to do.
    pub tasks: Vec<Task>,
}

// === impl Terms ===

impl Default for Terms {
    /// Two weeks, two months, half a year.
    fn default() -> Self {
        Self { high_days: 14, medium_days: 60, low_days: 182 }
    }
}

impl Terms {
    /// When a finding of a severity is due.
    #[must_use]
    pub fn due(&self, severity: Severity, day: Date) -> Due {
        // The calendar ends in the year 9999: what is due after that is due on its last day.
        let after = |days: u16| day.saturating_add(i64::from(days).days());
        match severity {
            Severity::Critical => Due::Now,
            Severity::High => Due::By(after(self.high_days)),
            Severity::Medium => Due::Later(after(self.medium_days)),
            Severity::Low | Severity::Info => Due::Later(after(self.low_days)),
        }
    }
}

// === impl Due ===

impl Due {
    /// The part of a schedule that it belongs to.
    const fn section(&self) -> &'static str {
        match self {
            Self::Now => "Now",
            Self::By(_) => "Dated",
            Self::Later(_) => "Later",
        }
    }
}

// === impl Schedule ===

impl Schedule {
    /// The schedule of what is not mended: the remedies of those findings, the day to count from, and who answers for a finding.
    #[must_use]
    pub fn of<'r>(
        remedies: impl IntoIterator<Item = &'r Remedy>,
        (day, terms): (Date, Terms),
        owner: impl Fn(&Finding) -> Owner,
    ) -> Self {
        let task = |remedy: &Remedy| {
            let Remedy { finding, class, what, .. } = remedy;
            Task {
                due: terms.due(finding.severity, day),
                severity: finding.severity,
                confidence: finding.confidence,
                rule: finding.rule.id,
                file: finding.place.file.clone(),
                line: finding.place.span.map(|span| span.line),
                fingerprint: finding.fingerprint.to_string(),
                message: finding.message.clone(),
                remedy: what.clone(),
                class: *class,
                owner: owner(finding),
            }
        };
        let mut tasks: Vec<Task> = remedies.into_iter().map(task).collect();
        tasks.sort_by(|left, right| {
            let key =
                |task: &Task| (task.due, std::cmp::Reverse((task.severity, task.confidence)), task.rule);
            let place = |task: &Task| (task.file.clone(), task.line, task.fingerprint.clone());
            key(left).cmp(&key(right)).then_with(|| place(left).cmp(&place(right)))
        });
        Self { day, terms, tasks }
    }

    /// The schedule as Markdown: one table for what is due now, on a day, and later.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# What to mend, counted from {}\n", self.day);
        for title in ["Now", "Dated", "Later"] {
            let tasks: Vec<&Task> = self.tasks.iter().filter(|task| task.due.section() == title).collect();
            let _ = write!(text, "\n## {title} ({})\n", tasks.len());
            if tasks.is_empty() {
                text.push_str("\nNothing.\n");
                continue;
            }
            text.push_str("\n| due | severity | where | what | remedy | class | owner |\n|---|---|---|---|---|---|---|\n");
            for task in tasks {
                text.push_str(&row(task));
            }
        }
        text
    }
}

fn row(task: &Task) -> String {
    let due = match task.due {
        Due::Now => "now".to_owned(),
        Due::By(day) | Due::Later(day) => day.to_string(),
    };
    let place = task.line.map_or_else(|| task.file.clone(), |line| format!("{}:{line}", task.file));
    let owner = match &task.owner {
        Owner::List { names } => names.join(" "),
        Owner::Author { name } => format!("{name} (by git)"),
        Owner::Nobody { why } => format!("nobody: {why}"),
    };
    let severity = format!("{:?}", task.severity).to_lowercase();
    let cells =
        [due, severity, place, task.message.clone(), task.remedy.clone(), task.class.to_string(), owner];
    format!("| {} |\n", cells.map(|cell| cell_text(&cell)).join(" | "))
}

/// A text as a cell of a table: in one line, and without signs that end the cell or begin markup of another's making.
fn cell_text(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '<' | '>' | '\\' => cell.extend(['\\', character]),
            character if character.is_control() => cell.push(' '),
            character => cell.push(character),
        }
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        python::{Audit, Parse},
        remedy::{Project, for_python},
    };

    fn schedule() -> Schedule {
        let text = "import hashlib, yaml\nhashlib.md5(x)\nyaml.load(x)\nassert x\n";
        let mut findings = Audit::default().bytes("a|b.py", text.as_bytes(), Parse::Always).findings;
        findings[1].severity = Severity::Critical;
        let remedies = for_python("a|b.py", text.as_bytes(), &findings, &Project::default());
        let day = Date::constant(2026, 2, 20);
        Schedule::of(&remedies, (day, Terms::default()), |finding| {
            let names = vec![format!("@{}", finding.rule.id)];
            if finding.severity >= Severity::High {
                Owner::List { names }
            } else {
                Owner::Nobody { why: "no".to_owned() }
            }
        })
    }

    #[test]
    fn worst_come_first_with_their_days() {
        let schedule = schedule();
        let due: Vec<_> = schedule.tasks.iter().map(|task| (task.rule, task.due)).collect();
        assert_eq!(
            due,
            [
                ("python/yaml-load", Due::Now),
                ("python/weak-hash", Due::By(Date::constant(2026, 3, 6))),
                ("python/assert", Due::Later(Date::constant(2026, 8, 21))),
            ]
        );
        assert_eq!(Terms::default().due(Severity::High, Date::MAX), Due::By(Date::MAX));
    }

    #[test]
    fn tables_hold_what_they_are_given() {
        let text = schedule().markdown();
        assert!(text.starts_with("# What to mend, counted from 2026-02-20\n\n## Now (1)\n"), "{text}");
        assert!(
            text.contains("| 2026-03-06 | high | a\\|b.py:2 |") && text.contains("| @python/weak-hash |"),
            "{text}"
        );
        assert!(text.contains("nobody: no"));
        let rows = text.lines().filter(|line| line.starts_with("| ")).count();
        assert_eq!(rows, 3 + 3);
    }

    #[test]
    fn schedule_is_data() {
        let data = serde_json::to_value(schedule()).unwrap();
        assert_eq!(data["tasks"][1]["due"], serde_json::json!({"when": "by", "day": "2026-03-06"}));
        assert_eq!(data["tasks"][0]["class"], "B");
    }
}
