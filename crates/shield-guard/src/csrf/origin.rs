//! Where a request comes from, in the browser's own words.

use super::Field;

/// Origins that may be listed; a request compares with each.
const ORIGINS_MAX: usize = 32;
/// Letters of one: a scheme, a name of 253 letters, a port.
const ORIGIN_MAX: usize = 272;

/// Whose pages may send unsafe requests with a cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origins(Expected);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    /// The backend's own, as browsers reach it, and others that are trusted like it.
    Listed(Vec<String>),
    /// The one whose host and port are those that the request was sent to.
    Host,
}

/// An origin that cannot be listed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// Browsers never send it like that, so it would match nothing.
    #[error(
        "list the origin `{text}`: expected `https://host` or `http://host`, in lower case, with a port only \
        where it is not the scheme's own, and nothing behind it"
    )]
    Form {
        /// As given, cut at 80 characters.
        text: String,
    },
    /// Too many.
    #[error("list `{count}` origins: expected 1 to {ORIGINS_MAX}")]
    Count {
        /// How many.
        count: usize,
    },
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// The browser says: from our own pages, or from its user directly.
    Own,
    /// From an expected origin.
    Listed,
    /// Nothing says so, and nothing says otherwise: an old browser, or no browser.
    Unstated,
}

/// Why a request does not come from where it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginRefusal {
    /// `Sec-Fetch-Site: cross-site`.
    #[error("accept an unsafe request from another site")]
    CrossSite,
    /// `Sec-Fetch-Site: same-site` from an origin that is not listed.
    #[error("accept an unsafe request from a neighbour that is not trusted")]
    SameSite,
    /// `Sec-Fetch-Site` with a value that no browser sends, or twice.
    #[error("read `Sec-Fetch-Site`: expected one known value")]
    FetchSite,
    /// `Origin` is not an expected one, is `null`, or came twice.
    #[error("accept an unsafe request from an origin that is not listed")]
    Origin,
}

// === impl Origins ===

impl Origins {
    /// The backend's own origins and trusted others, each spelled as browsers spell it: `https://example.org`,
    /// `http://127.0.0.1:8080`.
    pub fn new<'a>(origins: impl IntoIterator<Item = &'a str>) -> Result<Self, OriginError> {
        let listed: Vec<_> = origins.into_iter().map(checked).collect::<Result<_, _>>()?;
        match listed.len() {
            1..=ORIGINS_MAX => Ok(Self(Expected::Listed(listed))),
            count => Err(OriginError::Count { count }),
        }
    }

    /// The backend's own, whatever that is: `Origin` must name the host and port of the request's `Host`. Both are the
    /// browser's words, and no script can set either. The scheme is not compared: nobody says what it was before TLS ended.
    pub fn of_host() -> Self {
        Self(Expected::Host)
    }

    /// Judges an unsafe request that was sent to `host`. `same-origin` and `none` are taken without a look at `Origin`: no script can set
    /// `Sec-Fetch-Site`, and under `Referrer-Policy: no-referrer` our own forms send `Origin: null`.
    pub fn judge(
        &self,
        fetch_site: Field<'_>,
        origin: Field<'_>,
        host: Field<'_>,
    ) -> Result<Provenance, OriginRefusal> {
        match fetch_site {
            Field::One(b"same-origin" | b"none") => Ok(Provenance::Own),
            Field::One(b"same-site") => match origin {
                Field::One(origin) if self.expects(origin, host) => Ok(Provenance::Listed),
                Field::One(_) | Field::Absent | Field::Repeated => Err(OriginRefusal::SameSite),
            },
            Field::One(b"cross-site") => Err(OriginRefusal::CrossSite),
            Field::One(_) | Field::Repeated => Err(OriginRefusal::FetchSite),
            Field::Absent => match origin {
                Field::One(origin) if self.expects(origin, host) => Ok(Provenance::Listed),
                Field::One(_) | Field::Repeated => Err(OriginRefusal::Origin),
                Field::Absent => Ok(Provenance::Unstated),
            },
        }
    }

    fn expects(&self, origin: &[u8], host: Field<'_>) -> bool {
        match (&self.0, host) {
            (Expected::Listed(listed), _) => listed.iter().any(|listed| listed.as_bytes() == origin),
            (Expected::Host, Field::One(host)) => {
                let place = origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"));
                !host.is_empty() && place.is_some_and(|place| place.eq_ignore_ascii_case(host))
            }
            (Expected::Host, Field::Absent | Field::Repeated) => false,
        }
    }
}

