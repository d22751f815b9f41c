//! What holds of the scanner whatever the bytes are.
#![expect(clippy::unwrap_used, reason = "a panic is a test's failure")]

use std::sync::LazyLock;

use base64::prelude::*;
use proptest::prelude::*;
use shield_audit::secrets::{Identity, Scanner};

static SCANNER: LazyLock<Scanner> = LazyLock::new(Scanner::new);
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Secrets of many kinds, put together here so that no scanner takes this file for a leak.
fn secrets() -> Vec<(&'static str, String)> {
    let random = |length: usize| -> String {
        let letter = |at: usize| LETTERS.as_bytes()[(at * 37 + at * at * 11 + 5) % LETTERS.len()];
        (0..length).map(|at| char::from(letter(at))).collect()
    };
    let hex = |length: usize| -> String {
        (0..length).map(|at| format!("{:x}", (at * at * 7 + at * 3 + 1) % 16)).collect()
    };
    let base32: String =
        random(40).to_uppercase().replace(['0', '1', '8', '9'], "K").chars().take(16).collect();
    let jwt = [r#"{"alg":"HS256","typ":"JWT"}"#, r#"{"sub":"someone","iat":1700000000}"#]
        .map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
    vec![
        // Revoked, and published as an example of its checksum.
        ("secret/github-token", ["ghp_zQWBuTSOoRi4A9sp", "HcVY5ncnsDkxkJ0mLq17"].concat()),
        ("secret/gitlab-token", format!("glp{}-{}", "at", random(20))),
        ("secret/aws-access-key", format!("AK{}{base32}", "IA")),
        ("secret/stripe-key", format!("sk_{}_{}", "live", random(24))),
        ("secret/google-api-key", format!("AI{}{}", "za", random(35))),
        ("secret/slack-token", format!("xox{}-{}-{}-{}", "b", "781236542736", "2364535789652", random(24))),
        ("secret/twilio-key", format!("S{}{}", "K", hex(32))),
        ("secret/sendgrid-key", format!("S{}.{}.{}", "G", random(22), random(43))),
        ("secret/jwt", format!("{}.{}.{}", jwt[0], jwt[1], random(43))),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_scanned(bytes in prop::collection::vec(any::<u8>(), 0..300), file in "[a-z/.]{0,12}") {
        SCANNER.scan(&file, &bytes);
    }

    #[test]
    fn any_fragments_are_scanned(
        fragments in prop::collection::vec(prop::sample::select(vec![
            "password", "=", ":", "\"", "'", "`", "\\", "\n", " ", "(", ",", "://", "@", "user:pass", "-----BEGIN", " PRIVATE KEY-----", "-----END",
            "eyJ", ".", "bearer ", "basic ", "curl", " -u ", "ghp_", "AKIA", "key", "token", "é", "{", "}", "<", ">", "--", "value", "Field(",
            "getenv(", "A1b2C3d4E5f6G7h8", "|", "123456789012345", "PuTTY-User-Key-File-", "Encryption: ",
        ]), 0..40),
        file in prop::sample::select(vec!["a.py", ".env", "README.md", "tests/x.json", "yarn.lock", "k.p12"]),
    ) {
        let text = fragments.concat();
        for secret in SCANNER.scan(file, text.as_bytes()) {
            let Some(span) = secret.span else { continue };
            prop_assert!((span.line, span.column) < (span.end_line, span.end_column), "{span:?}");
            prop_assert!(span.line as usize <= text.lines().count());
        }
    }

    #[test]
    fn a_secret_is_found_anywhere_in_a_line(
        before in "([^A-Za-z0-9\\\\\r\n_./|-]|[a-z ]{1,12}[ =\"'(\\[{:>,;]){0,6}", behind in "([ \"'),;\\]}<:]\\PC{0,20})?", lines in 0_u32..4,
        file in prop::sample::select(vec!["a.py", ".env", "src/main.rs", "config.json"]), at in 0_usize..9,
    ) {
        let (rule, secret) = secrets().swap_remove(at);
        let text = format!("{}{before}{secret}{behind}\nnext", "x\n".repeat(lines as usize));
        let found = SCANNER.scan(file, text.as_bytes());
        let place = found.iter().find(|found| found.rule.id == rule && found.identity == Identity::of(secret.as_bytes()));
        prop_assert!(place.is_some(), "{text:?}: {found:?}");
        let span = place.unwrap().span.unwrap();
        prop_assert_eq!((span.line, span.column as usize), (lines + 1, before.chars().count() + 1));
    }

    #[test]
    fn nothing_said_holds_the_secret(at in 0_usize..9, name in "[a-z]{3,8}_password", file in prop::sample::select(vec!["a.py", ".env"])) {
        let (_, token) = secrets().swap_remove(at);
        let password = &token[token.len().saturating_sub(16)..];
        let text = format!("{name} = \"{password}\"\nx = \"{token}\"\ny = \"postgres://me:{password}@host/db\"\n");
        let found = SCANNER.scan(file, text.as_bytes());
        prop_assert!(!found.is_empty());
        let said = format!("{found:?} {}", SCANNER.findings(file, text.as_bytes()).iter().map(|finding| serde_json::to_string(finding).unwrap()).collect::<String>());
        for secret in [token.as_str(), password] {
            for part in secret.as_bytes().windows(5) {
                let part = std::str::from_utf8(part).unwrap();
                // Names of rules are said, and they may hold the fixed beginning of a token.
                prop_assert!(!said.contains(part), "{part} of {secret} in {said}");
            }
        }
    }
}

#[test]
fn same_secret_is_recognised_elsewhere() {
    let (_, token) = secrets().swap_remove(1);
    let one = SCANNER.scan("a.py", format!("x = '{token}'").as_bytes());
    let other = SCANNER.scan("deep/b.yaml", format!("\n\nkey: {token}\n").as_bytes());
    assert_eq!((one[0].identity, &one[0].redacted), (other[0].identity, &other[0].redacted));
    let third = SCANNER.scan("a.py", format!("x = '{}Z'", &token[..token.len() - 1]).as_bytes());
    assert_ne!(one[0].identity, third[0].identity);
}
