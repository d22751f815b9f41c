//! The parts of a message that both sides must see in the same way.

use ring::hmac;

use super::WEBHOOK_ID_BYTES_MAX;

/// Seconds since the epoch have at most as many digits until the year 5138.
const TIMESTAMP_DIGITS_MAX: usize = 11;

/// Whether an id can be signed: visible ASCII, and no `.`, which separates the parts of the signed text.
pub(super) fn id_is_well_formed(id: &str) -> bool {
    (1..=WEBHOOK_ID_BYTES_MAX).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.')
}

/// Reads seconds since the epoch. One number has one spelling, since its text is what is signed.
pub(super) fn parse_timestamp(text: &str) -> Option<u64> {
    let canonical = (1..=TIMESTAMP_DIGITS_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

/// The parts of what is signed, in order.
pub(super) fn signed_parts<'a>(id: &'a str, timestamp: &'a str, body: &'a [u8]) -> [&'a [u8]; 5] {
    [id.as_bytes(), b".", timestamp.as_bytes(), b".", body]
}

/// The HMAC over them, without joining them.
pub(super) fn tag(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{id_is_well_formed, parse_timestamp};

    #[test]
    fn refuses_ids_that_could_shift_a_boundary() {
        for id in ["", "a.b", "a b", "a\n", "é", &"x".repeat(129)] {
            assert!(!id_is_well_formed(id), "{id:?}");
        }
        assert!(id_is_well_formed(&"x".repeat(128)) && id_is_well_formed("msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"));
    }

    #[test]
    fn refuses_other_spellings_of_a_time() {
        for text in ["", "+1", "-1", "01", "1.0", " 1", "1e3", "100000000000", "１"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn reads_what_it_would_write(seconds in 0_u64..100_000_000_000) {
            prop_assert_eq!(parse_timestamp(&seconds.to_string()), Some(seconds));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,20}") {
            if let Some(seconds) = parse_timestamp(&text) {
                prop_assert_eq!(seconds.to_string(), text);
            }
        }
    }
}
