//! Checksums that providers put into their tokens: what does not fit cannot be one of theirs.

/// Letters of base62 that hold 32 bits.
const SUM_LETTERS: usize = 6;

/// Whether the last six letters of `token` are the CRC-32 of those between `prefix` bytes and them, in base62 with the digits
/// first, then upper, then lower case. GitHub and npm sum the letters without their prefix, LinkShield with it
/// ([GitHub's account](https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/)).
pub(super) fn crc32_base62_fits(token: &[u8], prefix: usize) -> bool {
    let Some(end) = token.len().checked_sub(SUM_LETTERS).filter(|end| *end > prefix) else {
        return false;
    };
    token[end..] == base62(crc32fast::hash(&token[prefix..end]))
}

fn base62(mut number: u32) -> [u8; SUM_LETTERS] {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut letters = [b'0'; SUM_LETTERS];
    for letter in letters.iter_mut().rev() {
        *letter = DIGITS[(number % 62) as usize];
        number /= 62;
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Revoked, and published as an example of the checksum; in two pieces, lest other scanners take it for a live one.
    const REVOKED: [&str; 2] = ["ghp_zQWBuTSOoRi4A9sp", "HcVY5ncnsDkxkJ0mLq17"];

    #[test]
    fn published_token_fits() {
        let token = REVOKED.concat();
        assert!(crc32_base62_fits(token.as_bytes(), 4));
        assert!(!crc32_base62_fits(token.replace('Q', "q").as_bytes(), 4));
        assert!(!crc32_base62_fits(token.as_bytes(), 0));
    }

    #[test]
    fn short_texts_do_not_fit() {
        assert!(!crc32_base62_fits(b"", 4) && !crc32_base62_fits(b"ghp_000000", 4));
    }
}
