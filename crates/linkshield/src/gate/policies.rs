//! What each route of LinkShield asks of its requests.

use std::{num::NonZeroU32, sync::Arc};

use http::Method;
use shield_guard::{
    ScopeSet, ScopeTable,
    chain::{Access, CsrfScope, LimitSubject, RouteLimit, RouteLimits, RoutePolicy},
    limit::{DEFAULT_LIMITS, Limit, LimitError, LimitSettings, Rate, RateError},
    revocation::Sensitivity,
};

use super::RouteTable;
use crate::{
    accounts::scopes::{ACCOUNT, ADMIN, URL_CHECK},
    keys::random_bytes,
};

/// Addresses or accounts that a limit is made for: 640 KB each.
const KEYS: NonZeroU32 = NonZeroU32::new(20_000).expect("it is not zero");

/// Why a limit cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LimitRoutesError {
    /// No such rate.
    #[error("limit the routes")]
    Rate(#[from] RateError),
    /// No such limit.
    #[error("limit the routes")]
    Limit(#[from] LimitError),
}

/// Makes policies.
struct Policies<'a> {
    scopes: &'a ScopeTable,
    anonymous: Arc<Limit>,
    authenticated: Arc<Limit>,
}

/// The policies of all routes. `anonymous_per_hour`: checks of one address without a credential.
pub(super) fn routes(scopes: &ScopeTable, anonymous_per_hour: u32) -> Result<RouteTable, LimitRoutesError> {
    let anonymous = named("api_anonymous", Some(anonymous_per_hour))?;
    let policies = Policies { scopes, anonymous, authenticated: named("api_authenticated", None)? };
    let table = policies.open(RouteTable::new(scopes.all()));
    let table = policies.checks(table);
    let table = policies.before_login(table)?;
    let table = policies.account(table)?;
    Ok(policies.administration(table))
}

/// A limit of the list, by its name. Two routes that name the same one are one count over all processes.
fn named(name: &str, count: Option<u32>) -> Result<Arc<Limit>, LimitRoutesError> {
    let known = DEFAULT_LIMITS.iter().find(|limit| limit.name == name);
    let LimitSettings { rate, .. } = known.expect("the routes name limits of the list").settings(KEYS)?;
    let rate = Rate::new(count.unwrap_or(rate.count()), rate.period())?;
    let settings = known.expect("found above").settings(KEYS)?;
    Ok(Arc::new(Limit::new(LimitSettings { rate, ..settings }, random_bytes())?))
}

// === impl Policies ===

