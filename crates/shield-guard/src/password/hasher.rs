//! Hashing a password, and checking one.

use argon2::{Algorithm, Argon2, Params, Version};
use shield_types::Secret;
use subtle::ConstantTimeEq;

use super::{
    cost::HashingCost,
    hash::{OUTPUT_BYTES, PasswordHash, SALT_BYTES},
};

/// The most bytes that are hashed: 128 characters of four bytes each.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// Hashes and checks passwords at one cost.
#[derive(Clone, Debug)]
pub struct PasswordHasher {
    cost: HashingCost,
    /// What is computed in place of an account that does not exist. No password has this output.
    absent: PasswordHash,
}

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordVerdict {
    /// The right password.
    Correct,
    /// The right password, kept in a hash that is cheaper than wanted: hash it again while it is at hand.
    CorrectButWeak,
    /// Not the password, or there is no such account: the same to everybody.
    Wrong,
}

/// Why nothing was computed. Whoever wanted to log in is refused.
#[derive(Debug, thiserror::Error)]
pub enum HashPasswordError {
    /// More than any policy here allows.
    #[error("hash a password: it has more than {PASSWORD_BYTES_MAX} bytes")]
    Length,
    /// argon2 gave up; its memory could not be had.
    #[error("hash a password: argon2 did not finish")]
    Argon2(#[source] argon2::Error),
}

// === impl PasswordHasher ===

impl PasswordHasher {
    /// A hasher of this cost.
    pub fn new(cost: HashingCost) -> Self {
        let absent = PasswordHash {
            memory_kib: cost.memory_kib(),
            passes: cost.passes(),
            lanes: 1,
            salt: vec![0; SALT_BYTES],
            output: vec![0; OUTPUT_BYTES],
        };
        Self { cost, absent }
    }

    /// Hashes a new password with a salt from a cryptographic generator. Blocks for 15 to 50 ms.
    pub fn hash(
        &self,
        password: &Secret<String>,
        salt: [u8; SALT_BYTES],
    ) -> Result<PasswordHash, HashPasswordError> {
        let password = password.expose();
        if password.len() > PASSWORD_BYTES_MAX {
            return Err(HashPasswordError::Length);
        }
        let mut hash = PasswordHash { salt: salt.into(), ..self.absent.clone() };
        hash.output = compute(password, &hash)?;
        Ok(hash)
    }

