//! Giving a token out, and taking it back.

use shield_types::{Secret, Timestamp};

use super::{OneTimeDigest, OneTimeRecord, OneTimeStore, OneTimeToken, Purpose};
use crate::AccountId;
use crate::StoreError;

/// A token to be made.
#[derive(Clone, Debug)]
pub struct TokenOrder {
    /// Who it is for.
    pub account: AccountId,
    /// What it will be good for.
    pub purpose: Purpose,
    /// Where it will be sent.
    pub email: String,
}

/// A token that was made: one part for the mail, the rest for the store.
#[derive(Clone, Debug)]
pub struct IssuedToken {
    /// Goes into the mail and nowhere else.
    pub text: Secret<String>,
    /// Goes into the store.
    pub digest: OneTimeDigest,
    /// Goes into the store.
    pub record: OneTimeRecord,
}

/// Why a token was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RedeemError {
    /// It is not the text of a token; the store was not asked.
    #[error("redeem a one-time token: its text is malformed")]
    Malformed,
    /// No such token, or used, expired, replaced, or made for another purpose: the store does not tell, so neither
    /// can a client.
    #[error("redeem a one-time token: none is open under its digest for this purpose")]
    NotOpen,
    /// The store could not decide. The token may still be good.
    #[error("redeem a one-time token: the store gave no answer")]
    Store(#[source] StoreError),
}

// === impl RedeemError ===

impl RedeemError {
    /// The name in events.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NotOpen => "not-open",
            Self::Store(_) => "store-away",
        }
    }

    /// What a client is told: one text for every token that is not good (ASVS 5.0, 6.3.8), another when trying later
    /// may help.
    pub const fn client_text(&self) -> &'static str {
        match self {
            Self::Malformed | Self::NotOpen => "this link is not valid or has expired",
            Self::Store(_) => "this cannot be checked at the moment, please try again",
        }
    }
}

/// Makes a token. The caller stores digest and record, and then sends the text.
pub fn issue(order: TokenOrder, random: [u8; 32], now: Timestamp) -> IssuedToken {
    let TokenOrder { account, purpose, email } = order;
    let token = OneTimeToken::new(random);
    let expires_at = now.after(purpose.lifetime());
    IssuedToken {
        text: token.text(),
        digest: token.digest(purpose),
        record: OneTimeRecord { account, purpose, email, expires_at },
    }
}

/// Takes a token back, once.
///
/// What the store returns is checked again, so that a store with a wrong clock or a mixed-up table opens nothing.
pub async fn redeem(
    store: &impl OneTimeStore,
    text: &str,
    purpose: Purpose,
    now: Timestamp,
) -> Result<OneTimeRecord, RedeemError> {
    let token = OneTimeToken::parse(text).map_err(|_| RedeemError::Malformed)?;
    let found = store.consume(token.digest(purpose), now).await.map_err(RedeemError::Store)?;
    found.filter(|record| record.purpose == purpose && now < record.expires_at).ok_or(RedeemError::NotOpen)
}

#[cfg(test)]
mod tests {
    use std::thread;

    use shield_types::Timestamp;

    use super::{IssuedToken, Purpose, RedeemError, TokenOrder, issue, redeem};
    use crate::{
        AccountId,
        one_time::{
            Insertion, OneTimeStore,
            testing::{BrokenStore, MemoryStore, ready},
        },
    };

    const NOW: Timestamp = Timestamp(1_790_000_000_000);

    fn issued(store: &MemoryStore, purpose: Purpose, random: u8) -> IssuedToken {
        let account = AccountId::new(NOW, [1; 10]);
        let issued = issue(TokenOrder { account, purpose, email: "a@example.org".into() }, [random; 32], NOW);
        let kept = ready(store.insert(issued.digest, issued.record.clone(), NOW)).unwrap();
        assert_eq!(kept, Insertion::Kept);
        issued
    }

    #[test]
    fn asvs_v6_5_1_works_once() {
        let store = MemoryStore::default();
        let issued = issued(&store, Purpose::PasswordReset, 3);
        let text = issued.text.expose();
        assert_eq!(ready(redeem(&store, text, Purpose::PasswordReset, NOW)).unwrap(), issued.record);
        let again = ready(redeem(&store, text, Purpose::PasswordReset, NOW));
        assert!(matches!(again, Err(RedeemError::NotOpen)), "{again:?}");
    }

    #[test]
    fn asvs_v15_4_2_parallel_replay_has_one_winner() {
        let store = MemoryStore::default();
        for round in 0..50 {
            let issued = issued(&store, Purpose::EmailVerification, round);
            let won = || ready(redeem(&store, issued.text.expose(), Purpose::EmailVerification, NOW)).is_ok();
            let winners = thread::scope(|scope| {
                let racers: Vec<_> = (0..8).map(|_| scope.spawn(won)).collect();
                racers.into_iter().map(|racer| usize::from(racer.join().unwrap())).sum::<usize>()
            });
            assert_eq!(winners, 1, "round {round}");
        }
    }

    #[test]
    fn asvs_v6_4_1_expires_at_its_last_moment() {
        let store = MemoryStore::default();
        for (purpose, hours) in
            [(Purpose::EmailVerification, 24), (Purpose::PasswordReset, 1), (Purpose::EmailChange, 1)]
        {
            let end = NOW.0 + hours * 3_600_000;
            let late = issued(&store, purpose, 4);
            assert!(
                ready(redeem(&store, late.text.expose(), purpose, Timestamp(end))).is_err(),
                "{purpose:?}"
            );
            let early = issued(&store, purpose, 5);
            assert!(
                ready(redeem(&store, early.text.expose(), purpose, Timestamp(end - 1))).is_ok(),
                "{purpose:?}"
            );
        }
    }

    #[test]
    fn asvs_v6_6_2_other_purpose_opens_nothing() {
        let store = MemoryStore::default();
        let issued = issued(&store, Purpose::EmailVerification, 6);
        let stolen = ready(redeem(&store, issued.text.expose(), Purpose::PasswordReset, NOW));
        assert!(matches!(stolen, Err(RedeemError::NotOpen)), "{stolen:?}");
    }

    #[test]
    fn newer_token_leaves_the_older_open() {
        let store = MemoryStore::default();
        let (older, newer) =
            (issued(&store, Purpose::PasswordReset, 7), issued(&store, Purpose::PasswordReset, 8));
        assert!(ready(redeem(&store, older.text.expose(), Purpose::PasswordReset, NOW)).is_ok());
        let void = ready(redeem(&store, newer.text.expose(), Purpose::PasswordReset, NOW));
        assert!(matches!(void, Err(RedeemError::NotOpen)), "what it was for is done: {void:?}");
    }

    #[test]
    fn asvs_v16_5_3_refuses_when_the_store_is_away() {
        let text = "A".repeat(43);
        let refused = ready(redeem(&BrokenStore, &text, Purpose::PasswordReset, NOW)).unwrap_err();
        assert_eq!(refused.reason(), "store-away");
        let malformed = ready(redeem(&BrokenStore, "A", Purpose::PasswordReset, NOW)).unwrap_err();
        assert_eq!(malformed.reason(), "malformed", "junk costs the store nothing");
    }

    #[test]
    fn asvs_v6_3_8_clients_cannot_tell_why() {
        assert_eq!(RedeemError::Malformed.client_text(), RedeemError::NotOpen.client_text());
    }
}
