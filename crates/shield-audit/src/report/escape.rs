//! Text that came from outside, made harmless for each form of a report.
//!
//! Names of files, code and advisories are written by strangers. [`visible`] leaves nothing in them that a terminal obeys, that
//! reorders a line, or that XML 1.0 forbids: a control character becomes its picture (`␛`, `␊`), so that it is still seen and one
//! line stays one line. The other functions also take away what their form reads as markup.

use std::fmt::Write as _;

/// Has no width, and no line breaks there.
const JOINER: &str = "\u{2060}";

/// The text with every character visible.
pub(super) fn visible(text: &str) -> String {
    text.chars().map(visible_character).collect()
}

/// The text in at most so many characters; what was left out shows as `…`.
pub(super) fn within(text: &str, characters_max: usize) -> String {
    match text.char_indices().nth(characters_max) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Visible, for an element or a quoted attribute of HTML or XML.
pub(super) fn html(text: &str) -> String {
    escaped(text, &|character| character == '\'')
}

/// Visible, for anywhere in Markdown that is not the start of a line: nothing of it is markup, a link, or calls anybody.
pub(super) fn markdown(text: &str) -> String {
    unlinked(text, |character| "\\`*_[]<>|&~$^!{}\"".contains(character))
}

/// Visible, as code in Markdown. An element of HTML, since the text may hold any number of backticks.
pub(super) fn markdown_code(text: &str) -> String {
    const PLAIN: &str = " -/.,:()=+@#";
    let mark = |character: char| {
        character.is_ascii() && !character.is_ascii_alphanumeric() && !PLAIN.contains(character)
    };
    format!("<code>{}</code>", unlinked(text, mark))
}

/// Escaped, with something invisible wherever a host would begin a link: it looks for them in what was rendered.
fn unlinked(text: &str, marks: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let begins = (character == '/' && out.ends_with(':')) || (character == '.' && out.ends_with("www"));
        out.push_str(if begins { JOINER } else { "" });
        out.push_str(&escaped(character.encode_utf8(&mut [0; 4]), &marks));
        out.push_str(if matches!(character, '@' | '#') { JOINER } else { "" });
    }
    out
}

/// A sentence in which `backticks` mark code, with each piece made harmless by one of two functions.
pub(super) fn sentence(text: &str, plain: impl Fn(&str) -> String, code: impl Fn(&str) -> String) -> String {
    let pieces: Vec<&str> = text.split('`').collect();
    // An odd one at the end marks nothing.
    let closed = pieces.len() - usize::from(pieces.len().is_multiple_of(2));
    let mut sentence = String::new();
    for (number, piece) in pieces[..closed].iter().enumerate() {
        let inside = number % 2 == 1;
        sentence.push_str(&if inside { code(piece) } else { plain(piece) });
    }
    for piece in &pieces[closed..] {
        sentence.push_str(&plain(&format!("`{piece}")));
    }
    sentence
}

/// A relative path as a relative reference of RFC 3986. Its first part cannot be taken for a scheme.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte))
            }
            _ => write!(uri, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    uri
}

fn escaped(text: &str, marks: &impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars().map(visible_character) {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other if marks(other) => {
                write!(out, "&#{};", u32::from(other)).expect("a string takes everything")
            }
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
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_characters_become_pictures() {
        assert_eq!(visible("a\x1b[31m\r\nb\0\x7f"), "a␛[31m␍␊b␀␡");
        assert_eq!(visible("\u{202e}\u{9b}\u{feff}"), "\u{fffd}\u{fffd}\u{fffd}");
    }

    #[test]
    fn markup_of_each_form_is_taken_away() {
        assert_eq!(html("<a b='\"'>&"), "&lt;a b=&#39;&quot;&#39;&gt;&amp;");
        assert_eq!(markdown("a|b\n@me #1 <b>"), "a&#124;b␊@\u{2060}me #\u{2060}1 &lt;b&gt;");
        assert_eq!(markdown_code("a`|*</code>"), "<code>a&#96;&#124;&#42;&lt;/code&gt;</code>");
        let link = markdown("see http://www.e.org");
        assert_eq!(link, "see http:\u{2060}//www\u{2060}.e.org");
        assert_eq!(uri("a b/ü%:\n"), "a%20b/%C3%BC%25%3A%0A");
    }

    #[test]
    fn backticks_mark_code() {
        let of = |text| sentence(text, |piece| format!("({piece})"), |piece| format!("[{piece}]"));
        assert_eq!(of("a `b` c"), "(a )[b]( c)");
        assert_eq!(of("a `b` c `d"), "(a )[b]( c )(`d)");
        assert_eq!(of(""), "()");
    }

    #[test]
    fn cuts_between_characters_only() {
        assert_eq!((within("äöü", 2).as_str(), within("äöü", 3).as_str()), ("äö…", "äöü"));
    }

    proptest! {
        #[test]
        fn nothing_that_is_markup_is_left(text in any::<String>()) {
            prop_assert!(!html(&text).contains(['<', '>', '"', '\'', '\n']));
            prop_assert!(!markdown(&text).contains(['<', '>', '`', '|', '*', '_', '[', '\\', '\n', '\r']));
            let code = markdown_code(&text);
            let inside = code.strip_prefix("<code>").and_then(|rest| rest.strip_suffix("</code>")).unwrap();
            prop_assert!(!inside.contains(['<', '>', '`', '|', '*', '_', '[', '\\', '\n', '\r']));
            prop_assert!(uri(&text).bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(sentence(&text, str::to_owned, |code| format!("`{code}`")), text);
        }
    }
}
