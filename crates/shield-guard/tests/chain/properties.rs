//! Hostile headers: never a panic, never a way in.

use std::net::IpAddr;

use proptest::{prelude::*, sample::select};
use shield_guard::chain::{Access, Answer, CsrfScope, Decision, Outcome, RequestFacts, RoutePolicy};

use crate::fixture::{Backend, Headers, NOW, route, scopes};

const NAMES: [&str; 9] = [
    "authorization",
    "x-api-key",
    "cookie",
    "x-forwarded-for",
    "forwarded",
    "origin",
    "sec-fetch-site",
    "x-csrf-token",
    "host",
];

/// Bytes, or pieces that look like something.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let piece = select(vec![
        "Bearer ",
        "bearer",
        "Basic ",
        "ls_live_",
        "ls_test_",
        "__Host-session=",
        "; ",
        ", ",
        ".",
        "=",
        "eyJ",
        "10.0.0.1",
        "::1",
        "for=",
        "null",
        "https://link.example",
        "same-origin",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "\u{fffd}",
        "\0",
    ]);
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..120),
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat().into_bytes()),
    ]
}

fn headers() -> impl Strategy<Value = Headers> {
    prop::collection::vec((select(NAMES.to_vec()), value()), 0..8).prop_map(Headers)
}

fn access() -> impl Strategy<Value = Access> {
    let sets = select(vec![scopes(""), scopes("urls:check")]);
    prop_oneof![
        Just(Access::Ignored),
        sets.clone().prop_map(Access::Optional),
        sets.prop_map(Access::Required),
    ]
}

/// Answers of a store that is right, away, or not listening.
fn answers() -> impl Strategy<Value = u8> {
    0..4_u8
}

thread_local! {
    static BACKEND: Backend = Backend::new();
}

proptest! {
    #[test]
    fn no_headers_panic_or_open_anything(
        headers in headers(), access in access(), method in "[A-Za-z]{0,7}", peer: u32, answer in answers(),
    ) {
        BACKEND.with(|backend| {
            let policy = RoutePolicy { csrf: CsrfScope::Everybody, ..route(access) };
            let peer = IpAddr::from(peer.to_be_bytes());
            let request = RequestFacts { method: &method, peer, headers: &headers };
            let moment = backend.moment(NOW);
            let outcome = match backend.chain.decide(&request, &policy, &moment) {
                Decision::Decided(outcome) => outcome,
                Decision::NeedsStore(pending) => {
                    let answer = match answer {
                        0 => backend.answer(pending.question()),
                        1 => Answer::Session(None),
                        2 => Answer::Account(backend.standing),
                        _ => Answer::Away,
                    };
                    backend.chain.resume(pending, answer, &request, &moment)
                }
            };
            if let Outcome::Admitted(admitted) = outcome {
                assert!(admitted.principal.is_none(), "nobody has given these headers a credential");
                assert!(!matches!(access, Access::Required(_)));
            }
        });
    }

    #[test]
    fn a_bent_credential_is_no_credential(place: prop::sample::Index, byte in 0x21_u8..0x7f, kind in 0..3_u8) {
        BACKEND.with(|backend| {
            let (name, prefix, text) = match kind {
                0 => ("authorization", "Bearer ", backend.token.clone()),
                1 => ("x-api-key", "", backend.key.text.expose().clone()),
                _ => ("cookie", "__Host-session=", backend.session.secret.text().expose().clone()),
            };
            let mut bent = text.clone().into_bytes();
            let place = place.index(bent.len());
            bent[place] = byte;
            let policy = route(Access::Required(scopes("")));
            let headers = Headers(vec![(name, [prefix.as_bytes(), &bent].concat())]);
            if let Outcome::Admitted(_) = backend.judge_method("GET", &headers, &policy, NOW) {
                assert_eq!(bent, text.as_bytes());
            }
        });
    }
}
