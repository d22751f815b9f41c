//! Small files of Rust.

/// Each finds what stands behind it, and nothing else.
pub(super) const FOUND: &[(&str, &str, &str)] = &[
    (
        "a.rs",
        "use std::process::Command as C;\nfn f(x: &str) { C::new(\"sh\").arg(\"-c\").arg(format!(\"ls {x}\")); }",
        "rust/command Command::new(sh)",
    ),
    (
        "a.rs",
        "fn f() { let c = std::process::Command::new(\"bash\"); c.args([\"-c\", &x]); }",
        "rust/command Command::new(bash)",
    ),
    ("a.rs", "fn f() { sqlx::query(&format!(\"SELECT a FROM b WHERE c = '{}'\", x)); }", "rust/sql query"),
    ("a.rs", "fn f() { sqlx::query(&format!(\"SELECT a FROM b WHERE c = {quote_id}\")); }", "rust/sql query"),
    (
        "a.rs",
        "fn f() { b.danger_accept_invalid_certs(true); }",
        "rust/no-certificate-check danger_accept_invalid_certs",
    ),
    ("a.rs", "use md5::{Digest, Md5};\nfn f() { Md5::new(); }", "rust/weak-hash md5::Md5::new"),
    ("a.rs", "use des::Des;\nfn f() { Des::new(k); }", "rust/weak-cipher des::Des::new"),
    ("a.rs", "fn token() { fastrand::u64(..); }", "rust/weak-random fastrand::u64"),
    (
        "a.rs",
        "use std::fs;\nfn f() { fs::write(\"/tmp/x\", y); }",
        "rust/fixed-temporary-path std::fs::write",
    ),
    (
        "a.rs",
        "fn f() { std::net::TcpListener::bind(\"0.0.0.0:80\"); }",
        "rust/bind-all std::net::TcpListener::bind",
    ),
    ("a.rs", "fn f() { Permissions::from_mode(0o777); }", "rust/loose-permissions from_mode 0o777"),
    (
        "a.rs",
        "fn f() { v.insecure_disable_signature_validation(); }",
        "rust/unverified-token insecure_disable_signature_validation",
    ),
];

/// Nothing is found in these.
pub(super) const LEFT_ALONE: &[(&str, &str)] = &[
    (
        "a.rs",
        "fn f() { Command::new(\"ls\").arg(x); Command::new(\"sh\").arg(\"-c\").arg(\"ls\"); Command::new(\"sh\").arg(x); }",
    ),
    (
        "a.rs",
        "const COLUMNS: &str = \"a, b\";\nfn f() { sqlx::query(&format!(\"SELECT {COLUMNS} FROM c WHERE d = $1\")); c.execute(&format!(\"SELECT a FROM {}\", crate::TABLE)); }",
    ),
    (
        "a.rs",
        "fn f() { b.danger_accept_invalid_certs(false); fs::write(\"x\", y); TcpListener::bind(\"127.0.0.1:0\"); p.mode(0o600); }",
    ),
    ("a.rs", "fn delay() { fastrand::u64(..); }\nfn token() { let r = fastrand::Rng::with_seed(1); }"),
];
