use std::sync::LazyLock;

use base64::prelude::*;

use super::*;
use crate::finding::Severity;

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);

/// Made by a generator, for these tests only.
const RANDOM: &str = "kV7mQ2xT9pLr4WzB";

fn rules(file: &str, text: &str) -> Vec<&'static str> {
    SCANNER.scan(file, text.as_bytes()).iter().map(|secret| secret.rule.id).collect()
}

fn only(file: &str, text: &str) -> Secret {
    let found = SCANNER.scan(file, text.as_bytes());
    let [secret] = &found[..] else { panic!("{text}: {found:?}") };
    secret.clone()
}

fn password(file: &str, text: &str) -> Option<Confidence> {
    let found = SCANNER.scan(file, text.replace("RANDOM", RANDOM).as_bytes());
    found.first().map(|secret| secret.confidence)
}

/// The published example of the checksum, in pieces.
fn github_token() -> String {
    ["ghp_zQWBuTSOoRi4A9sp", "HcVY5ncnsDkxkJ0mLq17"].concat()
}

#[test]
fn checksum_decides() {
    let proven = only("a.py", &format!("x = '{}'", github_token()));
    assert_eq!((proven.severity, proven.confidence), (Severity::Critical, Confidence::High));
    let torn = github_token().replace("Rp", "").replace("A9sp", "A9sq");
    assert_eq!(only("a.py", &format!("x = '{torn}'")).confidence, Confidence::Low);
    assert!(rules("tests/a.py", &format!("x = '{torn}'")).is_empty());
    let tested = only("tests/a.py", &format!("x = '{}'", github_token()));
    assert_eq!((tested.severity, tested.confidence), (Severity::High, Confidence::High));
}

#[test]
fn our_own_keys_are_known() {
    let key = ["ls_live_1fJjkkpe9PiTw9KSulA8Ghct", "30vZz4HpdQ5c5b9cPF12TxLzl"].concat();
    assert_eq!(only(".env", &format!("LINK={key}")).severity, Severity::Critical);
    assert_eq!(only(".env", &format!("LINK={}", key.replace("live", "test"))).confidence, Confidence::Low);
}

#[test]
fn typed_tokens_are_examples() {
    let examples = [
        format!("ghp_{}", "x".repeat(36)),
        format!("AKIA{}", "IOSFODNN7EXAMPLE"),
        format!("sk_{}_{}", "live", "1234567890abcdef1234567890abcdef"),
        format!("glpat-{}", "your-token-goes-here"),
    ];
    for example in examples {
        assert_eq!(rules("a.py", &format!("x = '{example}'")), Vec::<&str>::new(), "{example}");
    }
}

#[test]
fn connection_strings_are_read_in_code() {
    let line = |text: &str| format!("x = connect(\"{text}\")\n");
    for (text, confidence) in [
        ("host=db user=app password=RANDOM", Some(Confidence::High)),
        ("Server=db;User Id=sa;Password=hunter2;", Some(Confidence::Medium)),
        ("Server=db;User Id=sa;Password={0};", None),
        ("Server=db;User Id=sa;Password=%s;", None),
        ("host=db user=app password={password}", None),
        ("host=db user=app password=your-password", None),
    ] {
        assert_eq!(password("a.py", &line(text)), confidence, "{text}");
        assert_eq!(password("a.json", &line(text)), confidence, "{text}");
    }
}

#[test]
fn names_decide_what_is_believed() {
    let expected = [
        ("a.py", "password = 'RANDOM'", Some(Confidence::High)),
        ("a.py", "d['dbPassword'] = 'RANDOM'", Some(Confidence::High)),
        ("a.ts", "const apiKey: string = \"RANDOM\";", Some(Confidence::High)),
        ("a.py", "user_auth = 'RANDOM'", Some(Confidence::Medium)),
        ("a.py", "cache_key = 'RANDOM'", None),
        ("a.py", "password_hash = 'RANDOM'", None),
        ("a.py", "api_token = 'dafa7817-e246-48f3-91a7-e87653d587b8'", Some(Confidence::Medium)),
        ("a.py", "password = 'hunter2'", Some(Confidence::Medium)),
        ("a.py", "password = 'admin'", Some(Confidence::Low)),
        ("a.py", "PASSWORD_RESET = 'password_reset'", None),
        ("a.py", "password = 'Passwort'", None),
        ("a.rs", "Kind::Password => \"hidden-field\",", None),
        ("a.py", "token = 'hunter2-hunter'", None),
        ("a.py", "jwt_secret = 'correct-horse-battery'", None),
        ("a.py", "jwt_secret = 'battery-horse-staple'", Some(Confidence::Medium)),
        ("compose.yml", "  POSTGRES_PASSWORD: linkshield_password", Some(Confidence::Medium)),
        ("Dockerfile", "ENV DB_PASSWORD=hunter2", Some(Confidence::Medium)),
        ("a.py", "password = hunter2", None),
        ("yarn.lock", "password: RANDOM", None),
    ];
    for (file, text, confidence) in expected {
        assert_eq!(password(file, text), confidence, "{file}: {text}");
    }
}