/// An origin as browsers serialise it (WHATWG HTML), or a refusal: a list that matches nothing locks everybody out.
fn checked(text: &str) -> Result<String, OriginError> {
    let mistake = || OriginError::Form { text: text.chars().take(80).collect() };
    let (rest, own_port) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
        (Some(rest), _) => (rest, 443),
        (None, Some(rest)) => (rest, 80),
        (None, None) => return Err(mistake()),
    };
    // The colons of an IPv6 address stand between brackets.
    let after_host = rest.find(']').map_or(0, |bracket| bracket + 1);
    let (host, port) = match rest[after_host..].split_once(':') {
        Some((middle, port)) => (&rest[..after_host + middle.len()], Some(port)),
        None => (rest, None),
    };
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._[]:".contains(&byte);
    if host.is_empty() || !host.bytes().all(known) || text.len() > ORIGIN_MAX {
        return Err(mistake());
    }
    let canonical = |port: &str| {
        port.parse::<u16>().is_ok_and(|number| number != own_port && number > 0 && number.to_string() == port)
    };
    match port.is_none_or(canonical) {
        true => Ok(text.to_owned()),
        false => Err(mistake()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Field, OriginError, OriginRefusal, Origins, Provenance};

    const OWN: &[u8] = b"https://example.org";
    const TRUSTED: &[u8] = b"https://app.example.org";
    const FOREIGN: &[u8] = b"https://evil.test";

    fn origins() -> Origins {
        Origins::new(["https://example.org", "https://app.example.org"]).unwrap()
    }

    fn judge(fetch_site: &'static str, origin: Option<&'static [u8]>) -> Result<Provenance, OriginRefusal> {
        let fetch_site =
            if fetch_site.is_empty() { Field::Absent } else { Field::One(fetch_site.as_bytes()) };
        origins().judge(fetch_site, origin.map_or(Field::Absent, Field::One), Field::One(b"evil.test"))
    }

    #[test]
    fn asvs_v3_5_1_believes_fetch_metadata_first() {
        assert_eq!(judge("same-origin", Some(OWN)), Ok(Provenance::Own));
        assert_eq!(judge("same-origin", Some(b"null")), Ok(Provenance::Own));
        assert_eq!(judge("none", None), Ok(Provenance::Own));
        assert_eq!(judge("cross-site", Some(OWN)), Err(OriginRefusal::CrossSite));
        assert_eq!(judge("cross-site", None), Err(OriginRefusal::CrossSite));
    }

    #[test]
    fn a_neighbour_must_be_listed() {
        assert_eq!(judge("same-site", Some(TRUSTED)), Ok(Provenance::Listed));
        assert_eq!(judge("same-site", Some(b"https://blog.example.org")), Err(OriginRefusal::SameSite));
        assert_eq!(judge("same-site", None), Err(OriginRefusal::SameSite));
    }

    #[test]
    fn asvs_v3_5_1_falls_back_to_the_origin() {
        assert_eq!(judge("", Some(OWN)), Ok(Provenance::Listed));
        for foreign in [
            FOREIGN,
            b"null",
            b"",
            b"https://example.org.evil.test",
            b"http://example.org",
            b"HTTPS://EXAMPLE.ORG",
        ] {
            let refused = judge("", Some(foreign));
            assert_eq!(refused, Err(OriginRefusal::Origin), "{}", String::from_utf8_lossy(foreign));
        }
        assert_eq!(judge("", None), Ok(Provenance::Unstated));
    }

    #[test]
    fn asvs_v3_5_1_without_a_list_the_origin_is_that_of_the_host() {
        let judge = |origin: &'static [u8], host: Field<'_>| {
            Origins::of_host().judge(Field::Absent, Field::One(origin), host)
        };
        for (origin, host) in [
            (b"https://example.org".as_slice(), b"example.org".as_slice()),
            (b"http://127.0.0.1:8080", b"127.0.0.1:8080"),
            (b"https://[::1]:8443", b"[::1]:8443"),
            (b"https://example.org", b"EXAMPLE.org"),
        ] {
            assert_eq!(judge(origin, Field::One(host)), Ok(Provenance::Listed));
        }
        for (origin, host) in [
            (b"https://example.org:8443".as_slice(), b"example.org".as_slice()),
            (b"https://evil.test", b"example.org"),
            (b"https://example.org.evil.test", b"example.org"),
            (b"null", b"null"),
            (b"https://", b""),
            (b"ftp://example.org", b"example.org"),
            (b"example.org", b"example.org"),
        ] {
            assert_eq!(judge(origin, Field::One(host)), Err(OriginRefusal::Origin));
        }
        for host in [Field::Absent, Field::Repeated] {
            assert_eq!(judge(OWN, host), Err(OriginRefusal::Origin));
        }
        let bare = Origins::of_host().judge(Field::Absent, Field::Absent, Field::Absent);
        assert_eq!(bare, Ok(Provenance::Unstated));
    }

    #[test]
    fn refuses_what_no_browser_sends() {
        for value in ["Same-Origin", "same-origin, none", " same-origin", "new-value"] {
            assert_eq!(judge(value, Some(OWN)), Err(OriginRefusal::FetchSite), "{value}");
        }
        let twice = Field::of([OWN, OWN]);
        assert_eq!(origins().judge(Field::Absent, twice, Field::Absent), Err(OriginRefusal::Origin));
        assert_eq!(origins().judge(twice, Field::One(OWN), Field::Absent), Err(OriginRefusal::FetchSite));
        let same_site = Field::One(b"same-site");
        assert_eq!(origins().judge(same_site, twice, Field::Absent), Err(OriginRefusal::SameSite));
    }

    #[test]
    fn lists_only_what_browsers_send() {
        for text in [
            "https://example.org",
            "http://127.0.0.1:8080",
            "http://[::1]:8080",
            "http://[::1]",
            "https://a.b:444",
        ] {
            assert!(Origins::new([text]).is_ok(), "{text}");
        }
        for text in [
            "",
            "null",
            "*",
            "example.org",
            "https://",
            "https://:444",
            "https://Example.org",
            "https://example.org/",
            "https://example.org:443",
            "http://example.org:80",
            "https://example.org:0443",
            "https://example.org:",
            "https://*.example.org",
            "https://u@example.org",
            "ftp://example.org",
            "https://example.org:65536",
        ] {
            assert_eq!(Origins::new([text]), Err(OriginError::Form { text: text.to_owned() }), "{text}");
        }
        assert_eq!(Origins::new([]), Err(OriginError::Count { count: 0 }));
        assert_eq!(Origins::new(["https://a.b"; 33]), Err(OriginError::Count { count: 33 }));
    }

    proptest! {
        #[test]
        fn any_text_is_listed_or_refused(text in "\\PC{0,40}", tail in "[a-z0-9:.\\[\\]/@]{0,20}") {
            let _ = Origins::new([text.as_str()]);
            if let Ok(origins) = Origins::new([format!("https://{tail}").as_str()]) {
                let origin = format!("https://{tail}");
                let judged = origins.judge(Field::Absent, Field::One(origin.as_bytes()), Field::Absent);
                prop_assert_eq!(judged, Ok(Provenance::Listed));
            }
        }

        #[test]
        fn no_other_origin_is_taken(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let host = Field::One(b"a.test");
            prop_assert!(origins().judge(Field::Absent, Field::One(&bytes), host).is_err());
            prop_assert!(Origins::of_host().judge(Field::Absent, Field::One(&bytes), host).is_err());
        }
    }
}
