//! What accounts may do, as far as this node knows.
//!
//! A credential says who somebody is; what they may do is their account's, and changes while the credential lives. It is
//! remembered for a few seconds. A changed role, plan or status shows sooner: at once on the node that changed it
//! ([`AccountTable::forget`]), and on the others when they read of it in the log of revocations
//! ([`Revocation::of_standing`](crate::revocation::Revocation::of_standing)). An answer that was under way meanwhile is not
//! kept.
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
    /// None since it was forgotten.
    standing: Option<AccountStanding>,
    /// A moment before the store was asked; of one that was forgotten, when.
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
            .with(&key(account), |known| known.standing.filter(|_| known.is_young(now, self.age_max)))
            .flatten()
    }

    /// The last answer, however old: for ordinary routes while the store is away.
    pub(super) fn last_known(&self, account: AccountId) -> Option<AccountStanding> {
        self.accounts.with(&key(account), |known| known.standing).flatten()
    }

    /// Remembers an answer, unless the account was forgotten since it was asked for. `asked_at`: a moment before the question
    /// was sent.
    pub fn keep(&self, account: AccountId, standing: AccountStanding, asked_at: Timestamp) {
        let fresh = || Known { standing: Some(standing), asked_at };
        let replace = |known: &mut Known| {
            if known.standing.is_some() || known.asked_at < asked_at {
                *known = fresh();
            }
        };
        // What does not fit is asked about again.
        let _full = self.accounts.upsert(&key(account), replace, fresh);
    }

    /// Forgets an account that changed, and takes no answer to what was asked until `now`.
    pub fn forget(&self, account: AccountId, now: Timestamp) {
        let gone = || Known { standing: None, asked_at: now };
        // Where there is no room for this, there is none for the answer.
        let _full = self.accounts.upsert(&key(account), |known| *known = gone(), gone);
    }

    /// Forgets what was learned more than `keep` ago: so long do ordinary routes go on without the store. To be called
    /// about once a minute. Returns how many went.
    pub fn prune(&self, now: Timestamp, keep: Duration) -> usize {
        self.accounts.retain(|known| known.is_young(now, keep))
    }

    /// Accounts in it, and those forgotten lately.
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

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    #[test]
    fn an_answer_under_way_does_not_bring_back_the_old() {
        let table = AccountTable::new(10, Duration::from_secs(5));
        let account = AccountId::new(NOW, [1; 10]);
        let acting = AccountStanding::Acting(AccountFacts { tier: Tier::Free, scopes: ScopeSet::EMPTY });
        for known in [true, false] {
            if known {
                table.keep(account, acting, NOW);
                assert_eq!(table.find(account, NOW), Some(acting));
            }
            table.forget(account, Timestamp(NOW.0 + 10));
            assert_eq!((table.find(account, NOW), table.last_known(account)), (None, None));
            for asked_at in [NOW.0 + 9, NOW.0 + 10] {
                table.keep(account, acting, Timestamp(asked_at));
                assert_eq!(table.find(account, NOW), None, "known before: {known}, asked at {asked_at}");
            }
            table.keep(account, AccountStanding::Barred, Timestamp(NOW.0 + 11));
            assert_eq!(table.find(account, NOW), Some(AccountStanding::Barred));
            assert_eq!(table.prune(Timestamp(NOW.0 + 600_012), Duration::from_secs(600)), 1);
            assert!(table.is_empty());
        }
    }
}
