//! What events say about the request during which they happened.

use axum::extract::MatchedPath;
use http::{Extensions, HeaderMap, HeaderValue, Method, header};
use shield_guard::event::EventContext;

use crate::api::RequestId;

/// A request, without who sent it.
#[derive(Clone, Debug)]
pub(super) struct Circumstances {
    method: Method,
    route: String,
    request_id: String,
    user_agent: String,
}

// === impl Circumstances ===

impl Circumstances {
    /// Of a request that was routed.
    pub(super) fn of(method: &Method, headers: &HeaderMap, extensions: &Extensions) -> Self {
        let agent = headers.get(header::USER_AGENT).map(HeaderValue::as_bytes).unwrap_or_default();
        let route = extensions.get::<MatchedPath>().map_or("unmatched", MatchedPath::as_str);
        Self {
            method: method.clone(),
            route: route.to_owned(),
            request_id: extensions.get::<RequestId>().map_or("", RequestId::as_str).to_owned(),
            user_agent: String::from_utf8_lossy(agent).into_owned(),
        }
    }

    /// Puts them into the context of an event.
    pub(super) fn put<'a>(&'a self, context: EventContext<'a>) -> EventContext<'a> {
        EventContext {
            method: self.method.as_str(),
            route: &self.route,
            request_id: &self.request_id,
            user_agent: &self.user_agent,
            ..context
        }
    }
}
