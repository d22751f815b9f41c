use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;
use shield_types::Timestamp;

use super::{SecurityEvent::*, *};
use crate::{AccountId, ApiKeyId, KeyId, SessionId};

const NOW: Timestamp = Timestamp(1_790_000_000_123);
const SOURCE: EventSource<'static> = EventSource { product: "LinkShield", version: "0.1.0", instance: "i-1" };
const DOCUMENTATION: &str = include_str!("../../../../docs/security-events.md");

fn account(number: u8) -> AccountId {
    AccountId::new(NOW, [number; 10])
}

fn session() -> SessionId {
    SessionId::new(NOW, [9; 10])
}

fn context() -> EventContext<'static> {
    EventContext {
        id: EventId::new(NOW, [3; 10]),
        at: NOW,
        request_id: "req-1",
        client: Some("203.0.113.7".parse().unwrap()),
        actor: Some(account(1)),
        subject: Some(account(2)),
        session: Some(session()),
        method: "POST",
        route: "/api/v1/user/login",
        status: Some(401),
        user_agent: "curl/8",
    }
}

/// One of each, in the order of the catalogue.
fn one_of_each(text: &str) -> Vec<SecurityEvent> {
    let key = ApiKeyId::new(NOW, [4; 10]);
    let kid = KeyId::from_thumbprint([5; 32]);
    let (session, owner, factor) = (session(), account(2), SecondFactor::Totp);
    vec![
        LoginSucceeded { factors: LoginFactors::PasswordAnd(SecondFactor::RecoveryCode), session },
        LoginFailed { reason: "wrong-password" },
        LoginThrottled { scope: "account", retry_after_s: 900 },
        SecondFactorFailed { factor, reason: "replayed" },
        SecondFactorMissing {},
        RecoveryCodeUsed { left: 9 },
        TokenRefused { reason: "expired" },
        SessionRefused { reason: "idle" },
        ApiKeyRefused { reason: "revoked", key: Some(key) },
        SessionEnded { session, reason: "logout" },
        RefreshReused { session },
        AccountRegistered {},
        EmailVerified {},
        EmailChanged {},
        OneTimeTokenRefused { purpose: "password-reset", reason: "not-open" },
        PasswordChanged {},
        PasswordChangeRefused { reason: "common" },
        PasswordResetRequested {},
        PasswordReset {},
        SecondFactorEnabled { factor },
        SecondFactorDisabled { factor },
        RecoveryCodesReplaced {},
        AccountLocked { reason: "abuse" },
        AccountUnlocked {},
        AccountDeleted {},
        RoleChanged { from: "user", to: "admin" },
        PlanChanged { from: "free", to: "starter" },
        ApiKeyCreated { key },
        ApiKeyRotated { key, successor: key },
        ApiKeyRevoked { key, reason: "leaked" },
        SigningKeyRotated { kid },
        SigningKeyRevoked { kid, reason: "leaked" },
        TokensRevoked { scope: "account", owner, reason: "password-changed" },
        AccountLookedUp { account: Some(owner) },
        AccessDenied { reason: "role" },
        CsrfRefused { reason: "cross-site" },
        RateLimited { scope: "api", retry_after_s: 3 },
        InputRefused { reason: "body-too-large" },
        WebhookRefused { reason: "stale" },
        CspViolated { directive: "script-src", blocked_url: text.into() },
        StoreAway { store: "sessions" },
        StoreStale { store: "revocations", age_ms: 6_000 },
        StoreBack { store: "sessions", away_ms: 1_200 },
    ]
}

fn line(event: &SecurityEvent, context: &EventContext<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    write_event(event, context, &SOURCE, &mut line);
    line
}

fn read(event: &SecurityEvent, context: &EventContext<'_>) -> Value {
    serde_json::from_slice(&line(event, context)).unwrap()
}

#[test]
fn catalogue_is_complete_and_names_differ() {
    let shapes: Vec<Shape> = one_of_each("").iter().map(SecurityEvent::shape).collect();
    assert_eq!(shapes, SecurityEvent::SHAPES, "the tests below see every kind");
    let names: BTreeSet<&str> = shapes.iter().map(|shape| shape.name).collect();
    assert_eq!(names.len(), shapes.len());
}

