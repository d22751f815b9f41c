//! Numbers as digits and letters, in a fixed width: no `-`, `_` or `=` at which a double click would stop.

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Letters of 32 bytes: 62^43 > 2^256.
pub(super) const KEY_LETTERS: usize = 43;
/// Letters of a CRC-32: 62^6 > 2^32.
pub(super) const SUM_LETTERS: usize = 6;

/// A 256-bit number, most significant first.
pub(super) fn encode_bytes(bytes: [u8; 32]) -> [u8; KEY_LETTERS] {
    let mut number = bytes;
    let mut letters = [0; KEY_LETTERS];
    for letter in letters.iter_mut().rev() {
        let mut remainder = 0_u16;
        for byte in &mut number {
            let part = remainder << 8 | u16::from(*byte);
            *byte = (part / 62) as u8;
            remainder = part % 62;
        }
        *letter = LETTERS[usize::from(remainder)];
    }
    letters
}

/// A 32-bit number, most significant first.
pub(super) fn encode_sum(mut sum: u32) -> [u8; SUM_LETTERS] {
    let mut letters = [0; SUM_LETTERS];
    for letter in letters.iter_mut().rev() {
        *letter = LETTERS[(sum % 62) as usize];
        sum /= 62;
    }
    letters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{encode_bytes, encode_sum};

    #[test]
    fn knows_its_ends() {
        assert_eq!(encode_bytes([0; 32]), [b'0'; 43]);
        // 2^256 - 1 in base 62, by Python.
        assert_eq!(&encode_bytes([0xff; 32]), b"yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
        assert_eq!(&encode_sum(0), b"000000");
        assert_eq!(&encode_sum(u32::MAX), b"4gfFC3");
    }

    proptest! {
        #[test]
        fn keeps_the_order_so_no_two_numbers_are_spelled_alike(one: [u8; 32], other: [u8; 32]) {
            prop_assert_eq!(one.cmp(&other), encode_bytes(one).cmp(&encode_bytes(other)));
        }

        #[test]
        fn keeps_the_order_of_sums(one: u32, other: u32) {
            prop_assert_eq!(one.cmp(&other), encode_sum(one).cmp(&encode_sum(other)));
        }
    }
}
