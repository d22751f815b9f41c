//! The literal value behind a name, in the spellings of many languages at once.
//!
//! No language is parsed: one line is read, from the name over an operator to a literal. What is no literal (a variable, a call,
//! a text that is joined or filled in) gives none. Nothing is looked at twice: each step goes forward, and each has a limit.

use std::ops::Range;

use super::{
    Reading,
    cursor::{BLANK_MAX, Cursor},
};
use crate::secrets::look::LENGTH_MAX;

/// Longest type between a name and its value: `: Optional[SecretStr] =`.
const TYPE_MAX: usize = 60;
/// Calls that give back what they are given, or its default.
const WRAPPERS: &[&str] = &[
    "Field",
    "SecretStr",
    "Secret",
    "String",
    "from",
    "Some",
    "bytes",
    "str",
    "b64decode",
    "Column",
    "new",
    "Buffer",
    "default",
];
/// Calls whose first text is the name of a variable and whose second is the value without it.
const LOOKUPS: &[&str] = &[
    "getenv",
    "get",
    "env",
    "config",
    "getEnv",
    "get_env",
    "getenv_or",
    "Getenv",
    "decouple",
    "var",
    "environ",
];

/// How a literal is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) enum Quoting {
    /// In quotes, assigned.
    Assigned,
    /// In quotes, the argument of a call that sets it, or behind a name in a list.
    Argument,
    /// Without quotes.
    Bare,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::secrets) struct Literal {
    /// Where it is, without its quotes.
    pub(in crate::secrets) range: Range<usize>,
    pub(in crate::secrets) quoting: Quoting,
}

/// What joins a name and its value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Assign,
    Comma,
    Call,
    Element,
}

/// How a name is written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Naming {
    Plain,
    Quoted,
    /// `<name>`.
    Element,
    /// `--name value`: only where values stand without quotes.
    Option,
}