    /// Checks a password against what is stored; `None` for an account that does not exist, which takes as long.
    /// Blocks for 15 to 50 ms.
    ///
    /// A hash of another cost takes another time, so a change of cost tells old accounts from new ones until their
    /// owners have logged in once.
    pub fn verify(
        &self,
        stored: Option<&PasswordHash>,
        password: &Secret<String>,
    ) -> Result<PasswordVerdict, HashPasswordError> {
        let password = password.expose();
        let (known, password) =
            if password.len() <= PASSWORD_BYTES_MAX { (stored, password.as_str()) } else { (None, "") };
        let hash = known.unwrap_or(&self.absent);
        let equal = bool::from(compute(password, hash)?.ct_eq(&hash.output));
        Ok(match known {
            Some(hash) if equal && hash.needs_rehash(self.cost) => PasswordVerdict::CorrectButWeak,
            Some(_) if equal => PasswordVerdict::Correct,
            _ => PasswordVerdict::Wrong,
        })
    }
}

/// The output for this password under the parameters and salt of `hash`, as long as the output in it.
fn compute(password: &str, hash: &PasswordHash) -> Result<Vec<u8>, HashPasswordError> {
    let mut output = vec![0; hash.output.len()];
    Params::new(hash.memory_kib, hash.passes, hash.lanes, Some(output.len()))
        .and_then(|parameters| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters).hash_password_into(
                password.as_bytes(),
                &hash.salt,
                &mut output,
            )
        })
        .map_err(HashPasswordError::Argon2)?;
    Ok(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hasher() -> PasswordHasher {
        PasswordHasher::new(HashingCost::MINIMUM)
    }

    fn password(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn agrees_with_the_reference_implementation() {
        // `argon2 "password" with "somesalt"` of the C reference's own tests: version 19, t=2, m=2^16 and 2^8, p=1
        // and 2.
        for text in [
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
        ] {
            let hash = PasswordHash::parse(text).unwrap();
            assert_ne!(
                hasher().verify(Some(&hash), &password("password")).unwrap(),
                PasswordVerdict::Wrong,
                "{text}"
            );
            assert_eq!(
                hasher().verify(Some(&hash), &password("differentpassword")).unwrap(),
                PasswordVerdict::Wrong
            );
        }
    }

    #[test]
    fn checks_what_it_hashed() {
        let hash = hasher().hash(&password("correct horse"), [7; 16]).unwrap();
        assert_eq!(
            hasher().verify(Some(&hash), &password("correct horse")).unwrap(),
            PasswordVerdict::Correct
        );
        let stored = PasswordHash::parse(hash.to_phc().expose()).unwrap();
        assert_eq!(
            hasher().verify(Some(&stored), &password("correct horse")).unwrap(),
            PasswordVerdict::Correct
        );
        assert_eq!(hasher().verify(Some(&hash), &password("Correct horse")).unwrap(), PasswordVerdict::Wrong);
    }

    #[test]
    fn asvs_v6_2_8_verifies_exactly_what_was_set() {
        let long = "x".repeat(128);
        let hash = hasher().hash(&password(&long), [7; 16]).unwrap();
        for other in [&long[..127], &"x".repeat(129), &long.to_uppercase(), &format!("{long} ")] {
            assert_eq!(
                hasher().verify(Some(&hash), &password(other)).unwrap(),
                PasswordVerdict::Wrong,
                "{other}"
            );
        }
        let accented = hasher().hash(&password("\u{e9}\u{0} \u{1f512}"), [7; 16]).unwrap();
        assert_eq!(
            hasher().verify(Some(&accented), &password("\u{e9}\u{0} \u{1f512}")).unwrap(),
            PasswordVerdict::Correct
        );
        assert_eq!(
            hasher().verify(Some(&accented), &password("e\u{301}\u{0} \u{1f512}")).unwrap(),
            PasswordVerdict::Wrong
        );
    }

    #[test]
    fn asvs_v6_3_8_absent_account_is_computed_like_a_present_one() {
        let hasher = hasher();
        let present = hasher.hash(&password("correct horse"), [7; 16]).unwrap();
        let shape = |hash: &PasswordHash| {
            (hash.memory_kib, hash.passes, hash.lanes, hash.salt.len(), hash.output.len())
        };
        assert_eq!(shape(&hasher.absent), shape(&present));
        assert_eq!(hasher.verify(None, &password("correct horse")).unwrap(), PasswordVerdict::Wrong);
        // The work is really done: an uncomputable stand-in is noticed.
        let broken =
            PasswordHasher { absent: PasswordHash { memory_kib: 0, ..hasher.absent.clone() }, ..hasher };
        assert!(matches!(broken.verify(None, &password("a")), Err(HashPasswordError::Argon2(_))));
        assert!(matches!(
            broken.verify(Some(&present), &password(&"a".repeat(513))),
            Err(HashPasswordError::Argon2(_))
        ));
    }

    #[test]
    fn same_password_has_another_hash_for_another_salt() {
        let [first, second] =
            [7, 8].map(|salt| hasher().hash(&password("correct horse"), [salt; 16]).unwrap());
        assert_ne!(first.output, second.output);
    }

    #[test]
    fn weak_hash_is_reported_while_the_password_is_at_hand() {
        let hash = hasher().hash(&password("correct horse"), [7; 16]).unwrap();
        let dearer = PasswordHasher::new(HashingCost::new(47_104, 1).unwrap());
        let verdict = dearer.verify(Some(&hash), &password("correct horse")).unwrap();
        assert_eq!(verdict, PasswordVerdict::CorrectButWeak);
        assert_eq!(dearer.verify(Some(&hash), &password("wrong horse")).unwrap(), PasswordVerdict::Wrong);
    }

    #[test]
    fn refuses_to_hash_more_than_512_bytes() {
        assert!(matches!(
            hasher().hash(&password(&"a".repeat(513)), [0; 16]),
            Err(HashPasswordError::Length)
        ));
    }
}
