//! Decodes base64url (RFC 4648, 5) as it stands in tokens and cookies.
//!
//! The decoder is our own: the one of the crate `base64` takes half as many instructions again, and decoding is what costs
//! most in an HS256 token beside its MAC (bar `guard.cost`).

/// Marks what is no letter of base64url, above the three bytes of a group.
const NO_LETTER: u32 = 1 << 24;
/// The bits that a letter stands for, at each of the four places of a group; the first byte of the three is the lowest, as
/// memory has it.
const LETTERS: [[u32; 256]; 4] = [letters(18), letters(12), letters(6), letters(0)];

const fn letters(shift: u32) -> [u32; 256] {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut letters = [NO_LETTER; 256];
    let mut value = 0;
    while value < alphabet.len() {
        letters[alphabet[value] as usize] = ((value as u32) << shift).swap_bytes() >> 8;
        value += 1;
    }
    letters
}

/// The three bytes of up to four letters, and whether they are letters.
fn bits(group: &[u8]) -> u32 {
    LETTERS.iter().zip(group).fold(0, |bits, (letters, letter)| bits | letters[usize::from(*letter)])
}

/// Decodes `part` into `buffer`: base64url without padding and without unused bits that are not zero, so that one
/// content has one spelling. `None` when it has another one, or does not fit.
pub(crate) fn decode<'b>(part: &[u8], buffer: &'b mut [u8]) -> Option<&'b [u8]> {
    let (groups, rest) = part.as_chunks::<4>();
    let tail_length = match rest.len() {
        1 => return None,
        letters => letters.saturating_sub(1),
    };
    let output = buffer.get_mut(..3 * groups.len() + tail_length)?;
    // Four groups at once fill whole words.
    let (blocks, groups) = groups.as_chunks::<4>();
    let (wide, narrow) = output.split_at_mut(12 * blocks.len());
    let mut seen = 0;
    for (block, twelve) in blocks.iter().zip(wide.as_chunks_mut::<12>().0) {
        let [a, b, c, d] = [bits(&block[0]), bits(&block[1]), bits(&block[2]), bits(&block[3])];
        seen |= a | b | c | d;
        let [a, b, c, d] = [a, b, c, d].map(u64::from);
        let (low, high) = (a | b << 24 | c << 48, c >> 16 | d << 8);
        twelve[..8].copy_from_slice(&low.to_le_bytes());
        twelve[8..].copy_from_slice(&(high as u32).to_le_bytes());
    }
    let (triples, tail) = narrow.as_chunks_mut::<3>();
    for (group, triple) in groups.iter().zip(triples) {
        let bits = bits(group);
        seen |= bits;
        let [decoded @ .., _] = bits.to_le_bytes();
        *triple = decoded;
    }
    let last = bits(rest);
    let [decoded @ .., _] = last.to_le_bytes();
    let (decoded, unused) = decoded.split_at(tail_length);
    tail.copy_from_slice(decoded);
    let plain = (seen | last) < NO_LETTER && unused.iter().all(|byte| *byte == 0);
    plain.then_some(output)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use proptest::prelude::*;

    use super::decode;

    #[test]
    fn one_content_has_one_spelling() {
        let mut buffer = [0; 4];
        assert_eq!(decode(b"-_8", &mut buffer), Some(&[0xfb, 0xff][..]));
        for lax in ["-_9", "-_8=", "+/8", "-_8\n", " -_8", "-", "-_8AAAAA"] {
            assert_eq!(decode(lax.as_bytes(), &mut buffer), None, "{lax}");
        }
    }

    proptest! {
        #[test]
        fn decodes_like_the_crate(part in "[A-Za-z0-9_-]{0,90}|[A-Za-z0-9_=+/ -]{0,12}", any: Vec<u8>, room in 0..90_usize) {
            for part in [part.as_bytes(), &any] {
                let mut buffer = vec![0; room];
                let expected = BASE64_URL_SAFE_NO_PAD.decode(part).ok().filter(|decoded| decoded.len() <= room);
                prop_assert_eq!(decode(part, &mut buffer), expected.as_deref());
            }
        }

        #[test]
        fn decodes_what_is_encoded(bytes: Vec<u8>) {
            let mut buffer = vec![0; bytes.len()];
            let part = BASE64_URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(decode(part.as_bytes(), &mut buffer), Some(&bytes[..]));
        }
    }
}
