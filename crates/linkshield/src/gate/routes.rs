//! Which route asks what.

use std::{collections::BTreeMap, time::Duration};

use http::Method;
use shield_guard::{
    ScopeSet,
    chain::{Access, CsrfScope, RouteLimit, RouteLimits, RoutePolicy},
    limit::Tier,
    revocation::Sensitivity,
};

/// The policies of all routes. One that is not in it is closed to everybody who may not do everything, so a route that
/// somebody forgot to declare is noticed by its first request, and by nobody else.
#[derive(Clone)]
pub struct RouteTable {
    routes: BTreeMap<&'static str, Vec<(Method, Route)>>,
    undeclared: Route,
    /// Of paths that do not exist, and of methods that a path does not have: the answer is 404 or 405 for everybody.
    nothing: Route,
}

/// What one method of a route asks.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) policy: RoutePolicy,
    /// Its handler hashes a password.
    pub(super) hashes: bool,
}

// === impl RouteTable ===

impl RouteTable {
    /// A table without routes. `everything`: all scopes there are.
    pub fn new(everything: ScopeSet) -> Self {
        let route = |access| Route {
            policy: RoutePolicy {
                access,
                sensitivity: Sensitivity::Sensitive,
                csrf: CsrfScope::Cookies,
                limits: RouteLimits::default(),
            },
            hashes: false,
        };
        Self {
            routes: BTreeMap::new(),
            undeclared: route(Access::Required(everything)),
            nothing: route(Access::Ignored),
        }
    }

    /// Declares what a method of a route (its pattern, such as `/api/v1/user/sessions/{id}`) asks. HEAD is GET.
    #[must_use]
    pub fn with(self, method: Method, route: &'static str, policy: RoutePolicy) -> Self {
        self.and(method, route, Route { policy, hashes: false })
    }

    /// The same of a method whose handler hashes a password: refused while there is no room for that.
    #[must_use]
    pub fn with_hashing(self, method: Method, route: &'static str, policy: RoutePolicy) -> Self {
        self.and(method, route, Route { policy, hashes: true })
    }

    fn and(mut self, method: Method, path: &'static str, route: Route) -> Self {
        self.routes.entry(path).or_default().push((method, route));
        self
    }

    /// The limits that routes have: each name once, and its period.
    pub(super) fn limits(&self) -> BTreeMap<&'static str, Duration> {
        let routes = self.routes.values().flatten();
        let limits = routes.flat_map(|(_, route)| route.policy.limits.as_slice());
        limits.map(|RouteLimit { limit, .. }| (limit.name(), limit.rate(Tier::Free).period())).collect()
    }

    /// Whether a method of a route was declared.
    #[cfg(test)]
    pub(super) fn declares(&self, method: &Method, route: &str) -> bool {
        self.routes.get(route).is_some_and(|methods| methods.iter().any(|(known, _)| known == method))
    }

    /// What a request is asked, by the pattern that its path matched.
    pub(super) fn find(&self, method: &Method, path: Option<&str>) -> &Route {
        let Some(path) = path else { return &self.nothing };
        let Some(methods) = self.routes.get(path) else { return &self.undeclared };
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let found = methods.iter().find(|(known, _)| known == method);
        found.map_or(&self.nothing, |(_, route)| route)
    }
}
