//! A hashed password as it is stored: a PHC string.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use shield_types::Secret;

use super::cost::{HashingCost, MEMORY_KIB_MAX, PASSES_MAX, approved, work};

/// Bytes of a salt of ours.
pub(super) const SALT_BYTES: usize = 16;
/// Bytes of an output of ours.
pub(super) const OUTPUT_BYTES: usize = 32;
/// Bytes of a salt that was made elsewhere.
const SALT_BYTES_READ: RangeInclusive<usize> = 8..=48;
/// Bytes of an output that was made elsewhere.
const OUTPUT_BYTES_READ: RangeInclusive<usize> = 16..=64;
/// Lanes of a hash that was made elsewhere; argon2-cffi's default is four.
const LANES_MAX: u32 = 16;
/// The longest string that is looked at.
const TEXT_LENGTH_MAX: usize = 256;

/// argon2id, version 19, of one password. Its salt and output are not printed by `Debug`; [`PasswordHash::to_phc`] is
/// for the one column that they are kept in.
#[derive(Clone)]
pub struct PasswordHash {
    pub(super) memory_kib: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
    pub(super) salt: Vec<u8>,
    pub(super) output: Vec<u8>,
}

/// A string that no password can be checked against. Nothing of it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePasswordHashError {
    /// Another algorithm, another version, extra fields, or no PHC string.
    #[error("read a password hash: expected the form `$argon2id$v=19$m=…,t=…,p=…$salt$hash`")]
    Form,
    /// Numbers that cannot or should not be computed.
    #[error(
        "read a password hash: expected 8 per lane to {MEMORY_KIB_MAX} KiB, 1 to {PASSES_MAX} passes, 1 to {LANES_MAX} lanes"
    )]
    Parameters,
    /// Salt or output is not base64, or too short or long.
    #[error(
        "read a password hash: expected a salt of 8 to 48 bytes and a hash of 16 to 64, in base64 without padding"
    )]
    Bytes,
}

// === impl PasswordHash ===

impl PasswordHash {
    /// Reads a string of ours, or of another argon2id implementation; one hash has one spelling.
    pub fn parse(text: &str) -> Result<Self, ParsePasswordHashError> {
        if text.len() > TEXT_LENGTH_MAX {
            return Err(ParsePasswordHashError::Form);
        }
        let rest = text.strip_prefix("$argon2id$v=19$").ok_or(ParsePasswordHashError::Form)?;
        let mut fields = rest.split('$');
        let (Some(parameters), Some(salt), Some(output), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(ParsePasswordHashError::Form);
        };
        let [memory_kib, passes, lanes] = parse_parameters(parameters)?;
        let computable = (1..=LANES_MAX).contains(&lanes)
            && (8 * lanes..=MEMORY_KIB_MAX).contains(&memory_kib)
            && (1..=PASSES_MAX).contains(&passes);
        if !computable {
            return Err(ParsePasswordHashError::Parameters);
        }
        let (salt, output) = (decode(salt, &SALT_BYTES_READ)?, decode(output, &OUTPUT_BYTES_READ)?);
        Ok(Self { memory_kib, passes, lanes, salt, output })
    }

    /// To be stored.
    pub fn to_phc(&self) -> Secret<String> {
        Secret::new(format!(
            "$argon2id$v=19$m={},t={},p={}${}${}",
            self.memory_kib,
            self.passes,
            self.lanes,
            BASE64_STANDARD_NO_PAD.encode(&self.salt),
            BASE64_STANDARD_NO_PAD.encode(&self.output),
        ))
    }

    /// Whether the password should be hashed again at its next use, since this hash is cheaper to guess against than
    /// `cost`, or not of the form made here. A dearer one is left alone.
    pub fn needs_rehash(&self, cost: HashingCost) -> bool {
        let ours = self.lanes == 1 && self.salt.len() >= SALT_BYTES && self.output.len() >= OUTPUT_BYTES;
        !ours || !approved(self.memory_kib, self.passes) || work(self.memory_kib, self.passes) < cost.work()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PasswordHash(argon2id, {} KiB, {} passes)", self.memory_kib, self.passes)
    }
}

