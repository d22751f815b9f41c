//! Letters that Python folds into ASCII (NFKC): an identifier with one of them is another one than it looks.

use std::{cmp::Ordering, ops::RangeInclusive};

const BLOCK_BYTES: usize = 256;

/// Whether a text has a letter that may be in an identifier and is folded into ASCII letters, digits or `_`.
pub(super) fn has_folded(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = first_beyond_ascii(rest.as_bytes()) {
        rest = &rest[at..];
        let mut letters = rest.chars();
        if letters.next().is_some_and(is_folded) {
            return true;
        }
        rest = letters.as_str();
    }
    false
}

/// Where the first byte is that is no ASCII: whole blocks are passed over at once.
fn first_beyond_ascii(bytes: &[u8]) -> Option<usize> {
    let blocks = bytes.chunks(BLOCK_BYTES).take_while(|block| block.is_ascii()).count();
    let start = bytes.len().min(blocks * BLOCK_BYTES);
    bytes[start..].iter().position(|byte| !byte.is_ascii()).map(|at| start + at)
}

fn is_folded(letter: char) -> bool {
    let order = |range: &RangeInclusive<char>| {
        if letter < *range.start() {
            Ordering::Greater
        } else if letter > *range.end() {
            Ordering::Less
        } else {
            Ordering::Equal
        }
    };
    LETTERS.binary_search_by(order).is_ok()
}

/// All of these letters, in their order.
const LETTERS: [RangeInclusive<char>; 76] = [
    '\u{aa}'..='\u{aa}',
    '\u{ba}'..='\u{ba}',
    '\u{132}'..='\u{133}',
    '\u{17f}'..='\u{17f}',
    '\u{1c7}'..='\u{1cc}',
    '\u{1f1}'..='\u{1f3}',
    '\u{2b0}'..='\u{2b0}',
    '\u{2b2}'..='\u{2b3}',
    '\u{2b7}'..='\u{2b8}',
    '\u{2e1}'..='\u{2e3}',
    '\u{1d2c}'..='\u{1d2c}',
    '\u{1d2e}'..='\u{1d2e}',
    '\u{1d30}'..='\u{1d31}',
    '\u{1d33}'..='\u{1d3a}',
    '\u{1d3c}'..='\u{1d3c}',
    '\u{1d3e}'..='\u{1d43}',
    '\u{1d47}'..='\u{1d49}',
    '\u{1d4d}'..='\u{1d4d}',
    '\u{1d4f}'..='\u{1d50}',
    '\u{1d52}'..='\u{1d52}',
    '\u{1d56}'..='\u{1d58}',
    '\u{1d5b}'..='\u{1d5b}',
    '\u{1d62}'..='\u{1d65}',
    '\u{1d9c}'..='\u{1d9c}',
    '\u{1da0}'..='\u{1da0}',
    '\u{1dbb}'..='\u{1dbb}',
    '\u{2071}'..='\u{2071}',
    '\u{207f}'..='\u{207f}',
    '\u{2090}'..='\u{2093}',
    '\u{2095}'..='\u{209f}',
    '\u{2102}'..='\u{2102}',
    '\u{210a}'..='\u{210e}',
    '\u{2110}'..='\u{2113}',
    '\u{2115}'..='\u{2115}',
    '\u{2119}'..='\u{211d}',
    '\u{2124}'..='\u{2124}',
    '\u{2128}'..='\u{2128}',
    '\u{212a}'..='\u{212a}',
    '\u{212c}'..='\u{212d}',
    '\u{212f}'..='\u{2131}',
    '\u{2133}'..='\u{2134}',
    '\u{2139}'..='\u{2139}',
    '\u{2145}'..='\u{2149}',
    '\u{2160}'..='\u{217f}',
    '\u{2c7c}'..='\u{2c7d}',
    '\u{a7f1}'..='\u{a7f4}',
    '\u{fb00}'..='\u{fb06}',
    '\u{fe33}'..='\u{fe34}',
    '\u{fe4d}'..='\u{fe4f}',
    '\u{ff10}'..='\u{ff19}',
    '\u{ff21}'..='\u{ff3a}',
    '\u{ff3f}'..='\u{ff3f}',
    '\u{ff41}'..='\u{ff5a}',
    '\u{107a5}'..='\u{107a5}',
    '\u{1ccf0}'..='\u{1ccf9}',
    '\u{1d400}'..='\u{1d454}',
    '\u{1d456}'..='\u{1d49c}',
    '\u{1d49e}'..='\u{1d49f}',
    '\u{1d4a2}'..='\u{1d4a2}',
    '\u{1d4a5}'..='\u{1d4a6}',
    '\u{1d4a9}'..='\u{1d4ac}',
    '\u{1d4ae}'..='\u{1d4b9}',
    '\u{1d4bb}'..='\u{1d4bb}',
    '\u{1d4bd}'..='\u{1d4c3}',
    '\u{1d4c5}'..='\u{1d505}',
    '\u{1d507}'..='\u{1d50a}',
    '\u{1d50d}'..='\u{1d514}',
    '\u{1d516}'..='\u{1d51c}',
    '\u{1d51e}'..='\u{1d539}',
    '\u{1d53b}'..='\u{1d53e}',
    '\u{1d540}'..='\u{1d544}',
    '\u{1d546}'..='\u{1d546}',
    '\u{1d54a}'..='\u{1d550}',
    '\u{1d552}'..='\u{1d6a3}',
    '\u{1d7ce}'..='\u{1d7ff}',
    '\u{1fbf0}'..='\u{1fbf9}',
];
