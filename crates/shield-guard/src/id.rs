//! Names of the things that are granted and taken back. None of them is a secret.
//!
//! Each is a UUID of version 7: ids made later sort later, which keeps indexes of databases dense. Its random part is 74
//! bits, enough never to meet twice, and not enough to be a credential (ASVS 5.0, 7.2.3).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};
use shield_types::Timestamp;
use uuid::{Builder, Uuid, fmt::Hyphenated};

/// Text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read an id: expected 32 hexadecimal digits in groups, like `018f4e6c-0d1e-7a3b-9c2d-5e4f6a7b8c9d`")]
pub struct ParseIdError;

macro_rules! id {
    ($(#[$documentation:meta])* $name:ident) => {
        $(#[$documentation])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A fresh one, from the time and ten random bytes of a cryptographic generator.
            pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
                Self(Builder::from_unix_timestamp_millis(now.0, &random).into_uuid())
            }

            /// One that was stored.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// To be stored.
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// Reads the hyphenated form, which [`fmt::Display`] writes; no other form is an id, so that each has one
            /// spelling.
            pub fn parse(text: &str) -> Result<Self, ParseIdError> {
                parse(text).map(Self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(ReadsId).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

id! {
    /// An account: who a credential speaks for. The claim `sub`.
    AccountId
}
id! {
    /// A session, from log-in to log-out. What lists show and the claim `sid`; the secret in the cookie is another thing.
    SessionId
}
id! {
    /// One issued token. The claim `jti`.
    TokenId
}
id! {
    /// An API key. What lists show; the key itself is another thing.
    ApiKeyId
}

/// Reads an id from any format of serde, in the one spelling too.
struct ReadsId;

impl de::Visitor<'_> for ReadsId {
    type Value = Uuid;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an id")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Uuid, E> {
        parse(text).map_err(E::custom)
    }
}

fn parse(text: &str) -> Result<Uuid, ParseIdError> {
    let text: &[u8; Hyphenated::LENGTH] = text.as_bytes().try_into().map_err(|_| ParseIdError)?;
    let half =
        |at: usize| u64::from(u32::from_le_bytes([text[at], text[at + 1], text[at + 2], text[at + 3]]));
    // Eight letters each, wherever the hyphens are.
    let words = [
        half(0) | half(4) << 32,
        half(9) | half(14) << 32,
        half(19) | half(24) << 32,
        half(28) | half(32) << 32,
    ];
    let (a, wrong_a) = number(words[0]);
    let (b, wrong_b) = number(words[1]);
    let (c, wrong_c) = number(words[2]);
    let (d, wrong_d) = number(words[3]);
    let hyphens = [text[8], text[13], text[18], text[23]] == [b'-'; 4];
    if !hyphens || wrong_a | wrong_b | wrong_c | wrong_d != 0 {
        return Err(ParseIdError);
    }
    let (high, low) = (u64::from(a) << 32 | u64::from(b), u64::from(c) << 32 | u64::from(d));
    Ok(Uuid::from_u64_pair(high, low))
}

/// The number of eight hexadecimal digits in lower case, the first in the lowest byte, and beside it zero, if that is what
/// they are. All at once: ids are a good part of a token (bar `guard.cost`).
#[inline]
fn number(digits: u64) -> (u32, u64) {
    const fn each(byte: u8) -> u64 {
        u64::from_le_bytes([byte; 8])
    }
    // What would be the value if it were a digit: ten more than its place among the letters. 24 at most.
    let values = (digits & each(0x0f)) + 9 * (digits >> 6 & each(1));
    let letters = (values + each(6)) >> 4 & each(1);
    let spelled = values + each(b'0') + u64::from(b'a' - b'0' - 10) * letters;
    let wrong = (spelled ^ digits) | (values & each(0xf0));
    let pairs = (values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff;
    let quads = (pairs | pairs >> 8) & 0x0000_ffff_0000_ffff;
    (((quads | quads >> 16) as u32).swap_bytes(), wrong)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use shield_types::Timestamp;

    use super::{AccountId, ParseIdError};

    #[test]
    fn later_ids_sort_later() {
        let early = AccountId::new(Timestamp(1_000), [0xff; 10]);
        let late = AccountId::new(Timestamp(1_001), [0; 10]);
        assert!(early < late, "{early} {late}");
    }

    #[test]
    fn only_one_spelling_is_read() {
        let id = AccountId::new(Timestamp(1_700_000_000_000), [7; 10]);
        assert_eq!(AccountId::parse(&id.to_string()), Ok(id));
        for text in [
            id.to_string().to_uppercase(),
            id.uuid().simple().to_string(),
            format!("{{{id}}}"),
            String::new(),
        ] {
            assert_eq!(AccountId::parse(&text), Err(ParseIdError), "{text}");
            let json = serde_json::Value::from(text);
            assert!(serde_json::from_value::<AccountId>(json.clone()).is_err(), "{json}");
        }
        assert_eq!(serde_json::from_value(serde_json::json!(id)).ok(), Some(id));
    }

    proptest! {
        #[test]
        fn what_is_read_prints_as_it_was(text in "[0-9a-fA-F{}:-]{36}|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-f]{12}") {
            if let Ok(id) = AccountId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            }
        }

        #[test]
        fn agrees_with_the_crate(text in "[0-9a-fo-pgG@`/:-]{36}", one: [u8; 16], place in 0..36_usize, letter: u8) {
            let lower = |text: &str| text.bytes().all(|letter| !letter.is_ascii_uppercase());
            let expected = |text: &str| uuid::Uuid::try_parse(text).ok().filter(|_| lower(text));
            let mut changed = uuid::Uuid::from_bytes(one).to_string().into_bytes();
            changed[place] = letter;
            for text in [Ok(text), String::from_utf8(changed)].into_iter().flatten() {
                prop_assert_eq!(AccountId::parse(&text).ok().map(AccountId::uuid), expected(&text));
            }
        }

        #[test]
        fn every_id_is_read(bytes: [u8; 16]) {
            let id = AccountId::from_uuid(uuid::Uuid::from_bytes(bytes));
            prop_assert_eq!(AccountId::parse(&id.to_string()), Ok(id));
        }
    }
}
