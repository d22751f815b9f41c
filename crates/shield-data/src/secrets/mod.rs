//! What works once: tokens sent by e-mail, codes of an authenticator, recovery codes.

mod one_time;
mod recovery;
mod totp;

pub use one_time::SqlOneTimeTokens;
pub use recovery::SqlRecoveryCodes;
pub use totp::SqlTotpSteps;
