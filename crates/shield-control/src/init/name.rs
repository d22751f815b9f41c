//! A service name from the name of a package or directory.

use std::path::Path;

use shield_types::ServiceName;

/// Longest name that is kept whole.
const NAME_BYTES_MAX: usize = 63;

/// `text` as a service name: small letters, digits and `-`, starting with a letter.
pub(crate) fn service_name(text: &str) -> ServiceName {
    let unscoped = text.rsplit('/').next().unwrap_or(text);
    let mut name = String::new();
    for letter in unscoped.chars().map(|letter| letter.to_ascii_lowercase()) {
        match letter {
            'a'..='z' | '0'..='9' => name.push(letter),
            _ if name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    let from_letter = name.trim_start_matches(|letter: char| !letter.is_ascii_lowercase());
    let name: String = from_letter.chars().take(NAME_BYTES_MAX).collect();
    let name = name.trim_end_matches('-');
    let name = if name.is_empty() { "service" } else { name };
    name.parse().expect("only letters, digits and `-` are left, a letter first, at most 63")
}

/// A service name from the last part of `directory`, as it is called on disk.
pub(crate) fn directory_name(directory: &Path) -> ServiceName {
    let absolute = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
    service_name(&absolute.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_any_name_valid() {
        for (text, name) in [
            ("shop", "shop"),
            ("My Shop_2", "my-shop-2"),
            ("@acme/shop", "shop"),
            ("7zip", "zip"),
            ("--", "service"),
            ("", "service"),
            ("日本", "service"),
            ("a--b-", "a-b"),
        ] {
            assert_eq!(service_name(text).as_str(), name, "{text}");
        }
        assert_eq!(service_name(&"x".repeat(99)).as_str().len(), 63);
    }
}
