//! What the rules are called. Ids of semgrep's rules are aliases where there are some.

use crate::finding::{Cwe, Rule, Severity};

pub(super) static CERTIFICATE: Rule = Rule {
    id: "rust/no-certificate-check",
    title: "certificates are not checked",
    cwe: Cwe(295),
    severity: Severity::High,
    aliases: &["reqwest-accept-invalid", "ssl-verify-none"],
    advice: "Leave it out; add the missing authority with `add_root_certificate` instead.",
};

pub(super) static COMMAND: Rule = Rule {
    id: "rust/command",
    title: "a shell runs a text that is put together here",
    cwe: Cwe(78),
    severity: Severity::High,
    aliases: &["rust-command-injection"],
    advice: "Run the program itself, with an argument for each value.",
};

pub(super) static SQL: Rule = Rule {
    id: "rust/sql",
    title: "a statement is put together from texts",
    cwe: Cwe(89),
    severity: Severity::Medium,
    aliases: &["rust-sql-injection"],
    advice: "Write `$1` or `?` where the value goes, and bind the value.",
};

pub(super) static HASH: Rule = Rule {
    id: "rust/weak-hash",
    title: "a hash that can be forged",
    cwe: Cwe(328),
    severity: Severity::Medium,
    aliases: &["insecure-hashes"],
    advice: "Use SHA-256; for passwords Argon2.",
};

pub(super) static CIPHER: Rule = Rule {
    id: "rust/weak-cipher",
    title: "a cipher that can be broken",
    cwe: Cwe(327),
    severity: Severity::High,
    aliases: &["rust-weak-cipher"],
    advice: "Use AES-GCM or ChaCha20-Poly1305 with a fresh nonce for every message.",
};

pub(super) static RANDOM: Rule = Rule {
    id: "rust/weak-random",
    title: "a secret that can be guessed",
    cwe: Cwe(338),
    severity: Severity::High,
    aliases: &["rust-weak-random"],
    advice: "Use the generator of the operating system: `getrandom`, `OsRng`.",
};

pub(super) static TEMPORARY: Rule = Rule {
    id: "rust/fixed-temporary-path",
    title: "whoever is faster puts a link there",
    cwe: Cwe(377),
    severity: Severity::Medium,
    aliases: &["temp-dir"],
    advice: "Use the crate `tempfile`.",
};

pub(super) static BIND: Rule = Rule {
    id: "rust/bind-all",
    title: "answers on every network of its host",
    cwe: Cwe(605),
    severity: Severity::Low,
    aliases: &["rust-bind-all"],
    advice: "Name the one address that is meant: `127.0.0.1` behind a proxy.",
};

pub(super) static PERMISSIONS: Rule = Rule {
    id: "rust/loose-permissions",
    title: "everybody may write to it",
    cwe: Cwe(732),
    severity: Severity::Medium,
    aliases: &["rust-permissions"],
    advice: "Give files `0o600`, directories `0o750`.",
};

pub(super) static JWT: Rule = Rule {
    id: "rust/unverified-token",
    title: "anybody can write the token",
    cwe: Cwe(347),
    severity: Severity::High,
    aliases: &["rust-jwt-unverified"],
    advice: "Decode it with the key and the one algorithm that is meant.",
};