fn parse_parameters(text: &str) -> Result<[u32; 3], ParsePasswordHashError> {
    let mut fields = text.split(',');
    let mut numbers = [0; 3];
    for (number, name) in numbers.iter_mut().zip(["m=", "t=", "p="]) {
        let digits =
            fields.next().and_then(|field| field.strip_prefix(name)).ok_or(ParsePasswordHashError::Form)?;
        // `from_str` would read `+1` and `01` too.
        let canonical = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
        *number = match u32::from_str(digits) {
            Ok(value) if canonical => value,
            _ => return Err(ParsePasswordHashError::Parameters),
        };
    }
    if fields.next().is_some() { Err(ParsePasswordHashError::Form) } else { Ok(numbers) }
}

fn decode(text: &str, lengths: &RangeInclusive<usize>) -> Result<Vec<u8>, ParsePasswordHashError> {
    let bytes = BASE64_STANDARD_NO_PAD.decode(text).map_err(|_| ParsePasswordHashError::Bytes)?;
    if lengths.contains(&bytes.len()) { Ok(bytes) } else { Err(ParsePasswordHashError::Bytes) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{HashingCost, ParsePasswordHashError as Refusal, PasswordHash};

    const SALT: &str = "c29tZXNhbHRzb21lc2FsdA";
    const HASH: &str = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

    fn with(parameters: &str) -> String {
        format!("$argon2id$v=19${parameters}${SALT}${HASH}")
    }

    #[test]
    fn reads_what_it_writes() {
        let text = with("m=19456,t=2,p=1");
        let hash = PasswordHash::parse(&text).unwrap();
        assert_eq!(hash.to_phc().expose(), &text);
        assert_eq!(
            format!("{hash:?} {}", hash.to_phc()),
            "PasswordHash(argon2id, 19456 KiB, 2 passes) [redacted]"
        );
    }

    #[test]
    fn refuses_other_forms() {
        let good = with("m=19456,t=2,p=1");
        for text in [
            String::new(),
            good.replace("argon2id", "argon2i"),
            good.replace("v=19", "v=16"),
            good.replace("$v=19", ""),
            format!("{good}$"),
            format!(" {good}"),
            with("t=2,m=19456,p=1"),
            with("m=19456,t=2,p=1,keyid=AA"),
            with("m=19456,t=2"),
            format!("{good}{}", "A".repeat(200)),
        ] {
            assert_eq!(PasswordHash::parse(&text).map(|_| ()), Err(Refusal::Form), "{text}");
        }
    }

    #[test]
    fn stored_string_cannot_exhaust_the_machine() {
        for parameters in [
            "m=4294967295,t=1,p=1",
            "m=1048577,t=1,p=1",
            "m=19456,t=17,p=1",
            "m=19456,t=2,p=17",
            "m=19456,t=0,p=1",
            "m=7,t=1,p=1",
            "m=31,t=1,p=4",
            "m=+9,t=1,p=1",
            "m=019456,t=2,p=1",
            "m=99999999999,t=1,p=1",
        ] {
            assert_eq!(
                PasswordHash::parse(&with(parameters)).map(|_| ()),
                Err(Refusal::Parameters),
                "{parameters}"
            );
        }
    }

    #[test]
    fn refuses_short_salts_and_hashes() {
        for (salt, hash) in [
            ("c29tZQ", HASH),
            (SALT, "c29tZXNhbHQ"),
            ("", HASH),
            (SALT, ""),
            ("c29tZXNhbHQ=", HASH),
            ("!!!!", HASH),
        ] {
            let text = format!("$argon2id$v=19$m=19456,t=2,p=1${salt}${hash}");
            assert_eq!(PasswordHash::parse(&text).map(|_| ()), Err(Refusal::Bytes), "{text}");
        }
    }

    #[test]
    fn weaker_hashes_need_another() {
        let wanted = HashingCost::new(47_104, 1).unwrap();
        for (parameters, again) in [
            ("m=47104,t=1,p=1", false),
            ("m=65536,t=3,p=1", false),
            ("m=19456,t=2,p=1", true),
            ("m=65536,t=3,p=4", true),
            ("m=12287,t=16,p=1", true),
        ] {
            assert_eq!(
                PasswordHash::parse(&with(parameters)).unwrap().needs_rehash(wanted),
                again,
                "{parameters}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_in_one_spelling(
            text in "(\\$argon2id\\$v=19\\$m=[0-9]{1,6},t=[0-9]{1,2},p=[0-9]\\$[A-Za-z0-9+/]{10,24}\\$[A-Za-z0-9+/]{20,44}|\\PC{0,80})"
        ) {
            if let Ok(hash) = PasswordHash::parse(&text) {
                prop_assert!(hash.to_phc().expose() == &text);
            }
        }
    }
}
