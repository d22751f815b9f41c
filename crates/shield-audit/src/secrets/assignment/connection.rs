//! Passwords in connection strings that stand in quotes: `"host=db user=app password=…"`, `"Server=db;User Id=app;Password=…;"`,
//! `"jdbc:…?user=app&password=…"`.
//!
//! Within a text of code `password=` may be anything: it counts where the same text names what is connected to, or as whom (libpq
//! 34.1.1, ADO.NET and ODBC keywords). A value that is filled in is none.

use std::ops::Range;

use super::literal::{Literal, Quoting};

/// Longest connection string that is read on each side of the password.
const REACH_MAX: usize = 400;

/// What connection strings say besides the password, in lower case.
const FIELDS: &[&[u8]] = &[
    b"addr",
    b"address",
    b"data source",
    b"database",
    b"dbname",
    b"driver",
    b"host",
    b"hostaddr",
    b"initial catalog",
    b"port",
    b"server",
    b"uid",
    b"user",
    b"user id",
    b"userid",
    b"username",
];

/// The password behind the name at `name`, in the text in quotes around it.
pub(in crate::secrets) fn password_in_connection(bytes: &[u8], name: &Range<usize>) -> Option<Literal> {
    let before = &bytes[name.start.saturating_sub(REACH_MAX)..name.start];
    let opening = before.iter().rposition(|byte| matches!(byte, b'"' | b'\'' | b'`' | b'\n'))?;
    let quote = before[opening];
    let start = name.start - (before.len() - opening) + 1;
    let rest = bytes[name.end..].iter().take(REACH_MAX);
    let end = name.end + rest.take_while(|byte| **byte != quote && **byte != b'\n').count();
    let closed = quote != b'\n' && bytes.get(end) == Some(&quote);
    let separator =
        separator(bytes[..name.start].last().copied().filter(|_| name.start > start), &bytes[name.end..end])?;
    let value = name.end + b"=".len();
    let is_field = |part: &[u8]| {
        let key =
            part.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii().to_ascii_lowercase();
        // The address of a database comes before its first field.
        let key = key.rsplit(|byte| *byte == b'?').next().unwrap_or_default();
        part.contains(&b'=') && FIELDS.contains(&key)
    };
    let named = closed
        && bytes[name.end..end].starts_with(b"=")
        && bytes[start..end].split(|byte| *byte == separator).any(is_field);
    let length = bytes[value.min(end)..end].iter().take_while(|byte| **byte != separator).count();
    (named && length > 0).then_some(Literal { range: value..value + length, quoting: Quoting::Bare })
}

/// What stands between the fields, by what stands before the name or, if it is the first, behind its value.
fn separator(before: Option<u8>, behind: &[u8]) -> Option<u8> {
    match before {
        Some(b'?') => Some(b'&'),
        Some(separator @ (b';' | b'&' | b' ')) => {
            // `; Password=`.
            Some(if separator == b' ' && behind.contains(&b';') { b';' } else { separator })
        }
        Some(_) => None,
        None => behind.iter().copied().find(|byte| matches!(byte, b';' | b'&' | b' ')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<&str> {
        let start = text.to_ascii_lowercase().find("password").or_else(|| text.find("PWD"))?;
        let length = if text[start..].starts_with("PWD") { 3 } else { 8 };
        let literal = password_in_connection(text.as_bytes(), &(start..start + length))?;
        Some(&text[literal.range])
    }

    #[test]
    fn passwords_of_connection_strings() {
        for (text, password) in [
            (r#"connect("host=db user=app password=s3cret dbname=x")"#, Some("s3cret")),
            (r#"x = 'password=s3cret host=db'"#, Some("s3cret")),
            (r#""Server=db,1433;User ID=app;Password=s3cret;Encrypt=yes""#, Some("s3cret")),
            (r#""Server=db; User ID=app; Password=s3 cret; Encrypt=yes""#, Some("s3 cret")),
            (r#""DRIVER={ODBC Driver 17};SERVER=db;PWD=s3cret""#, Some("s3cret")),
            (r#""jdbc:mysql://db/x?user=app&password=s3cret""#, Some("s3cret")),
            (r#""jdbc:mysql://db/x?password=s3cret&user=app""#, Some("s3cret")),
            // Nothing that is connected to, no text, no value.
            (r#""the password=s3cret is wrong""#, None),
            (r#""https://a/?q=1&password=s3cret""#, None),
            ("f(host=db, password=s3cret)", None),
            ("host=db password=s3cret\n\"x\"", None),
            (r#""host=db password=" + secret"#, None),
            (r#""Server=db;Password=;""#, None),
        ] {
            assert_eq!(found(text), password, "{text}");
        }
    }
}
