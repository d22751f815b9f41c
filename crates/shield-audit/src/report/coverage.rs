//! The coverage statement: what was read, what was not, and why.

use std::{cmp::Reverse, collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{languages::unruled::is_of_backends, secrets::HistoryProgress, tree::Skipped};

/// What was read, what was not, and why.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Coverage {
    /// Files that were read.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Installed files that say at most what is installed and what leads where: nobody looked for weaknesses in them.
    pub installed_not_audited: usize,
    /// What was read of the history; none if it was not asked for, or could not be read at all.
    pub history: Option<HistoryRead>,
    /// How many of the project's own files were read for secrets only, by language: no rule knows it. One that
    /// backends are written in is a gap.
    pub secrets_only: BTreeMap<&'static str, usize>,
    /// Files that were not read, or not to their end.
    pub skipped: Vec<Skipped>,
    /// What parts of the audit could not find out.
    pub gaps: Vec<Gap>,
}

/// What was read of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryRead {
    /// Commits that were walked.
    pub commits: u64,
    /// Different files that were read.
    pub blobs: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// A part of an audit, by which gaps are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Files that could not be read, decoded or parsed.
    Files,
    /// Programs in languages that no rule knows.
    Languages,
    /// Data that was not followed to its end.
    Flows,
    /// Commits that could not be read.
    History,
    /// Modules that the import graph does not know.
    Imports,
    /// Lists of packages, and environments.
    Packages,
    /// What is known of vulnerabilities.
    Advisories,
    /// Other scanners, and files with what they said.
    Scanners,
}

/// Text that names no part of an audit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("find a part of an audit named `{text}`: there are {}", Part::listed())]
pub struct ParsePartError {
    /// What was given.
    pub text: String,
}

/// Something that a part of the audit could not find out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Gap {
    /// Which part.
    pub part: Part,
    /// About what: a file, a package, a commit.
    pub what: String,
    /// Why.
    pub reason: String,
}

// === impl Coverage ===

impl Coverage {
    /// Whether all was looked at that the settings asked for, gaps of `allowed` parts apart.
    #[must_use]
    pub fn is_complete(&self, allowed: &[Part]) -> bool {
        self.missing().iter().all(|gap| allowed.contains(&gap.part))
    }

    /// Everything that is missing, what the settings leave out apart: by part, what and why.
    #[must_use]
    pub fn missing(&self) -> Vec<Gap> {
        let files = self.skipped.iter().filter(|skipped| skipped.reason.leaves_gap());
        let files = files.map(|skipped| Gap::of(Part::Files, &skipped.path, skipped.reason.to_string()));
        let programs = self.secrets_only.iter().filter(|(language, _)| is_of_backends(language));
        let programs = programs.map(|(language, files)| {
            let plural = if *files == 1 { "file" } else { "files" };
            let reason = format!(
                "no rule knows the language of {files} {plural}, which were read for secrets only; have a scanner that does look at them"
            );
            Gap::of(Part::Languages, *language, reason)
        });
        files.chain(programs).chain(self.gaps.iter().cloned()).collect()
    }

    /// How much is left out on purpose: by the settings, as a cache, or as no text.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.skipped.iter().filter(|skipped| !skipped.reason.leaves_gap()).count()
    }

    /// Which languages no rule knows, with their files, most first: `12 PHP, 3 Java`. Nothing if there are none.
    #[must_use]
    pub fn unruled(&self) -> Option<String> {
        let mut languages: Vec<_> = self.secrets_only.iter().collect();
        languages.sort_by_key(|(language, files)| (Reverse(**files), **language));
        let named: Vec<_> = languages.iter().map(|(language, files)| format!("{files} {language}")).collect();
        (!named.is_empty()).then(|| named.join(", "))
    }

    /// How much is missing by part.
    #[must_use]
    pub fn missing_by_part(&self) -> BTreeMap<Part, usize> {
        let mut parts = BTreeMap::new();
        self.missing().iter().for_each(|gap| *parts.entry(gap.part).or_default() += 1);
        parts
    }
}

// === impl Part ===

impl Part {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Files,
        Self::Languages,
        Self::Flows,
        Self::History,
        Self::Imports,
        Self::Packages,
        Self::Advisories,
        Self::Scanners,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Languages => "languages",
            Self::Flows => "flows",
            Self::History => "history",
            Self::Imports => "imports",
            Self::Packages => "packages",
            Self::Advisories => "advisories",
            Self::Scanners => "scanners",
        }
    }

    /// The names of all, for people.
    #[must_use]
    pub fn listed() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

impl FromStr for Part {
    type Err = ParsePartError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|part| part.name() == text)
            .ok_or_else(|| ParsePartError { text: text.to_owned() })
    }
}

// === impl HistoryRead ===

impl From<HistoryProgress> for HistoryRead {
    fn from(progress: HistoryProgress) -> Self {
        Self { commits: progress.commits, blobs: progress.blobs, bytes: progress.bytes }
    }
}

// === impl Gap ===

impl Gap {
    /// A gap of a part. Both texts may quote what others wrote, and are cut.
    pub fn of(part: Part, what: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { part, what: cut(what.into(), WHAT_MAX), reason: cut(reason.into(), REASON_MAX) }
    }
}

/// Characters of what a gap is about: a path has at most as many.
const WHAT_MAX: usize = 4_096;
/// Characters of its reason: several lines of a terminal.
const REASON_MAX: usize = 800;

/// A text with so many characters at most, an ellipsis in place of the others.
fn cut(text: String, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text,
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{finding::Severity, report};

    #[test]
    fn quoted_texts_are_cut() {
        let gap = Gap::of(Part::Advisories, "a.json", "é".repeat(100_000));
        assert_eq!((gap.reason.chars().count(), gap.reason.ends_with('…')), (REASON_MAX + 1, true));
        assert_eq!(Gap::of(Part::Files, "a", "short").reason, "short");
    }

    #[test]
    fn a_program_that_no_rule_reads_is_a_gap() {
        let of = |language| Coverage { secrets_only: BTreeMap::from([(language, 1)]), ..Coverage::default() };
        assert!(["SQL", "Jinja", "Makefile"].iter().all(|language| of(language).is_complete(&[])));
        assert!(!of("PHP").is_complete(&[]) && of("PHP").is_complete(&[Part::Languages]));
    }

    #[test]
    fn every_form_says_what_is_read_for_secrets_only() {
        let (full, criteria) = (report::sample::found(), report::sample::from(Severity::Medium));
        let languages = "12 PHP, 3 C++, 3 Java";
        let mut other = full.clone();
        other.coverage.secrets_only.clear();
        for form in [report::text::text, report::markdown, report::html, report::sarif] {
            let said = form(&full, &criteria).to_lowercase();
            assert!(said.contains(&format!("read for secrets only: {languages}").to_lowercase()), "{said}");
            assert!(!form(&other, &criteria).to_lowercase().contains("secrets only"));
        }
        let json = report::json(&full, &criteria);
        assert!(json.contains("\"secrets_only\": {") && json.contains("\"PHP\": 12"), "{json}");
    }
}
