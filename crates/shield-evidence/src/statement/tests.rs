use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::test_support::statement;

#[test]
fn payload_is_what_the_format_says() {
    let text = String::from_utf8(statement(4).to_payload().unwrap()).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    let statement = statement(4);
    assert_eq!(value["_type"], "https://in-toto.io/Statement/v1");
    assert_eq!(value["predicateType"], "https://linkshield.dev/evidence/release/v1");
    assert_eq!(
        value["subject"][0],
        json!({"name": "linkshield", "digest": {"sha256": statement.artifact.digest.0.hex()}})
    );
    assert_eq!(value["subject"][1]["digest"]["sha256"], statement.release.unwrap().digest.0.hex());
    assert_eq!(value["predicate"]["format"], 1);
    assert_eq!(value["predicate"]["outcome"], "skipped");
    assert_eq!(value["predicate"]["reason"], "no `[stage.smoke]` in `shield.toml`");
    assert_eq!(value["predicate"]["started_at"], "2026-09-21T14:13:24.000Z");
    assert_eq!(value["predicate"]["checks"][0]["outcome"], "yes");
    assert!(text.starts_with(r#"{"_type":"#) && !text.contains(": "));
}

#[test]
fn statements_round_trip() {
    for number in 0..30 {
        let payload = statement(number).to_payload().unwrap();
        let read = Statement::from_payload(&payload).unwrap();
        assert_eq!(read.to_payload().unwrap(), payload);
        assert_eq!(
            Statement { details: Map::new(), ..read },
            Statement { details: Map::new(), ..statement(number) }
        );
    }
}

/// Applies `change` to the JSON of a failed statement and reads its canonical form.
fn read_changed(change: impl FnOnce(&mut Value)) -> Result<Statement, ParseStatementError> {
    let mut value = serde_json::from_slice(&statement(3).to_payload().unwrap()).unwrap();
    change(&mut value);
    Statement::from_payload(&shield_types::canonical_json(&value).unwrap())
}

type Change = (&'static str, fn(&mut Value));

#[test]
fn refuses_other_meanings() {
    assert!(read_changed(|_| {}).is_ok());
    let changes: [Change; 18] = [
        ("field more", |value| value["predicate"]["extra"] = json!(1)),
        ("field more above", |value| value["extra"] = json!(1)),
        ("field more in check", |value| {
            value["predicate"]["checks"] =
                json!([{"name": "a", "outcome": "yes", "method": "", "detail": "", "x": 1}])
        }),
        ("null for absent", |value| value["predicate"]["environment"] = Value::Null),
        ("other type", |value| value["_type"] = json!("https://in-toto.io/Statement/v0.1")),
        ("other stage's type", |value| {
            value["predicateType"] = json!("https://linkshield.dev/evidence/test/v1")
        }),
        ("other format", |value| value["predicate"]["format"] = json!(2)),
        ("passed with reason", |value| value["predicate"]["outcome"] = json!("passed")),
        ("passed with empty reason", |value| {
            value["predicate"]["outcome"] = json!("passed");
            value["predicate"]["reason"] = json!("");
        }),
        ("failed without reason", |value| value["predicate"]["reason"] = json!(" ")),
        ("unheard outcome", |value| value["predicate"]["outcome"] = json!("Passed")),
        ("ends before start", |value| value["predicate"]["finished_at"] = json!("2020-01-01T00:00:00.000Z")),
        ("other time form", |value| value["predicate"]["finished_at"] = json!("2026-09-21T14:13:24Z")),
        ("no subject", |value| value["subject"] = json!([])),
        ("digest in capitals", |value| {
            let digest = value["subject"][0]["digest"]["sha256"].as_str().unwrap().to_uppercase();
            value["subject"][0]["digest"]["sha256"] = json!(digest);
        }),
        ("second digest", |value| value["subject"][0]["digest"]["md5"] = json!("00")),
        ("details not an object", |value| value["predicate"]["details"] = json!([])),
        ("nameless check", |value| {
            value["predicate"]["checks"] = json!([{"name": "", "outcome": "yes", "method": "", "detail": ""}])
        }),
    ];
    for (name, change) in changes {
        assert!(read_changed(change).is_err(), "{name}");
    }
}

#[test]
fn refuses_other_forms() {
    let text = String::from_utf8(statement(0).to_payload().unwrap()).unwrap();
    for (name, changed) in [
        ("space", text.replacen(':', ": ", 1)),
        ("newline", format!("{text}\n")),
        ("repeated key in details", text.replace(r#""number":0"#, r#""number":0,"number":0"#)),
        ("repeated field", text.replace(r#""format":1"#, r#""format":1,"format":1"#)),
        ("other number form", text.replace(r#""ratio":0.1"#, r#""ratio":1e-1"#)),
        ("escaped letter", text.replace("linkshield\"", "linkshiel\\u0064\"")),
    ] {
        assert_ne!(changed, text, "{name}");
        assert!(Statement::from_payload(changed.as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn refuses_to_sign_what_loses_meaning() {
    let mut large = statement(0);
    large.details.insert("bytes".to_owned(), json!([{"count": 9_007_199_254_740_993_u64}]));
    assert!(matches!(large.to_payload(), Err(WriteStatementError::Integer { .. })));

    let mut deep = Value::Null;
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let mut nested = statement(0);
    nested.details.insert("deep".to_owned(), deep);
    assert!(matches!(nested.to_payload(), Err(WriteStatementError::Refused { .. })));

    let backwards = Statement { finished_at: Timestamp(1), ..statement(0) };
    assert!(matches!(backwards.to_payload(), Err(WriteStatementError::Refused { .. })));
    let silent = Statement { outcome: Outcome::Failed { reason: String::new() }, ..statement(0) };
    assert!(matches!(silent.to_payload(), Err(WriteStatementError::Refused { .. })));
}

#[test]
fn skipped_is_not_passed() {
    let outcome = |number| Statement::from_payload(&statement(number).to_payload().unwrap()).unwrap().outcome;
    assert!(outcome(0).passed());
    assert!(!outcome(3).passed());
    assert!(!outcome(4).passed());
}

proptest! {
    #[test]
    fn any_details_survive(text in ".{0,40}", number in proptest::num::f64::NORMAL, integer in -(1_i64 << 53)..(1_i64 << 53)) {
        let mut given = statement(1);
        given.details = json!({"text": text.clone(), "number": number, "integer": integer, text: true}).as_object().unwrap().clone();
        let read = Statement::from_payload(&given.to_payload().unwrap()).unwrap();
        prop_assert_eq!(read.details["number"].as_f64(), given.details["number"].as_f64());
        prop_assert_eq!(read.details["integer"].as_f64(), given.details["integer"].as_f64());
        prop_assert_eq!(&read.details["text"], &given.details["text"]);
    }

    #[test]
    fn any_bytes_are_no_crash(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Statement::from_payload(&bytes).is_err());
    }
}
