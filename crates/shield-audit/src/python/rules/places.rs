//! Where words that are in nearly every file mean something.
//!
//! Told from the bytes around, before anything is parsed: what says no here is promised to be nothing that a rule would find in a
//! file that runs; what says yes may still be nothing.

use std::ops::Range;

/// Bytes of a handler's head that are looked at.
const HEAD_BYTES_MAX: usize = 4096;

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\x0c')
}

fn is_whole(bytes: &[u8], range: &Range<usize>) -> bool {
    let before = range.start.checked_sub(1).map(|at| bytes[at]);
    !before.is_some_and(is_word) && !bytes.get(range.end).copied().is_some_and(is_word)
}

/// `assert` where a statement begins.
pub(super) fn is_assertion(bytes: &[u8], range: Range<usize>) -> bool {
    let before = bytes[..range.start].iter().rev().find(|byte| !is_blank(**byte));
    is_whole(bytes, &range) && before.is_none_or(|byte| matches!(byte, b'\n' | b'\r' | b':' | b';' | 0x80..))
}

/// `except` of a handler that begins with `pass` or `continue`.
pub(super) fn is_silent_handler(bytes: &[u8], range: Range<usize>) -> bool {
    if !is_whole(bytes, &range) {
        return false;
    }
    let rest = &bytes[range.end..];
    // What has quotes or comments in its head is left to the parser, and so is what has no end.
    let Some(head) = head_bytes(&rest[..rest.len().min(HEAD_BYTES_MAX)]) else { return true };
    let body = first_code(&rest[head..]);
    [&b"pass"[..], b"continue"].into_iter().any(|word| {
        body.strip_prefix(word).is_some_and(|behind| !behind.first().copied().is_some_and(is_word))
    })
}

/// How long the head of a block is, its colon included.
fn head_bytes(bytes: &[u8]) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 => return Some(at + 1),
            b'"' | b'\'' | b'#' | b'\\' => return None,
            b'\n' | b'\r' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// What comes first that is neither blank nor a comment.
fn first_code(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    loop {
        let blank = rest.iter().take_while(|byte| is_blank(**byte) || matches!(byte, b'\n' | b'\r' | b'\\'));
        rest = &rest[blank.count()..];
        if rest.first() != Some(&b'#') {
            return rest;
        }
        rest = &rest[memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len())..];
    }
}

/// A verb of SQL where more of the query may follow: behind blanks, or in the next piece of the text.
pub(super) fn is_verb(bytes: &[u8], range: Range<usize>) -> bool {
    let Some(next) = bytes.get(range.end) else { return false };
    if !next.is_ascii_whitespace() && *next != b'\x0b' {
        return matches!(next, b'\\' | b'"' | b'\'' | b'%' | b'{' | b'}' | 0x80..);
    }
    if !bytes[range.clone()].eq_ignore_ascii_case(b"delete") {
        return true;
    }
    // Nothing but `from` comes behind it.
    let behind = bytes[range.end..].trim_ascii_start();
    let from = behind.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"from"));
    from || !behind.first().is_some_and(u8::is_ascii_alphabetic)
}

/// A word that makes a name a password's: a part of its own between underscores.
pub(super) fn is_password(bytes: &[u8], range: Range<usize>) -> bool {
    // `_` ends a part, as everything does that is not of a name.
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric();
    let begins = range.start.checked_sub(1).is_none_or(|at| !is_letter(bytes[at]));
    if !begins {
        return false;
    }
    let behind = &bytes[range.start..];
    let part = &behind[..behind.iter().take_while(|byte| is_letter(**byte)).count()];
    let whole = range.start.checked_sub(1).is_none_or(|at| bytes[at] != b'_')
        && bytes.get(range.start + part.len()) != Some(&b'_');
    // `pass` alone is the keyword, unless it is written otherwise or in quotes.
    if part == b"pass" && whole {
        let quote = |byte: Option<&u8>| matches!(byte, Some(b'"' | b'\''));
        return quote(bytes.get(range.start + part.len()))
            && range.start.checked_sub(1).is_some_and(|at| quote(bytes.get(at)));
    }
    let is = |word: &[u8]| part.eq_ignore_ascii_case(word);
    is(b"pass")
        || is(b"passphrase")
        || is(b"pwd")
        || is(b"token")
        || is(b"secret")
        || is(b"secrete")
        || is_pass_word(part)
}

/// `password`, also misspelt: `pas+wo?r?d`.
fn is_pass_word(part: &[u8]) -> bool {
    let lower = part.to_ascii_lowercase();
    let Some(rest) = lower.strip_prefix(b"pas") else { return false };
    let rest = &rest[rest.iter().take_while(|byte| **byte == b's').count()..];
    let Some(rest) = rest.strip_prefix(b"w") else { return false };
    let rest = rest.strip_prefix(b"o").unwrap_or(rest);
    rest.strip_prefix(b"r").unwrap_or(rest) == b"d"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stands(look: fn(&[u8], Range<usize>) -> bool, text: &str, word: &str) -> bool {
        let lower = text.to_lowercase();
        let start = lower.find(word).unwrap();
        look(text.as_bytes(), start..start + word.len())
    }

    #[test]
    fn assertions_begin_statements() {
        for text in ["assert x", "\n  assert x", "if x: assert y", "x; assert(y)", "else:\n\tassert y"] {
            assert!(stands(is_assertion, text, "assert"), "{text}");
        }
        for text in ["self.assertTrue(x)", "we assert that", "x.assert_()", "# assert"] {
            assert!(!stands(is_assertion, text, "assert"), "{text}");
        }
    }

    #[test]
    fn silent_handlers_begin_with_nothing() {
        for text in [
            "except: pass",
            "except E as e:\n    # why\n\n    pass\n",
            "except (A,\n B):\r\n  continue",
            "except*\tE: \\\n pass",
            "except E(':'): x",
            "except E:pass#",
        ] {
            assert!(stands(is_silent_handler, text, "except"), "{text}");
        }
        for text in ["except E: return", "except:\n  passed()", "exceptions: pass", "except E:\n  x\n  pass"]
        {
            assert!(!stands(is_silent_handler, text, "except"), "{text}");
        }
    }

    #[test]
    fn verbs_have_more_behind() {
        for text in [
            "'DELETE FROM x'",
            "'delete\\nfrom'",
            "'delete' + x",
            "delete\n from",
            "f'delete{x}'",
            "'delete 'x",
        ] {
            assert!(stands(is_verb, text, "delete"), "{text}");
        }
        for text in ["delete(x)", "deleted", "x.delete", "delete the file", "delete=1"] {
            assert!(!stands(is_verb, text, "delete"), "{text}");
        }
        assert!(stands(is_verb, "update t set", "update"));
        assert!(!stands(is_verb, "x.update()", "update"));
    }

    #[test]
    fn passwords_are_parts_of_their_own() {
        for text in [
            "my_password=",
            "PASS = 1",
            "x['pass']",
            "pass_ = 1",
            "_pass",
            "paswd",
            "passsword",
            "Passphrase",
        ] {
            assert!(stands(is_password, text, "pas"), "{text}");
        }
        for text in
            ["pass", "bypass", "passing", "compass", "passed = 1", "password1", "if x: pass  # why", "paste"]
        {
            assert!(!stands(is_password, text, "pas"), "{text}");
        }
        assert!(stands(is_password, "csrf_token", "token") && stands(is_password, "token=x", "token"));
        assert!(!stands(is_password, "tokens", "token") && !stands(is_password, "atoken", "token"));
        assert!(stands(is_password, "client_secrete", "secret") && !stands(is_password, "secrets", "secret"));
    }
}
