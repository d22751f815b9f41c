//! What somebody gets who has just proved who they are: a session, a refresh token, an access token.

use std::time::Duration;

use shield_guard::{
    SessionId, TokenId,
    session::{
        NewSession, SessionLimit, SessionPolicy, SessionRandom, SessionRecord, SessionSecret, SessionStart,
        SessionStore, SessionTimes,
    },
    token::{AccessClaims, Exchange, IssuedToken, RefreshGrant, RefreshLife, RefreshStore},
};
use shield_types::{Secret, Timestamp};

use super::{
    Accounts,
    failure::Failure,
    login::{Client, Proof},
    scopes,
};
use crate::{
    clock::now,
    keys::random_bytes,
    store::{Account, Role},
};

const DAY: Duration = Duration::from_hours(24);

/// Everything that a log-in gives.
#[derive(Debug)]
pub struct Granted {
    /// Whose it is.
    pub account: Account,
    /// The session that began.
    pub session: SessionRecord,
    /// For the cookie.
    pub secret: SessionSecret,
    /// For `Authorization: Bearer`.
    pub access: IssuedToken,
    /// For the next access token.
    pub refresh: Secret<String>,
    /// How it was proven.
    pub proof: Proof,
    /// Sessions that ended because the account may not have as many.
    pub displaced: Vec<SessionId>,
}

// === impl Accounts ===

impl Accounts {
    /// Begins a session for who has just proved to be `account`; one too many ends the one seen least recently.
    pub(super) async fn grant(
        &self,
        account: Account,
        (client, proof): (&Client, Proof),
        life: RefreshLife,
    ) -> Result<Granted, Failure> {
        let now = now();
        let start = SessionStart {
            account: account.id,
            address: client.address,
            user_agent: client.user_agent.as_bytes(),
            device: client.device.as_bytes(),
        };
        let random = SessionRandom { id: random_bytes(), secret: random_bytes() };
        let NewSession { secret, record } = NewSession::begin(&start, &session_policy(life), now, random);
        let displaced = self.inner.sessions.create(&record, session_limit(account.role)).await?;
        let grant = RefreshGrant { session: record.id, account: account.id, life };
        let (family, token) = self.inner.refresh.begin(grant, now, &Secret::new(random_bytes()));
        match self.inner.families.insert(&family).await? {
            Exchange::Done => {}
            Exchange::Lost => {
                return Err(Failure::Damaged { what: "a new session has refresh tokens already" });
            }
        }
        let access = self.access_token(&account, record.id, now).await?;
        let refresh = token.text().clone();
        Ok(Granted { account, session: record, secret, access, refresh, proof, displaced })
    }

    /// An access token for a session that lives.
    pub(super) async fn access_token(
        &self,
        account: &Account,
        session: SessionId,
        now: Timestamp,
    ) -> Result<IssuedToken, Failure> {
        let keys = &self.inner.keys;
        let claims = AccessClaims {
            account: account.id,
            session,
            token: TokenId::new(now, random_bytes()),
            scopes: scopes::of_role(keys.scopes(), account.role),
        };
        Ok(keys.issue(&claims, now).await?)
    }
}

/// How long a session lives: 7 days and 24 hours unused, or, for who asked to be remembered, 30 days and 7 unused.
fn session_policy(life: RefreshLife) -> SessionPolicy {
    let times = match life {
        RefreshLife::Day => SessionTimes::default(),
        RefreshLife::Remembered => {
            SessionTimes { idle: 7 * DAY, absolute: life.duration(), ..SessionTimes::default() }
        }
    };
    SessionPolicy::new(times).expect("times that fit together")
}

fn session_limit(role: Role) -> SessionLimit {
    match role {
        Role::User => SessionLimit::USER,
        Role::Moderator => SessionLimit::MODERATOR,
        Role::Admin | Role::SuperAdmin => SessionLimit::ADMINISTRATOR,
    }
}
