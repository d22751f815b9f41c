//! How a value looks: made by a generator, chosen by a person, or no secret at all.
//!
//! Names such as `password` stand before far more than passwords: texts of a user interface, names of variables, references to
//! where the secret is, and examples. A value is only taken for a secret when none of these fits.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{
    example::published,
    words::{self, COMMON, PLACEHOLDERS, WHOLE_PLACEHOLDERS},
};

static PLACEHOLDER: LazyLock<AhoCorasick> = LazyLock::new(|| finder(PLACEHOLDERS));
static COMMON_WORD: LazyLock<AhoCorasick> = LazyLock::new(|| finder(COMMON));

/// What a value seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) enum Look {
    /// Letters and digits without sense: a generator made them.
    Random,
    /// A universally unique identifier: a secret only where the name says so.
    Uuid,
    /// A word or several: perhaps a password that a person chose.
    Chosen,
    /// A text for people, a name, a reference, an example: no secret.
    Harmless,
}

/// Shortest value that is looked at.
const LENGTH_MIN: usize = 4;
/// Longest value of an assignment: keys are shorter.
pub(in crate::secrets) const LENGTH_MAX: usize = 1024;
/// Shortest value that can be called random.
const RANDOM_MIN: usize = 10;
/// Letters in alphabetical order, or digits in order, from which on a value is typed along the keyboard.
const SEQUENCE_MIN: usize = 6;

/// Letters in alphabetical order from which on a token is typed: chance makes no eight.
const SPELLED_MIN: usize = 8;

/// What a value behind a name seems to be.
pub(in crate::secrets) fn look(value: &[u8]) -> Look {
    if !(LENGTH_MIN..=LENGTH_MAX).contains(&value.len()) || refers(value) || is_made_up(value) {
        return Look::Harmless;
    }
    if value.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control()) {
        return Look::Harmless;
    }
    if is_uuid(value) {
        return Look::Uuid;
    }
    let lower = value.to_ascii_lowercase();
    if holds_placeholder(value) || is_address(value) || value.iter().all(|byte| is_number_part(*byte)) {
        return Look::Harmless;
    }
    if is_random(value) {
        return Look::Random;
    }
    match is_identifier_path(value) || holds_placeholder_word(&lower) {
        true => Look::Harmless,
        false => Look::Chosen,
    }
}

/// Whether a token was typed, not issued: few different characters, a sequence, an example that says so.
pub(in crate::secrets) fn is_made_up(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    entropy(value) < 2.0 && value.len() >= 8
        || longest_sequence(&lower) >= SEQUENCE_MIN
        || longest_repeat(&lower) >= 5
        || contains(&lower, b"example")
        || contains(&lower, b"...")
        || published(value)
}

/// Whether a token in the form of a provider's was typed, not issued: mostly repeats and sequences, or a word that says so.
/// Chance makes short ones of both, so only their share counts.
pub(in crate::secrets) fn is_typed_token(random: &[u8]) -> bool {
    const SAYS_SO: [&[u8]; 6] = [b"example", b"placeholder", b"your", b"redacted", b"changeme", b"xxxx"];
    let lower = random.to_ascii_lowercase();
    let typed = in_runs(&lower, continues_sequence) + in_runs(&lower, |before, after| before == after);
    let alphabet =
        lower.chunk_by(|before, after| before.is_ascii_alphabetic() && continues_sequence(*before, *after));
    let spelled = alphabet.map(<[u8]>::len).max().unwrap_or(0);
    entropy(random) < 2.0
        || spelled >= SPELLED_MIN
        || typed * 9 > random.len() * 5
        || SAYS_SO.iter().any(|word| contains(&lower, word))
        || published(random)
}

/// How many characters lie in runs of four and more.
fn in_runs(value: &[u8], continues: impl Fn(u8, u8) -> bool) -> usize {
    let runs = value.chunk_by(|before, after| continues(*before, *after));
    runs.map(<[u8]>::len).filter(|length| *length >= 4).sum()
}

/// Bits for each character, by how often each occurs.
pub(in crate::secrets) fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    value.iter().for_each(|byte| counts[usize::from(*byte)] += 1);
    let length = value.len() as f64;
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|count| f64::from(*count) / length)
        .map(|share| -share * share.log2())
        .sum()
}

/// Whether it says where the secret is, instead of what it is.
pub(in crate::secrets) fn refers(value: &[u8]) -> bool {
    const MARKS: [&[u8]; 12] =
        [b"${", b"$(", b"{{", b"}}", b"<%", b"#{", b"%(", b"%s", b"ENC[", b"op://", b"vault:", b"ssm:/"];
    const CALLS: [&[u8]; 5] = [b"getenv", b"process.env", b"environ", b"secrets.", b"secretsmanager"];
    let enclosed = |open, close| value.first() == Some(&open) && value.last() == Some(&close);
    let lower = value.to_ascii_lowercase();
    MARKS.iter().any(|mark| contains(value, mark))
        || CALLS.iter().any(|call| contains(&lower, call))
        || enclosed(b'<', b'>')
        || enclosed(b'[', b']')
        || enclosed(b'{', b'}')
        || enclosed(b'(', b')')
        || enclosed(b'%', b'%')
        || matches!(value, [b'$', b'2' | b'5' | b'6' | b'a' | b'y', .., ] if value.iter().filter(|byte| **byte == b'$').count() >= 3)
        || matches!(value, [b'$', rest @ ..] if rest.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_'))
        || matches!(value, [b'!' | b'&' | b'*', next, ..] if next.is_ascii_alphabetic())
        || value.starts_with(b"$argon2")
        || value.starts_with(b"sha256:")
        || value.starts_with(b"sha512-")
        || value.starts_with(b"arn:")
        || value.starts_with(b"data:")
}

/// Whether it says somewhere that it is to be replaced.
pub(in crate::secrets) fn holds_placeholder(value: &[u8]) -> bool {
    PLACEHOLDER.is_match(value)
}

fn holds_placeholder_word(lower: &[u8]) -> bool {
    words::split(lower).any(|word| WHOLE_PLACEHOLDERS.iter().any(|other| other.as_bytes() == word))
}

fn finder(words: &[&str]) -> AhoCorasick {
    let built = AhoCorasick::builder().ascii_case_insensitive(true).build(words);
    built.expect("a hundred short words are far below the limits of an automaton")
}

fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

fn is_number_part(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-' | b'+' | b':' | b'T' | b'Z' | b'_' | b' ')
}

/// A path, an address, a mailbox, a host.
fn is_address(value: &[u8]) -> bool {
    let path = matches!(value, [b'/' | b'~', next, ..] if next.is_ascii_alphabetic())
        && value[1..].iter().filter(|byte| **byte == b'/').count() >= 1;
    let relative = value.starts_with(b"./") || value.starts_with(b"../") || value.starts_with(b"http");
    let at = value.iter().position(|byte| *byte == b'@');
    let mailbox = at
        .is_some_and(|at| at > 0 && value[at + 1..].contains(&b'.') && !value[at + 1..].contains(&b'@'))
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'@' | b'.' | b'_' | b'-' | b'+'));
    path || relative || contains(value, b"://") || mailbox
}

