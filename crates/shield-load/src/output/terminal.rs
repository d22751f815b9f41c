//! Text in columns of a terminal.
//!
//! A character that may be two columns wide counts as two: a line can come out shorter than it could be, never longer.

/// Columns that a text takes at most.
pub(super) fn columns(text: &str) -> usize {
    text.chars().map(columns_of).sum()
}

/// The text in at most so many columns; what was left out shows as `…`.
pub(super) fn fitted(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let kept = text.chars().take_while(|character| {
        let fits = columns_of(*character) <= left;
        left = left.saturating_sub(columns_of(*character));
        fits
    });
    let kept: String = kept.collect();
    if width == 0 { kept } else { format!("{kept}…") }
}

/// The text in exactly so many columns, at their left.
pub(super) fn left(text: &str, width: usize) -> String {
    let text = fitted(text, width);
    let blanks = width.saturating_sub(columns(&text));
    format!("{text}{}", " ".repeat(blanks))
}

/// The text in exactly so many columns, at their right.
pub(super) fn right(text: &str, width: usize) -> String {
    let text = fitted(text, width);
    let blanks = width.saturating_sub(columns(&text));
    format!("{}{text}", " ".repeat(blanks))
}

/// The text in lines of at most so many columns, broken at blanks, and within words that are longer than a line.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let used = lines.last().map_or(0, |line| columns(line));
        if used > 0 && used + 1 + columns(word) > width {
            lines.push(String::new());
        }
        let line = lines.len() - 1;
        if !lines[line].is_empty() {
            lines[line].push(' ');
        }
        for character in word.chars() {
            let line = lines.len() - 1;
            if columns(&lines[line]) + columns_of(character) > width {
                lines.push(String::new());
            }
            let line = lines.len() - 1;
            lines[line].push(character);
        }
    }
    lines
}

fn columns_of(character: char) -> usize {
    match character {
        // General punctuation, control pictures, box drawing and blocks are narrow; so is everything below Hangul.
        '\0'..='\u{10ff}' | '\u{2010}'..='\u{203a}' | '\u{2400}'..='\u{243f}' | '\u{2500}'..='\u{259f}' => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{columns, fitted, left, right, wrapped};

    #[test]
    fn fits_and_pads() {
        assert_eq!(
            (fitted("abcdef", 4), left("ab", 4), right("ab", 4)),
            ("abc…".into(), "ab  ".into(), "  ab".into())
        );
        assert_eq!((fitted("日本語", 4), left("日本語", 4)), ("日…".into(), "日… ".into()));
    }

    #[test]
    fn breaks_at_blanks_and_long_words() {
        assert_eq!(wrapped("the target is gone", 10), ["the target", "is gone"]);
        assert_eq!(wrapped("at https://a.example", 8), ["at", "https://", "a.exampl", "e"]);
    }

    proptest! {
        #[test]
        fn never_wider(text in any::<String>(), width in 2_usize..40) {
            prop_assert!(columns(&fitted(&text, width)) <= width);
            prop_assert_eq!(columns(&left(&text, width)), width);
            prop_assert!(wrapped(&text, width).iter().all(|line| columns(line) <= width));
        }
    }
}
