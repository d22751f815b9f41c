//! Instructions of a Dockerfile with their places.
//!
//! The format has no errors of its own here: every line begins an instruction, continues one, or is a comment. Own code, since the
//! parsers there are stop at the first line that they do not know, and what comes behind it must be looked at too.

use std::ops::Range;

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instruction<'a> {
    /// Its word in capitals.
    pub(super) name: String,
    /// What follows it, as it is written: over several lines, with comments between them, and the texts of here-documents behind.
    pub(super) text: &'a str,
    /// Where that begins.
    pub(super) offset: usize,
    /// All of it.
    pub(super) range: Range<usize>,
}

/// The instructions of a text, in its order.
pub(super) fn instructions(text: &str) -> Vec<Instruction<'_>> {
    let escape = escape(text);
    let mut lines = text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    });
    let mut found = Vec::new();
    while let Some((start, line)) = lines.next() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let mut end = start + line.trim_end().len();
        let mut more = trimmed.ends_with(escape);
        let mut awaited = terminators(trimmed);
        while more || !awaited.is_empty() {
            let Some((at, line)) = lines.next() else { break };
            let trimmed = line.trim();
            if more {
                // Empty lines and comments within an instruction are passed over.
                if trimmed.is_empty() || trimmed.starts_with('#') {
                    continue;
                }
                more = trimmed.ends_with(escape);
                awaited.extend(terminators(trimmed));
            } else if awaited.first().is_some_and(|word| word == trimmed) {
                awaited.remove(0);
            }
            end = at + line.trim_end().len();
        }
        found.push(instruction(text, start..end));
    }
    found
}

fn instruction(text: &str, range: Range<usize>) -> Instruction<'_> {
    let start = range.end - text[range.clone()].trim_start().len();
    let all = &text[start..range.end];
    let name = all.split(char::is_whitespace).next().unwrap_or(all);
    let rest = all[name.len()..].trim_start();
    Instruction {
        name: name.to_ascii_uppercase(),
        text: rest,
        offset: range.end - rest.len(),
        range: start..range.end,
    }
}

/// What continues a line: a backslash, unless a directive at the top says otherwise.
fn escape(text: &str) -> char {
    let directives = text.lines().map_while(|line| line.trim().strip_prefix('#'));
    let mut said = directives.filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim().eq_ignore_ascii_case("escape") && value.trim() == "`").then_some('`')
    });
    said.next().unwrap_or('\\')
}

/// The words that end the here-documents that a line begins: `<<EOF`, `<<-'EOF'`.
fn terminators(line: &str) -> Vec<String> {
    let name = line.split_whitespace().next().unwrap_or_default();
    if !["RUN", "COPY", "ADD"].iter().any(|of| name.eq_ignore_ascii_case(of)) {
        return Vec::new();
    }
    let starts = line.match_indices("<<").filter_map(|(at, _)| {
        let word = line[at + 2..].trim_start_matches('-').trim_start_matches(['"', '\'']);
        let end = word.find(|character: char| !(character.is_ascii_alphanumeric() || character == '_'));
        let word = &word[..end.unwrap_or(word.len())];
        let free = line[..at].ends_with(char::is_whitespace);
        (free && word.starts_with(|first: char| first.is_ascii_alphabetic())).then(|| word.to_owned())
    });
    starts.take(16).collect()
}

// === impl Instruction ===

impl<'a> Instruction<'a> {
    /// Its flags (`--from=x`) and what follows them.
    pub(super) fn flags(&self) -> (Vec<&'a str>, &'a str) {
        let mut rest = self.text;
        let mut flags = Vec::new();
        while rest.starts_with("--") {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            flags.push(&rest[..end]);
            rest = rest[end..].trim_start_matches(['\\', '`', ' ', '\t', '\r', '\n']);
        }
        (flags, rest)
    }

    /// Its words; of a list in brackets, the elements.
    pub(super) fn words(&self) -> Vec<String> {
        let (_, rest) = self.flags();
        match serde_json::from_str::<Vec<String>>(rest) {
            Ok(words) => words,
            Err(_) => rest.split_whitespace().filter(|word| *word != "\\").map(str::to_owned).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Vec<(String, String)> {
        let say = |one: &Instruction<'_>| (one.name.clone(), one.text.to_owned());
        instructions(text).iter().map(say).collect()
    }

    #[test]
    fn lines_are_joined() {
        let text = "# escape\nfrom x\nRUN a \\\n  # not this\n\n  b\nUSER y\n";
        let found = said(text);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], ("FROM".to_owned(), "x".to_owned()));
        assert!(found[1].1.ends_with('b'));
        assert_eq!(said("# escape=`\nRUN a `\n b\nUSER c\\\nCMD d").len(), 3);
    }

    #[test]
    fn here_documents_belong_to_their_instruction() {
        let found = said("RUN <<EOF cat\nUSER root\nEOF\nUSER x");
        assert_eq!(found.len(), 2);
        assert!(found[0].1.contains("USER root"));
        assert_eq!(said("RUN a << 2\nUSER x").len(), 2);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(FROM|RUN|USER|#|\\\\|<<E|E|`|\n| |ü|\"|'|--a|\\[|\\]){0,40}") {
            for one in instructions(&text) {
                prop_assert!(text[one.range.clone()].ends_with(one.text));
                one.words();
            }
        }
    }
}
