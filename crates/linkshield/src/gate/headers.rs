//! Headers of requests as guard reads them, and those that every answer gets.

use std::{borrow::Cow, cell::RefCell, fmt, mem};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use shield_guard::{
    chain::RequestHeaders,
    csrf::CSRF_HEADER,
    headers::{Caching, SecurityHeaders},
    limit::{Admission, LimitField, OlderFields, PolicyField},
};
use shield_types::Timestamp;

/// What says how a request stands with its limits.
pub(super) static LIMIT_NAMES: [HeaderName; 5] = [
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("x-ratelimit-limit"),
    HeaderName::from_static("x-ratelimit-remaining"),
    HeaderName::from_static("x-ratelimit-reset"),
];

/// Names that the chain asks for: see [`place_of`].
const SEEN_NAMES: usize = 8;

thread_local! {
    /// Where values are written before they are copied: one allocation of the right size.
    static TEXT: RefCell<String> = const { RefCell::new(String::new()) };
}

/// A request's headers, as guard reads them: looked through once, instead of hashing each name that the chain asks for.
pub(super) struct Lines<'a> {
    headers: &'a HeaderMap,
    seen: [Seen<'a>; SEEN_NAMES],
}

/// How often a name came.
#[derive(Clone, Copy)]
enum Seen<'a> {
    Never,
    Once(&'a HeaderValue),
    Often,
}

/// What only the answer to one request says.
pub(super) struct OwnHeaders {
    /// The values of [`LIMIT_NAMES`].
    limits: Option<[HeaderValue; LIMIT_NAMES.len()]>,
    caching: Caching,
}

/// What every answer says, as a map that is copied whole: its names are hashed once and not for each answer. It begins with
/// [`LIMIT_NAMES`], whose values are those of one request, and has a place for the type of the content, so that the usual
/// answer fits into the copy.
pub(super) struct AnswerHeaders(HeaderMap);

// === impl Lines ===

impl<'a> Lines<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut seen = [Seen::Never; SEEN_NAMES];
        for (name, value) in headers {
            if let Some(place) = place_of(name.as_str()) {
                seen[place] = match seen[place] {
                    Seen::Never => Seen::Once(value),
                    Seen::Once(_) | Seen::Often => Seen::Often,
                };
            }
        }
        Self { headers, seen }
    }
}

impl RequestHeaders for Lines<'_> {
    #[inline]
    fn lines<'a>(&'a self, name: &'static str) -> impl DoubleEndedIterator<Item = &'a [u8]> {
        let (once, often) = match place_of(name).map(|place| self.seen[place]) {
            Some(Seen::Never) => (None, None),
            Some(Seen::Once(value)) => (Some(value), None),
            Some(Seen::Often) | None => (None, Some(self.headers.get_all(name))),
        };
        once.into_iter().chain(often.into_iter().flatten()).map(HeaderValue::as_bytes)
    }
}

/// Where a name lies that the chain asks for.
#[inline]
fn place_of(name: &str) -> Option<usize> {
    Some(match name {
        "authorization" => 0,
        "cookie" => 1,
        "host" => 2,
        "origin" => 3,
        "sec-fetch-site" => 4,
        "x-api-key" => 5,
        CSRF_HEADER => 6,
        "x-forwarded-for" => 7,
        _ => return None,
    })
}

// === impl OwnHeaders ===

impl OwnHeaders {
    pub(super) fn of(limits: &Admission<'_>, caching: Caching, now: Timestamp) -> Self {
        let limits = OlderFields::new(limits, now).map(|older| {
            values([
                &|text| PolicyField(limits).write(text),
                &|text| LimitField(limits).write(text),
                &|text| number(older.limit.into(), text),
                &|text| number(older.remaining.into(), text),
                &|text| number(older.reset_seconds, text),
            ])
        });
        Self { limits, caching }
    }
}

/// Values that share one piece of memory.
fn values<const N: usize>(write: [&dyn Fn(&mut String) -> fmt::Result; N]) -> [HeaderValue; N] {
    TEXT.with_borrow_mut(|text| {
        text.clear();
        let ends = write.map(|write| {
            write(text).expect("a string takes every text");
            text.len()
        });
        let text = Bytes::copy_from_slice(text.as_bytes());
        let mut begin = 0;
        ends.map(|end| {
            let value = text.slice(mem::replace(&mut begin, end)..end);
            HeaderValue::from_maybe_shared(value).expect("names and numbers are visible ASCII")
        })
    })
}

fn number(number: u64, text: &mut String) -> fmt::Result {
    text.push_str(itoa::Buffer::new().format(number));
    Ok(())
}

