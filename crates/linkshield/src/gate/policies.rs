//! What each route of LinkShield asks of its requests: one table, from which the policies are made, and what the OpenAPI document
//! says about refusals.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use http::Method;
use shield_guard::{
    ScopeSet, ScopeTable,
    chain::{Access, CsrfScope, LimitSubject, RouteLimit, RouteLimits, RoutePolicy},
    limit::{Algorithm, DEFAULT_LIMITS, Limit, LimitError, LimitSettings, Rate, RateError, TierScaling},
    revocation::Sensitivity,
};

use super::RouteTable;
use crate::{
    accounts::scopes::{ACCOUNT, ADMIN, URL_CHECK},
    keys::random_bytes,
};

/// Addresses, accounts, sessions or keys that a limit is made for: 640 KB each.
const KEYS: NonZeroU32 = NonZeroU32::new(20_000).expect("it is not zero");
/// API keys that one account may make per hour, replacements too: each is a row for a year, and a letter.
const NEW_KEYS_PER_HOUR: u32 = 20;
/// Reports about broken policies that one address may send per minute. A page that breaks its policy sends some at once.
const REPORTS_PER_MINUTE: u32 = 60;

/// What a route is for, and so what it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RouteClass {
    /// The same for everybody, and nothing to protect.
    Open,
    /// One check: open to strangers, within their limit.
    Check,
    /// An account's checks.
    OwnChecks,
    /// Before anybody is known: by address, under the limit of this name, and never on another site's initiative. Credentials
    /// are not looked at, so that a stale cookie locks nobody out.
    BeforeLogin(&'static str),
    /// The same, and failures are counted instead of requests, where name and device are known too
    /// ([`shield_guard::limit::LoginPolicy`]): whoever shares an address with a guesser, on a device that logged in before, is
    /// let in.
    LogIn,
    /// The token is the credential, and a good one comes seldom.
    Refresh,
    /// The token in question stands in the body, and whoever asks is not asked back.
    Question,
    /// Browsers tell what a policy kept them from, without credentials and from wherever they are.
    Report,
    /// About the account itself.
    Account,
    /// The same, and an API key is made.
    NewKey,
    /// The same, and a password is tried.
    Password,
    /// What administrators do.
    Administration,
}

/// Which credentials a route takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CredentialKinds {
    /// It looks at none.
    None,
    /// What a log-in gives: an access token, or a session's cookie.
    Login,
    /// An API key, too.
    Any,
    /// Any of them, or none.
    AnyOrNone,
}

use RouteClass::{
    Account, Administration, BeforeLogin, Check, LogIn, NewKey, Open, OwnChecks, Password, Question, Refresh,
    Report,
};

/// Every route. One that is missing is closed, and a test compares it with the OpenAPI document.
static ROUTES: &[(Method, &str, RouteClass)] = &[
    (Method::GET, "/", Open),
    (Method::GET, "/api/v1/health", Open),
    (Method::GET, "/api/v1/health/live", Open),
    (Method::GET, "/api/v1/health/ready", Open),
    (Method::GET, "/api/v1/version", Open),
    (Method::GET, "/metrics", Open),
    (Method::GET, "/openapi.json", Open),
    (Method::GET, "/.well-known/jwks.json", Open),
    (Method::POST, "/api/v1/url-check/check", Check),
    (Method::GET, "/api/v1/url-check/check/{id}", Check),
    (Method::GET, "/api/v1/url-check/check/{id}/results", Check),
    (Method::POST, "/api/v1/url-check/bulk-check", OwnChecks),
    (Method::GET, "/api/v1/url-check/history", OwnChecks),
    (Method::GET, "/api/v1/url-check/stats", OwnChecks),
    (Method::POST, "/api/v1/user/register", BeforeLogin("auth_registration")),
    (Method::POST, "/api/v1/user/verify-email", BeforeLogin("auth_email_verification")),
    (Method::POST, "/api/v1/user/resend-verification", BeforeLogin("auth_resend_verification")),
    (Method::POST, "/api/v1/user/login", LogIn),
    (Method::POST, "/api/v1/user/forgot-password", BeforeLogin("auth_password_reset")),
    (Method::POST, "/api/v1/user/reset-password", BeforeLogin("auth_password_choice")),
    (Method::POST, "/api/v1/user/refresh", Refresh),
    (Method::POST, "/auth/validate-token", Question),
    (Method::POST, "/api/security/csp-report", Report),
    (Method::GET, "/api/csrf/token", Account),
    (Method::POST, "/api/csrf/validate", Account),
    (Method::POST, "/api/v1/user/logout", Account),
    (Method::POST, "/auth/logout", Account),
    (Method::GET, "/api/v1/user/profile", Account),
    (Method::PUT, "/api/v1/user/profile", Account),
    (Method::GET, "/api/v1/user/sessions", Account),
    (Method::DELETE, "/api/v1/user/sessions", Account),
    (Method::DELETE, "/api/v1/user/sessions/{id}", Account),
    (Method::GET, "/api/v1/user/api-keys", Account),
    (Method::POST, "/api/v1/user/api-keys", NewKey),
    (Method::DELETE, "/api/v1/user/api-keys/{id}", Account),
    (Method::POST, "/api/v1/user/api-keys/{id}/rotate", NewKey),
    (Method::POST, "/api/v1/user/mfa/totp", Account),
    (Method::DELETE, "/api/v1/user/mfa/totp", Account),
    (Method::POST, "/api/v1/user/mfa/totp/confirm", Account),
    (Method::POST, "/api/v1/user/change-password", Password),
    (Method::GET, "/api/v1/admin/users", Administration),
    (Method::PUT, "/api/v1/admin/users/{id}", Administration),
    (Method::DELETE, "/api/v1/admin/users/{id}/api-keys", Administration),
    (Method::DELETE, "/api/v1/admin/api-keys/{id}", Administration),
    (Method::POST, "/auth/admin/revoke-user-tokens/{user_id}", Administration),
    (Method::GET, "/auth/admin/blacklist-stats", Administration),
    (Method::GET, "/api/v1/jwt/status", Administration),
    (Method::GET, "/api/v1/jwt/keys", Administration),
    (Method::DELETE, "/api/v1/jwt/keys/{id}", Administration),
    (Method::POST, "/api/v1/jwt/rotate", Administration),
];

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
    account: Arc<Limit>,
    administration: Arc<Limit>,
    new_keys: Arc<Limit>,
    passwords: Arc<Limit>,
    reports: Arc<Limit>,
}

