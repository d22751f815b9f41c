//! Headers that every answer gets.

use http::{HeaderMap, HeaderName, HeaderValue, header};
use shield_guard::{
    chain::RequestHeaders,
    headers::{Caching, SecurityHeaders},
    limit::{Admission, LimitField, OlderFields, PolicyField},
};
use shield_types::Timestamp;

/// A request's headers, as guard reads them.
pub(super) struct Lines<'a>(pub(super) &'a HeaderMap);

/// What is sent about limits.
pub(super) struct LimitHeaders(Vec<(HeaderName, HeaderValue)>);

/// The headers about security, made once.
pub(super) struct FixedHeaders(Vec<(HeaderName, HeaderValue)>);

// === impl Lines ===

impl RequestHeaders for Lines<'_> {
    fn lines<'a>(&'a self, name: &'static str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        self.0.get_all(name).iter().map(HeaderValue::as_bytes)
    }
}

// === impl LimitHeaders ===

impl LimitHeaders {
    pub(super) fn of(limits: &Admission<'_>, now: Timestamp) -> Self {
        let Some(older) = OlderFields::new(limits, now) else { return Self(Vec::new()) };
        let text = |text: String| HeaderValue::from_str(&text).expect("names and numbers are visible ASCII");
        Self(vec![
            (HeaderName::from_static("ratelimit-policy"), text(PolicyField(limits).to_string())),
            (HeaderName::from_static("ratelimit"), text(LimitField(limits).to_string())),
            (HeaderName::from_static("x-ratelimit-limit"), older.limit.into()),
            (HeaderName::from_static("x-ratelimit-remaining"), older.remaining.into()),
            (HeaderName::from_static("x-ratelimit-reset"), older.reset_seconds.into()),
        ])
    }

    pub(super) fn put(self, headers: &mut HeaderMap) {
        headers.extend(self.0);
    }
}

// === impl FixedHeaders ===

impl FixedHeaders {
    pub(super) fn new(headers: &SecurityHeaders) -> Self {
        let made = headers.api(Caching::ByHandler).iter().map(|fixed| {
            let value =
                HeaderValue::from_str(&fixed.value).expect("guard's values are visible ASCII and spaces");
            (HeaderName::from_static(fixed.name), value)
        });
        Self(made.collect())
    }

    /// What a handler set itself stays.
    pub(super) fn put(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.0 {
            headers.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Answers to somebody known lie in no cache (ASVS 5.0, 14.3.2).
pub(super) fn forbid_storing(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}