// === impl AnswerHeaders ===

impl AnswerHeaders {
    pub(super) fn new(security: &SecurityHeaders) -> Self {
        let mut headers = HeaderMap::new();
        for name in &LIMIT_NAMES {
            headers.insert(name, HeaderValue::from_static(""));
        }
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(""));
        for fixed in security.api(Caching::ByHandler) {
            let value = match &fixed.value {
                // Copies of it count no references.
                Cow::Borrowed(value) => HeaderValue::from_static(value),
                Cow::Owned(value) => {
                    HeaderValue::from_str(value).expect("guard's values are visible ASCII and spaces")
                }
            };
            headers.insert(fixed.name, value);
        }
        let begins = headers.keys().zip(&LIMIT_NAMES).all(|(name, limit)| name == limit);
        assert!(begins, "headers lie in the order in which they were inserted");
        Self(headers)
    }

    /// Dresses an answer. What its handler said itself stays, but that it may be stored.
    pub(super) fn put(&self, own: OwnHeaders, headers: &mut HeaderMap) {
        let typed = headers.contains_key(header::CONTENT_TYPE);
        let said = mem::replace(headers, self.0.clone());
        match own.limits {
            Some(limits) => headers.values_mut().zip(limits).for_each(|(place, value)| *place = value),
            None => LIMIT_NAMES.iter().for_each(|name| drop(headers.remove(name))),
        }
        headers.extend(said);
        if !typed {
            headers.remove(header::CONTENT_TYPE);
        }
        if own.caching == Caching::Private {
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

#[cfg(test)]
mod tests {
    use shield_guard::headers::{HstsPreload, ReportPath};

    use super::*;

    fn dressed(caching: Caching, said: &[(HeaderName, &'static str)]) -> HeaderMap {
        let report = ReportPath::parse("/report").unwrap();
        let answer = AnswerHeaders::new(&SecurityHeaders::new(&report, HstsPreload::No));
        let mut headers = HeaderMap::new();
        for (name, value) in said {
            headers.append(name, HeaderValue::from_static(value));
        }
        let limits = Some(values([
            &|text| number(1, text),
            &|text| number(2, text),
            &|text| number(3, text),
            &|text| number(4, text),
            &|text| number(5, text),
        ]));
        answer.put(OwnHeaders { limits, caching }, &mut headers);
        headers
    }

    #[test]
    fn answers_keep_what_their_handler_said() {
        let said = [
            (header::SET_COOKIE, "a=1"),
            (header::SET_COOKIE, "b=2"),
            (header::REFERRER_POLICY, "origin"),
            (header::CACHE_CONTROL, "max-age=60"),
        ];
        let headers = dressed(Caching::ByHandler, &said);
        assert_eq!(headers.get_all(header::SET_COOKIE).iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
        assert_eq!(headers.get_all(header::REFERRER_POLICY).iter().collect::<Vec<_>>(), ["origin"]);
        assert_eq!(headers[header::CACHE_CONTROL], "max-age=60");
        assert_eq!(headers[header::X_FRAME_OPTIONS], "DENY");
        assert_eq!(dressed(Caching::Private, &said)[header::CACHE_CONTROL], "no-store");
    }

    #[test]
    fn only_a_handler_names_a_content_type() {
        assert!(!dressed(Caching::ByHandler, &[]).contains_key(header::CONTENT_TYPE));
        let said = dressed(Caching::ByHandler, &[(header::CONTENT_TYPE, "text/csv")]);
        assert_eq!(said.get_all(header::CONTENT_TYPE).iter().collect::<Vec<_>>(), ["text/csv"]);
    }

    #[test]
    fn limits_lie_under_their_names() {
        let headers = dressed(Caching::Private, &[(header::CONTENT_TYPE, "text/plain")]);
        let values: Vec<_> = LIMIT_NAMES.iter().map(|name| &headers[name]).collect();
        assert_eq!(values, ["1", "2", "3", "4", "5"]);
    }

    #[test]
    fn lines_are_all_read_in_their_order() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("cookie", "a=1"), ("host", "here"), ("cookie", "b=2"), ("x-other", "c")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let lines = Lines::of(&headers);
        let read = |name| lines.lines(name).collect::<Vec<_>>();
        assert_eq!(read("cookie"), [b"a=1", b"b=2"]);
        assert_eq!(read("host"), [b"here"]);
        assert_eq!(read("x-other"), [b"c"], "a name that the chain seldom asks for");
        assert!(read("origin").is_empty());
    }
}
