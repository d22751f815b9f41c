//! Accounts: what registering, logging in, changing a password and logging out mean. No HTTP in here.
//!
//! - Nobody can tell an account that does not exist from one that does, but by registering: a log-in costs the same, and mail
//!   is sent after the answer.
//! - A session is one row; ending it ends its refresh tokens in the same transaction, and its access tokens with the next
//!   request. A new password ends every other session.
//! - Whatever cannot be decided (the database is away, too many passwords are being hashed) is refused as a fault of ours.

mod admin;
mod api_keys;
#[cfg(test)]
mod attempt_tests;
mod attempts;
#[cfg(test)]
mod change_tests;
mod codes;
mod email;
mod errands;
mod failure;
mod grant;
mod hashing;
mod in_flight;
mod login;
mod open_tokens;
#[cfg(test)]
mod overload_tests;
mod password;
mod permissions;
mod quotas;
mod refresh;
mod register;
pub mod scopes;
mod second_factor;
mod service;
mod sessions;
mod standing;
#[cfg(test)]
mod tests;

pub use admin::{Administrator, ChangeStandingError, StandingChanged, promote};
pub use api_keys::{ApiKeyError, KeyOrder, KeyWatch, MadeKey};
pub use attempts::TooMany;
pub(crate) use email::EMAIL_LENGTH_MAX;
pub use email::{EmailAddress, ParseEmailError};
pub use errands::Messenger;
pub use failure::Failure;
pub use grant::Granted;
pub use hashing::{HashingError, HashingPool};
pub use login::{Client, Device, Login, LoginError, LoginRefused, Proof};
pub use password::{ChangePassword, ChangePasswordError, PasswordWasReset, ResetPasswordError};
pub use permissions::Permissions;
pub use quotas::{Means, PlanUse, Purpose, QuotaError};
pub use refresh::{RefreshFailure, Refreshed};
pub use register::{Register, RegisterError, VerifyEmailError};
pub use second_factor::{SecondFactorError, TotpSetup, UsedCode};
pub use service::{Accounts, AccountsParts, OpenAccountsError};
