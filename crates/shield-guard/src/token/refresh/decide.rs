//! What a presented refresh token gets.

use std::time::Duration;

use shield_types::{Secret, Timestamp};

use crate::{
    AccountId, SessionId, StoreError,
    token::{
        Exchange, PresentedRefreshToken, RefreshFamily, RefreshLife, RefreshRotation, RefreshSecrets,
        RefreshStore, RefreshToken,
    },
};

/// For how long a used token gets the successor that it got before, if that one was not used: the time in which
/// clients repeat a request whose answer was lost.
pub const REPEAT_WINDOW: Duration = Duration::from_secs(10);
/// The same after the store was away: clients that got no answer come back when they hear that it is there again, which takes
/// them longer than to repeat a request.
pub const OUTAGE_WINDOW: Duration = Duration::from_mins(1);
/// How long ago the rotation may have been then: who stays away longer has to log in again.
const OUTAGE_MAX: Duration = Duration::from_mins(15);
/// How often a decision is made anew because somebody else changed the family. Each time somebody succeeded, and of a
/// family's holders few can.
const EXCHANGES_MAX: usize = 4;

/// Makes and exchanges refresh tokens.
#[derive(Clone, Debug)]
pub struct RefreshTokens {
    secrets: RefreshSecrets,
}

/// Whose family begins.
#[derive(Clone, Copy, Debug)]
pub struct RefreshGrant {
    /// The session that it will keep alive.
    pub session: SessionId,
    /// Whose session.
    pub account: AccountId,
    /// How long it may last.
    pub life: RefreshLife,
}

/// When a token is presented, and what a successor would be made from.
#[derive(Clone, Debug)]
pub struct RefreshAttempt {
    /// Now.
    pub now: Timestamp,
    /// Fresh random bytes of a cryptographic generator.
    pub salt: [u8; 32],
    /// When the store last left a refresh without an answer, as far as this node knows.
    pub outage: Option<Timestamp>,
}

/// What is to be done about a presented token. Nothing is handed out before the store has done its part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefreshDecision {
    /// The token is the current one: store `next`; if that is done, hand out `successor`.
    Rotate {
        /// The new token.
        successor: RefreshToken,
        /// The family with it.
        next: RefreshFamily,
    },
    /// The token was used a moment ago: hand out what it got then.
    SameSuccessor {
        /// The current token, once more.
        successor: RefreshToken,
    },
    /// The token was used before: two hold it. Store `next`, revoke the session and its access tokens, tell the
    /// account's owner.
    ReuseRevokesFamily {
        /// The family, revoked.
        next: RefreshFamily,
    },
    /// Nothing.
    Refused(RefreshRefusal),
}

/// Why a refresh token gets nothing. The client gets [`RefreshRefusal::CLIENT_TEXT`] for all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefreshRefusal {
    /// Not a token that this server made.
    #[error("refresh: the token is not one of ours")]
    NotOurs,
    /// Its family is forgotten.
    #[error("refresh: the token's session is not in the store")]
    NoFamily,
    /// Its family has come to its end.
    #[error("refresh: the session has expired")]
    Expired,
    /// Its family was revoked.
    #[error("refresh: the session was revoked")]
    Revoked,
    /// It was used before, and its family is revoked with this.
    #[error("refresh: the token was used before; its session is revoked now")]
    Reused {
        /// The session that ends.
        session: SessionId,
        /// Whose session.
        account: AccountId,
    },
    /// It was used a moment ago, and the server's secret that made its successor is not here. The family lives.
    #[error("refresh: the token was used a moment ago, and its successor cannot be made again")]
    SuccessorLost,
}

/// A successful refresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshOutcome {
    /// For the client, beside a new access token.
    pub token: RefreshToken,
    /// The session that goes on. Whether it or its account was revoked by other means is the caller's question.
    pub session: SessionId,
    /// Whose session.
    pub account: AccountId,
    /// When the log-in was.
    pub began_at: Timestamp,
    /// From when on the client has to log in again.
    pub ends_at: Timestamp,
}

/// Why a refresh did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// On the merits: answer 401.
    #[error("exchange a refresh token: it is refused")]
    Refused {
        /// Why.
        #[source]
        refusal: RefreshRefusal,
    },
    /// The store failed: answer 503, nothing was decided.
    #[error("exchange a refresh token: the store fails")]
    Store {
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Others changed the family each time: answer 503, the client may repeat.
    #[error("exchange a refresh token: the session changed `{EXCHANGES_MAX}` times meanwhile")]
    Contended,
}

// === impl RefreshRefusal ===

impl RefreshRefusal {
    /// What the client is told, whatever the reason was.
    pub const CLIENT_TEXT: &'static str = "the refresh token is not valid";
}

// === impl RefreshTokens ===

impl RefreshTokens {
    /// Tokens made with `secrets`.
    pub fn new(secrets: RefreshSecrets) -> Self {
        Self { secrets }
    }

    /// The family of a session that begins `now`, to be stored with [`RefreshStore::insert`], and its first token.
    /// `secret`: fresh bytes of a cryptographic generator.
    pub fn begin(
        &self,
        grant: RefreshGrant,
        now: Timestamp,
        secret: &Secret<[u8; 32]>,
    ) -> (RefreshFamily, RefreshToken) {
        let RefreshGrant { session, account, life } = grant;
        let token = RefreshToken::new(&self.secrets, session, secret.expose());
        let family = RefreshFamily {
            session,
            account,
            began_at: now,
            ends_at: now.after(life.duration()),
            revision: 1,
            current: token.digest(),
            rotation: None,
            revoked_at: None,
        };
        (family, token)
    }

