//! The text of a key and the digest that stands for it.

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use shield_types::Secret;

use super::base62::{KEY_LETTERS, SUM_LETTERS, encode_bytes, encode_sum};

/// Letters of an application's prefix.
const PREFIX_MAX: usize = 16;
/// Letters of the random part that lists show: of 43, so they help nobody guess the rest.
pub(super) const HINT_LETTERS: usize = 4;

/// Which data a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// The real ones.
    Live,
    /// Those to try things on.
    Test,
}

/// How an application's keys look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyFormat {
    /// `PREFIX_live_`.
    live: String,
    /// `PREFIX_test_`.
    test: String,
}

/// A prefix that keys cannot have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("begin API keys with `{prefix}`: expected 1 to {PREFIX_MAX} lower-case letters and digits")]
pub struct ApiKeyFormatError {
    /// As given, cut at 80 characters.
    pub prefix: String,
}

/// What a key is stored and found under: a SHA-256 over its environment and random letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiKeyDigest([u8; 32]);

/// A key that was just made. Its text is shown once and kept nowhere.
#[derive(Clone, Debug)]
pub struct IssuedApiKey {
    /// The key.
    pub text: Secret<String>,
    /// What is stored.
    pub digest: ApiKeyDigest,
    /// The first letters of its random part, for lists.
    pub hint: String,
}

/// A key that came in a request and is well-formed. Nothing says yet that it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentedApiKey {
    /// Which data it claims to open; part of the digest, so the claim cannot be changed.
    pub environment: Environment,
    /// Whoever has them has the key.
    letters: Secret<[u8; KEY_LETTERS]>,
}

/// Text that is not a key of this application.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseApiKeyError {
    /// It begins like no key of ours: perhaps another kind of credential.
    #[error("read an API key: it has another prefix")]
    Prefix,
    /// It begins like one, and is too long, too short, or has other characters.
    #[error(
        "read an API key: expected {KEY_LETTERS} letters and {SUM_LETTERS} of checksum behind the prefix"
    )]
    Letters,
    /// The last letters do not fit the others: mistyped, cut, or made up.
    #[error("read an API key: its checksum does not fit")]
    Checksum,
}

// === impl ApiKeyFormat ===

impl ApiKeyFormat {
    /// Keys that begin with `PREFIX_live_` and `PREFIX_test_`; LinkShield's prefix is `ls`.
    pub fn new(prefix: &str) -> Result<Self, ApiKeyFormatError> {
        let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        match (1..=PREFIX_MAX).contains(&prefix.len()) && prefix.bytes().all(known) {
            true => Ok(Self { live: format!("{prefix}_live_"), test: format!("{prefix}_test_") }),
            false => Err(ApiKeyFormatError { prefix: prefix.chars().take(80).collect() }),
        }
    }

    /// Makes a key from bytes of a cryptographic generator (ASVS 5.0, 11.5.1).
    pub fn issue(&self, environment: Environment, random: [u8; 32]) -> IssuedApiKey {
        let letters = encode_bytes(random);
        let mut text = self.prefix(environment).as_bytes().to_vec();
        text.extend(letters);
        text.extend(encode_sum(crc32fast::hash(&text)));
        let text = String::from_utf8(text).expect("prefix and base62 are ASCII");
        let hint = letters[..HINT_LETTERS].iter().copied().map(char::from).collect();
        IssuedApiKey { text: Secret::new(text), digest: ApiKeyDigest::of(environment, &letters), hint }
    }

    /// Whether a credential begins like a key of ours, and so is no bearer token of another kind.
    pub fn begins(&self, text: &[u8]) -> bool {
        self.environment(text).is_some()
    }

    /// Reads what came in a request.
    pub fn parse(&self, text: &[u8]) -> Result<PresentedApiKey, ParseApiKeyError> {
        let (environment, rest) = self.environment(text).ok_or(ParseApiKeyError::Prefix)?;
        if rest.len() != KEY_LETTERS + SUM_LETTERS || !rest.iter().all(u8::is_ascii_alphanumeric) {
            return Err(ParseApiKeyError::Letters);
        }
        let (summed, sum) = text.split_at(text.len() - SUM_LETTERS);
        if sum != encode_sum(crc32fast::hash(summed)) {
            return Err(ParseApiKeyError::Checksum);
        }
        let letters = rest.first_chunk().expect("the length was just checked");
        Ok(PresentedApiKey { environment, letters: Secret::new(*letters) })
    }

