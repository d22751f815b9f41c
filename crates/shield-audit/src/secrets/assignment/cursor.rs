//! Steps forward through bytes, each with a limit.

use std::ops::Range;

/// Most white space that is skipped in one go.
pub(super) const BLANK_MAX: usize = 200;

/// A place in a text.
pub(super) struct Cursor<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

// === impl Cursor ===

impl Cursor<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    pub(super) fn skip_if(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    pub(super) fn skip_any(&mut self, accepts: impl Fn(u8) -> bool) -> bool {
        let there = self.peek().is_some_and(accepts);
        self.at += usize::from(there);
        there
    }

    pub(super) fn skip_text(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text.as_bytes());
        self.at += if there { text.len() } else { 0 };
        there
    }

    pub(super) fn skip_blank(&mut self) {
        self.skip_while(BLANK_MAX, |byte| matches!(byte, b' ' | b'\t'));
    }

    pub(super) fn skip_space(&mut self) {
        self.skip_while(BLANK_MAX, |byte| byte.is_ascii_whitespace());
    }

    pub(super) fn skip_while(&mut self, most: usize, accepts: impl Fn(u8) -> bool) -> Range<usize> {
        let start = self.at;
        self.at += self.rest().iter().take(most).take_while(|byte| accepts(**byte)).count();
        start..self.at
    }
}