#[test]
fn asvs_v16_1_1_every_name_is_documented_as_it_is() {
    for shape in SecurityEvent::SHAPES {
        let row = format!(
            "| `{}` | {:?} {} | {} | {:?} | {:?} | {} |",
            shape.name,
            shape.class,
            shape.class.uid(),
            shape.activity,
            shape.severity,
            shape.outcome,
            shape.room.label()
        );
        assert!(DOCUMENTATION.contains(&row), "docs/security-events.md has no row beginning {row}");
    }
    let rows = DOCUMENTATION.lines().filter(|line| line.matches(" | ").count() == 7).count();
    assert_eq!(rows, SecurityEvent::SHAPES.len() + 1, "a heading, and no row for an event that is not there");
}

#[test]
fn asvs_v16_2_1_says_when_where_who_and_what() {
    let event = SecurityEvent::LoginFailed { reason: "wrong-password" };
    let read = read(&event, &context());
    assert_eq!(read["time"], NOW.0, "UTC, in milliseconds (16.2.2)");
    assert_eq!(read["metadata"]["product"]["uid"], "i-1");
    assert_eq!(read["metadata"]["correlation_uid"], "req-1");
    assert_eq!(read["src_endpoint"]["ip"], "203.0.113.7");
    assert_eq!(read["actor"]["user"]["uid"], account(1).to_string());
    assert_eq!(read["user"]["uid"], account(2).to_string());
    assert_eq!(read["http_request"]["url"]["path"], "/api/v1/user/login");
    assert_eq!(read["http_response"]["code"], 401);
    assert_eq!(read["metadata"]["event_code"], "login.failed");
    assert_eq!(read["unmapped"]["reason"], "wrong-password");
}

#[test]
fn asvs_v16_2_4_has_the_required_fields_of_ocsf() {
    for event in one_of_each("x") {
        let read = read(&event, &context());
        let shape = event.shape();
        let (class, activity) = (read["class_uid"].as_u64().unwrap(), read["activity_id"].as_u64().unwrap());
        assert_eq!(read["type_uid"].as_u64().unwrap(), class * 100 + activity, "{}", shape.name);
        assert_eq!(read["category_uid"].as_u64().unwrap(), class / 1_000);
        assert_eq!(read["metadata"]["version"], "1.7.0");
        assert!((1..=4).contains(&read["severity_id"].as_u64().unwrap()));
        assert_eq!(activity == 99, read["activity_name"].is_string(), "{}", shape.name);
        let required: &[&str] = match shape.class {
            EventClass::Authentication => &["user", "service", "src_endpoint"],
            EventClass::AccountChange => &["user", "src_endpoint"],
            EventClass::HttpActivity => &["http_request", "src_endpoint"],
            EventClass::ApiActivity => &["actor", "api", "src_endpoint"],
            EventClass::DetectionFinding => &["finding_info", "evidences"],
            EventClass::ApplicationError => &["message"],
        };
        for field in required {
            assert!(!read[field].is_null(), "{} has no {field}", shape.name);
        }
    }
}

