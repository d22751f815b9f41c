//! Credentials as requests carry them: `Bearer …` and `Basic …` (RFC 6750, RFC 7617), and `curl -u user:password`.

use std::ops::Range;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use memchr::memmem;

use super::look::{Look, holds_placeholder, is_made_up, look, refers};

const TOKEN_MIN: usize = 20;
const TOKEN_MAX: usize = 512;
const BASIC_MIN: usize = 12;
/// How far behind `curl` its options are read.
const COMMAND_MAX: usize = 400;
/// Shortest password of a command.
const PASSWORD_MIN: usize = 3;
/// What passwords are in manuals.
const MANUAL: &[&[u8]] =
    &[b"password", b"pass", b"passwd", b"pwd", b"token", b"test", b"yyy", b"secret", b"admin"];

/// The token behind `Bearer `, which ends at `behind`.
pub(super) fn bearer_behind(bytes: &[u8], behind: usize) -> Option<Range<usize>> {
    let inside = |byte: &&u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'~' | b'+' | b'/' | b'=')
    };
    let length = bytes[behind..].iter().take(TOKEN_MAX).take_while(inside).count();
    let token = &bytes[behind..behind + length];
    (length >= TOKEN_MIN && look(token) == Look::Random).then_some(behind..behind + length)
}

/// The credentials behind `Basic `, which ends at `behind`.
pub(super) fn basic_behind(bytes: &[u8], behind: usize) -> Option<Range<usize>> {
    let inside = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=');
    let length = bytes[behind..].iter().take(TOKEN_MAX).take_while(inside).count();
    let range = behind..behind + length;
    let text = (length >= BASIC_MIN).then(|| BASE64_STANDARD.decode(&bytes[range.clone()]).ok())??;
    let colon = memchr::memchr(b':', &text)?;
    let printed = text.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
    (printed && is_password(&text[colon + 1..])).then_some(range)
}

/// The password of `curl -u user:password`, whose `curl` ends at `behind`.
pub(super) fn curl_behind(bytes: &[u8], behind: usize) -> Option<Range<usize>> {
    let command = bytes[behind..].get(..COMMAND_MAX).unwrap_or(&bytes[behind..]);
    matches!(command.first(), Some(b' ' | b'\t')).then_some(())?;
    // Another `curl` reads its own options.
    let command = &command[..memmem::find(command, b"curl ").unwrap_or(command.len())];
    let option = [&b" -u"[..], b" --user"]
        .into_iter()
        .find_map(|option| memmem::find(command, option).map(|at| at + option.len()))?;
    let start =
        option + command[option..].iter().take(5).take_while(|byte| matches!(byte, b' ' | b'=')).count();
    let quote = command.get(start).filter(|byte| matches!(byte, b'"' | b'\''));
    let ends = |byte: &u8| (byte.is_ascii_whitespace() || *byte == b'`') && quote.is_none();
    let start = start + usize::from(quote.is_some());
    let end = start
        + command[start..]
            .iter()
            .position(|byte| ends(byte) || Some(byte) == quote)
            .unwrap_or(command.len() - start);
    let credentials = &command[start..end];
    let colon = memchr::memchr(b':', credentials)?;
    let (user, password) = (&credentials[..colon], &credentials[colon + 1..]);
    let trimmed =
        |text: &[u8]| text.iter().filter(|byte| !matches!(byte, b'"' | b'\'')).copied().collect::<Vec<_>>();
    let (user, password) = (trimmed(user), trimmed(password));
    let secret = if password.is_empty() { user } else { password };
    (is_password(&secret) && !refers(credentials)).then_some(behind + start..behind + end)
}

fn is_password(text: &[u8]) -> bool {
    let harmless = refers(text) || is_made_up(text) || holds_placeholder(text) || MANUAL.contains(&text);
    text.len() >= PASSWORD_MIN && !harmless
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curl(text: &str) -> Option<&str> {
        curl_behind(text.as_bytes(), text.find("curl").unwrap() + 4).map(|range| &text[range])
    }

    #[test]
    fn passwords_of_commands() {
        assert_eq!(curl("curl -u elastic:P@ssw0rd$1 https://h"), Some("elastic:P@ssw0rd$1"));
        assert_eq!(curl("curl -s \\\n  --user 'api:d2LkV78zLx!t' \\\n h"), Some("api:d2LkV78zLx!t"));
        assert_eq!(curl("curl -u \"d2LkV78zLx!t:\" https://h"), Some("d2LkV78zLx!t:"));
        for text in [
            "curl -u $A:$B h",
            "curl -u user:password h",
            "curl -u <name:d2LkV78zLx!t> h",
            "curl -u name h",
            "curlx -u a:d2LkV78zLx!t",
        ] {
            assert_eq!(curl(text), None, "{text}");
        }
    }

    #[test]
    fn credentials_of_headers() {
        let basic = BASE64_STANDARD.encode("deploy:h0pk1ns-21s");
        assert_eq!(basic_behind(basic.as_bytes(), 0), Some(0..basic.len()));
        assert_eq!(basic_behind(BASE64_STANDARD.encode("user:password").as_bytes(), 0), None);
        assert_eq!(bearer_behind(b"Zf3D0LXCM3EIMbgJpUNnkRtOfOueHznB\"", 0), Some(0..32));
        assert_eq!(bearer_behind(b"your-token-goes-here-1234", 0), None);
        assert_eq!(bearer_behind(b"token_of_the_first_user", 0), None);
    }
}
