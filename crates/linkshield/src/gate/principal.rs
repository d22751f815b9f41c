//! Who a request speaks for, as handlers take it. The gate has found out; these only say what a handler needs.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use shield_guard::{
    AccountId, ApiKeyId, ScopeSet, SessionId,
    chain::{self, Identity},
    limit::Tier,
    session::{SessionPolicy, StepUp},
};
use shield_types::Timestamp;

use super::{Witness, lacking::lacking};
use crate::{
    accounts::scopes,
    api::{App, Problem},
    clock::now,
    store::Role,
};

/// Who the gate let in. One piece of a request, not one for the address and one for the principal: each costs an allocation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Caller {
    /// The client's address.
    pub(super) client: IpAddr,
    /// Whose credential came with it.
    pub(super) principal: Option<chain::Principal>,
}

/// Whose credential came with a request, and what it is good for.
#[derive(Debug, Clone, Copy)]
pub struct Principal {
    /// Whose it is.
    pub account: AccountId,
    /// The session of an access token or a cookie.
    pub session: Option<SessionId>,
    /// The API key, if it was one.
    pub api_key: Option<ApiKeyId>,
    /// What it is good for.
    pub scopes: ScopeSet,
    /// What its account has subscribed to.
    pub plan: Tier,
    /// When its holder last proved who they are; an API key proves nothing about that.
    pub authenticated_at: Option<Timestamp>,
}

/// Somebody who logged in.
#[derive(Debug, Clone, Copy)]
pub struct Holder {
    /// Whose account.
    pub account: AccountId,
    /// In which session.
    pub session: SessionId,
    /// When they last proved who they are.
    pub authenticated_at: Timestamp,
}

/// For handlers that need a credential of any kind: 401 without a good one.
#[derive(Debug, Clone, Copy)]
pub struct Authenticated(pub Principal);

/// For handlers about the account itself: 401 without a good credential, 403 with an API key.
#[derive(Debug, Clone, Copy)]
pub struct LoggedIn(pub Holder);

/// For handlers that need an administrator who logged in: 401 without a good credential, 403 with another's. With the role
/// that the account has in the database now.
#[derive(Debug, Clone, Copy)]
pub struct Admin(pub Holder, pub Role);

/// For handlers that serve everybody: None without a credential, 401 with one that is not good, so that a client whose token
/// expired learns it.
#[derive(Debug, Clone, Copy)]
pub struct MaybeAuthenticated(pub Option<Principal>);

/// The other end of the connection; put into every request by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// The client's address, as trusted proxies tell it.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

// === impl Principal ===

impl Principal {
    /// Refuses a credential that is not good for `scope`, one of [`crate::accounts::scopes`].
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, app: &App, scope: &str) -> Result<(), Problem> {
        match app.accounts().keys().scopes().scope(scope) {
            Some(needed) if self.scopes.contains(needed) => Ok(()),
            _ => Err(Problem::not_allowed(&lacking(scope, self.session))),
        }
    }

    fn in_parts(parts: &Parts) -> Option<Self> {
        let &chain::Principal { ref identity, scopes, tier } =
            parts.extensions.get::<Caller>()?.principal.as_ref()?;
        let authenticated_at = match identity {
            // A log-in makes a session, and nothing renews one: the time in its id is that of the log-in.
            Identity::Token(token) => Some(log_in_of(token.session)),
            Identity::Session(session) => Some(session.authenticated_at),
            Identity::ApiKey(_) => None,
        };
        Some(Self {
            account: identity.account(),
            session: identity.session(),
            api_key: identity.api_key(),
            scopes,
            plan: tier,
            authenticated_at,
        })
    }
}

/// When a session began; an id without a time, which is never made, began long ago.
fn log_in_of(session: SessionId) -> Timestamp {
    let moment = session.uuid().get_timestamp().map(|moment| moment.to_unix());
    moment.map_or(Timestamp(0), |(seconds, nanoseconds)| {
        Timestamp(seconds.saturating_mul(1_000).saturating_add(u64::from(nanoseconds / 1_000_000)))
    })
}

// === impl Holder ===

impl Holder {
    /// Refuses unless they proved within the last ten minutes who they are (ASVS 5.0, 7.5.1).
    ///
    /// # Errors
    /// 401, with a kind of its own.
    pub fn require_recent_login(&self) -> Result<(), Problem> {
        match self.step_up(now()) {
            StepUp::NotNeeded => Ok(()),
            StepUp::Needed => Err(Problem::recent_login_required()),
        }
    }

    fn step_up(&self, now: Timestamp) -> StepUp {
        SessionPolicy::default().step_up(self.authenticated_at, now)
    }
}

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        Principal::in_parts(parts).map(Self).ok_or_else(Problem::no_credential)
    }
}

impl FromRequestParts<App> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(principal) = Authenticated::from_request_parts(parts, app).await?;
        let Principal { account, session: Some(session), authenticated_at: Some(authenticated_at), .. } =
            principal
        else {
            return Err(Witness::of(parts, app).deny("scope", "no API key may do this, log in"));
        };
        Ok(Self(Holder { account, session, authenticated_at }))
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(principal) = Authenticated::from_request_parts(parts, app).await?;
        principal.require(app, scopes::ADMIN)?;
        let LoggedIn(holder) = LoggedIn::from_request_parts(parts, app).await?;
        let role = app.accounts().account(holder.account).await?.role;
        match role >= Role::Admin {
            true => Ok(Self(holder, role)),
            false => Err(Witness::of(parts, app).deny("role", "only administrators may do this")),
        }
    }
}

impl FromRequestParts<App> for MaybeAuthenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        Ok(Self(Principal::in_parts(parts)))
    }
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Caller>();
        let caller = caller.ok_or_else(|| Problem::internal("a request past the gate".to_owned()))?;
        Ok(Self(caller.client))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asvs_v7_5_1_a_log_in_yet_to_come_is_none() {
        let at = Timestamp(1_790_000_000_000);
        let account = AccountId::new(at, [1; 10]);
        let holder = Holder { account, session: SessionId::new(at, [2; 10]), authenticated_at: at };
        let step_up = |now_ms| holder.step_up(Timestamp(now_ms));
        assert_eq!((step_up(at.0), step_up(at.0 + 600_000)), (StepUp::NotNeeded, StepUp::NotNeeded));
        assert_eq!(step_up(at.0 + 600_001), StepUp::Needed);
        assert_eq!(step_up(at.0 - 1), StepUp::Needed, "the clock was set back");
    }
}
