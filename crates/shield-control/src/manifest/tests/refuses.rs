//! Every mistake is found, placed and explained.

use proptest::prelude::*;
use shield_testkit::assert_told;

use super::{super::Manifest, FULL, MINIMAL};

/// What [`assert_told`] reads.
const CASES: &str = include_str!("mistakes.txt");

#[test]
fn reports_every_malformed_file() {
    let cases = assert_told(CASES, MINIMAL, |text| Manifest::parse(text, "shield.toml").map(drop));
    assert!(cases >= 30, "{cases} cases");
}

#[test]
fn reports_ten_mistakes_at_once() {
    let text = r#"
format = 1
name = "Shop"
[service]
start = "{artifact} --port {prot}"
instances = 33
env = { PORT = 8080, "A B" = "x" }
[service.ready]
path = "health"
[stage.build]
artifact = "/bin/shop"
[release]
drian = "5s"
watch = "soon"
[edge]
https = "localhost:8443"
"#;
    let mistakes = Manifest::parse(text, "shield.toml").unwrap_err();
    let lines: Vec<usize> = mistakes.list().iter().map(|mistake| mistake.line).collect();
    assert_eq!(lines, [3, 5, 6, 7, 7, 9, 11, 13, 14, 16], "{mistakes}");
}

#[test]
fn stops_at_another_format() {
    let mistakes = Manifest::parse("format = 2\nfuture = true\n", "shield.toml").unwrap_err();
    assert_eq!(
        mistakes.to_string(),
        format!(
            "shield.toml:1: format = 2: not a format that shield {version} reads; a newer shield reads format 2\n    \
             expected: `1`",
            version = env!("CARGO_PKG_VERSION")
        )
    );
}

#[test]
fn refuses_names_without_end() {
    for text in [format!("[{}a]\n", "a.".repeat(100_000)), format!("x = {}1", "{ a.a = ".repeat(10_000))] {
        assert!(Manifest::parse(&text, "shield.toml").is_err());
    }
    assert!(
        Manifest::parse(&"#".repeat(300_000), "shield.toml").unwrap_err().to_string().contains("larger than")
    );
}

proptest! {
    #[test]
    fn any_text_is_judged(text in "\\PC*") {
        let _ = Manifest::parse(&text, "shield.toml");
    }

    #[test]
    fn any_tokens_are_judged(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\"", "'", "\"\"\"", "'''", "\n", "\r\n", "#", " ", "\\",
                "service", "start", "stage", "smoke", "request", "a", "1", "1.5", "true", "é", "1979-05-27", "\u{0}",
            ]),
            0..60,
        ),
    ) {
        let _ = Manifest::parse(&tokens.concat(), "shield.toml");
    }

    #[test]
    fn any_damage_is_judged(at in 0..FULL.len(), length in 0..40_usize, instead in "\\PC{0,3}|[\\[\\]={}\"'.\n]{0,3}") {
        let end = (at + length).min(FULL.len());
        let damaged = format!("{}{instead}{}", &FULL[..at], &FULL[end..]);
        if let Err(mistakes) = Manifest::parse(&damaged, "shield.toml") {
            let lines = damaged.lines().count() + 1;
            prop_assert!(mistakes.list().iter().all(|mistake| (1..=lines).contains(&mistake.line)));
            prop_assert!(mistakes.list().is_sorted_by_key(|mistake| mistake.line));
        }
    }

    #[test]
    fn any_value_is_judged(line in 0..60_usize, value in "-?[0-9]{1,25}|\"[a-z0-9%.:-]{0,12}\"|true|\\[\\]|\\{\\}|1e400|0x1F") {
        let replaced: Vec<String> = FULL
            .lines()
            .enumerate()
            .map(|(index, text)| match text.split_once(" = ") {
                Some((key, _)) if index == line => format!("{key} = {value}"),
                _ => text.to_owned(),
            })
            .collect();
        let _ = Manifest::parse(&replaced.join("\n"), "shield.toml");
    }
}
