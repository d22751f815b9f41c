//! What a route asks of its requests. Made once, when the service starts.

use std::sync::Arc;

use crate::{
    ScopeSet,
    limit::{CHARGES_MAX, Limit},
    revocation::Sensitivity,
};

/// Limits that one route may have.
pub const ROUTE_LIMITS_MAX: usize = CHARGES_MAX;

/// Who may come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody; credentials are not even looked at. For log-in (a stale cookie must not lock its owner out), health,
    /// documents.
    Ignored,
    /// Nobody in particular, or somebody whose credential is good and has these scopes.
    Optional(ScopeSet),
    /// Somebody whose credential is good and has these scopes; any will do if the set is empty.
    Required(ScopeSet),
}

/// Which unsafe requests have to prove that no other site sent them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CsrfScope {
    /// Those that a cookie authenticates.
    Cookies,
    /// Those without a credential too: log-in and the like, where another site could log its visitor in as somebody else.
    Everybody,
}

/// Whose units a limit of a route counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitSubject {
    /// The client's address, whoever asks.
    Address,
    /// The client's address, of those without a credential.
    Anonymous,
    /// The account, over all its sessions and their tokens, at the rate of its tier. Its API keys take nothing of it: whoever
    /// steals one must not be able to use up what its owner needs to take it back.
    Account,
    /// The session, of those who are logged in, at the rate of their account's tier: what one of an account's sessions uses up,
    /// the others still have.
    Session,
    /// The API key, of those that come with one, at the rate of its account's tier.
    ApiKey,
    /// The class of routes as a whole, whoever asks.
    RouteClass(u16),
}

/// A limit of a route.
#[derive(Clone)]
pub struct RouteLimit {
    /// Which. Routes may share it.
    pub limit: Arc<Limit>,
    /// Whose units.
    pub subject: LimitSubject,
}

/// The limits of a route: at most [`ROUTE_LIMITS_MAX`].
#[derive(Clone, Default)]
pub struct RouteLimits(Box<[RouteLimit]>);

/// More limits than can be answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("put `{limits}` limits on a route: expected at most {ROUTE_LIMITS_MAX}")]
pub struct TooManyLimits {
    /// What was asked for.
    pub limits: usize,
}

/// What a route asks.
#[derive(Clone)]
pub struct RoutePolicy {
    /// Who may come in.
    pub access: Access,
    /// What a decision on old knowledge would cost.
    pub sensitivity: Sensitivity,
    /// Who must prove that no other site sent the request.
    pub csrf: CsrfScope,
    /// How often, beside the coarse limit of the whole service; each request is one unit.
    pub limits: RouteLimits,
}

// === impl RouteLimits ===

impl RouteLimits {
    /// These limits.
    pub fn new(limits: Vec<RouteLimit>) -> Result<Self, TooManyLimits> {
        match limits.len() {
            ..=ROUTE_LIMITS_MAX => Ok(Self(limits.into())),
            limits => Err(TooManyLimits { limits }),
        }
    }

    /// They, in their order.
    pub fn as_slice(&self) -> &[RouteLimit] {
        &self.0
    }
}

// === impl Access ===

impl Access {
    /// What a credential must allow.
    pub fn scopes(self) -> ScopeSet {
        match self {
            Self::Ignored => ScopeSet::EMPTY,
            Self::Optional(scopes) | Self::Required(scopes) => scopes,
        }
    }
}
