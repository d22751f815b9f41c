//! Whose units a request takes.

use std::sync::Arc;

use shield_guard::{
    chain::{
        Access, AccountStanding, LimitSubject, Outcome, ROUTE_LIMITS_MAX, Refusal, RouteLimit, RouteLimits,
        TooManyLimits,
    },
    limit::Tier,
};

use crate::fixture::{Backend, Headers, NOW, limit, limited, scopes};

/// The name of the limit that refuses; empty when none does.
fn limit_of(outcome: &Outcome<'_>) -> &'static str {
    match outcome {
        Outcome::Refused(refused) => match refused.refusal {
            Refusal::Limited { limit, .. } => limit,
            other => panic!("{other}"),
        },
        Outcome::Admitted(_) => "",
    }
}

#[test]
fn asvs_v2_4_1_refused_guesses_count_against_their_address() {
    let backend = Backend::with_coarse(5);
    let policy = limited(Access::Required(scopes("")), &[]);
    let guess = Headers::new(&[("x-api-key", "ls_live_guess")]);
    let statuses: Vec<_> = (0..6)
        .map(|_| match backend.judge(&guess, &policy, NOW) {
            Outcome::Refused(refused) => refused.refusal.answer().status,
            Outcome::Admitted(_) => 0,
        })
        .collect();
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429]);
    assert_eq!(limit_of(&backend.judge(&backend.bearer(), &policy, NOW)), "address");
}

#[test]
fn accounts_and_strangers_have_limits_of_their_own() {
    let backend = Backend::new();
    let subjects = [("stranger", 2, LimitSubject::Anonymous), ("account", 3, LimitSubject::Account)];
    let policy = limited(Access::Optional(scopes("")), &subjects);
    let refusals = |headers: &Headers, asks: u32| {
        (0..asks).map(|_| limit_of(&backend.judge(headers, &policy, NOW))).collect::<Vec<_>>()
    };
    assert_eq!(refusals(&Headers::default(), 3), ["", "", "stranger"]);
    assert_eq!(refusals(&backend.bearer(), 2), ["", ""]);
    assert_eq!(refusals(&backend.cookie(), 1), [""], "the same account");
    assert_eq!(refusals(&backend.bearer(), 1), ["account"]);
    assert_eq!(refusals(&backend.api_key(), 2), ["", ""], "keys have limits of their own");
}

#[test]
fn asvs_v2_4_1_a_stolen_key_takes_nothing_of_a_log_in() {
    let backend = Backend::new();
    let subjects = [
        ("account", 2, LimitSubject::Account),
        ("session", 2, LimitSubject::Session),
        ("key", 3, LimitSubject::ApiKey),
    ];
    let policy = limited(Access::Required(scopes("")), &subjects);
    let refusals = |headers: &Headers, asks: u32| {
        (0..asks).map(|_| limit_of(&backend.judge(headers, &policy, NOW))).collect::<Vec<_>>()
    };
    assert_eq!(refusals(&backend.api_key(), 5), ["", "", "", "key", "key"]);
    assert_eq!(refusals(&backend.bearer(), 2), ["", ""]);
    let session = limited(Access::Required(scopes("")), &[("session", 1, LimitSubject::Session)]);
    assert_eq!(limit_of(&backend.judge(&backend.bearer(), &session, NOW)), "");
    assert_eq!(limit_of(&backend.judge(&backend.cookie(), &session, NOW)), "session", "the token's session");
    assert_eq!(limit_of(&backend.judge(&backend.api_key(), &session, NOW)), "");
}

#[test]
fn a_better_tier_has_a_better_rate() {
    let mut backend = Backend::new();
    let policy = limited(Access::Optional(scopes("")), &[("account", 2, LimitSubject::Account)]);
    let AccountStanding::Acting(mut facts) = backend.standing else { panic!("it may act") };
    facts.tier = Tier::Creator;
    backend.standing = AccountStanding::Acting(facts);
    let outcome = backend.judge(&backend.bearer(), &policy, NOW);
    let Outcome::Admitted(admitted) = outcome else { panic!("it is the first") };
    let standing = admitted.limits.tightest().unwrap().standing;
    assert_eq!((standing.limit, standing.remaining), (10, 9));
}

#[test]
fn keys_and_classes_are_counted_apart() {
    let backend = Backend::new();
    let key = limited(Access::Optional(scopes("")), &[("key", 1, LimitSubject::ApiKey)]);
    assert_eq!(limit_of(&backend.judge(&backend.api_key(), &key, NOW)), "");
    assert_eq!(limit_of(&backend.judge(&backend.api_key(), &key, NOW)), "key");
    assert_eq!(limit_of(&backend.judge(&backend.bearer(), &key, NOW)), "", "no key, no limit of keys");
    let class = limited(Access::Optional(scopes("")), &[("class", 1, LimitSubject::RouteClass(7))]);
    assert_eq!(limit_of(&backend.judge(&backend.api_key(), &class, NOW)), "");
    assert_eq!(limit_of(&backend.judge(&Headers::default(), &class, NOW)), "class");
}

#[test]
fn a_limit_by_address_is_not_dodged_by_logging_in() {
    let backend = Backend::new();
    let policy = limited(Access::Optional(scopes("")), &[("log-in", 1, LimitSubject::Address)]);
    assert_eq!(limit_of(&backend.judge(&Headers::default(), &policy, NOW)), "");
    assert_eq!(limit_of(&backend.judge(&backend.bearer(), &policy, NOW)), "log-in");
}

#[test]
fn more_limits_than_can_be_answered_for_are_refused() {
    let one = RouteLimit { limit: Arc::new(limit("one", 1)), subject: LimitSubject::Address };
    assert!(RouteLimits::new(vec![one.clone(); ROUTE_LIMITS_MAX]).is_ok());
    let refused = RouteLimits::new(vec![one; ROUTE_LIMITS_MAX + 1]).err();
    assert_eq!(refused, Some(TooManyLimits { limits: ROUTE_LIMITS_MAX + 1 }));
}