#[test]
fn tests_and_documentation_count_less() {
    for file in ["tests/a.py", "README.md", "docs/a.py", ".env.example"] {
        assert_eq!(password(file, "password = \"RANDOM\""), Some(Confidence::Medium), "{file}");
        assert_eq!(password(file, "password = \"hunter2\""), None, "{file}");
    }
    let inside = "fn f() {}\n#[cfg(test)]\nmod tests { const PASSWORD: &str = \"hunter2\"; }";
    assert_eq!(password("a.rs", inside), None);
    assert_eq!(password("a.rs", "/// `password = \"hunter2\"`"), None);
    assert_eq!(password("a.py", "def f():\n    \"\"\"As in:\n    f(password='hunter2')\n    \"\"\"\n"), None);
    assert_eq!(password("a.py", "\"\"\"x\"\"\"\npassword = 'hunter2'\n"), Some(Confidence::Medium));
    assert_eq!(password("a.rs", "let password = \"hunter2\"; // x"), Some(Confidence::Medium));
    assert_eq!(
        password(".env", "# PASSWORD=hunter2"),
        Some(Confidence::Medium),
        "commented out is still leaked"
    );
}

#[test]
fn urls_are_found_everywhere() {
    let text = "x = 'postgres://me:pass@localhost/db'";
    assert_eq!(only("a.py", text).confidence, Confidence::Medium);
    assert_eq!(
        (only("README.md", text).rule.id, only("README.md", text).confidence),
        ("secret/credential-url", Confidence::Low)
    );
    assert_eq!(only("a.py", &text.replace("pass", RANDOM)).confidence, Confidence::High);
    assert_eq!(only("a.py", text).name, "localhost");
}

#[test]
fn overlapping_ones_are_one() {
    let found = only("a.py", &format!("github_token = '{}'", github_token()));
    assert_eq!(found.rule.id, "secret/github-token");
    assert_eq!(only("a.py", "DB_PASSWORD = 'postgres://me:hunter2@db/x'").rule.id, "secret/credential-url");
}

#[test]
fn lines_hold_several() {
    let text = format!("a = {{'password': '{RANDOM}', 'x': 'redis://:hunter2@h'}}  # {}", github_token());
    let found = SCANNER.scan("a.py", text.as_bytes());
    let columns: Vec<_> = found.iter().map(|secret| secret.span.map(|span| span.column)).collect();
    assert_eq!(columns, [Some(19), Some(53), Some(68)], "{found:?}");
}

#[test]
fn utf16_and_data_are_read() {
    let text = format!("é $x = '{}'", github_token());
    let wide: Vec<u8> =
        [0xFF, 0xFE].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let found = SCANNER.scan("a.ps1", &wide);
    assert_eq!(found[0].span.map(|span| span.column), Some(9));
    let data = format!("\0\u{1}password='{RANDOM}' {} ", github_token());
    assert_eq!(rules("a.pyc", &data), ["secret/github-token"], "names in data mean nothing");
}

#[test]
fn headers_and_files_are_kinds() {
    let basic = BASE64_STANDARD.encode("deploy:h0pk1ns-21s");
    assert_eq!(rules("a.sh", &format!("-H 'Authorization: Basic {basic}'")), ["secret/basic-credentials"]);
    assert_eq!(
        rules("a.sh", &format!("-H 'Authorization: Bearer {RANDOM}{RANDOM}'")),
        ["secret/bearer-token"]
    );
    assert_eq!(rules("keys/a.P12", "0\u{82}"), ["secret/key-store"]);
}

#[test]
fn findings_are_of_the_form() {
    let findings = SCANNER.findings("src/a.py", format!("\npassword = '{RANDOM}'\n").as_bytes());
    let [finding] = &findings[..] else { panic!("{findings:?}") };
    assert_eq!((finding.place.file.as_str(), finding.context.as_str()), ("src/a.py", "password"));
    assert!(
        finding
            .message
            .starts_with("Hard-coded password of `password` in plain text: kV7m… (16 characters, #")
    );
    assert!(finding.subject.starts_with("hard-coded password kV7m…"));
}
