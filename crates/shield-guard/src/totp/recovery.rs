//! Recovery codes: ten, each good once, for the day the authenticator is lost.
//!
//! A code has 120 bits, so that a plain SHA-256 may be stored (ASVS 5.0, 6.5.2: 112 bits or more) and ten of them
//! cost nothing to make; a short code would need a password hash each. Four groups of six letters can still be
//! written down.

use std::future::Future;

use ring::digest::{Context, SHA256};
use shield_types::Secret;

use super::base32;
use crate::{AccountId, StoreError};

/// How many are made at a time.
pub const RECOVERY_CODES: usize = 10;
/// Bytes of a code.
const CODE_BYTES: usize = 15;
/// Letters of a code, hyphens not counted.
const LETTERS: usize = 24;
/// The longest text that is looked at: letters, and a hyphen or space after each.
const TEXT_LENGTH_MAX: usize = 2 * LETTERS;
/// Keeps these digests apart from every other SHA-256 in the system.
const DOMAIN: &[u8] = b"shield recovery code 1\0";

/// One code.
#[derive(Clone, Debug)]
pub struct RecoveryCode(Secret<[u8; CODE_BYTES]>);

/// What is stored instead of a code. Two accounts with the same code would have different digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecoveryCodeDigest([u8; 32]);

/// Text that is not a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read a recovery code: expected {LETTERS} letters A to Z and 2 to 7, in groups or not")]
pub struct ParseRecoveryCodeError;

/// Keeps the digests of each account's unused codes.
pub trait RecoveryCodeStore: Sync {
    /// Puts a new set in the place of the old one, in one operation (ASVS 5.0, 6.5.6).
    fn replace(
        &self,
        account: AccountId,
        digests: [RecoveryCodeDigest; RECOVERY_CODES],
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Takes a code out, in one operation; how many are left, or nothing when it was not there.
    fn consume(
        &self,
        account: AccountId,
        digest: RecoveryCodeDigest,
    ) -> impl Future<Output = Result<Option<usize>, StoreError>> + Send;
}

/// Why a recovery code was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// Not the text of one.
    #[error("redeem a recovery code: its text is malformed")]
    Malformed,
    /// Not one of this account's, or used.
    #[error("redeem a recovery code: it is not among the account's unused ones")]
    NotOpen,
    /// The store could not decide.
    #[error("redeem a recovery code: the store gave no answer")]
    Store(#[source] StoreError),
}

// === impl RecoveryCode ===

impl RecoveryCode {
    /// A fresh one, from a cryptographic generator (ASVS 5.0, 6.5.3).
    pub fn new(random: [u8; CODE_BYTES]) -> Self {
        Self(Secret::new(random))
    }

    /// As it is shown, once: `ABCDEF-GHIJKL-MNOPQR-STUVWX`.
    pub fn text(&self) -> Secret<String> {
        let letters = base32::encode(self.0.expose());
        let mut text = String::with_capacity(LETTERS + 3);
        for (index, letter) in letters.chars().enumerate() {
            if index > 0 && index % 6 == 0 {
                text.push('-');
            }
            text.push(letter);
        }
        Secret::new(text)
    }

    /// Reads what was typed: any case, with hyphens and spaces anywhere.
    pub fn parse(text: &str) -> Result<Self, ParseRecoveryCodeError> {
        if text.len() > TEXT_LENGTH_MAX {
            return Err(ParseRecoveryCodeError);
        }
        let (mut bits, mut letters) = (0_u128, 0);
        for byte in text.bytes().filter(|byte| !matches!(byte, b'-' | b' ')) {
            let value = base32::value(byte).ok_or(ParseRecoveryCodeError)?;
            bits = (bits << 5) | u128::from(value);
            letters += 1;
        }
        if letters != LETTERS {
            return Err(ParseRecoveryCodeError);
        }
        let bytes = bits.to_be_bytes()[1..].try_into().expect("24 letters of 5 bits are 15 bytes");
        Ok(Self(Secret::new(bytes)))
    }

