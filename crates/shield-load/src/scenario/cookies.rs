//! The cookies of one user, for one target.
//!
//! One host and one port: domain, path and `Secure` decide nothing here, a cookie is held until it is replaced or its
//! deletion is said by an empty value, `Max-Age` of zero or less, or the year 1970.
//!
//! A target cannot fill the generator's memory, nor make requests that no server takes: what a user holds is bounded, and so is
//! each cookie, by what RFC 6265 (section 6.1) demands of browsers at the least.

use std::fmt;

/// Most cookies of one user; later ones replace the oldest.
const COOKIES_MAX: usize = 50;
/// Longest name and value of a cookie, together; a longer one is passed over, as browsers do.
const COOKIE_BYTES_MAX: usize = 4096;
/// Most bytes of names and values of one user; later ones replace the oldest. Servers take heads of some 8 to 64 KiB.
const COOKIES_BYTES_MAX: usize = 16 * 1024;

#[derive(Clone, Default)]
pub(crate) struct Cookies {
    /// Name and value, oldest first.
    held: Vec<(String, String)>,
}

// === impl Cookies ===

impl Cookies {
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.held.iter().find(|(held, _)| held == name).map(|(_, value)| value.as_str())
    }

    /// Takes in the value of a `Set-Cookie` header; what is no cookie is passed over, as browsers do.
    pub(crate) fn store(&mut self, header: &[u8]) {
        let Ok(text) = str::from_utf8(header) else { return };
        let mut parts = text.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let (name, value) = (name.trim(), value.trim());
        if name.is_empty() || name.len() + value.len() > COOKIE_BYTES_MAX {
            return;
        }
        self.held.retain(|(held, _)| held != name);
        let deleted = value.is_empty() || parts.any(ends_now);
        if !deleted {
            self.held.push((name.to_owned(), value.to_owned()));
            while self.held.len() > COOKIES_MAX || self.bytes() > COOKIES_BYTES_MAX {
                self.held.remove(0);
            }
        }
    }

    fn bytes(&self) -> usize {
        self.held.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// The value of a `Cookie` header.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        for (index, (name, value)) in self.held.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b"; ");
            }
            out.extend_from_slice(name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(value.as_bytes());
        }
    }
}

impl fmt::Debug for Cookies {
    /// Without values: whoever has them is the user.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.held.iter().map(|(name, _)| name)).finish()
    }
}

fn ends_now(attribute: &str) -> bool {
    let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
    let (name, value) = (name.trim(), value.trim());
    name.eq_ignore_ascii_case("max-age") && value.parse::<i64>().is_ok_and(|seconds| seconds <= 0)
        || name.eq_ignore_ascii_case("expires") && value.contains("1970")
}

#[cfg(test)]
mod tests {
    use super::{COOKIE_BYTES_MAX, COOKIES_BYTES_MAX, COOKIES_MAX, Cookies};

    fn sent(cookies: &Cookies) -> String {
        let mut out = Vec::new();
        cookies.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replaces_and_deletes() {
        let mut cookies = Cookies::default();
        for header in ["a=1; Path=/; HttpOnly", "b=2", "a=3; Max-Age=60", "", "novalue", "=x"] {
            cookies.store(header.as_bytes());
        }
        assert_eq!(sent(&cookies), "b=2; a=3");
        cookies.store(b"a=gone; Max-Age=0");
        cookies.store(b"b=; Path=/");
        assert!(cookies.is_empty());
        cookies.store(b"c=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(cookies.get("c"), None);
    }

    #[test]
    fn number_is_bounded() {
        let mut cookies = Cookies::default();
        (0..COOKIES_MAX + 5).for_each(|number| cookies.store(format!("c{number}=1").as_bytes()));
        assert_eq!((cookies.get("c4"), cookies.get("c5")), (None, Some("1")));
    }

    #[test]
    fn bytes_are_bounded() {
        let mut cookies = Cookies::default();
        let store = |cookies: &mut Cookies, name: &str, bytes: usize| {
            cookies.store(format!("{name}={}", "x".repeat(bytes - name.len())).as_bytes());
        };
        store(&mut cookies, "small", 10);
        store(&mut cookies, "big", COOKIE_BYTES_MAX + 1);
        assert_eq!((cookies.get("big"), cookies.get("small").is_some()), (None, true));
        for name in ["a", "b", "c", "d"] {
            store(&mut cookies, name, COOKIE_BYTES_MAX);
        }
        assert_eq!((cookies.bytes(), cookies.get("small")), (COOKIES_BYTES_MAX, None));
        // What replaces itself makes its own room.
        store(&mut cookies, "a", COOKIE_BYTES_MAX);
        assert!(cookies.get("b").is_some() && cookies.bytes() == COOKIES_BYTES_MAX);
    }

    #[test]
    fn values_are_not_shown() {
        let mut cookies = Cookies::default();
        cookies.store(b"session=hunter2");
        assert_eq!(format!("{cookies:?}"), "[\"session\"]");
    }
}