/// Names joined by points, colons or slashes, or one in upper case: `settings.API_KEY`, `rate:limit:client`, `DB_PASSWORD`.
fn is_identifier_path(value: &[u8]) -> bool {
    let name = |part: &[u8]| {
        part.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
            && part
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'(' | b')'))
    };
    let separator = |byte: &u8| matches!(byte, b'.' | b':' | b'/' | b',' | b'|');
    let parts = value.split(separator).filter(|part| !part.is_empty());
    let joined = value.iter().any(separator) && parts.clone().all(name);
    let upper = value.contains(&b'_')
        && value.iter().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_');
    let call = value.ends_with(b"()") || value.ends_with(b")") && value.contains(&b'(');
    joined || upper || call
}

/// Whether letters and digits alternate as no word does.
fn is_random(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if value.len() < RANDOM_MIN || digits < 2 || !value.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    let hex = value.iter().all(u8::is_ascii_hexdigit) && value.len() >= 16;
    let least = if hex { 2.5 } else { 2.9 };
    if entropy(value) < least || COMMON_WORD.is_match(value) {
        return false;
    }
    let breaks = value.windows(2).filter(|pair| breaks_word(pair[0], pair[1])).count();
    let letters = value.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    letters > 0 && breaks * 6 >= value.len() && longest_lower_run(value) < 8
}

/// Whether two characters stand side by side as in no written name: a digit and a letter, or a capital inside a word.
fn breaks_word(before: u8, after: u8) -> bool {
    before.is_ascii_digit() && after.is_ascii_alphabetic()
        || before.is_ascii_alphabetic() && after.is_ascii_digit()
        || before.is_ascii_lowercase() && after.is_ascii_uppercase()
        || after.is_ascii_punctuation() && !matches!(after, b'-' | b'_' | b'.' | b'/' | b':')
}

fn longest_lower_run(value: &[u8]) -> usize {
    value.split(|byte| !byte.is_ascii_lowercase()).map(<[u8]>::len).max().unwrap_or(0)
}

/// How many characters follow each other by one in the alphabet: 6 in `x123456`.
fn longest_sequence(lower: &[u8]) -> usize {
    longest(lower, continues_sequence)
}

fn continues_sequence(before: u8, after: u8) -> bool {
    before.checked_add(1) == Some(after) && before.is_ascii_alphanumeric() || (before, after) == (b'9', b'0')
}

fn longest_repeat(lower: &[u8]) -> usize {
    longest(lower, |before, after| before == after)
}

fn longest(value: &[u8], continues: impl Fn(u8, u8) -> bool) -> usize {
    value.chunk_by(|before, after| continues(*before, *after)).map(<[u8]>::len).max().unwrap_or(0)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(values: &[&str], expected: Look) {
        for value in values {
            assert_eq!(look(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn generated_values_are_random() {
        looks(
            &[
                "Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB",
                "6da89121079f83b2eb6acccf8219ea982c3d79bccc3e9c6a85856480661f8fde",
                "d2LkV78zLx!t",
                "eyJ0eXAioiJKV1slS3oASx==",
                "h0pk1ns~21s",
            ],
            Look::Random,
        );
        looks(&["dafa7817-e246-48f3-91a7-e87653d587b8"], Look::Uuid);
    }

    #[test]
    fn words_are_chosen() {
        looks(&["linkshield_password", "SecurePass123!", "hunter2", "battery-horse-staple"], Look::Chosen);
    }

    #[test]
    fn examples_and_references_are_harmless() {
        looks(
            &[
                "changeme",
                "your-super-secret-key-change-this-in-production",
                "${DB_PASSWORD}",
                "{{ vault.password }}",
                "<password>",
                "$PASSWORD",
                "%DB_PASSWORD%",
                "sk-1234567890abcdef",
                "vt_***masked***",
                "Current password is incorrect",
                "DISCORD_CLIENT_SECRET",
                "settings.API_KEY",
                "rate_limit:client:testclient",
                "/run/secrets/db_password",
                "someone@company.com",
                "2024-01-15T10:30:00Z",
                "xxxxxxxxxxxxxxxx",
                "AKIAIOSFODNN7EXAMPLE",
                "bcrypt$2b$12$...",
                "$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW",
                "abc",
                "https://github.com/login/oauth/access_token",
            ],
            Look::Harmless,
        );
    }
}
