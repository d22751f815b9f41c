//! What was probably meant: the nearest known word by edit distance.

/// Words longer than this are not compared: the work grows with the square of the length.
const WORD_BYTES_MAX: usize = 64;

/// The word of `known` nearest to `written`, when it is near enough to be a slip of the finger.
pub(crate) fn nearest<'k>(written: &str, known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    if written.len() > WORD_BYTES_MAX {
        return None;
    }
    let slips_max = (written.chars().count() / 3).max(1);
    known
        .filter(|word| word.len() <= WORD_BYTES_MAX)
        .map(|word| (distance(written, word), word))
        .filter(|(slips, _)| *slips <= slips_max)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

/// Insertions, deletions, replacements and swaps of neighbours that turn `left` into `right`; `-`, `_` and case are equal.
fn distance(left: &str, right: &str) -> usize {
    let (left, right) = (folded(left), folded(right));
    let mut before_previous: Vec<usize> = Vec::new();
    let mut previous: Vec<usize> = (0..=right.len()).collect();
    for row in 0..left.len() {
        let mut current = vec![row + 1];
        for column in 0..right.len() {
            let replaced = previous[column] + usize::from(left[row] != right[column]);
            let mut best = replaced.min(previous[column + 1] + 1).min(current[column] + 1);
            let swapped =
                row > 0 && column > 0 && left[row] == right[column - 1] && left[row - 1] == right[column];
            if swapped {
                best = best.min(before_previous[column - 1] + 1);
            }
            current.push(best);
        }
        before_previous = previous;
        previous = current;
    }
    previous[right.len()]
}

fn folded(word: &str) -> Vec<char> {
    word.chars().map(|letter| if letter == '-' { '_' } else { letter.to_ascii_lowercase() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_slips_of_the_finger() {
        for (left, right, slips) in [
            ("drain", "drain", 0),
            ("drian", "drain", 1),
            ("darin", "drain", 1),
            ("dran", "drain", 1),
            ("min-healthy", "min_healthy", 0),
            ("", "abc", 3),
        ] {
            assert_eq!(distance(left, right), slips, "{left} {right}");
        }
    }

    #[test]
    fn suggests_only_near_words() {
        let known = ["drain", "watch", "strategy"];
        assert_eq!(nearest("drian", known.into_iter()), Some("drain"));
        assert_eq!(nearest("stratgey", known.into_iter()), Some("strategy"));
        assert_eq!(nearest("colour", known.into_iter()), None);
        assert_eq!(nearest(&"d".repeat(65), known.into_iter()), None);
    }
}