/// What an operator limits.
#[derive(Clone, Copy, Debug)]
pub(super) struct PerHour {
    /// Checks of one address without a credential.
    pub(super) anonymous: u32,
    /// Checks of one account that is logged in, requests of each of its API keys, and what each of its sessions asks about the
    /// account itself; each times what its plan multiplies.
    pub(super) account: u32,
}

/// The policies of all routes.
pub(super) fn routes(scopes: &ScopeTable, per_hour: PerHour) -> Result<RouteTable, LimitRoutesError> {
    let policies = Policies {
        scopes,
        anonymous: named("api_anonymous", Some(per_hour.anonymous))?,
        authenticated: named("api_authenticated", Some(per_hour.account))?,
        account: hourly("api_account", per_hour.account, TierScaling::Multiplied)?,
        administration: hourly("api_administration", per_hour.account, TierScaling::Multiplied)?,
        new_keys: hourly("api_key_creation", NEW_KEYS_PER_HOUR, TierScaling::Same)?,
        passwords: named("auth_change_password", None)?,
        reports: reports()?,
    };
    ROUTES.iter().try_fold(RouteTable::new(scopes.all()), |table, (method, route, class)| {
        let (method, policy) = (method.clone(), policies.of(*class)?);
        Ok(match class.hashes() {
            true => table.with_hashing(method, route, policy),
            false => table.with(method, route, policy),
        })
    })
}

/// What a documented route is for.
pub(crate) fn class_of(method: &Method, route: &str) -> Option<RouteClass> {
    ROUTES.iter().find(|(known, path, _)| known == method && *path == route).map(|(.., class)| *class)
}

fn named(name: &str, count: Option<u32>) -> Result<Arc<Limit>, LimitRoutesError> {
    let known = DEFAULT_LIMITS.iter().find(|limit| limit.name == name);
    let LimitSettings { rate, .. } = known.expect("the routes name limits of the list").settings(KEYS)?;
    let rate = Rate::new(count.unwrap_or(rate.count()), rate.period())?;
    let settings = known.expect("found above").settings(KEYS)?;
    Ok(Arc::new(Limit::new(LimitSettings { rate, ..settings }, random_bytes())?))
}

fn hourly(name: &'static str, count: u32, scaling: TierScaling) -> Result<Arc<Limit>, LimitRoutesError> {
    let rate = Rate::new(count, Duration::from_hours(1))?;
    let settings = LimitSettings { name, algorithm: Algorithm::Gcra, rate, scaling, keys: KEYS };
    Ok(Arc::new(Limit::new(settings, random_bytes())?))
}

fn reports() -> Result<Arc<Limit>, LimitRoutesError> {
    let settings = LimitSettings {
        name: "csp_report",
        algorithm: Algorithm::Gcra,
        rate: Rate::new(REPORTS_PER_MINUTE, Duration::from_mins(1))?,
        scaling: TierScaling::Same,
        keys: KEYS,
    };
    Ok(Arc::new(Limit::new(settings, random_bytes())?))
}

// === impl RouteClass ===

impl RouteClass {
    /// Whether a credential that comes along is read.
    pub(crate) const fn reads_credentials(self) -> bool {
        match self {
            Check | OwnChecks | Account | NewKey | Password | Administration => true,
            Open | BeforeLogin(_) | LogIn | Refresh | Question | Report => false,
        }
    }

