//! What somebody gets who has just proved who they are: a session, a refresh token, an access token.

use std::time::Duration;

use shield_data::BegunSession;
use shield_guard::{
    SessionId, TokenId,
    session::{
        NewSession, SessionDigest, SessionLimit, SessionPolicy, SessionRandom, SessionRecord, SessionSecret,
        SessionStart, SessionTimes,
    },
    token::{AccessClaims, Exchange, IssuedToken, RefreshFamily, RefreshGrant, RefreshLife},
};
use shield_types::{Secret, Timestamp};

use super::{
    Accounts,
    attempts::{CountedAttempt, TooMany},
    failure::Failure,
    login::{Client, LoginError, Proof, check_standing},
    scopes,
};
use crate::{
    clock::now,
    gate::CountStanding,
    keys::random_bytes,
    store::{Account, AccountChange, Role},
};

const DAY: Duration = Duration::from_hours(24);
/// How often somebody may log in to one account within [`LOG_IN_WINDOW`]. Each log-in beyond the sessions that an account may
/// have ends one, which every node has to remember for as long as access tokens of it may be around.
const LOG_INS_MAX: usize = 30;
const LOG_IN_WINDOW: Duration = Duration::from_mins(15);

/// Somebody showed the password of an account and, where it has one, the second factor.
pub(super) struct RightLogin<'a> {
    /// The account as it was when its password was looked at.
    pub(super) account: Account,
    /// The attempt, with the device that is known from now on; to be forgiven.
    pub(super) counted: &'a CountedAttempt,
    /// From where.
    pub(super) client: &'a Client,
    /// For how long.
    pub(super) life: RefreshLife,
    /// The session that their cookie is of.
    pub(super) replaces: Option<SessionDigest>,
}

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
    /// The session in whose place it is, which ended.
    pub replaced: Option<SessionId>,
    /// Sessions that ended because the account may not have as many.
    pub displaced: Vec<SessionId>,
}

// === impl Accounts ===

impl Accounts {
    /// Begins a session for who has just proved to be the account's holder, in one transaction with all that belongs to it; one
    /// too many ends the one seen least recently.
    pub(super) async fn grant(&self, login: RightLogin<'_>, proof: Proof) -> Result<Granted, LoginError> {
        let RightLogin { account, counted, client, life, replaces } = login;
        let now = now();
        let start = SessionStart {
            account: account.id,
            address: client.address,
            user_agent: client.user_agent.as_bytes(),
            device: client.device.as_bytes(),
        };
        let random = SessionRandom { id: random_bytes(), secret: random_bytes() };
        let NewSession { secret, record } = NewSession::begin(&start, &session_policy(life), now, random);
        let grant = RefreshGrant { session: record.id, account: account.id, life };
        let (family, token) = self.inner.refresh.begin(grant, now, &Secret::new(random_bytes()));
        // Before the session: what it needs beside it is there when it begins.
        let access = self.access_token(&account, record.id, now).await?;
        let change = self.inner.store.change_account(account.id).await;
        let mut change = change.map_err(Failure::from)?;
        if let Some(refusal) = void(&mut change, &account, now).await? {
            change.abandon().await.map_err(Failure::from)?;
            return Err(refusal);
        }
        let begun = begin(&mut change, (&record, session_limit(account.role), replaces), (&family, counted));
        let BegunSession { replaced, displaced } = begun.await?;
        change.commit().await.map_err(Failure::from)?;
        let refresh = token.text().clone();
        let account = Account { last_login_at: Some(now), ..account };
        Ok(Granted { account, session: record, secret, access, refresh, proof, replaced, displaced })
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

/// Why the log-in is none any more, or none yet: the account is not as it was when its password was looked at, or has had too
/// many.
async fn void(
    change: &mut AccountChange,
    seen: &Account,
    now: Timestamp,
) -> Result<Option<LoginError>, Failure> {
    let Some(present) = change.account().await? else { return Ok(Some(LoginError::Invalid)) };
    if let Err(refusal) = check_standing(&present) {
        return Ok(Some(refusal));
    }
    if present.generation != seen.generation {
        return Ok(Some(LoginError::Invalid));
    }
    let window_ms = u64::try_from(LOG_IN_WINDOW.as_millis()).expect("a quarter of an hour fits");
    let since = Timestamp(now.0.saturating_sub(window_ms));
    let log_ins = change.log_ins(since, LOG_INS_MAX).await?;
    let (Some(newest), Some(oldest)) = (log_ins.first(), log_ins.get(LOG_INS_MAX - 1)) else {
        return Ok(None);
    };
    // A clock that was set back makes nobody wait longer.
    let left_ms = |log_in: &Timestamp| log_in.after(LOG_IN_WINDOW).0.saturating_sub(now.0).min(window_ms);
    let by = CountStanding {
        name: "logins",
        units: u32::try_from(LOG_INS_MAX).expect("a few dozen"),
        window: LOG_IN_WINDOW,
        remaining: 0,
        seconds_left: left_ms(oldest).div_ceil(1_000).max(1),
        full_at: Timestamp(now.0.saturating_add(left_ms(newest))),
    };
    Ok(Some(LoginError::Throttled { scope: "account", what: TooMany::LogIns, by }))
}

async fn begin(
    change: &mut AccountChange,
    (record, limit, replaces): (&SessionRecord, SessionLimit, Option<SessionDigest>),
    (family, counted): (&RefreshFamily, &CountedAttempt),
) -> Result<BegunSession, Failure> {
    let now = record.created_at;
    change.forgive(&counted.attempt, &counted.keys, now).await?;
    change.record_login(now).await?;
    match change.keep_family(family).await? {
        Exchange::Done => {}
        Exchange::Lost => {
            return Err(Failure::Damaged { what: "a new session has refresh tokens already" });
        }
    }
    Ok(change.begin_session(record, limit, replaces).await?)
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
