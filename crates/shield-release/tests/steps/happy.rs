//! Releases that go well.

use crate::story::{START_DEADLINE, Story, WATCH, spec};

#[test]
fn first_release_ends_done() {
    let mut story = Story::new();
    assert_eq!(story.request(spec(1)), ["start r1.0.0"]);
    assert_eq!(story.started("r1.0.0"), ["probe r1.0.0"]);
    assert_eq!(story.healthy("r1.0.0"), ["route 1"]);
    assert_eq!(story.routed(), [""; 0]);
    assert_eq!((story.position(), story.live()), ("watching", Some("r1")));
    assert_eq!(story.wait(WATCH), ["route 2"]);
    assert_eq!((story.position(), story.ended().as_str()), ("idle", "r1 done"));
}

#[test]
fn blue_green_orders_effects() {
    let mut story = Story::with_live();
    assert_eq!(story.request(spec(2)), ["start r2.0.0"]);
    assert_eq!(story.started("r2.0.0"), ["probe r2.0.0"]);
    assert_eq!(story.healthy("r2.0.0"), ["route 3"]);
    assert_eq!(story.routed(), [""; 0]);
    assert_eq!(story.wait(WATCH), ["route 4"]);
    assert_eq!(story.routed(), ["drain r1"]);
    assert_eq!(story.drained("r1"), ["stop r1.0.0 within 10s"]);
    assert_eq!(story.position(), "retiring old");
    assert_eq!(story.exited("r1.0.0"), [""; 0]);
    assert_eq!((story.position(), story.ended().as_str()), ("idle", "r2 done"));
    assert_eq!(story.instances(), ["r2.0.0 healthy"]);
}

#[test]
fn history_keeps_times_and_claims() {
    let mut story = Story::watching();
    let promoted_at = story.now;
    story.wait(WATCH);
    story.finish();
    let finished = story.environment.history().next_back().unwrap();
    assert!(finished.succeeded());
    assert_eq!(finished.previous.as_ref().unwrap().as_str(), "r1");
    assert_eq!(finished.promoted_at, Some(promoted_at));
    assert_eq!(finished.finished_at.since(promoted_at), WATCH);
    assert_eq!(finished.claims_at_swap, Some(5));
}

#[test]
fn waits_for_every_instance() {
    let mut story = Story::with_live();
    let mut wide = spec(2);
    wide.instances = 3;
    assert_eq!(story.request(wide), ["start r2.0.0", "start r2.1.0", "start r2.2.0"]);
    story.bring_up("r2.1.0");
    story.bring_up("r2.0.0");
    assert_eq!(story.position(), "starting");
    assert_eq!(story.bring_up("r2.2.0"), ["route 3"]);
    assert_eq!(story.position(), "promoting");
}

#[test]
fn watch_ends_no_earlier() {
    let mut story = Story::watching();
    assert_eq!(story.environment.next_deadline(), Some(story.now.after(WATCH)));
    story.wait(WATCH - std::time::Duration::from_millis(1));
    assert_eq!(story.position(), "watching");
    story.wait(std::time::Duration::from_millis(1));
    assert_eq!(story.position(), "retiring old");
}

#[test]
fn clock_set_back_changes_nothing() {
    let mut story = Story::watching();
    story.now = shield_types::Timestamp(5);
    story.wait(START_DEADLINE);
    assert_eq!(story.position(), "watching");
}

#[test]
fn history_forgets_the_oldest() {
    let mut story = Story::new();
    for number in 1..=101 {
        story.ship(number);
    }
    let history: Vec<_> = story.environment.history().map(|it| it.spec.number).collect();
    assert_eq!((history.len(), history[0], history[99]), (100, 2, 101));
}
