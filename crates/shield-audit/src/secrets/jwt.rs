//! JSON Web Tokens (RFC 7519): three parts of base64, of which the first is a header that names an algorithm.

use std::ops::Range;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem;

use super::look::is_published;

/// Longest part that is read.
const PART_MAX: usize = 16 << 10;
const PART_MIN: usize = 16;
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The token that begins at `hit`, with `eyJ`.
pub(super) fn token_at(bytes: &[u8], hit: usize) -> Option<Range<usize>> {
    // Not in the middle of a run of its alphabet, so that no run is read twice.
    let inside = hit.checked_sub(1).is_some_and(|before| in_part(&bytes[before]) && !escape_ends(bytes, hit));
    if inside {
        return None;
    }
    let header = part(bytes, hit, PART_MIN)?;
    let claims = part(bytes, dot(bytes, header.end)?, PART_MIN)?;
    let signature = part(bytes, dot(bytes, claims.end)?, 0)?;
    let names_algorithm =
        LENIENT.decode(&bytes[header]).is_ok_and(|text| memmem::find(&text, b"\"alg\"").is_some());
    let object = bytes[claims.start..].starts_with(b"ey");
    (names_algorithm && object && !is_published(&bytes[signature.clone()])).then_some(hit..signature.end)
}

fn in_part(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

fn escape_ends(bytes: &[u8], hit: usize) -> bool {
    hit >= 2 && bytes[hit - 2] == b'\\' && matches!(bytes[hit - 1], b'n' | b'r' | b't')
}

fn part(bytes: &[u8], start: usize, least: usize) -> Option<Range<usize>> {
    let length = bytes[start..].iter().take(PART_MAX).take_while(|byte| in_part(byte)).count();
    (length >= least && length < PART_MAX).then_some(start..start + length)
}

fn dot(bytes: &[u8], at: usize) -> Option<usize> {
    (bytes.get(at) == Some(&b'.')).then_some(at + 1)
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;

    use super::*;

    fn token(header: &str, signature: &str) -> String {
        let encode = |text: &str| BASE64_URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{signature}", encode(header), encode(r#"{"sub":"someone@here"}"#))
    }

    #[test]
    fn header_names_an_algorithm() {
        let real = token(r#"{"alg":"HS256"}"#, "c2lnbmF0dXJl_x");
        assert_eq!(token_at(format!("x {real} y").as_bytes(), 2), Some(2..2 + real.len()));
        let unsigned = token(r#"{"alg":"none"}"#, "");
        assert_eq!(token_at(unsigned.as_bytes(), 0), Some(0..unsigned.len()));
        assert_eq!(token_at(token(r#"{"size":"HS256"}"#, "c2ln").as_bytes(), 0), None);
    }

    #[test]
    fn published_examples_are_none() {
        let signature = ["SflKxwRJSMeKKF2QT4f", "wpMeJf36POk6yJV_adQssw5c"].concat();
        assert_eq!(token_at(token(r#"{"alg":"HS256"}"#, &signature).as_bytes(), 0), None);
    }

    #[test]
    fn middle_of_a_run_is_none() {
        let real = token(r#"{"alg":"HS256"}"#, "c2ln");
        assert_eq!(token_at(format!("x{real}").as_bytes(), 1), None);
        assert!(token_at(format!("\\n{real}").as_bytes(), 2).is_some());
    }
}
