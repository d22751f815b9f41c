//! The second factor: codes from an authenticator app (RFC 6238), and recovery codes for the day the phone is gone.
//!
//! HMAC-SHA-1, six digits, steps of 30 s: what every authenticator app speaks; SHA-1 inside an HMAC is not what its
//! collisions break. A code is good for one log-in: the last accepted step is moved forward by one compare-and-set of
//! the store, so a code seen over a shoulder is worthless once its owner used it (ASVS 5.0, 6.5.1).
//!
//! **Deployment.** Six digits are 20 bits: attempts must be limited per account (three codes are good at a time, so 5
//! attempts in 15 minutes leave a chance of 1 in 67,000). Count those of known devices and live sessions apart, or whoever
//! knows the password keeps its owner out. The server's clock must be right to some seconds (6.5.8);
//! the default accepts one step of drift to either side, as RFC 6238 recommends, so a code can be used for up to 90
//! s; [`Drift::None`] keeps to the 30 s of ASVS 5.0, 6.5.5 to the letter. The secret must be readable to check codes:
//! encrypt that column.

mod base32;
mod code;
mod recovery;
mod secret;
mod verify;

pub use code::{Drift, ParseCodeError, TotpCode, TotpStep};
pub use recovery::{
    ParseRecoveryCodeError, RECOVERY_CODES, RecoveryCode, RecoveryCodeDigest, RecoveryCodeStore,
    RecoveryError, redeem_recovery_code,
};
pub use secret::TotpSecret;
pub use verify::{StepAcceptance, TotpAttempt, TotpError, TotpStepStore, verify_totp};
