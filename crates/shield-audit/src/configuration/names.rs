//! Which settings hold a secret, told from their names.

/// Endings of names that hold one.
const SECRET: [&str; 16] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "SECRET_KEY",
    "API_KEY",
    "APIKEY",
    "ACCESS_KEY",
    "AUTH_TOKEN",
    "ACCESS_TOKEN",
    "PRIVATE_KEY",
    "TOKEN",
    "CREDENTIALS",
    "PWD",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
];

/// Whether a setting of this name holds a secret: not the name of a file with one, nor how long it lives.
pub(super) fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends = |ending: &str| {
        name.strip_suffix(ending).is_some_and(|before| before.is_empty() || before.ends_with(['_', '-', '.']))
    };
    // `PWD` alone is where a shell is.
    name != "PWD" && name != "OLDPWD" && SECRET.iter().any(|ending| ends(ending))
}

/// Whether a value is written here, and not taken from elsewhere or left to be filled in.
pub(super) fn is_written_out(value: &str) -> bool {
    let value = value.trim().trim_matches(['"', '\'']);
    let elsewhere = value.contains('$') || value.contains("{{") || value.starts_with("/run/secrets");
    let place = value.starts_with('<') || value.bytes().all(|byte| matches!(byte, b'x' | b'X' | b'*' | b'.'));
    let said = ["CHANGEME", "CHANGE_ME", "CHANGE-ME", "REPLACE_ME", "TRUE", "FALSE", "NULL", "NONE"];
    let filled_in = said.iter().any(|word| value.eq_ignore_ascii_case(word));
    !value.is_empty() && !elsewhere && !place && !filled_in
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_secrets() {
        for name in ["DB_PASSWORD", "password", "GITHUB_TOKEN", "aws.secret_key", "API_KEY"] {
            assert!(is_secret(name), "{name}");
        }
        for name in ["PWD", "PASSWORD_FILE", "TOKEN_LIFETIME", "COMPASS", "PUBLIC_KEY", "MAX_TOKENS"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn placeholders_are_no_values() {
        assert!(is_written_out("hunter2") && is_written_out("'a b'"));
        for value in ["", "\"\"", "$X", "${X:-y}", "{{ x }}", "<yours>", "xxxx", "changeme"] {
            assert!(!is_written_out(value), "{value}");
        }
    }
}
