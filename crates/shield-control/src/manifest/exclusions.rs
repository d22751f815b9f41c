//! What an artifact directory leaves out.
//!
//! A pattern without `/` names a file or directory anywhere; one with `/` a path from the artifact's root. `*` stands for
//! any characters of one name. What a pattern matches is left out with everything below it. A pattern with `!` in front
//! takes back in; the last pattern that matches decides. `.shield` is left out always: it holds the store that
//! the artifact is copied to.

use std::{
    borrow::Cow,
    path::{Component, Path},
};

use serde::{Deserialize, Serialize};

/// Patterns of what an artifact directory leaves out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Exclusions(Vec<String>);

// === impl Exclusions ===

impl Exclusions {
    /// The patterns, in order.
    pub fn patterns(&self) -> &[String] {
        &self.0
    }

    /// Leaves out nothing but `.shield`.
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// Exclusions from patterns that [`check_pattern`] accepted.
    pub(crate) fn new(patterns: Vec<String>) -> Self {
        Self(patterns)
    }

    /// True when the file or directory at `relative`, a path from the artifact's root, stays out of the artifact.
    ///
    /// A directory that is left out may still hold something taken back in only when a pattern says so for the directory
    /// itself; walkers need not look inside it.
    pub fn leave_out(&self, relative: &Path) -> bool {
        let names: Vec<Cow<'_, str>> = relative
            .components()
            .filter_map(|part| match part {
                Component::Normal(name) => Some(name.to_string_lossy()),
                _ => None,
            })
            .collect();
        let decided = self.0.iter().rev().find_map(|pattern| match pattern.strip_prefix('!') {
            Some(pattern) => matches(pattern, &names).then_some(false),
            None => matches(pattern, &names).then_some(true),
        });
        decided.unwrap_or(false) || names.iter().any(|name| name == ".shield")
    }
}

impl Default for Exclusions {
    fn default() -> Self {
        Self(vec![".git".to_owned(), ".shield".to_owned()])
    }
}

/// What is wrong with `pattern`.
pub(crate) fn check_pattern(pattern: &str) -> Result<(), &'static str> {
    let path = pattern.strip_prefix('!').unwrap_or(pattern);
    if path.split('/').any(|name| matches!(name, "" | "." | "..")) {
        Err("not a name or relative path")
    } else {
        Ok(())
    }
}

/// True when `pattern` matches the path or a directory above it.
fn matches(pattern: &str, names: &[Cow<'_, str>]) -> bool {
    if pattern.contains('/') {
        let parts: Vec<&str> = pattern.split('/').collect();
        parts.len() <= names.len() && parts.iter().zip(names).all(|(part, name)| name_matches(part, name))
    } else {
        names.iter().any(|name| name_matches(pattern, name))
    }
}

fn name_matches(pattern: &str, name: &str) -> bool {
    let Some((start, mut rest)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(mut name) = name.strip_prefix(start) else {
        return false;
    };
    while let Some((middle, after)) = rest.split_once('*') {
        let Some(at) = name.find(middle) else {
            return false;
        };
        name = &name[at + middle.len()..];
        rest = after;
    }
    name.ends_with(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(patterns: &[&str], path: &str) -> bool {
        Exclusions::new(patterns.iter().map(|pattern| (*pattern).to_owned()).collect())
            .leave_out(Path::new(path))
    }

    #[test]
    fn names_match_anywhere() {
        assert!(left_out(&["tests"], "tests"));
        assert!(left_out(&["tests"], "a/tests/b.py"));
        assert!(!left_out(&["tests"], "a/tests.py"));
        assert!(left_out(&["*.pyc"], "a/b.pyc"));
        assert!(left_out(&["a*b*c"], "a-b-c") && !left_out(&["a*b*c"], "a-c-b"));
    }

    #[test]
    fn paths_match_from_the_root() {
        assert!(left_out(&["web/cache"], "web/cache/x"));
        assert!(!left_out(&["web/cache"], "a/web/cache"));
        assert!(!left_out(&["web/cache"], "web"));
    }

    #[test]
    fn last_pattern_decides() {
        let patterns = ["__pycache__", "!.venv"];
        assert!(left_out(&patterns, "app/__pycache__/a.pyc"));
        assert!(!left_out(&patterns, ".venv/lib/__pycache__/a.pyc"));
        assert!(left_out(&["!.venv", "__pycache__"], ".venv/lib/__pycache__"));
    }

    #[test]
    fn store_is_never_copied() {
        assert!(left_out(&[], ".shield/store"));
        assert!(left_out(&["!.shield"], ".shield"));
        assert!(!left_out(&[], "src"));
    }
}
