//! What a name says of the value behind it.
//!
//! A name is taken apart into words (`dbPassword`, `DB_PASSWORD`, `db-password`). What a thing is, its last word says: a
//! `password_policy` is a policy, a `token_type` is a type. Of `secret_key_base` only a value that a generator made is believed.

use std::{iter, ops::Range};

use super::words::{
    EMPTY_LAST, GENERIC, HARMLESS_BEFORE, HARMLESS_LAST, KEY_ENDS, KEY_KINDS, PASSWORD_ENDS, PASSWORDS,
};

/// Longest name that is read: longer ones are data.
const NAME_MAX: usize = 96;

/// What a name claims its value to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::secrets) enum Claim {
    /// A password.
    Password,
    /// A secret, token or key of a named use.
    Key,
    /// Something that has to do with credentials; believed only of a value that was generated.
    Related,
}

/// The name around the word found at `hit`, none if it is too long to be one.
pub(in crate::secrets) fn name_around(bytes: &[u8], hit: Range<usize>) -> Option<Range<usize>> {
    let inside = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'$');
    let before = bytes[..hit.start].iter().rev().take(NAME_MAX + 1).take_while(inside).count();
    let behind = bytes[hit.end..].iter().take(NAME_MAX + 1).take_while(inside).count();
    let (mut start, end) = (hit.start - before, hit.end + behind);
    // The letter of an escape (`\n`) belongs to no name.
    let escaped = start > 0 && bytes[start - 1] == b'\\' && matches!(bytes[start], b'n' | b't' | b'r');
    start += usize::from(escaped && start < hit.start);
    (end - start <= NAME_MAX).then_some(start..end)
}

/// What the name claims; none if nothing.
pub(in crate::secrets) fn claim(name: &[u8]) -> Option<Claim> {
    let words = words(name);
    let meaning = trimmed(&words);
    let (last, before) = meaning.split_last()?;
    if harmless(meaning) {
        return None;
    }
    if let Some(claim) = claim_of(last, before) {
        return Some(claim);
    }
    let related = |at: usize| claim_of(&meaning[at], &meaning[..at]).is_some();
    (0..meaning.len()).any(related).then_some(Claim::Related)
}

/// Whether a value says nothing but the words of its name and of all such names: the name of a field, a label.
pub(in crate::secrets) fn repeats_name(name: &[u8], value: &[u8]) -> bool {
    let name = words(name);
    words(value).iter().all(|word| {
        name.contains(word)
            || GENERIC.contains(&word.as_str())
            || word.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn harmless(words: &[String]) -> bool {
    let has = |list: &[&str], word: &String| list.contains(&word.as_str());
    let last = words.last().is_some_and(|last| has(HARMLESS_LAST, last));
    last || words.iter().any(|word| has(HARMLESS_BEFORE, word))
        || words.first().is_some_and(|word| word == "is" || word == "has")
}

fn claim_of(word: &str, before: &[String]) -> Option<Claim> {
    let ends = |ends: &[&str]| ends.iter().any(|end| word.ends_with(end));
    let preceding = before.last().map_or("", String::as_str);
    match word {
        _ if PASSWORDS.contains(&word) && (word != "pass" || !before.is_empty()) => Some(Claim::Password),
        _ if ends(PASSWORD_ENDS) => Some(Claim::Password),
        _ if ends(KEY_ENDS) => Some(Claim::Key),
        "key" if KEY_KINDS.contains(&preceding) => Some(Claim::Key),
        "key" if before.is_empty() => None,
        "key" | "pass" | "auth" | "authorization" | "credential" | "credentials" | "creds" | "cred"
        | "access" | "secrets" | "api" | "tokens" => Some(Claim::Related),
        _ => None,
    }
}

/// Without last words that say nothing: numbers, `value`, `prod`.
fn trimmed(words: &[String]) -> &[String] {
    let empty =
        |word: &String| EMPTY_LAST.contains(&word.as_str()) || word.bytes().all(|byte| byte.is_ascii_digit());
    let kept = words.iter().rposition(|word| !empty(word)).map_or(0, |at| at + 1);
    &words[..kept]
}

/// The words of a name, in lower case.
pub(in crate::secrets) fn words(name: &[u8]) -> Vec<String> {
    let pairs = iter::once(None).chain(name.iter().copied().map(Some)).zip(name.iter().copied().enumerate());
    let mut words = vec![String::new()];
    for (before, (at, byte)) in pairs {
        let next_lower = name.get(at + 1).is_some_and(u8::is_ascii_lowercase);
        let new = before.is_some_and(|before: u8| {
            byte.is_ascii_uppercase()
                && (before.is_ascii_lowercase() || before.is_ascii_uppercase() && next_lower)
                || byte.is_ascii_digit() != before.is_ascii_digit()
        });
        if new || !byte.is_ascii_alphanumeric() {
            words.push(String::new());
        }
        if byte.is_ascii_alphanumeric() {
            words.last_mut().expect("there is always a word").push(char::from(byte.to_ascii_lowercase()));
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fall_into_words() {
        assert_eq!(words(b"dbPassword"), ["db", "password"]);
        assert_eq!(words(b"AWS_SECRETAccessKey2"), ["aws", "secret", "access", "key", "2"]);
        assert_eq!(words(b"spring.datasource.pass-word"), ["spring", "datasource", "pass", "word"]);
    }

    #[test]
    fn last_words_decide() {
        let claims = |name: &str| claim(name.as_bytes());
        for name in [
            "password",
            "DB_PASSWD",
            "smtpPass",
            "POSTGRES_PASSWORD",
            "dbpassword",
            "passwordValue",
            "requirepass",
        ] {
            assert_eq!(claims(name), Some(Claim::Password), "{name}");
        }
        for name in [
            "client_secret",
            "apiKey",
            "SECRET_KEY",
            "authToken",
            "aws_secret_access_key",
            "secret_key_base64",
            "stripe.secretKey",
            "token1",
        ] {
            assert_eq!(claims(name), Some(Claim::Key), "{name}");
        }
        for name in
            ["credentials", "user_auth", "secret_key_material", "cluster_key", "todo_secret_do_not_commit"]
        {
            assert_eq!(claims(name), Some(Claim::Related), "{name}");
        }
        let none = [
            "password_policy",
            "token_type",
            "SECRET_NAME",
            "publicKey",
            "csrf-token",
            "keyboard",
            "author",
            "monkey",
            "credentialsId",
            "PASSWORD_TOO_WEAK",
            "key",
            "client_secret_env",
            "access_id",
            "apiVersion",
            "primaryKey",
            "passenger",
            "compass",
        ];
        for name in none {
            assert_eq!(claims(name), None, "{name}");
        }
    }

    #[test]
    fn names_reach_as_far_as_letters() {
        let text = br#"x = {"db.pass-word_1": 2}"#;
        let hit = 9..13;
        assert_eq!(&text[name_around(text, hit).unwrap()], b"db.pass-word_1");
        let long = [b"a".repeat(NAME_MAX).as_slice(), b"key"].concat();
        assert_eq!(name_around(&long, NAME_MAX..NAME_MAX + 3), None);
    }
}
