//! Names of files as tools write them.

use std::path::Path;

/// A file as findings name it: relative to the root if it lies below it, `/` between names.
pub(super) fn relative(path: &str, root: &Path) -> String {
    let path = path.trim().strip_prefix("file://").unwrap_or(path.trim());
    let path = path.replace('\\', "/");
    let root = root.to_string_lossy().replace('\\', "/");
    let below = path
        .strip_prefix(root.trim_end_matches('/'))
        .filter(|rest| !root.is_empty() && (rest.is_empty() || rest.starts_with('/')))
        .map(|rest| rest.trim_start_matches('/'));
    let mut path = below.unwrap_or(&path);
    while let Some(rest) = path.strip_prefix("./") {
        path = rest.trim_start_matches('/');
    }
    if path.is_empty() { ".".to_owned() } else { path.to_owned() }
}

/// A URI without its percent signs.
pub(super) fn decoded(uri: &str) -> String {
    let bytes = uri.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| bytes.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        plain.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_relative_to_the_root() {
        let root = Path::new("/work/app/");
        for (written, expected) in [
            ("./a.py", "a.py"),
            ("/work/app/a/b.py", "a/b.py"),
            ("file:///work/app/a.py", "a.py"),
            ("a\\b.py", "a/b.py"),
            ("/work/application/a.py", "/work/application/a.py"),
            ("/work/app", "."),
            ("././a", "a"),
        ] {
            assert_eq!(relative(written, root), expected, "{written}");
        }
        assert_eq!(relative("/a/b.py", Path::new("")), "/a/b.py");
        assert_eq!(relative("/a/b.py", Path::new("/")), "a/b.py");
    }

    #[test]
    fn escapes_are_read() {
        assert_eq!(decoded("a%20b%2"), "a b%2");
        assert_eq!(decoded("%+1%C3%BC"), "%+1ü");
    }
}
