//! How wrong codes of a second factor are counted.
//!
//! Whoever types a code at log-in has shown the password; six digits must not be guessed by them, and they must not keep out
//! whose password it is. So wrong codes are counted under an account's own names, wherever an address lies, by what its owner has
//! and somebody who knows only the password has not:
//!
//! | where a code comes from | count, of 5 in 15 minutes |
//! |---|---|
//! | a device that gave a right code before | its own |
//! | a device that the account knows by the password alone, from before there was a second factor | one of all of these |
//! | anywhere else | one of all of these |
//! | a live session, when the second factor is taken away | its own; wrong passwords there too |
//!
//! So somebody who has only the password has 5 guesses in a quarter of an hour, 10 if they were logged in before there was a
//! second factor, wherever they come from. A device is known here only as long as the password's count knows it: a password
//! that is reset by letter takes its own count away.

use std::net::Ipv6Addr;

use shield_guard::{
    AccountId, SessionId,
    address::AddressBlock,
    limit::{DeviceDigest, LoginAttempt, LoginName},
};
use shield_types::DigestHasher;
use uuid::Uuid;

use super::{
    Accounts,
    attempts::{CountError, CountedAttempt, TooMany},
};

/// Where a code comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeOrigin {
    /// A log-in on a device that the account knows.
    Known(DeviceDigest),
    /// Any other log-in.
    Strange,
    /// A session that lives.
    Session(SessionId),
}

// === impl Accounts ===

impl Accounts {
    /// Counts an attempt at a code before it is looked at.
    pub(super) async fn count_code(
        &self,
        account: AccountId,
        origin: CodeOrigin,
    ) -> Result<CountedAttempt, CountError> {
        let counted = self.count(origin.attempt(account), origin.counted()).await?;
        // They have shown the password, or are logged in already.
        Ok(counted.of_somebody_known())
    }
}

// === impl CodeOrigin ===

impl CodeOrigin {
    /// Of a log-in whose password was right.
    pub(super) fn of(password: &CountedAttempt) -> Self {
        password.known_device().map_or(Self::Strange, Self::Known)
    }

    fn attempt(self, account: AccountId) -> LoginAttempt {
        let account = account.uuid();
        let log_ins = digest(b"second factor\0", &[account]);
        match self {
            Self::Strange => LoginAttempt { name: LoginName(log_ins), block: block(log_ins), device: None },
            // The same name: from a right code anywhere else on, a device is known by it.
            Self::Known(device) => {
                let known = digest(b"second factor, known devices\0", &[account]);
                LoginAttempt { name: LoginName(log_ins), block: block(known), device: Some(device) }
            }
            Self::Session(session) => {
                let name = digest(b"second factor, session\0", &[account, session.uuid()]);
                LoginAttempt { name: LoginName(name), block: block(name), device: None }
            }
        }
    }

    fn counted(self) -> TooMany {
        match self {
            Self::Known(_) | Self::Strange => TooMany::Codes,
            Self::Session(_) => TooMany::PasswordsOrCodes,
        }
    }
}

/// No address has a name of this kind.
fn digest(label: &[u8], parts: &[Uuid]) -> [u8; 32] {
    let mut hasher = DigestHasher::new();
    hasher.update(label);
    for part in parts {
        hasher.update(part.as_bytes());
    }
    *hasher.finish().as_bytes()
}

/// An address block for each count, so that the counters of one have nothing to do with those of another, and where a code
/// comes from makes no difference.
fn block(digest: [u8; 32]) -> AddressBlock {
    let [a, b, c, d, e, f, g, h, ..] = digest;
    let address = u128::from(u64::from_be_bytes([a, b, c, d, e, f, g, h])) << 64;
    AddressBlock::of(Ipv6Addr::from(address).into())
}
