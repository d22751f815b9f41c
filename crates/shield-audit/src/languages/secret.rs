//! Names of things that nobody may guess, and texts that a database takes for code.

use std::sync::LazyLock;

use regex::Regex;
use tree_sitter::Node;

use super::{call::Scene, fold::Text};

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

/// Words of what waits, or is spread over time.
const TIMING: [&str; 10] =
    ["sleep", "delay", "wait", "jitter", "timeout", "interval", "backoff", "retry", "duration", "expir"];

/// Whether a number is how long something takes, whatever the function around is called: by what it is given to, or handed to in its
/// statement. `startSession` may wait before it starts.
pub(super) fn is_timing(around: &[&str], text: &str, at: usize) -> bool {
    let start = text.floor_char_boundary(at.saturating_sub(80));
    let before = text.get(start..at).unwrap_or_default();
    let statement = before.rsplit(['\n', ';', '{', '}']).next().unwrap_or_default();
    let timing = |name: &str| {
        let name = name.to_ascii_lowercase();
        TIMING.iter().any(|word| name.contains(word))
    };
    around.last().is_some_and(|name| timing(name)) || timing(statement)
}

/// Words of functions that tell contents apart, where nobody gains by making two alike.
const CONTENTS: [&str; 11] = [
    "etag",
    "cache",
    "cached",
    "git",
    "blob",
    "checksum",
    "gravatar",
    "fingerprint",
    "dedup",
    "dedupe",
    "bucket",
];

/// Whether a hash is for telling contents apart, by the names around it.
pub(super) fn is_of_contents(around: &[&str]) -> bool {
    around.iter().rev().take(2).any(|name| words(name).iter().any(|word| CONTENTS.contains(&word.as_str())))
}

/// Whether a text begins as SQL does.
pub(super) fn is_sql(beginning: &str) -> bool {
    static SQL: LazyLock<Regex> = LazyLock::new(|| {
        let verbs = r"(?is)^[\s(]*(?:select\s.*\b(?:from)?|insert\s+(?:or\s+\w+\s+)?into\s|update\s+\S.*|delete\s+from\s|replace\s+into\s|merge\s+into\s|drop\s+(?:table|database|user)\s|alter\s+(?:table|user|role)\s|create\s+(?:table|user|database)\s|truncate\s+table\s|grant\s.*\bto\s|with\s+\w+\s+as\s*\()";
        Regex::new(verbs).expect("the expression is well-formed")
    });
    SQL.is_match(beginning)
}

/// Whether a text begins as a condition of SQL does: `name = '`.
pub(super) fn is_condition(beginning: &str) -> bool {
    static CONDITION: LazyLock<Regex> = LazyLock::new(|| {
        let compared =
            r#"(?i)^[\s(]*(?:not\s+)?[\w."`\[\]]+\s*(?:=|<|>|!=|\slike\b|\silike\b|\sin\b|\sbetween\b)"#;
        Regex::new(compared).expect("the expression is well-formed")
    });
    CONDITION.is_match(beginning)
}

/// What lists of names of columns and of placeholders are called, as the last word of a name.
const LISTS: [&str; 5] = ["placeholder", "placeholders", "columns", "fields", "cols"];

/// Whether nothing unknown of a statement can be more than a value or a name in it.
pub(super) fn is_harmless<'t>(scene: &Scene<'_, 't>, text: &Text<'t>) -> bool {
    let harmless = |node: Node<'t>| {
        is_harmless_part(scene.written(node)) || is_harmless_part(scene.written(scene.given(node)))
    };
    text.unknowns().all(harmless)
}

/// Words of functions that quote for something else than a database.
const ELSEWHERE: [&str; 13] = [
    "html", "xml", "uri", "url", "query", "path", "regexp", "regex", "reg", "meta", "shell", "json",
    "strconv",
];

/// Whether what is unknown of a statement is, by how it is written, a list of names or placeholders, or comes from a function that
/// quotes for databases. Only whole words count, and only in a name that stands alone or in what is called: `quoteId` is somebody's
/// data, `quoteId(x)` is not.
pub(super) fn is_harmless_part(written: &str) -> bool {
    let written = written.trim().trim_start_matches(['&', '*']).trim_end_matches(".as_str()");
    let plain =
        |text: &str| !text.is_empty() && text.chars().all(|one| one.is_alphanumeric() || "_$".contains(one));
    let names_a_list = |text: &str| {
        let name = text.strip_prefix("self.").or_else(|| text.strip_prefix("this.")).unwrap_or(text);
        plain(name) && words(name).last().is_some_and(|last| LISTS.contains(&last.as_str()))
    };
    if names_a_list(written) {
        return true;
    }
    let Some((callee, arguments)) = written.strip_suffix(')').and_then(|call| call.split_once('(')) else {
        return false;
    };
    match callee.rsplit(['.', ':']).next().unwrap_or(callee) {
        // `columns.join(", ")`, `strings.Join(columns, ", ")`.
        "join" | "Join" => {
            let list = if callee == "strings.Join" {
                arguments.split(',').next()
            } else {
                callee.rsplit_once('.').map(|(list, _)| list)
            };
            list.is_some_and(|list| names_a_list(list.trim()))
        }
        function => {
            let all = words(callee);
            let quotes = words(function).iter().any(|word| {
                matches!(
                    word.as_str(),
                    "quote" | "quoted" | "escape" | "escaped" | "placeholder" | "placeholders"
                )
            });
            quotes && !all.iter().any(|word| ELSEWHERE.contains(&word.as_str()))
        }
    }
}

/// The words of a name, in small letters: of `quoteId`, `quote_id` and `QuoteID` the same two.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut before = '_';
    for one in name.chars() {
        let begins = one.is_uppercase() && !before.is_uppercase() || !before.is_alphanumeric();
        if one.is_alphanumeric() {
            match words.last_mut() {
                Some(word) if !begins => word.extend(one.to_lowercase()),
                _ => words.push(one.to_lowercase().collect()),
            }
        }
        before = one;
    }
    words
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
    fn harmless_parts_are_told_by_whole_words() {
        for text in [
            "placeholders",
            "userColumns",
            "self.columns",
            "insert_fields",
            "placeholders.join(', ')",
            "strings.Join(columns, \", \")",
            "pq.QuoteIdentifier(table)",
            "connection.escape(x)",
            "escape_id(x)",
            "makePlaceholders(n)",
            "&columns",
        ] {
            assert!(is_harmless_part(text), "{text}");
        }
        for text in [
            "quoteId",
            "quote_id",
            "req.query.quoteId",
            "req.body.customfields",
            "body.fields",
            "customfields",
            "escaped",
            "html.EscapeString(x)",
            "escapeHtml(x)",
            "url.QueryEscape(x)",
            "strconv.Quote(x)",
            "regexp.QuoteMeta(x)",
            "f(placeholders)",
            "fieldsOf(x)",
            "ids.join(', ')",
            "x + columns",
        ] {
            assert!(!is_harmless_part(text), "{text}");
        }
    }

    #[test]
    fn conditions_are_known_by_their_beginning() {
        for text in ["id = ", "(u.name LIKE '%", "a in (", "x>"] {
            assert!(is_condition(text), "{text}");
        }
        for text in ["", "id", "liked by ", "= 1", "a b = c"] {
            assert!(!is_condition(text), "{text}");
        }
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
