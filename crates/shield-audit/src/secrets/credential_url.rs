//! Passwords in addresses: `scheme://user:password@host` (RFC 3986, 3.2.1).

use std::ops::Range;

use super::look::{Look, holds_placeholder, look, refers};

/// Shortest password that is believed.
const PASSWORD_MIN: usize = 3;
/// What each part of an address is in a manual; all three at once say nothing.
const MANUAL_USERS: &[&[u8]] = &[b"user", b"username", b"name", b"login", b""];
const MANUAL_PASSWORDS: &[&[u8]] = &[b"password", b"pass", b"passwd", b"pwd", b"pw", b"secret"];
const MANUAL_HOSTS: &[&[u8]] = &[b"", b"host", b"hostname", b"server", b"domain", b"address"];
/// Domains for examples (RFC 2606).
const EXAMPLE_DOMAINS: &[&[u8]] =
    &[b"example", b"example.com", b"example.net", b"example.org", b"test", b"invalid"];
const SCHEME_MAX: usize = 24;
/// Longest authority that is read.
const AUTHORITY_MAX: usize = 512;

/// A password in an address.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CredentialUrl {
    pub(super) password: Range<usize>,
    pub(super) host: Range<usize>,
}

/// The credentials of the address whose `://` is at `hit`.
pub(super) fn url_at(bytes: &[u8], hit: usize) -> Option<CredentialUrl> {
    let scheme = bytes[..hit].iter().rev().take(SCHEME_MAX).take_while(|byte| in_scheme(**byte)).count();
    bytes[hit - scheme..hit].iter().any(u8::is_ascii_alphabetic).then_some(())?;
    let start = hit + b"://".len();
    let length = bytes[start..].iter().take(AUTHORITY_MAX).take_while(|byte| in_authority(**byte)).count();
    let authority = &bytes[start..start + length];
    // The last one: passwords are written with an `@` in them, though they should not.
    let at = memchr::memrchr(b'@', authority)?;
    let colon = memchr::memchr(b':', &authority[..at])?;
    let in_host = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let host = start + at + 1..start + at + 1 + authority[at + 1..].iter().take_while(in_host).count();
    let password = start + colon + 1..start + at;
    // The host may be filled in, or come behind the text.
    let filled = matches!(authority.get(at + 1), Some(b'[' | b'$' | b'{' | b'%'));
    let goes_on = start + at + 1 == start + length && matches!(bytes.get(start + length), Some(b'"' | b'\''));
    let named = !host.is_empty() || filled || goes_on;
    let example = is_example(&authority[..colon], &bytes[password.clone()], &bytes[host.clone()]);
    (named && !example && is_literal(&bytes[password.clone()])).then_some(CredentialUrl { password, host })
}

fn is_example(user: &[u8], password: &[u8], host: &[u8]) -> bool {
    let reserved = EXAMPLE_DOMAINS.iter().any(|domain| {
        host.strip_suffix(*domain).is_some_and(|before| before.is_empty() || before.ends_with(b"."))
    });
    let manual =
        MANUAL_USERS.contains(&user) && MANUAL_PASSWORDS.contains(&password) && MANUAL_HOSTS.contains(&host);
    // Oracle's account for demonstrations, in its manuals for decades.
    let demonstration = (user, password) == (b"scott".as_slice(), b"tiger".as_slice());
    manual || demonstration || reserved && look(password) != Look::Random
}

/// Whether it is a password, if a bad one, and neither says where one is nor that it is an example.
fn is_literal(password: &[u8]) -> bool {
    let word = |byte: &u8| byte.is_ascii_uppercase() || *byte == b'_';
    let masked = password.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-'));
    let shouted = password.len() > 2 && password.iter().all(word);
    password.len() >= PASSWORD_MIN && !masked && !shouted && !refers(password) && !holds_placeholder(password)
}

fn in_scheme(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'.' | b'-')
}

fn in_authority(byte: u8) -> bool {
    byte.is_ascii_graphic()
        && !matches!(byte, b'/' | b'?' | b'#' | b'"' | b'\'' | b'`' | b'\\' | b'<' | b'>' | b'|')
        || byte >= 0x80
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(&str, &str)> {
        let hit = text.find("://").unwrap();
        url_at(text.as_bytes(), hit).map(|url| (&text[url.password], &text[url.host]))
    }

    #[test]
    fn passwords_of_urls() {
        assert_eq!(found("x=postgresql://user:pass@localhost/db"), Some(("pass", "localhost")));
        assert_eq!(found("redis://:hunter2@redis:6379/0"), Some(("hunter2", "redis")));
        assert_eq!(found("https://u:p@ss:w@h.company.org?x"), Some(("p@ss:w", "h.company.org")));
        assert_eq!(found("mongodb+srv://a:b%40c@cluster0"), Some(("b%40c", "cluster0")));
        assert_eq!(found("f\"postgresql://app:hunter2@{host}/db\""), Some(("hunter2", "")));
        assert_eq!(found("\"postgresql://app:hunter2@%s/db\" % host"), Some(("hunter2", "")));
        assert_eq!(found("\"postgresql://app:hunter2@\" + host"), Some(("hunter2", "")));
    }

    #[test]
    fn no_password_no_finding() {
        let none = [
            "https://example.org:8080/a@b",
            "https://user@host/",
            "postgres://u:${PASSWORD}@h",
            "postgres://u:{password}@h",
            "postgres://u:@h",
            "redis://:%s@host",
            "ftp://user:<password>@h",
            "postgres://user:PASSWORD@h",
            "http://a:b c@d",
            "postgres://u:****@h",
            "://u:p@h",
            "postgres://u:your-password@h",
            "postgres://u:changeme@h",
            "postgres://u:p@\"",
            "postgres://user:password@\" + host",
            "postgres://{user}:{password}@{host}",
            "postgres://app:hunter2@",
            "postgres://%s:%s@%s",
            "postgres://{}:{}@{}/",
            "$://u:p@h",
            "postgres://user:password@host:5432/db",
            "https://u:hunter2@mail.example",
            "ftp://u:hunter2@example.com/",
        ];
        for text in none {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
