//! The state as text, and the journal's promise: the same events give the same state.

use shield_release::{Effect, Environment, Event};
use shield_types::Timestamp;

use crate::story::{Story, spec};

fn round_trip(environment: &Environment) -> Environment {
    serde_json::from_str(&serde_json::to_string(environment).unwrap()).unwrap()
}

fn positions() -> Vec<Story> {
    let mut back = Story::watching();
    back.judged("r2");
    let mut restarting = Story::with_live();
    restarting.exited("r1.0.0");
    let mut down = Story::with_live();
    down.tell(Event::DownRequested);
    vec![
        Story::new(),
        Story::with_live(),
        Story::starting(),
        Story::promoting(),
        Story::watching(),
        Story::retiring_old(),
        Story::stopping_old(),
        back,
        restarting,
        down,
    ]
}

#[test]
fn snapshot_round_trips_everywhere() {
    for story in positions() {
        assert_eq!(round_trip(&story.environment), story.environment, "{}", story.position());
    }
}

#[test]
fn snapshot_refuses_keys_it_does_not_know() {
    let mut value = serde_json::to_value(Story::watching().environment).unwrap();
    value["newer"] = true.into();
    assert!(serde_json::from_value::<Environment>(value).is_err());
}

#[test]
fn restored_state_owes_the_same() {
    for story in positions() {
        assert_eq!(round_trip(&story.environment).outstanding(), story.environment.outstanding());
    }
}

#[test]
fn repeated_events_change_nothing() {
    let mut story = Story::promoting();
    for _ in 0..2 {
        story.started("r2.0.0");
        story.healthy("r2.0.0");
    }
    let routed = Event::Routed { generation: story.environment.generation(), claims: 1 };
    story.tell(routed.clone());
    let before = story.environment.clone();
    assert_eq!(story.tell(routed), [""; 0]);
    assert_eq!(story.environment, before);
}

#[test]
fn events_round_trip_as_text() {
    let plan = shield_release::plan(&Environment::default(), spec(1)).unwrap();
    for event in [Event::Requested { plan: Box::new(plan) }, Event::Tick, Event::DownRequested] {
        let text = serde_json::to_string(&event).unwrap();
        assert_eq!(serde_json::from_str::<Event>(&text).unwrap(), event);
    }
}

#[test]
fn owes_until_confirmed() {
    let mut environment = Environment::default();
    let plan = Box::new(shield_release::plan(&environment, spec(1)).unwrap());
    let effects = environment.step(Timestamp(1), Event::Requested { plan });
    assert_eq!(environment.outstanding(), effects);
    environment.step(Timestamp(2), Event::Tick);
    assert_eq!(environment.outstanding(), effects);
    assert!(matches!(effects[..], [Effect::Start { .. }]));
}
