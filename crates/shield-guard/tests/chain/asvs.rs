//! Requirements of ASVS 5.0 that no component keeps alone.

use shield_guard::{
    chain::{
        Access, AccountStanding, CookieFate, CredentialKind, CredentialRefusal, CsrfScope, Decision, Outcome,
        Refusal, RoutePolicy,
    },
    csrf::{CsrfRefusal, OriginRefusal, TokenRefusal},
    revocation::{GrantRefusal, Revoked},
};

use crate::fixture::{Backend, Headers, NOW, PEER, PROXY, account, later, request, route, scopes};

fn refusal(outcome: &Outcome<'_>) -> Option<Refusal> {
    match outcome {
        Outcome::Admitted(_) => None,
        Outcome::Refused(refused) => Some(refused.refusal),
    }
}

fn required() -> RoutePolicy {
    route(Access::Required(scopes("")))
}

fn revoked(kind: CredentialKind, refusal: GrantRefusal) -> Option<Refusal> {
    Some(Refusal::Credential(CredentialRefusal::Revoked { kind, refusal }))
}

#[test]
fn asvs_v4_1_3_a_spoofed_forwarded_address_moves_no_limit() {
    let (backend, policy) = (Backend::with_coarse(3), route(Access::Ignored));
    let ask = |peer, forwarded: &str| {
        let headers = Headers::new(&[("x-forwarded-for", forwarded)]);
        match backend.chain.decide(&request("GET", peer, &headers), &policy, &backend.moment(NOW)) {
            Decision::Decided(Outcome::Admitted(admitted)) => admitted.client.address.to_string(),
            Decision::Decided(Outcome::Refused(refused)) => refused.refusal.answer().status.to_string(),
            Decision::NeedsStore(_) => "asks".to_owned(),
        }
    };
    assert_eq!(ask(PEER, "192.0.2.1"), PEER, "not a proxy of ours");
    assert_eq!(ask(PROXY, "192.0.2.2, 203.0.113.9"), PEER, "the right-most hop that is not ours");
    assert_eq!(ask(PROXY, "192.0.2.3, 203.0.113.9"), PEER);
    assert_eq!(ask(PROXY, "192.0.2.4, 203.0.113.9"), "429", "the invented hop is not what is counted");
    assert_eq!(ask(PROXY, "192.0.2.4"), "192.0.2.4", "another client is not limited with it");
}

#[test]
fn asvs_v7_4_1_an_ended_session_ends_its_cookie_and_its_tokens() {
    let (backend, policy) = (Backend::new(), required());
    for headers in [backend.bearer(), backend.cookie()] {
        assert_eq!(refusal(&backend.judge(&headers, &policy, NOW)), None);
    }
    backend.read_log(&[Revoked::Session { session: backend.session.record.id }], NOW);
    let token = backend.judge(&backend.bearer(), &policy, NOW);
    assert_eq!(refusal(&token), revoked(CredentialKind::Token, GrantRefusal::Session));
    let cookie = backend.judge(&backend.cookie(), &policy, NOW);
    assert_eq!(refusal(&cookie), revoked(CredentialKind::Session, GrantRefusal::Session));
    assert_eq!(refusal(&cookie).unwrap().answer().cookie, CookieFate::Clear);
    assert_eq!(refusal(&backend.judge(&backend.api_key(), &policy, NOW)), None, "a key is of no session");
}

#[test]
fn asvs_v7_4_1_a_session_that_ends_while_the_store_is_asked_is_refused() {
    let (backend, policy) = (Backend::new(), required());
    let headers = backend.cookie();
    let request = request("POST", PEER, &headers);
    let Decision::NeedsStore(pending) = backend.chain.decide(&request, &policy, &backend.moment(NOW)) else {
        panic!("the near cache is empty");
    };
    let answer = backend.answer(pending.question());
    backend.read_log(&[Revoked::Session { session: backend.session.record.id }], NOW);
    let outcome = backend.chain.resume(pending, answer, &request, &backend.moment(NOW));
    assert_eq!(refusal(&outcome), revoked(CredentialKind::Session, GrantRefusal::Session));
}

#[test]
fn asvs_v7_4_2_a_suspended_account_is_refused_with_every_credential() {
    let (mut backend, policy) = (Backend::new(), required());
    backend.read_log(&[Revoked::Account { account: account(), issued_before: later(1) }], NOW);
    for (headers, kind) in [
        (backend.bearer(), CredentialKind::Token),
        (backend.cookie(), CredentialKind::Session),
        (backend.api_key(), CredentialKind::ApiKey),
    ] {
        let outcome = backend.judge(&headers, &policy, NOW);
        assert_eq!(refusal(&outcome), revoked(kind, GrantRefusal::Account));
    }
    backend = Backend::new();
    backend.standing = AccountStanding::Barred;
    for headers in [backend.bearer(), backend.cookie(), backend.api_key()] {
        let outcome = backend.judge(&headers, &policy, NOW);
        let barred = matches!(refusal(&outcome), Some(Refusal::Credential(CredentialRefusal::Barred { .. })));
        assert!(barred, "no revocation is needed");
    }
}