    fn environment<'a>(&self, text: &'a [u8]) -> Option<(Environment, &'a [u8])> {
        let of = |environment| {
            text.strip_prefix(self.prefix(environment).as_bytes()).map(|rest| (environment, rest))
        };
        of(Environment::Live).or_else(|| of(Environment::Test))
    }

    fn prefix(&self, environment: Environment) -> &str {
        match environment {
            Environment::Live => &self.live,
            Environment::Test => &self.test,
        }
    }
}

// === impl PresentedApiKey ===

impl PresentedApiKey {
    /// What it is stored under, if it exists.
    pub fn digest(&self) -> ApiKeyDigest {
        ApiKeyDigest::of(self.environment, self.letters.expose())
    }

    /// The letters that lists show.
    pub(super) fn hint(&self) -> &[u8] {
        &self.letters.expose()[..HINT_LETTERS]
    }
}

// === impl ApiKeyDigest ===

impl ApiKeyDigest {
    /// Over 44 bytes: one block of SHA-256.
    fn of(environment: Environment, letters: &[u8; KEY_LETTERS]) -> Self {
        let mut input = [0; 1 + KEY_LETTERS];
        input[0] = match environment {
            Environment::Live => b'L',
            Environment::Test => b'T',
        };
        input[1..].copy_from_slice(letters);
        Self(digest(&SHA256, &input).as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// One that was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// To be stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{ApiKeyFormat, Environment, ParseApiKeyError};

    fn format() -> ApiKeyFormat {
        ApiKeyFormat::new("ls").unwrap()
    }

    #[test]
    fn the_form_stays() {
        let key = format().issue(Environment::Live, [7; 32]);
        assert_eq!(key.text.expose(), "ls_live_1fJjkkpe9PiTw9KSulA8Ghct30vZz4HpdQ5c5b9cPF12TxLzl");
        assert_eq!(key.hint, "1fJj");
    }

    #[test]
    fn asvs_v11_5_1_never_prints_the_key() {
        let key = format().issue(Environment::Live, [7; 32]);
        let shown = format!("{key:?}");
        assert!(shown.contains("[redacted]") && !shown.contains(&key.text.expose()[8..]), "{shown}");
        let presented = format!("{:?}", format().parse(key.text.expose().as_bytes()).unwrap());
        assert_eq!(presented, "PresentedApiKey { environment: Live, letters: [redacted] }");
    }

    #[test]
    fn environments_have_their_own_keys() {
        let live = format().issue(Environment::Live, [7; 32]);
        let test = format().issue(Environment::Test, [7; 32]);
        assert!(test.text.expose().starts_with("ls_test_"));
        assert_ne!(live.digest, test.digest);
    }

    #[test]
    fn tells_the_ways_of_being_wrong_apart() {
        let key = format().issue(Environment::Test, [7; 32]).text.expose().clone();
        let cases = [
            (String::new(), ParseApiKeyError::Prefix),
            ("garbage".to_owned(), ParseApiKeyError::Prefix),
            (key.replace("ls_", "xs_"), ParseApiKeyError::Prefix),
            (key.replace("test", "Test"), ParseApiKeyError::Prefix),
            (format!("{key}0"), ParseApiKeyError::Letters),
            (key[..key.len() - 1].to_owned(), ParseApiKeyError::Letters),
            (format!("{}-", &key[..key.len() - 1]), ParseApiKeyError::Letters),
            (key.replace("test", "live"), ParseApiKeyError::Checksum),
        ];
        for (text, expected) in cases {
            assert_eq!(format().parse(text.as_bytes()), Err(expected), "{text}");
        }
    }

    #[test]
    fn refuses_other_prefixes() {
        for prefix in ["", "LS", "l_s", "l s", "ü", &"a".repeat(17)] {
            assert!(ApiKeyFormat::new(prefix).is_err(), "{prefix}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(random: [u8; 32], live: bool, prefix in "[a-z0-9]{1,16}") {
            let environment = if live { Environment::Live } else { Environment::Test };
            let format = ApiKeyFormat::new(&prefix).unwrap();
            let key = format.issue(environment, random);
            let presented = format.parse(key.text.expose().as_bytes()).unwrap();
            prop_assert_eq!((presented.environment, presented.digest()), (environment, key.digest));
        }

        #[test]
        fn any_changed_letter_is_noticed(random: [u8; 32], at in 0..57_usize, byte: u8) {
            let mut text = format().issue(Environment::Live, random).text.expose().clone().into_bytes();
            prop_assume!(text[at] != byte);
            text[at] = byte;
            prop_assert!(format().parse(&text).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes in prop::collection::vec(any::<u8>(), 0..80), tail in "ls_live_[A-Za-z0-9_]{45,52}") {
            prop_assert!(format().parse(&bytes).is_err());
            prop_assert!(format().parse(tail.as_bytes()).is_err());
        }
    }
}
