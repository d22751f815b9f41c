//! The cookies of one user, for one target.
//!
//! One host and one port: domain, path and `Secure` decide nothing here, a cookie is held until it is replaced or its
//! deletion is said by an empty value, `Max-Age` of zero or less, or the year 1970.

/// Most cookies of one user; later ones replace the oldest.
const COOKIES_MAX: usize = 50;

#[derive(Clone, Debug, Default)]
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
        if name.is_empty() {
            return;
        }
        self.held.retain(|(held, _)| held != name);
        let deleted = value.is_empty() || parts.any(ends_now);
        if !deleted {
            if self.held.len() >= COOKIES_MAX {
                self.held.remove(0);
            }
            self.held.push((name.to_owned(), value.to_owned()));
        }
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

fn ends_now(attribute: &str) -> bool {
    let (name, value) = attribute.split_once('=').unwrap_or((attribute, ""));
    let (name, value) = (name.trim(), value.trim());
    name.eq_ignore_ascii_case("max-age") && value.parse::<i64>().is_ok_and(|seconds| seconds <= 0)
        || name.eq_ignore_ascii_case("expires") && value.contains("1970")
}

#[cfg(test)]
mod tests {
    use super::{COOKIES_MAX, Cookies};

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
    fn is_bounded() {
        let mut cookies = Cookies::default();
        (0..COOKIES_MAX + 5).for_each(|number| cookies.store(format!("c{number}=1").as_bytes()));
        assert_eq!((cookies.get("c4"), cookies.get("c5")), (None, Some("1")));
    }
}
