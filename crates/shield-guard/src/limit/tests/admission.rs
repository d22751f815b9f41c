//! Several limits on one request, and what its client reads.

use shield_types::Timestamp;

use super::{ONE, SECOND, key, limit, rate, units};
use crate::limit::{
    Algorithm, CHARGES_MAX, Charge, Limit, LimitError, LimitField, LimitKey, LimitSettings, OlderFields,
    PolicyField, Refusal, Tier, TierScaling, TooManyCharges, take_all,
};

fn charge(limit: &Limit, key: LimitKey, cost: u32) -> Charge<'_> {
    Charge { limit, key, tier: Tier::Free, cost: units(cost) }
}

#[test]
fn refusal_consumes_nothing_elsewhere() {
    let (wide, narrow) = (limit("wide", rate(100, 60)), limit("narrow", rate(2, 60)));
    let charges = [charge(&wide, key(1), 1), charge(&narrow, LimitKey::RouteClass(4), 1)];
    let admitted = (0..50).filter(|_| take_all(&charges, SECOND).unwrap().admitted()).count();
    assert_eq!(admitted, 2);
    assert_eq!(wide.look(&key(1), Tier::Free, SECOND, ONE).standing.remaining, 98);
    let admission = take_all(&charges, SECOND).unwrap();
    let (refusal, reading) = admission.refusal().unwrap();
    assert_eq!(reading.limit.name(), "narrow");
    assert_eq!(refusal, Refusal::Wait { retry_ns: 30 * SECOND });
}

#[test]
fn longest_refusal_is_reported() {
    let (short, long) = (limit("short", rate(1, 10)), limit("long", rate(1, 1_000)));
    let charges = [charge(&short, key(1), 1), charge(&long, key(1), 1)];
    assert!(take_all(&charges, 0).unwrap().admitted());
    let admission = take_all(&charges, 0).unwrap();
    let (refusal, reading) = admission.refusal().unwrap();
    assert_eq!((refusal.retry_after_seconds(), reading.limit.name()), (Some(1_000), "long"));
    let costly = [charge(&short, key(1), 2), charge(&long, key(1), 1)];
    assert_eq!(take_all(&costly, 0).unwrap().refusal().unwrap().0, Refusal::TooCostly);
}

#[test]
fn keys_of_different_kinds_are_apart() {
    let limit = limit("shared", rate(1, 60));
    for key in [key(0), LimitKey::RouteClass(0), LimitKey::RouteClass(1)] {
        assert_eq!(limit.take(&key, Tier::Free, 0, ONE).outcome, Ok(()), "{key:?}");
        assert!(limit.take(&key, Tier::Free, 0, ONE).outcome.is_err(), "{key:?}");
    }
}

#[test]
fn tiers_multiply_the_rate() {
    let limit = limit("api", rate(10, 60));
    let admitted =
        |number, tier| (0..200).filter(|_| limit.take(&key(number), tier, 0, ONE).outcome.is_ok()).count();
    assert_eq!(admitted(1, Tier::Free), 10);
    assert_eq!(admitted(2, Tier::Starter), 15);
    assert_eq!(admitted(3, Tier::Enterprise), 100);
}

#[test]
fn downgraded_keys_are_told_the_truth() {
    let limit = limit("api", rate(10, 60));
    for _ in 0..100 {
        limit.take(&key(1), Tier::Enterprise, 0, ONE);
    }
    let verdict = limit.take(&key(1), Tier::Free, 0, ONE);
    let Err(Refusal::Wait { retry_ns }) = verdict.outcome else { panic!("{verdict:?}") };
    assert_eq!(verdict.standing.remaining, 0);
    assert_eq!(limit.take(&key(1), Tier::Free, retry_ns, ONE).outcome, Ok(()));
}

#[test]
fn headers_say_what_is_true() {
    let (hour, minute) =
        (limit("hour", rate(100, 3_600)), limit("minute", rate(12, 60).with_burst(3).unwrap()));
    let charges = [charge(&hour, key(1), 1), charge(&minute, key(1), 2)];
    let admission = take_all(&charges, 0).unwrap();
    assert_eq!(
        PolicyField(&admission).to_string(),
        "\"hour\";q=100;w=3600, \"minute\";q=12;w=60;shield-burst=3"
    );
    assert_eq!(LimitField(&admission).to_string(), "\"hour\";r=99;t=36, \"minute\";r=1;t=5");
    let now = Timestamp(1_700_000_000_250);
    let older = OlderFields { limit: 12, remaining: 1, reset_seconds: 1_700_000_011 };
    assert_eq!(OlderFields::new(&admission, now), Some(older));

    let refused = take_all(&charges, SECOND).unwrap();
    let (refusal, reading) = refused.refusal().unwrap();
    assert_eq!(refusal.retry_after_seconds(), Some(4));
    assert!(reading.standing.next_ns.div_ceil(SECOND) <= 4, "the reset is not after Retry-After");
    assert_eq!(LimitField(&refused).to_string(), "\"hour\";r=99;t=35, \"minute\";r=1;t=4");
}

#[test]
fn no_limits_say_nothing() {
    let admission = take_all(&[], 0).unwrap();
    assert!(admission.admitted() && admission.tightest().is_none());
    assert_eq!(PolicyField(&admission).to_string(), "");
    assert_eq!(OlderFields::new(&admission, Timestamp(0)), None);
}

#[test]
fn refuses_more_than_it_answers() {
    let limit = limit("api", rate(10, 60));
    let charges = [charge(&limit, key(1), 1); CHARGES_MAX + 1];
    assert_eq!(take_all(&charges, 0).err(), Some(TooManyCharges { charges: CHARGES_MAX + 1 }));
}

#[test]
fn refuses_limits_it_cannot_keep() {
    let settings = |name, algorithm, count| LimitSettings {
        name,
        algorithm,
        rate: rate(count, 60),
        scaling: TierScaling::Multiplied,
        keys: units(1),
    };
    for name in ["", "Upper", "quo\"te", "line\n"] {
        let made = Limit::new(settings(name, Algorithm::Gcra, 1), [0; 16]);
        assert_eq!(made.err(), Some(LimitError::Name { name }));
    }
    let made = Limit::new(settings("wide", Algorithm::SlidingWindow, 6_554), [0; 16]);
    assert_eq!(made.err(), Some(LimitError::Count { name: "wide", count: 65_540, count_max: 65_535 }));
    assert!(Limit::new(settings("wide", Algorithm::SlidingWindow, 6_553), [0; 16]).is_ok());
}
