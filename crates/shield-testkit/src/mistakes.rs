//! Documents with mistakes and what people are told about them, as one file of cases: whoever changes a message sees all that
//! it looks like beside it.

use shield_types::settings::Mistakes;

/// Judges every case of `cases` and returns how many there are.
///
/// A case is `=== title`, edits of the `smallest` document that is accepted (`old => new` replaces once, with `\n` for a line's
/// end; other lines are appended), `---`, and what is printed: the mistakes, or `accepted`.
///
/// # Panics
///
/// With the title and the document, when something else is printed; and for a case that is none.
pub fn assert_told(cases: &str, smallest: &str, judge: impl Fn(&str) -> Result<(), Mistakes>) -> usize {
    let cases = cases.split("=== ").skip(1);
    cases.map(|case| assert_case(case, smallest, &judge)).count()
}

fn assert_case(case: &str, smallest: &str, judge: &impl Fn(&str) -> Result<(), Mistakes>) {
    let (title, rest) = case.split_once('\n').expect("a title has a line of its own");
    let (edits, expected) = rest.split_once("---\n").expect("`---` ends the edits");
    let text = edited(smallest, edits);
    let printed = judge(&text).map_or_else(|mistakes| mistakes.to_string(), |()| "accepted".to_owned());
    assert_eq!(printed, expected.trim_end(), "{title}:\n{text}");
}

fn edited(smallest: &str, edits: &str) -> String {
    let mut text = smallest.to_owned();
    for line in edits.lines() {
        match line.split_once(" => ") {
            Some((old, new)) => {
                assert!(text.contains(old), "nothing to edit: {old}");
                text = text.replacen(old, &new.replace("\\n", "\n"), 1);
            }
            None => text.push_str(&format!("{line}\n")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use shield_types::settings::Reader;

    use super::assert_told;

    fn judge(text: &str) -> Result<(), shield_types::settings::Mistakes> {
        let reader = Reader::new(text, "f");
        let _ = reader.root().integer("a", 0..=9).required();
        reader.finish()
    }

    #[test]
    fn every_case_is_judged() {
        let cases = "=== good\na = 1 => a = 2\n---\naccepted\n=== another key\nb = 2\n---\nf:2: b: not a known key\n    expected: one of a\n    did you mean `a`?\n";
        assert_eq!(assert_told(cases, "a = 1\n", judge), 2);
    }

    #[test]
    fn other_words_fail() {
        for case in ["=== good\n---\nrefused\n", "=== edit\nc => d\n---\naccepted\n", "=== cut\na = 1\n"] {
            assert!(catch_unwind(|| assert_told(case, "a = 1\n", judge)).is_err(), "{case}");
        }
    }
}