#[test]
fn asvs_v7_3_1_and_7_3_2_both_limits_end_a_session() {
    let (mut backend, policy) = (Backend::new(), required());
    let day = 24 * 3_600;
    let at = |backend: &Backend, seconds| {
        backend.read_log(&[], later(seconds));
        refusal(&backend.judge(&backend.cookie(), &policy, later(seconds)))
    };
    assert_eq!(at(&backend, day - 60), None);
    assert_eq!(at(&backend, day + 60), None, "the store has not heard of it yet, this node has");
    backend.session.record.last_seen_at = later(day + 60);
    assert_eq!(at(&backend, 2 * day), None, "the store is asked again, and has heard");
    assert_eq!(at(&backend, 3 * day + 60), Some(CredentialRefusal::SessionIdle.into()));
    assert_eq!(at(&backend, 7 * day), Some(CredentialRefusal::SessionExpired.into()));
}

#[test]
fn asvs_v3_5_1_a_cookie_needs_its_token_and_a_program_none() {
    let (backend, policy) = (Backend::new(), required());
    let cookie = ("cookie", backend.cookie_text());
    let ask = |method, lines: &[(&'static str, &str)]| {
        refusal(&backend.judge_method(method, &Headers::new(lines), &policy, NOW))
    };
    let missing = Some(Refusal::Csrf(CsrfRefusal::Token(TokenRefusal::Missing)));
    assert_eq!(ask("POST", &[(cookie.0, &cookie.1)]), missing);
    let foreign = Some(Refusal::Csrf(CsrfRefusal::Origin(OriginRefusal::CrossSite)));
    assert_eq!(ask("DELETE", &[(cookie.0, &cookie.1), ("sec-fetch-site", "cross-site")]), foreign);
    assert_eq!(ask("GET", &[(cookie.0, &cookie.1), ("sec-fetch-site", "cross-site")]), None);
    let bearer = format!("Bearer {}", backend.token);
    let program =
        [(cookie.0, cookie.1.as_str()), ("authorization", &bearer), ("sec-fetch-site", "cross-site")];
    assert_eq!(ask("POST", &program), None, "what counts is what no browser adds by itself");
}

#[test]
fn asvs_v3_5_1_another_site_logs_nobody_in() {
    let backend = Backend::new();
    let policy = RoutePolicy { csrf: CsrfScope::Everybody, ..route(Access::Ignored) };
    let ask = |site| refusal(&backend.judge(&Headers::new(&[("sec-fetch-site", site)]), &policy, NOW));
    assert_eq!(ask("same-origin"), None);
    assert_eq!(ask("cross-site"), Some(Refusal::Csrf(CsrfRefusal::Origin(OriginRefusal::CrossSite))));
    let open = route(Access::Ignored);
    let headers = Headers::new(&[("sec-fetch-site", "cross-site")]);
    assert_eq!(refusal(&backend.judge(&headers, &open, NOW)), None, "there is nothing to forge");
}

#[test]
fn asvs_v8_3_2_a_changed_role_counts_at_once_here_and_soon_everywhere() {
    let mut backend = Backend::new();
    let policy = route(Access::Required(scopes("account")));
    assert_eq!(refusal(&backend.judge(&backend.bearer(), &policy, NOW)), None);
    let AccountStanding::Acting(mut facts) = backend.standing else { panic!("it may act") };
    facts.scopes = scopes("urls:check");
    backend.standing = AccountStanding::Acting(facts);
    assert_eq!(refusal(&backend.judge(&backend.bearer(), &policy, later(19))), None, "another node's word");
    let outcome = refusal(&backend.judge(&backend.bearer(), &policy, later(20)));
    assert_eq!(outcome, Some(Refusal::Scope), "though the token still names the scope");
    facts.scopes = scopes("account");
    backend.standing = AccountStanding::Acting(facts);
    backend.chain.accounts.forget(account(), later(20));
    assert_eq!(refusal(&backend.judge(&backend.bearer(), &policy, later(20))), None);
}

#[test]
fn asvs_v16_2_5_and_16_3_2_refusals_are_events_without_secrets() {
    let (backend, policy) = (Backend::new(), route(Access::Required(scopes("admin"))));
    let key = backend.key.text.expose().as_str();
    let mistyped = format!("{}0", &key[..key.len() - 1]);
    for (headers, expected) in [
        (backend.bearer(), Some("access.denied")),
        (Headers::new(&[("x-api-key", &mistyped)]), Some("api-key.refused")),
        (Headers::new(&[("authorization", "Bearer garbage")]), Some("token.refused")),
        (Headers::new(&[("cookie", "__Host-session=garbage")]), Some("session.refused")),
        (Headers::default(), None),
    ] {
        let refused = refusal(&backend.judge(&headers, &policy, NOW)).unwrap();
        let event = refused.event();
        assert_eq!(event.as_ref().map(|event| event.shape().name), expected);
        let texts = format!("{refused:?} {refused} {event:?}");
        assert!(!texts.contains("garbage") && !texts.contains(&mistyped[8..]), "{texts}");
    }
}
