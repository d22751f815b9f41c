//! Which characters a regular expression lets through.

/// Longer expressions are not looked at, in bytes.
const BYTES_MAX: usize = 1 << 10;

/// How a text is matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// The whole of it: `fullmatch`.
    Whole,
    /// From its beginning: `match`.
    Beginning,
    /// Anywhere: `search`.
    Anywhere,
}

/// What a text that matches consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Allowed {
    /// Characters that it may hold; one letter and one digit stand for all of them.
    pub(super) characters: Vec<char>,
    /// What it begins with in any case.
    pub(super) beginning: String,
}

/// The characters of every text that matches, if the expression says so: `None` if it lets most things through, does not hold the
/// text from its beginning to its end, or is more than is understood here.
pub(super) fn allowed(pattern: &str, how: Match) -> Option<Allowed> {
    if pattern.len() > BYTES_MAX {
        return None;
    }
    let begins = pattern.starts_with('^') || pattern.starts_with("\\A");
    let ends = pattern.ends_with('$') && !pattern.ends_with("\\$")
        || pattern.ends_with("\\Z")
        || pattern.ends_with("\\z");
    let held = match how {
        Match::Whole => true,
        Match::Beginning => ends,
        Match::Anywhere => begins && ends,
    };
    if !held {
        return None;
    }
    let mut reader = Reader { rest: pattern, allowed: Allowed::default(), literal: true, depth: 0, how };
    while !reader.rest.is_empty() {
        reader.one()?;
    }
    let mut allowed = reader.allowed;
    allowed.characters.sort_unstable();
    allowed.characters.dedup();
    Some(allowed)
}

struct Reader<'p> {
    rest: &'p str,
    allowed: Allowed,
    /// Whether everything up to here stands for itself.
    literal: bool,
    depth: u32,
    how: Match,
}

