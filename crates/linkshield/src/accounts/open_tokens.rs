//! Tokens of letters: looked at first, and taken only together with what they open.

use shield_guard::one_time::{OneTimeRecord, OneTimeToken, Purpose};

use super::{Accounts, failure::Failure};
use crate::{
    clock::now,
    store::{Account, AccountChange},
};

/// A token that was good a moment ago.
pub(super) struct OpenToken {
    token: OneTimeToken,
    /// What it stands for.
    pub(super) record: OneTimeRecord,
}

// === impl Accounts ===

impl Accounts {
    /// The token with this text, if it is open for `purpose`. It stays so.
    pub(super) async fn open_token(
        &self,
        text: &str,
        purpose: Purpose,
    ) -> Result<Option<OpenToken>, Failure> {
        // What is no token costs the database nothing.
        let Ok(token) = OneTimeToken::parse(text) else { return Ok(None) };
        let found = self.inner.one_time.find(token.digest(purpose), now()).await?;
        let record = found.filter(|record| record.purpose == purpose);
        Ok(record.map(|record| OpenToken { token, record }))
    }
}

// === impl OpenToken ===

impl OpenToken {
    /// Whether it was sent to the address that the account has: reading another one's mail proves nothing.
    pub(super) fn proves(&self, account: &Account) -> bool {
        account.id == self.record.account && account.email_key == self.record.email
    }

    /// Takes it within a change of its account; false when somebody did so before.
    pub(super) async fn take(&self, change: &mut AccountChange) -> Result<bool, Failure> {
        let digest = self.token.digest(self.record.purpose);
        Ok(change.take_token(digest, now()).await?.is_some_and(|taken| taken == self.record))
    }
}