    /// Whether a password is hashed for every request that is in order.
    fn hashes(self) -> bool {
        match self {
            BeforeLogin(limit) => {
                matches!(limit, "auth_registration" | "auth_password_choice")
            }
            LogIn | Password => true,
            Open | Check | OwnChecks | Refresh | Question | Report | Account | NewKey | Administration => {
                false
            }
        }
    }

    /// Which credentials open it. API keys do what checks need, and no more.
    pub(crate) const fn credentials(self) -> CredentialKinds {
        match self {
            Open | BeforeLogin(_) | LogIn | Refresh | Question | Report => CredentialKinds::None,
            Check => CredentialKinds::AnyOrNone,
            OwnChecks => CredentialKinds::Any,
            Account | NewKey | Password | Administration => CredentialKinds::Login,
        }
    }

    /// Whether requests of other sites are refused that bring no credential.
    pub(crate) const fn refuses_other_sites(self) -> bool {
        matches!(self, BeforeLogin(_) | LogIn | Refresh)
    }
}

// === impl Policies ===

impl Policies<'_> {
    fn of(&self, class: RouteClass) -> Result<RoutePolicy, LimitRoutesError> {
        let anonymous = (&self.anonymous, LimitSubject::Anonymous);
        // A key takes nothing that a log-in needs, whatever it asks for: who stole it cannot keep its owner from taking it back.
        let key = (&self.authenticated, LimitSubject::ApiKey);
        let session = (&self.account, LimitSubject::Session);
        let limits = match class {
            Open | LogIn | Refresh => limits_of(&[]),
            Check | OwnChecks => limits_of(&[anonymous, (&self.authenticated, LimitSubject::Account), key]),
            BeforeLogin(name) => limits_of(&[(&named(name, None)?, LimitSubject::Address)]),
            Question => limits_of(&[(&self.anonymous, LimitSubject::Address)]),
            Report => limits_of(&[(&self.reports, LimitSubject::Address)]),
            Account => limits_of(&[session, key]),
            NewKey => limits_of(&[session, key, (&self.new_keys, LimitSubject::Account)]),
            Password => limits_of(&[session, key, (&self.passwords, LimitSubject::Account)]),
            Administration => limits_of(&[(&self.administration, LimitSubject::Session), key]),
        };
        Ok(RoutePolicy {
            access: self.access(class),
            sensitivity: sensitivity(class),
            csrf: csrf(class),
            limits,
        })
    }

    fn access(&self, class: RouteClass) -> Access {
        match class {
            Open | BeforeLogin(_) | LogIn | Refresh | Question | Report => Access::Ignored,
            Check => Access::Optional(self.scope(URL_CHECK)),
            OwnChecks => Access::Required(self.scope(URL_CHECK)),
            Account | NewKey | Password => Access::Required(self.scope(ACCOUNT)),
            Administration => Access::Required(self.scope(ADMIN)),
        }
    }

    fn scope(&self, name: &str) -> ScopeSet {
        self.scopes.scope(name).expect("the table has every scope that routes name")
    }
}

const fn sensitivity(class: RouteClass) -> Sensitivity {
    match class {
        Open | Check | OwnChecks | Question | Report => Sensitivity::Ordinary,
        BeforeLogin(_) | LogIn | Refresh | Account | NewKey | Password | Administration => {
            Sensitivity::Sensitive
        }
    }
}

const fn csrf(class: RouteClass) -> CsrfScope {
    match class.refuses_other_sites() {
        true => CsrfScope::Everybody,
        false => CsrfScope::Cookies,
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

    use super::{Account, Administration, LimitSubject, NewKey, Password, PerHour, ROUTES, routes};
    use crate::{accounts::scopes, api::openapi_text};

    #[test]
    fn an_account_is_managed_within_limits_of_each_session() {
        let table = routes(&scopes::table(), PerHour { anonymous: 100, account: 1_000 }).unwrap();
        let managing = |class| matches!(class, Account | NewKey | Password | Administration);
        let managing = ROUTES.iter().filter(|(.., class)| managing(*class));
        for (method, route, class) in managing {
            let limits = table.find(method, Some(route)).policy.limits.as_slice();
            let of = |subject| limits.iter().filter(|limit| limit.subject == subject).collect::<Vec<_>>();
            let [session] = of(LimitSubject::Session)[..] else { panic!("{method} {route}") };
            let [key] = of(LimitSubject::ApiKey)[..] else { panic!("{method} {route}") };
            assert_ne!(session.limit.name(), key.limit.name(), "{method} {route}");
            let expected = if *class == Administration { "api_administration" } else { "api_account" };
            assert_eq!(session.limit.name(), expected, "{method} {route}");
        }
    }

    #[test]
    fn every_documented_operation_is_declared() {
        let table = routes(&scopes::table(), PerHour { anonymous: 100, account: 1_000 }).unwrap();
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
