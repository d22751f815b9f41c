//! Outputs without what differs from run to run.

/// Texts to be replaced, and runs of characters to be replaced after a text.
#[derive(Clone, Default)]
pub(crate) struct Filters {
    literals: Vec<(String, &'static str)>,
}

/// After this text, a run of at least so many of these characters is replaced by that.
type Mask = (&'static str, fn(char) -> bool, usize, &'static str);

const MASKS: [Mask; 14] = [
    ("sha256:", |c| c.is_ascii_hexdigit(), 64, "[DIGEST]"),
    ("--expect ", |c| c.is_ascii_hexdigit() || c == ':', 64, "[CHECKPOINT]"),
    ("checkpoint ", |c| c.is_ascii_hexdigit() || c == ':', 64, "[CHECKPOINT]"),
    ("signed by key ", |c| c.is_ascii_hexdigit(), 64, "[KEY]"),
    ("r1-", |c| c.is_ascii_hexdigit(), 8, "[HASH]"),
    ("r2-", |c| c.is_ascii_hexdigit(), 8, "[HASH]"),
    ("r3-", |c| c.is_ascii_hexdigit(), 8, "[HASH]"),
    ("r4-", |c| c.is_ascii_hexdigit(), 8, "[HASH]"),
    ("run/shield/", |c| c.is_ascii_hexdigit(), 12, "[SCOPE]"),
    ("process ", |c| c.is_ascii_digit(), 1, "[PID]"),
    ("process id ", |c| c.is_ascii_digit(), 1, "[PID]"),
    ("127.0.0.1:", |c| c.is_ascii_digit(), 1, "[PORT]"),
    ("passed in ", |c| c.is_ascii_digit() || c == '.', 3, "[TIME]"),
    ("ada@", |c| !c.is_whitespace(), 1, "[HOST]"),
];

// === impl Filters ===

impl Filters {
    /// Also replaces `text`, before everything else.
    pub(super) fn literal(mut self, text: impl Into<String>, shown: &'static str) -> Self {
        self.literals.push((text.into(), shown));
        self
    }

    /// How a start is probed depends on how fast it is: what the probe said is left out.
    pub(super) fn apply(&self, text: &str) -> String {
        let lines = text.lines().filter(|line| !line.contains("probe: ")).map(|line| format!("{line}\n"));
        let text = lines.collect::<String>();
        let text = self.literals.iter().fold(text, |text, (literal, shown)| text.replace(literal, shown));
        MASKS.iter().fold(text, |text, filter| mask(&text, filter))
    }
}

fn mask(text: &str, (after, matches, length_min, shown): &Mask) -> String {
    let mut pieces = text.split(after);
    let mut masked = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let end = piece.find(|character: char| !matches(character)).unwrap_or(piece.len());
        masked.push_str(after);
        masked.push_str(if end >= *length_min { shown } else { &piece[..end] });
        masked.push_str(&piece[end..]);
    }
    masked
}

/// Fails the test with the whole of `actual` unless it is `expected`, give or take the line breaks around.
#[track_caller]
pub(crate) fn same(actual: &str, expected: &str) {
    assert!(actual.trim() == expected.trim(), "this was printed:\n{actual}\n-- expected:\n{expected}");
}