#[test]
fn asvs_v16_3_1_records_the_factors_used() {
    let with = |factors| read(&SecurityEvent::LoginSucceeded { factors, session: session() }, &context());
    let types = |read: &Value| -> Vec<u64> {
        read["auth_factors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|factor| factor["factor_type_id"].as_u64().unwrap())
            .collect()
    };
    let single = with(LoginFactors::Password);
    assert_eq!((single["is_mfa"].as_bool(), types(&single)), (Some(false), vec![11]));
    let double = with(LoginFactors::PasswordAnd(SecondFactor::Totp));
    assert_eq!((double["is_mfa"].as_bool(), types(&double)), (Some(true), vec![11, 7]));
    assert_eq!(double["session"]["uid"], session().to_string());
}

#[test]
fn events_outside_of_requests_name_the_program() {
    let alone = EventContext {
        request_id: "",
        client: None,
        actor: None,
        subject: None,
        session: None,
        method: "",
        route: "",
        status: None,
        user_agent: "",
        ..context()
    };
    for event in one_of_each("x") {
        let read = read(&event, &alone);
        if !read["actor"].is_null() {
            assert_eq!(
                (&read["actor"]["app_name"], &read["src_endpoint"]["name"]),
                (&"LinkShield".into(), &"LinkShield".into())
            );
        }
        assert!(read["metadata"]["correlation_uid"].is_null());
    }
    let failed = read(&SecurityEvent::LoginFailed { reason: "no-account" }, &alone);
    assert_eq!(failed["user"]["name"], "unknown");
}

#[test]
fn room_in_the_buffer_is_used_again() {
    let mut buffer = Vec::with_capacity(EVENT_LINE_BYTES_MAX);
    let place = buffer.as_ptr();
    for event in one_of_each("x") {
        buffer.clear();
        write_event(&event, &context(), &SOURCE, &mut buffer);
    }
    assert_eq!(buffer.as_ptr(), place, "nothing was allocated");
}

#[test]
fn refusals_count_as_failures() {
    assert!(SecurityEvent::CsrfRefused { reason: "cross-site" }.failed());
    assert!(!SecurityEvent::PasswordChanged {}.failed());
}

#[test]
fn asvs_v16_4_2_strangers_cannot_fill_the_room_of_accounts() {
    let strangers = |shape: &&Shape| shape.outcome == Outcome::Failure && shape.severity <= Severity::Medium;
    for shape in SecurityEvent::SHAPES.iter().filter(strangers) {
        // It takes the password.
        let expected = if shape.name == "second-factor.failed" { Room::Accounts } else { Room::Anybody };
        assert_eq!(shape.room, expected, "{}", shape.name);
    }
}

#[test]
fn sums_say_how_many_and_since_when() {
    let sum = EventSum {
        event: RateLimited { scope: "address", retry_after_s: 3 },
        client: context().client,
        actor: None,
        subject: None,
        count: 1_000_000,
        since: Timestamp(NOW.0 - 60_000),
        until: NOW,
    };
    let mut line = Vec::new();
    write_sum(&sum, EventId::new(NOW, [3; 10]), &SOURCE, &mut line);
    let read: Value = serde_json::from_slice(&line).unwrap();
    assert_eq!((&read["count"], &read["message"]), (&1_000_000.into(), &"rate.limited".into()));
    assert_eq!((&read["start_time"], &read["end_time"]), (&(NOW.0 - 60_000).into(), &NOW.0.into()));
    assert_eq!((&read["time"], &read["src_endpoint"]["ip"]), (&NOW.0.into(), &"203.0.113.7".into()));
    assert!(read["http_response"].is_null() && line.ends_with(b"}\n"));
}

proptest! {
    #[test]
    fn asvs_v16_4_1_no_text_ends_a_line_or_exceeds_it(
        text in "(\\PC|\n|\r|\u{2028}|\"|\\\\|\u{1b}|🔒){0,400}",
        method in "(GET|\\PC{0,20})",
    ) {
        let hostile = EventContext {
            request_id: &text, method: &method, route: &text, user_agent: &text, actor: None, client: None, ..context()
        };
        let source = EventSource { product: &text, version: &text, instance: &text };
        for event in one_of_each(&text) {
            let mut line = Vec::new();
            write_event(&event, &hostile, &source, &mut line);
            prop_assert!(line.len() <= EVENT_LINE_BYTES_MAX, "{}", line.len());
            prop_assert!(line.ends_with(b"}\n"), "one line");
            prop_assert!(line[..line.len() - 1].iter().all(|byte| (b' '..=b'~').contains(byte)));
            let read: Value = serde_json::from_slice(&line).unwrap();
            prop_assert_eq!(&read["message"], event.shape().name);
            prop_assert_eq!(&read["time"], NOW.0);
        }
    }
}
