//! What became of the entries of a report, and the sums.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::{Accusation, Status};
use crate::finding::Finding;

/// What became of an entry, in the order of the funnel: what falls out first comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The claim speaks for the project: it accuses no file.
    NoAccusation,
    /// Of an installed package that is not there.
    NotInstalled,
    /// The package or the project is there, the file is not.
    Gone,
    /// The file is there, the search finds less in it than it did.
    Changed,
    /// The file cannot be read.
    Unread,
    /// Only a piece of longer words matches.
    PartOfWord,
    /// Only words in comments match.
    Comment,
    /// Only words in texts and comments match.
    Text,
    /// A word of a file that is not Python: no rule of ours looks at it.
    OtherLanguage,
    /// A name in code, but nothing there does what the accusation says.
    Name,
    /// It does, and the code says that nothing depends on it.
    NotForSecurity,
    /// It does, and a comment takes it back.
    TakenBack,
    /// It does, in a distribution of which nothing is ever loaded.
    NeverImported,
    /// It does, in a file that is never loaded.
    Unreached,
    /// It does, in installed code that is loaded.
    Reached,
    /// It does, in the project's own code.
    Own,
    /// There is no rule for the claim.
    NoRule,
}

/// One entry of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// As the report has it.
    pub entry: String,
    /// What became of it.
    pub verdict: Verdict,
    /// The expression of the search that it stands for, if one still matches.
    pub pattern: Option<&'static str>,
    /// Why, in one sentence.
    pub reason: String,
    /// The file that was looked at, if there is one.
    pub file: Option<String>,
    /// What is real there, in the order of the lines.
    pub findings: Vec<Finding>,
}

/// A defect that the search did not find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missed {
    /// What it is.
    pub finding: Finding,
    /// How near it is to what runs.
    pub verdict: Verdict,
    /// The file.
    pub file: String,
}

/// One claim of a report, every entry judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct JudgedClaim {
    /// What the report calls it.
    pub rule_id: String,
    /// In its words.
    pub message: String,
    /// For the project or against it.
    pub status: Status,
    /// What it is about, if there is a rule.
    pub accusation: Option<Accusation>,
    /// The number in its words.
    pub claimed: Option<usize>,
    /// As many as the report has, in its order.
    pub entries: Vec<Judged>,
    /// What it should have said too, in the order of the files.
    pub missed: Vec<Missed>,
}

/// A whole report, judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Its claims, in its order.
    pub claims: Vec<JudgedClaim>,
}

/// How many entries, and how many different files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Entries.
    pub entries: usize,
    /// Different paths among them.
    pub files: usize,
}

/// One narrowing of the funnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Stage {
    /// What is left.
    pub what: &'static str,
    /// How much.
    pub left: Count,
}

/// The narrowings: what is left, and the first verdict that is still in.
const STAGES: [(&str, Verdict); 7] = [
    ("listed", Verdict::NoAccusation),
    ("still there and matching", Verdict::PartOfWord),
    ("as a word of its own", Verdict::Comment),
    ("in code", Verdict::OtherLanguage),
    ("does what it is accused of", Verdict::NeverImported),
    ("in code that can run", Verdict::Reached),
    ("in the project's own code", Verdict::Own),
];

// === impl Verdict ===

impl Verdict {
    /// Whether something is there that does what the accusation says.
    #[must_use]
    pub const fn real(self) -> bool {
        matches!(self, Self::NeverImported | Self::Unreached | Self::Reached | Self::Own)
    }

    /// Whether it is one about the file: none is possible where that is not here or cannot be read, or no rule is about the claim.
    #[must_use]
    pub const fn is_judgement(self) -> bool {
        !matches!(self, Self::NotInstalled | Self::Unread | Self::NoRule)
    }

    /// In a few words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoAccusation => "named by a claim that accuses no file",
            Self::NotInstalled => "not judged: its package is not installed here",
            Self::Gone => "the file is not there any more",
            Self::Changed => "the file has changed, and less of it matches",
            Self::Unread => "not judged: the file cannot be read",
            Self::PartOfWord => "only a piece of longer words, as DES in description",
            Self::Comment => "only in comments",
            Self::Text => "only in texts and comments",
            Self::OtherLanguage => "a word in a file that is not Python",
            Self::Name => "a name in code that does something else",
            Self::NotForSecurity => "real, and says that no security hangs on it",
            Self::TakenBack => "real, and taken back by a comment",
            Self::NeverImported => "real, in a package that is never imported",
            Self::Unreached => "real, in a file that is never loaded",
            Self::Reached => "real, in installed code that is loaded",
            Self::Own => "real, in the project's own code",
            Self::NoRule => "not judged: no rule here is about the claim",
        }
    }
}

// === impl JudgedClaim ===

impl JudgedClaim {
    /// How many entries each verdict has. The entries add up to all of them.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<Verdict, Count> {
        let mut paths: BTreeMap<Verdict, Vec<&str>> = BTreeMap::new();
        for judged in &self.entries {
            paths.entry(judged.verdict).or_default().push(&judged.entry);
        }
        paths.into_iter().map(|(verdict, paths)| (verdict, count(paths))).collect()
    }

    /// The narrowings from all entries to what is real in the project's own code.
    #[must_use]
    pub fn funnel(&self) -> Vec<Stage> {
        let left = |from: Verdict| {
            count(self.entries.iter().filter(|one| one.verdict >= from).map(|one| one.entry.as_str()))
        };
        STAGES.iter().map(|(what, from)| Stage { what, left: left(*from) }).collect()
    }

    /// Files with something real, listed or missed.
    #[must_use]
    pub fn remaining(&self) -> BTreeSet<&str> {
        let listed =
            self.entries.iter().filter(|one| one.verdict.real()).filter_map(|one| one.file.as_deref());
        let missed = self.missed.iter().filter(|one| one.verdict.real()).map(|one| one.file.as_str());
        listed.chain(missed).collect()
    }
}

fn count<'a>(entries: impl IntoIterator<Item = &'a str>) -> Count {
    let mut count = Count::default();
    let mut files = BTreeSet::new();
    for entry in entries {
        count.entries += 1;
        files.insert(entry);
    }
    count.files = files.len();
    count
}
