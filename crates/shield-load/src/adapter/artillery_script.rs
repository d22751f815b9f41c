//! What the report of Artillery does not hold: whether the script shares connections, and what `ensure` found.

/// One line of `ensure`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnsureLine {
    /// What was demanded.
    pub expression: String,
    /// Whether it held.
    pub held: bool,
}

/// Whether virtual users share a pool of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pool {
    Set,
    Absent,
}

/// Looks for the key `pool`, in YAML or JSON, block or flow. Artillery knows no other key of that name; a script that uses the
/// word as a key of its own data gets a warning too many.
pub(super) fn sets_pool(script: &str) -> Pool {
    let without_comments = script.lines().map(|line| line.split(" #").next().unwrap_or_default());
    let sets = |line: &str| {
        line.match_indices("pool").any(|(at, word)| {
            let before = line[..at].trim_end_matches(['"', '\'']).chars().next_back();
            let after = line[at + word.len()..].trim_start_matches(['"', '\'']).trim_start();
            let begins_key = before.is_none_or(|before| before.is_whitespace() || "{,".contains(before));
            begins_key && after.starts_with(':')
        })
    };
    let mut lines = without_comments.filter(|line| !line.trim_start().starts_with('#'));
    if lines.any(sets) { Pool::Set } else { Pool::Absent }
}

// === impl EnsureLine ===

impl EnsureLine {
    /// A line of Artillery's output, if it is one of these.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let held = line.strip_prefix("ok: ").map(|expression| (expression, true));
        let (expression, held) = held.or_else(|| line.strip_prefix("fail: ").map(|text| (text, false)))?;
        Some(Self { expression: expression.to_owned(), held })
    }
}

#[cfg(test)]
mod tests {
    use super::{EnsureLine, Pool, sets_pool};

    #[test]
    fn finds_pool_wherever_it_is_set() {
        for script in
            ["config:\n  http:\n    pool: 10\n", "http: { timeout: 1, pool: 10 }", r#"{"http":{"pool":10}}"#]
        {
            assert_eq!(sets_pool(script), Pool::Set, "{script}");
        }
        for script in ["    # pool: 10\n", "spool: 1", "- get:\n    url: /pool\n", "  timeout: 1 # pool: 3"] {
            assert_eq!(sets_pool(script), Pool::Absent, "{script}");
        }
    }

    #[test]
    fn knows_lines_of_ensure() {
        let line = |expression: &str, held| Some(EnsureLine { expression: expression.to_owned(), held });
        assert_eq!(EnsureLine::parse("ok: p95 < 500"), line("p95 < 500", true));
        assert_eq!(EnsureLine::parse("fail: a > 1 (optional)"), line("a > 1 (optional)", false));
        assert_eq!(EnsureLine::parse("http.requests: ... 240"), None);
    }
}