    /// What the store knows it by.
    pub fn digest(&self, account: AccountId) -> RecoveryCodeDigest {
        let mut context = Context::new(&SHA256);
        for part in [DOMAIN, account.uuid().as_bytes(), self.0.expose()] {
            context.update(part);
        }
        RecoveryCodeDigest(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

// === impl RecoveryCodeDigest ===

impl RecoveryCodeDigest {
    /// To be stored.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

// === impl RecoveryError ===

impl RecoveryError {
    /// The name in events.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotOpen => "not-open",
            Self::Store(_) => "store-away",
        }
    }
}

/// Takes a recovery code, once, and says how many are left.
pub async fn redeem_recovery_code(
    store: &impl RecoveryCodeStore,
    account: AccountId,
    text: &str,
) -> Result<usize, RecoveryError> {
    let code = RecoveryCode::parse(text).map_err(|_| RecoveryError::Malformed)?;
    let left = store.consume(account, code.digest(account)).await.map_err(RecoveryError::Store)?;
    left.ok_or(RecoveryError::NotOpen)
}

#[cfg(test)]
mod tests {
    use std::{array, collections::BTreeSet, future, sync::Mutex};

    use proptest::prelude::*;
    use shield_types::Timestamp;

    use super::*;
    use crate::one_time::testing::ready;

    #[derive(Default)]
    struct Codes(Mutex<BTreeSet<(AccountId, RecoveryCodeDigest)>>);

    impl RecoveryCodeStore for Codes {
        fn replace(
            &self,
            account: AccountId,
            digests: [RecoveryCodeDigest; RECOVERY_CODES],
        ) -> impl Future<Output = Result<(), StoreError>> + Send {
            let mut codes = self.0.lock().unwrap();
            codes.retain(|(owner, _)| *owner != account);
            codes.extend(digests.map(|digest| (account, digest)));
            future::ready(Ok(()))
        }

        fn consume(
            &self,
            account: AccountId,
            digest: RecoveryCodeDigest,
        ) -> impl Future<Output = Result<Option<usize>, StoreError>> + Send {
            let mut codes = self.0.lock().unwrap();
            let found = codes.remove(&(account, digest));
            let left = codes.iter().filter(|(owner, _)| *owner == account).count();
            future::ready(Ok(found.then_some(left)))
        }
    }

    fn account(number: u8) -> AccountId {
        AccountId::new(Timestamp(0), [number; 10])
    }

    fn codes(first: u8) -> [RecoveryCode; RECOVERY_CODES] {
        array::from_fn(|index| RecoveryCode::new([first + u8::try_from(index).unwrap(); CODE_BYTES]))
    }

    #[test]
    fn asvs_v6_5_1_each_code_works_once() {
        let (store, account) = (Codes::default(), account(1));
        let codes = codes(0);
        ready(store.replace(account, codes.each_ref().map(|code| code.digest(account)))).unwrap();
        for (code, left) in codes.iter().zip((0..10).rev()) {
            let text = code.text();
            assert_eq!(ready(redeem_recovery_code(&store, account, text.expose())).unwrap(), left);
            let again = ready(redeem_recovery_code(&store, account, text.expose()));
            assert!(matches!(again, Err(RecoveryError::NotOpen)), "{again:?}");
        }
    }

    #[test]
    fn asvs_v6_5_6_new_set_revokes_the_old() {
        let (store, account) = (Codes::default(), account(1));
        let [old, new] = [codes(0), codes(100)];
        for set in [&old, &new] {
            ready(store.replace(account, set.each_ref().map(|code| code.digest(account)))).unwrap();
        }
        assert!(ready(redeem_recovery_code(&store, account, old[0].text().expose())).is_err());
        assert!(ready(redeem_recovery_code(&store, account, new[0].text().expose())).is_ok());
    }

    #[test]
    fn code_of_another_account_opens_nothing() {
        let (store, owner) = (Codes::default(), account(1));
        let codes = codes(0);
        ready(store.replace(owner, codes.each_ref().map(|code| code.digest(owner)))).unwrap();
        assert!(ready(redeem_recovery_code(&store, account(2), codes[0].text().expose())).is_err());
        assert_ne!(codes[0].digest(owner), codes[0].digest(account(2)));
    }

    #[test]
    fn asvs_v6_5_2_has_112_bits_or_more() {
        let letters =
            RecoveryCode::new([0; CODE_BYTES]).text().expose().bytes().filter(|byte| *byte != b'-').count();
        assert!(letters * 5 >= 112, "five bits a letter");
        assert_eq!(RecoveryCode::new([0xff; CODE_BYTES]).text().expose(), "777777-777777-777777-777777");
    }

    #[test]
    fn reads_what_people_type() {
        let code = RecoveryCode::new(*b"fifteen-bytes!!");
        let typed = format!(" {}", code.text().expose().to_lowercase().replace('-', " "));
        let read = RecoveryCode::parse(&typed).unwrap();
        assert_eq!(read.digest(account(1)), code.digest(account(1)));
    }

    proptest! {
        #[test]
        fn reads_what_it_writes(random: [u8; CODE_BYTES]) {
            let code = RecoveryCode::new(random);
            let read = RecoveryCode::parse(code.text().expose()).unwrap();
            prop_assert_eq!(read.0.expose(), code.0.expose());
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,60}") {
            let _ = RecoveryCode::parse(&text);
        }
    }
}
