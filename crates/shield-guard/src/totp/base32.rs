//! Base32 (RFC 4648, section 6), without padding: what people can type and authenticator apps read.

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Writes whole groups of five bytes as eight letters. Lengths here are multiples of five, so no padding rule is
/// needed.
pub(super) fn encode(bytes: &[u8]) -> String {
    debug_assert!(bytes.len().is_multiple_of(5), "whole groups only");
    let mut text = String::with_capacity(bytes.len() / 5 * 8);
    for group in bytes.chunks_exact(5) {
        let bits = group.iter().fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        for letter in (0..8).rev() {
            let index = (bits >> (letter * 5)) & 31;
            text.push(char::from(ALPHABET[usize::try_from(index).expect("five bits")]));
        }
    }
    text
}

/// The value of one letter, in either case.
pub(super) fn value(letter: u8) -> Option<u8> {
    match letter.to_ascii_uppercase() {
        upper @ b'A'..=b'Z' => Some(upper - b'A'),
        digit @ b'2'..=b'7' => Some(digit - b'2' + 26),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{encode, value};

    #[test]
    fn writes_the_vectors_of_rfc_4648() {
        assert_eq!(encode(b"fooba"), "MZXW6YTB");
        assert_eq!(encode(b"12345678901234567890"), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn reads_either_case_and_nothing_else() {
        assert_eq!(
            [b'A', b'a', b'Z', b'2', b'7'].map(value),
            [Some(0), Some(0), Some(25), Some(26), Some(31)]
        );
        assert_eq!([b'0', b'1', b'8', b'9', b'=', b' ', 0xff].map(value), [None; 7]);
    }
}
