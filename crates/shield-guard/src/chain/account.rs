//! What accounts may do, as far as this node knows.
//!
//! A credential says who somebody is; what they may do is their account's, and changes while the credential lives. It is
//! remembered for a few seconds, so that a changed role or plan shows everywhere within that time; on the node that changed
//! it, at once ([`AccountTable::forget`]). What must end sooner everywhere (a suspension) is a revocation as well.
//!
//! **Bound.** Only accounts that proved who they are get in. A full table keeps what it has until [`AccountTable::prune`]
//! makes room; accounts without a place cost a question each request.

use std::time::Duration;

use shield_types::Timestamp;

use crate::{
    AccountId, ScopeSet,
    limit::Tier,
    table::{Key, SharedTable},
};

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFacts {
    /// What it pays for.
    pub tier: Tier,
    /// The most that any of its credentials allows: what follows from its role.
    pub scopes: ScopeSet,
}

/// Whether an account may do anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountStanding {
    /// It may do this.
    Acting(AccountFacts),
    /// It is suspended, deleted or was never there: nothing.
    Barred,
}

/// The accounts that were lately asked about.
#[derive(Debug)]
pub struct AccountTable {
    accounts: SharedTable<16, Known>,
    age_max: Duration,
}

#[derive(Debug)]
struct Known {
    standing: AccountStanding,
    /// A moment before the store was asked.
    asked_at: Timestamp,
}

// === impl AccountTable ===

impl AccountTable {
    /// A table for at most `accounts_max` accounts, about 64 bytes each, which believes an answer for `age_max`.
    pub fn new(accounts_max: usize, age_max: Duration) -> Self {
        Self { accounts: SharedTable::new(accounts_max), age_max }
    }

    /// What an account may do; `None` when it is not known, or not surely any more.
    pub fn find(&self, account: AccountId, now: Timestamp) -> Option<AccountStanding> {
        self.accounts
            .with(&key(account), |known| known.is_young(now, self.age_max).then_some(known.standing))
            .flatten()
    }

    /// The last answer, however old: for ordinary routes while the store is away.
    pub(super) fn last_known(&self, account: AccountId) -> Option<AccountStanding> {
        self.accounts.with(&key(account), |known| known.standing)
    }

    /// Remembers an answer. `asked_at`: a moment before the question was sent.
    pub fn keep(&self, account: AccountId, standing: AccountStanding, asked_at: Timestamp) {
        let fresh = || Known { standing, asked_at };
        // What does not fit is asked about again.
        let _full = self.accounts.upsert(&key(account), |known| *known = fresh(), fresh);
    }

    /// Forgets an account that changed. An answer that was under way may put the old one back, for no longer than the
    /// age that answers have.
    pub fn forget(&self, account: AccountId) {
        self.accounts.remove_if(&key(account), |_| true);
    }

    /// Forgets what was learned more than `keep` ago: so long do ordinary routes go on without the store. To be called
    /// about once a minute. Returns how many went.
    pub fn prune(&self, now: Timestamp, keep: Duration) -> usize {
        self.accounts.retain(|known| known.is_young(now, keep))
    }

    /// Accounts in it.
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn key(account: AccountId) -> Key<16> {
    Key::of(account.uuid().into_bytes())
}

// === impl Known ===

impl Known {
    /// A moment in the future counts like one as far in the past: a clock that was set back makes nothing young.
    fn is_young(&self, now: Timestamp, age_max: Duration) -> bool {
        u128::from(now.0.abs_diff(self.asked_at.0)) < age_max.as_millis()
    }
}
