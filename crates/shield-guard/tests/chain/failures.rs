//! What is decided when something is missing: never in favour.

use std::time::Duration;

use shield_guard::{
    chain::{Access, AccountStanding, Answer, CredentialRefusal, Decision, Outcome, Refusal, RoutePolicy},
    revocation::{RevocationLimits, RevocationSet, Sensitivity},
};

use crate::fixture::{Backend, Headers, NOW, PEER, later, request, route, scopes, stranger};

fn required(sensitivity: Sensitivity) -> RoutePolicy {
    RoutePolicy { sensitivity, ..route(Access::Required(scopes(""))) }
}

/// The status of what is decided when the store answers this; 0 for an admission.
fn status(backend: &Backend, headers: &Headers, policy: &RoutePolicy, seconds: u64, answer: Answer) -> u16 {
    let request = request("POST", PEER, headers);
    let moment = backend.moment(later(seconds));
    let outcome = match backend.chain.decide(&request, policy, &moment) {
        Decision::Decided(outcome) => outcome,
        Decision::NeedsStore(pending) => backend.chain.resume(pending, answer, &request, &moment),
    };
    match outcome {
        Outcome::Admitted(_) => 0,
        Outcome::Refused(refused) => refused.refusal.answer().status,
    }
}

#[test]
fn asvs_v16_5_3_without_the_store_nothing_new_comes_in() {
    let (backend, policy) = (Backend::new(), required(Sensitivity::Ordinary));
    for headers in [backend.bearer(), backend.cookie(), backend.api_key()] {
        assert_eq!(status(&backend, &headers, &policy, 0, Answer::Away), 503);
    }
    let account = Answer::Account(backend.standing);
    assert_eq!(status(&backend, &backend.cookie(), &policy, 0, account), 503, "not what was asked");
    assert_eq!(status(&backend, &backend.bearer(), &policy, 0, Answer::Session(None)), 503);
    let answer = Answer::Session(Some((stranger().record, backend.standing)));
    assert_eq!(status(&backend, &backend.cookie(), &policy, 0, answer), 401, "another session");
    assert_eq!(
        status(&backend, &Headers::default(), &route(Access::Optional(scopes(""))), 0, Answer::Away),
        0
    );
}

#[test]
fn ordinary_routes_go_on_with_what_is_known() {
    let backend = Backend::new();
    let (ordinary, sensitive) = (required(Sensitivity::Ordinary), required(Sensitivity::Sensitive));
    for headers in [backend.bearer(), backend.cookie()] {
        assert_eq!(backend.judge(&headers, &ordinary, NOW).status(), 0);
        // Within the age of revocations, past that of the account's facts.
        assert_eq!(status(&backend, &headers, &ordinary, 25, Answer::Away), 0);
        assert_eq!(status(&backend, &headers, &sensitive, 25, Answer::Away), 503);
    }
    assert_eq!(backend.chain.accounts.prune(later(25), Duration::from_secs(25)), 1);
    assert_eq!(status(&backend, &backend.bearer(), &ordinary, 25, Answer::Away), 503);
}

#[test]
fn asvs_v16_5_2_old_revocations_close_sensitive_routes_first() {
    let backend = Backend::new();
    let (ordinary, sensitive) = (required(Sensitivity::Ordinary), required(Sensitivity::Sensitive));
    let account = || Answer::Account(backend.standing);
    assert_eq!(status(&backend, &backend.bearer(), &sensitive, 30, account()), 0);
    assert_eq!(status(&backend, &backend.bearer(), &sensitive, 31, account()), 503);
    assert_eq!(status(&backend, &backend.bearer(), &ordinary, 31, account()), 503, "the token is older");
    assert_eq!(status(&backend, &Headers::default(), &route(Access::Ignored), 31, Answer::Away), 0);
}

#[test]
fn a_set_that_was_never_complete_admits_nobody() {
    let mut backend = Backend::new();
    let limits = RevocationLimits { entries_max: 10, age_max: Duration::from_secs(30) };
    backend.chain.revocations = RevocationSet::new(limits);
    let policy = required(Sensitivity::Ordinary);
    for headers in [backend.bearer(), backend.cookie(), backend.api_key()] {
        assert_eq!(backend.judge(&headers, &policy, NOW).status(), 503);
    }
}

#[test]
fn a_killed_signing_key_ends_tokens_that_are_cached() {
    let (mut backend, policy) = (Backend::new(), required(Sensitivity::Ordinary));
    assert_eq!(backend.judge(&backend.bearer(), &policy, NOW).status(), 0);
    let key = backend.ring.records().next().unwrap().id;
    backend.ring = backend.ring.kill(key, NOW).unwrap();
    assert_eq!(backend.judge(&backend.bearer(), &policy, NOW).status(), 401);
}

#[test]
fn a_barred_account_is_remembered_as_barred() {
    let (mut backend, policy) = (Backend::new(), required(Sensitivity::Ordinary));
    backend.standing = AccountStanding::Barred;
    assert_eq!(backend.judge(&backend.bearer(), &policy, NOW).status(), 401);
    let decision = {
        let headers = backend.bearer();
        match backend.chain.decide(&request("GET", PEER, &headers), &policy, &backend.moment(NOW)) {
            Decision::Decided(Outcome::Refused(refused)) => Some(refused.refusal),
            Decision::Decided(Outcome::Admitted(_)) | Decision::NeedsStore(_) => None,
        }
    };
    assert!(matches!(decision, Some(Refusal::Credential(CredentialRefusal::Barred { .. }))));
}

trait Status {
    /// Of a refusal; 0 for an admission.
    fn status(&self) -> u16;
}

impl Status for Outcome<'_> {
    fn status(&self) -> u16 {
        match self {
            Outcome::Admitted(_) => 0,
            Outcome::Refused(refused) => refused.refusal.answer().status,
        }
    }
}
