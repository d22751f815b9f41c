//! Who a request speaks for, as handlers take it.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use shield_guard::{AccountId, ScopeSet, SessionId, limit::Tier};
use shield_types::Timestamp;

use super::authenticate::authenticate;
use crate::{
    accounts::{Identity, scopes},
    api::{App, Problem},
    store::Role,
};

/// Somebody who proved who they are.
#[derive(Debug, Clone, Copy)]
pub struct Principal {
    /// Whose credential it was.
    pub account: AccountId,
    /// The session that it belongs to.
    pub session: SessionId,
    /// What the credential is good for.
    pub scopes: ScopeSet,
    /// What its account may do.
    pub role: Role,
    /// What its account has subscribed to.
    pub plan: Tier,
    /// When its holder last proved who they are.
    pub authenticated_at: Timestamp,
}

/// For handlers that need somebody: 401 without a good credential.
#[derive(Debug, Clone, Copy)]
pub struct Authenticated(pub Principal);

/// For handlers that need an administrator: 401 without a good credential, 403 with another's.
#[derive(Debug, Clone, Copy)]
pub struct Admin(pub Principal);

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

// === impl Principal ===

impl Principal {
    pub(super) fn of(identity: &Identity, scopes: ScopeSet) -> Self {
        let Identity { account, session } = identity;
        Self {
            account: account.id,
            session: session.id,
            scopes,
            role: account.role,
            plan: account.plan,
            authenticated_at: session.authenticated_at,
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

impl FromRequestParts<App> for Admin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Authenticated(principal) = Authenticated::from_request_parts(parts, app).await?;
        let needed = app.accounts().keys().scopes().scope(scopes::ADMIN).unwrap_or_default();
        // The account's role counts as it is now: a token may be older than its loss.
        let allowed =
            principal.role >= Role::Admin && !needed.is_empty() && principal.scopes.contains(needed);
        if allowed {
            Ok(Self(principal))
        } else {
            Err(Problem::not_allowed("only administrators may do this"))
        }
    }
}

impl FromRequestParts<App> for MaybeAuthenticated {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        authenticate(app.accounts(), parts).await.map(Self)
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
