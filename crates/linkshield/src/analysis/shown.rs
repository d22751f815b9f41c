//! Making parts of a hostile URL fit to be printed.
//!
//! Evidence ends up in terminals, logs and web pages: invisible, control and direction-changing characters are
//! written as `\u{…}`, and the text is cut, so that the report about a trick cannot play the trick again.

/// Longest evidence in characters.
const SHOWN_CHARS_MAX: usize = 80;

/// `text` with invisible characters escaped, cut after 80 characters.
pub(crate) fn shown(text: &str) -> String {
    let mut result = String::with_capacity(text.len().min(SHOWN_CHARS_MAX * 4));
    for (index, character) in text.chars().enumerate() {
        if index == SHOWN_CHARS_MAX {
            result.push('…');
            break;
        }
        if invisible(character) {
            result.extend(character.escape_unicode());
        } else {
            result.push(character);
        }
    }
    result
}

/// Whether a reader cannot see this character or its effect: controls, formats, direction changes, odd spaces.
pub(crate) fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202F}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Whether this character changes the direction in which the letters after it are drawn. The plain marks (U+200E, U+200F,
/// U+061C) turn no letters around, and programs append them to honest links.
pub(crate) fn reorders(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_invisible_characters() {
        assert_eq!(shown("a\u{202E}b\nc"), "a\\u{202e}b\\u{a}c");
    }

    #[test]
    fn cuts_long_text() {
        assert_eq!(shown(&"é".repeat(200)).chars().count(), SHOWN_CHARS_MAX + 1);
    }
}
