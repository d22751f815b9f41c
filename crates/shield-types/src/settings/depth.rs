//! Refuses names with absurdly many parts before the TOML parser sees them.
//!
//! The parser bounds the nesting of brackets, but `a.a.a.….a` builds one table per dot and dropping those is recursive: a
//! long enough name would overflow the stack. Only dots outside texts and comments count.

/// Most dots in one name; the deepest real setting has four.
const DOTS_MAX: usize = 32;

/// Where the scanner stands.
#[derive(Clone, Copy)]
enum Inside {
    Plain,
    Comment,
    /// A text ended by this quote; three of them when `long`.
    Text {
        quote: u8,
        long: bool,
    },
}

/// The offset at which a name gets one dot too many.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut inside = Inside::Plain;
    let mut dots = 0;
    let mut at = 0;
    while at < bytes.len() {
        let (next, step) = advance(inside, &bytes[at..]);
        if matches!(inside, Inside::Plain) {
            match bytes[at] {
                b'.' => dots += 1,
                b'=' | b'\n' | b',' | b'{' | b'[' => dots = 0,
                _ => {}
            }
            if dots > DOTS_MAX {
                return Some(at);
            }
        }
        inside = next;
        at += step;
    }
    None
}

/// What follows the first byte of `rest`, and how many bytes that consumed.
fn advance(inside: Inside, rest: &[u8]) -> (Inside, usize) {
    match (inside, rest[0]) {
        (Inside::Plain, b'#') => (Inside::Comment, 1),
        (Inside::Plain, quote @ (b'"' | b'\'')) => {
            let long = rest.starts_with(&[quote; 3]);
            (Inside::Text { quote, long }, if long { 3 } else { 1 })
        }
        (Inside::Text { quote: b'"', .. }, b'\\') => (inside, 2),
        (Inside::Text { quote, long: true }, byte) if byte == quote && rest.starts_with(&[quote; 3]) => {
            (Inside::Plain, 3)
        }
        (Inside::Text { quote, long: false }, byte) if byte == quote => (Inside::Plain, 1),
        (Inside::Comment | Inside::Text { long: false, .. }, b'\n') => (Inside::Plain, 1),
        _ => (inside, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_name_that_never_ends() {
        let deep = format!("x = 1\n[{}a]\n", "a.".repeat(33));
        assert_eq!(too_deep(&deep), Some(7 + 65));
        assert!(too_deep(&format!("v = {{ {}a = 1 }}", "a . ".repeat(40))).is_some());
        assert!(too_deep(&format!("{}a = 1", "\"a\".".repeat(40))).is_some());
    }

    #[test]
    fn leaves_dots_in_texts_alone() {
        let dots = ".a".repeat(100);
        for text in [
            format!("# {dots}\nx = 1"),
            format!("x = \"{dots}\""),
            format!("x = '{dots}'"),
            format!("x = \"\"\"\n{dots}\n\"\"\""),
            format!("x = \"\\\"{dots}\""),
            "a.b = 1.5\n".repeat(100),
        ] {
            assert_eq!(too_deep(&text), None, "{text}");
        }
    }
}
