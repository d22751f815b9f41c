//! Which files a rule is about: patterns as `.gitignore` has them, relative to the audited directory.

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use shield_types::settings::{Refusal, Table};

/// Longest pattern, in bytes.
const PATTERN_BYTES_MAX: usize = 500;

/// Which files a rule is about.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paths {
    include: Option<Gitignore>,
    exclude: Option<Gitignore>,
}

// === impl Paths ===

impl Paths {
    /// Reads `include` and `exclude`.
    pub(super) fn read(table: &Table<'_>) -> Option<Self> {
        let include = list(table, "include");
        let exclude = list(table, "exclude");
        Some(Self { include: include?, exclude: exclude? })
    }

    /// Whether it says which files are meant.
    pub(super) fn is_limited(&self) -> bool {
        self.include.is_some()
    }

    /// Whether a file is meant.
    pub(crate) fn has(&self, path: &str) -> bool {
        let named = |list: &Gitignore| list.matched_path_or_any_parents(path, false).is_ignore();
        // Its matcher takes relative paths only; a single file is audited under its own name.
        let path_is_relative = !path.starts_with('/');
        path_is_relative
            && self.include.as_ref().is_none_or(named)
            && !self.exclude.as_ref().is_some_and(named)
    }
}

fn list(table: &Table<'_>, key: &'static str) -> Option<Option<Gitignore>> {
    let patterns = table.list_of(key, |pattern| match matcher(std::slice::from_ref(&pattern)) {
        Some(_) => Ok(pattern),
        None => Err(Refusal::new(
            "not a pattern",
            "a pattern as in .gitignore, without `!` and `#`, such as \"src/**\" or \"tests/\"",
        )),
    });
    let patterns = patterns.and_then(|patterns| match patterns.is_empty() {
        true => Err(Refusal::new("empty", "at least one pattern, or nothing at all")),
        false => Ok(matcher(&patterns)),
    });
    patterns.or(None).take()
}

fn matcher(patterns: &[String]) -> Option<Gitignore> {
    let mut builder = GitignoreBuilder::new("");
    for pattern in patterns {
        let strange =
            pattern.trim().is_empty() || pattern.starts_with(['!', '#']) || pattern.contains(['\n', '\r']);
        if strange || pattern.len() > PATTERN_BYTES_MAX {
            return None;
        }
        builder.add_line(None, pattern).ok()?;
    }
    builder
        .build()
        .ok()
        .filter(|built| usize::try_from(built.num_ignores()).is_ok_and(|count| count == patterns.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(include: &[&str], exclude: &[&str]) -> Paths {
        let built =
            |list: &[&str]| matcher(&list.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()).unwrap();
        let some = |list: &[&str]| (!list.is_empty()).then(|| built(list));
        Paths { include: some(include), exclude: some(exclude) }
    }

    #[test]
    fn patterns_are_those_of_git() {
        assert!(Paths::default().has("a/b.py"));
        assert!(of(&["src/**"], &[]).has("src/a/b.py") && !of(&["src/**"], &[]).has("lib/a.py"));
        assert!(of(&["src/"], &[]).has("src/a.py"));
        assert!(!of(&[], &["tests/"]).has("a/tests/b.py") && of(&[], &["tests/"]).has("a/test.py"));
        assert!(
            !of(&["*.py"], &["test_*.py"]).has("x/test_a.py") && of(&["*.py"], &["test_*.py"]).has("x/a.py")
        );
    }

    #[test]
    fn strange_patterns_are_refused() {
        for pattern in ["", " ", "!a", "#a", "a\nb"] {
            assert!(matcher(&[pattern.to_owned()]).is_none(), "{pattern}");
        }
    }
}
