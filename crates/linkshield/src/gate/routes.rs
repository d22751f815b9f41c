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
    routes: BTreeMap<&'static str, Vec<(Method, RoutePolicy)>>,
    undeclared: RoutePolicy,
    /// Of paths that do not exist, and of methods that a path does not have: the answer is 404 or 405 for everybody.
    nothing: RoutePolicy,
}

// === impl RouteTable ===

impl RouteTable {
    /// A table without routes. `everything`: all scopes there are.
    pub fn new(everything: ScopeSet) -> Self {
        let policy = |access| RoutePolicy {
            access,
            sensitivity: Sensitivity::Sensitive,
            csrf: CsrfScope::Cookies,
            limits: RouteLimits::default(),
        };
        Self {
            routes: BTreeMap::new(),
            undeclared: policy(Access::Required(everything)),
            nothing: policy(Access::Ignored),
        }
    }

    /// Declares what a method of a route (its pattern, such as `/api/v1/user/sessions/{id}`) asks. HEAD is GET.
    #[must_use]
    pub fn with(mut self, method: Method, route: &'static str, policy: RoutePolicy) -> Self {
        self.routes.entry(route).or_default().push((method, policy));
        self
    }

    /// The limits that routes have: each name once, and its period.
    pub(super) fn limits(&self) -> BTreeMap<&'static str, Duration> {
        let policies = self.routes.values().flatten();
        let limits = policies.flat_map(|(_, policy)| policy.limits.as_slice());
        limits.map(|RouteLimit { limit, .. }| (limit.name(), limit.rate(Tier::Free).period())).collect()
    }

    /// Whether a method of a route was declared.
    #[cfg(test)]
    pub(super) fn declares(&self, method: &Method, route: &str) -> bool {
        self.routes.get(route).is_some_and(|methods| methods.iter().any(|(known, _)| known == method))
    }

    /// The policy of a request, by the pattern that its path matched.
    pub(super) fn find(&self, method: &Method, route: Option<&str>) -> &RoutePolicy {
        let Some(route) = route else { return &self.nothing };
        let Some(methods) = self.routes.get(route) else { return &self.undeclared };
        let method = if method == Method::HEAD { &Method::GET } else { method };
        let found = methods.iter().find(|(known, _)| known == method);
        found.map_or(&self.nothing, |(_, policy)| policy)
    }
}