/// The literal behind the name at `name`, if one is assigned there.
pub(in crate::secrets) fn literal_behind(
    bytes: &[u8],
    name: &Range<usize>,
    reading: Reading,
) -> Option<Literal> {
    let mut cursor = Cursor { bytes, at: name.end };
    let naming = match name.start.checked_sub(1).map(|before| bytes[before]) {
        Some(before) if is_quote(before) => Naming::Quoted,
        Some(b'<') => Naming::Element,
        _ if reading == Reading::Settings && bytes[name.clone()].starts_with(b"--") => Naming::Option,
        _ => Naming::Plain,
    };
    if naming == Naming::Quoted {
        cursor.skip_if(b'\\');
        cursor.skip_any(is_quote);
    }
    cursor.skip_if(b']');
    let operator = match cursor.pair_value(naming) {
        true => Operator::Assign,
        false => cursor.operator(naming, reading)?,
    };
    cursor.value(operator, reading)
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

// === impl Cursor ===

impl Cursor<'_> {
    /// `name: X` and `value: Y` in two lines, keys or attributes: stands behind the operator of the second if they are there.
    fn pair_value(&mut self, naming: Naming) -> bool {
        let start = self.at;
        let separator = self.skip_while(BLANK_MAX, |byte| byte.is_ascii_whitespace() || byte == b',');
        let parted = |byte: &u8| matches!(byte, b'\n' | b',') || naming == Naming::Quoted && *byte == b' ';
        let separated = self.bytes[separator].iter().any(parted);
        let quoted = separated && self.skip_any(is_quote);
        let named = separated && (self.skip_text("value") || self.skip_text("Value"));
        let closed = named && (!quoted || self.skip_any(is_quote));
        self.skip_blank();
        let there = closed && self.skip_any(|byte| matches!(byte, b':' | b'='));
        if !there {
            self.at = start;
        }
        there
    }

    fn operator(&mut self, naming: Naming, reading: Reading) -> Option<Operator> {
        match (naming, self.peek()) {
            (Naming::Element, Some(b'>')) => {
                self.at += 1;
                return Some(Operator::Element);
            }
            (Naming::Option, Some(b' ' | b'\t')) => return Some(Operator::Assign),
            (Naming::Plain | Naming::Element, Some(b'(')) => {
                self.at += 1;
                return Some(Operator::Call);
            }
            _ => self.skip_blank(),
        }
        if naming == Naming::Quoted && self.skip_if(b',') {
            return Some(Operator::Comma);
        }
        if naming != Naming::Quoted && self.peek().is_some_and(|byte| byte.is_ascii_alphabetic()) {
            self.skip_while(TYPE_MAX, |byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'*' | b'[' | b']')
            });
            self.skip_blank();
            return (self.peek() == Some(b'=')).then(|| self.assigns(reading)).flatten();
        }
        self.assigns(reading)
    }

    /// `=`, `:`, `:=`, `=>`, `==`, `?=`, `.=`, `+=`, `||=`, and a type behind a colon.
    fn assigns(&mut self, reading: Reading) -> Option<Operator> {
        let sign =
            self.skip_while(4, |byte| matches!(byte, b'=' | b':' | b'?' | b'.' | b'+' | b'|' | b'>' | b'!'));
        let sign = &self.bytes[sign];
        let assigns = match sign {
            b":" => {
                self.skip_type(reading);
                true
            }
            _ => sign.contains(&b'='),
        };
        assigns.then_some(Operator::Assign)
    }

    /// The type in `name: Type = value`: in code only, where no value stands without quotes.
    fn skip_type(&mut self, reading: Reading) {
        let start = self.at;
        let inside = |byte: u8| {
            byte.is_ascii_alphanumeric()
                || matches!(byte, b' ' | b'[' | b']' | b'.' | b'_' | b'&' | b'<' | b'>' | b'|' | b'?')
        };
        let r#type = self.skip_while(TYPE_MAX, inside);
        let assigned =
            !r#type.is_empty() && self.peek() == Some(b'=') && self.bytes.get(self.at + 1) != Some(&b'=');
        let known = reading == Reading::Quoted
            || self.bytes[r#type].iter().filter(|byte| **byte != b' ').count() <= 16;
        match assigned && known {
            true => self.at += 1,
            false => self.at = start,
        }
    }

    fn value(&mut self, operator: Operator, reading: Reading) -> Option<Literal> {
        match operator {
            Operator::Element | Operator::Call => self.skip_space(),
            Operator::Assign | Operator::Comma => self.skip_blank(),
        }
        match operator {
            Operator::Element => {
                let literal = self.bare(|byte| byte == b'<' || byte.is_ascii_whitespace());
                self.skip_space();
                literal.filter(|_| self.rest().starts_with(b"</"))
            }
            Operator::Call | Operator::Comma => self.quoted(Quoting::Argument),
            Operator::Assign => {
                let start = self.at;
                let quoted = self.unwrapped().and_then(|()| self.quoted(Quoting::Assigned));
                // A colon with nothing behind it joins no setting and its value: `package.module:function`.
                let glued = self.bytes[start - 1] == b':';
                if quoted.is_none() && reading == Reading::Quoted {
                    self.at = start;
                    return self.fallback();
                }
                if quoted.is_some() || reading == Reading::Quoted || glued {
                    return quoted;
                }
                self.at = start;
                let ends = |byte: u8| {
                    byte.is_ascii_whitespace()
                        || matches!(byte, b';' | b',' | b'"' | b'\'' | b'`' | b'<' | b'\\')
                };
                self.bare(ends)
            }
        }
    }

    /// Steps into calls that give back their literal: `Field(default="x")`, `os.getenv("NAME", "x")`.
    fn unwrapped(&mut self) -> Option<()> {
        for _ in 0..3 {
            let start = self.at;
            let called = self.skip_while(TYPE_MAX, |byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b' ')
            });
            if called.is_empty() || self.peek() != Some(b'(') {
                self.at = start;
                return Some(());
            }
            let called = self.bytes[called]
                .rsplit(|byte| matches!(byte, b'.' | b':' | b' '))
                .next()
                .unwrap_or_default();
            let is = |list: &[&str]| list.iter().any(|other| other.as_bytes() == called);
            self.at += 1;
            self.skip_space();
            if is(LOOKUPS) {
                self.quoted(Quoting::Assigned)?;
                self.at += 1;
                self.skip_blank();
                self.skip_if(b',').then_some(())?;
                self.skip_space();
            } else if !is(WRAPPERS) {
                return None;
            }
            self.skip_text("default=");
        }
        Some(())
    }

    /// A text in quotes: stands on the closing one afterwards.
    pub(super) fn quoted(&mut self, quoting: Quoting) -> Option<Literal> {
        let prefix = self.skip_while(2, |byte| {
            matches!(byte, b'r' | b'R' | b'b' | b'B' | b'u' | b'U' | b'f' | b'F' | b'@' | b'$')
        });
        let filled = self.bytes[prefix].iter().any(|byte| matches!(byte, b'f' | b'F' | b'$'));
        let escaped = self.skip_if(b'\\');
        let quote = self.peek().filter(|byte| is_quote(*byte))?;
        let tripled = self.rest().starts_with(&[quote; 3]);
        self.at += if tripled { 3 } else { 1 };
        let start = self.at;
        loop {
            let byte = self.peek().filter(|byte| *byte != b'\n' && self.at - start <= LENGTH_MAX)?;
            match byte {
                b'\\' if escaped && self.bytes.get(self.at + 1) == Some(&quote) => break,
                b'\\' => self.at += 2,
                _ if byte == quote => break,
                _ => self.at += 1,
            }
        }
        let range = start..self.at;
        let placeholder = filled && self.bytes[range.clone()].contains(&b'{');
        (!placeholder && !self.goes_on()).then_some(Literal { range, quoting })
    }

    /// Whether the text that ends here is joined with another, or filled in.
    fn goes_on(&self) -> bool {
        let behind = self.bytes[self.at..].iter().skip(1).take(8).skip_while(|byte| **byte == b' ');
        let behind: Vec<u8> = behind.copied().collect();
        behind.starts_with(b"+")
            || behind.starts_with(b"% ")
            || behind.starts_with(b".form")
            || behind.starts_with(b"..")
    }

    fn bare(&mut self, ends: impl Fn(u8) -> bool) -> Option<Literal> {
        let range = self.skip_while(LENGTH_MAX + 1, |byte| !ends(byte));
        let value = &self.bytes[range.clone()];
        // A call, or a value that goes on with more words: prose.
        let plain =
            !value.is_empty() && !value.ends_with(b"(") && !value.starts_with(b"#") && !self.more_words();
        plain.then_some(Literal { range, quoting: Quoting::Bare })
    }

    /// Whether more words stand behind in the line, apart from a comment or another setting.
    fn more_words(&self) -> bool {
        if !matches!(self.peek(), Some(b' ' | b'\t')) {
            return false;
        }
        let line = self.rest().iter().take(BLANK_MAX).take_while(|byte| **byte != b'\n');
        let mut words = line.skip_while(|byte| matches!(byte, b' ' | b'\t' | b'\r'));
        let first = words.next();
        let sign = |byte: &u8| !byte.is_ascii_alphanumeric();
        !(first.is_none_or(sign) || words.any(|byte| *byte == b'='))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str, reading: Reading) -> Option<&str> {
        let start = text.find("NAME").unwrap();
        literal_behind(text.as_bytes(), &(start..start + 4), reading).map(|literal| &text[literal.range])
    }

    #[test]
    fn values_of_many_languages() {
        let spellings = [
            "NAME = 'v1'",
            "NAME=\"v1\"",
            "NAME: str = \"v1\"",
            "\"NAME\": \"v1\"",
            "NAME := `v1`",
            "var NAME string = \"v1\"",
            "NAME => \"v1\"",
            "os.environ[\"NAME\"] = 'v1'",
            "NAME: Optional[str] = Field(default=\"v1\")",
            "NAME = os.getenv(\"X\", \"v1\")",
            "set(\"NAME\", \"v1\")",
            "NAME(\"v1\")",
            "\\\"NAME\\\": \\\"v1\\\"",
            "NAME: Secret = Field(\n    default='v1',",
            "if NAME == \"v1\":",
            "const NAME: &str = \"v1\";",
            "f(NAME=b'v1')",
            "NAME ?= 'v1'",
            "{\"name\": \"NAME\", \"value\": \"v1\"}",
            "NAME = SecretStr(\"v1\")",
            "<add key=\"NAME\" value=\"v1\" />",
            "NAME = os.environ.get(\"NAME\") or \"v1\"",
            "NAME = os.getenv('NAME') or 'v1'",
            "NAME = os.environ['A'] if 'A' in os.environ else \"v1\"",
        ];
        for spelling in spellings {
            assert_eq!(value(spelling, Reading::Quoted), Some("v1"), "{spelling}");
        }
    }

    #[test]
    fn values_of_settings() {
        let spellings = [
            "NAME=v1",
            "NAME = v1",
            "NAME: v1",
            "  - NAME=v1",
            "export NAME=v1 # x",
            "ENV NAME=v1 OTHER=2",
            "<NAME>v1</NAME>",
            "<NAME>\n  v1\n</NAME>",
            "- name: NAME\n  value: v1",
            "{ NAME: v1, x: 2 }",
            "NAME ::= v1",
        ];
        for spelling in spellings {
            assert_eq!(value(spelling, Reading::Settings), Some("v1"), "{spelling}");
        }
    }

    #[test]
    fn values_of_options() {
        let text = b"redis-server --requirepass v1 --x";
        let option = 13..26;
        let found = literal_behind(text, &option, Reading::Settings).unwrap();
        assert_eq!(&text[found.range], b"v1");
        assert_eq!(literal_behind(text, &option, Reading::Quoted), None);
    }

    #[test]
    fn expressions_are_no_literals() {
        let spellings = [
            "NAME = other",
            "NAME = f(\"v1\")",
            "NAME = \"v1\" + x",
            "NAME = f\"{x}1\"",
            "NAME = \"v1\".format(x)",
            "NAME = os.getenv(\"v1\")",
            "NAME is \"v1\"",
            "NAME = other or \"v1\"",
            "NAME = os.getenv(\"A\") or other",
            "NAME = os.getenv(\"A\") or \"v1\" + x",
            "NAME = \"v1",
            "NAME\n= 'v1'",
            "id=\"NAME\" class=\"v1\"",
            "NAME",
            "\"NAME\"",
        ];
        for spelling in spellings {
            assert_eq!(value(spelling, Reading::Quoted), None, "{spelling}");
        }
        assert_eq!(value("x = a.NAME:v1", Reading::Settings), None);
        assert_eq!(value("a::NAME::v1", Reading::Settings), None);
        assert_eq!(value("<NAME>v1", Reading::Settings), None);
        assert_eq!(value("NAME: is needed for this", Reading::Settings), None);
        assert_eq!(value("NAME:\n  other: v1", Reading::Settings), None);
    }
}
