//! Who a request speaks for, as handlers take it.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use shield_guard::{AccountId, ApiKeyId, ScopeSet, SessionId, limit::Tier, session::SessionTimes};
use shield_types::Timestamp;

use super::authenticate::authenticate;
use crate::{
    api::{App, Problem},
    clock::now,
    store::Role,
};

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
    /// What its account may do.
    pub role: Role,
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
    /// What the account may do.
    pub role: Role,
    /// When they last proved who they are.
    pub authenticated_at: Timestamp,
}

/// For handlers that need a credential of any kind: 401 without a good one.
#[derive(Debug, Clone, Copy)]
pub struct Authenticated(pub Principal);

/// For handlers about the account itself: 401 without a good credential, 403 with an API key.
#[derive(Debug, Clone, Copy)]
pub struct LoggedIn(pub Holder);

/// For handlers that need an administrator who logged in: 401 without a good credential, 403 with another's.
#[derive(Debug, Clone, Copy)]
pub struct Admin(pub Holder);

/// For handlers that serve everybody: None without a credential, 401 with one that is not good, so that a client whose token
/// expired learns it.
#[derive(Debug, Clone, Copy)]
pub struct MaybeAuthenticated(pub Option<Principal>);

/// The other end of the connection; put into every request by the server.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// The client's address.
#[derive(Debug, Clone, Copy)]
pub struct ClientAddress(pub IpAddr);

// === impl Holder ===

impl Holder {
    /// Refuses unless they proved within the last ten minutes who they are (ASVS 5.0, 7.5.1).
    ///
    /// # Errors
    /// 401, with a kind of its own.
    pub fn require_recent_login(&self) -> Result<(), Problem> {
        match now().since(self.authenticated_at) <= SessionTimes::default().recent {
            true => Ok(()),
            false => Err(Problem::recent_login_required()),
        }
    }
}

impl FromRequestParts<App> for Authenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let found = authenticate(app.accounts(), parts).await?;
        found.map(Self).ok_or_else(Problem::no_credential)
    }
}

impl FromRequestParts<App> for LoggedIn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(principal) = Authenticated::from_request_parts(parts, app).await?;
        let Principal {
            account, role, session: Some(session), authenticated_at: Some(authenticated_at), ..
        } = principal
        else {
            return Err(Problem::not_allowed("no API key may do this, log in"));
        };
        Ok(Self(Holder { account, session, role, authenticated_at }))
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let LoggedIn(holder) = LoggedIn::from_request_parts(parts, app).await?;
        // The account's role as it is now: a token may be older than its loss.
        match holder.role >= Role::Admin {
            true => Ok(Self(holder)),
            false => Err(Problem::not_allowed("only administrators may do this")),
        }
    }
}

impl FromRequestParts<App> for MaybeAuthenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        authenticate(app.accounts(), parts).await.map(Self)
    }
}

impl Principal {
    /// Refuses a credential that is not good for `scope`, one of [`crate::accounts::scopes`].
    ///
    /// # Errors
    /// 403.
    pub fn require(&self, app: &App, scope: &str) -> Result<(), Problem> {
        match app.accounts().keys().scopes().scope(scope) {
            Some(needed) if self.scopes.contains(needed) => Ok(()),
            _ => Err(Problem::not_allowed("the credential is not good for this")),
        }
    }
}

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _app: &App) -> Result<Self, Problem> {
        let peer = parts.extensions.get::<Peer>();
        let peer = peer.ok_or_else(|| Problem::internal("a request without a peer".to_owned()))?;
        Ok(Self(peer.0.to_canonical()))
    }
}
