//! How a provider's tokens look: fixed texts and runs of an alphabet, one behind the other.
//!
//! A run takes all it can and never gives back, so that matching costs no more than the length of the longest shape. That is
//! enough for every format here, since what follows a run is never of its alphabet.

/// The characters of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// `0-9`.
    Digits,
    /// `0-9a-f`.
    Hex,
    /// `0-9a-fA-F`.
    AnyHex,
    /// `A-Z2-7`.
    Base32,
    /// `0-9A-Z`.
    Upper,
    /// `0-9a-z`.
    Lower,
    /// `0-9a-zA-Z`.
    Base62,
    /// `0-9a-zA-Z_-`.
    Base64Url,
    /// `0-9a-zA-Z+/`.
    Base64,
    /// `0-9a-zA-Z_-=.~`.
    Dotted,
}

/// One piece of a shape.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// Exactly this.
    Text(&'static str),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Between so many characters of an alphabet.
    Run(Alphabet, usize, usize),
    /// As many as these of a character, or none.
    Padding(u8, usize),
}

/// Where the text at `start` that has the shape ends; none if it has another one, or goes on where the shape ends.
pub(super) fn end_of(shape: &[Part], bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    for part in shape {
        let rest = bytes.get(at..)?;
        at += part.length(rest)?;
    }
    let goes_on = match (shape.last()?, &bytes[at..]) {
        (Part::Run(alphabet, ..), [next, ..]) if alphabet.holds(*next) => true,
        // The name of a file or a host.
        (_, [b'.', next, ..]) => next.is_ascii_alphanumeric(),
        (_, [next, ..]) => next.is_ascii_alphanumeric(),
        (_, []) => false,
    };
    (!goes_on).then_some(at)
}

/// Whether a token may begin at `start`: not in the middle of a word. The letter of an escape (`\n`) belongs to none.
pub(super) fn begins(bytes: &[u8], start: usize) -> bool {
    match &bytes[..start] {
        [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., before] => !before.is_ascii_alphanumeric(),
        [] => true,
    }
}

// === impl Alphabet ===

impl Alphabet {
    pub(super) fn holds(self, byte: u8) -> bool {
        match self {
            Self::Digits => byte.is_ascii_digit(),
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::AnyHex => byte.is_ascii_hexdigit(),
            Self::Base32 => matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
            Self::Upper => byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            Self::Lower => byte.is_ascii_digit() || byte.is_ascii_lowercase(),
            Self::Base62 => byte.is_ascii_alphanumeric(),
            Self::Base64Url => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'),
            Self::Base64 => byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'),
            Self::Dotted => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'=' | b'.' | b'~'),
        }
    }
}

// === impl Part ===

impl Part {
    /// How much of the beginning of `rest` it takes.
    fn length(self, rest: &[u8]) -> Option<usize> {
        match self {
            Self::Text(text) => rest.starts_with(text.as_bytes()).then_some(text.len()),
            Self::OneOf(texts) => {
                texts.iter().find(|text| rest.starts_with(text.as_bytes())).map(|text| text.len())
            }
            Self::Run(alphabet, least, most) => {
                let taken = rest.iter().take(most).take_while(|byte| alphabet.holds(**byte)).count();
                (taken >= least).then_some(taken)
            }
            Self::Padding(padding, most) => {
                Some(rest.iter().take(most).take_while(|byte| **byte == padding).count())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: &[Part] = &[Part::Text("ab_"), Part::Run(Alphabet::Hex, 4, 6)];

    #[test]
    fn shape_ends_with_its_run() {
        assert_eq!(end_of(SHAPE, b"x ab_01ef y", 2), Some(9));
        assert_eq!(end_of(SHAPE, b"ab_01efab. And", 0), Some(9));
    }

    #[test]
    fn longer_and_shorter_are_others() {
        assert_eq!(end_of(SHAPE, b"ab_01efab0", 0), None);
        assert_eq!(end_of(SHAPE, b"ab_01efab.png", 0), None);
        assert_eq!(end_of(SHAPE, b"ab_01e", 0), None);
        assert_eq!(end_of(SHAPE, b"ab", 0), None);
    }

    #[test]
    fn tokens_begin_outside_words() {
        assert!(begins(b"x ab", 2) && begins(b"ab", 0) && begins(br"\nab", 2) && begins(b"x_ab", 2));
        assert!(!begins(b"xab", 1));
    }
}