// === impl Reader ===

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let one = self.rest.chars().next()?;
        self.rest = &self.rest[one.len_utf8()..];
        Some(one)
    }

    fn one(&mut self) -> Option<()> {
        match self.next()? {
            // Each side of a choice would have to be held by itself.
            '|' if self.depth == 0 && self.how != Match::Whole => return None,
            '|' => {
                // What comes behind may come first.
                if self.depth == 0 {
                    self.allowed.beginning.clear();
                }
                self.literal = false;
            }
            ')' => self.depth = self.depth.saturating_sub(1),
            '.' => return None,
            '^' | '$' => {}
            '*' | '+' | '?' => self.repeated(),
            '{' => {
                let (_, rest) = self.rest.split_once('}')?;
                self.rest = rest;
                self.repeated();
            }
            '(' => self.group()?,
            '[' => {
                self.literal = false;
                self.class()?;
            }
            '\\' => {
                let one = self.next()?;
                match one {
                    'A' | 'Z' | 'z' | 'b' | 'B' => {}
                    _ => self.escaped(one)?,
                }
            }
            one => self.literally(one),
        }
        Some(())
    }

    fn literally(&mut self, one: char) {
        if self.literal {
            self.allowed.beginning.push(one);
        }
        self.allow(one);
    }

    /// What came last may be missing or come again.
    fn repeated(&mut self) {
        if self.literal {
            self.allowed.beginning.pop();
        }
        self.literal = false;
    }

    fn allow(&mut self, one: char) {
        self.allowed.characters.push(match one {
            _ if one.is_alphabetic() => 'a',
            _ if one.is_numeric() => '0',
            _ => one,
        });
    }

    fn escaped(&mut self, one: char) -> Option<()> {
        match one {
            'd' => self.allow('0'),
            'w' => ['a', '0', '_'].into_iter().for_each(|one| self.allow(one)),
            's' => [' ', '\t', '\n'].into_iter().for_each(|one| self.allow(one)),
            'n' => self.allow('\n'),
            'r' => self.allow('\r'),
            't' => self.allow('\t'),
            // Classes of everything else, characters by number, what was matched before.
            _ if one.is_ascii_alphanumeric() => return None,
            _ => {
                self.literally(one);
                return Some(());
            }
        }
        self.literal = false;
        Some(())
    }

    fn group(&mut self) -> Option<()> {
        self.literal = false;
        self.depth += 1;
        let Some(rest) = self.rest.strip_prefix('?') else { return Some(()) };
        let rest = match rest
            .strip_prefix("P<")
            .or_else(|| rest.strip_prefix('<').filter(|rest| !rest.starts_with(['=', '!'])))
        {
            Some(named) => named.split_once('>')?.1,
            // Flags; what looks ahead or back is not understood.
            None => {
                let (flags, rest) = rest.split_once(':')?;
                flags.chars().all(|flag| "aisu-".contains(flag)).then_some(rest)?
            }
        };
        self.rest = rest;
        Some(())
    }

    /// The inside of `[…]`.
    fn class(&mut self) -> Option<()> {
        if self.rest.starts_with('^') {
            return None;
        }
        let mut first = true;
        loop {
            let one = self.next()?;
            match one {
                ']' if !first => return Some(()),
                '\\' => {
                    let one = self.next()?;
                    self.escaped(one)?;
                }
                _ if self.rest.starts_with('-') && !self.rest.starts_with("-]") => {
                    self.next();
                    let last = self.next()?;
                    // A range from or to something escaped.
                    if last == '\\' || !one.is_ascii() || !last.is_ascii() {
                        return None;
                    }
                    (one..=last).for_each(|one| self.allow(one));
                }
                _ => self.allow(one),
            }
            first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pattern: &str, how: Match) -> Option<String> {
        allowed(pattern, how).map(|allowed| allowed.characters.into_iter().collect())
    }

    #[test]
    fn characters_of_expressions_are_known() {
        for (pattern, characters) in [
            ("[a-z_]+", "_a"),
            ("^[A-Z0-9.]{1,20}$", ".0a"),
            ("\\w+@\\d*", "0@_a"),
            ("(?:ab|cd)\\.txt", ".a"),
            ("(?P<n>[]-])x", "-]a"),
            ("a|b", "a"),
            ("[\\s;]*", "\t\n ;"),
        ] {
            assert_eq!(of(pattern, Match::Whole).as_deref(), Some(characters), "{pattern}");
        }
        assert!(of("[ -~]+", Match::Whole).is_some_and(|all| all.contains(';') && all.contains('\'')));
        for pattern in
            [".*", "[^a]", "\\S+", "\\D", "\\W", "(?=a)b", "(?<!a)b", "\\x41", "[a-\\w]", "[a", "(?i", "\\1"]
        {
            assert_eq!(of(pattern, Match::Whole), None, "{pattern}");
        }
    }

    #[test]
    fn a_text_must_be_held_whole() {
        for (pattern, how, held) in [
            ("[a-z]+", Match::Beginning, false),
            ("[a-z]+$", Match::Beginning, true),
            ("[a-z]+\\$", Match::Beginning, false),
            ("^[a-z]+|$", Match::Beginning, false),
            ("^([a-z]+|b)$", Match::Beginning, true),
            ("[a-z]+$", Match::Anywhere, false),
            ("^[a-z]+$", Match::Anywhere, true),
        ] {
            assert_eq!(allowed(pattern, how).is_some(), held, "{pattern}");
        }
    }

    #[test]
    fn what_stands_for_itself_is_known() {
        for (pattern, beginning) in [
            ("https://a\\.b/[a-z]+", "https://a.b/"),
            ("ab*c", "a"),
            ("(a)", ""),
            ("^ab$", "ab"),
            ("a|b", ""),
        ] {
            let found = allowed(pattern, Match::Whole).map(|allowed| allowed.beginning);
            assert_eq!(found.as_deref(), Some(beginning), "{pattern}");
        }
    }
}
