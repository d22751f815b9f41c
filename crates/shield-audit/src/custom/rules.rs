//! All that rule files say.

use std::{error, fmt, sync::Arc};

use serde::Serialize;
use shield_types::{
    Sha256Digest,
    settings::{Mistakes, Reader},
};

use super::{
    bans::Bans,
    changes::Change,
    examples, head,
    patterns::Patterns,
    read::{self, Shared},
    texts::Texts,
};
use crate::{finding::Rule, taint::models::Models};

/// A rule file, or why it could not be read.
#[derive(Clone, Debug)]
pub struct RuleFile {
    /// What reports and mistakes call it.
    pub name: String,
    /// Its text.
    pub text: Result<String, String>,
}

/// A rule file that was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct File {
    /// Its name.
    pub name: String,
    /// The digest of its text.
    pub sha256: Sha256Digest,
    /// How many rules, models and changes are in it.
    pub entries: usize,
}

/// All that rule files say; cheap to clone.
#[derive(Clone, Debug)]
pub struct Rules(Arc<Loaded>);

#[derive(Debug)]
struct Loaded {
    files: Vec<File>,
    rules: Vec<&'static Rule>,
    bans: Bans,
    patterns: Patterns,
    texts: Texts,
    models: Models,
    changes: Vec<Change>,
    unproven: Vec<String>,
    fingerprint: Sha256Digest,
}

/// Why rule files are not used: none of them is.
#[derive(Debug, thiserror::Error)]
#[error("accept the rule files, which have {count} mistake{}", if *count == 1 { "" } else { "s" })]
pub struct LoadRulesError {
    /// How many mistakes they have.
    pub count: usize,
    #[source]
    all: AllMistakes,
}

/// The mistakes of all files, in their order.
#[derive(Debug)]
struct AllMistakes(Vec<Wrong>);

#[derive(Debug)]
enum Wrong {
    Unread { file: String, reason: String },
    Mistaken(Mistakes),
}

// === impl Rules ===

impl Default for Rules {
    fn default() -> Self {
        Self(Arc::new(Loaded {
            files: Vec::new(),
            rules: Vec::new(),
            bans: Bans::default(),
            patterns: Patterns::default(),
            texts: Texts::default(),
            models: Models::default(),
            changes: Vec::new(),
            unproven: Vec::new(),
            fingerprint: fingerprint(&[]),
        }))
    }
}

impl Rules {
    /// Reads rule files, in this order, and holds each rule against its examples.
    ///
    /// # Errors
    /// Every mistake of every file; then nothing is loaded.
    pub fn load(files: &[RuleFile]) -> Result<Self, LoadRulesError> {
        let mut shared = Shared::default();
        let mut wrong = Vec::new();
        let mut loaded = Loaded {
            files: Vec::new(),
            rules: Vec::new(),
            bans: Bans::default(),
            patterns: Patterns::default(),
            texts: Texts::default(),
            models: Models::default(),
            changes: Vec::new(),
            unproven: Vec::new(),
            fingerprint: fingerprint(files),
        };
        let (mut bans, mut patterns, mut texts, mut models) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for RuleFile { name, text } in files {
            let text = match text {
                Ok(text) => text,
                Err(reason) => {
                    wrong.push(Wrong::Unread { file: name.clone(), reason: reason.clone() });
                    continue;
                }
            };
            let reader = Reader::new(text, name);
            let draft = read::read(&reader.root(), name, &mut shared);
            if draft.foreign {
                drop(draft);
                wrong.push(Wrong::Mistaken(reader.stop()));
                continue;
            }
            loaded.unproven.extend(examples::check(&draft));
            let entries = draft.entries();
            loaded.files.push(File {
                name: name.clone(),
                sha256: Sha256Digest::of(text.as_bytes()),
                entries,
            });
            loaded.rules.extend(draft.rules);
            loaded.changes.extend(draft.changes);
            bans.extend(draft.bans);
            patterns.extend(draft.patterns);
            texts.extend(draft.texts);
            models.extend(draft.models);
            wrong.extend(reader.finish().err().map(Wrong::Mistaken));
        }
        if !wrong.is_empty() {
            let count = wrong.iter().map(Wrong::count).sum();
            return Err(LoadRulesError { count, all: AllMistakes(wrong) });
        }
        loaded.rules.sort_unstable_by_key(|rule| rule.id);
        (loaded.bans, loaded.models) = (Bans::of(bans), Models::of(models));
        (loaded.patterns, loaded.texts) = (Patterns::of(patterns), Texts::of(texts));
        Ok(Self(Arc::new(loaded)))
    }

    /// What tells these rules from any others: the same names and texts of files in the same order have the same one.
    #[must_use]
    pub fn fingerprint(&self) -> Sha256Digest {
        self.0.fingerprint
    }

    /// The files, in the order they were given.
    #[must_use]
    pub fn files(&self) -> &[File] {
        &self.0.files
    }

    /// The rules that were added, in the order of their ids.
    #[must_use]
    pub fn added(&self) -> &[&'static Rule] {
        &self.0.rules
    }

    /// Whether an audit with these rules looks for what a rule finds: a built-in one, or one of these.
    pub(crate) fn looks_for(&self, id: &str) -> bool {
        head::is_built_in(id) || self.0.rules.iter().any(|rule| rule.id == id)
    }

    /// What becomes of built-in rules.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.0.changes
    }

    /// Rules and models that no example shows to do anything.
    #[must_use]
    pub fn unproven(&self) -> &[String] {
        &self.0.unproven
    }

    pub(crate) fn bans(&self) -> &Bans {
        &self.0.bans
    }

    pub(crate) fn patterns(&self) -> &Patterns {
        &self.0.patterns
    }

    pub(crate) fn texts(&self) -> &Texts {
        &self.0.texts
    }

    pub(crate) fn models(&self) -> &Models {
        &self.0.models
    }
}

/// Lengths stand between texts, so that no two lists of files read alike.
fn fingerprint(files: &[RuleFile]) -> Sha256Digest {
    let mut all = b"shield-audit-rules/1\n".to_vec();
    for RuleFile { name, text } in files {
        for part in [name.as_str(), text.as_deref().unwrap_or_default()] {
            all.extend(format!("{}\n", part.len()).bytes().chain(part.bytes()));
        }
    }
    Sha256Digest::of(&all)
}

// === impl Wrong ===

impl Wrong {
    fn count(&self) -> usize {
        match self {
            Self::Unread { .. } => 1,
            Self::Mistaken(mistakes) => mistakes.list().len(),
        }
    }
}

// === impl AllMistakes ===

impl fmt::Display for AllMistakes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, wrong) in self.0.iter().enumerate() {
            if index > 0 {
                formatter.write_str("\n")?;
            }
            match wrong {
                Wrong::Unread { file, reason } => write!(formatter, "{file}: {reason}")?,
                Wrong::Mistaken(mistakes) => write!(formatter, "{mistakes}")?,
            }
        }
        Ok(())
    }
}

impl error::Error for AllMistakes {}
