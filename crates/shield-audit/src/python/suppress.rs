//! Findings that a comment in the source takes back: `# nosec`, `# noqa`.
//!
//! They are listed apart, never lost: who takes over a project sees what was waved through, and where.

use ruff_python_ast::token::TokenKind;
use ruff_text_size::{Ranged, TextRange, TextSize};
use serde::Serialize;

use super::Module;
use crate::finding::{Finding, Rule};

/// A finding that a comment takes back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// What was found.
    pub finding: Finding,
    /// The comment, cut at 120 characters.
    pub comment: String,
}

/// The comments of a file that take findings back.
#[derive(Debug)]
pub(crate) struct Comments<'a>(Vec<Comment<'a>>);

#[derive(Debug)]
struct Comment<'a> {
    start: TextSize,
    text: &'a str,
    /// What it names, separated by commas or spaces; nothing means every rule.
    names: &'a str,
}

// === impl Comments ===

impl<'a> Comments<'a> {
    pub(crate) fn of(module: &Module<'a>) -> Self {
        let bytes = module.text.as_bytes();
        let word = |word: &[u8]| memchr::memmem::find(bytes, word).is_some();
        if !["nosec", "noqa", "NOSEC", "NOQA"].iter().any(|spelling| word(spelling.as_bytes())) {
            return Self(Vec::new());
        }
        let comments = module.tokens.iter().filter(|token| token.kind() == TokenKind::Comment);
        Self(comments.filter_map(|token| Comment::of(&module.text[token.range()], token.start())).collect())
    }

    /// The comment that takes a finding back: on one of the lines that it spans.
    pub(crate) fn taking_back(&self, module: &Module<'_>, range: TextRange, rule: &Rule) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let lines = module.lines.line(range.start())..=module.lines.line(range.end());
        let near = |comment: &&Comment<'_>| lines.contains(&module.lines.line(comment.start));
        let comment = self.0.iter().filter(near).find(|comment| comment.names(rule))?;
        Some(comment.text.chars().take(120).collect())
    }
}

// === impl Comment ===

impl<'a> Comment<'a> {
    fn of(text: &'a str, start: TextSize) -> Option<Self> {
        let names = ["nosec", "noqa"].into_iter().find_map(|mark| {
            let at = text.match_indices(['n', 'N']).map(|(at, _)| at).find(|&at| {
                let word = text.get(at..at + mark.len()).is_some_and(|word| word.eq_ignore_ascii_case(mark));
                let ends = !text[at..].chars().nth(mark.len()).is_some_and(char::is_alphanumeric);
                // `# nosec`, not `# see nosec` or `# noseconds`.
                word && ends && text[..at].trim_end().ends_with('#')
            })?;
            let rest = text[at + mark.len()..].trim_start_matches([':', ' ', '\t']);
            Some(rest.split('#').next().unwrap_or(rest))
        })?;
        Some(Self { start, text, names })
    }

    /// Whether it means a rule: by one of its ids, or by naming none at all.
    fn names(&self, rule: &Rule) -> bool {
        let mut words = self.names.split([',', ' ', '\t']).filter(|word| !word.is_empty()).peekable();
        // Free text after the mark explains it; it names no rule.
        let codes: Vec<&str> = words.by_ref().take_while(|word| is_code(word)).collect();
        codes.is_empty() || codes.iter().any(|code| *code == rule.id || rule.aliases.contains(code))
    }
}

/// `B602`, `S602`, `E501`, `python/weak-hash`.
fn is_code(word: &str) -> bool {
    let letters = word.trim_end_matches(|character: char| character.is_ascii_digit());
    let numbered = letters.len() < word.len()
        && letters.len() <= 4
        && letters.bytes().all(|byte| byte.is_ascii_uppercase());
    numbered || is_id(word)
}

/// `python/weak-hash`, or a rule of a rule file.
fn is_id(word: &str) -> bool {
    let kebab = |part: &str| {
        let mut bytes = part.bytes();
        bytes.next().is_some_and(|first| first.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    word.split_once('/').is_some_and(|(area, name)| kebab(area) && kebab(name))
}

#[cfg(test)]
mod tests {
    use crate::python::{Audit, Parse};

    /// How many findings stay, and how many are taken back.
    fn count(text: &str) -> (usize, usize) {
        let report = Audit::default().text("a.py", text, Parse::Always);
        (report.findings.len(), report.suppressed.len())
    }

    #[test]
    fn comments_take_findings_back() {
        assert_eq!(count("eval(x)\n"), (1, 0));
        for comment in [
            "# nosec",
            "#nosec",
            "# noqa",
            "# NOQA",
            "# nosec B307",
            "# nosec: B602, B307",
            "# noqa: E501,S307",
            "# nosec: python/eval",
            "# type: ignore # noqa: S307",
            "# nosec because it is a test",
        ] {
            assert_eq!(count(&format!("eval(x)  {comment}\n")), (0, 1), "{comment}");
        }
        for comment in ["# nosec B602", "# noqa: E501", "# noseconds", "# a nosec", "'# nosec'"] {
            assert_eq!(count(&format!("eval(x)  {comment}\n").replace("  '", ", '")).1, 0, "{comment}");
        }
    }

    #[test]
    fn comment_counts_on_the_lines_of_the_finding() {
        assert_eq!(count("eval(\n    x,\n)  # nosec\n"), (0, 1));
        assert_eq!(count("eval(x)\n# nosec\n"), (1, 0));
        assert_eq!(count("eval(x)\neval(x)  # nosec\neval(x)\n"), (2, 1));
    }
}
