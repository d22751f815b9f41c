//! The session's cookie, written and read.
//!
//! `__Host-` binds it to this very host and to HTTPS: no neighbour domain and no plain connection can set or change it (ASVS 5.0,
//! 3.3.1 and 3.3.3). Reading is strict about this cookie and indifferent to all others: applications share the header.

use shield_types::Secret;

use super::SessionSecret;

/// The usual name, behind the prefix.
pub const SESSION_COOKIE: &str = "session";
/// What the name begins with.
const PREFIX: &str = "__Host-";
/// Letters of a name without the prefix.
const NAME_MAX: usize = 32;
/// Bytes of a request's `Cookie` headers together that are read; browsers send at most about 180 cookies of 4 KiB, servers take
/// less in all.
const HEADER_BYTES_MAX: usize = 16_384;

/// Which requests from other sites carry the cookie (ASVS 5.0, 3.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// None: for an API, which nobody reaches by following a link. LinkShield's choice.
    Strict,
    /// Only links that are followed: for pages, where a link from a mail should not end at the log-in.
    Lax,
}

/// How long the browser keeps the cookie. The session's own limits hold either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieLife {
    /// Until it is closed.
    Browser,
    /// So many seconds, closed or not.
    Seconds(u32),
}

/// The name and form of the session's cookie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    name: String,
    same_site: SameSite,
}

/// A name that is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "name a cookie `{name}`: expected 1 to {NAME_MAX} letters, digits, `-` or `_`, without the prefix `{PREFIX}`"
)]
pub struct CookieNameError {
    /// As given, cut at 80 characters.
    pub name: String,
}

/// Why the header's cookies are not taken. The client hears 401 and one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CookieRefusal {
    /// More bytes of cookies than are read.
    #[error("read more than `{HEADER_BYTES_MAX}` bytes of cookies")]
    TooLong,
    /// Our name came twice: one of them is somebody else's doing.
    #[error("choose between two session cookies")]
    Repeated,
    /// Our cookie holds something that is not a secret.
    #[error("read the session cookie: its value is not a session secret")]
    Malformed,
}

// === impl SameSite ===

impl SameSite {
    const fn text(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
        }
    }
}

// === impl SessionCookie ===

impl SessionCookie {
    /// A cookie `__Host-NAME`. Two backends on one host (ports do not tell cookies apart) need two names.
    pub fn new(name: &str, same_site: SameSite) -> Result<Self, CookieNameError> {
        let known = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'-' | b'_');
        if name.is_empty() || name.len() > NAME_MAX || !name.bytes().all(known) {
            return Err(CookieNameError { name: name.chars().take(80).collect() });
        }
        Ok(Self { name: format!("{PREFIX}{name}"), same_site })
    }

    /// The whole name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The `Set-Cookie` that hands a session out.
    pub fn set(&self, secret: &SessionSecret, life: CookieLife) -> Secret<String> {
        let attributes = self.attributes();
        let age = match life {
            CookieLife::Browser => String::new(),
            CookieLife::Seconds(seconds) => format!("; Max-Age={seconds}"),
        };
        Secret::new(format!("{}={}{attributes}{age}", self.name, secret.text().expose()))
    }

    /// The `Set-Cookie` that takes it away.
    pub fn clear(&self) -> String {
        format!("{}={}; Max-Age=0", self.name, self.attributes())
    }

    fn attributes(&self) -> String {
        format!("; Path=/; Secure; HttpOnly; SameSite={}", self.same_site.text())
    }

    /// The session's secret in a request's `Cookie` headers (HTTP/2 splits them), if there is one.
    pub fn read<'a>(
        &self,
        headers: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Option<SessionSecret>, CookieRefusal> {
        let mut found = None;
        let mut bytes = 0;
        for header in headers {
            bytes += header.len();
            if bytes > HEADER_BYTES_MAX {
                return Err(CookieRefusal::TooLong);
            }
            for value in header.split(|byte| *byte == b';').filter_map(|pair| self.value_in(pair)) {
                if found.replace(value).is_some() {
                    return Err(CookieRefusal::Repeated);
                }
            }
        }
        found.map(SessionSecret::parse).transpose().map_err(|_| CookieRefusal::Malformed)
    }

    /// The value of a pair with our name. Only spaces and tabs around the pair go: whoever strips more (Unicode spaces,
    /// spaces before `=`) takes names for ours that a browser let others set.
    fn value_in<'a>(&self, pair: &'a [u8]) -> Option<&'a [u8]> {
        let rest = trim(pair).strip_prefix(self.name.as_bytes())?;
        rest.strip_prefix(b"=")
    }
}

fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CookieLife, CookieRefusal, SESSION_COOKIE, SameSite, SessionCookie};
    use crate::session::{SessionDigest, SessionSecret};

    fn cookie() -> SessionCookie {
        SessionCookie::new(SESSION_COOKIE, SameSite::Strict).unwrap()
    }

    fn secret() -> SessionSecret {
        SessionSecret::new([7; 32])
    }

    fn read(headers: &[&str]) -> Result<Option<SessionDigest>, CookieRefusal> {
        let headers = headers.iter().map(|header| header.as_bytes());
        Ok(cookie().read(headers)?.map(|secret| secret.digest()))
    }

    fn text() -> String {
        secret().text().expose().clone()
    }

    #[test]
    fn asvs_v3_3_1_to_3_3_4_hands_out_a_host_secure_http_only_cookie() {
        let header = cookie().set(&secret(), CookieLife::Seconds(60));
        let expected = "__Host-session=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=60";
        assert_eq!(header.expose(), expected);
        let lax = SessionCookie::new("pages", SameSite::Lax).unwrap();
        let header = lax.set(&secret(), CookieLife::Browser);
        let expected = "__Host-pages=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc; Path=/; Secure; HttpOnly; SameSite=Lax";
        assert_eq!(header.expose(), expected);
        let cleared = "__Host-session=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0";
        assert_eq!(cookie().clear(), cleared);
    }

    #[test]
    fn asvs_v3_3_5_name_and_value_stay_under_4096_bytes() {
        let longest = SessionCookie::new(&"n".repeat(32), SameSite::Lax).unwrap();
        assert!(longest.name().len() + text().len() <= 4_096);
        for name in ["", "a b", "a;b", "a=b", "ä", &"n".repeat(33)] {
            assert!(SessionCookie::new(name, SameSite::Lax).is_err(), "{name}");
        }
    }

    #[test]
    fn finds_it_among_others() {
        let value = text();
        let ours = format!("a=1; __Host-session={value}; b=\"x;y\"; =; ;");
        assert_eq!(read(&[&ours]), Ok(Some(secret().digest())));
        assert_eq!(read(&["a=1", &format!("\t__Host-session={value} ")]), Ok(Some(secret().digest())));
        assert_eq!(read(&["a=1; session=x"]), Ok(None));
        assert_eq!(read(&[]), Ok(None));
    }

    #[test]
    fn refuses_two_of_our_name() {
        let ours = format!("__Host-session={}", text());
        assert_eq!(read(&[&format!("{ours}; {ours}")]), Err(CookieRefusal::Repeated));
        assert_eq!(read(&[&ours, "__Host-session="]), Err(CookieRefusal::Repeated));
    }

    #[test]
    fn takes_no_other_name_for_ours() {
        let value = text();
        for name in [
            "__host-session",
            "\u{2000}__Host-session",
            "__Host-session ",
            "__Host-session2",
            "session",
            "$__Host-session",
        ] {
            assert_eq!(read(&[&format!("{name}={value}")]), Ok(None), "{name}");
        }
    }

    #[test]
    fn refuses_garbage_in_our_cookie() {
        for value in ["garbage", "", "\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\"", "="] {
            let refused = read(&[&format!("__Host-session={value}")]);
            assert_eq!(refused, Err(CookieRefusal::Malformed), "{value}");
        }
        assert_eq!(read(&[&"a".repeat(16_385)]), Err(CookieRefusal::TooLong));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(headers in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 0..4)) {
            let headers = headers.iter().map(Vec::as_slice);
            prop_assert!(matches!(cookie().read(headers), Ok(None)));
        }

        #[test]
        fn is_found_wherever_it_stands(
            random: [u8; 32], before in "([a-z]{1,8}=[a-z]{0,8}; ){0,4}", after in "(;[ ]?[a-z]{1,8}(=[a-z\"]{0,8})?){0,4}",
        ) {
            let secret = SessionSecret::new(random);
            let header = format!("{before}__Host-session={}{after}", secret.text().expose());
            let found = cookie().read([header.as_bytes()]).unwrap().unwrap();
            prop_assert_eq!(found.digest(), secret.digest());
        }
    }
}
