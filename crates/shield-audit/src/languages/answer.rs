//! What a server's answer is, as far as the lines before it say.

use std::ops::Range;

/// So many bytes before an answer are looked at, and of it.
const BEFORE_BYTES: usize = 2_000;

/// Names of types that no browser takes for a page, and of what sets them.
const OTHER: [&str; 8] = [
    "text/plain",
    "application/json",
    "octet-stream",
    "text/csv",
    ".type('text",
    ".type('json",
    ".type(\"text",
    ".type(\"json",
];

/// Whether the function around says, before an answer or in it, that it is no page. `begins` are words that begin a function.
pub(super) fn is_no_page(text: &str, answer: Range<usize>, begins: &[&str]) -> bool {
    let start = text.floor_char_boundary(answer.start.saturating_sub(BEFORE_BYTES));
    let before = text.get(start..answer.start).unwrap_or_default();
    let function = begins.iter().filter_map(|word| before.rfind(word)).max().unwrap_or_default();
    let end = text.floor_char_boundary(answer.end.min(answer.start + BEFORE_BYTES));
    let around = text.get(start + function..end).unwrap_or_default();
    OTHER.iter().any(|kind| around.contains(kind))
}

#[cfg(test)]
mod tests {
    use super::is_no_page;

    #[test]
    fn types_are_those_of_the_function_around() {
        let says = |text: &str| {
            let at = text.find("send").unwrap();
            is_no_page(text, at..text.len(), &["function"])
        };
        assert!(says("function f() { a.type('json'); a.send(x) }"));
        assert!(!says("function g() { a.type('json') } function f() { a.send(x) }"));
        assert!(!says(&format!("text/plain {}send", "ü".repeat(2_000))));
    }
}
