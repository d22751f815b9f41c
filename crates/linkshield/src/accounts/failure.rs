//! What every operation on accounts may answer instead of a decision: a fault of ours.

use shield_data::{SealError, SqlError, UnsealError};
use thiserror::Error;

use super::hashing::HashingError;
use crate::{
    keys::{ChangeKeysError, IssueAccessError},
    store::StoreError,
};

/// Nothing was decided, and nothing was allowed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Failure {
    /// LinkShield's own tables.
    #[error("ask the database about accounts")]
    Accounts(#[from] StoreError),
    /// Sessions, refresh tokens, tokens that work once, counts: the error says which.
    #[error("ask the database about credentials")]
    Guard(#[from] shield_guard::StoreError),
    /// Passwords.
    #[error("hash a password")]
    Hashing(#[from] HashingError),
    /// Access tokens.
    #[error("give an access token")]
    Sign(#[source] IssueAccessError),
    /// Deleting what is over.
    #[error("delete what is over")]
    Prune(#[from] SqlError),
    /// Sealing a secret.
    #[error("seal a secret")]
    Seal(#[from] SealError),
    /// Opening a sealed secret.
    #[error("open a sealed secret")]
    Unseal(#[from] UnsealError),
    /// What is stored contradicts itself.
    #[error("use what is stored: {what}")]
    Damaged {
        /// What is wrong.
        what: &'static str,
    },
    /// Somebody else was faster each time.
    #[error("others changed the session meanwhile, each time")]
    Contended,
}

// === impl Failure ===

impl From<IssueAccessError> for Failure {
    /// A database that does not answer is the same fault wherever it shows.
    fn from(error: IssueAccessError) -> Self {
        match error {
            IssueAccessError::Keys(ChangeKeysError::Store(error)) => Self::Guard(error),
            error => Self::Sign(error),
        }
    }
}
