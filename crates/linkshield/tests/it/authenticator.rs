//! The app of a second factor.

use ring::hmac;

/// The code of an app with this secret (RFC 4226, 5.3).
pub(crate) fn code_of(base32: &str, step: u64) -> String {
    let bits = base32.bytes().fold(String::new(), |bits, letter| {
        let value = if letter.is_ascii_uppercase() { letter - b'A' } else { letter - b'2' + 26 };
        format!("{bits}{value:05b}")
    });
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|byte| u8::from_str_radix(str::from_utf8(byte).unwrap(), 2).unwrap())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let cut: [u8; 4] = tag.as_ref()[offset..offset + 4].try_into().unwrap();
    format!("{:06}", (u32::from_be_bytes(cut) & 0x7fff_ffff) % 1_000_000)
}