    /// Reads what a client presents, without asking the store.
    pub fn read(&self, text: &[u8]) -> Result<PresentedRefreshToken, RefreshRefusal> {
        PresentedRefreshToken::read(&self.secrets, text).ok_or(RefreshRefusal::NotOurs)
    }

    /// What `token` gets from its `family`.
    pub fn decide(
        &self,
        family: &RefreshFamily,
        token: &PresentedRefreshToken,
        attempt: &RefreshAttempt,
    ) -> RefreshDecision {
        let now = attempt.now;
        if family.session != token.session {
            return RefreshDecision::Refused(RefreshRefusal::NoFamily);
        }
        if now >= family.ends_at {
            return RefreshDecision::Refused(RefreshRefusal::Expired);
        }
        if family.revoked_at.is_some() {
            return RefreshDecision::Refused(RefreshRefusal::Revoked);
        }
        if token.digest == family.current {
            return self.rotate(family, token, attempt);
        }
        match &family.rotation {
            Some(rotation) if rotation.used == token.digest && repeats(rotation, attempt) => {
                self.repeat(family, rotation, token)
            }
            _ => RefreshDecision::ReuseRevokesFamily { next: family.revoked(now) },
        }
    }

    /// Exchanges the token in `text`: decides, has the store do it, and decides anew when somebody else was faster.
    /// Of any number of requests with one token at once exactly one rotates; the others get its successor.
    pub async fn refresh(
        &self,
        store: &impl RefreshStore,
        text: &[u8],
        attempt: &RefreshAttempt,
    ) -> Result<RefreshOutcome, RefreshError> {
        let refused = |refusal| RefreshError::Refused { refusal };
        let failed = |source| RefreshError::Store { source };
        let token = self.read(text).map_err(refused)?;
        for _ in 0..EXCHANGES_MAX {
            let family = store.load(token.session).await.map_err(failed)?;
            let family = family.ok_or(refused(RefreshRefusal::NoFamily))?;
            let (next, answer) = match self.decide(&family, &token, attempt) {
                RefreshDecision::Rotate { successor, next } => (next, Ok(outcome(&family, successor))),
                RefreshDecision::SameSuccessor { successor } => return Ok(outcome(&family, successor)),
                RefreshDecision::ReuseRevokesFamily { next } => {
                    let RefreshFamily { session, account, .. } = next;
                    (next, Err(refused(RefreshRefusal::Reused { session, account })))
                }
                RefreshDecision::Refused(refusal) => return Err(refused(refusal)),
            };
            if store.replace(&next).await.map_err(failed)? == Exchange::Done {
                return answer;
            }
        }
        Err(RefreshError::Contended)
    }

    fn rotate(
        &self,
        family: &RefreshFamily,
        token: &PresentedRefreshToken,
        attempt: &RefreshAttempt,
    ) -> RefreshDecision {
        let number = 1 + family.rotation.as_ref().map_or(0, |rotation| rotation.number);
        let rotation = RefreshRotation { number, used: token.digest, at: attempt.now, salt: attempt.salt };
        let successor = self.successors(&rotation, token).next().expect("there is a secret in use");
        let next = RefreshFamily {
            revision: family.revision + 1,
            current: successor.digest(),
            rotation: Some(rotation),
            ..family.clone()
        };
        RefreshDecision::Rotate { successor, next }
    }

    fn repeat(
        &self,
        family: &RefreshFamily,
        rotation: &RefreshRotation,
        token: &PresentedRefreshToken,
    ) -> RefreshDecision {
        match self.successors(rotation, token).find(|successor| successor.digest() == family.current) {
            Some(successor) => RefreshDecision::SameSuccessor { successor },
            None => RefreshDecision::Refused(RefreshRefusal::SuccessorLost),
        }
    }

    /// What `token` becomes in `rotation`, under each of the server's secrets: the one in use first.
    fn successors(
        &self,
        rotation: &RefreshRotation,
        token: &PresentedRefreshToken,
    ) -> impl Iterator<Item = RefreshToken> {
        self.secrets
            .successors(rotation, token)
            .map(|secret| RefreshToken::new(&self.secrets, token.session, &secret))
    }
}

/// Whether a client may just not have got the answer: the rotation was a moment ago, or the store was away since.
fn repeats(rotation: &RefreshRotation, attempt: &RefreshAttempt) -> bool {
    // The outage may have begun with the answer to the rotation itself.
    let outage = attempt.outage.filter(|outage| *outage >= rotation.at);
    let age = attempt.now.since(rotation.at);
    age < REPEAT_WINDOW
        || age < OUTAGE_MAX && outage.is_some_and(|outage| attempt.now.since(outage) < OUTAGE_WINDOW)
}

fn outcome(family: &RefreshFamily, token: RefreshToken) -> RefreshOutcome {
    RefreshOutcome {
        token,
        session: family.session,
        account: family.account,
        began_at: family.began_at,
        ends_at: family.ends_at,
    }
}
