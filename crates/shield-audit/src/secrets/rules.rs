//! Kinds of secrets that no provider's format tells.

use std::ptr;

use super::providers;
use crate::finding::{Cwe, Rule, Severity};

const MOVE: &str =
    "Change it where it is used, and read the new one from the environment or a store of secrets.";

pub(super) static PRIVATE_KEY: Rule = Rule {
    id: "secret/private-key",
    title: "private key",
    cwe: Cwe(321),
    severity: Severity::High,
    aliases: &["private-key"],
    advice: "Make a new key pair, replace the public key wherever it is trusted, and keep the new private key out of the tree.",
};

pub(super) static ENCRYPTED_KEY: Rule = Rule {
    id: "secret/encrypted-private-key",
    title: "encrypted private key",
    cwe: Cwe(321),
    severity: Severity::Low,
    aliases: &["private-key"],
    advice: "It is as safe as its passphrase: keep it out of the tree, or make sure that the passphrase was generated.",
};

pub(super) static KEY_STORE: Rule = Rule {
    id: "secret/key-store",
    title: "store of private keys",
    cwe: Cwe(321),
    severity: Severity::Low,
    aliases: &["pkcs12-file"],
    advice: "It is as safe as its passphrase: keep it out of the tree, or make sure that the passphrase was generated.",
};

pub(super) static JWT: Rule = Rule {
    id: "secret/jwt",
    title: "JSON Web Token",
    cwe: Cwe(798),
    severity: Severity::Medium,
    aliases: &["jwt"],
    advice: "Revoke the token if it is still valid, and read the new one from the environment or a store of secrets.",
};

pub(super) static CREDENTIAL_URL: Rule = Rule {
    id: "secret/credential-url",
    title: "password in a URL",
    cwe: Cwe(798),
    severity: Severity::High,
    aliases: &["basic-auth"],
    advice: MOVE,
};

pub(super) static PASSWORD: Rule = Rule {
    id: "secret/hard-coded-password",
    title: "hard-coded password",
    cwe: Cwe(259),
    severity: Severity::High,
    aliases: &["B105", "B106", "S105", "S106"],
    advice: MOVE,
};

pub(super) static KEY: Rule = Rule {
    id: "secret/hard-coded-key",
    title: "hard-coded key",
    cwe: Cwe(798),
    severity: Severity::High,
    aliases: &["generic-api-key"],
    advice: MOVE,
};

pub(super) static BEARER: Rule = Rule {
    id: "secret/bearer-token",
    title: "bearer token",
    cwe: Cwe(798),
    severity: Severity::High,
    aliases: &["curl-auth-header"],
    advice: MOVE,
};

pub(super) static BASIC: Rule = Rule {
    id: "secret/basic-credentials",
    title: "user name and password",
    cwe: Cwe(798),
    severity: Severity::High,
    aliases: &["curl-auth-user"],
    advice: MOVE,
};

/// All rules about secrets, by their names.
pub fn rules() -> Vec<&'static Rule> {
    let own =
        [&PRIVATE_KEY, &ENCRYPTED_KEY, &KEY_STORE, &JWT, &CREDENTIAL_URL, &PASSWORD, &KEY, &BEARER, &BASIC];
    let mut rules: Vec<_> = providers::all().map(|provider| &provider.rule).chain(own).collect();
    rules.sort_unstable_by_key(|rule| rule.id);
    rules
}

/// Whether only a name says that it is a secret.
pub(super) fn is_assigned(rule: &'static Rule) -> bool {
    ptr::eq(rule, &PASSWORD) || ptr::eq(rule, &KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_well_formed() {
        let rules = rules();
        assert!(rules.is_sorted_by(|before, after| before.id < after.id), "{rules:?}");
        for rule in rules {
            let name = rule.id.strip_prefix("secret/").unwrap();
            assert!(
                name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{name}"
            );
        }
    }
}
