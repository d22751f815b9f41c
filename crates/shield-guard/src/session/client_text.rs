//! Text that a client chose and that is stored and shown.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// At most `BYTES_MAX` bytes of what a client sent, without control characters. For people to read in a list; nothing
/// depends on it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct ClientText<const BYTES_MAX: usize>(String);

// === impl ClientText ===

impl<const BYTES_MAX: usize> ClientText<BYTES_MAX> {
    /// What fits of `bytes`, cut between characters; bytes that are not UTF-8 and control characters become U+FFFD.
    pub fn cut(bytes: &[u8]) -> Self {
        // Lossy text is never shorter than the bytes it is of, so no more of them can be needed, but for the rest of the
        // last character.
        let bytes = &bytes[..bytes.len().min(BYTES_MAX + 3)];
        let mut text = String::new();
        for letter in String::from_utf8_lossy(bytes).chars() {
            let letter = if letter.is_control() { char::REPLACEMENT_CHARACTER } else { letter };
            if text.len() + letter.len_utf8() > BYTES_MAX {
                break;
            }
            text.push(letter);
        }
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const BYTES_MAX: usize> fmt::Display for ClientText<BYTES_MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de, const BYTES_MAX: usize> Deserialize<'de> for ClientText<BYTES_MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::cut(String::deserialize(deserializer)?.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::ClientText;

    proptest! {
        #[test]
        fn stays_short_and_harmless(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let text = ClientText::<20>::cut(&bytes);
            prop_assert!(text.as_str().len() <= 20);
            prop_assert!(!text.as_str().chars().any(char::is_control));
            prop_assert_eq!(ClientText::<20>::cut(text.as_str().as_bytes()), text);
        }
    }

    #[test]
    fn keeps_what_fits() {
        assert_eq!(ClientText::<4>::cut("añañ".as_bytes()).as_str(), "aña");
        assert_eq!(ClientText::<9>::cut(b"a\r\nb").as_str(), "a\u{fffd}\u{fffd}b");
    }
}
