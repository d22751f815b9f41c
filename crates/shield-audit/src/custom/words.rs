//! Sorting files out by words.

use aho_corasick::AhoCorasick;
use shield_types::settings::{Refusal, Table};

/// Longest word, in bytes.
const WORD_BYTES_MAX: usize = 100;
/// What `words` are.
const ACCEPTED: &str = "texts of 1 to 100 bytes, one of which is in every file with a finding";

/// Which of some rules can find anything in a text: those one of whose words is in it, and those without words.
#[derive(Debug, Default)]
pub(super) struct Words {
    automaton: Option<AhoCorasick>,
    /// Whose each word is.
    means: Vec<usize>,
    always: Vec<usize>,
    count: usize,
}

/// Reads `words`; empty if there are none.
pub(super) fn read(table: &Table<'_>) -> Option<Vec<String>> {
    let words = table.list_of("words", |word| match word.len() {
        1..=WORD_BYTES_MAX => Ok(word),
        _ => Err(Refusal::new("not a word", ACCEPTED)),
    });
    let words = words.and_then(|words| match words.is_empty() {
        true => Err(Refusal::new("empty", ACCEPTED)),
        false => Ok(words),
    });
    words.or(Vec::new()).take()
}

// === impl Words ===

impl Words {
    pub(super) fn of<'w>(rules: impl Iterator<Item = &'w [String]>) -> Self {
        let mut all = Self::default();
        let mut words = Vec::new();
        for (at, own) in rules.enumerate() {
            all.count += 1;
            if own.is_empty() {
                all.always.push(at);
            }
            words.extend(own.iter().map(String::as_str));
            all.means.extend(own.iter().map(|_| at));
        }
        let built = (!words.is_empty()).then(|| AhoCorasick::new(&words));
        all.automaton = built.map(|built| built.expect("a rule file of bounded length has few enough words"));
        all
    }

    /// The rules that can find something in a text, in their order.
    pub(super) fn of_text(&self, text: &str) -> Vec<usize> {
        let mut seen = vec![false; self.count];
        self.always.iter().for_each(|at| seen[*at] = true);
        for found in self.automaton.iter().flat_map(|automaton| automaton.find_overlapping_iter(text)) {
            seen[self.means[found.pattern().as_usize()]] = true;
        }
        (0..self.count).filter(|at| seen[*at]).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_sort_rules_out() {
        let rules =
            [vec!["ab".to_owned(), "bc".to_owned()], vec![], vec!["abc".to_owned()], vec!["x".to_owned()]];
        let words = Words::of(rules.iter().map(Vec::as_slice));
        assert_eq!(words.of_text("_abc_"), [0, 1, 2]);
        assert_eq!(words.of_text("x"), [1, 3]);
        assert_eq!(Words::default().of_text("x"), Vec::<usize>::new());
    }
}
