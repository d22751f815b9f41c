//! What attackers try first, known without a network.
//!
//! `common.txt`: 18,039 common passwords of six characters or more, in lower case and in order (from Django's list,
//! BSD-3-Clause, see `common.LICENSE`); 8,343 of them have eight characters or more, where ASVS 5.0, 6.2.4 asks for
//! 3,000. It is searched as it is: exact, and without memory of its own. And two patterns that no list holds in full: rows
//! of a keyboard or of the alphabet, and a short text repeated.

use std::cmp::Ordering;

const COMMON: &str = include_str!("common.txt");
/// Digits and signs that people append to a common password when they are told to change it.
const DECORATION_MAX: usize = 5;
/// What fingers walk along: rows, and the slanted columns.
const TRACKS: [&str; 14] = [
    "1234567890-=",
    "qwertyuiop[]",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
];

/// Whether a password in lower case is a common one, bare or with up to five digits and signs after it.
pub(super) fn is_common(lower: &str) -> bool {
    let bare = lower.trim_end_matches(|character: char| !character.is_alphabetic());
    listed(lower) || (lower[bare.len()..].chars().count() <= DECORATION_MAX && listed(bare))
}

/// Whether a password in lower case is a pattern: three of four steps between its characters go along a row, up or
/// down the alphabet, or nowhere; or it is one text of up to four characters over and over.
pub(super) fn is_predictable(lower: &str) -> bool {
    let characters: Vec<char> = lower.chars().collect();
    let surprises = characters.windows(2).filter(|pair| !is_small_step(pair[0], pair[1])).count();
    let repeats =
        |period| characters.iter().skip(period).eq(characters.iter().take(characters.len() - period));
    surprises * 4 < characters.len()
        || (1..=4).any(|period| characters.len() >= 2 * period && repeats(period))
}

fn is_small_step(from: char, to: char) -> bool {
    u32::from(from).abs_diff(u32::from(to)) <= 1 || TRACKS.iter().any(|track| are_neighbours(track, from, to))
}

fn are_neighbours(track: &str, from: char, to: char) -> bool {
    match (track.find(from), track.find(to)) {
        (Some(from), Some(to)) => from.abs_diff(to) == 1,
        _ => false,
    }
}

/// Binary search over the lines of the list.
fn listed(lower: &str) -> bool {
    let (mut low, mut high) = (0, COMMON.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = COMMON[low..middle].rfind('\n').map_or(low, |end| low + end + 1);
        let line = COMMON[start..].lines().next().unwrap_or_default();
        match lower.cmp(line) {
            Ordering::Equal => return true,
            Ordering::Less => high = start,
            Ordering::Greater => low = start + line.len() + 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{COMMON, is_common, is_predictable, listed};

    #[test]
    fn asvs_v6_2_4_holds_3000_that_a_policy_would_pass() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.iter().filter(|line| line.len() >= 8).count() >= 3_000);
        assert!(lines.windows(2).all(|pair| pair[0] < pair[1]), "sorted, or the search misses some");
        assert!(COMMON.is_ascii() && COMMON.to_lowercase() == COMMON && COMMON.ends_with('\n'));
        assert!(lines.iter().all(|line| listed(line)), "each is found");
    }

    #[test]
    fn finds_common_ones_in_their_usual_dress() {
        for password in ["password", "password1", "iloveyou2024", "football!", "trustno1", "princess12!?"] {
            assert!(is_common(password), "{password}");
        }
        for password in ["password482137", "correcthorse", "", "1234", "tr0ub4dor&3"] {
            assert!(!is_common(password), "{password}");
        }
    }

    #[test]
    fn finds_walks_and_repeats() {
        for password in [
            "qwertyuiop",
            "1qaz2wsx",
            "asdfghjkl",
            "poiuytrewq",
            "abcdefgh",
            "87654321",
            "aaaaaaaa",
            "abcabcabc",
            "xy12xy12xy12",
            "qwerty123456",
            "zaqwsxcde",
            "абвгдежз",
            "20202020",
            "azertyuiop",
        ] {
            assert!(is_predictable(password), "{password}");
        }
        for password in ["correcthorse", "wombat-seventy", "k7#mq2!x", "пароль-для-кота", "understanding it"]
        {
            assert!(!is_predictable(password), "{password}");
        }
    }

    proptest! {
        #[test]
        fn search_agrees_with_a_scan(text in "[a-z0-9]{6,8}", index in 0_usize..18_039) {
            prop_assert_eq!(listed(&text), COMMON.lines().any(|line| line == text));
            prop_assert!(listed(COMMON.lines().nth(index).unwrap()));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,140}") {
            let _ = (is_common(&text), is_predictable(&text));
        }
    }
}
