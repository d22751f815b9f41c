//! Tokens that work once: e-mail verification, password reset, change of e-mail address.
//!
//! 32 random bytes go out by e-mail; what is kept is a SHA-256 over the token *and its purpose*, so a leaked table
//! opens nothing and a verification link resets no password (ASVS 5.0, 6.5.1, 6.5.2, 11.5.1). Taking one is a single
//! operation of the store, so that of two that race one wins (15.4.2); the original read first and deleted later.
//!
//! A store keeps at most [`OPEN_TOKENS_MAX`] tokens per account and purpose, and gives no more until one is used or ends. So
//! whoever asks for letters to somebody else's address makes no link of theirs useless, and fills neither mailbox nor table.
//! The first that is taken voids the others.
//!
//! **Deployment.** These prove that somebody reads the mailbox, nothing more: a reset goes on to ask for the second
//! factor where one is set up (6.4.3). A token is gone once it was taken: judge the new password before taking it.
//! And whoever asks for a token gets the same answer whether or not the address is known (6.3.8).

mod redeem;
mod store;
#[cfg(test)]
pub(crate) mod testing;
mod token;

pub use redeem::{IssuedToken, RedeemError, TokenOrder, issue, redeem};
pub use store::{Insertion, OPEN_TOKENS_MAX, OneTimeRecord, OneTimeStore};
pub use token::{OneTimeDigest, OneTimeToken, ParseTokenError, Purpose};
