//! The set's memory, kind by kind.

use shield_types::Timestamp;

use super::{Grant, GrantRefusal, Revocation, Revoked};
use crate::{
    KeyId,
    table::{Full, Key, SharedTable},
};

/// Signing keys that can be taken back: a deployment has a handful.
const SIGNING_KEYS_MAX: usize = 1_024;

/// All that was taken back and might still be presented.
#[derive(Debug)]
pub(super) struct Tables {
    /// Until when each is remembered.
    pub(super) tokens: SharedTable<16, Timestamp>,
    pub(super) sessions: SharedTable<16, Timestamp>,
    pub(super) api_keys: SharedTable<16, Timestamp>,
    pub(super) signing_keys: SharedTable<16, Timestamp>,
    pub(super) accounts: SharedTable<16, NotBefore>,
}

/// From when on an account's grants count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NotBefore {
    /// For sessions and tokens.
    sessions: Timestamp,
    /// For everything.
    all: Timestamp,
    expires_at: Timestamp,
}

// === impl Tables ===

impl Tables {
    pub(super) fn new(entries_max: usize) -> Self {
        Self {
            tokens: SharedTable::new(entries_max),
            sessions: SharedTable::new(entries_max),
            api_keys: SharedTable::new(entries_max),
            signing_keys: SharedTable::new(SIGNING_KEYS_MAX),
            accounts: SharedTable::new(entries_max),
        }
    }

    pub(super) fn len(&self) -> usize {
        let ids = [&self.tokens, &self.sessions, &self.api_keys, &self.signing_keys];
        ids.iter().map(|table| table.len()).sum::<usize>() + self.accounts.len()
    }

    /// Adds what an entry says. The greater of two times wins, so that neither order nor repetition matters.
    pub(super) fn add(&self, entry: &Revocation) -> Result<(), Full> {
        let until = entry.expires_at;
        let remember = |table: &SharedTable<16, Timestamp>, id: [u8; 16]| {
            table.upsert(&Key::of(id), |present| *present = until.max(*present), || until)
        };
        let raise = |account: [u8; 16], sessions, all| {
            let addition = NotBefore { sessions, all, expires_at: until };
            self.accounts.upsert(&Key::of(account), |present| *present = present.max(addition), || addition)
        };
        match entry.revoked {
            Revoked::Token { token } => remember(&self.tokens, token.uuid().into_bytes()),
            Revoked::Session { session } => remember(&self.sessions, session.uuid().into_bytes()),
            Revoked::ApiKey { key } => remember(&self.api_keys, key.uuid().into_bytes()),
            Revoked::SigningKey { key } => remember(&self.signing_keys, letters(key)),
            Revoked::Sessions { account, issued_before } => {
                raise(account.uuid().into_bytes(), issued_before, Timestamp(0))
            }
            Revoked::Account { account, issued_before } => {
                raise(account.uuid().into_bytes(), issued_before, issued_before)
            }
        }
    }

    /// Whether a grant, or what it comes from, is in here. Whether the entry has expired is not asked: it stays until it is
    /// pruned.
    pub(super) fn check(&self, grant: &Grant) -> Result<(), GrantRefusal> {
        let named =
            |table: &SharedTable<16, Timestamp>, id: [u8; 16]| table.with(&Key::of(id), |_| ()).is_some();
        let account = grant.account.uuid().into_bytes();
        if self.accounts.with(&Key::of(account), |moment| moment.overtook(grant)) == Some(true) {
            return Err(GrantRefusal::Account);
        }
        if grant.session.is_some_and(|session| named(&self.sessions, session.uuid().into_bytes())) {
            return Err(GrantRefusal::Session);
        }
        if grant.token.is_some_and(|token| named(&self.tokens, token.uuid().into_bytes())) {
            return Err(GrantRefusal::Token);
        }
        if grant.signing_key.is_some_and(|key| self.has_signing_key(key)) {
            return Err(GrantRefusal::SigningKey);
        }
        if grant.api_key.is_some_and(|key| named(&self.api_keys, key.uuid().into_bytes())) {
            return Err(GrantRefusal::ApiKey);
        }
        Ok(())
    }

    pub(super) fn has_signing_key(&self, key: KeyId) -> bool {
        self.signing_keys.with(&Key::of(letters(key)), |_| ()).is_some()
    }

    /// Forgets what expired before `moment`. Returns how many entries went.
    pub(super) fn forget_before(&self, moment: Timestamp) -> usize {
        let ids = [&self.tokens, &self.sessions, &self.api_keys, &self.signing_keys];
        let ids: usize = ids.iter().map(|table| table.retain(|until| *until >= moment)).sum();
        ids + self.accounts.retain(|account| account.expires_at >= moment)
    }
}

fn letters(key: KeyId) -> [u8; 16] {
    key.as_str().as_bytes().try_into().expect("a key id has sixteen letters")
}

// === impl NotBefore ===

impl NotBefore {
    fn max(self, other: Self) -> Self {
        Self {
            sessions: self.sessions.max(other.sessions),
            all: self.all.max(other.all),
            expires_at: self.expires_at.max(other.expires_at),
        }
    }

    fn overtook(&self, grant: &Grant) -> bool {
        let bound = if grant.api_key.is_some() { self.all } else { self.sessions };
        grant.issued_at < bound
    }
}
