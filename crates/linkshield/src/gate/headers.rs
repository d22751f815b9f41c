//! Headers of requests as guard reads them, and those that every answer gets.

use std::{cell::RefCell, fmt, mem};

use bytes::{Bytes, BytesMut};
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

/// Bytes that values are cut from, until they are used up: answers that nobody reads hold this much each, at most.
const TEXT_BYTES: usize = 4 * 1024;

thread_local! {
    /// Where values are written. Each answer takes a piece, so that memory is asked for once in some forty answers.
    static TEXT: RefCell<BytesMut> = RefCell::new(BytesMut::new());
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

/// What only the answer to one request says. Small, because it is handed on many times before the answer is there.
pub(super) struct OwnHeaders {
    limits: Option<LimitTexts>,
    caching: Caching,
}

/// The values of [`LIMIT_NAMES`], one behind the other.
struct LimitTexts {
    text: Bytes,
    /// Where each begins that is not the first.
    begins: [usize; LIMIT_NAMES.len() - 1],
}

/// What every answer says, as a map that is copied whole: its names are hashed once and not for each answer. It begins with
/// [`LIMIT_NAMES`], whose values are those of one request, and has places for the type of the content and its length, so that
/// the usual answer fits into the copy: a map that has to grow costs as much as the copy. It forbids to store the answer.
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
            LimitTexts::write([
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

// === impl LimitTexts ===

impl LimitTexts {
    fn write(write: [&dyn Fn(&mut BytesMut) -> fmt::Result; LIMIT_NAMES.len()]) -> Self {
        TEXT.with_borrow_mut(|text| {
            if text.capacity() < TEXT_BYTES / 16 {
                // What answers still hold of the last piece is theirs.
                *text = BytesMut::with_capacity(TEXT_BYTES);
            }
            let ends = write.map(|write| {
                write(text).expect("memory grows with the text");
                text.len()
            });
            let [begins @ .., _] = ends;
            Self { text: text.split().freeze(), begins }
        })
    }

    fn put(self, places: &mut HeaderMap) {
        let Self { text, begins } = self;
        let ends = begins.into_iter().chain([text.len()]);
        let mut begin = 0;
        for (place, end) in places.values_mut().zip(ends) {
            let value = text.slice(mem::replace(&mut begin, end)..end);
            *place = HeaderValue::from_maybe_shared(value).expect("names and numbers are visible ASCII");
        }
    }
}

fn number(number: u64, text: &mut BytesMut) -> fmt::Result {
    text.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
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
        for fixed in security.api(Caching::Private) {
            // A gate is one per process and lives as long. Copies of a static value count no references, which all threads
            // would have to write to.
            let value = HeaderValue::from_static(fixed.value.clone().into_owned().leak());
            headers.insert(fixed.name, value);
        }
        // The last, so that giving it up moves nothing.
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static(""));
        let begins = headers.keys().zip(&LIMIT_NAMES).all(|(name, limit)| name == limit);
        assert!(begins, "headers lie in the order in which they were inserted");
        Self(headers)
    }

    /// Dresses an answer. What its handler said itself stays, but that it may be stored.
    pub(super) fn put(&self, own: OwnHeaders, headers: &mut HeaderMap) {
        let typed = headers.contains_key(header::CONTENT_TYPE);
        let mut said = mem::replace(headers, self.0.clone());
        // Whoever knows the whole answer says its length.
        headers.remove(header::CONTENT_LENGTH);
        match own.limits {
            Some(limits) => limits.put(headers),
            None => LIMIT_NAMES.iter().for_each(|name| drop(headers.remove(name))),
        }
        let spoken_for = if own.caching == Caching::Private { &mut said } else { &mut *headers };
        spoken_for.remove(header::CACHE_CONTROL);
        headers.extend(said);
        if !typed {
            headers.remove(header::CONTENT_TYPE);
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
        let limits = Some(LimitTexts::write([
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
