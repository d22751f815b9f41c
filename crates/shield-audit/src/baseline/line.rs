//! The form of a line: `FINGERPRINT RULE until DAY [owner NAME] in "FILE" because "REASON"`.

use std::fmt;

use jiff::civil::Date;

use super::{Entry, MistakeKind, Terms, entry::is_word};

/// What is shown of a wrong part.
const SHOWN_MAX: usize = 80;

struct Parts<'a> {
    rest: &'a str,
}

/// Reads a line.
pub(super) fn parse(line: &str) -> Result<Entry, MistakeKind> {
    let mut parts = Parts { rest: line };
    let fingerprint = parts.word("a fingerprint")?.parse()?;
    let rule = parts.word("the id of a rule")?.to_owned();
    parts.keyword("until", "`until`")?;
    let until = day(parts.word("the last day")?)?;
    let owner = match parts.next_is("owner") {
        true => {
            parts.keyword("owner", "`owner`")?;
            Some(parts.word("the name of an owner")?.to_owned())
        }
        false => None,
    };
    parts.keyword("in", "`in` or `owner`")?;
    let place = parts.quoted("a file in quotes")?;
    parts.keyword("because", "`because`")?;
    let reason = parts.quoted("a reason in quotes")?;
    parts.end()?;
    let terms = Terms { reason, owner, until };
    terms.check()?;
    Ok(Entry { fingerprint, rule, place, terms })
}

fn day(text: &str) -> Result<Date, MistakeKind> {
    let mistake = || MistakeKind::Date { text: shown(text) };
    let day: Date = text.parse().map_err(|_| mistake())?;
    // The parser knows more ways to write a day: one finding, one line.
    if day.to_string() == text { Ok(day) } else { Err(mistake()) }
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).collect()
}

// === impl Parts ===

impl<'a> Parts<'a> {
    fn found(&self) -> String {
        let next = self.rest.split_whitespace().next();
        next.map_or_else(|| "the end of the line".to_owned(), |next| format!("`{}`", shown(next)))
    }

    fn word(&mut self, expected: &'static str) -> Result<&'a str, MistakeKind> {
        let rest = self.rest.trim_start();
        let word = rest.split_whitespace().next().filter(|word| is_word(word));
        let word = word.ok_or_else(|| MistakeKind::Expected { expected, found: self.found() })?;
        self.rest = &rest[word.len()..];
        Ok(word)
    }

    fn next_is(&self, keyword: &str) -> bool {
        self.rest.split_whitespace().next() == Some(keyword)
    }

    fn keyword(&mut self, keyword: &str, expected: &'static str) -> Result<(), MistakeKind> {
        if !self.next_is(keyword) {
            return Err(MistakeKind::Expected { expected, found: self.found() });
        }
        self.rest = &self.rest.trim_start()[keyword.len()..];
        Ok(())
    }

    fn quoted(&mut self, expected: &'static str) -> Result<String, MistakeKind> {
        let rest = self.rest.trim_start();
        if !rest.starts_with('"') {
            return Err(MistakeKind::Expected { expected, found: self.found() });
        }
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, letter)| {
            let closes = *letter == '"' && !escaped;
            escaped = *letter == '\\' && !escaped;
            closes
        });
        let text = end.map_or(rest, |(at, _)| &rest[..=at]);
        self.rest = &rest[text.len()..];
        serde_json::from_str(text).map_err(|_| MistakeKind::Quoted { text: shown(text) })
    }

    fn end(&self) -> Result<(), MistakeKind> {
        match self.rest.trim().is_empty() {
            true => Ok(()),
            false => Err(MistakeKind::Expected { expected: "the end of the line", found: self.found() }),
        }
    }
}

// === impl Entry ===

impl fmt::Display for Entry {
    /// As a line, without its end.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |text: &str| serde_json::to_string(text).map_err(|_| fmt::Error);
        let Self { fingerprint, rule, place, terms: Terms { reason, owner, until } } = self;
        write!(formatter, "{fingerprint} {rule} until {until} ")?;
        if let Some(owner) = owner {
            write!(formatter, "owner {owner} ")?;
        }
        write!(formatter, "in {} because {}", quoted(place)?, quoted(reason)?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FINGERPRINT: &str = "00112233445566778899aabb";

    fn entry(text: &str) -> Result<Entry, String> {
        parse(&text.replace('F', FINGERPRINT)).map_err(|mistake| mistake.to_string())
    }

    #[test]
    fn lines_are_read() {
        let read =
            entry(r#"F secret/jwt until 2027-01-31 owner @ops in "a b.py" because "a \"test\" of ours""#)
                .unwrap();
        assert_eq!((read.rule.as_str(), read.place.as_str()), ("secret/jwt", "a b.py"));
        assert_eq!(read.terms.owner.as_deref(), Some("@ops"));
        assert_eq!(
            (read.terms.reason.as_str(), read.terms.until.to_string().as_str()),
            (r#"a "test" of ours"#, "2027-01-31")
        );
        assert_eq!(entry(r#"F r until 2027-01-31 in "" because "x""#).unwrap().terms.owner, None);
    }

    #[test]
    fn mistakes_are_exact() {
        let mistakes = [
            ("x", "parse fingerprint `x`: expected 24 lower-case hex digits"),
            ("F", "expected the id of a rule, found the end of the line"),
            ("F r since", "expected `until`, found `since`"),
            ("F r until 2027-02-29 in", "read date `2027-02-29`: expected a day such as 2027-01-31"),
            ("F r until 20270131 in", "read date `20270131`: expected a day such as 2027-01-31"),
            ("F r until 2027-01-31 by me", "expected `in` or `owner`, found `by`"),
            ("F r until 2027-01-31 in a.py", "expected a file in quotes, found `a.py`"),
            (
                r#"F r until 2027-01-31 in "a"#,
                "read \"a: it is no text in double quotes, with `\\` before quotes in it",
            ),
            (r#"F r until 2027-01-31 in "a""#, "expected `because`, found the end of the line"),
            (r#"F r until 2027-01-31 in "a" because " ""#, "a reason is missing"),
            (r#"F r until 2027-01-31 in "a" because "x" y"#, "expected the end of the line, found `y`"),
            (
                r#"F r until 2027-01-31 in "a" because "x\ny""#,
                "the reason has line breaks or other control characters, or more than 500 characters",
            ),
        ];
        for (text, expected) in mistakes {
            assert_eq!(entry(text).unwrap_err(), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            place in "\\PC{0,30}", reason in "[a-z]\\PC{0,30}", owner in prop::option::of("[^\\s\\pC\"]{1,12}"), days in 0_i32..20_000,
        ) {
            let until = Date::constant(2000, 1, 1).saturating_add(jiff::Span::new().days(days));
            let terms = Terms { reason, owner, until };
            let entry = Entry { fingerprint: FINGERPRINT.parse().unwrap(), rule: "secret/jwt".to_owned(), place, terms };
            let line = entry.to_string();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(parse(&line), Ok(entry));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}", cut in 0_usize..120) {
            drop(parse(&text));
            let whole = format!(r#"{FINGERPRINT} r until 2027-01-31 owner o in "a" because "x""#);
            drop(parse(&whole[..cut.min(whole.len())]));
        }
    }
}
