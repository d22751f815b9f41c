//! Text that came from outside, made harmless.
//!
//! Names, URLs and details of failures are written by targets and by other tools. [`visible`] leaves nothing in them that a
//! terminal obeys, that reorders a line, or that XML 1.0 forbids: a control character becomes its picture (`␛`, `␊`), so that
//! it is still seen, and one line stays one line. [`escaped`] also takes away what HTML and XML read as markup.

/// Bytes that a name may take in a document.
pub(super) const NAME_BYTES_MAX: usize = 160;
/// Bytes that a sentence may take in a document.
pub(super) const SENTENCE_BYTES_MAX: usize = 500;

/// The text with every character visible.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(visible_character).collect()
}

/// The text for an element or a quoted attribute of HTML or XML.
pub(super) fn escaped(text: &str) -> String {
    markup_escaped(&visible(text))
}

/// The same in at most so many bytes; what was left out shows as `…`.
pub(super) fn escaped_within(text: &str, bytes_max: usize) -> String {
    let ellipsis = '…';
    let mut out = String::new();
    for character in text.chars() {
        let piece = escaped(character.encode_utf8(&mut [0; 4]));
        if out.len() + piece.len() + ellipsis.len_utf8() > bytes_max {
            out.push(ellipsis);
            break;
        }
        out.push_str(&piece);
    }
    out
}

/// Takes away markup and keeps line breaks; for text whose pieces are visible already.
pub(super) fn markup_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn visible_character(character: char) -> char {
    match character {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\x7f' => '␡',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        // Line separators, marks and embeddings of direction, and the byte order mark: invisible, and they move what follows.
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            '\u{fffd}'
        }
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{escaped, escaped_within, visible};

    #[test]
    fn control_characters_become_pictures() {
        assert_eq!(visible("a\x1b[31m\r\nb\0\x7f"), "a␛[31m␍␊b␀␡");
        assert_eq!(visible("\u{202e}\u{9b}\u{feff}"), "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escaped("</script><a b='\"'>&"), "&lt;/script&gt;&lt;a b=&#39;&quot;&#39;&gt;&amp;");
    }

    #[test]
    fn cuts_between_characters_only() {
        assert_eq!(escaped_within("a\"\"", 13), "a&quot;…");
        assert_eq!(escaped_within("äöü", 6), "ä…");
        assert_eq!(escaped_within("abc", 6), "abc");
    }

    proptest! {
        #[test]
        fn keeps_within_its_bytes(text in any::<String>(), bytes_max in 3_usize..50) {
            let shown = escaped_within(&text, bytes_max);
            prop_assert!(shown.len() <= bytes_max, "{shown}");
            prop_assert!(!shown.contains(['<', '>', '"', '\'']));
            prop_assert!(!shown.chars().any(char::is_control));
        }
    }
}
