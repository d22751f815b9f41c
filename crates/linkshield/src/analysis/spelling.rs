//! How a URL was written, before any parser tidied it up.
//!
//! The tricks live in the difference between what a person reads and what a browser does: `0x7f.1` and `\\host` are
//! gone once parsed. This module splits the text the way browsers do (WHATWG), without changing a character of the
//! parts, so that rules can look at both.

/// Schemes that are read as a scheme even when what follows looks like a port (`tel:123`).
const KNOWN_SCHEMES: &[&str] = &[
    "about",
    "blob",
    "data",
    "feed",
    "file",
    "filesystem",
    "ftp",
    "geo",
    "http",
    "https",
    "intent",
    "jar",
    "javascript",
    "jscript",
    "livescript",
    "magnet",
    "mailto",
    "market",
    "ms-msdt",
    "search-ms",
    "sip",
    "sips",
    "skype",
    "sms",
    "smb",
    "ssh",
    "steam",
    "tel",
    "tg",
    "urn",
    "vbscript",
    "view-source",
    "whatsapp",
    "ws",
    "wss",
    "xmpp",
];

/// Schemes for which browsers take `\` as `/` and any number of slashes as two.
const SPECIAL_SCHEMES: &[&str] = &["file", "ftp", "http", "https", "ws", "wss"];

/// The parts of a URL exactly as they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spelling {
    /// The whole text, with a scheme, without the outer whitespace and the tabs and newlines browsers drop.
    pub text: String,
    /// Whether the scheme was missing and `https` was assumed.
    pub scheme_assumed: bool,
    /// Lower-case scheme.
    pub scheme: String,
    /// The slashes and backslashes between scheme and authority.
    pub slashes: String,
    /// What stands before the last `@` of the authority.
    pub userinfo: Option<String>,
    /// Host, as written.
    pub host: String,
    /// Path, as written; for a scheme without authority, everything after the colon.
    pub path: String,
    /// Query without `?`.
    pub query: Option<String>,
}

// === impl Spelling ===

impl Spelling {
    /// Splits `original`; any text can be split.
    pub(crate) fn of(original: &str) -> Self {
        let visible = browser_view(original);
        let scheme_assumed = explicit_scheme(&visible).is_none();
        let text = if scheme_assumed { assume_https(&visible) } else { visible };
        let (scheme, rest) = text.split_once(':').unwrap_or(("https", &text));
        let scheme = scheme.to_ascii_lowercase();
        let special = SPECIAL_SCHEMES.contains(&scheme.as_str());
        let rest = rest.split('#').next().unwrap_or_default();
        let (hierarchy, query) = match rest.split_once('?') {
            Some((hierarchy, query)) => (hierarchy, Some(query.to_owned())),
            None => (rest, None),
        };
        let (slashes, authority, path) = split_authority(hierarchy, special);
        let (userinfo, host) = split_userinfo(authority);
        Self {
            slashes: slashes.to_owned(),
            userinfo: userinfo.map(str::to_owned),
            host: host.to_owned(),
            path: path.to_owned(),
            text: text.clone(),
            scheme_assumed,
            scheme,
            query,
        }
    }

    /// Everything between the slashes and the path, as written.
    pub(crate) fn authority(&self) -> String {
        match &self.userinfo {
            Some(userinfo) => format!("{userinfo}@{}", self.host),
            None => self.host.clone(),
        }
    }
}

/// The text without what browsers drop before parsing: outer controls and spaces, tabs and newlines anywhere.
fn browser_view(original: &str) -> String {
    let trimmed = original.trim_matches(|character: char| character <= ' ');
    trimmed.chars().filter(|character| !matches!(character, '\t' | '\n' | '\r')).collect()
}

fn explicit_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let first_is_letter = scheme.starts_with(|first: char| first.is_ascii_alphabetic());
    let well_formed =
        scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-'));
    if !first_is_letter || !well_formed {
        return None;
    }
    let known = KNOWN_SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
    (known || rest.starts_with("//") || !looks_like_authority(scheme, rest)).then_some(scheme)
}

/// Whether `before:after` reads as `host:port` or `user:password@host` rather than as a scheme.
fn looks_like_authority(before: &str, after: &str) -> bool {
    let authority = after.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let port = !authority.is_empty() && authority.bytes().all(|byte| byte.is_ascii_digit());
    before.contains('.') || port || authority.contains('@')
}

fn assume_https(text: &str) -> String {
    if text.starts_with("//") || text.starts_with("\\\\") {
        format!("https:{text}")
    } else {
        format!("https://{text}")
    }
}

fn split_authority(hierarchy: &str, special: bool) -> (&str, &str, &str) {
    let slash = |character: char| character == '/' || (special && character == '\\');
    if !special && !hierarchy.starts_with("//") {
        return ("", "", hierarchy);
    }
    let after_slashes = if special { hierarchy.trim_start_matches(slash) } else { &hierarchy[2..] };
    let slashes = &hierarchy[..hierarchy.len() - after_slashes.len()];
    let end = after_slashes.find(slash).unwrap_or(after_slashes.len());
    (slashes, &after_slashes[..end], &after_slashes[end..])
}

fn split_userinfo(authority: &str) -> (Option<&str>, &str) {
    let (userinfo, address) = match authority.rsplit_once('@') {
        Some((userinfo, address)) => (Some(userinfo), address),
        None => (None, authority),
    };
    (userinfo, without_port(address))
}

fn without_port(address: &str) -> &str {
    match address.rfind(':') {
        Some(colon) if !address[colon..].contains(']') => &address[..colon],
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_as_written() {
        let spelling = Spelling::of(" HTTP:\\\\user:pw@0x7F.1:80\\a?b#c\n");
        assert_eq!(spelling.scheme, "http");
        assert_eq!(spelling.slashes, "\\\\");
        assert_eq!(spelling.userinfo.as_deref(), Some("user:pw"));
        assert_eq!(spelling.host, "0x7F.1");
        assert_eq!(spelling.path, "\\a");
        assert_eq!(spelling.query.as_deref(), Some("b"));
    }

    #[test]
    fn tells_port_from_scheme() {
        for (text, assumed) in [
            ("example.com:8080/x", true),
            ("localhost:3000", true),
            ("user:pw@host.example", true),
            ("//example.com", true),
            ("javascript:alert(1)", false),
            ("tel:123", false),
            ("foo:bar", false),
            ("bitcoin:1BoatSLRHtKNngkdXEeobR76b53LETtpyT", false),
            ("example.com/a:b", true),
        ] {
            assert_eq!(Spelling::of(text).scheme_assumed, assumed, "{text}");
        }
    }

    #[test]
    fn keeps_address_brackets() {
        assert_eq!(Spelling::of("http://[::1]:80/").host, "[::1]");
        assert_eq!(Spelling::of("http://[::1]/").host, "[::1]");
    }
}
