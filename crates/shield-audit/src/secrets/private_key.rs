//! Private keys in their text forms (RFC 7468, OpenSSH, OpenPGP, PuTTY), those under a passphrase told apart.

use std::ops::Range;

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use memchr::memmem;

/// Longest label of a block: `BEGIN … PRIVATE KEY BLOCK`.
const LABEL_MAX: usize = 80;
/// Letters of base64 that a key has at least: an Ed25519 key in PKCS #8 has 64.
const LETTERS_MIN: usize = 40;
/// Bits for each letter of a key at least: what is typed instead of one has fewer. (Real ones hold long runs of `A`.)
const ENTROPY_MIN: f64 = 3.5;
/// Where PuTTY says whether the key is encrypted.
const PUTTY_HEAD: usize = 400;
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A key block.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyBlock {
    pub(super) range: Range<usize>,
    /// Whether a passphrase is needed to use it.
    pub(super) protection: Protection,
}

/// Whether a passphrase protects a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protection {
    None,
    Passphrase,
}

/// The block that begins at `hit`, with `-----BEGIN`.
pub(super) fn block_at(bytes: &[u8], hit: usize) -> Option<KeyBlock> {
    let label_start = hit + b"-----BEGIN".len();
    let label_end = label_start
        + memmem::find(bytes[label_start..].get(..LABEL_MAX).unwrap_or(&bytes[label_start..]), b"-----")?;
    let label = &bytes[label_start..label_end];
    memmem::find(label, b"PRIVATE KEY")?;
    let body_start = label_end + b"-----".len();
    // The next dashes of all must be the end's, so that no byte belongs to two blocks.
    let body_end = body_start + memmem::find(&bytes[body_start..], b"-----")?;
    bytes[body_end..].starts_with(b"-----END").then_some(())?;
    let body = &bytes[body_start..body_end];
    let letters = letters(body);
    if letters.len() < LETTERS_MIN
        || memmem::find(body, b"...").is_some()
        || super::look::entropy(&letters) < ENTROPY_MIN
    {
        return None;
    }
    let encrypted = memmem::find(label, b"ENCRYPTED").is_some()
        || memmem::find(body, b"4,ENCRYPTED").is_some()
        || memmem::find(label, b"OPENSSH").is_some()
            && openssh_cipher(&letters).is_some_and(|cipher| cipher != b"none");
    let protection = if encrypted { Protection::Passphrase } else { Protection::None };
    Some(KeyBlock { range: body_start..body_end, protection })
}

/// The key that begins at `hit`, with `PuTTY-User-Key-File-`.
pub(super) fn putty_at(bytes: &[u8], hit: usize) -> Option<KeyBlock> {
    let head = bytes[hit..].get(..PUTTY_HEAD).unwrap_or(&bytes[hit..]);
    let behind = |text: &[u8]| memmem::find(head, text).map(|at| at + text.len());
    let version = &head[b"PuTTY-User-Key-File-".len()..];
    matches!(version, [b'1'..=b'9', b':', ..]).then_some(())?;
    let cipher = behind(b"\nEncryption: ")?;
    let protection =
        if head[cipher..].starts_with(b"none") { Protection::None } else { Protection::Passphrase };
    let line = head.iter().position(|byte| *byte == b'\n')?;
    Some(KeyBlock { range: hit..hit + line, protection })
}

/// The letters of base64 in a block: without the lines of its head, line breaks, and what a language puts between.
fn letters(body: &[u8]) -> Vec<u8> {
    let mut letters = Vec::new();
    for line in body.split(|byte| matches!(byte, b'\n' | b'\r')).flat_map(escaped_lines) {
        let line = line.trim_ascii();
        if memchr::memchr(b':', line).is_some() || line.starts_with(b"=") {
            continue;
        }
        letters.extend(
            line.iter().filter(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')),
        );
    }
    letters
}

/// Lines of a block in a string: parted by the escape `\n`.
fn escaped_lines(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(line);
    std::iter::from_fn(move || {
        let current = rest?;
        let at = memmem::find(current, br"\n");
        rest = at.map(|at| &current[at + 2..]);
        Some(&current[..at.unwrap_or(current.len())])
    })
}

/// The cipher that an OpenSSH key names ([PROTOCOL.key](https://cvsweb.openbsd.org/src/usr.bin/ssh/PROTOCOL.key)).
fn openssh_cipher(letters: &[u8]) -> Option<Vec<u8>> {
    let head = LENIENT.decode(letters.get(..LETTERS_MIN)?).ok()?;
    let behind = head.strip_prefix(b"openssh-key-v1\0")?;
    let (length, name) = behind.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    // Only the beginning was decoded: longer names than fit are no `none`.
    Some(name.get(..length).unwrap_or(name).to_vec())
}

#[cfg(test)]
mod tests {
    use base64::prelude::BASE64_STANDARD;

    use super::*;

    fn block(label: &str, head: &str, body: &str) -> String {
        format!("-----BEGIN {label}-----\n{head}{body}\n-----END {label}-----\n")
    }

    fn protection(text: &str) -> Option<Protection> {
        block_at(text.as_bytes(), 0).map(|block| block.protection)
    }

    fn openssh(cipher: &str) -> String {
        let mut key = b"openssh-key-v1\0".to_vec();
        key.extend((cipher.len() as u32).to_be_bytes());
        key.extend(cipher.as_bytes());
        key.extend((0_u8..60).map(|byte| byte.wrapping_mul(151)));
        BASE64_STANDARD.encode(key)
    }

    const BODY: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDAC4AWkdwKYSd8";

    #[test]
    fn passphrases_are_told_apart() {
        assert_eq!(protection(&block("PRIVATE KEY", "", BODY)), Some(Protection::None));
        assert_eq!(protection(&block("ENCRYPTED PRIVATE KEY", "", BODY)), Some(Protection::Passphrase));
        let head = "Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,7A0B\n\n";
        assert_eq!(protection(&block("RSA PRIVATE KEY", head, BODY)), Some(Protection::Passphrase));
        assert_eq!(protection(&block("OPENSSH PRIVATE KEY", "", &openssh("none"))), Some(Protection::None));
        assert_eq!(
            protection(&block("OPENSSH PRIVATE KEY", "", &openssh("aes256-ctr"))),
            Some(Protection::Passphrase)
        );
    }

    #[test]
    fn keys_in_strings_are_found() {
        let escaped = block("PRIVATE KEY", "", BODY).replace('\n', "\\n");
        assert_eq!(protection(&escaped), Some(Protection::None));
    }

    #[test]
    fn public_keys_and_examples_are_none() {
        assert_eq!(protection(&block("PUBLIC KEY", "", BODY)), None);
        assert_eq!(protection(&block("PRIVATE KEY", "", "anything")), None);
        assert_eq!(protection(&block("PRIVATE KEY", "", &format!("{BODY}..."))), None);
        assert_eq!(protection("-----BEGIN PRIVATE KEY-----"), None);
    }

    #[test]
    fn putty_names_its_cipher() {
        let key = |cipher: &str| {
            format!("PuTTY-User-Key-File-3: ssh-ed25519\r\nEncryption: {cipher}\r\nComment: x\r\n")
        };
        assert_eq!(putty_at(key("none").as_bytes(), 0).unwrap().protection, Protection::None);
        assert_eq!(putty_at(key("aes256-cbc").as_bytes(), 0).unwrap().protection, Protection::Passphrase);
    }
}