impl Policies<'_> {
    /// The same for everybody, and nothing to protect.
    fn open(&self, table: RouteTable) -> RouteTable {
        let policy = RoutePolicy {
            access: Access::Ignored,
            sensitivity: Sensitivity::Ordinary,
            csrf: CsrfScope::Cookies,
            limits: RouteLimits::default(),
        };
        let routes = [
            "/",
            "/api/v1/health",
            "/api/v1/health/live",
            "/api/v1/health/ready",
            "/api/v1/version",
            "/metrics",
            "/openapi.json",
            "/.well-known/jwks.json",
        ];
        routes.into_iter().fold(table, |table, route| table.with(Method::GET, route, policy.clone()))
    }

    /// One check is open to strangers, within their limit.
    fn checks(&self, table: RouteTable) -> RouteTable {
        let limits =
            [(&self.anonymous, LimitSubject::Anonymous), (&self.authenticated, LimitSubject::Account)];
        let policy = |access| RoutePolicy {
            access,
            sensitivity: Sensitivity::Ordinary,
            csrf: CsrfScope::Cookies,
            limits: limits_of(&limits),
        };
        let open = policy(Access::Optional(self.scope(URL_CHECK)));
        let own = policy(Access::Required(self.scope(URL_CHECK)));
        table
            .with(Method::POST, "/api/v1/url-check/check", open.clone())
            .with(Method::GET, "/api/v1/url-check/check/{id}", open.clone())
            .with(Method::GET, "/api/v1/url-check/check/{id}/results", open)
            .with(Method::POST, "/api/v1/url-check/bulk-check", own.clone())
            .with(Method::GET, "/api/v1/url-check/history", own)
    }

    /// Before anybody is known: by address, and never on another site's initiative. Credentials are not looked at, so that a
    /// stale cookie locks nobody out.
    fn before_login(&self, table: RouteTable) -> Result<RouteTable, LimitRoutesError> {
        let routes = [
            ("/api/v1/user/register", "auth_registration"),
            ("/api/v1/user/verify-email", "auth_email_verification"),
            ("/api/v1/user/resend-verification", "auth_resend_verification"),
            ("/api/v1/user/login", "auth_login"),
            ("/api/v1/user/forgot-password", "auth_password_reset"),
            ("/api/v1/user/reset-password", "auth_password_choice"),
        ];
        let policy = |limits| RoutePolicy {
            access: Access::Ignored,
            sensitivity: Sensitivity::Sensitive,
            csrf: CsrfScope::Everybody,
            limits,
        };
        let table = table.with(Method::POST, "/api/v1/user/refresh", policy(RouteLimits::default()));
        // The token in question stands in the body, and whoever asks is not asked back.
        let asked = policy(limits_of(&[(&self.anonymous, LimitSubject::Address)]));
        let asked = RoutePolicy { sensitivity: Sensitivity::Ordinary, csrf: CsrfScope::Cookies, ..asked };
        let table = table.with(Method::POST, "/auth/validate-token", asked);
        routes.into_iter().try_fold(table, |table, (route, limit)| {
            let limits = limits_of(&[(&named(limit, None)?, LimitSubject::Address)]);
            Ok(table.with(Method::POST, route, policy(limits)))
        })
    }

    /// About the account itself.
    fn account(&self, table: RouteTable) -> Result<RouteTable, LimitRoutesError> {
        let own = self.logged_in(ACCOUNT, &[]);
        let changes = named("auth_change_password", None)?;
        let change = self.logged_in(ACCOUNT, &[(&changes, LimitSubject::Account)]);
        let routes = [
            (Method::POST, "/api/v1/user/logout"),
            (Method::POST, "/auth/logout"),
            (Method::GET, "/api/v1/user/profile"),
            (Method::PUT, "/api/v1/user/profile"),
            (Method::GET, "/api/v1/user/sessions"),
            (Method::DELETE, "/api/v1/user/sessions"),
            (Method::DELETE, "/api/v1/user/sessions/{id}"),
            (Method::GET, "/api/v1/user/api-keys"),
            (Method::POST, "/api/v1/user/api-keys"),
            (Method::DELETE, "/api/v1/user/api-keys/{id}"),
            (Method::POST, "/api/v1/user/api-keys/{id}/rotate"),
            (Method::POST, "/api/v1/user/mfa/totp"),
            (Method::DELETE, "/api/v1/user/mfa/totp"),
            (Method::POST, "/api/v1/user/mfa/totp/confirm"),
        ];
        let table =
            routes.into_iter().fold(table, |table, (method, route)| table.with(method, route, own.clone()));
        Ok(table.with(Method::POST, "/api/v1/user/change-password", change))
    }

    fn administration(&self, table: RouteTable) -> RouteTable {
        let policy = self.logged_in(ADMIN, &[]);
        let routes = [
            (Method::PUT, "/api/v1/admin/users/{id}"),
            (Method::POST, "/auth/admin/revoke-user-tokens/{user_id}"),
            (Method::GET, "/api/v1/jwt/status"),
            (Method::GET, "/api/v1/jwt/keys"),
            (Method::DELETE, "/api/v1/jwt/keys/{id}"),
            (Method::POST, "/api/v1/jwt/rotate"),
            (Method::GET, "/auth/admin/blacklist-stats"),
        ];
        routes.into_iter().fold(table, |table, (method, route)| table.with(method, route, policy.clone()))
    }

    fn logged_in(&self, scope: &str, more: &[(&Arc<Limit>, LimitSubject)]) -> RoutePolicy {
        let limits = [[(&self.authenticated, LimitSubject::Account)].as_slice(), more].concat();
        RoutePolicy {
            access: Access::Required(self.scope(scope)),
            sensitivity: Sensitivity::Sensitive,
            csrf: CsrfScope::Cookies,
            limits: limits_of(&limits),
        }
    }

    fn scope(&self, name: &str) -> ScopeSet {
        self.scopes.scope(name).expect("the table has every scope that routes name")
    }
}

fn limits_of(limits: &[(&Arc<Limit>, LimitSubject)]) -> RouteLimits {
    let limits =
        limits.iter().map(|(limit, subject)| RouteLimit { limit: Arc::clone(limit), subject: *subject });
    RouteLimits::new(limits.collect()).expect("no route has more than three")
}

#[cfg(test)]
mod tests {
    use http::Method;
    use serde_json::Value;

    use super::routes;
    use crate::{accounts::scopes, api::openapi_text};

    #[test]
    fn every_documented_operation_is_declared() {
        let table = routes(&scopes::table(), 100).unwrap();
        let document: Value = serde_json::from_str(openapi_text()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        assert!(paths.len() > 20, "the document lists the paths");
        for (path, operations) in paths {
            for method in operations.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                assert!(table.declares(&method, path), "{method} {path}");
            }
        }
    }
}
